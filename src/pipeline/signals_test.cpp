// Signals and incremental snapshots over fakes: what was asked is done once, and rows come where the stream has them.
#include "pipeline/signals.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <random>

#include "base/log.h"
#include "pipeline/chunk_window.h"
#include "pipeline/testing/fake_database.h"

namespace tailrace {
namespace {

using ::testing::ElementsAre;
using testing::FakeWorld;
using ::testing::HasSubstr;

SchemaPtr signal_table() {
  auto schema = std::make_shared<TableSchema>();
  schema->name = {"dbo", "signals"};
  for (const char* name : {"id", "type", "data"})
    schema->columns.push_back({name, {TypeKind::nvarchar, 100}, false, ""});
  schema->key = {0};
  return schema;
}

RowBatch rows_of(const SchemaPtr& table, Operation operation, std::initializer_list<std::int64_t> keys) {
  RowBatch out(table);
  for (const std::int64_t key : keys) {
    RowHeader header;
    header.operation = operation;
    const std::size_t row = out.add_row(header);
    out.put(row, 0).integer = key;
    out.put(row, 1).integer = key * 10;
  }
  return out;
}

std::vector<std::int64_t> keys_of(const std::vector<RowBatch>& batches) {
  std::vector<std::int64_t> out;
  for (const RowBatch& batch : batches) {
    for (std::size_t row = 0; row < batch.rows(); ++row)
      out.push_back(batch.cell(row, 0).integer);
  }
  return out;
}

// A row that was read before its change, and sent behind it, would take the change back at every reader.
TEST(K8a_Window, RowsThatChangeMeanwhileFallOut) {
  const SchemaPtr table = testing::make_table("a");
  ChunkWindow window;
  window.open(table->name);
  window.see(rows_of(table, Operation::update, {2}));                           // Before the rows are there.
  window.see(rows_of(testing::make_table("b"), Operation::update, {1, 3, 4}));  // Of another table.
  std::vector<RowBatch> rows;
  rows.push_back(rows_of(table, Operation::read, {1, 2, 3}));
  rows.push_back(rows_of(table, Operation::read, {4, 5, 6}));
  window.fill(std::move(rows));
  window.see(rows_of(table, Operation::delete_, {4}));
  window.see(rows_of(table, Operation::update_before, {6}));  // Its key goes.
  window.see(rows_of(table, Operation::insert, {9}));
  EXPECT_EQ(window.dropped(), 3u);
  EXPECT_THAT(keys_of(window.take()), ElementsAre(1, 3, 5));
  EXPECT_FALSE(window.is_open());
}

// With updates skipped nobody would ever see the row.
TEST(K8a_Window, ChangesThatNobodySeesLeaveTheRow) {
  const SchemaPtr table = testing::make_table("a");
  ChunkWindow window({Operation::update});
  window.open(table->name);
  std::vector<RowBatch> rows;
  rows.push_back(rows_of(table, Operation::read, {1, 2}));
  window.fill(std::move(rows));
  window.see(rows_of(table, Operation::update_before, {1}));
  window.see(rows_of(table, Operation::update, {1}));
  window.see(rows_of(table, Operation::delete_, {2}));
  EXPECT_THAT(keys_of(window.take()), ElementsAre(1));
}

// What it must remember until the rows are there is bounded: a transaction of any size may pass.
TEST(K8a_Window, TooManyChangesSpoilIt) {
  const SchemaPtr table = testing::make_table("a");
  ChunkWindow window({}, 3);
  window.open(table->name);
  window.see(rows_of(table, Operation::update, {1, 2, 3, 1, 2}));
  EXPECT_FALSE(window.is_spoiled());
  window.see(rows_of(table, Operation::update, {4}));
  EXPECT_TRUE(window.is_spoiled());
  window.open(table->name);
  EXPECT_FALSE(window.is_spoiled());
}

TEST(K8_State, IsReadAsItWasWritten) {
  IncrementalState state;
  state.id = "ad-hoc \"1\"";
  state.paused = true;
  state.tables = {{{"dbo", "a"}, "v > 'x'", {"1", "Ä"}, 3, 30}, {{"dbo", "b"}, "", {}, 0, 0}};
  EXPECT_EQ(incremental_state_of(text_of(state)), state);
  EXPECT_EQ(text_of(IncrementalState{}), "");
  EXPECT_FALSE(incremental_state_of("").running());
  EXPECT_THROW(incremental_state_of("{\"id\":1}"), Error);
}

TEST(K8_Signals, SayWhatIsWrongWithTheirData) {
  const SnapshotOrder order = parse_order(
      R"({"type":"incremental","data-collections":[" db.dbo.a ","db.dbo.x.*"],"additional-conditions":[{"data-collection":"db.dbo.a","filter":"v > 1"}],"surrogate-key":"s"})");
  EXPECT_TRUE(order.incremental);
  EXPECT_THAT(order.tables, ElementsAre("db.dbo.a", "db.dbo.x.*"));
  EXPECT_THAT(order.conditions, ElementsAre(std::pair<std::string, std::string>("db.dbo.a", "v > 1")));
  EXPECT_EQ(order.surrogate_key, "s");
  EXPECT_TRUE(parse_order("").tables.empty());
  EXPECT_FALSE(parse_order(R"({"type":"BLOCKING"})").incremental);
  for (const char* data : {"[]", "{", R"({"type":"other"})", R"({"data-collections":"a"})",
                           R"({"data-collections":[1]})", R"({"additional-condition":"v > 1"})"})
    EXPECT_THROW(parse_order(data), Error) << data;
  EXPECT_THAT(matching({"db.dbo.b", "db\\.dbo\\.[ab]"}, {"db.dbo.a", "db.dbo.b", "db.dbo.ab"}),
              ElementsAre("db.dbo.b", "db.dbo.a"));
  EXPECT_THROW(matching({"("}, {"a"}), Error);
  EXPECT_TRUE(matches_condition("DB.dbo.A", "db.dbo.a"));
}

class K8_Snapshots : public ::testing::Test {
 protected:
  K8_Snapshots() {
    log::configure(log::Level::off, log::Format::text);
    world.schemas = {testing::make_table("a"), testing::make_table("b")};
    world.signal_settings.emplace();
    world.signal_settings->database = "db";
    world.signal_settings->server = "shop";
    world.signal_settings->chunk_rows = 10;
    settings.shortest_retry = std::chrono::milliseconds(1);
    settings.look_every = std::chrono::milliseconds(1);
    settings.chunk_rows = 1000;
    settings.until_caught_up = true;
    for (std::int64_t key = 0; key < 100; ++key)
      world.commit({{a, Operation::insert, key, key}, {b, Operation::insert, key, -key}});
    run();
    world.rows_read = 0;
  }

