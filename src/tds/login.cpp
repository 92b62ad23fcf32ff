// PRELOGIN and LOGIN7.
#include "tds/login.h"

#include <fmt/format.h>

#include <optional>
#include <vector>

#include "tds/bytes.h"

namespace tailrace::tds {
namespace {

enum PreloginOption : std::uint8_t { version_option = 0, encryption_option = 1, end_of_options = 0xFF };

constexpr std::uint32_t version_7_4 = 0x74000004;
constexpr std::uint32_t version_8_0 = 0x08000000;
constexpr std::size_t fixed_bytes = 94;
constexpr std::size_t most_units = 128;
constexpr std::size_t most_fields = 12;

// OptionFlags1: USE DATABASE is told, a database that cannot be used ends the login, languages are told.
constexpr unsigned first_options = 0x20 | 0x40 | 0x80;
// OptionFlags2: fODBC, which sets the ANSI options as every other driver has them.
constexpr unsigned second_options = 0x02;
constexpr unsigned read_only_intent = 0x20;  // TypeFlags.
constexpr std::uint32_t english = 0x0409;

// Each byte: halves changed, then XOR 0xA5.
std::string hidden(std::string_view utf8) {
  std::string utf16 = utf16le_from_utf8(utf8);
  for (char& c : utf16) {
    const auto byte = static_cast<unsigned char>(c);
    c = static_cast<char>((byte << 4 | byte >> 4) ^ 0xA5);
  }
  return utf16;
}

// The part with the values, and the (offset, length) of each in front of it.
class Fields {
 public:
  Fields() { values_.reserve(most_fields * most_units * 2); }
  ~Fields() { wipe(values_); }
  Fields(const Fields&) = delete;
  Fields& operator=(const Fields&) = delete;

  void add(std::string_view name, std::string utf16) {
    const WipedAfterwards wiped(utf16);
    const std::size_t units = utf16.size() / 2;
    if (units > most_units)
      throw Error(ErrorKind::config,
                  fmt::format("{} is longer than {} characters, which no login takes", name, most_units));
    places_.u16(fixed_bytes + values_.size());
    places_.u16(units);
    values_ += utf16;
  }
  void add_raw(std::string_view bytes) { places_.bytes(bytes); }
  const std::string& places() const { return places_.str(); }
  const std::string& values() const { return values_; }

 private:
  Writer places_;
  std::string values_;
};

}  // namespace

std::string prelogin_message(Encryption wanted) {
  constexpr std::size_t head_bytes = 5 + 5 + 1;
  constexpr std::size_t version_bytes = 6;
  Writer out;
  out.u8(version_option);
  out.u16_big(head_bytes);
  out.u16_big(version_bytes);
  out.u8(encryption_option);
  out.u16_big(head_bytes + version_bytes);
  out.u16_big(1);
  out.u8(end_of_options);
  out.bytes(std::string_view("\x10\0\0\0\0\0", version_bytes));  // A client of SQL Server 2022.
  out.u8(static_cast<unsigned>(wanted));
  return out.str();
}

Encryption answered_encryption(std::span<const std::byte> answer) {
  Reader reader(answer);
  for (std::uint8_t option = reader.u8(); option != end_of_options; option = reader.u8()) {
    const std::size_t offset = reader.u16_big();
    const std::size_t length = reader.u16_big();
    if (option != encryption_option) continue;
    if (length != 1 || offset >= answer.size()) break;
    const auto value = std::to_integer<std::uint8_t>(answer[offset]);
    if (value <= static_cast<std::uint8_t>(Encryption::required)) return static_cast<Encryption>(value);
    break;
  }
  throw Error(ErrorKind::protocol, "what answers does not speak TDS: it says nothing of encryption");
}

std::string login_message(const Login& login) {
  Fields fields;
  fields.add("the name of this machine", utf16le_from_utf8(login.client_host));
  fields.add("source.user", utf16le_from_utf8(login.user));
  fields.add("source.password", hidden(login.password.reveal()));
  fields.add("the application's name", utf16le_from_utf8(login.application));
  fields.add("source.host", utf16le_from_utf8(login.server));
  fields.add("extension", {});
  fields.add("library", utf16le_from_utf8("tailrace"));
  fields.add("language", {});
  fields.add("source.databases", utf16le_from_utf8(login.database));
  fields.add_raw(std::string(6, '\0'));  // ClientID, once the address of a network card.
  fields.add("SSPI", {});
  fields.add("file", {});
  fields.add("new password", {});
  fields.add_raw(std::string(4, '\0'));

  Writer out;
  out.reserve(fixed_bytes + fields.values().size());
  out.u32(fixed_bytes + fields.values().size());
  out.u32(login.is_strict ? version_8_0 : version_7_4);
  out.u32(login.packet_bytes);
  out.u32(0);  // Version of this program,
  out.u32(login.process);
  out.u32(0);  // connection.
  out.u8(first_options);
  out.u8(second_options);
  out.u8(login.is_read_only ? read_only_intent : 0);
  out.u8(0);   // OptionFlags3: no features are asked for.
  out.u32(0);  // Time zone: not used by any server.
  out.u32(english);
  out.bytes(fields.places());
  TAILRACE_ASSERT(out.size() == fixed_bytes);
  out.bytes(fields.values());
  return std::move(out.str());
}

}  // namespace tailrace::tds
