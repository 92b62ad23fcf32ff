// K7: records that cannot be applied, from their topic through PostgreSQL into the dead-letter topic.
#include <map>
#include <random>

#include "kafka/letter_post.h"
#include "pipeline/letter_forwarder.h"
#include "pipeline/partition_runner.h"
#include "postgres/letter_box.h"
#include "postgres/partitions.h"
#include "record/avro_schema.h"
#include "registry/client.h"
#include "tests/integration/kafka_source/source_case.h"
#include "tests/support/postgres_cluster.h"
#include "tests/support/python_server.h"

namespace tailrace::kafka {
namespace {

using tailrace::testing::PlainClient;
using tailrace::testing::PostgresCluster;
using tailrace::testing::PythonServer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

struct Letter {
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::optional<std::int64_t> timestamp_ms;
  std::vector<std::string> header_names;
  std::map<std::string, std::string> headers;
};

class K7_Pipeline : public SourceCase {
 protected:
  void SetUp() override {
    SourceCase::SetUp();
    if (IsSkipped()) return;
    database_ = PostgresCluster::shared().create_database();
    target_ = std::make_unique<PlainClient>(PostgresCluster::shared().url(database_));
    letters_.cluster.bootstrap_servers = {broker().address()};
    letters_.pipeline = "kafka";
    letters_.topic = "letters-of-" + database_;
    letters_.state_topic = "sent-of-" + database_;
    letters_.replication = 1;
  }
  void TearDown() override {
    target_.reset();
    if (!database_.empty()) PostgresCluster::shared().drop_database(database_);
  }

  postgres::Settings sink() const {
    postgres::Settings out;
    out.pipeline = "kafka";
    out.url = PostgresCluster::shared().url(database_);
    out.dead_letters = true;
    out.letters_wait = true;
    return out;
  }
  static SourceSettings tolerant(const EventTable& table) {
    SourceSettings out = settings({table});
    out.passes_over = true;
    return out;
  }
  // To the end of what is there, and its letters into their topic.
  void run(const SourceSettings& from) {
    RunSettings once;
    once.until_caught_up = true;
    Progress progress;
    EXPECT_EQ(run_partitions(
                  once, [&] { return std::make_unique<KafkaSource>(from); },
                  [&] { return std::make_unique<postgres::PostgresPartitions>(sink()); }, progress, {}, {}),
              RunEnd::caught_up);
    std::uint64_t letters = 0;
    for (const TableCount& count : progress.tables())
      letters += count.dead_letters;
    counted_ += letters;
  }
  bool forward() {
    LetterForwarder forwarder([&] { return std::make_unique<postgres::PostgresLetterBox>(sink()); },
                              [&] { return std::make_unique<KafkaLetterPost>(letters_); });
    return forwarder.finish(60s);
  }
  std::vector<Letter> letters(std::size_t wanted) {
    Consumer consumer(letters_.cluster, {});
    consumer.assign({{{letters_.topic, 0}, 0}});
    std::vector<Letter> out;
    Batch batch;
    const auto deadline = std::chrono::steady_clock::now() + 30s;
    bool is_at_end = false;
    while ((!is_at_end || out.size() < wanted) && std::chrono::steady_clock::now() < deadline) {
      consumer.poll(batch, {.wait = 100ms}, never_);
      for (const InRecord& record : batch.records())
        out.push_back(letter_of(record));
      is_at_end = is_at_end || !batch.ends().empty();
    }
    return out;
  }
  std::string rows() { return target_->table("SELECT id, note FROM public.orders ORDER BY 1"); }
  std::string waiting() { return target_->value("SELECT count(*) FROM tailrace.dead_letter"); }

  std::string database_;
  std::unique_ptr<PlainClient> target_;
  LetterSettings letters_;
  std::uint64_t counted_ = 0;

