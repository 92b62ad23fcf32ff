// Logging in, sending, cancelling.
#include "tds/session.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "tds/browser.h"
#include "tds/bytes.h"

namespace tailrace::tds {
namespace {

constexpr int most_routes = 5;
constexpr std::size_t first_packet_bytes = 4096;

std::string client_host() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return {};
  const std::string_view full(name.data());
  return std::string(full.substr(0, 128));
}

TlsSettings tls_of(const SessionSettings& settings, const std::string& host) {
  TlsSettings out = settings.tls;
  if (out.host_name.empty()) out.host_name = host;
  return out;
}

}  // namespace

Session::Session(const SessionSettings& settings, std::vector<ServerMessage>& said)
    : login_timeout_(settings.login_timeout) {
  socket_.set_deadline(Socket::Clock::now() + settings.login_timeout);
  open(settings, said);
  socket_.set_deadline(std::nullopt);
  socket_.set_patience(settings.query_timeout);
  usable_ = true;
}

void Session::open(const SessionSettings& settings, std::vector<ServerMessage>& said) {
  const Socket::Clock::time_point deadline = Socket::Clock::now() + settings.login_timeout;
  std::string host = settings.host;
  std::uint16_t port =
      settings.instance.empty() ? settings.port : port_of_instance(host, settings.instance, deadline);
  for (int route = 0; route < most_routes; ++route) {
    reach(settings, host, port);
    if (settings.is_encrypted && settings.tls.is_strict) channel_->start_tls(tls_of(settings, host));
    agree_on_encryption(settings, host);
    log_in(settings, host, said);
    if (state_.routed_host.empty()) return;
    host = std::exchange(state_.routed_host, {});
    port = state_.routed_port;
  }
  throw Error(ErrorKind::unavailable, "the server routes to another, and that one again: there is no end")
      .with("sqlstate", "08001");
}

void Session::reach(const SessionSettings& settings, const std::string& host, std::uint16_t port) {
  channel_ = std::make_unique<Channel>(socket_);
  inbox_.clear();
  state_ = {};
  socket_.connect(host, port, settings.all_addresses_at_once, Socket::Clock::now() + settings.login_timeout);
  socket_.keep_alive(settings.keepalive, settings.keepalive_interval);
}

void Session::agree_on_encryption(const SessionSettings& settings, const std::string& host) {
  // Strict has it already; PRELOGIN then says nothing of it.
  const bool is_to_come = settings.is_encrypted && !settings.tls.is_strict;
  send(PacketType::prelogin, prelogin_message(is_to_come ? Encryption::on : Encryption::not_supported));
  inbox_.begin_message();
  while (inbox_.more()) {
  }
  const Encryption answer = answered_encryption({inbox_.position(), inbox_.left()});
  inbox_.advance(inbox_.left());
  if (settings.tls.is_strict && settings.is_encrypted) return;
  const bool is_offered = answer == Encryption::on || answer == Encryption::required;
  if (is_to_come && !is_offered)
    throw Error(ErrorKind::unavailable, "the server offers no encryption, which source.encrypt.mode wants")
        .with("sqlstate", "08001");
  if (!is_to_come && answer == Encryption::required)
    throw Error(ErrorKind::unavailable, "the server wants encryption, and source.encrypt.mode is off")
        .with("sqlstate", "08001");
  if (is_to_come) channel_->start_tls(tls_of(settings, host));
}

void Session::log_in(const SessionSettings& settings, const std::string& host,
                     std::vector<ServerMessage>& said) {
  Login login;
  login.client_host = client_host();
  login.user = settings.user;
  login.password = settings.password;
  login.application = settings.application;
  login.server = host;
  login.database = settings.database;
  login.is_read_only = settings.is_read_only;
  login.is_strict = settings.is_encrypted && settings.tls.is_strict;
  login.process = static_cast<std::uint32_t>(::getpid());
  send(PacketType::login, login_message(login));
  response_.begin();
  try {
    while (response_.next() != Response::Event::end) {
    }
  } catch (...) {
    said = response_.take_messages();
    throw;
  }
  said = response_.take_messages();
  if (!state_.accepted)
    throw Error(ErrorKind::unavailable, "the server does not accept the login").with("sqlstate", "08004");
}

void Session::send(PacketType type, std::string message) {
  const WipedAfterwards wiped_message(message);  // LOGIN7 holds the password.
  // What came before its question is no answer to it. Least of all before TLS: anybody could have put it there.
  if (type != PacketType::attention && !inbox_.is_empty())
    throw Error(ErrorKind::protocol, "SQL Server sends what nobody has asked for");
  std::string packets = packets_of(type, message, state_.packet_bytes);
  const WipedAfterwards wiped_packets(packets);
  sending_ = true;
  channel_->write(as_bytes(packets));
  sending_ = false;
}

void Session::run(std::string_view sql, const std::vector<Parameter>& parameters) {
  if (!usable_)
    throw Error(ErrorKind::unavailable, "the connection was ended before").with("sqlstate", "08003");
  if (parameters.empty()) {
    send(PacketType::batch, batch_message(sql, state_.transaction));
  } else {
    send(PacketType::rpc, execute_message(sql, parameters, state_.collation, state_.transaction));
  }
  response_.begin();
}

void Session::drain() {
  if (inbox_.is_last()) {
    inbox_.skip_message();
    return;
  }
  send(PacketType::attention, {});
  // What was on its way comes first; the answer to the attention may be part of it, or a message of its own.
  std::uint16_t status = inbox_.skip_message();
  while ((status & done_attention) == 0) {
    inbox_.begin_message();
    status = inbox_.skip_message();
  }
}

void Session::cancel() noexcept {
  if (!usable_) return;
  try {
    socket_.set_deadline(Socket::Clock::now() + login_timeout_);
    drain();
    socket_.set_deadline(std::nullopt);
  } catch (const Error&) {
    give_up();  // Nothing is lost: the next statement says that the connection has ended.
  }
}

void Session::give_up() noexcept {
  if (!usable_) return;
  usable_ = false;
  if (!sending_)
    channel_->write_what_fits(as_bytes(packets_of(PacketType::attention, {}, first_packet_bytes)));
  socket_.shut_down();
}

}  // namespace tailrace::tds
