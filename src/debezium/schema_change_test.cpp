// The topic of schema changes: what a real Debezium said of every table, and when a table is another one.
#include "debezium/schema_change.h"

#include <gtest/gtest.h>

#include "debezium/event_stream.h"
#include "debezium/schemas.h"
#include "debezium/testing/recording.h"
#include "record/json_tree.h"

namespace tailrace::debezium {
namespace {

using record::Json;
using testing::Collector;
using testing::RecordedRecord;
using testing::Recording;

std::string table_of(const Json& event) {
  return *event.find("payload")->find("source")->find_string("schema") + "." +
         *event.find("payload")->find("source")->find_string("table");
}

// The moment of the record itself, which nothing repeats, is ours; everything else must be equal.
std::string with_moment(const std::string& theirs, const Json& event, std::int64_t now) {
  const std::string moment =
      R"(,"ts_ms":)" + event.find("payload")->find("ts_ms")->text + R"(,"databaseName")";
  const std::size_t at = theirs.find(moment);
  if (at == std::string::npos) throw std::runtime_error("a schema change without its moment");
  std::string out = theirs;
  out.replace(at, moment.size(), R"(,"ts_ms":)" + std::to_string(now) + R"(,"databaseName")");
  // A computed column, which tailrace leaves out (the recording has it as a plain one).
  const std::string computed = R"("generated":true)";
  const std::size_t generated = out.find(computed);
  if (generated != std::string::npos) out.replace(generated, computed.size(), R"("generated":false)");
  return out;
}

class Described : public ::testing::Test {
 protected:
  void SetUp() override {
    recording_ = testing::read_recording("schema_changes");
    topic_ = recording_.settings.schema_change_topic();
    for (const auto& [name, value] : recording_.records.at(topic_).front().headers) {
      if (name == "__debezium.context.runId") recording_.settings.run_id = value;
    }
  }

  RecordedRecord ours(const TableSchema& table, bool is_new, const Json& event) {
    const Json& source = *event.find("payload")->find("source");
    SchemaChange change{.table = table, .is_new = is_new};
    change.context.source_time = source.find("ts_ns")->integer().value();
    change.context.snapshot = *source.find_string("snapshot") == "false"   ? SnapshotMarker::none
                              : *source.find_string("snapshot") == "first" ? SnapshotMarker::first
                                                                           : SnapshotMarker::middle;
    if (const std::string* const lsn = source.find_string("commit_lsn"))
      change.context.commit_lsn = Lsn::parse(*lsn);
    if (const std::string* const lsn = source.find_string("change_lsn"))
      change.context.change_lsn = Lsn::parse(*lsn);
    if (const auto serial = source.find("event_serial_no")->integer())
      change.context.event_serial_no = serial;
    Collector collector;
    EventStream stream(recording_.settings, nullptr, [] { return 7'000'000; });
    EXPECT_TRUE(stream.send_schema_change(change, collector));
    return collector.records.at(0);
  }

  void expect_same(const TableSchema& table, bool is_new, const RecordedRecord& theirs) {
    const Json event = record::parse_json(*theirs.value);
    const RecordedRecord made = ours(table, is_new, event);
    EXPECT_EQ(made.key, theirs.key);
    EXPECT_EQ(*made.value, with_moment(*theirs.value, event, 7));
    EXPECT_EQ(made.headers, theirs.headers);
  }

  Recording recording_;
  std::string topic_;
};

// A reader of the topic makes tables of it: a type or a length that is not Debezium's makes other ones.
TEST_F(Described, EveryTableIsAsDebeziumDescribesIt) {
  std::size_t compared = 0;
  for (const RecordedRecord& theirs : recording_.records.at(topic_)) {
    const std::string name = table_of(record::parse_json(*theirs.value));
    if (theirs.value->find(R"("type":"CREATE")") == std::string::npos || !recording_.snapshot.contains(name))
      continue;
    SCOPED_TRACE(name);
    expect_same(recording_.snapshot.at(name).schema(), /*is_new=*/true, theirs);
    ++compared;
  }
  EXPECT_EQ(compared, recording_.snapshot.size());
  EXPECT_GT(compared, 10U);
}

TEST_F(Described, ATableThatWasAlteredIsSaidToBe) {
  ASSERT_NE(recording_.altered, nullptr);
  const RecordedRecord& last = recording_.records.at(topic_).back();
  Json event = record::parse_json(*last.value);
  // Debezium still has the event before it in its source, with its table.
  TableSchema table = *recording_.altered;
  const RecordedRecord made = ours(table, /*is_new=*/false, event);
  const auto changes_of = [](const std::string& value) {
    return value.substr(value.rfind(R"("schemaName")"));
  };
  EXPECT_EQ(changes_of(*made.value), changes_of(*last.value));
  EXPECT_EQ(made.key, last.key);
}

// Nothing is said twice, and nothing that changed is left unsaid.
TEST(Shape, IsAnotherWhereTheDescriptionIs) {
  TableSchema table;
  table.name = {"dbo", "t"};
  table.columns = {{.name = "a", .type = {TypeKind::nvarchar, 40}}, {.name = "b", .type = {TypeKind::int_}}};
  table.key = {1};
  const std::string shape = shape_of(table);
  EXPECT_EQ(shape_of(table), shape);
  TableSchema other = table;
  other.columns[0].type.length = 41;
  EXPECT_NE(shape_of(other), shape);
  other = table;
  other.columns[0].nullable = false;
  EXPECT_NE(shape_of(other), shape);
  other = table;
  other.columns[1].fallback = "((1))";
  EXPECT_NE(shape_of(other), shape);
  other = table;
  other.columns[0].name = "c";
  EXPECT_NE(shape_of(other), shape);
  other = table;
  other.key = {};
  EXPECT_NE(shape_of(other), shape);
  other = table;
  other.columns.pop_back();
  other.key = {};
  EXPECT_NE(shape_of(other), shape);
}

}  // namespace
}  // namespace tailrace::debezium
