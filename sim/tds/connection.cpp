// One client from its first byte to its last.
#include "sim/tds/connection.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/error.h"
#include "base/log.h"
#include "sim/tds/text.h"
#include "sim/tds/tokens.h"

namespace tailrace::sim::tds {
namespace {

constexpr std::size_t most_login_bytes = 128 * 1024;
constexpr std::size_t most_request_bytes = 512u << 20;
constexpr std::size_t kept_request_bytes = 1u << 20;
constexpr std::uint32_t login_limit_s = 60;

int number_of(const Error& error) {
  int number = 50000;
  const std::string_view text = error.context("number");
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

ServerMessage message_of(const Error& refused) {
  return {.number = number_of(refused),
          .state = 1,
          .severity = 16,
          .text = refused.message(),
          .procedure = {},
          .line = 1};
}

std::uint32_t agreed_version(std::uint32_t client) {
  return std::min(client, std::uint32_t{0x74000004});
}

std::uint32_t agreed_packet_bytes(std::uint32_t wanted, bool encrypted) {
  if (wanted == 0) return default_packet_bytes;
  return std::clamp(wanted, smallest_packet_bytes,
                    encrypted ? largest_encrypted_packet_bytes : largest_packet_bytes);
}

// What a login may ask for and this server does not do.
std::optional<ServerMessage> unsupported(const Login7& login) {
  const auto refusal = [](std::int32_t number, std::uint8_t severity, std::string text) {
    return ServerMessage{.number = number,
                         .state = 1,
                         .severity = severity,
                         .text = std::move(text),
                         .procedure = {},
                         .line = 1};
  };
  if (login.integrated) {
    return refusal(18452, 14,
                   "Login failed. The login is from an untrusted domain and cannot be used with Integrated "
                   "authentication.");
  }
  if (login.version < 0x73000000) {
    return refusal(17830, 20,
                   "The simulator speaks TDS 7.3 and later; the client asks for an older version.");
  }
  if (login.changes_password) {
    return refusal(18456, 14,
                   fmt::format("Login failed for user '{}'. The simulator changes no password at login.",
                               login.login.user));
  }
  if (login.attaches_file) return refusal(15350, 16, "The simulator attaches no database file at login.");
  return std::nullopt;
}

std::string quoted_name(std::string_view name) {
  std::string quoted = "[";
  for (const char c : name) {
    quoted.push_back(c);
    if (c == ']') quoted.push_back(c);
  }
  return quoted + "]";
}

}  // namespace

Connection::Connection(int socket, std::uint16_t spid, Engine& engine, ssl_ctx_st* tls, AttentionWatch& watch)
    : engine_(engine), tls_(tls), watch_(watch), channel_(socket, spid), response_(channel_, protocol_) {}

void Connection::run() {
  try {
    serve();
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::protocol || error.kind() == ErrorKind::unavailable) {
      log::warn("tds.connection.refused", {{"spid", channel_.spid()}, {"reason", error.what()}});
    } else {
      log::error("tds.connection.failed", {{"spid", channel_.spid()}, {"error", error.what()}});
    }
  } catch (const std::exception& error) {
    log::error("tds.connection.failed", {{"spid", channel_.spid()}, {"error", error.what()}});
  }
  session_.reset();
}

void Connection::serve() {
  channel_.limit_wait(login_limit_s);
  if (!log_in()) return;
  channel_.limit_wait(0);
  Message message;
  while (channel_.read_message(message, most_request_bytes)) {
    if (!serve_message(message)) return;
    if (message.bytes.capacity() > kept_request_bytes) message.bytes = {};
  }
}

bool Connection::log_in() {
  Message message;
  if (!channel_.read_message(message, most_login_bytes)) return false;
  if (message.type == PacketType::prelogin) {
    if (!negotiate_encryption(message)) return false;
    if (!channel_.read_message(message, most_login_bytes)) return false;
    if (encryption_ == Encryption::off) channel_.stop_tls();
  }
  if (message.type != PacketType::login7) throw Error(ErrorKind::protocol, "a LOGIN7 was expected");
  return answer_login(parse_login7(message.bytes));
}

bool Connection::negotiate_encryption(const Message& prelogin) {
  encryption_ = agree(parse_prelogin(prelogin.bytes).encryption);
  ByteBuffer answer;
  put_prelogin_answer(answer, encryption_);
  if (!channel_.send_message_end(answer, default_packet_bytes)) return false;
  if (encryption_ != Encryption::not_supported) channel_.start_tls(tls_);
  return true;
}

bool Connection::refuse_login(const ServerMessage& why) {
  response_.message(why);
  response_.end();
  return false;
}

bool Connection::answer_login(const Login7& login) {
  protocol_.version = agreed_version(login.version);
  response_.begin({});
  if (const std::optional<ServerMessage> why = unsupported(login)) return refuse_login(*why);
  std::vector<ServerMessage> refused;
  session_ = engine_.login(login.login, refused);
  for (const ServerMessage& message : refused)
    response_.message(message);
  if (!session_) {
    response_.end();
    return false;
  }
  const std::uint32_t packet_bytes = agreed_packet_bytes(login.packet_bytes, encryption_ == Encryption::on);
  response_.database_changed("master", session_->database());
  ByteBuffer& out = response_.bytes();
  put_collation_change(out);
  put_text_change(out, environment::language, "us_english", "");
  response_.message({.number = 5703,
                     .state = 1,
                     .severity = 0,
                     .text = "Changed language setting to us_english.",
                     .procedure = {},
                     .line = 1});
  put_login_acknowledgement(out, protocol_);
  put_text_change(out, environment::packet_size, fmt::to_string(packet_bytes),
                  fmt::to_string(default_packet_bytes));
  response_.end();
  protocol_.packet_bytes = packet_bytes;
  return !response_.broken();
}

bool Connection::serve_message(const Message& message) {
  if (message.type == PacketType::attention) {
    response_.acknowledge_attention();
    return !response_.broken();
  }
  if (message.ignored) {
    response_.begin({});
    response_.end_cancelled();
    return !response_.broken();
  }
  switch (message.type) {
    case PacketType::batch:
    case PacketType::rpc:
    case PacketType::transaction_manager: return execute(message);
    case PacketType::bulk: throw Error(ErrorKind::protocol, "bulk load data came without an INSERT BULK");
    default: throw Error(ErrorKind::protocol, "a packet type that has no place after the login");
  }
}

bool Connection::execute(const Message& message) {
  std::stop_source stop;
  response_.begin(stop.get_token());
  {
    const AttentionWatch::Scope scope(watch_, channel_.socket(), stop);
    // The attention may have been read together with the request.
    if (channel_.has_unread_input()) stop.request_stop();
    try {
      perform(message, stop.get_token());
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::data || error.context("number").empty()) throw;
      response_.message(message_of(error));
    }
  }
  if (response_.broken()) return false;
  if (stop.stop_requested()) return acknowledge_cancellation();
  response_.end();
  return !response_.broken() && !response_.fatal();
}

