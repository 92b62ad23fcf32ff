// Kafka's way to name a login: `...ScramLoginModule required username="u" password="p";`.
//
// Source  Kafka 4.3 documentation, 7.4 (sasl.jaas.config); javax.security.auth.login.Configuration.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/secret.h"

namespace tailrace::kafka {

struct JaasLogin {
  bool plain = false;  // PlainLoginModule; else ScramLoginModule.
  std::string user;
  Secret password;
};

// Nothing where it is none of the two modules, or not written so.
std::optional<JaasLogin> parse_jaas(std::string_view text);

}  // namespace tailrace::kafka
