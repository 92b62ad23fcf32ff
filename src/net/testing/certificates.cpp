// Making certificates.
#include "net/testing/certificates.h"

#include <cstdlib>
#include <filesystem>
#include <stdexcept>

namespace tailrace::net::testing {

Certificates::Certificates() {
  char pattern[] = "/tmp/tailrace-certificates-XXXXXX";
  if (::mkdtemp(pattern) == nullptr) throw std::runtime_error("no directory for certificates");
  directory_ = pattern;
  const std::string script = "cd " + directory_ + R"( && exec >log 2>&1 && set -e
new="openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -batch"
sign="openssl x509 -req -CA ca.pem -CAkey ca.key -CAcreateserial -days 2"
$new -x509 -days 2 -subj "/CN=tailrace test CA" -keyout ca.key -out ca.pem
$new -subj "/CN=server" -keyout server.key -out server.csr
printf 'subjectAltName=IP:127.0.0.1' >san
$sign -in server.csr -extfile san -out server.pem
$new -subj "/CN=client" -keyout plain.key -out client.csr
$sign -in client.csr -out client.pem
openssl ec -aes256 -passout 'pass:of the key' -in plain.key -out client.key
)";
  if (std::system(script.c_str()) != 0)
    throw std::runtime_error("openssl made no certificates: " + directory_ + "/log");
}

Certificates::~Certificates() {
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

}  // namespace tailrace::net::testing
