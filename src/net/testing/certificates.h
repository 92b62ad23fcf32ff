// Certificates for tests: a CA, a server's for 127.0.0.1 and a client's, in a directory of their own, made by the openssl program.
#pragma once

#include <string>

namespace tailrace::net::testing {

class Certificates {
 public:
  Certificates();
  ~Certificates();
  Certificates(const Certificates&) = delete;
  Certificates& operator=(const Certificates&) = delete;

  // ca.pem, server.pem, server.key, client.pem, client.key (its password is "of the key").
  std::string file(const std::string& name) const { return directory_ + "/" + name; }

 private:
  std::string directory_;
};

}  // namespace tailrace::net::testing
