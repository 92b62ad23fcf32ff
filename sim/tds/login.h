// PRELOGIN and LOGIN7: what a client says before its first request, and the PRELOGIN answer.
//
// Errors   protocol: offsets or lengths outside the message, a version before TDS 7.0.
// Source   [MS-TDS] 2.2.6.5 (PRELOGIN), 2.2.6.4 (LOGIN7).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sim/tds/byte_buffer.h"
#include "sim/tsql/session.h"

namespace tailrace::sim::tds {

enum class Encryption : std::uint8_t { off = 0, on = 1, not_supported = 2, required = 3 };

// The version that the server calls its own: SQL Server 2022, 16.0.4135.4.
inline constexpr std::uint8_t server_major = 16;
inline constexpr std::uint16_t server_build = 4135;
inline constexpr std::uint16_t server_sub_build = 4;

struct Prelogin {
  Encryption encryption = Encryption::not_supported;
};

Prelogin parse_prelogin(std::string_view message);
// What the server makes of a client's wish: login only (off), all (on), none (not_supported).
Encryption agree(Encryption client);
void put_prelogin_answer(ByteBuffer& out, Encryption agreed);

struct Login7 {
  std::uint32_t version = 0;
  std::uint32_t packet_bytes = 0;  // 0: the server's choice.
  bool integrated = false;         // Windows authentication is asked for.
  bool changes_password = false;
  bool attaches_file = false;  // A database file to be attached at login.
  std::string language;
  Login login;
};

Login7 parse_login7(std::string_view message);

}  // namespace tailrace::sim::tds
