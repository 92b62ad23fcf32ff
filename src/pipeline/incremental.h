// Incremental snapshots: tables that are read in chunks while the stream goes on, each chunk's rows at their place in it.
//
// Shape    execute() and the like change what is to be done; see() is given every batch before the sink has it; add_to() puts what is
//          due into an end, so that rows, progress and notices become durable with it. After a failure a new instance goes on from
//          what is durable: the chunk whose place was not reached is read again.
// Threads  The applying thread's, but for take_watch(): the reading thread.
// Source   docs/rules.md K8; Debezium 3.6 AbstractIncrementalSnapshotChangeEventSource (what is sent and told).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/chunk_window.h"
#include "pipeline/incremental_reader.h"
#include "pipeline/incremental_state.h"
#include "pipeline/signal.h"

namespace tailrace {

struct WatchedMark {
  HighMark mark = {};
  std::uint64_t number = 0;
};

struct IncrementalTask {
  const RunSettings& settings;
  const SourceFactory& make_source;
  Progress& progress;
  SignalSettings signals = {};
  std::string source_identity = {};
  std::vector<SchemaPtr> tables = {};  // Of the stream.
  std::string stored = {};             // The memo.
  std::function<void()> wake = {};     // From any thread: look() has something to do.
};

class IncrementalSnapshots {
 public:
  static constexpr const char* memo_name = "incremental_snapshot";

  explicit IncrementalSnapshots(IncrementalTask task);

  // Throw config for what cannot be done; nothing has changed then.
  void execute(const std::string& id, const SnapshotOrder& order);
  void stop(const SnapshotOrder& order);
  void pause();
  void resume();

  void see(const ChangeBatch& batch);
  // Takes what the reader has, and gives it the next order.
  void look();
  // An end is wanted that has nothing else to say.
  bool is_due() const { return changed_ || !notices_.empty(); }
  void add_to(ChangeBatch& batch);
  // Something is under way that goes on by itself.
  bool is_busy() const { return state_.running() && !state_.paused; }

  std::optional<WatchedMark> take_watch();

 private:
  std::string id_of(const TableName& table) const;
  std::string ids() const;
  void tell(const char* type, std::vector<std::pair<std::string, std::string>> data);
  void tell_scanned(const char* status);
  void order_chunk();
  void drop_chunk();
  void finish_chunk(ChangeBatch& batch);
  // The first table is through, for whatever reason.
  void next_table(const char* status);

  const IncrementalTask task_;
  IncrementalState state_;
  std::map<TableName, SchemaPtr> tables_;
  ChunkWindow window_;
  std::uint64_t number_ = 0;           // Of the newest order.
  bool ordered_ = false;               // It is not through.
  std::optional<ChunkAnswer> answer_;  // Without its rows, which are in the window.
  bool changed_ = false;               // The state, since the last end.
  std::vector<Notice> notices_;
  std::mutex mutex_;
  std::optional<WatchedMark> watch_;  // For the reading thread.
  std::unique_ptr<IncrementalReader> reader_;
};

}  // namespace tailrace
