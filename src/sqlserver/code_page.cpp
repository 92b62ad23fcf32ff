// Windows 1252.
#include "sqlserver/code_page.h"

#include <array>
#include <cstring>

namespace tailrace::sqlserver {
namespace {

// 80 to 9F; everything else is the character of the same number.
constexpr std::array<std::uint16_t, 32> western_80 = {
    0x20AC, 0x0081, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0x008D, 0x017D, 0x008F, 0x0090, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x009D, 0x017E, 0x0178};

constexpr std::uint32_t english_us = 0x0409;  // What Latin1_General and SQL_Latin1_General_CP1 have as LCID.
constexpr std::uint32_t lcid_bits = 0x000FFFFF;
constexpr std::uint32_t utf8_bit = 0x04000000;

bool begins_with(std::string_view text, std::string_view head) {
  return text.substr(0, head.size()) == head;
}

bool ends_with(std::string_view text, std::string_view tail) {
  return text.size() >= tail.size() && text.substr(text.size() - tail.size()) == tail;
}

std::uint64_t eight_at(const std::byte* at) {
  std::uint64_t eight = 0;
  std::memcpy(&eight, at, sizeof eight);
  return eight;
}

// ASCII, and no zero among them.
bool are_plain(std::uint64_t eight) {
  constexpr std::uint64_t tops = 0x8080808080808080;
  constexpr std::uint64_t ones = 0x0101010101010101;
  return ((eight | (eight - ones)) & tops) == 0;
}

}  // namespace

bool is_western(std::string_view collation) {
  if (ends_with(collation, "_UTF8")) return false;
  return begins_with(collation, "Latin1_General_") || begins_with(collation, "SQL_Latin1_General_CP1_");
}

// Sort orders of SQL_ collations: 51 to 54 are those of SQL_Latin1_General_CP1; lower numbers are of other code pages.
bool is_western(const tds::Collation& collation) {
  const bool is_windows = collation.sort_id == 0;
  const bool is_sql = collation.sort_id >= 51 && collation.sort_id <= 54;
  return (collation.info & lcid_bits) == english_us && (collation.info & utf8_bit) == 0 &&
         (is_windows || is_sql);
}

TextFaults append_utf8_from_western(std::string& out, std::span<const std::byte> bytes) {
  TextFaults faults;
  const std::byte* at = bytes.data();
  const std::byte* const end = at + bytes.size();
  const auto plain_until = [&] {
    const std::byte* next = at;
    while (end - next >= 8 && are_plain(eight_at(next)))
      next += 8;
    while (next != end && *next < std::byte{0x80} && *next != std::byte{0})
      ++next;
    return next;
  };
  while (at != end) {
    const std::byte* const next = plain_until();
    out.append(reinterpret_cast<const char*>(at), static_cast<std::size_t>(next - at));
    at = next;
    if (at == end) break;
    const auto byte = static_cast<std::uint8_t>(*at++);
    if (byte == 0) faults.zero = true;
    std::array<char, 4> character{};
    const char* const last =
        write_utf8(character.data(), byte >= 0x80 && byte < 0xA0 ? western_80[byte - 0x80] : byte);
    out.append(character.data(), static_cast<std::size_t>(last - character.data()));
  }
  return faults;
}

}  // namespace tailrace::sqlserver
