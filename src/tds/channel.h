// The bytes between us and the server: over the socket as they are, or through TLS.
//
// Shape    TLS of TDS 7.x begins inside PRELOGIN packets and goes on without them; that of TDS 8.0 (strict) is there
//          from the first byte.
// Errors   As the socket; unavailable (08001) for a server that does not prove who it is, config for a file of
//          authorities that cannot be read.
// Source   [MS-TDS] 2.2.6.5 (TLS inside PRELOGIN), 3.2.5.1 (TDS 8.0: ALPN "tds/8.0").
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "tds/inbox.h"
#include "tds/socket.h"

namespace tailrace::tds {

struct TlsSettings {
  bool verify = true;      // The certificate is signed by an authority and bears the name.
  std::string ca_file;     // Empty: the system's authorities.
  std::string host_name;   // A name or an address.
  bool is_strict = false;  // TDS 8.0.
};

class Channel : public ByteSource {
 public:
  explicit Channel(Socket& socket);
  ~Channel() override;
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  void start_tls(const TlsSettings& settings);

  std::size_t read(std::span<std::byte> into) override;
  void write(std::span<const std::byte> bytes);
  // As much as can be sent without waiting; for a last word.
  void write_what_fits(std::span<const std::byte> bytes) noexcept;

 private:
  class Tls;
  Socket& socket_;
  std::unique_ptr<Tls> tls_;
};

}  // namespace tailrace::tds