  void run() {
    run_pipeline(
        settings, [this] { return testing::make_fake_source(world); },
        [this] { return testing::make_fake_sink(world); }, progress, drain.get_token(), {});
  }
  // Until every signal was taken and `is_done`.
  void run_until(const std::function<bool()>& is_done) {
    settings.until_caught_up = false;
    drain = {};
    const auto before = world.at;
    world.at = [this, before, is_done](const std::string& point) {
      if (before) before(point);
      if (point != "sink.heartbeat") return;
      const std::lock_guard lock(world.mutex);
      if (world.stored.memos["channel"] == std::to_string(world.channel.size()) && is_done())
        drain.request_stop();
    };
    run();
    world.at = before;
  }
  // Until nothing is under way.
  void run_through() {
    run_until([this] { return world.stored.memos[IncrementalSnapshots::memo_name].empty(); });
  }
  void catch_up() {
    drain = {};
    settings.until_caught_up = true;
    run();
  }
  void ask(const std::string& type, const std::string& data = "") {
    world.channel.push_back({"s1", type, data});
  }
  std::vector<std::string> told() {
    std::vector<std::string> out;
    for (const Notice& notice : world.notices)
      out.push_back(notice.type);
    return out;
  }
  std::string datum(const Notice& notice, const std::string& name) {
    for (const auto& [key, text] : notice.data) {
      if (key == name) return text;
    }
    return "";
  }
  void expect_equal() {
    for (const TableName& table : {a, b})
      EXPECT_EQ(world.sink_rows[table], world.source_rows[table]) << table.str();
  }

