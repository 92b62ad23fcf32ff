// Encodings of values: see the header for each type's form.
#include "sim/storage/codec.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <cstring>

#include "base/error.h"

namespace tailrace::sim {
namespace {

// Stored byte i is the wire's byte guid_order[i].
constexpr std::array<std::uint8_t, 16> guid_order{10, 11, 12, 13, 14, 15, 8, 9, 6, 7, 4, 5, 0, 1, 2, 3};
constexpr std::int64_t offset_bias = 32'768;

std::string_view blob_of(sqlite3_value* stored) {
  const auto* bytes = static_cast<const char*>(sqlite3_value_blob(stored));
  return {bytes == nullptr ? "" : bytes, static_cast<std::size_t>(sqlite3_value_bytes(stored))};
}

std::string_view text_of(sqlite3_value* stored) {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_value_text(stored));
  return {bytes == nullptr ? "" : bytes, static_cast<std::size_t>(sqlite3_value_bytes(stored))};
}

void put_big_endian(char* out, std::uint64_t value, int bytes) {
  for (int i = bytes - 1; i >= 0; --i) {
    out[i] = static_cast<char>(value & 0xFF);
    value >>= 8;
  }
}

std::uint64_t big_endian(const char* in, int bytes) {
  std::uint64_t value = 0;
  for (int i = 0; i < bytes; ++i)
    value = value << 8 | static_cast<unsigned char>(in[i]);
  return value;
}

std::string hex_literal(std::string_view bytes) {
  std::string out = "x'";
  for (const char byte : bytes)
    out += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return out + "'";
}

std::string text_literal(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return "CAST(" + hex_literal(text) + " AS TEXT)";
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') out += '\'';
    out += c;
  }
  return out + "'";
}

}  // namespace

std::string encode_wide_decimal(int128 unscaled) {
  const auto bits = static_cast<uint128>(unscaled) ^ (static_cast<uint128>(1) << 127);
  std::string out(16, '\0');
  put_big_endian(out.data(), static_cast<std::uint64_t>(bits >> 64), 8);
  put_big_endian(out.data() + 8, static_cast<std::uint64_t>(bits), 8);
  return out;
}

int128 decode_wide_decimal(std::string_view stored) {
  TAILRACE_ASSERT(stored.size() == 16);
  const uint128 bits =
      static_cast<uint128>(big_endian(stored.data(), 8)) << 64 | big_endian(stored.data() + 8, 8);
  return static_cast<int128>(bits ^ (static_cast<uint128>(1) << 127));
}

std::string encode_datetimeoffset(std::int64_t utc_ticks, std::int16_t offset_minutes) {
  std::string out(10, '\0');
  put_big_endian(out.data(), static_cast<std::uint64_t>(utc_ticks), 8);
  put_big_endian(out.data() + 8, static_cast<std::uint64_t>(offset_minutes + offset_bias), 2);
  return out;
}

std::string encode_guid(std::string_view wire) {
  TAILRACE_ASSERT(wire.size() == 16);
  std::string out(16, '\0');
  for (std::size_t i = 0; i < 16; ++i)
    out[i] = wire[guid_order[i]];
  return out;
}

std::string decode_guid(std::string_view stored) {
  TAILRACE_ASSERT(stored.size() == 16);
  std::string out(16, '\0');
  for (std::size_t i = 0; i < 16; ++i)
    out[guid_order[i]] = stored[i];
  return out;
}

void decode(sqlite3_value* stored, const TypeInfo& type, CodecScratch& scratch, Cell& cell) {
  const int kind = sqlite3_value_type(stored);
  cell.null = kind == SQLITE_NULL;
  if (cell.null) return;
  switch (type.type) {
    case Type::decimal:
      if (is_wide_decimal(type)) {
        TAILRACE_ASSERT(kind == SQLITE_BLOB);
        cell.decimal = decode_wide_decimal(blob_of(stored));
        return;
      }
      [[fallthrough]];
    case Type::smallmoney:
    case Type::money:
      TAILRACE_ASSERT(kind == SQLITE_INTEGER);
      cell.decimal = sqlite3_value_int64(stored);
      return;
    case Type::real:
    case Type::float_:
      TAILRACE_ASSERT(kind == SQLITE_FLOAT || kind == SQLITE_INTEGER);
      cell.real = sqlite3_value_double(stored);
      return;
    case Type::datetimeoffset: {
      const std::string_view bytes = blob_of(stored);
      TAILRACE_ASSERT(bytes.size() == 10);
      cell.number = static_cast<std::int64_t>(big_endian(bytes.data(), 8));
      cell.offset_minutes =
          static_cast<std::int16_t>(static_cast<std::int64_t>(big_endian(bytes.data() + 8, 2)) - offset_bias);
      return;
    }
    case Type::char_:
    case Type::varchar:
    case Type::nchar:
    case Type::nvarchar:
      TAILRACE_ASSERT(kind == SQLITE_TEXT);
      cell.text = text_of(stored);
      return;
    case Type::binary:
    case Type::varbinary:
      TAILRACE_ASSERT(kind == SQLITE_BLOB);
      cell.text = blob_of(stored);
      return;
    case Type::uniqueidentifier: {
      const std::string_view bytes = blob_of(stored);
      TAILRACE_ASSERT(bytes.size() == 16);
      for (std::size_t i = 0; i < 16; ++i)
        scratch.bytes[guid_order[i]] = bytes[i];
      cell.text = {scratch.bytes.data(), scratch.bytes.size()};
      return;
    }
    default:
      TAILRACE_ASSERT(kind == SQLITE_INTEGER);
      cell.number = sqlite3_value_int64(stored);
      return;
  }
}

