// The TCP socket under an ODBC connection, so that a stop can end what waits on it.
//
// Why      FreeTDS loses a SQLCancel of another thread that sends its attention at the moment when the reading
//          thread comes to the network: the reader then waits for a signal that nobody gives, until the query's
//          timeout. The end of the socket cannot be lost. No driver gives its socket out, so it is looked for among
//          the process's own.
// Source   FreeTDS 1.3 src/tds/query.c, tds_send_cancel; src/tds/packet.c, tds_read_packet: a reader that finds
//          another thread in the network waits on packet_cond, which tds_connection_network signals for other
//          sessions alone.
// Threads  Made by one thread; shut_down() may be called from any other.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>

namespace tailrace::sqlserver {

class ServerSocket {
 public:
  ServerSocket() = default;
  ServerSocket(const ServerSocket&) = delete;
  ServerSocket& operator=(const ServerSocket&) = delete;
  ~ServerSocket();

  // Runs `connect` and takes hold of the one TCP connection that it opened. `port` is the peer's; 0: any.
  // Nothing is found where another thread opens one like it at the same time: the caller keeps them apart.
  void find_around(std::uint16_t port, const std::function<void()>& connect);

  // TCP keep-alive: after `idle` of silence the peer is asked, and again every `interval`; three questions without an
  // answer end the connection. Nothing to do where no socket was found.
  void keep_alive(std::chrono::seconds idle, std::chrono::seconds interval) const;

  bool found() const { return handle_ >= 0; }
  // Whoever reads or writes it sees its end now; nothing more goes over it.
  void shut_down() const;

 private:
  int handle_ = -1;  // A duplicate: the driver may close its own, whose number then becomes something else's.
};

}  // namespace tailrace::sqlserver
