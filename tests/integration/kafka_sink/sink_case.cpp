// Short ways to a sink that streams, and to what it has written.
#include "tests/integration/kafka_sink/sink_case.h"

#include <nlohmann/json.hpp>

#include "kafka/consumer.h"

namespace tailrace::kafka {

void SinkCase::SetUp() {
  if (!broker().why_not().empty()) GTEST_SKIP() << broker().why_not();
  // A pipeline of its own: names of topics and transactional ids with it.
  const ::testing::TestInfo& info = *::testing::UnitTest::GetInstance()->current_test_info();
  pipeline_ = std::string(info.test_suite_name()) + "." + info.name();
}

SinkSettings SinkCase::settings() const {
  SinkSettings out;
  out.kafka.bootstrap_servers = {broker().address()};
  out.kafka.patience = 20s;
  out.pipeline = pipeline_;
  out.events.topic_prefix = pipeline_;
  out.events.database = "shop";
  out.events.converter = debezium::Converter::json;
  out.events.json_schemas = false;
  out.topics.partitions = 1;
  out.topics.replication = 1;
  out.writers = 1;
  out.max_value_bytes = std::size_t{1} << 20;
  out.transaction_timeout = 60s;
  out.fill_time = 0ms;
  return out;
}

SinkSettings SinkCase::settings_of(const std::string& instance) const {
  SinkSettings out = settings();
  out.instance = instance;
  return out;
}

StateKeys SinkCase::keys() const {
  const SinkSettings all = settings();
  return {all.pipeline, all.connector_name(), all.events.prefix(), all.events.database};
}

std::unique_ptr<KafkaSink> SinkCase::streaming(const SinkSettings& settings) {
  auto sink = std::make_unique<KafkaSink>(settings);
  EXPECT_TRUE(sink->open(false, never_).first_run);
  sink->use_tables({table_});
  const Lsn low = tailrace::testing::lsn(1);
  sink->begin_load("source", {TableStart{table_, low, /*shadow=*/false, /*loads=*/false}},
                   Position{low, "", 0});
  EXPECT_TRUE(sink->finish_load({table_}, HighMark{"mark"}, never_));
  ChangeBatch end = tailrace::testing::ending_at(tailrace::testing::lsn(2), {}, {table_->name});
  EXPECT_TRUE(sink->write(end, never_));
  return sink;
}

std::unique_ptr<KafkaSink> SinkCase::reopened(const SinkSettings& settings, ResumeState* state) {
  auto sink = std::make_unique<KafkaSink>(settings);
  ResumeState resumed = sink->open(false, never_);
  EXPECT_FALSE(resumed.first_run);
  sink->use_tables({table_});
  if (state != nullptr) *state = std::move(resumed);
  return sink;
}

RowBatch SinkCase::rows(std::uint8_t commit, const std::vector<Change>& changes, std::uint8_t from) const {
  RowBatch out(table_);
  std::uint8_t serial = from;
  for (const Change& change : changes) {
    const std::size_t row = tailrace::testing::add(out, change.operation, {change.id, change.text});
    RowHeader& header = out.header(row);
    header.commit_lsn = tailrace::testing::lsn(commit);
    header.seqval = tailrace::testing::lsn(commit);
    header.seqval.bytes[8] = serial++;
  }
  return out;
}

ChangeBatch SinkCase::open_part(std::uint8_t commit, const std::vector<Change>& changes,
                                std::uint8_t from) const {
  ChangeBatch out = tailrace::testing::part({rows(commit, changes, from)});
  for (std::size_t row = 0; row < changes.size(); ++row)
    out.order.push_back({0, static_cast<std::uint32_t>(row)});
  return out;
}

ChangeBatch SinkCase::commit_point(std::uint8_t commit, const std::vector<Change>& changes,
                                   std::uint8_t from) const {
  ChangeBatch out = tailrace::testing::ending_at(tailrace::testing::lsn(commit), {});
  ChangeBatch part = open_part(commit, changes, from);
  out.tables = std::move(part.tables);
  out.order = std::move(part.order);
  return out;
}

namespace {

std::string text_of_event(std::string_view value) {
  const nlohmann::json event = nlohmann::json::parse(value);
  const nlohmann::json& row = event.at("after").is_null() ? event.at("before") : event.at("after");
  const nlohmann::json text = row.value("text", nlohmann::json());
  return event.at("op").get<std::string>() + " " + (text.is_string() ? text.get<std::string>() : "");
}

}  // namespace

std::vector<std::string> SinkCase::texts() const {
  std::vector<std::string> out;
  for (const std::string& value : broker().values(topic()))
    out.push_back(value == "NULL" ? "tombstone" : text_of_event(value));
  return out;
}

std::vector<std::string> SinkCase::visible(std::size_t wanted) const {
  Consumer consumer(cluster(), {});
  consumer.assign({{{topic(), 0}, 0}});
  std::vector<std::string> out;
  Batch batch;
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  bool is_at_end = false;
  while (!is_at_end || (out.size() < wanted && std::chrono::steady_clock::now() < deadline)) {
    consumer.poll(batch, {.wait = 100ms}, never_);
    for (const InRecord& record : batch.records())
      out.push_back(record.value() ? text_of_event(*record.value()) : "tombstone");
    is_at_end = is_at_end || !batch.ends().empty();
  }
  return out;
}

StoredState SinkCase::stored() const {
  Admin admin(cluster());
  return read_state(OffsetsTopic(cluster(), offsets_topic()).read(admin, never_), keys());
}

std::string SinkCase::stored_value(const std::string& key) const {
  Admin admin(cluster());
  const std::map<std::string, StoredRecord> records =
      OffsetsTopic(cluster(), offsets_topic()).read(admin, never_);
  const auto found = records.find(key);
  return found == records.end() ? "" : found->second.value;
}

Error thrown_by(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "nothing was thrown";
  return Error(ErrorKind::internal, "nothing was thrown");
}

}  // namespace tailrace::kafka
