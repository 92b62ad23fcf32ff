// What a real Debezium made of rows is what we make of them, byte by byte (testdata/README.md).
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <optional>

#include "debezium/event_stream.h"
#include "debezium/schemas.h"
#include "debezium/testing/recording.h"
#include "debezium/write_cell.h"
#include "record/avro_decoder.h"
#include "record/avro_schema.h"
#include "record/connect_json.h"
#include "record/wire_format.h"

namespace tailrace::debezium {
namespace {

using record::Json;
using testing::Collector;
using testing::RecordedRecord;
using testing::Recording;

constexpr std::int64_t now_ns = 1'700'000'000'123'456'789;
const std::string now_tail =
    R"("ts_ms":1700000000123,"ts_us":1700000000123456,"ts_ns":1700000000123456789}})";

void replace_all(std::string& text, std::string_view what, std::string_view by) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size()))
    text.replace(at, what.size(), by);
}

// When Debezium made an event is nothing that we could repeat. And Java writes the shortest digits of a float since 19; the
// recording's is older.
RecordedRecord comparable(RecordedRecord record) {
  if (!record.value) return record;
  replace_all(*record.value, ":1.17549435E-38", ":1.1754944E-38");
  const std::size_t tail = record.value->rfind(R"("ts_ms":)");
  if (tail != std::string::npos) record.value->replace(tail, std::string::npos, now_tail);
  return record;
}

// What the recorded event of a snapshot says of itself.
EventContext context_of(const RecordedRecord& record) {
  const Json event = record::parse_json(*record.value);
  const Json& source = *event.find("payload")->find("source");
  EventContext context{.source_time = source.find("ts_ns")->integer().value(), .now = now_ns};
  if (const std::string* const lsn = source.find_string("commit_lsn")) context.commit_lsn = Lsn::parse(*lsn);
  const std::map<std::string, SnapshotMarker> markers{
      {"first", SnapshotMarker::first},
      {"first_in_data_collection", SnapshotMarker::first_in_data_collection},
      {"true", SnapshotMarker::middle},
      {"last_in_data_collection", SnapshotMarker::last_in_data_collection},
      {"last", SnapshotMarker::last}};
  context.snapshot = markers.at(*source.find_string("snapshot"));
  return context;
}

std::string run_id_of(const Recording& recording) {
  for (const auto& [topic, records] : recording.records) {
    for (const RecordedRecord& record : records) {
      for (const auto& [name, value] : record.headers) {
        if (name == "__debezium.context.runId") return value;
      }
    }
  }
  return {};
}

// The first place where they differ, with what is around it: the texts are long.
std::string difference(const std::optional<std::string>& one, const std::optional<std::string>& other) {
  if (one == other) return {};
  if (!one || !other) return one ? "there is one more: " + *one : "it is missing: " + *other;
  const auto [at, behind] = std::mismatch(one->begin(), one->end(), other->begin(), other->end());
  const auto place = static_cast<std::size_t>(at - one->begin());
  const std::size_t begin = place < 150 ? 0 : place - 150;
  return "ours:   ..." + one->substr(begin, 300) + "...\nDebezium's: ..." + other->substr(begin, 300) + "...";
}

void expect_same(const std::vector<RecordedRecord>& ours, const std::vector<RecordedRecord>& theirs) {
  for (std::size_t i = 0; i < std::min(ours.size(), theirs.size()); ++i) {
    SCOPED_TRACE("record " + std::to_string(i));
    EXPECT_EQ(ours[i].topic, theirs[i].topic);
    EXPECT_EQ(difference(ours[i].key, theirs[i].key), "");
    EXPECT_EQ(difference(ours[i].value, theirs[i].value), "");
    EXPECT_EQ(ours[i].headers, theirs[i].headers);
    if (::testing::Test::HasFailure()) return;
  }
  EXPECT_EQ(ours.size(), theirs.size());
}

