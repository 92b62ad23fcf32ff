// The simulator's listener: TDS connections in front of an Engine, a thread each.
//
// Errors   config: the address cannot be listened on, the certificate cannot be used.
// Threads  run() is the accepting thread; every connection has its own; all have ended when run() returns.
// Source   [MS-TDS] 3.3 (server details).
#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>

#include "sim/tds/attention_watch.h"
#include "sim/tds/certificate.h"
#include "sim/tsql/session.h"

namespace tailrace::sim::tds {

struct ServerSettings {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;  // 0: a free one.
  // PEM with certificate and key. Empty: a self-signed one, kept in `certificate_directory`.
  std::string certificate_file;
  std::string certificate_directory;
  std::size_t most_connections = 512;
};

class Server {
 public:
  // Listens when it returns. `engine` must outlive it.
  Server(Engine& engine, const ServerSettings& settings);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();

  std::uint16_t port() const { return port_; }
  // The certificate alone, for clients that verify.
  const std::string& certificate_file() const { return certificate_file_; }

  // Accepts until `stop` is requested; then cuts every connection and waits for their ends.
  void run(std::stop_token stop);

 private:
  struct Client;

  void listen(const ServerSettings& settings);
  void accept_one();
  void forget_ended();

  Engine& engine_;
  const std::size_t most_connections_;
  int listener_ = -1;
  int wake_ = -1;
  std::uint16_t port_ = 0;
  std::uint16_t next_spid_ = 51;  // Up to 50 are SQL Server's own.
  std::string certificate_file_;
  TlsContext tls_;
  AttentionWatch watch_;
  std::list<Client> clients_;
};

}  // namespace tailrace::sim::tds
