// The load of tables by chunks, in parallel, resumable.
#include "pipeline/load.h"

#include <atomic>
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

// What is still to be done before a table can be finished: its chunks that are under way, and its plan.
struct TableWork {
  explicit TableWork(SchemaPtr schema) : table(std::move(schema)) {}

  // True for the one that ended the last.
  bool end_one() { return open.fetch_sub(1) == 1; }

  const SchemaPtr table;
  std::atomic<std::size_t> open = 1;
};

struct LoadTask {
  std::shared_ptr<TableWork> work;
  std::optional<Chunk> chunk;  // Else the table is to be finished.
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
      const auto work = std::make_shared<TableWork>(table.schema);
      for (const ChunkProgress& known : table.chunks) {
        if (!known.done && !offer_chunk(work, known.chunk)) return false;
      }
      if (!plan_rest(*planner, table, work)) return false;
      if (work->end_one() && !offer({work, std::nullopt})) return false;
    }
    return true;
  }

  // Plans from the last known chunk on. Each chunk is recorded before it is read, so that a later run reads
  // the same ranges.
  bool plan_rest(SnapshotReader& planner, const LoadTable& table, const std::shared_ptr<TableWork>& work) {
    const Chunk* last = table.chunks.empty() ? nullptr : &table.chunks.back().chunk;
    Chunk current;
    while (last == nullptr || !last->upto.empty()) {
      std::optional<Chunk> next =
          planner.plan_chunk(*table.schema, last, settings_.chunk_rows, beginning_.get_token());
      if (!next) return false;
      sink_.add_chunks({*next});
      if (!offer_chunk(work, *next)) return false;
      current = std::move(*next);
      last = &current;
    }
    return true;
  }

  bool offer_chunk(const std::shared_ptr<TableWork>& work, const Chunk& chunk) {
    ++work->open;
    return offer({work, chunk});
  }

  bool offer(LoadTask task) {
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
      while (const std::optional<LoadTask> task = queue_.pop(beginning_.get_token())) {
        if (task->chunk && !copy_chunk(reader, writer, task->work->table, *task->chunk)) break;
        // A table's key is built as soon as its rows are there, beside the chunks of the next.
        const bool is_last = !task->chunk || task->work->end_one();
        if (is_last && !writer.finish_table(task->work->table, beginning_.get_token())) break;
      }
    } catch (...) {
      error_.set_current();
    }
    workers_.ended();
  }

  bool copy_chunk(SnapshotReader& reader, ChunkWriter& writer, const SchemaPtr& table, const Chunk& chunk) {
    try {
      return copy_once(reader, writer, table, chunk);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::data || !writer.wants_again()) throw;
      log::warn("snapshot.chunk.again",
                {{"table", table->name.str()}, {"chunk", chunk.number}, {"reason", error.what()}});
    }
    return copy_once(reader, writer, table, chunk);
  }

  bool copy_once(SnapshotReader& reader, ChunkWriter& writer, const SchemaPtr& table, const Chunk& chunk) {
    switch (writer.begin(table, chunk, beginning_.get_token())) {
      case ChunkBegin::begun: break;
      case ChunkBegin::done_before: return true;
      case ChunkBegin::stopped: return false;
    }
    std::uint64_t bytes = 0;
    const auto take = [&](const RowBatch& rows) {
      bytes += rows.bytes();
      return writer.write(rows, error_.stop());
    };
    if (!reader.read_chunk(table, chunk, take, error_.stop())) return false;
    const std::optional<std::uint64_t> rows = writer.finish(error_.stop());
    if (!rows) return false;
    progress_.add_snapshot(table->name, *rows, bytes);
    ++progress_.durable_steps;
    return true;
  }

  const RunSettings& settings_;
  Source& source_;
  Sink& sink_;
  Progress& progress_;
  FirstError error_;
  // Requested by a drain, too: chunks that are being copied are then finished, no other is planned or begun; a key
  // that is being built is given up, the next run builds it.
  std::stop_source beginning_;
  std::stop_callback<StopBeginning> on_drain_;
  std::stop_callback<StopBeginning> on_error_;
  std::stop_callback<Stop> on_abandon_;
  BoundedQueue<LoadTask> queue_;
  Workers workers_;
  steady_clock::time_point last_beat_ = steady_clock::now();
};

}  // namespace

bool load_tables(const RunSettings& settings, const std::vector<LoadTable>& tables, Source& source,
                 Sink& sink, Progress& progress, std::stop_token drain, std::stop_token abandon) {
  return Load(settings, source, sink, progress, std::move(drain), std::move(abandon)).run(tables);
}

}  // namespace tailrace
