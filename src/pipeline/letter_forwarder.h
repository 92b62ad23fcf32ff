// Takes dead letters from their box to the post, on a thread of its own, for as long as it lives.
//
// Shape    What fails is said and tried again: letters that wait do not end the pipeline. (The sink does, where too many wait.)
// Threads  Owns its thread; the constructor starts it, the destructor stops and joins it.
// Source   docs/decisions/018.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "pipeline/letters.h"

namespace tailrace {

class LetterForwarder {
 public:
  struct Times {
    std::chrono::milliseconds look_every{200};  // Into the box.
    std::chrono::milliseconds ask_turn_every{1'000};
    std::chrono::milliseconds shortest_retry{500};  // Doubles up to 30 s.
  };

  LetterForwarder(LetterBoxFactory make_box, LetterPostFactory make_post, Times times);
  LetterForwarder(LetterBoxFactory make_box, LetterPostFactory make_post)
      : LetterForwarder(std::move(make_box), std::move(make_post), Times()) {}
  ~LetterForwarder();
  LetterForwarder(const LetterForwarder&) = delete;
  LetterForwarder& operator=(const LetterForwarder&) = delete;

  // Sends what waits now. False where some could not be sent within that time: they wait for the next run, and that is said.
  bool finish(std::chrono::milliseconds time);

 private:
  enum class Step { sent, empty, not_ours };
  void run(const std::stop_token& stop);
  Step step(const std::stop_token& stop);
  std::vector<WaitingLetter> next_letters();
  bool send(const std::vector<WaitingLetter>& letters, const std::stop_token& stop);
  void failed(const std::exception& error, std::chrono::milliseconds wait);
  void pause(std::chrono::milliseconds time, const std::stop_token& stop);
  void ended(bool is_empty);

  const LetterBoxFactory make_box_;
  const LetterPostFactory make_post_;
  const Times times_;
  std::unique_ptr<LetterBox> box_;
  std::unique_ptr<LetterPost> post_;
  bool one_by_one_ = false;  // The topic has refused one of some letters: which one, is being found out.
  std::chrono::steady_clock::time_point told_{};

  std::mutex mutex_;
  std::condition_variable_any news_;
  bool ends_ = false;    // finish() was called;
  bool ended_ = false;   // and the thread is through,
  bool empty_ = false;   // with everything sent.
  std::jthread thread_;  // The last member: it uses the others.
};

}  // namespace tailrace
