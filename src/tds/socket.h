// A TCP connection whose waits have a limit and can be ended by another thread.
//
// Shape    Reads and writes never block; wait() does, for the socket or for interrupt(), whichever comes first.
// Errors   unavailable, with `sqlstate` as ODBC has it (08001 not reached, 08S01 lost, HYT00 too late); abandoned from
//          wait() after interrupt().
// Threads  One thread; interrupt() may be called from any other.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace tailrace::tds {

class Socket {
 public:
  using Clock = std::chrono::steady_clock;

  Socket();
  ~Socket();
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  // Tries the host's addresses one after the other, or all of them at once: the first that answers is taken. A
  // connection that there is already is closed before.
  void connect(const std::string& host, std::uint16_t port, bool all_at_once, Clock::time_point deadline);
  void close();
  // Nothing more goes over it; the peer sees its end.
  void shut_down() noexcept;

  // After `idle` of silence the peer is asked, and again every `interval`; three questions without an answer end the
  // connection.
  void keep_alive(std::chrono::seconds idle, std::chrono::seconds interval) const;

  // How many bytes came, 0 at the peer's end; nothing: there are none yet.
  std::optional<std::size_t> try_read(std::span<std::byte> into);
  // How many were taken; nothing: none can be taken yet.
  std::optional<std::size_t> try_write(std::span<const std::byte> bytes);

  // Until something can be read (or written). No longer than the patience, and not beyond the deadline.
  void wait_to_read() { wait(/*for_reading=*/true); }
  void wait_to_write() { wait(/*for_reading=*/false); }
  void set_deadline(std::optional<Clock::time_point> deadline) { deadline_ = deadline; }
  void set_patience(std::chrono::milliseconds longest_silence) { patience_ = longest_silence; }

  // The wait that runs, and every later one until rearm(), ends as abandoned.
  void interrupt() noexcept;
  void rearm();

 private:
  void wait(bool for_reading);

  int handle_ = -1;
  int wake_ = -1;  // An eventfd.
  std::atomic<bool> interrupted_ = false;
  std::optional<Clock::time_point> deadline_;
  std::chrono::milliseconds patience_{600'000};
};

}  // namespace tailrace::tds
