// A fresh database and pipeline for each test, and the steps that every story begins with.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <stop_token>
#include <thread>

#include "base/error.h"
#include "pipeline/sink.h"
#include "postgres/sink.h"
#include "tests/support/postgres_cluster.h"
#include "tests/support/rows.h"

namespace tailrace::postgres {

using namespace tailrace::testing;

inline constexpr ColumnType int_type{TypeKind::int_, 4, 10, 0};
inline constexpr ColumnType bigint_type{TypeKind::bigint, 8, 19, 0};
inline constexpr ColumnType text_type{TypeKind::nvarchar, 50, 0, 0};
inline constexpr ColumnType lob_type{TypeKind::nvarchar, -1, 0, 0};

// Gone with its test: two hundred of them would fill the memory that they lie in.
class TestDatabase {
 public:
  TestDatabase() : name_(PostgresCluster::shared().create_database()) {}
  ~TestDatabase() {
    try {
      PostgresCluster::shared().drop_database(name_);
    } catch (const std::runtime_error& error) {
      ADD_FAILURE() << error.what();
    }
  }
  TestDatabase(const TestDatabase&) = delete;
  TestDatabase& operator=(const TestDatabase&) = delete;
  const std::string& name() const { return name_; }

 private:
  std::string name_;
};

class SinkTest : public ::testing::Test {
 protected:
  SinkTest() : reader_(PostgresCluster::shared().url(database_)) {}

  // `runner`: two runners have two ids; the process's own would make them one.
  Settings settings(const std::string& runner = "runner-a",
                    int port = PostgresCluster::shared().port()) const {
    Settings made;
    made.pipeline = "shop";
    made.url = PostgresCluster::url(database_, port);
    made.runner_id = runner;
    made.heartbeat_interval = std::chrono::milliseconds(50);
    made.heartbeat_stale = std::chrono::milliseconds(700);
    made.takeover_grace = std::chrono::milliseconds(500);
    return made;
  }

  std::unique_ptr<PostgresSink> opened(const Settings& with, const std::vector<SchemaPtr>& tables,
                                       bool take_over = false) {
    auto sink = std::make_unique<PostgresSink>(with);
    state_ = sink->open(take_over, {});
    sink->use_tables(tables);
    return sink;
  }

  static TableStart start(const SchemaPtr& schema, bool shadow = false) { return {schema, lsn(1), shadow}; }
  static Chunk whole(const SchemaPtr& schema) { return {schema->name, 0, {}, {}, 10}; }

  // Loads `rows` as the one chunk of its table.
  static void load_chunk(Sink& sink, const RowBatch& rows, std::uint32_t number = 0) {
    const auto writer = sink.chunk_writer();
    Chunk chunk = whole(rows.schema_ptr());
    chunk.number = number;
    ASSERT_EQ(writer->begin(rows.schema_ptr(), chunk, {}), ChunkBegin::begun);
    EXPECT_TRUE(writer->write(rows, {}));
    ASSERT_EQ(writer->finish({}), rows.rows());
  }

  // As a load does behind the last chunk of each table.
  static bool finish_load(Sink& sink, const std::vector<SchemaPtr>& tables, const HighMark& mark,
                          const std::stop_token& stop = {}) {
    const auto writer = sink.chunk_writer();
    return std::all_of(tables.begin(), tables.end(),
                       [&](const SchemaPtr& table) { return writer->finish_table(table, stop); }) &&
           sink.finish_load(tables, mark, stop);
  }

  static void begin(Sink& sink, const std::vector<SchemaPtr>& tables) {
    std::vector<TableStart> starts;
    std::vector<Chunk> chunks;
    for (const SchemaPtr& table : tables) {
      starts.push_back(start(table));
      chunks.push_back(whole(table));
    }
    sink.begin_load("fork-1", starts, {lsn(1), "evidence", 1});
    sink.add_chunks(chunks);
  }

