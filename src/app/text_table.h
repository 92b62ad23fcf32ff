// Rows of text in aligned columns, and figures as people read them.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace tailrace::app {

struct TextTable {
  std::vector<std::string> head;
  std::vector<bool> right;  // Which columns hold figures.
  std::vector<std::vector<std::string>> rows;

  // Lines that end with \n; widths are counted in code points, escape sequences as nothing.
  std::string text() const;
};

// 1,234,567
std::string grouped(std::uint64_t number);
// 12.3 MB, of 10^6 bytes.
std::string megabytes(std::uint64_t bytes);
// 3 s, 4 min 05 s, 2 h 07 min, 3 d 4 h
std::string short_duration(std::chrono::milliseconds duration);
// Columns that `text` takes on a terminal.
std::size_t display_width(std::string_view text);

}  // namespace tailrace::app
