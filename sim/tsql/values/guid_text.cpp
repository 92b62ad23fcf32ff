// Texts of uniqueidentifier.
#include <algorithm>
#include <array>

#include "sim/tsql/values/convert.h"

namespace tailrace::sim::tsql {

bool parse_guid(std::string_view text, std::string& wire) {
  if (text.size() >= 38 && text.front() == '{' && text[37] == '}') text = text.substr(1, 36);
  if (text.size() < 36) return false;
  text = text.substr(0, 36);  // SQL Server looks at the first 36 characters only.
  std::string bytes;
  int nibbles = 0;
  int value = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char byte = text[i];
    if (i == 8 || i == 13 || i == 18 || i == 23) {
      if (byte != '-') return false;
      continue;
    }
    const int digit = byte >= '0' && byte <= '9'   ? byte - '0'
                      : byte >= 'a' && byte <= 'f' ? byte - 'a' + 10
                      : byte >= 'A' && byte <= 'F' ? byte - 'A' + 10
                                                   : -1;
    if (digit < 0) return false;
    value = value * 16 + digit;
    if (++nibbles % 2 == 0) {
      bytes.push_back(static_cast<char>(value));
      value = 0;
    }
  }
  std::reverse(bytes.begin(), bytes.begin() + 4);
  std::reverse(bytes.begin() + 4, bytes.begin() + 6);
  std::reverse(bytes.begin() + 6, bytes.begin() + 8);
  wire = std::move(bytes);
  return true;
}

std::string format_guid(std::string_view wire) {
  static constexpr std::array<std::size_t, 16> order{3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
  static constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out.push_back('-');
    const auto byte = static_cast<unsigned char>(wire[order[i]]);
    out.push_back(digits[byte >> 4U]);
    out.push_back(digits[byte & 0xFU]);
  }
  return out;
}

}  // namespace tailrace::sim::tsql
