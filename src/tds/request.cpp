// Building requests.
#include "tds/request.h"

#include <fmt/format.h>

#include <algorithm>

#include "tds/bytes.h"
#include "tds/inbox.h"
#include "tds/types.h"

namespace tailrace::tds {
namespace {

constexpr std::uint16_t by_number = 0xFFFF;
constexpr std::uint16_t sp_executesql = 10;
constexpr std::size_t most_short_bytes = 8000;
constexpr std::size_t unlimited = 0xFFFF;

// ALL_HEADERS with the transaction alone.
void put_headers(Writer& out, std::uint64_t transaction) {
  out.u32(22);
  out.u32(18);
  out.u16(2);
  out.u64(transaction);
  out.u32(1);  // Outstanding requests.
}

// The end of what begins at `at`: a text, a quoted name or a comment; npos: it has none.
std::size_t behind_quoted(std::string_view sql, std::size_t at) {
  const auto behind = [&](std::string_view end, std::size_t from) {
    const std::size_t found = sql.find(end, from);
    return found == std::string_view::npos ? sql.size() : found + end.size();
  };
  // A doubled quote ends one text and begins the next; a doubled bracket does not.
  const auto behind_brackets = [&] {
    std::size_t end = behind("]", at + 1);
    while (end < sql.size() && sql[end] == ']')
      end = behind("]", end + 1);
    return end;
  };
  switch (sql[at]) {
    case '\'': return behind("'", at + 1);
    case '"': return behind("\"", at + 1);
    case '[': return behind_brackets();
    case '-': return sql.substr(at).starts_with("--") ? behind("\n", at) : at;
    case '/': return sql.substr(at).starts_with("/*") ? behind("*/", at + 2) : at;
    default: return at;
  }
}

void put_text(Writer& out, std::string_view utf16, std::string_view collation) {
  const bool is_long = utf16.size() > most_short_bytes;
  out.u8(static_cast<unsigned>(WireType::nvarchar));
  out.u16(is_long ? unlimited : most_short_bytes);
  out.bytes(collation);
  if (!is_long) {
    out.u16(utf16.size());
    out.bytes(utf16);
    return;
  }
  out.u64(utf16.size());
  out.u32(utf16.size());
  out.bytes(utf16);
  out.u32(0);
}

void put_bytes(Writer& out, std::string_view bytes) {
  const bool is_long = bytes.size() > most_short_bytes;
  out.u8(static_cast<unsigned>(WireType::varbinary));
  out.u16(is_long ? unlimited : most_short_bytes);
  if (!is_long) {
    out.u16(bytes.size());
    out.bytes(bytes);
    return;
  }
  out.u64(bytes.size());
  out.u32(bytes.size());
  out.bytes(bytes);
  out.u32(0);
}

// Without the lengths of the values: the server keeps one plan for all of them.
std::string declaration_of(const Parameter& parameter) {
  const bool is_long = parameter.value.size() > most_short_bytes;
  switch (parameter.kind) {
    case Parameter::Kind::integer: return "bigint";
    case Parameter::Kind::text: return is_long ? "nvarchar(max)" : "nvarchar(4000)";
    case Parameter::Kind::bytes: return is_long ? "varbinary(max)" : "varbinary(8000)";
  }
  return {};
}

void put_unnamed(Writer& out) {
  out.u8(0);  // No name,
  out.u8(0);  // no output.
}

}  // namespace

std::string packets_of(PacketType type, std::string_view message, std::size_t packet_bytes) {
  const std::size_t most = packet_bytes - packet_header_bytes;
  Writer out;
  out.reserve(message.size() + packet_header_bytes * (message.size() / most + 1));
  unsigned number = 1;
  std::size_t at = 0;
  do {
    const std::size_t size = std::min(most, message.size() - at);
    const bool is_last = at + size == message.size();
    out.u8(static_cast<unsigned>(type));
    out.u8(is_last ? 1 : 0);
    out.u16_big(packet_header_bytes + size);
    out.u16(0);
    out.u8(number++ & 0xFF);
    out.u8(0);
    out.bytes(message.substr(at, size));
    at += size;
  } while (at < message.size());
  return std::move(out.str());
}

std::string with_numbered_parameters(std::string_view sql, std::size_t count) {
  std::string out;
  std::size_t number = 0;
  for (std::size_t at = 0; at < sql.size();) {
    const std::size_t behind = behind_quoted(sql, at);
    if (behind > at) {
      out += sql.substr(at, behind - at);
      at = behind;
    } else if (sql[at] == '?') {
      out += fmt::format("@P{}", ++number);
      ++at;
    } else {
      out += sql[at++];
    }
  }
  TAILRACE_ASSERT(number == count);
  return out;
}

std::string batch_message(std::string_view sql, std::uint64_t transaction) {
  Writer out;
  put_headers(out, transaction);
  out.bytes(utf16le_from_utf8(sql));
  return std::move(out.str());
}

std::string execute_message(std::string_view sql, const std::vector<Parameter>& parameters,
                            std::string_view collation, std::uint64_t transaction) {
  std::string declarations;
  for (std::size_t i = 0; i < parameters.size(); ++i)
    declarations += fmt::format("{}@P{} {}", i == 0 ? "" : ",", i + 1, declaration_of(parameters[i]));
  Writer out;
  put_headers(out, transaction);
  out.u16(by_number);
  out.u16(sp_executesql);
  out.u16(0);  // Options.
  put_unnamed(out);
  put_text(out, utf16le_from_utf8(with_numbered_parameters(sql, parameters.size())), collation);
  put_unnamed(out);
  put_text(out, utf16le_from_utf8(declarations), collation);
  for (const Parameter& parameter : parameters) {
    put_unnamed(out);
    switch (parameter.kind) {
      case Parameter::Kind::integer:
        out.u8(static_cast<unsigned>(WireType::int_n));
        out.u8(8);
        out.u8(8);
        out.number(parameter.integer);
        break;
      case Parameter::Kind::text: put_text(out, parameter.value, collation); break;
      case Parameter::Kind::bytes: put_bytes(out, parameter.value); break;
    }
  }
  return std::move(out.str());
}

}  // namespace tailrace::tds
