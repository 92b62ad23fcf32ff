// LSNs: from positions, one further, as texts.
#include "sim/storage/lsn.h"

#include <fmt/format.h>

#include "base/error.h"

namespace tailrace::sim {
namespace {

std::uint64_t big_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char byte : bytes)
    value = value << 8 | static_cast<unsigned char>(byte);
  return value;
}

}  // namespace

Lsn lsn_of_position(std::int64_t position) {
  const auto p = static_cast<std::uint64_t>(position);
  const std::uint64_t file = 0x20 + (p >> 24);
  const std::uint64_t block = (p >> 6 & 0x3FFFF) << 3;
  const std::uint64_t slot = (p & 0x3F) + 1;
  const std::uint64_t high = file << 32 | block;
  Lsn lsn(lsn_bytes, '\0');
  for (std::size_t i = 0; i < 8; ++i)
    lsn[i] = static_cast<char>(high >> (56 - 8 * i) & 0xFF);
  lsn[9] = static_cast<char>(slot);
  return lsn;
}

Lsn increment_lsn(std::string_view lsn) {
  Lsn out(lsn);
  for (std::size_t i = out.size(); i-- > 0;) {
    out[i] = static_cast<char>(static_cast<unsigned char>(out[i]) + 1);
    if (out[i] != 0) break;
  }
  return out;
}

Lsn decrement_lsn(std::string_view lsn) {
  Lsn out(lsn);
  for (std::size_t i = out.size(); i-- > 0;) {
    const bool borrow = out[i] == 0;
    out[i] = static_cast<char>(static_cast<unsigned char>(out[i]) - 1);
    if (!borrow) break;
  }
  return out;
}

Lsn zero_lsn() {
  return Lsn(lsn_bytes, '\0');
}

std::string lsn_text(std::string_view lsn) {
  TAILRACE_ASSERT(lsn.size() == lsn_bytes);
  return fmt::format("{:08x}:{:08x}:{:04x}", big_endian(lsn.substr(0, 4)), big_endian(lsn.substr(4, 4)),
                     big_endian(lsn.substr(8, 2)));
}

Lsn lsn_from_text(std::string_view text) {
  if (text.starts_with("0x") || text.starts_with("0X")) text.remove_prefix(2);
  Lsn lsn;
  int half = -1;
  for (const char c : text) {
    if (c == ':') continue;
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (digit < 0) return {};
    if (half < 0) {
      half = digit;
    } else {
      lsn += static_cast<char>(half << 4 | digit);
      half = -1;
    }
  }
  return lsn.size() == lsn_bytes && half < 0 ? lsn : Lsn{};
}

}  // namespace tailrace::sim
