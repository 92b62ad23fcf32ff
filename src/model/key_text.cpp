// Key values as lossless text.
#include "model/key_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>

namespace tailrace {
namespace {

constexpr std::int64_t ticks_per_second = 10'000'000;
constexpr std::int64_t ticks_per_day = 86'400 * ticks_per_second;

std::string time_text(std::int64_t ticks) {
  const std::int64_t seconds = ticks / ticks_per_second;
  return fmt::format("{:02}:{:02}:{:02}.{:07}", seconds / 3600, seconds / 60 % 60, seconds % 60,
                     ticks % ticks_per_second);
}

std::string offset_text(int minutes) {
  return fmt::format("{}{:02}:{:02}", minutes < 0 ? '-' : '+', std::abs(minutes) / 60,
                     std::abs(minutes) % 60);
}

std::string hex(std::string_view bytes) {
  std::string out = "0x";
  for (const char c : bytes)
    out += fmt::format("{:02x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
  return out;
}

std::string uuid_text(const std::uint8_t (&uuid)[16]) {
  std::string out;
  for (std::size_t i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out += '-';
    out += fmt::format("{:02x}", static_cast<unsigned>(uuid[i]));
  }
  return out;
}

}  // namespace

std::string date_text(std::int64_t days) {
  using namespace std::chrono;
  constexpr sys_days first{year{1} / January / 1};
  const year_month_day date{first + std::chrono::days{days}};
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()));
}

std::string timestamp_text(std::int64_t ticks) {
  return date_text(ticks / ticks_per_day) + "T" + time_text(ticks % ticks_per_day);
}

std::string decimal_text(int128 unscaled, int scale) {
  const bool negative = unscaled < 0;
  uint128 rest = negative ? -static_cast<uint128>(unscaled) : static_cast<uint128>(unscaled);
  std::string digits;
  do {
    digits += static_cast<char>('0' + static_cast<int>(rest % 10));
    rest /= 10;
  } while (rest != 0);
  while (digits.size() <= static_cast<std::size_t>(scale))
    digits += '0';
  std::reverse(digits.begin(), digits.end());
  if (scale > 0) digits.insert(digits.size() - static_cast<std::size_t>(scale), 1, '.');
  return negative ? "-" + digits : digits;
}

std::string key_text(const RowBatch& batch, std::size_t row, std::size_t column) {
  TAILRACE_ASSERT(batch.state(row, column) == CellState::value);
  const ColumnType& type = batch.schema().columns[column].type;
  const Cell& cell = batch.cell(row, column);
  switch (type.cell_kind()) {
    case CellKind::boolean:
    case CellKind::integer: return fmt::format("{}", cell.integer);
    case CellKind::decimal: {
      const bool money = type.kind == TypeKind::money || type.kind == TypeKind::smallmoney;
      return decimal_text(cell.decimal, money ? 4 : type.scale);
    }
    case CellKind::float32: return fmt::format("{:.9g}", cell.float32);
    case CellKind::float64: return fmt::format("{:.17g}", cell.float64);
    case CellKind::date: return date_text(cell.integer);
    case CellKind::time: return time_text(cell.integer);
    case CellKind::timestamp: return timestamp_text(cell.integer);
    case CellKind::timestamp_offset: {
      const int minutes = cell.offset_time.minutes;
      return timestamp_text(cell.offset_time.ticks + minutes * 60 * ticks_per_second) + offset_text(minutes);
    }
    case CellKind::text: return std::string(batch.text(row, column));
    case CellKind::bytes:
    case CellKind::spatial: return hex(batch.text(row, column));
    case CellKind::uuid: return uuid_text(cell.uuid);
  }
  return {};
}

std::vector<std::string> key_of(const RowBatch& batch, std::size_t row) {
  std::vector<std::string> out;
  for (const std::size_t column : batch.schema().key)
    out.push_back(key_text(batch, row, column));
  return out;
}

}  // namespace tailrace
