// A TCP proxy in front of PostgreSQL that can lose the answer of a COMMIT.
//
// Threads  Each connection has a thread of the proxy's own; arm() may be called from any thread.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace tailrace::testing {

class AnswerCutter {
 public:
  enum class When {
    never,
    after_answer,   // The server has committed; its answer is thrown away and both sides are cut.
    after_request,  // The COMMIT reached the server; the client is cut while the server may still be at it.
    before_request  // The COMMIT never reaches the server.
  };

  explicit AnswerCutter(int server_port);
  ~AnswerCutter();
  AnswerCutter(const AnswerCutter&) = delete;
  AnswerCutter& operator=(const AnswerCutter&) = delete;

  int port() const { return port_; }
  void arm(When when) { when_ = when; }
  int cuts() const { return cuts_; }

 private:
  void accept_loop();
  void forward(int client);

  int server_port_;
  int listener_;
  int port_ = 0;
  std::atomic<When> when_{When::never};
  std::atomic<int> cuts_{0};
  std::atomic<bool> ending_{false};
  std::mutex mutex_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

}  // namespace tailrace::testing
