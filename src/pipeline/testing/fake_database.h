// Fakes of both ends for the runner's tests: a source with a history and a sink whose store outlives its instances.
//
// Shape    One column key, one column value. The source's tables and its log are plain maps; the sink keeps what a
//          real one keeps, moves rows and position in one step, and fails on demand. Both are as strict as the
//          contracts in source.h and sink.h.
// Threads  The world (FakeWorld) is locked; instances obey the interfaces' rules.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <vector>

#include "pipeline/sink.h"
#include "pipeline/source.h"

namespace tailrace::testing {

Lsn lsn_of(std::uint64_t number);
std::uint64_t number_of(const Lsn& lsn);
SchemaPtr make_table(const std::string& name);

struct FakeChange {
  TableName table;
  Operation operation = Operation::insert;
  std::int64_t key = 0;
  std::int64_t value = 0;
};

using FakeRows = std::map<std::int64_t, std::int64_t>;

// Everything that survives a crash: the source database and the sink's database.
struct FakeWorld {
  std::mutex mutex;
  // The source.
  std::vector<SchemaPtr> schemas;
  std::set<TableName> unfit;  // Of them.
  std::map<TableName, FakeRows> source_rows;
  std::map<std::uint64_t, std::vector<FakeChange>> log;  // By commit LSN.
  std::uint64_t next_lsn = 1;
  std::uint64_t rows_read = 0;                 // By snapshots.
  std::map<TableName, std::uint64_t> cleaned;  // Changes at or below are gone.
  // From these commits on the table has other columns, and a capture instance of its own, whose name is the commit's number.
  std::map<TableName, std::set<std::uint64_t>> columns_change_at;
  std::uint64_t ends_of_streams = 0;  // That said so.
  // The sink.
  std::map<TableName, FakeRows> sink_rows;
  std::map<TableName, FakeRows> shadow_rows;
  std::set<TableName> keyed;  // Their loads were finished by a writer.
  ResumeState stored;
  std::map<TableName, std::vector<std::vector<std::string>>> parked;
  std::map<std::int64_t, std::string> answers;  // By request; done is "".
  std::map<TableName, std::string> errors;
  std::set<TableName> keys_aside;
  std::set<TableName> being_written;  // Outside the stream, by a transaction that is open.
  std::size_t most_keys_settled = 0;  // At once.
  std::vector<PositionMove> moves;
  bool is_log = false;  // Of the sink.
  // Of a sink that knows of signals; nothing: it does not.
  std::optional<SignalSettings> signal_settings;
  std::vector<Signal> channel;  // Its own channel; the memo "channel" says how many were taken.
  std::vector<Notice> notices;
  std::uint64_t rows_read_beside = 0;   // Of incremental snapshots, durable ones.
  std::uint64_t rows_out_of_place = 0;  // Of those that were given: another row was there.
  // Commit points that mean rows and a position alone are held open for so long.
  std::chrono::milliseconds hold{0};
  bool holds_first = true;  // Of each instance of the sink.
  bool closed_cleanly = false;
  int opens = 0;
  int take_overs = 0;  // Opens that were to depose another runner.
  // Thrown at the next passes of these points, one entry a pass.
  std::map<std::string, std::vector<std::optional<ErrorKind>>> failures;
  std::map<std::string, int> passes;
  // So many passes of these points wait until they are stopped, like calls on a server that does not answer.
  std::map<std::string, int> waits;
  // With a chance of one in `random_failures`, any point fails as unavailable.
  unsigned random_failures = 0;
  std::mt19937 random{1};
  // Called (unlocked) at every point: tests change the source or request stops from here.
  std::function<void(const std::string&)> at;

  // No commit lies behind the position and at or before the LSN.
  bool is_all_read(std::uint64_t position, const Lsn& lsn) const {
    return log.upper_bound(position) == log.upper_bound(std::max(position, number_of(lsn)));
  }

  void commit(const std::vector<FakeChange>& changes);
  // As a command does; answers the request's id.
  std::int64_t request(const TableName& table, Wanted wanted);
  void point(const std::string& name);
  // The same for a call that can be stopped. False if it was.
  [[nodiscard]] bool point(const std::string& name, const std::stop_token& stop);
};

std::unique_ptr<Source> make_fake_source(FakeWorld& world);
std::unique_ptr<Sink> make_fake_sink(FakeWorld& world);

}  // namespace tailrace::testing