 private:
  static std::optional<std::string> copied(const std::optional<std::string_view>& text) {
    return text ? std::optional(std::string(*text)) : std::nullopt;
  }
  static Letter letter_of(const InRecord& record) {
    Letter out{copied(record.key()), copied(record.value()), record.timestamp_ms(), {}, {}};
    for (const Header& header : record.headers()) {
      out.header_names.emplace_back(header.name);
      out.headers[std::string(header.name)] = std::string(header.value.value_or("NULL"));
    }
    return out;
  }
};

class K7_Records : public K7_Pipeline {};

Change inserted(std::int64_t id, const std::string& note, std::uint64_t commit) {
  return {.op = "c", .after = row(id, note), .commit = commit};
}

// Bytes of somebody else, in the middle of a topic: it goes on behind them, and they are not lost.
TEST_F(K7_Pipeline, APoisonRecordGoesToTheTopicAsItCame) {
  const EventTable table = new_table();
  write(table, {inserted(1, "one", 1)});
  const std::string poison("\0no JSON\xff", 9);
  write_raw(table.topic, std::string("\1key", 4), poison);
  write(table, {inserted(2, "two", 2)});
  run(tolerant(table));
  EXPECT_EQ(rows(), "1|one\n2|two");
  EXPECT_EQ(waiting(), "1");
  EXPECT_EQ(counted_, 1U);
  EXPECT_TRUE(forward());
  EXPECT_EQ(waiting(), "0");
  const std::vector<Letter> sent = letters(1);
  ASSERT_THAT(sent, SizeIs(1));
  EXPECT_EQ(sent[0].value, poison);
  EXPECT_EQ(sent[0].key, std::string("\1key", 4));
  // The names, and the order, that Kafka Connect's users filter by.
  const std::vector<std::string> names(sent[0].header_names.begin(), sent[0].header_names.begin() + 10);
  EXPECT_THAT(
      names,
      ElementsAre("__connect.errors.topic", "__connect.errors.partition", "__connect.errors.offset",
                  "__connect.errors.connector.name", "__connect.errors.task.id", "__connect.errors.stage",
                  "__connect.errors.class.name", "__connect.errors.exception.class.name",
                  "__connect.errors.exception.message", "__connect.errors.exception.stacktrace"));
  std::map<std::string, std::string> headers = sent[0].headers;
  EXPECT_EQ(headers["__connect.errors.topic"], table.topic);
  EXPECT_EQ(headers["__connect.errors.partition"], "0");
  EXPECT_EQ(headers["__connect.errors.offset"], "2");  // Behind a record and its transaction's marker.
  EXPECT_EQ(headers["__connect.errors.stage"],
            "VALUE_CONVERTER");  // Neither can be read, and it is read first.
  EXPECT_EQ(headers["tailrace.reason"], "unreadable");
  EXPECT_EQ(headers["tailrace.attempt"], "1");
}

// Columns that such a record has changed are known to nobody: an update in part behind it would mix two states of the row.
TEST_F(K7_Pipeline, AKeyWhoseRecordIsLostDivergesAndHeals) {
  const EventTable table = new_table();
  write(table, {inserted(1, "one", 1)});
  const std::string key =
      intake::testing::json_of(*table.key_schema(), intake::testing::key_value(table, row(1, "")));
  write_raw(table.topic, key, "half a rec");
  write(table,
        {{.op = "u", .before = row(1, "x"), .after = row(1, "__debezium_unavailable_value"), .commit = 3}});
  run(tolerant(table));
  EXPECT_EQ(rows(), "1|one");
  EXPECT_EQ(target_->table("SELECT reason, key FROM tailrace.dead_letter ORDER BY id"),
            "unreadable|{1}\ndiverged|{1}");
  EXPECT_TRUE(forward());
  const std::vector<Letter> sent = letters(2);
  ASSERT_THAT(sent, SizeIs(2));
  EXPECT_EQ(sent[0].headers.at("__connect.errors.stage"), "VALUE_CONVERTER");
  EXPECT_EQ(sent[0].headers.at("tailrace.key"), "[\"1\"]");
  EXPECT_EQ(sent[0].headers.at("tailrace.table"), "dbo.orders");
  write(table, {{.op = "u", .before = row(1, "x"), .after = row(1, "whole"), .commit = 4}});
  run(tolerant(table));
  EXPECT_EQ(rows(), "1|whole");
  EXPECT_EQ(target_->value("SELECT count(*) FROM tailrace.diverged_key"), "0");
}

// A process that starts at such a record knows nothing of its table but what the key says.
TEST_F(K7_Pipeline, ALostRecordRightBehindAStartMakesItsKeyDiverge) {
  EventTable table;
  table.topic = database_ + ".shop.dbo.orders";
  table.columns[1] = {"note", record::schema_of(record::SchemaType::string)};
  broker().create_topic_named(table.topic, 1);
  target_->run("CREATE TABLE public.orders (id int PRIMARY KEY, note text NOT NULL)");
  write(table, {inserted(1, "one", 1)});
  run(tolerant(table));
  const std::string key =
      intake::testing::json_of(*table.key_schema(), intake::testing::key_value(table, row(1, "")));
  write_raw(table.topic, key, "half a rec");
  run(tolerant(table));
  EXPECT_EQ(target_->table("SELECT source_table, key FROM tailrace.diverged_key"), "orders|{1}");
  EXPECT_EQ(rows(), "1|one");
}

// A value that PostgreSQL cannot hold, a row that it refuses, a record without a key.
TEST_F(K7_Records, WhatCannotBeConvertedOrAppliedIsPassedOver) {
  const EventTable table = new_table();
  target_->run("CREATE TABLE public.orders (id int PRIMARY KEY, note text CHECK (note <> 'refused'))");
  write(table, {inserted(1, "one", 1), inserted(2, std::string("t\0wo", 4), 2), inserted(3, "refused", 3),
                inserted(4, "four", 4)});
  run(tolerant(table));
  EXPECT_EQ(rows(), "1|one\n4|four");
  EXPECT_TRUE(forward());
  const std::vector<Letter> sent = letters(2);
  ASSERT_THAT(sent, SizeIs(2));
  EXPECT_EQ(sent[0].headers.at("tailrace.reason"), "value");
  EXPECT_EQ(sent[0].headers.at("tailrace.column"), "note");
  EXPECT_EQ(sent[1].headers.at("tailrace.reason"), "refused");
  EXPECT_EQ(sent[1].headers.at("tailrace.sqlstate"), "23514");
  EXPECT_EQ(sent[1].headers.at("__connect.errors.stage"), "TASK_PUT");
  EXPECT_THAT(*sent[1].value, HasSubstr("refused"));
}

// A change of a key leaves out what did not change, and no row lends it.
TEST_F(K7_Records, ARowThatCannotBeMadeLeavesNothingBehind) {
  const EventTable table = new_table();
  SourceSettings from = tolerant(table);
  write(table, {inserted(1, "one", 1)});
  write_raw(table.topic, "null", "{}");
  write(table, {inserted(2, "two", 2)});
  run(from);
  EXPECT_EQ(rows(), "1|one\n2|two");
  EXPECT_EQ(waiting(), "1");
}

// Without the setting everything is as it was.
TEST_F(K7_Records, WithoutToleranceARecordStops) {
  const EventTable table = new_table();
  write(table, {inserted(1, "one", 1), inserted(2, "two", 2)});
  write_raw(table.topic, "key", "poison");
  const Error error = thrown_by([&] { run(settings({table})); });
  EXPECT_EQ(error.kind(), ErrorKind::protocol);
  EXPECT_EQ(rows(), "1|one");
}

// A target of another shape is no fault of a record: everything would be a letter.
TEST_F(K7_Records, ATableOfAnotherShapeStops) {
  const EventTable table = new_table();
  target_->run("CREATE TABLE public.orders (id int PRIMARY KEY, note int)");
  write(table, {inserted(1, "one", 1)});
  EXPECT_EQ(thrown_by([&] { run(tolerant(table)); }).kind(), ErrorKind::schema);
}

// A registry that answers, and has no such schema, will not have it tomorrow; one that is away comes back: not one record may be
// passed over for it.
TEST_F(K7_Records, AnUnknownSchemaIsALetterAndASilentRegistryIsNone) {
  const EventTable table = new_table();
  SourceSettings from = tolerant(table);
  from.intake.format = intake::Format::avro;
  {
    PythonServer server("tests.support.registry");
    if (!server.available()) GTEST_SKIP() << "the Schema Registry is not on this machine";
    from.registry.urls = {server.address()};
    registry::Client client(from.registry);
    const auto id_of = [&](const record::SchemaPtr& schema, const std::string& part) {
      return client.register_schema(table.topic + part, record::avro_document(*schema), {});
    };
    const std::int32_t key_id = id_of(table.key_schema(), "-key");
    const std::int32_t value_id = id_of(table.envelope_schema(), "-value");
    for (const std::int64_t id : {1, 2, 3}) {
      const Change change = inserted(id, "avro", static_cast<std::uint64_t>(id));
      write_raw(
          table.topic,
          intake::testing::avro_of(*table.key_schema(), Value::list({Value::integer(id)}), key_id),
          intake::testing::avro_of(*table.envelope_schema(), intake::testing::envelope_value(table, change),
                                   id == 2 ? 4711 : value_id));
    }
    run(from);
    EXPECT_EQ(rows(), "1|avro\n3|avro");
    EXPECT_EQ(target_->table("SELECT key, stage, reason FROM tailrace.dead_letter"),
              "{2}|VALUE_CONVERTER|unreadable");
  }
  Reading reading(from);
  reading.open();
  EXPECT_EQ(thrown_by([&] { reading.until([] { return false; }); }).kind(), ErrorKind::unavailable);
}

// Headers cost bytes, and some topics are read by those who do not know them.
TEST_F(K7_Records, HeadersMayBeLeftOut) {
  const EventTable table = new_table();
  write_raw(table.topic, "key", "poison");
  run(tolerant(table));
  letters_.context_headers = false;
  EXPECT_TRUE(forward());
  const std::vector<Letter> sent = letters(1);
  ASSERT_THAT(sent, SizeIs(1));
  EXPECT_THAT(sent[0].header_names, IsEmpty());
}

class K7_Post : public K7_Pipeline {};

WaitingLetter waiting_letter(const std::string& id) {
  WaitingLetter out;
  out.id = id;
  out.record.value = id;
  return out;
}

// What is in doubt after a crash: the next one that opens knows.
TEST_F(K7_Post, SaysWhatWasSentLast) {
  {
    KafkaLetterPost post(letters_);
    EXPECT_THAT(post.open(never_), IsEmpty());
    ASSERT_TRUE(post.send({waiting_letter("a")}, never_));
    ASSERT_TRUE(post.send({waiting_letter("b"), waiting_letter("c")}, never_));
  }
  KafkaLetterPost next(letters_);
  EXPECT_THAT(next.open(never_), ElementsAre("b", "c"));
}

// Two that send at once: the older one is fenced, busy or idle.
TEST_F(K7_Post, AnOlderOneSendsNothingMore) {
  KafkaLetterPost old(letters_);
  static_cast<void>(old.open(never_));
  ASSERT_TRUE(old.send({waiting_letter("a")}, never_));
  KafkaLetterPost next(letters_);
  EXPECT_THAT(next.open(never_), ElementsAre("a"));
  static_cast<void>(thrown_by([&] { static_cast<void>(old.send({waiting_letter("b")}, never_)); }));
  ASSERT_TRUE(next.send({waiting_letter("b")}, never_));
  EXPECT_THAT(broker().values(letters_.topic), ElementsAre("a", "b"));
}

// A topic with a smaller limit: the letter is named, so that it can be put aside.
TEST_F(K7_Post, ALetterThatIsTooLargeIsData) {
  broker().create_topic_named(letters_.topic, 1, R"({"max.message.bytes": "10000"})");
  KafkaLetterPost post(letters_);
  static_cast<void>(post.open(never_));
  WaitingLetter large = waiting_letter("large");
  std::mt19937 random(1);  // What compresses well would fit.
  std::string bytes;
  while (bytes.size() < 50'000)
    bytes += static_cast<char>(random() & 0xFFU);
  large.record.value = bytes;
  EXPECT_EQ(thrown_by([&] { static_cast<void>(post.send({large}, never_)); }).kind(), ErrorKind::data);
}

}  // namespace
}  // namespace tailrace::kafka
