// A login at a server, and one statement after the other on it.
//
// Shape    A statement is sent, its response read to the end or given up by cancel(); then comes the next one. MARS is
//          not used.
// Errors   Those of the socket, channel and response. What the server says of a refused login is put into `said`
//          beside what is thrown. After an error the session is broken: is_usable() says so.
// Threads  One thread; interrupt() from any other.
// Source   [MS-TDS] 3.2.5 (client), 2.2.1.7 (attention).
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "tds/channel.h"
#include "tds/inbox.h"
#include "tds/login.h"
#include "tds/request.h"
#include "tds/response.h"
#include "tds/socket.h"

namespace tailrace::tds {

struct SessionSettings {
  std::string host;
  std::uint16_t port = 1433;
  std::string instance;  // Instead of the port.
  bool all_addresses_at_once = false;
  bool is_encrypted = true;
  TlsSettings tls;  // An empty host name: `host`, also after the server has routed elsewhere.
  std::string user;
  Secret password;
  std::string database;
  std::string application;
  bool is_read_only = false;
  std::chrono::milliseconds login_timeout{15'000};
  std::chrono::milliseconds query_timeout{600'000};  // The longest silence of the server.
  std::chrono::seconds keepalive{30};
  std::chrono::seconds keepalive_interval{10};
};

class Session {
 public:
  Session(const SessionSettings& settings, std::vector<ServerMessage>& said);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  bool is_usable() const { return usable_; }
  const SessionState& state() const { return state_; }

  // Sends a statement; response() then has its answer.
  void run(std::string_view sql, const std::vector<Parameter>& parameters);
  Response& response() { return response_; }

  // Gives up what is left of the response: the server is told, and answers that it has heard. Throws nothing; the
  // session may be broken then.
  void cancel() noexcept;
  // The session is of no more use: a last word to the server, and the end of the connection.
  void give_up() noexcept;

  // From any thread: what waits, and every later wait until rearm(), ends as abandoned.
  void interrupt() noexcept { socket_.interrupt(); }
  void rearm() { socket_.rearm(); }

 private:
  void open(const SessionSettings& settings, std::vector<ServerMessage>& said);
  void reach(const SessionSettings& settings, const std::string& host, std::uint16_t port);
  void agree_on_encryption(const SessionSettings& settings, const std::string& host);
  void log_in(const SessionSettings& settings, const std::string& host, std::vector<ServerMessage>& said);
  void send(PacketType type, std::string message);
  void drain();

  Socket socket_;
  std::unique_ptr<Channel> channel_;
  class Input : public ByteSource {
   public:
    explicit Input(Session& session) : session_(session) {}
    std::size_t read(std::span<std::byte> into) override { return session_.channel_->read(into); }

   private:
    Session& session_;
  } input_{*this};
  Inbox inbox_{input_};
  SessionState state_;
  Response response_{inbox_, state_};
  std::chrono::milliseconds login_timeout_;
  bool usable_ = false;
  bool sending_ = false;  // A request is on its way, and not all of it was sent.
};

}  // namespace tailrace::tds
