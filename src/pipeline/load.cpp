// The load of tables by chunks, in parallel, resumable.
#include "pipeline/load.h"

#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/bounded_queue.h"
#include "base/crash_point.h"
#include "base/log.h"
#include "pipeline/clock.h"
#include "pipeline/first_error.h"

namespace tailrace {
namespace {

using std::chrono::steady_clock;

struct ChunkTask {
  SchemaPtr table;
  Chunk chunk;
};

// How many workers are still at work, for a caller that must keep its heartbeat while it waits.
class Workers {
 public:
  void began() {
    const std::lock_guard lock(mutex_);
    ++active_;
  }
  void ended() {
    const std::lock_guard lock(mutex_);
    --active_;
    changed_.notify_all();
  }
  // True once none is active.
  bool wait_for(std::chrono::milliseconds time) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, time, [&] { return active_ == 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int active_ = 0;
};

class Load {
 public:
  Load(const RunSettings& settings, Source& source, Sink& sink, Progress& progress, std::stop_token drain,
       std::stop_token abandon)
      : settings_(settings),
        source_(source),
        sink_(sink),
        progress_(progress),
        on_drain_(std::move(drain), StopBeginning{*this}),
        on_error_(error_.stop(), StopBeginning{*this}),
        on_abandon_(std::move(abandon), Stop{*this}),
        queue_(static_cast<std::size_t>(settings.readers)) {}

  bool run(const std::vector<LoadTable>& tables) {
    std::vector<std::jthread> threads;
    bool planned = false;
    try {
      for (int i = 0; i < settings_.readers; ++i) {
        // Made here, used there: the factories belong to this thread.
        std::shared_ptr<SnapshotReader> reader = source_.snapshot_reader();
        std::shared_ptr<ChunkWriter> writer = sink_.chunk_writer();
        workers_.began();
        threads.emplace_back([this, reader, writer] { work(*reader, *writer); });
      }
      planned = plan(tables);
      queue_.close();
      while (!workers_.wait_for(heartbeat_every))
        static_cast<void>(sink_.heartbeat());
    } catch (...) {
      error_.set_current();
      queue_.close();
    }
    threads.clear();
    progress_.add_dead_letters(sink_.take_dead_letters());
    error_.rethrow();
    return planned && !beginning_.stop_requested();
  }

 private:
  struct StopBeginning {
    Load& load;
    void operator()() const { load.beginning_.request_stop(); }
  };
  struct Stop {
    Load& load;
    void operator()() const { load.error_.request_stop(); }
  };

  bool plan(const std::vector<LoadTable>& tables) {
    const std::unique_ptr<SnapshotReader> planner = source_.snapshot_reader();
    for (const LoadTable& table : tables) {
      for (const ChunkProgress& known : table.chunks) {
        if (!known.done && !offer({table.schema, known.chunk})) return false;
      }
      if (!plan_rest(*planner, table)) return false;
    }
    return true;
  }

  // Plans from the last known chunk on. Each chunk is recorded before it is read, so that a later run reads
  // the same ranges.
  bool plan_rest(SnapshotReader& planner, const LoadTable& table) {
    const Chunk* last = table.chunks.empty() ? nullptr : &table.chunks.back().chunk;
    Chunk current;
    while (last == nullptr || !last->upto.empty()) {
      std::optional<Chunk> next =
          planner.plan_chunk(*table.schema, last, settings_.chunk_rows, beginning_.get_token());
      if (!next) return false;
      sink_.add_chunks({*next});
      if (!offer({table.schema, *next})) return false;
      current = std::move(*next);
      last = &current;
    }
    return true;
  }

  bool offer(ChunkTask task) {
    for (;;) {
      switch (queue_.push_until(task, 1, steady_clock::now() + heartbeat_every, beginning_.get_token())) {
        case QueueResult::done: beat_if_due(); return true;
        case QueueResult::ended: return false;
        case QueueResult::timed_out: beat_if_due(); break;
      }
    }
  }

  void beat_if_due() {
    const auto now = steady_clock::now();
    if (now - last_beat_ < heartbeat_every) return;
    last_beat_ = now;
    static_cast<void>(sink_.heartbeat());  // Requests of commands are seen once the stream runs.
  }

  void work(SnapshotReader& reader, ChunkWriter& writer) {
    try {
      while (const std::optional<ChunkTask> task = queue_.pop(beginning_.get_token())) {
        if (!copy_chunk(reader, writer, *task)) break;
      }
    } catch (...) {
      error_.set_current();
    }
    workers_.ended();
  }

  bool copy_chunk(SnapshotReader& reader, ChunkWriter& writer, const ChunkTask& task) {
    try {
      return copy_once(reader, writer, task);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::data || !writer.wants_again()) throw;
      log::warn("snapshot.chunk.again",
                {{"table", task.table->name.str()}, {"chunk", task.chunk.number}, {"reason", error.what()}});
    }
    return copy_once(reader, writer, task);
  }

  bool copy_once(SnapshotReader& reader, ChunkWriter& writer, const ChunkTask& task) {
    switch (writer.begin(task.table, task.chunk, beginning_.get_token())) {
      case ChunkBegin::begun: break;
      case ChunkBegin::done_before: return true;
      case ChunkBegin::stopped: return false;
    }
    std::uint64_t bytes = 0;
    const auto take = [&](const RowBatch& rows) {
      bytes += rows.bytes();
      return writer.write(rows, error_.stop());
    };
    if (!reader.read_chunk(task.table, task.chunk, take, error_.stop())) return false;
    const std::optional<std::uint64_t> rows = writer.finish(error_.stop());
    if (!rows) return false;
    progress_.add_snapshot(task.table->name, *rows, bytes);
    ++progress_.durable_steps;
    return true;
  }

  const RunSettings& settings_;
  Source& source_;
  Sink& sink_;
  Progress& progress_;
  FirstError error_;
  // Requested by a drain, too: chunks that are being copied are then finished, no other is planned or begun.
  std::stop_source beginning_;
  std::stop_callback<StopBeginning> on_drain_;
  std::stop_callback<StopBeginning> on_error_;
  std::stop_callback<Stop> on_abandon_;
  BoundedQueue<ChunkTask> queue_;
  Workers workers_;
  steady_clock::time_point last_beat_ = steady_clock::now();
};

}  // namespace

bool load_tables(const RunSettings& settings, const std::vector<LoadTable>& tables, Source& source,
                 Sink& sink, Progress& progress, std::stop_token drain, std::stop_token abandon) {
  return Load(settings, source, sink, progress, std::move(drain), std::move(abandon)).run(tables);
}

}  // namespace tailrace
