// Sees what clients do while their statements run: bytes (an attention) or a hang-up stop the statement.
//
// Shape    A client without MARS sends nothing between a request and the end of its answer but an attention, so that
//          a readable socket is reason enough; the connection's thread then reads what it is.
// Threads  One thread of its own for all connections; scopes are made on the connections' threads.
// Source   [MS-TDS] 2.2.1.7 (attention).
#pragma once

#include <cstdint>
#include <mutex>
#include <stop_token>
#include <thread>
#include <unordered_map>

namespace tailrace::sim::tds {

class AttentionWatch {
 public:
  AttentionWatch();
  AttentionWatch(const AttentionWatch&) = delete;
  AttentionWatch& operator=(const AttentionWatch&) = delete;
  ~AttentionWatch();

  // Watches `socket` for as long as it lives. Once it is gone, `stop` is not requested any more.
  class Scope {
   public:
    Scope(AttentionWatch& watch, int socket, std::stop_source stop);
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;
    ~Scope();

   private:
    AttentionWatch& watch_;
    int socket_;
    std::uint64_t id_;
  };

 private:
  void run();

  int epoll_ = -1;
  int wake_ = -1;
  std::mutex mutex_;
  std::uint64_t next_id_ = 1;  // 0 is the wake-up.
  std::unordered_map<std::uint64_t, std::stop_source> watched_;
  std::thread thread_;
};

}  // namespace tailrace::sim::tds