Value decode(sqlite3_value* stored, const TypeInfo& type) {
  CodecScratch scratch;
  Cell cell;
  decode(stored, type, scratch, cell);
  return value_of(type, cell);
}

void encode_result(sqlite3_context* context, const TypeInfo& type, const Cell& cell) {
  if (cell.null) {
    sqlite3_result_null(context);
    return;
  }
  const auto blob = [&](std::string_view bytes) {
    sqlite3_result_blob64(context, bytes.empty() ? "" : bytes.data(), bytes.size(), SQLITE_TRANSIENT);
  };
  switch (type.type) {
    case Type::decimal:
      if (is_wide_decimal(type)) return blob(encode_wide_decimal(cell.decimal));
      [[fallthrough]];
    case Type::smallmoney:
    case Type::money: return sqlite3_result_int64(context, static_cast<std::int64_t>(cell.decimal));
    case Type::real:
    case Type::float_: return sqlite3_result_double(context, cell.real);
    case Type::datetimeoffset: return blob(encode_datetimeoffset(cell.number, cell.offset_minutes));
    case Type::char_:
    case Type::varchar:
    case Type::nchar:
    case Type::nvarchar:
      return sqlite3_result_text64(context, cell.text.empty() ? "" : cell.text.data(), cell.text.size(),
                                   SQLITE_TRANSIENT, SQLITE_UTF8);
    case Type::binary:
    case Type::varbinary: return blob(cell.text);
    case Type::uniqueidentifier: return blob(encode_guid(cell.text));
    default: return sqlite3_result_int64(context, cell.number);
  }
}

std::string sqlite_literal(const TypeInfo& type, const Cell& cell) {
  if (cell.null) return "NULL";
  switch (type.type) {
    case Type::decimal:
      if (is_wide_decimal(type)) return hex_literal(encode_wide_decimal(cell.decimal));
      [[fallthrough]];
    case Type::smallmoney:
    case Type::money: return fmt::format("{}", static_cast<std::int64_t>(cell.decimal));
    case Type::real:
    case Type::float_: {
      // The shortest form that reads back as the same double, always with a point or an exponent.
      std::string text = fmt::format("{}", cell.real);
      if (text.find_first_of(".e") == std::string::npos) text += ".0";
      return text;
    }
    case Type::datetimeoffset: return hex_literal(encode_datetimeoffset(cell.number, cell.offset_minutes));
    case Type::char_:
    case Type::varchar:
    case Type::nchar:
    case Type::nvarchar: return text_literal(cell.text);
    case Type::binary:
    case Type::varbinary: return hex_literal(cell.text);
    case Type::uniqueidentifier: return hex_literal(encode_guid(cell.text));
    default:
      // SQLite reads the digits of the smallest bigint as a float before it sees the sign.
      if (cell.number == INT64_MIN) return "(-9223372036854775807 - 1)";
      return fmt::format("{}", cell.number);
  }
}

Cell cell_of(const Value& value) {
  Cell cell;
  cell.null = value.null;
  if (value.null) return cell;
  cell.offset_minutes = value.offset_minutes;
  switch (value.type.type) {
    case Type::decimal:
    case Type::smallmoney:
    case Type::money: cell.decimal = value.decimal; break;
    case Type::real:
    case Type::float_: cell.real = value.real; break;
    default: cell.number = value.number; break;
  }
  cell.text = value.text;
  return cell;
}

Value value_of(const TypeInfo& type, const Cell& cell) {
  Value value;
  value.type = type;
  value.null = cell.null;
  if (cell.null) return value;
  switch (type.type) {
    case Type::decimal:
    case Type::smallmoney:
    case Type::money: value.decimal = cell.decimal; break;
    case Type::real:
    case Type::float_: value.real = cell.real; break;
    case Type::datetimeoffset:
      value.number = cell.number;
      value.offset_minutes = cell.offset_minutes;
      break;
    case Type::char_:
    case Type::varchar:
    case Type::nchar:
    case Type::nvarchar:
    case Type::binary:
    case Type::varbinary:
    case Type::uniqueidentifier: value.text = cell.text; break;
    default: value.number = cell.number; break;
  }
  return value;
}

}  // namespace tailrace::sim
