// Plain bytes, and OpenSSL over our socket.
#include "tds/channel.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <exception>
#include <string>

#include "base/error.h"
#include "tds/bytes.h"

namespace tailrace::tds {
namespace {

constexpr std::uint8_t prelogin_packet = 0x12;
constexpr std::size_t prelogin_packet_bytes = 4096;
constexpr std::size_t read_buffer_bytes = 64u << 10;

Error not_secure(std::string_view reason) {
  return Error(ErrorKind::unavailable, fmt::format("no encryption with the server: {}", reason))
      .with("sqlstate", "08001");
}

std::string openssl_reason() {
  const unsigned long code = ::ERR_get_error();
  ::ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ::ERR_reason_error_string(code);
  return reason == nullptr ? "the connection was closed" : reason;
}

bool is_address(const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> parsed{};
  return ::inet_pton(AF_INET, host.c_str(), parsed.data()) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), parsed.data()) == 1;
}

// What lies under OpenSSL: the socket, during a handshake of TDS 7.x inside packets.
//
// No exception may cross OpenSSL's frames: the first one is kept for the caller.
class Bottom {
 public:
  Bottom(Socket& socket, bool in_packets) : socket_(socket), in_packets_(in_packets) {}

  void leave_packets() { in_packets_ = false; }
  void rethrow() {
    if (const std::exception_ptr kept = std::exchange(failure_, nullptr)) std::rethrow_exception(kept);
  }

  // As BIO_read and BIO_write: -1 for `again`.
  int read(std::span<std::byte> into, bool& again) {
    return guarded([&]() -> int {
      again = false;
      if (!in_packets_) return count_of(socket_.try_read(into), again);
      while (data_left_ == 0) {
        if (!read_header(again)) return again ? -1 : 0;
      }
      const int count = count_of(socket_.try_read(into.first(std::min(into.size(), data_left_))), again);
      if (count > 0) data_left_ -= static_cast<std::size_t>(count);
      return count;
    });
  }

  int write(std::span<const std::byte> bytes, bool& again) {
    return guarded([&]() -> int {
      again = false;
      if (!in_packets_) return count_of(socket_.try_write(bytes), again);
      held_.append(as_text(bytes));
      return static_cast<int>(bytes.size());
    });
  }

  // What was written in the handshake becomes a message; 0 and `again` while it does not go out.
  int flush(bool& again) {
    return guarded([&]() -> int {
      again = false;
      pack_held();
      while (!packed_.empty()) {
        const std::optional<std::size_t> sent = socket_.try_write(as_bytes(packed_));
        if (!sent) {
          again = true;
          return 0;
        }
        packed_.erase(0, *sent);
      }
      return 1;
    });
  }

 private:
  template <class Work>
  int guarded(const Work& work) {
    try {
      return work();
    } catch (...) {
      failure_ = std::current_exception();
      return -1;
    }
  }

  static int count_of(std::optional<std::size_t> count, bool& again) {
    again = !count;
    return count ? static_cast<int>(*count) : -1;
  }

  // False: not yet (`again`), or the peer's end.
  bool read_header(bool& again) {
    while (header_.size() < packet_header_bytes) {
      std::array<std::byte, packet_header_bytes> some{};
      const std::optional<std::size_t> count =
          socket_.try_read(std::span(some).first(packet_header_bytes - header_.size()));
      again = !count;
      if (!count || *count == 0) return false;
      header_.append(as_text(std::span(some).first(*count)));
    }
    Reader reader(as_bytes(header_));
    const std::uint8_t type = reader.u8();
    reader.u8();
    const std::size_t length = reader.u16_big();
    // SQL Server answers in PRELOGIN packets, others have been seen to answer in those of a response.
    if ((type != prelogin_packet && type != 0x04) || length < packet_header_bytes)
      throw Error(ErrorKind::protocol, "what answers does not speak TDS: no packet of a handshake");
    data_left_ = length - packet_header_bytes;
    header_.clear();
    return true;
  }

  void pack_held() {
    constexpr std::size_t most = prelogin_packet_bytes - packet_header_bytes;
    for (std::size_t at = 0; at < held_.size(); at += most) {
      const std::size_t size = std::min(most, held_.size() - at);
      Writer packet;
      packet.u8(prelogin_packet);
      packet.u8(at + size == held_.size() ? last_of_message : 0);
      packet.u16_big(packet_header_bytes + size);
      packet.u32(0);
      packet.bytes(std::string_view(held_).substr(at, size));
      packed_ += packet.str();
    }
    held_.clear();
  }

