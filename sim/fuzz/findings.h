// What counts as a finding beside a crash: lines that the simulator logs as errors, among them each broken invariant and
// each statement that the store refused although the translation made it.
//
// Threads  Lines come from any thread; one ErrorLines at a time.
#pragma once

#include <mutex>
#include <string>

namespace tailrace::sim::fuzz {

class ErrorLines {
 public:
  ErrorLines();
  ErrorLines(const ErrorLines&) = delete;
  ErrorLines& operator=(const ErrorLines&) = delete;
  ~ErrorLines();

  // The first one since the last call; empty: none.
  std::string take();

 private:
  std::mutex mutex_;
  std::string first_;
};

}  // namespace tailrace::sim::fuzz
