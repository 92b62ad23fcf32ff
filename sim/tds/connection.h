// One client from its first byte to its last: login, then requests one after the other.
//
// Errors   Ends by itself: the client's hang-up, bytes that break the protocol, a broken invariant of the engine
//          (logged), abort().
// Threads  run() is the connection's thread; abort() may be called from any.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "sim/tds/attention_watch.h"
#include "sim/tds/channel.h"
#include "sim/tds/login.h"
#include "sim/tds/request.h"
#include "sim/tds/response.h"
#include "sim/tsql/session.h"

namespace tailrace::sim::tds {

class Connection {
 public:
  // `engine`, `tls` and `watch` must outlive it.
  Connection(int socket, std::uint16_t spid, Engine& engine, ssl_ctx_st* tls, AttentionWatch& watch);

  void run();
  void abort() { channel_.abort(); }

 private:
  void serve();
  bool log_in();
  // False: the client is gone or was refused.
  bool negotiate_encryption(const Message& prelogin);
  bool answer_login(const Login7& login);
  bool refuse_login(const ServerMessage& why);
  bool serve_message(const Message& message);
  // Runs the request; false when the connection must end.
  bool execute(const Message& message);
  void perform(const Message& message, std::stop_token stop);
  void perform_rpcs(const std::string& bytes, std::stop_token stop);
  void perform_transaction_request(const std::string& bytes, std::stop_token stop);
  bool acknowledge_cancellation();

  Engine& engine_;
  ssl_ctx_st* tls_;
  AttentionWatch& watch_;
  Protocol protocol_;
  Channel channel_;
  Encryption encryption_ = Encryption::not_supported;
  Response response_;
  std::unique_ptr<Session> session_;
};

}  // namespace tailrace::sim::tds
