// Shows a run's progress on stderr while it lives: a block refreshed in place on a terminal, log lines elsewhere.
//
// Threads  A thread of its own that only reads the counters; log lines of other threads go through the same
//          lock, so that they do not tear the block.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include "app/progress_view.h"
#include "app/terminal.h"

namespace tailrace::app {

class ProgressPrinter {
 public:
  // Borrows `progress`, which must outlive this.
  ProgressPrinter(const Progress& progress, const Terminal& terminal, bool block);
  ProgressPrinter(const ProgressPrinter&) = delete;
  ProgressPrinter& operator=(const ProgressPrinter&) = delete;
  // Takes the block away; what the counters stand at is for the caller to say.
  ~ProgressPrinter();

 private:
  void run(std::stop_token stop);
  void refresh_block();
  void log_lines();
  void log_table(const TableCount& count);
  void erase();
  void write_through(std::string_view line);

  const Progress& progress_;
  const Terminal terminal_;
  const bool block_;
  RateWindow window_;
  std::map<TableName, TableState> states_;  // As last logged.
  std::map<TableName, std::chrono::steady_clock::time_point> started_;
  std::chrono::steady_clock::time_point last_look_;
  std::chrono::steady_clock::time_point last_progress_;
  std::chrono::steady_clock::time_point last_health_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::size_t drawn_ = 0;  // Lines of the block on the screen.
  std::string drawing_;    // The block as last drawn.
  std::jthread thread_;
};

}  // namespace tailrace::app
