// Aligning, grouping, shortening.
#include "app/text_table.h"

#include <fmt/format.h>

#include <algorithm>

namespace tailrace::app {

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\x1b') {
      while (i < text.size() && text[i] != 'm')
        ++i;
      continue;
    }
    if ((static_cast<unsigned char>(text[i]) & 0xC0u) != 0x80u) ++width;
  }
  return width;
}

std::string TextTable::text() const {
  std::vector<std::vector<std::string>> lines;
  if (!head.empty()) lines.push_back(head);
  lines.insert(lines.end(), rows.begin(), rows.end());
  std::vector<std::size_t> widths;
  for (const std::vector<std::string>& line : lines) {
    widths.resize(std::max(widths.size(), line.size()));
    for (std::size_t i = 0; i < line.size(); ++i)
      widths[i] = std::max(widths[i], display_width(line[i]));
  }
  std::string out;
  for (const std::vector<std::string>& line : lines) {
    std::string rendered;
    for (std::size_t i = 0; i < line.size(); ++i) {
      const std::string pad(widths[i] - display_width(line[i]), ' ');
      if (i > 0) rendered += "  ";
      rendered += i < right.size() && right[i] ? pad + line[i] : line[i] + pad;
    }
    rendered.erase(rendered.find_last_not_of(' ') + 1);
    out += rendered + "\n";
  }
  return out;
}

std::string grouped(std::uint64_t number) {
  std::string out = std::to_string(number);
  for (std::size_t at = out.size(); at > 3;) {
    at -= 3;
    out.insert(at, 1, ',');
  }
  return out;
}

std::string megabytes(std::uint64_t bytes) {
  return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6);
}

std::string short_duration(std::chrono::milliseconds duration) {
  const std::int64_t seconds = (duration.count() + 500) / 1000;
  if (seconds < 60) return fmt::format("{} s", seconds);
  if (seconds < 3600) return fmt::format("{} min {:02} s", seconds / 60, seconds % 60);
  if (seconds < 86'400) return fmt::format("{} h {:02} min", seconds / 3600, seconds / 60 % 60);
  return fmt::format("{} d {} h", seconds / 86'400, seconds / 3600 % 24);
}

}  // namespace tailrace::app
