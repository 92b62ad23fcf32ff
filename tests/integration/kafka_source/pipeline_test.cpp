// Kafka to PostgreSQL, whole: what a crash, a rebalance, a large commit and another partition's rows make of it.
#include <atomic>
#include <map>
#include <set>
#include <thread>

#include "record/avro_schema.h"
#include "registry/client.h"
#include "tests/integration/kafka_source/pipeline_case.h"
#include "tests/support/python_server.h"

namespace tailrace::kafka {
namespace {

using tailrace::testing::PythonServer;

class K4_Pipeline : public PipelineCase {};
class K4b_Members : public PipelineCase {};
class K5_OtherPartitions : public PipelineCase {
 protected:
  // A child in one topic, its parent in another.
  void SetUp() override {
    PipelineCase::SetUp();
    if (IsSkipped()) return;
    target_->run(
        "CREATE TABLE parents (id int PRIMARY KEY, note text);"
        "CREATE TABLE children (id int PRIMARY KEY, note text, parent int"
        " REFERENCES parents DEFERRABLE INITIALLY DEFERRED)");
    parents_ = new_table();
    parents_.name = "parents";
    children_ = new_table();
    children_.name = "children";
    children_.columns.push_back({"parent", record::optional_of(record::SchemaType::int32)});
  }
  static List child(std::int64_t id, std::int64_t parent) {
    return {Value::integer(id), Value::text("child"), Value::integer(parent)};
  }
  // The target has refused some applies since.
  void await_rollbacks() {
    const auto rollbacks = [&] {
      return std::stoll(
          target_->value("SELECT xact_rollback FROM pg_stat_database WHERE datname = current_database()"));
    };
    const long long before = rollbacks();
    until([&] { return rollbacks() > before + 3; }, "refusals");
  }
  EventTable parents_;
  EventTable children_;
};

TEST_F(K4_Pipeline, GoesOnWhereItWas) {
  const EventTable table = new_table(2);
  write(table, {insert(1, "one", 1), insert(2, "two", 2)}, 0);
  write(table, {insert(3, "three", 1)}, 1);
  EXPECT_EQ(Member(settings({table}), sink(), caught_up()).wait(), RunEnd::caught_up);
  EXPECT_EQ(rows(), "1|one\n2|two\n3|three");
  write(table,
        {{.op = "u", .before = row(1, "one"), .after = row(1, "changed"), .commit = 3},
         {.op = "d", .before = row(2, "two"), .commit = 4}},
        0);
  Member again(settings({table}), sink(), caught_up());
  EXPECT_EQ(again.wait(), RunEnd::caught_up);
  EXPECT_EQ(rows(), "1|changed\n3|three");
  // What was applied before does not come again.
  EXPECT_EQ(again.progress.transactions, 2U);
  EXPECT_EQ(target_->table("SELECT partition, next_offset FROM tailrace.kafka_position ORDER BY 1"),
            "0|6\n1|2");
}

// Brokers restart, and nobody starts tailrace again for that.
TEST_F(K4_Pipeline, ABrokerThatRestartsIsWaitedFor) {
  const EventTable table = new_table();
  write(table, {insert(1, "before", 1)});
  Member run(settings({table}), sink(), {});
  until([&] { return run.progress.commits > 0; }, "the first commit");
  broker().halt();
  broker().start();
  write(table, {insert(2, "behind", 2)});
  until([&] { return rows() == "1|before\n2|behind"; }, "what came behind it");
  EXPECT_FALSE(run.is_over());
  EXPECT_EQ(run.drain(), RunEnd::drained);
}

// A target that ends its connections, too.
TEST_F(K4_Pipeline, ATargetThatEndsItsConnectionsIsComeBackTo) {
  const EventTable table = new_table();
  write(table, {insert(1, "before", 1)});
  Member run(settings({table}), sink(), {});
  until([&] { return run.progress.commits > 0; }, "the first commit");
  target_->run(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
      " WHERE datname = current_database() AND pid <> pg_backend_pid()");
  write(table, {insert(2, "behind", 2)});
  until([&] { return rows() == "1|before\n2|behind"; }, "what came behind it");
  EXPECT_EQ(run.drain(), RunEnd::drained);
  EXPECT_GT(run.progress.retries, 0U);
}

// A commit that is larger than memory, and shows as one.
TEST_F(K4_Pipeline, ALargeCommitShowsAtOnce) {
  const EventTable table = new_table();
  constexpr std::int64_t large = 3'000;
  std::vector<Change> changes{insert(0, "first", 1)};
  for (std::int64_t id = 1; id <= large; ++id)
    changes.push_back(insert(id, std::string(200, 'x'), 2));
  write(table, changes);
  RunSettings small = caught_up();
  small.queue_bytes = 64 << 10;
  SourceSettings source = settings({table});
  source.batch_records = 100;
  Member run(source, sink(), small);
  std::set<std::string> seen;
  until(
      [&] {
        if (target_->value("SELECT to_regclass('public.orders') IS NOT NULL") == "t")
          seen.insert(target_->value("SELECT count(*) FROM orders WHERE id > 0"));
        return run.is_over();
      },
      "the end");
  EXPECT_EQ(run.wait(), RunEnd::caught_up);
  seen.insert(target_->value("SELECT count(*) FROM orders WHERE id > 0"));
  EXPECT_THAT(seen, ::testing::IsSubsetOf({std::string("0"), std::to_string(large)}));
}

// Partitions move between processes, and each record is applied once: a delete that came twice, or an update before its
// insert, would show.
TEST_F(K4b_Members, ShareAndHandOver) {
  const EventTable table = new_table(4);
  std::atomic<bool> writing{true};
  std::map<std::int64_t, std::string> expected;
  std::jthread writer([&] {
    std::uint64_t commit = 1;
    for (std::int64_t id = 1; id <= 60; ++id) {
      const int partition = static_cast<int>(id % 4);
      write(table, {insert(id, "new", commit), insert(id + 1000, "gone", commit)}, partition);
      write(table,
            {{.op = "u",
              .before = row(id, "new"),
              .after = row(id, "v" + std::to_string(id)),
              .commit = commit + 1},
             {.op = "d", .before = row(id + 1000, "gone"), .commit = commit + 1}},
            partition);
      commit += 2;
      expected[id] = "v" + std::to_string(id);
    }
    writing = false;
  });
  RunSettings endless;
  Member first(settings({table}), sink(), endless);
  until([&] { return first.progress.commits > 2; }, "the first commits");
  {
    Member second(settings({table}), sink(), endless);
    until([&] { return second.progress.commits > 2; }, "the second's commits");
    EXPECT_EQ(second.drain(), RunEnd::drained);
  }
  Member third(settings({table}), sink(), endless);
  until([&] { return third.progress.commits > 2 || !writing; }, "the third's commits");
  EXPECT_EQ(first.drain(), RunEnd::drained);
  writer.join();
  std::string all;
  for (const auto& [id, note] : expected)
    all += (all.empty() ? "" : "\n") + std::to_string(id) + "|" + note;
  until([&] { return rows() == all; }, "every row");
  EXPECT_EQ(rows(), all);
  EXPECT_EQ(third.drain(), RunEnd::drained);
}

// Without the wait a row that is right would end the pipeline, because its parent is a partition away: here in a transaction of its
// writer that is not committed yet.
TEST_F(K5_OtherPartitions, AChildWaitsForItsParentAndTheOthersGoOn) {
  const EventTable others = new_table();
  const std::unique_ptr<Producer> parent = begin_writing(parents_, {insert(7, "parent", 2)});
  write(children_, {{.op = "c", .after = child(1, 7), .commit = 2}});
  Member run(settings({parents_, children_, others}), sink(), {});
  await_rollbacks();
  EXPECT_FALSE(run.is_over());
  write(others, {insert(1, "meanwhile", 3)});
  until([&] { return target_->value("SELECT to_regclass('orders') IS NOT NULL") == "t"; },
        "the others' table");
  until([&] { return rows() == "1|meanwhile"; }, "the others");
  EXPECT_EQ(rows("children"), "");
  ASSERT_TRUE(parent->commit(never_));
  until([&] { return rows("children") == "1|child|7"; }, "the child");
  EXPECT_EQ(rows("parents"), "7|parent");
  EXPECT_EQ(run.drain(), RunEnd::drained);
}

// A row that no partition's rows make right is an error, and not waited for without end.
TEST_F(K5_OtherPartitions, AChildWithoutAParentIsAnErrorOnceTheOthersHavePassed) {
  const std::unique_ptr<Producer> parent = begin_writing(parents_, {insert(8, "of another", 2)});
  write(children_, {{.op = "c", .after = child(1, 7), .commit = 2}});
  Member run(settings({parents_, children_}), sink(), {});
  await_rollbacks();
  EXPECT_FALSE(run.is_over()) << "the parents' partition has not come so far";
  ASSERT_TRUE(parent->commit(never_));
  const Error error = thrown_by([&] { run.wait(); });
  EXPECT_EQ(error.kind(), ErrorKind::data);
  EXPECT_EQ(error.context("sqlstate"), "23503");
  EXPECT_EQ(error.context("partition"), children_.topic + "[0]");
  EXPECT_EQ(rows("parents"), "8|of another");
}

// Schemas come from a registry, and one that it does not know ends the pipeline with the record's place.
TEST_F(K4_Pipeline, AvroByARegistry) {
  PythonServer server("tests.support.registry");
  if (!server.available()) GTEST_SKIP() << "the Schema Registry is not on this machine";
  registry::Settings registry;
  registry.urls = {server.address()};
  registry::Client client(registry);
  const EventTable table = new_table();
  const auto id_of = [&](const record::SchemaPtr& schema, const std::string& part) {
    return client.register_schema(table.topic + part, record::avro_document(*schema), {});
  };
  const std::int32_t key_id = id_of(table.key_schema(), "-key");
  const std::int32_t value_id = id_of(table.envelope_schema(), "-value");
  const auto put = [&](std::int64_t id, std::int32_t schema) {
    write_raw(table.topic,
              intake::testing::avro_of(*table.key_schema(), Value::list({Value::integer(id)}), key_id),
              intake::testing::avro_of(
                  *table.envelope_schema(),
                  intake::testing::envelope_value(table, insert(id, "avro", static_cast<std::uint64_t>(id))),
                  schema));
  };
  put(1, value_id);
  SourceSettings source = settings({table});
  source.intake.format = intake::Format::avro;
  source.registry = registry;
  EXPECT_EQ(Member(source, sink(), caught_up()).wait(), RunEnd::caught_up);
  EXPECT_EQ(rows(), "1|avro");
  put(2, value_id);
  put(3, 4711);
  const Error error = thrown_by([&] { Member(source, sink(), caught_up()).wait(); });
  EXPECT_EQ(error.kind(), ErrorKind::data);
  EXPECT_EQ(error.context("offset"), "4");
  EXPECT_EQ(rows(), "1|avro");  // The second's commit may go on in the record that cannot be read.
}

}  // namespace
}  // namespace tailrace::kafka
