// PRELOGIN and LOGIN7.
#include "sim/tds/login.h"

#include "base/error.h"
#include "sim/tds/byte_reader.h"
#include "sim/tds/text.h"

namespace tailrace::sim::tds {
namespace {

enum class Option : std::uint8_t {
  version = 0,
  encryption = 1,
  instance = 2,
  thread = 3,
  mars = 4,
  end = 0xFF
};

Encryption encryption_of(std::string_view value) {
  // The high bits ask for certificate authentication of the client, which is not offered.
  const auto byte = static_cast<std::uint8_t>(value.empty() ? 0xFF : value.front());
  if (byte > static_cast<std::uint8_t>(Encryption::required)) {
    throw Error(ErrorKind::protocol, "the PRELOGIN encryption option is unknown");
  }
  return static_cast<Encryption>(byte);
}

// Where the variable parts stand in the fixed part of LOGIN7: each an offset and a count, 16 bits both.
enum Field : std::size_t {
  host_name = 36,
  user_name = 40,
  password = 44,
  application_name = 48,
  language_name = 64,
  database_name = 68,
  attach_file = 82,
};
constexpr std::size_t shortest_login7 = 86;
constexpr std::size_t most_name_units = 128;

std::string_view field_bytes(std::string_view message, Field field) {
  ByteReader in(message);
  in.bytes(field);
  const std::size_t offset = in.u16();
  const std::size_t units = in.u16();
  if (units == 0) return {};
  if (units > most_name_units || offset > message.size() || units * 2 > message.size() - offset) {
    throw Error(ErrorKind::protocol, "a field of LOGIN7 lies outside the message");
  }
  return message.substr(offset, units * 2);
}

std::string field_text(std::string_view message, Field field) {
  return utf8_from_utf16le(field_bytes(message, field));
}

// On the wire each byte has its halves swapped and is then combined with A5.
std::string clear_password(std::string_view message) {
  std::string bytes(field_bytes(message, password));
  for (char& c : bytes) {
    const auto plain = static_cast<std::uint8_t>(static_cast<std::uint8_t>(c) ^ 0xA5);
    c = static_cast<char>(plain << 4 | plain >> 4);
  }
  return utf8_from_utf16le(bytes);
}

}  // namespace

Prelogin parse_prelogin(std::string_view message) {
  Prelogin prelogin;
  ByteReader in(message);
  for (;;) {
    const std::uint8_t option = in.u8();
    if (option == static_cast<std::uint8_t>(Option::end)) return prelogin;
    const std::size_t offset = in.u16_big_endian();
    const std::size_t length = in.u16_big_endian();
    if (offset > message.size() || length > message.size() - offset) {
      throw Error(ErrorKind::protocol, "an option of PRELOGIN lies outside the message");
    }
    if (option == static_cast<std::uint8_t>(Option::encryption)) {
      prelogin.encryption = encryption_of(message.substr(offset, length));
    }
  }
}

Encryption agree(Encryption client) {
  return client == Encryption::required ? Encryption::on : client;
}

void put_prelogin_answer(ByteBuffer& out, Encryption agreed) {
  // Five options, their table of 5 bytes each and its end; then version (6), encryption, instance (the name
  // fits), thread id (empty) and MARS (refused).
  constexpr std::uint8_t data = 5 * 5 + 1;
  const auto option = [&out](Option name, std::uint8_t offset, std::uint8_t length) {
    const char bytes[] = {static_cast<char>(name), 0, static_cast<char>(offset), 0,
                          static_cast<char>(length)};
    out.bytes({bytes, sizeof bytes});
  };
  option(Option::version, data, 6);
  option(Option::encryption, data + 6, 1);
  option(Option::instance, data + 7, 1);
  option(Option::thread, data + 8, 0);
  option(Option::mars, data + 8, 1);
  out.u8(static_cast<std::uint8_t>(Option::end));
  out.u8(server_major);
  out.u8(0);
  out.u8(server_build >> 8);
  out.u8(server_build & 0xFF);
  out.u16(server_sub_build);
  out.u8(static_cast<std::uint8_t>(agreed));
  out.u8(0);
  out.u8(0);
}

Login7 parse_login7(std::string_view message) {
  if (message.size() < shortest_login7) throw Error(ErrorKind::protocol, "LOGIN7 is too short");
  ByteReader in(message);
  if (in.u32() != message.size()) throw Error(ErrorKind::protocol, "LOGIN7 contradicts its own length");
  Login7 login;
  login.version = in.u32();
  if (login.version < 0x70000000 || login.version > 0x7FFFFFFF) {
    throw Error(ErrorKind::protocol, "LOGIN7 asks for a TDS version that is not 7.x");
  }
  login.packet_bytes = in.u32();
  in.bytes(12);  // Client program version, process, connection id.
  in.u8();       // Byte orders and formats: little-endian ASCII of every client since.
  const std::uint8_t option_flags_2 = in.u8();
  const std::uint8_t type_flags = in.u8();
  const std::uint8_t option_flags_3 = in.u8();
  login.integrated = (option_flags_2 & 0x80) != 0;
  login.changes_password = (option_flags_3 & 0x01) != 0;
  login.login.read_only_intent = (type_flags & 0x20) != 0;
  login.login.host = field_text(message, host_name);
  login.login.user = field_text(message, user_name);
  login.login.password = clear_password(message);
  login.login.application = field_text(message, application_name);
  login.login.database = field_text(message, database_name);
  login.language = field_text(message, language_name);
  ByteReader attach(message.substr(attach_file + 2));
  login.attaches_file = attach.u16() != 0;
  return login;
}

}  // namespace tailrace::sim::tds