// What has stopped the statement is an attention, or the connection's end.
bool Connection::acknowledge_cancellation() {
  Message message;
  if (!channel_.read_message(message, most_login_bytes)) return false;
  if (message.type != PacketType::attention) {
    throw Error(ErrorKind::protocol, "a request came before the answer to the last one was complete");
  }
  response_.end_cancelled();
  return !response_.broken();
}

void Connection::perform(const Message& message, std::stop_token stop) {
  if (message.status & packet_status::reset_connection_keep_transaction) {
    throw Error(ErrorKind::protocol, "a reset that keeps the transaction is not supported");
  }
  if (message.status & packet_status::reset_connection) {
    session_->reset(response_);
    response_.acknowledge_reset();
  }
  switch (message.type) {
    case PacketType::batch: return session_->batch(parse_batch(message.bytes, protocol_), response_, stop);
    case PacketType::rpc: return perform_rpcs(message.bytes, stop);
    default: return perform_transaction_request(message.bytes, stop);
  }
}

void Connection::perform_rpcs(const std::string& bytes, std::stop_token stop) {
  const std::vector<RpcCall> calls = parse_rpcs(bytes, protocol_);
  for (std::size_t i = 0; i < calls.size(); ++i) {
    const bool last = i + 1 == calls.size();
    response_.begin_call(calls[i]);
    session_->rpc(calls[i], response_, stop);
    response_.end_call(!last);
    if (stop.stop_requested() || response_.broken()) return;
  }
}

void Connection::perform_transaction_request(const std::string& bytes, std::stop_token stop) {
  const TransactionManagerCall call = parse_transaction_request(bytes, protocol_);
  switch (call.request) {
    case TransactionRequest::begin: return session_->begin_transaction(call.isolation, response_);
    case TransactionRequest::commit: session_->commit_transaction(response_); break;
    case TransactionRequest::rollback:
      if (!call.name.empty()) {
        session_->batch("ROLLBACK TRANSACTION " + quoted_name(call.name), response_, stop);
      } else {
        session_->rollback_transaction(response_);
      }
      break;
    case TransactionRequest::save:
      return session_->batch("SAVE TRANSACTION " + quoted_name(call.name), response_, stop);
  }
  if (call.begins_again) session_->begin_transaction(call.isolation, response_);
}

}  // namespace tailrace::sim::tds