  FakeWorld world;
  RunSettings settings;
  Progress progress;
  std::stop_source drain;
  const TableName a{"dbo", "a"};
  const TableName b{"dbo", "b"};
};

TEST_F(K8_Snapshots, TablesAreReadChunkByChunkAndTold) {
  world.sink_rows[a].clear();  // Whoever reads the log has lost it.
  ask("execute-snapshot", R"({"data-collections":["db.dbo.a"]})");
  run_through();
  EXPECT_EQ(world.rows_read_beside, 100u);
  expect_equal();
  ASSERT_EQ(told().size(), 13u);  // The last chunk turns out empty.
  EXPECT_EQ(told().front(), "STARTED");
  EXPECT_EQ(told()[1], "IN_PROGRESS");
  EXPECT_EQ(datum(world.notices[1], "last_processed_key"), "9");
  EXPECT_EQ(datum(world.notices[1], "connector_name"), "shop");
  EXPECT_EQ(told()[11], "TABLE_SCAN_COMPLETED");
  EXPECT_EQ(datum(world.notices[11], "total_rows_scanned"), "100");
  EXPECT_EQ(datum(world.notices[11], "status"), "SUCCEEDED");
  EXPECT_EQ(told()[12], "COMPLETED");
  EXPECT_EQ(world.notices[12].id, "s1");
}

// Rows that are read while others change them must not take those changes back.
TEST_F(K8_Snapshots, ChangesMeanwhileAreNotTakenBack) {
  std::mt19937 random(7);
  const auto change = [&] {
    const std::int64_t key = static_cast<std::int64_t>(random() % 120);
    const TableName& table = random() % 2 == 0 ? a : b;
    const bool is_there = [&] {
      const std::lock_guard lock(world.mutex);
      return world.source_rows[table].contains(key);
    }();
    if (!is_there)
      world.commit({{table, Operation::insert, key, static_cast<std::int64_t>(random())}});
    else if (random() % 3 == 0)
      world.commit({{table, Operation::delete_, key, 0}});
    else
      world.commit({{table, Operation::update, key, static_cast<std::int64_t>(random())}});
  };
  std::mutex one_at_a_time;
  int left = 600;
  world.at = [&](const std::string& point) {
    // On the reader's thread before a read, and on both of the stream's.
    if (!point.starts_with("source.read_chunk") && point != "source.watch" && point != "sink.write") return;
    const std::lock_guard lock(one_at_a_time);
    for (int i = 0; i < 5 && left > 0; ++i, --left)
      change();
  };
  ask("execute-snapshot", R"({"data-collections":["db.dbo.[ab]"]})");
  run_through();
  catch_up();
  EXPECT_GT(world.rows_read_beside, 100u);
  EXPECT_EQ(left, 0);
  EXPECT_EQ(world.rows_out_of_place, 0u);
  expect_equal();
}

// Whatever fails wherever, each signal is carried out once, and the snapshot goes on with the chunk whose place was not reached.
TEST_F(K8_Snapshots, FailuresLoseNothingAndRepeatNoSignal) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    world.random.seed(seed);
    world.random_failures = 40;
    world.rows_read_beside = 0;
    world.notices.clear();
    ask("execute-snapshot", R"({"data-collections":["db.dbo.a"]})");
    run_through();
    world.random_failures = 0;
    EXPECT_EQ(world.rows_read_beside, 100u) << seed;
    const std::vector<std::string> types = told();
    EXPECT_EQ(std::count(types.begin(), types.end(), "STARTED"), 1) << seed;
    EXPECT_EQ(std::count(types.begin(), types.end(), "COMPLETED"), 1) << seed;
  }
  EXPECT_GT(progress.retries, 20u);
  expect_equal();
}

TEST_F(K8_Snapshots, PausedOnesWaitAndStoppedOnesEnd) {
  ask("execute-snapshot", R"({"data-collections":["db.dbo.a","db.dbo.b"]})");
  ask("pause-snapshot");
  run_until([] { return true; });
  catch_up();  // Nothing is under way that goes on by itself.
  EXPECT_EQ(world.rows_read_beside, 0u);
  EXPECT_THAT(told(), ElementsAre("STARTED", "PAUSED"));
  ask("stop-snapshot", R"({"data-collections":["db.dbo.a"]})");
  ask("resume-snapshot");
  run_through();
  EXPECT_EQ(world.rows_read_beside, 100u);
  for (const Notice& notice : world.notices)
    EXPECT_NE(datum(notice, "scanned_collection"), "db.dbo.a");
  EXPECT_EQ(told()[2], "ABORTED");
  EXPECT_EQ(told()[3], "RESUMED");
  world.notices.clear();
  ask("execute-snapshot", R"({"data-collections":["db.dbo.a"]})");
  ask("stop-snapshot");
  run_through();
  EXPECT_THAT(told(), ElementsAre("STARTED", "ABORTED"));
  EXPECT_EQ(world.rows_read_beside, 100u);
}