class Recorded : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    recording_ = testing::read_recording(GetParam());
    recording_.settings.run_id = run_id_of(recording_);
    ASSERT_FALSE(recording_.settings.run_id.empty());
    // What nanoseconds of 64 bits do not reach is NULL there.
    recording_.settings.conversion_failures = ConversionFailure::warn;
  }

  std::string topic_of(const RowBatch& batch) const {
    return recording_.settings.topic_of(batch.schema().name.schema, batch.schema().name.name);
  }
  std::vector<RecordedRecord> recorded(const std::string& topic, std::size_t begin, std::size_t end) const {
    const std::vector<RecordedRecord>& all = recording_.records.at(topic);
    std::vector<RecordedRecord> found;
    for (std::size_t i = begin; i < std::min(end, all.size()); ++i)
      found.push_back(comparable(all[i]));
    return found;
  }
  // The records of all changes, by topic.
  std::map<std::string, std::vector<RecordedRecord>> streamed(const EventSettings& settings, SchemaIds* ids) {
    Collector collector;
    EventStream stream(settings, ids, [] { return now_ns; });
    recording_.changes.end.emplace();
    EXPECT_TRUE(stream.send(recording_.changes, collector));
    std::map<std::string, std::vector<RecordedRecord>> found;
    for (RecordedRecord& record : collector.records)
      found[record.topic].push_back(std::move(record));
    return found;
  }

  Recording recording_;
};

TEST_P(Recorded, RowsOfTheSnapshotAreTheSameRecords) {
  for (const auto& [name, batch] : recording_.snapshot) {
    SCOPED_TRACE(name);
    const std::string topic = topic_of(batch);
    ASSERT_TRUE(batch.empty() || recording_.records.contains(topic));
    EventEncoder encoder(recording_.settings, batch.schema_ptr(), nullptr);
    Collector collector;
    for (std::size_t row = 0; row < batch.rows(); ++row) {
      const EventContext context = context_of(recording_.records.at(topic).at(row));
      EXPECT_TRUE(encoder.encode(batch, row, context, collector));
    }
    expect_same(collector.records, recorded(topic, 0, batch.rows()));
  }
}

TEST_P(Recorded, ChangesAreTheSameRecords) {
  const auto ours = streamed(recording_.settings, nullptr);
  for (const auto& [name, batch] : recording_.snapshot) {
    SCOPED_TRACE(name);
    const std::string topic = topic_of(batch);
    const auto found = ours.find(topic);
    const auto theirs = recorded(topic, batch.rows(), SIZE_MAX);
    expect_same(found == ours.end() ? std::vector<RecordedRecord>{} : found->second, theirs);
  }
}

// Avro says what JSON says, which is Debezium's.
TEST_P(Recorded, AvroSaysTheSame) {
  EventSettings settings = recording_.settings;
  settings.schema_names = NameAdjustment::avro;
  settings.field_names = NameAdjustment::avro;
  const auto json = streamed(settings, nullptr);
  settings.converter = Converter::avro;
  testing::CountedIds ids;
  const auto avro = streamed(settings, &ids);
  std::map<std::int32_t, record::AvroDecoder> decoders;
  for (const auto& [subject, id] : ids.ids)
    decoders.emplace(id, record::AvroDecoder(record::parse_avro(subject.second)));
  std::size_t compared = 0;
  for (const auto& [topic, records] : json) {
    ASSERT_EQ(avro.at(topic).size(), records.size()) << topic;
    for (std::size_t i = 0; i < records.size(); ++i) {
      const RecordedRecord& other = avro.at(topic)[i];
      for (const auto& [text, bytes] :
           {std::pair(records[i].key, other.key), std::pair(records[i].value, other.value)}) {
        ASSERT_EQ(text.has_value(), bytes.has_value());
        if (!text) continue;
        const record::Framed framed = record::parse_frame(*bytes);
        const record::SchemaAndValue expected = record::parse_json_envelope(*text);
        EXPECT_EQ(decoders.at(framed.schema_id).decode(framed.value), expected.value)
            << topic << ", " << i << *text;
        ++compared;
      }
      EXPECT_EQ(records[i].headers, other.headers);
    }
  }
  EXPECT_GT(compared, 0U);
}