  // A sink whose tables hold these rows and catch up.
  std::unique_ptr<PostgresSink> catching_up(const std::vector<RowBatch>& loaded) {
    std::vector<SchemaPtr> tables;
    for (const RowBatch& rows : loaded)
      tables.push_back(rows.schema_ptr());
    auto sink = opened(settings(), tables);
    begin(*sink, tables);
    for (const RowBatch& rows : loaded)
      load_chunk(*sink, rows);
    EXPECT_TRUE(finish_load(*sink, tables, {"mark-1"}));
    return sink;
  }

  // The same, past the high mark. The position is lsn(2).
  std::unique_ptr<PostgresSink> streaming(const std::vector<RowBatch>& loaded) {
    auto sink = catching_up(loaded);
    std::vector<TableName> names;
    for (const RowBatch& rows : loaded)
      names.push_back(rows.schema().name);
    EXPECT_TRUE(sink->write(ending_at(lsn(2), {}, names), {}));
    return sink;
  }

  // A sink of this table alone, and the table out of the stream (R12).
  static std::unique_ptr<Sink> own_sink(PostgresSink& sink, const SchemaPtr& table) {
    std::unique_ptr<Sink> own = sink.outside(table->name);
    static_cast<void>(own->open(false, {}));
    own->use_tables({table});
    return own;
  }
  static void take_out(PostgresSink& sink, const SchemaPtr& table) {
    EXPECT_TRUE(sink.set_keys_aside(table->name, {}));
    sink.leave({table->name});
  }
  // Takes the table out of the stream, and loads its shadow with these rows.
  static std::unique_ptr<Sink> load_shadow(PostgresSink& sink, const RowBatch& rows) {
    const SchemaPtr& table = rows.schema_ptr();
    take_out(sink, table);
    std::unique_ptr<Sink> own = own_sink(sink, table);
    own->begin_load({}, {start(table, /*shadow=*/true)}, {});
    own->add_chunks({whole(table)});
    load_chunk(*own, rows);
    EXPECT_TRUE(finish_load(*own, {table}, {"mark-2"}, {}));
    return own;
  }

  // The table comes in with this end.
  static ChangeBatch joining(Lsn end, const SchemaPtr& table, std::vector<RowBatch> rows = {}) {
    ChangeBatch batch = ending_at(end, std::move(rows));
    batch.joining = {table};
    return batch;
  }

  // Until somebody in this database waits for a lock.
  void await_lock_wait() {
    for (int i = 0; i < 2000; ++i) {
      if (reader_.value("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()"
                        " AND wait_event_type = 'Lock') FROM pg_sleep(0.005)") == "t")
        return;
    }
    ADD_FAILURE() << "nobody waits for a lock";
  }

  // Does `work` while somebody holds `lock`, and stops it as soon as it waits for that.
  void stopped_while_held(const std::string& lock, const std::function<void(std::stop_token)>& work) {
    PlainClient holder(PostgresCluster::shared().url(database_));
    holder.run("SET idle_in_transaction_session_timeout = '20s'");
    holder.run("BEGIN; " + lock);
    std::stop_source stop;
    std::jthread stopper([&] {
      await_lock_wait();
      stop.request_stop();
    });
    work(stop.get_token());
    stopper.join();
    holder.run("ROLLBACK");
  }

  std::string position() { return reader_.value("SELECT encode(lsn, 'hex') FROM tailrace.pipeline"); }

  TestDatabase owner_;
  std::string database_ = owner_.name();
  PlainClient reader_;
  ResumeState state_;
};

// The kind of error that `work` throws; none: a failure of the test.
inline ErrorKind kind_of(const std::function<void()>& work, std::string* text = nullptr) {
  try {
    work();
  } catch (const Error& error) {
    if (text != nullptr) *text = error.what();
    return error.kind();
  }
  ADD_FAILURE() << "nothing was thrown";
  return ErrorKind::internal;
}

}  // namespace tailrace::postgres