  Socket& socket_;
  bool in_packets_;
  std::string header_;         // Of the packet that begins, as far as it has come.
  std::size_t data_left_ = 0;  // Of the packet that is being read.
  std::string held_;           // Written and not packed yet,
  std::string packed_;         // and not sent yet.
  std::exception_ptr failure_;
};

Bottom& bottom_of(BIO* bio) {
  return *static_cast<Bottom*>(::BIO_get_data(bio));
}

int bio_read(BIO* bio, char* into, int size) {
  bool again = false;
  ::BIO_clear_retry_flags(bio);
  const int count = bottom_of(bio).read(
      {reinterpret_cast<std::byte*>(into), static_cast<std::size_t>(std::max(size, 0))}, again);
  if (again) BIO_set_retry_read(bio);
  return count;
}

int bio_write(BIO* bio, const char* bytes, int size) {
  bool again = false;
  ::BIO_clear_retry_flags(bio);
  const int count = bottom_of(bio).write(
      {reinterpret_cast<const std::byte*>(bytes), static_cast<std::size_t>(std::max(size, 0))}, again);
  if (again) BIO_set_retry_write(bio);
  return count;
}

long bio_control(BIO* bio, int command, long, void*) {
  if (command != BIO_CTRL_FLUSH) return 0;
  bool again = false;
  ::BIO_clear_retry_flags(bio);
  const int done = bottom_of(bio).flush(again);
  if (again) BIO_set_retry_write(bio);
  return done;
}

BIO_METHOD* bio_method() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = ::BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "tailrace packets");
    ::BIO_meth_set_read(made, bio_read);
    ::BIO_meth_set_write(made, bio_write);
    ::BIO_meth_set_ctrl(made, bio_control);
    return made;
  }();
  return method;
}

struct FreeContext {
  void operator()(SSL_CTX* context) const { ::SSL_CTX_free(context); }
};
struct FreeSession {
  void operator()(SSL* session) const { ::SSL_free(session); }
};

}  // namespace

