// SIGTERM and SIGINT as stop requests: the first drains, a second one abandons.
//
// Threads  Made in the main thread before any other thread is started, so that every thread inherits the
//          blocked signals; they are read by a thread of its own through a signalfd.
#pragma once

#include <stop_token>
#include <thread>

namespace tailrace::app {

class Signals {
 public:
  Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  ~Signals();

  std::stop_token drain() const { return drain_.get_token(); }
  std::stop_token abandon() const { return abandon_.get_token(); }

 private:
  void watch(std::stop_token stop);

  int signals_ = -1;
  int wake_ = -1;
  std::stop_source drain_;
  std::stop_source abandon_;
  std::jthread thread_;
};

}  // namespace tailrace::app
