// The certificate that the simulator shows to its clients.
#include "sim/tds/certificate.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "base/error.h"

namespace tailrace::sim::tds {
namespace {

struct FileClose {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, FileClose>;

struct KeyFree {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using Key = std::unique_ptr<EVP_PKEY, KeyFree>;

struct CertificateFree {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
using Certificate = std::unique_ptr<X509, CertificateFree>;

std::string openssl_error() {
  char text[256];
  ERR_error_string_n(ERR_get_error(), text, sizeof text);
  ERR_clear_error();
  return text;
}

void require(bool good, std::string_view what) {
  if (!good) throw Error(ErrorKind::internal, fmt::format("{}: {}", what, openssl_error()));
}

File open_for_writing(const std::string& name, mode_t mode) {
  const int descriptor = ::open(name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  File file(descriptor < 0 ? nullptr : ::fdopen(descriptor, "w"));
  if (!file) throw Error(ErrorKind::config, fmt::format("cannot write the certificate file {}", name));
  return file;
}

void add_extension(X509* certificate, int id, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, id, value);
  require(extension != nullptr, "certificate extension");
  const int added = X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
  require(added == 1, "certificate extension");
}

Certificate self_signed(EVP_PKEY* key) {
  Certificate certificate(X509_new());
  require(certificate != nullptr, "certificate");
  X509* x509 = certificate.get();
  std::uint32_t serial = 0;
  require(RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) == 1, "random serial");
  constexpr long ten_years_s = 3650L * 86400;
  require(X509_set_version(x509, 2) == 1 &&
              ASN1_INTEGER_set_uint64(X509_get_serialNumber(x509), serial) == 1 &&
              X509_gmtime_adj(X509_getm_notBefore(x509), -86400) != nullptr &&
              X509_gmtime_adj(X509_getm_notAfter(x509), ten_years_s) != nullptr &&
              X509_set_pubkey(x509, key) == 1,
          "certificate");
  X509_NAME* name = X509_get_subject_name(x509);
  const auto* common_name = reinterpret_cast<const unsigned char*>("localhost");
  require(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, common_name, -1, -1, 0) == 1 &&
              X509_set_issuer_name(x509, name) == 1,
          "certificate name");
  add_extension(x509, NID_basic_constraints, "critical,CA:TRUE");
  add_extension(x509, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
  require(X509_sign(x509, key, EVP_sha256()) > 0, "certificate signature");
  return certificate;
}

}  // namespace

void TlsContextFree::operator()(ssl_ctx_st* context) const {
  SSL_CTX_free(context);
}

TlsContext make_tls_context(const std::string& pem_file) {
  TlsContext context(SSL_CTX_new(TLS_server_method()));
  require(context != nullptr, "TLS context");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  // As SQL Server does: TLS 1.3 belongs to TDS 8.0. FreeTDS sends its last 1.3 message outside the packets.
  SSL_CTX_set_max_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_num_tickets(context.get(), 0);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  if (SSL_CTX_use_certificate_chain_file(context.get(), pem_file.c_str()) != 1 ||
      SSL_CTX_use_PrivateKey_file(context.get(), pem_file.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context.get()) != 1) {
    throw Error(ErrorKind::config,
                fmt::format("--cert {}: expected a PEM file with a certificate and its private key ({})",
                            pem_file, openssl_error()));
  }
  return context;
}

void ensure_self_signed(const std::string& pem_file) {
  if (std::filesystem::exists(pem_file)) return;
  const Key key(EVP_EC_gen("P-256"));
  require(key != nullptr, "key");
  const Certificate certificate = self_signed(key.get());
  // Written aside and renamed: a start that was killed half-way leaves no half file.
  const std::string aside = pem_file + ".new";
  {
    const File file = open_for_writing(aside, 0600);
    require(PEM_write_X509(file.get(), certificate.get()) == 1 &&
                PEM_write_PrivateKey(file.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1 &&
                std::fflush(file.get()) == 0,
            "certificate file");
  }
  std::filesystem::rename(aside, pem_file);
}

void export_certificate(const std::string& pem_file, const std::string& certificate_file) {
  const File in(std::fopen(pem_file.c_str(), "re"));
  if (!in) throw Error(ErrorKind::config, fmt::format("cannot read the certificate file {}", pem_file));
  const Certificate certificate(PEM_read_X509(in.get(), nullptr, nullptr, nullptr));
  if (!certificate) {
    throw Error(ErrorKind::config, fmt::format("no certificate in {}: {}", pem_file, openssl_error()));
  }
  const File out = open_for_writing(certificate_file, 0644);
  require(PEM_write_X509(out.get(), certificate.get()) == 1 && std::fflush(out.get()) == 0,
          "certificate file");
}

}  // namespace tailrace::sim::tds