class Channel::Tls {
 public:
  Tls(Socket& socket, const TlsSettings& settings)
      : socket_(socket),
        bottom_(socket, !settings.is_strict),
        context_(::SSL_CTX_new(::TLS_client_method())) {
    if (!context_) throw Error(ErrorKind::internal, "OpenSSL gives no context");
    ::SSL_CTX_set_min_proto_version(context_.get(), TLS1_2_VERSION);
    // TLS 1.3 goes on with handshake messages behind the handshake, where PRELOGIN packets have ended: it came with TDS
    // 8.0.
    if (!settings.is_strict) ::SSL_CTX_set_max_proto_version(context_.get(), TLS1_2_VERSION);
    ::SSL_CTX_set_mode(context_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    ::SSL_CTX_set_options(context_.get(), SSL_OP_IGNORE_UNEXPECTED_EOF);
    ::SSL_CTX_set_default_read_buffer_len(context_.get(), read_buffer_bytes);
    if (settings.verify) trust(settings.ca_file);
    session_.reset(::SSL_new(context_.get()));
    if (!session_) throw Error(ErrorKind::internal, "OpenSSL gives no session");
    if (settings.verify) expect_name(settings.host_name);
    if (!is_address(settings.host_name)) SSL_set_tlsext_host_name(session_.get(), settings.host_name.c_str());
    if (settings.is_strict) {
      constexpr unsigned char protocols[] = "\x07tds/8.0";
      ::SSL_set_alpn_protos(session_.get(), protocols, sizeof protocols - 1);
    }
    BIO* bio = ::BIO_new(bio_method());
    if (bio == nullptr) throw Error(ErrorKind::internal, "OpenSSL gives no BIO");
    ::BIO_set_data(bio, &bottom_);
    ::BIO_set_init(bio, 1);
    ::SSL_set_bio(session_.get(), bio, bio);
  }

  void shake_hands() {
    run("", [&] { return ::SSL_connect(session_.get()); });
    bottom_.leave_packets();
    // Whole records at once, instead of their heads first; not before, as the handshake's packets end inside.
    ::SSL_set_read_ahead(session_.get(), 1);
  }

  std::size_t read(std::span<std::byte> into) {
    std::size_t count = 0;
    run("the connection is lost",
        [&] { return ::SSL_read_ex(session_.get(), into.data(), into.size(), &count); });
    return count;
  }

  void write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      std::size_t count = 0;
      run("the connection is lost",
          [&] { return ::SSL_write_ex(session_.get(), bytes.data(), bytes.size(), &count); });
      bytes = bytes.subspan(count);
    }
  }

  void write_what_fits(std::span<const std::byte> bytes) {
    std::size_t count = 0;
    ::ERR_clear_error();
    ::SSL_write_ex(session_.get(), bytes.data(), bytes.size(), &count);
    ::ERR_clear_error();
  }

 private:
  // Calls OpenSSL until it is done; `lost`: what a failure means after the handshake.
  template <class Call>
  void run(std::string_view lost, const Call& call) {
    for (;;) {
      ::ERR_clear_error();
      const int result = call();
      bottom_.rethrow();
      if (result > 0) return;
      switch (::SSL_get_error(session_.get(), result)) {
        case SSL_ERROR_WANT_READ: socket_.wait_to_read(); break;
        case SSL_ERROR_WANT_WRITE: socket_.wait_to_write(); break;
        default:
          if (lost.empty()) throw not_secure(failure());
          throw Error(ErrorKind::unavailable, fmt::format("{}: {}", lost, openssl_reason()))
              .with("sqlstate", "08S01");
      }
    }
  }

  std::string failure() {
    const long verified = ::SSL_get_verify_result(session_.get());
    if (verified == X509_V_OK || ::SSL_get_verify_mode(session_.get()) == SSL_VERIFY_NONE)
      return openssl_reason();
    ::ERR_clear_error();
    return fmt::format("its certificate is refused ({})", ::X509_verify_cert_error_string(verified));
  }

  void trust(const std::string& file) {
    const int done = file.empty() ? ::SSL_CTX_set_default_verify_paths(context_.get())
                                  : ::SSL_CTX_load_verify_file(context_.get(), file.c_str());
    if (done != 1) {
      throw Error(ErrorKind::config,
                  fmt::format("no certificates of authorities are to be read ({})", openssl_reason()))
          .with("file", file.empty() ? "the system's" : file);
    }
    ::SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
  }

  void expect_name(const std::string& name) {
    const int done = is_address(name)
                         ? ::X509_VERIFY_PARAM_set1_ip_asc(::SSL_get0_param(session_.get()), name.c_str())
                         : ::SSL_set1_host(session_.get(), name.c_str());
    if (done != 1) throw Error(ErrorKind::config, "no certificate can bear this name").with("name", name);
  }

  Socket& socket_;
  Bottom bottom_;
  std::unique_ptr<SSL_CTX, FreeContext> context_;
  std::unique_ptr<SSL, FreeSession> session_;
};

Channel::Channel(Socket& socket) : socket_(socket) {}

Channel::~Channel() = default;

void Channel::start_tls(const TlsSettings& settings) {
  tls_ = std::make_unique<Tls>(socket_, settings);
  tls_->shake_hands();
}

std::size_t Channel::read(std::span<std::byte> into) {
  if (tls_) return tls_->read(into);
  for (;;) {
    if (const std::optional<std::size_t> count = socket_.try_read(into)) {
      if (*count > 0) return *count;
      throw Error(ErrorKind::unavailable, "the connection is lost: the server has closed it")
          .with("sqlstate", "08S01");
    }
    socket_.wait_to_read();
  }
}

void Channel::write(std::span<const std::byte> bytes) {
  if (tls_) return tls_->write(bytes);
  while (!bytes.empty()) {
    if (const std::optional<std::size_t> count = socket_.try_write(bytes)) {
      bytes = bytes.subspan(*count);
    } else {
      socket_.wait_to_write();
    }
  }
}

void Channel::write_what_fits(std::span<const std::byte> bytes) noexcept {
  try {
    if (tls_) {
      tls_->write_what_fits(bytes);
    } else {
      socket_.try_write(bytes);
    }
  } catch (const Error&) {
    // The connection is gone: nobody is left to hear it.
  }
}

}  // namespace tailrace::tds
