// hierarchyid: paths of numbers as bits whose order is the order of the nodes.
//
// Source  [MS-SSCLRT] 2.1 (hierarchyid), whose example /1/-2.18/ stands in testdata/types.test; "ORDPATHs: Insert-Friendly XML
//         Node Labels" (SIGMOD 2004).
#include <charconv>
#include <cstdint>

#include "sim/tsql/values/opaque.h"

namespace tailrace::sim::tsql {
namespace {

// x: a bit of the number (its distance from `low`), T: 1 at the end of a level ('/'), 0 before a '.'.
struct HierarchyPattern {
  std::int64_t low;
  std::int64_t high;
  std::string_view bits;
};

constexpr HierarchyPattern hierarchy_patterns[] = {
    {-281479271682120, -4294971465, "000100xxxxxxxxxxxxxx0xxxxxxxxxxxxxxxxxxxxx0xxxxxx0xxx0x1xxxT"},
    {-4294971464, -4169, "000101xxxxxxxxxxxxxxxxxxx0xxxxxx0xxx0x1xxxT"},
    {-4168, -73, "000110xxxxx0xxx0x1xxxT"},
    {-72, -9, "0010xx0x1xxxT"},
    {-8, -1, "00111xxxT"},
    {0, 3, "01xxT"},
    {4, 7, "100xxT"},
    {8, 15, "101xxxT"},
    {16, 79, "110xx0x1xxxT"},
    {80, 1103, "1110xxx0xxx0x1xxxT"},
    {1104, 5199, "11110xxxxx0xxx0x1xxxT"},
    {5200, 4294972495, "111110xxxxxxxxxxxxxxxxxxx0xxxxxx0xxx0x1xxxT"},
    {4294972496, 281479271683151, "111111xxxxxxxxxxxxxx0xxxxxxxxxxxxxxxxxxxxx0xxxxxx0xxx0x1xxxT"},
};

bool append_number(std::string& bits, std::int64_t number, bool ends_level) {
  // Before a '.' the bits of the next number stand, so that /1.1/ lies between /1/ and /2/.
  if (!ends_level) ++number;
  for (const HierarchyPattern& pattern : hierarchy_patterns) {
    if (number < pattern.low || number > pattern.high) continue;
    const auto distance = static_cast<std::uint64_t>(number - pattern.low);
    int left = 0;
    for (const char c : pattern.bits)
      left += c == 'x' ? 1 : 0;
    for (const char c : pattern.bits) {
      if (c == 'x')
        bits += (distance >> static_cast<unsigned>(--left) & 1U) != 0 ? '1' : '0';
      else
        bits += c == 'T' ? (ends_level ? '1' : '0') : c;
    }
    return true;
  }
  return false;
}

bool reads_number(std::string_view bits, const HierarchyPattern& pattern, std::int64_t& number,
                  bool& ends_level) {
  if (bits.size() < pattern.bits.size()) return false;
  std::uint64_t distance = 0;
  for (std::size_t i = 0; i < pattern.bits.size(); ++i) {
    const char c = pattern.bits[i];
    if (c == 'x')
      distance = distance << 1 | (bits[i] == '1' ? 1U : 0U);
    else if (c == 'T')
      ends_level = bits[i] == '1';
    else if (c != bits[i])
      return false;
  }
  number = pattern.low + static_cast<std::int64_t>(distance) - (ends_level ? 0 : 1);
  return true;
}

}  // namespace

bool parse_hierarchy(std::string_view text, std::string& bytes) {
  bytes.clear();
  if (text.empty() || text.front() != '/' || text.back() != '/') return false;
  std::string bits;
  std::size_t at = 1;
  while (at < text.size()) {
    std::int64_t number = 0;
    const auto [end, code] = std::from_chars(text.data() + at, text.data() + text.size(), number);
    if (code != std::errc() || end == text.data() + text.size()) return false;
    if (*end != '/' && *end != '.') return false;
    if (!append_number(bits, number, *end == '/')) return false;
    at = static_cast<std::size_t>(end - text.data()) + 1;
  }
  while (bits.size() % 8 != 0)
    bits += '0';
  for (std::size_t i = 0; i < bits.size(); i += 8) {
    unsigned byte = 0;
    for (std::size_t b = 0; b < 8; ++b)
      byte = byte << 1U | (bits[i + b] == '1' ? 1U : 0U);
    bytes.push_back(static_cast<char>(byte));
  }
  return bytes.size() <= 892;
}

bool format_hierarchy(std::string_view bytes, std::string& text) {
  std::string all;
  for (const char raw : bytes) {
    for (int bit = 7; bit >= 0; --bit)
      all += (static_cast<unsigned char>(raw) >> static_cast<unsigned>(bit) & 1U) != 0 ? '1' : '0';
  }
  text = "/";
  std::string_view bits = all;
  while (bits.find('1') != std::string_view::npos) {
    std::int64_t number = 0;
    bool ends_level = false;
    const HierarchyPattern* found = nullptr;
    for (const HierarchyPattern& pattern : hierarchy_patterns) {
      if (!reads_number(bits, pattern, number, ends_level)) continue;
      found = &pattern;
      break;
    }
    if (found == nullptr) return false;
    text += std::to_string(number) + (ends_level ? "/" : ".");
    bits.remove_prefix(found->bits.size());
  }
  return text.back() == '/';
}

}  // namespace tailrace::sim::tsql
