// Marks: their text, and when they are passed.
#include "sqlserver/mark.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "sqlserver/fields.h"
#include "sqlserver/values.h"

namespace tailrace::sqlserver {
namespace {

// SYSDATETIME() moves in steps of up to 16 ms, datetime in steps of 3.3 ms.
constexpr std::int64_t resolution_ticks = ticks_per_second / 20;

std::string_view needed_field(std::string_view text, std::string_view name) {
  if (const std::optional<std::string_view> field = field_of(text, name)) return *field;
  throw Error(ErrorKind::internal, "a stored high mark lacks a field").with("field", name).with("mark", text);
}

std::int64_t number(std::string_view text, std::string_view name) {
  const std::string_view digits = needed_field(text, name);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{} || end != digits.data() + digits.size()) {
    throw Error(ErrorKind::internal, "a stored high mark holds no number")
        .with("field", name)
        .with("mark", text);
  }
  return value;
}

}  // namespace

std::string Mark::text() const {
  // The server's name comes last: it may hold anything but ends the text.
  return fmt::format("clock={};offset={};captured={};session={};empty={};server={}", clock, offset_minutes,
                     captured.hex(), session, empty_scans, server);
}

Mark Mark::parse(std::string_view text) {
  Mark mark;
  mark.clock = number(text, "clock");
  mark.offset_minutes = static_cast<std::int32_t>(number(text, "offset"));
  mark.captured = Lsn::parse(needed_field(text, "captured"));
  mark.session = number(text, "session");
  mark.empty_scans = number(text, "empty");
  const std::size_t server = text.find(";server=");
  if (server != std::string_view::npos) mark.server = text.substr(server + 8);
  return mark;
}

std::int64_t scans_since(const Mark& mark, const std::string& server, std::span<const ScanSession> sessions) {
  // Other counters, or counters that began anew, cannot be compared: markers alone then.
  if (mark.session < 0 || mark.server != server) return 0;
  std::int64_t scans = 0;
  for (const ScanSession& session : sessions) {
    if (!session.completed || session.id < mark.session) continue;
    if (session.id == mark.session) {
      scans += std::max<std::int64_t>(0, session.empty_scans - mark.empty_scans);
    } else {
      // Consecutive empty scans share one session.
      scans += std::max<std::int64_t>(1, session.empty_scans);
    }
  }
  return scans;
}

std::optional<Lsn> mapped_after(const Mark& mark, std::span<const MappedTransaction> mapped,
                                std::int32_t offset_minutes) {
  if (offset_minutes != mark.offset_minutes) return std::nullopt;
  for (const MappedTransaction& row : mapped) {
    if (row.lsn > mark.captured && row.end_time > mark.clock + resolution_ticks) return row.lsn;
  }
  return std::nullopt;
}

}  // namespace tailrace::sqlserver