// What cannot be done is said, and the pipeline goes on, as Debezium's does.
TEST_F(K8_Snapshots, WhatIsNotKnownIsPassedBy) {
  ask("execute-snapshot", R"({"data-collections":["db.dbo.nothing"]})");
  ask("execute-snapshot", R"({"type":"blocking","data-collections":["db.dbo.a"]})");
  ask("execute-snapshot", R"({"data-collections":["db.dbo.a"],"surrogate-key":"v"})");
  ask("execute-snapshot", "no json");
  ask("execute-snapshot", "");
  ask("stop-snapshot", "");
  ask("schema-changes", "{}");
  ask("log", R"({"message":"hello"})");
  run_through();
  EXPECT_EQ(world.rows_read_beside, 0u);
  EXPECT_TRUE(world.notices.empty());
}

// A table that cannot be read would else keep the others waiting for ever.
TEST_F(K8_Snapshots, ATableThatCannotBeReadIsPassedOver) {
  world.failures["outside.source.open"] = {ErrorKind::config};
  ask("execute-snapshot", R"({"data-collections":["db.dbo.a","db.dbo.b"]})");
  run_through();
  EXPECT_EQ(world.rows_read_beside, 100u);
  EXPECT_EQ(told()[1], "TABLE_SCAN_COMPLETED");
  EXPECT_EQ(datum(world.notices[1], "status"), "SQL_EXCEPTION");
  EXPECT_EQ(told().back(), "COMPLETED");
}

// The fakes' rows have no text: what a signal table's rows do is tried without them.
class K8_SignalTable : public ::testing::Test {
 protected:
  K8_SignalTable() {
    log::configure(log::Level::off, log::Format::text);
    IncrementalTask task{settings, make_source, progress};
    task.signals.table = TableName{"dbo", "signals"};
    task.signals.database = "db";
    task.signals.server = "shop";
    task.tables = {table, signal_table()};
    task.wake = [] {};
    signals.emplace(std::move(task));
  }

  ChangeBatch rows(Operation operation, const std::string& type, const std::string& data) {
    ChangeBatch batch;
    batch.tables.emplace_back(signal_table());
    RowHeader header;
    header.operation = operation;
    const std::size_t row = batch.tables.back().add_row(header);
    batch.tables.back().put_text(row, 0, "7");
    batch.tables.back().put_text(row, 1, type);
    batch.tables.back().put_text(row, 2, data);
    return batch;
  }
  ChangeBatch ended(ChangeBatch batch) {
    batch.end = Position{testing::lsn_of(++lsn), "", 0};
    signals->see(batch);
    signals->add_to(batch);
    return batch;
  }

  FakeWorld world;
  RunSettings settings;
  Progress progress;
  const SchemaPtr table = testing::make_table("a");
  const SourceFactory make_source = [this] { return testing::make_fake_source(world); };
  std::uint64_t lsn = 1;
  std::optional<Signals> signals;
};

// Acted on before its end a signal of a commit that is read again would be carried out twice; and only what is inserted is one.
TEST_F(K8_SignalTable, RowsAreSignalsAtTheEndOfTheirCommitPoint) {
  ChangeBatch part = rows(Operation::insert, "execute-snapshot", R"({"data-collections":["db.dbo.a"]})");
  signals->see(part);
  EXPECT_FALSE(signals->is_busy());
  const ChangeBatch end = ended(ChangeBatch{});
  EXPECT_TRUE(signals->is_busy());
  ASSERT_EQ(end.memos.size(), 1u);
  EXPECT_THAT(end.memos.front().text, HasSubstr("\"id\":\"7\""));
  EXPECT_EQ(end.notices.size(), 1u);
  for (const Operation operation : {Operation::delete_, Operation::update, Operation::read}) {
    const ChangeBatch other = ended(rows(operation, "stop-snapshot", ""));
    EXPECT_TRUE(signals->is_busy());
    EXPECT_TRUE(other.memos.empty());
  }
  EXPECT_EQ(ended(rows(Operation::insert, "stop-snapshot", "")).memos.front().text, "");
}

TEST_F(K8_SignalTable, OfAnotherShapeIsRefused) {
  ChangeBatch batch;
  auto other = std::make_shared<TableSchema>(*testing::make_table("signals"));
  batch.joining.push_back(other);
  EXPECT_THROW(signals->see(batch), Error);
}

// A table that leaves the stream has no place for its rows any more.
TEST_F(K8_SignalTable, ATableThatLeavesIsPassedOver) {
  ended(rows(Operation::insert, "execute-snapshot", R"({"data-collections":["db.dbo.a"]})"));
  ChangeBatch batch;
  batch.left.push_back(table->name);
  const ChangeBatch end = ended(std::move(batch));
  EXPECT_FALSE(signals->is_busy());
  ASSERT_EQ(end.notices.size(), 2u);
  EXPECT_EQ(end.notices.back().type, "COMPLETED");
}

}  // namespace
}  // namespace tailrace