INSTANTIATE_TEST_SUITE_P(Debezium, Recorded,
                         ::testing::Values("default", "transactions", "decimal_string", "decimal_double",
                                           "time_adaptive_time_microseconds", "time_connect",
                                           "time_isostring", "time_microseconds", "time_nanoseconds",
                                           "binary_base64", "binary_base64_url_safe", "binary_hex",
                                           "avro_names", "avro_unicode_names", "masks", "masked_strings",
                                           "column_types", "data_types"),
                         [](const auto& parameter) { return std::string(parameter.param); });

// A registry that has Debezium's schemas takes ours for the same.
TEST(RecordedDocuments, AreThoseThatAConverterRegisters) {
  std::ifstream file(TAILRACE_DEBEZIUM_TESTDATA "/avro_documents.jsonl");
  std::size_t compared = 0;
  std::map<std::string, Recording> recordings;
  for (std::string text; std::getline(file, text);) {
    const Json line = record::parse_json(text);
    const std::string& name = *line.find_string("recording");
    const std::string& topic = *line.find_string("topic");
    SCOPED_TRACE(topic);
    if (!recordings.contains(name)) recordings.emplace(name, testing::read_recording(name));
    const EventSettings& settings = recordings.at(name).settings;
    record::SchemaPtr key = transaction_key_schema(settings);
    record::SchemaPtr value = transaction_value_schema(settings);
    for (const auto& [table, batch] : recordings.at(name).snapshot) {
      const TablePlan plan = plan_table(batch.schema(), settings);
      if (plan.topic != topic) continue;
      key = plan.key_schema;
      value = plan.envelope;
    }
    if (const std::string* const document = line.find_string("key")) {
      EXPECT_EQ(record::avro_document(*key), *document);
    }
    EXPECT_EQ(record::avro_document(*value), *line.find_string("value"));
    ++compared;
  }
  EXPECT_EQ(compared, 21U);
}

struct End {
  std::int64_t events = 0;
  std::map<std::string, std::int64_t> tables;
  bool operator==(const End&) const = default;
};

// BEGIN as it is; of END the counts: its tables stand in the order of a hash table, and its time is of what came next.
struct TransactionRecords {
  std::vector<RecordedRecord> begins;
  std::map<std::string, End> ends;
};

TransactionRecords transactions_of(const std::vector<RecordedRecord>& records) {
  TransactionRecords found;
  for (const RecordedRecord& record : records) {
    const Json event = record::parse_json(*record.value);
    const Json& value = *event.find("payload");
    if (*value.find_string("status") == "BEGIN") {
      found.begins.push_back(record);
      continue;
    }
    End& end = found.ends[*record.key];
    end.events = value.find("event_count")->integer().value();
    for (const Json& table : value.find("data_collections")->items)
      end.tables[*table.find_string("data_collection")] = table.find("event_count")->integer().value();
  }
  return found;
}

// A consumer that puts transactions together again counts on these.
TEST(RecordedTransactions, BeginAndEndAreTheSame) {
  Recording recording = testing::read_recording("transactions");
  Collector collector;
  EventStream stream(recording.settings, nullptr, [] { return now_ns; });
  recording.changes.end.emplace();
  ASSERT_TRUE(stream.send(recording.changes, collector));
  const std::string topic = recording.settings.transaction_topic();
  std::vector<RecordedRecord> ours;
  for (RecordedRecord& record : collector.records) {
    if (record.topic == topic) ours.push_back(std::move(record));
  }
  const TransactionRecords mine = transactions_of(ours);
  TransactionRecords theirs = transactions_of(recording.records.at(topic));
  ASSERT_GT(theirs.begins.size(), 5U);
  expect_same(mine.begins, theirs.begins);
  // The last one is ended when the next one comes, or some time later.
  for (const auto& [id, end] : theirs.ends) {
    ASSERT_TRUE(mine.ends.contains(id)) << id;
    EXPECT_EQ(mine.ends.at(id), end) << id;
  }
  EXPECT_GE(theirs.ends.size() + 1, mine.ends.size());
}

}  // namespace
}  // namespace tailrace::debezium
