// Chunks beside the stream.
#include "pipeline/incremental_reader.h"

#include <utility>

#include "base/crash_point.h"
#include "base/error.h"
#include "base/log.h"
#include "base/wait.h"
#include "model/key_text.h"
#include "pipeline/retry.h"

namespace tailrace {

using std::chrono::steady_clock;

IncrementalReader::IncrementalReader(const RunSettings& settings, const SourceFactory& make_source,
                                     Progress& progress, std::string source_identity, Limits limits,
                                     std::function<void()> woken)
    : settings_(settings),
      make_source_(make_source),
      progress_(progress),
      source_identity_(std::move(source_identity)),
      limits_(limits),
      woken_(std::move(woken)),
      thread_([this] { work(); }) {}

IncrementalReader::~IncrementalReader() {
  stop_.request_stop();
}

void IncrementalReader::ask(ChunkOrder order) {
  const std::lock_guard lock(mutex_);
  current_ = order.number;
  asked_ = std::move(order);
  answer_.reset();
  changed_.notify_all();
}

std::optional<ChunkAnswer> IncrementalReader::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(answer_, std::nullopt);
}

bool IncrementalReader::is_current(std::uint64_t number) const {
  const std::lock_guard lock(mutex_);
  return current_ == number && !stop_.stop_requested();
}

std::optional<ChunkOrder> IncrementalReader::next_order() {
  std::unique_lock lock(mutex_);
  if (!changed_.wait(lock, stop_.get_token(), [&] { return asked_.has_value(); })) return std::nullopt;
  return std::exchange(asked_, std::nullopt);
}

void IncrementalReader::work() {
  while (const std::optional<ChunkOrder> order = next_order()) {
    std::optional<ChunkAnswer> found = answer(*order);
    if (!found) continue;
    {
      const std::lock_guard lock(mutex_);
      if (current_ != order->number) continue;
      answer_ = std::move(found);
    }
    woken_();
  }
  reader_.reset();
  source_.reset();
}

// Nothing: nobody waits for it any more.
std::optional<ChunkAnswer> IncrementalReader::answer(const ChunkOrder& order) {
  RetryPolicy retry(settings_.first_contact, settings_.shortest_retry, steady_clock::now());
  retry.succeeded_before();  // The pipeline has.
  while (is_current(order.number)) {
    try {
      return read(order);
    } catch (const Error& error) {
      reader_.reset();
      source_.reset();
      if (stop_.stop_requested()) return std::nullopt;
      const bool is_passing = error.kind() == ErrorKind::unavailable || error.kind() == ErrorKind::conflict;
      const auto wait = is_passing ? retry.after(error.kind(), steady_clock::now()) : std::nullopt;
      if (!wait) {
        ChunkAnswer out;
        out.number = order.number;
        out.error = error.what();
        return out;
      }
      ++progress_.retries;
      log::warn("incremental.retry", {{"table", order.table->name.str()},
                                      {"kind", name_of(error.kind())},
                                      {"wait_ms", wait->count()},
                                      {"error", error.what()}});
      wait_for(*wait, stop_.get_token());
    }
  }
  return std::nullopt;
}

// False if stopped first.
bool IncrementalReader::open(const TableName& table) {
  if (source_ != nullptr) return true;
  source_ = make_source_();
  ResumeState state;
  state.first_run = false;
  state.source_identity = source_identity_;
  state.only = table;  // Others may be unfit: that is the stream's concern.
  static_cast<void>(source_->open(state, stop_.get_token()));
  if (stop_.stop_requested()) return false;
  reader_ = source_->snapshot_reader();
  return true;
}

std::optional<ChunkAnswer> IncrementalReader::read(const ChunkOrder& order) {
  if (!open(order.table->name)) return std::nullopt;
  ChunkAnswer out;
  out.number = order.number;
  Chunk before;
  before.table = order.table->name;
  before.number = order.chunk - 1;
  before.upto = order.after;
  const bool is_first = order.after.empty();
  std::optional<Chunk> chunk =
      reader_->plan_chunk(*order.table, is_first ? nullptr : &before, limits_.rows, stop_.get_token());
  if (!chunk) return std::nullopt;
  chunk->filter = order.filter;
  std::size_t bytes = 0;
  bool is_cut = false;
  const auto take = [&](const RowBatch& rows) {
    if (rows.empty()) return true;
    bytes += rows.bytes();
    out.read += rows.rows();
    if (!rows.faults().empty())
      throw Error(ErrorKind::data, rows.faults().front().text)
          .with("column", order.table->columns[rows.faults().front().column].name);
    out.upto = key_of(rows, rows.rows() - 1);
    out.rows.push_back(rows);
    is_cut = bytes >= limits_.bytes;
    return !is_cut;
  };
  const bool read_all = reader_->read_chunk(order.table, *chunk, take, stop_.get_token());
  if (!read_all && !is_cut) return std::nullopt;
  if (!is_cut) out.upto = chunk->upto;
  crash_point("incremental.after_read");
  out.mark = source_->take_mark();
  return out;
}

}  // namespace tailrace
