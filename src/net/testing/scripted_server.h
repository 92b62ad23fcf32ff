// An HTTP server on 127.0.0.1 that answers by a script, with TLS if it is given a certificate; for tests.
//
// Shape    Each connection is one request and one answer. Answers are taken in order; the last one is given again and again.
// Threads  Its own one; requests() may be asked from any.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace tailrace::net::testing {

struct ScriptedAnswer {
  int status = 200;
  std::string body = {};
  std::optional<std::size_t> cut_after = {};  // The connection ends after so many bytes of the body.
  bool hangs_up = false;                      // The connection ends instead of an answer.
  bool silent = false;                        // Nothing is answered until the server ends.
  bool garbage = false;                       // The body alone, without HTTP around it.
};

using Script = std::vector<ScriptedAnswer>;

struct ServerTls {
  std::string certificate_file;
  std::string key_file;
  std::string client_ca_file;  // Empty: no certificate of the client is asked for.
};

class ScriptedServer {
 public:
  explicit ScriptedServer(Script script, std::optional<ServerTls> tls = {});
  ~ScriptedServer();
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  std::string url() const;
  // Whole, with their headers.
  std::vector<std::string> requests() const;
  // Returns when so many have been read; false after 20 seconds.
  bool wait_for_requests(std::size_t count) const;

 private:
  class Connection;

  void serve();
  void answer(int socket, const ScriptedAnswer& with);

  Script script_;
  std::optional<ServerTls> tls_;
  int listener_ = -1;
  int port_ = 0;
  int stop_pipe_[2] = {-1, -1};
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::vector<std::string> requests_;
  std::thread thread_;
};

}  // namespace tailrace::net::testing
