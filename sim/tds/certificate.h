// The certificate that the simulator shows to its clients.
//
// Shape    A given PEM file with certificate and key, or a self-signed one (CN=localhost) made at first start.
// Errors   config: the given file cannot be used.
#pragma once

#include <memory>
#include <string>

struct ssl_ctx_st;

namespace tailrace::sim::tds {

struct TlsContextFree {
  void operator()(ssl_ctx_st* context) const;
};
using TlsContext = std::unique_ptr<ssl_ctx_st, TlsContextFree>;

// TLS 1.2 as the server, without session tickets: nothing may follow the wrapped handshake's last message.
TlsContext make_tls_context(const std::string& pem_file);

// Writes certificate and key into `pem_file` (mode 0600) unless it is there.
void ensure_self_signed(const std::string& pem_file);
// Writes the certificate alone, for clients that want to verify the server.
void export_certificate(const std::string& pem_file, const std::string& certificate_file);

}  // namespace tailrace::sim::tds
