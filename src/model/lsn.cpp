// Lsn: text and bytes.
#include "model/lsn.h"

#include <algorithm>

#include "base/error.h"

namespace tailrace {
namespace {

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string Lsn::hex() const {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  out.reserve(20);
  for (const std::uint8_t byte : bytes) {
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
  return out;
}

Lsn Lsn::parse(std::string_view text) {
  const auto refuse = [&] {
    return Error(ErrorKind::config, "not an LSN: expected 20 hex digits, or 8:8:4 of them")
        .with("text", text);
  };
  std::string_view rest = text;
  if (rest.starts_with("0x") || rest.starts_with("0X")) rest.remove_prefix(2);
  // Events have two of them each: no memory is taken for one.
  const bool has_colons = rest.size() == 22 && rest[8] == ':' && rest[17] == ':';
  if (rest.size() != 20 && !has_colons) throw refuse();
  Lsn lsn;
  for (std::size_t i = 0; i < 10; ++i) {
    const std::size_t at = 2 * i + (has_colons ? (i >= 4) + (i >= 8) : 0);
    const int high = digit_of(rest[at]);
    const int low = digit_of(rest[at + 1]);
    if (high < 0 || low < 0) throw refuse();
    lsn.bytes[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return lsn;
}

Lsn Lsn::from_bytes(std::span<const std::byte> raw) {
  if (raw.size() != 10) {
    throw Error(ErrorKind::protocol, "an LSN has 10 bytes").with("got", std::to_string(raw.size()));
  }
  Lsn lsn;
  std::transform(raw.begin(), raw.end(), lsn.bytes.begin(),
                 [](std::byte b) { return static_cast<std::uint8_t>(b); });
  return lsn;
}

}  // namespace tailrace
