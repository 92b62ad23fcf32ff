// The messages before the first statement: PRELOGIN and LOGIN7.
//
// Errors   config: a value that does not fit LOGIN7. protocol: an answer that is no PRELOGIN.
// Source   [MS-TDS] 2.2.6.5 (PRELOGIN), 2.2.6.4 (LOGIN7).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/secret.h"

namespace tailrace::tds {

enum class Encryption : std::uint8_t { off = 0, on = 1, not_supported = 2, required = 3 };

std::string prelogin_message(Encryption wanted);
// What the server answers to that.
Encryption answered_encryption(std::span<const std::byte> answer);

struct Login {
  std::string client_host;
  std::string user;
  Secret password;
  std::string application;
  std::string server;
  std::string database;
  bool is_read_only = false;
  bool is_strict = false;  // TDS 8.0, else 7.4.
  std::size_t packet_bytes = 32'767;
  std::uint32_t process = 0;
};

// Holds the password, as LOGIN7 does: hidden, not secret. Nothing else of it is left in memory.
std::string login_message(const Login& login);

}  // namespace tailrace::tds
