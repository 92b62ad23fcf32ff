// The refresh loop, and the lines of a run without a terminal.
#include "app/progress_printer.h"

#include <fmt/format.h>
#include <unistd.h>

#include "app/text_table.h"
#include "base/log.h"

namespace tailrace::app {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto block_interval = 250ms;
constexpr auto look_interval = 500ms;
constexpr auto snapshot_interval = 5s;
constexpr auto health_interval = 60s;

void put(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
    if (written <= 0) return;  // Progress that nobody can see is no reason to stop a run.
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace

ProgressPrinter::ProgressPrinter(const Progress& progress, const Terminal& terminal, bool block)
    : progress_(progress),
      terminal_(terminal),
      block_(block),
      last_look_(Clock::now()),
      last_progress_(Clock::now()),
      last_health_(Clock::now()) {
  if (block_) log::redirect([this](std::string_view line) { write_through(line); });
  thread_ = std::jthread([this](std::stop_token stop) { run(std::move(stop)); });
}

ProgressPrinter::~ProgressPrinter() {
  thread_.request_stop();
  thread_.join();
  if (block_) {
    log::redirect(nullptr);
    const std::lock_guard lock(mutex_);
    erase();
  } else {
    log_lines();  // What changed since the last look.
  }
}

void ProgressPrinter::run(std::stop_token stop) {
  while (!stop.stop_requested()) {
    if (block_) {
      refresh_block();
    } else {
      log_lines();
    }
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, stop, block_ ? block_interval : look_interval, [] { return false; });
  }
}

void ProgressPrinter::refresh_block() {
  const ProgressSample sample = sample_of(progress_);
  const std::vector<std::string> lines = progress_block(sample, window_.add(sample), terminal_);
  const std::lock_guard lock(mutex_);
  erase();
  drawing_.clear();
  for (const std::string& line : lines)
    drawing_ += line + "\n";
  drawn_ = lines.size();
  put(drawing_);
}

void ProgressPrinter::erase() {
  if (drawn_ > 0) put(fmt::format("\x1b[{}A\x1b[J", drawn_));
  drawn_ = 0;
}

void ProgressPrinter::write_through(std::string_view line) {
  const std::lock_guard lock(mutex_);
  const std::size_t lines = drawn_;
  erase();
  put(fmt::format("{}\n", line));
  if (lines > 0) put(drawing_);
  drawn_ = lines;
}

// The runner says what begins and ends; the figures of a table's load are added here.
void ProgressPrinter::log_table(const TableCount& count) {
  const auto [known, fresh] = states_.try_emplace(count.table, TableState::loading);
  if (fresh) started_[count.table] = last_look_;
  // A load may begin and end between two looks.
  const bool ended = known->second == TableState::loading && count.state != TableState::loading;
  known->second = count.state;
  if (!ended || (fresh && count.snapshot_rows == 0)) return;
  const std::chrono::duration<double> took = Clock::now() - started_[count.table];
  log::info("snapshot.table", {{"table", count.table.str()},
                               {"rows", count.snapshot_rows},
                               {"mb", fmt::format("{:.1f}", static_cast<double>(count.snapshot_bytes) / 1e6)},
                               {"seconds", fmt::format("{:.1f}", took.count())}});
}

void ProgressPrinter::log_lines() {
  const ProgressSample sample = sample_of(progress_);
  const Rates rates = window_.add(sample);
  for (const TableCount& count : sample.tables)
    log_table(count);
  const auto now = Clock::now();
  last_look_ = now;
  const SnapshotTotal total = snapshot_total(sample.tables);
  if (total.loaded < total.tables && now - last_progress_ >= snapshot_interval) {
    last_progress_ = now;
    const double percent = total.estimated_rows == 0 ? 0
                                                     : 100.0 * static_cast<double>(total.rows) /
                                                           static_cast<double>(total.estimated_rows);
    log::info("snapshot.progress",
              {{"tables_loaded", fmt::format("{}/{}", total.loaded, total.tables)},
               {"rows", total.rows},
               {"percent", fmt::format("{:.1f}", percent)},
               {"mb", fmt::format("{:.1f}", static_cast<double>(total.bytes) / 1e6)},
               {"rows_per_second", static_cast<std::uint64_t>(rates.all_snapshot_rows)},
               {"eta", eta_text(total.rows, total.estimated_rows, rates.all_snapshot_rows)}});
  }
  if (sample.streaming && now - last_health_ >= health_interval) {
    last_health_ = now;
    std::uint64_t changes = 0;
    for (const TableCount& count : sample.tables)
      changes += changes_of(count);
    log::info("stream.health", {{"lag", lag_text(sample)},
                                {"transactions", sample.transactions},
                                {"changes", changes},
                                {"commits", sample.commits},
                                {"retries", sample.retries},
                                {"dead_letters", dead_letters_of(sample.tables)},
                                {"queue_bytes", sample.queue_bytes}});
  }
}

}  // namespace tailrace::app
