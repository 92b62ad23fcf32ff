// Globs over names.
#include "sqlserver/pattern.h"

#include <cstddef>

namespace tailrace::sqlserver {
namespace {

char fold(char c, bool case_sensitive) {
  return !case_sensitive && c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// The length of the UTF-8 character at the start of `text`.
std::size_t character(std::string_view text) {
  std::size_t length = 1;
  while (length < text.size() && (static_cast<unsigned char>(text[length]) & 0xC0) == 0x80)
    ++length;
  return length;
}

}  // namespace

bool glob_matches(std::string_view pattern, std::string_view text, bool case_sensitive) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;  // Behind the last *, and where its run began.
  std::size_t retry = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = ++p;
      retry = t;
    } else if (p < pattern.size() && pattern[p] == '?') {
      ++p;
      t += character(text.substr(t));
    } else if (p < pattern.size() && fold(pattern[p], case_sensitive) == fold(text[t], case_sensitive)) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star;
      retry += character(text.substr(retry));
      t = retry;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*')
    ++p;
  return p == pattern.size();
}

bool same_name(std::string_view left, std::string_view right, bool case_sensitive) {
  if (left.size() != right.size()) return false;
  for (std::size_t i = 0; i < left.size(); ++i) {
    if (fold(left[i], case_sensitive) != fold(right[i], case_sensitive)) return false;
  }
  return true;
}

bool is_case_sensitive(std::string_view collation) {
  return collation.find("_CS") != std::string_view::npos || collation.find("_BIN") != std::string_view::npos;
}

}  // namespace tailrace::sqlserver
