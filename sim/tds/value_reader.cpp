// Values of RPC parameters, read by their TYPE_INFO.
//
// Source  [MS-TDS] 2.2.5.5 and 2.2.7.19 (row data of each type).
#include <fmt/format.h>

#include <array>
#include <cmath>
#include <optional>

#include "sim/tds/text.h"
#include "sim/tds/type_info.h"
#include "sim/tds/wire.h"

namespace tailrace::sim::tds {
namespace {

constexpr std::int64_t last_date = 3'652'058;          // 9999-12-31, in days since 0001-01-01
constexpr std::int64_t first_datetime_day = -53'690;   // 1753-01-01, in days since 1900-01-01
constexpr std::int64_t last_datetime_day = 2'958'463;  // 9999-12-31

Error invalid_value(std::string_view parameter, std::string_view type) {
  return refused_request(8023,
                         fmt::format("The incoming tabular data stream (TDS) remote procedure call (RPC) "
                                     "protocol stream is incorrect. Parameter (\"{}\"): The supplied value "
                                     "is not a valid instance of data type {}. Check the source data for "
                                     "invalid values.",
                                     parameter, type));
}

Error bad_value_length(std::string_view parameter, std::uint8_t code) {
  return refused_request(8016,
                         fmt::format("The incoming tabular data stream (TDS) remote procedure call (RPC) "
                                     "protocol stream is incorrect. Parameter (\"{}\"): Data type 0x{:02X} "
                                     "has an invalid data length or metadata length.",
                                     parameter, code));
}

template <class Number>
Number number_in(std::string_view bytes, std::size_t position = 0) {
  Number value;
  std::memcpy(&value, bytes.data() + position, sizeof value);
  return value;
}

std::int64_t unsigned_in(std::string_view bytes) {
  std::int64_t value = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    value |= static_cast<std::int64_t>(static_cast<std::uint8_t>(bytes[i])) << (8 * i);
  }
  return value;
}

bool read_integer(Value& value, std::string_view bytes) {
  switch (bytes.size()) {
    case 1: value.number = number_in<std::uint8_t>(bytes); break;
    case 2: value.number = number_in<std::int16_t>(bytes); break;
    case 4: value.number = number_in<std::int32_t>(bytes); break;
    default: value.number = number_in<std::int64_t>(bytes); break;
  }
  if (value.type.type == Type::bit) value.number = value.number != 0 ? 1 : 0;
  return true;
}

bool read_real(Value& value, std::string_view bytes) {
  value.real = bytes.size() == 4 ? static_cast<double>(number_in<float>(bytes)) : number_in<double>(bytes);
  return std::isfinite(value.real);
}

bool read_money(Value& value, std::string_view bytes) {
  if (bytes.size() == 4) {
    value.decimal = number_in<std::int32_t>(bytes);
    return true;
  }
  const std::uint64_t high = number_in<std::uint32_t>(bytes);
  const std::uint64_t low = number_in<std::uint32_t>(bytes, 4);
  value.decimal = static_cast<std::int64_t>(high << 32 | low);
  return true;
}

bool read_decimal(Value& value, std::string_view bytes) {
  const std::string_view magnitude = bytes.substr(1);
  uint128 number = 0;
  for (std::size_t i = 0; i < magnitude.size(); ++i) {
    number |= static_cast<uint128>(static_cast<std::uint8_t>(magnitude[i])) << (8 * i);
  }
  uint128 limit = 1;
  for (std::uint8_t i = 0; i < value.type.precision; ++i)
    limit *= 10;
  if (number >= limit) return false;
  value.decimal = bytes[0] == 0 ? -static_cast<int128>(number) : static_cast<int128>(number);
  return true;
}

bool read_datetime(Value& value, std::string_view bytes) {
  if (bytes.size() == 4) {
    const std::int64_t minutes = number_in<std::uint16_t>(bytes, 2);
    value.number = number_in<std::uint16_t>(bytes) * std::int64_t{1440} + minutes;
    return minutes < 1440;
  }
  const std::int64_t days = number_in<std::int32_t>(bytes);
  const std::int64_t ticks = number_in<std::uint32_t>(bytes, 4);
  value.number = days * datetime_ticks_a_day + ticks;
  return days >= first_datetime_day && days <= last_datetime_day && ticks < datetime_ticks_a_day;
}

// time, date, datetime2 and datetimeoffset.
bool read_new_time(Value& value, std::string_view bytes) {
  const Type type = value.type.type;
  std::int64_t ticks = 0;
  if (type != Type::date) {
    const std::size_t length = time_bytes(value.type.scale);
    ticks = unsigned_in(bytes.substr(0, length));
    const std::int64_t divisor = time_divisor(value.type.scale);
    if (ticks > (ticks_a_day - 1) / divisor) return false;
    ticks *= divisor;
    bytes.remove_prefix(length);
  }
  if (type == Type::time) {
    value.number = ticks;
    return true;
  }
  const std::int64_t days = unsigned_in(bytes.substr(0, 3));
  if (days > last_date) return false;
  value.number = type == Type::date ? days : days * ticks_a_day + ticks;
  if (type == Type::datetimeoffset) {
    value.offset_minutes = number_in<std::int16_t>(bytes, 3);
    const std::int64_t local = value.number + value.offset_minutes * std::int64_t{600'000'000};
    return value.offset_minutes >= -840 && value.offset_minutes <= 840 && local >= 0 &&
           local <= last_date * ticks_a_day + ticks_a_day - 1;
  }
  return true;
}

bool read_text(Value& value, const WireType& wire, std::string_view bytes) {
  switch (value.type.type) {
    case Type::nchar:
    case Type::nvarchar:
      if (bytes.size() % 2 != 0) return false;
      value.text = utf8_from_utf16le(bytes);
      return true;
    case Type::char_:
    case Type::varchar: {
      std::optional<std::string> text = utf8_from_collation(bytes, {wire.collation, sizeof wire.collation});
      if (!text) return false;
      value.text = std::move(*text);
      return true;
    }
    default: value.text = bytes; return true;
  }
}

std::string read_chunks(ByteReader& in, std::uint64_t total) {
  std::string bytes;
  while (const std::uint32_t chunk = in.u32())
    bytes.append(in.bytes(chunk));
  if (total != plp_unknown && bytes.size() != total) {
    throw Error(ErrorKind::protocol, "the chunks of a large value do not add up to its length");
  }
  return bytes;
}

// The value's bytes, or nothing for NULL. What comes in chunks is collected in `gathered`.
std::optional<std::string_view> read_bytes(ByteReader& in, const WireType& wire, std::string& gathered) {
  switch (wire.form) {
    case LengthForm::fixed:
      if (wire.most_bytes == 0) return std::nullopt;
      return in.bytes(wire.most_bytes);
    case LengthForm::byte: {
      const std::uint8_t length = in.u8();
      const bool old_text = wire.code == wire_type::old_char || wire.code == wire_type::old_varchar ||
                            wire.code == wire_type::old_binary || wire.code == wire_type::old_varbinary;
      if (old_text ? length == 0xFF : length == 0) return std::nullopt;
      return in.bytes(length);
    }
    case LengthForm::ushort: {
      const std::uint16_t length = in.u16();
      if (length == 0xFFFF) return std::nullopt;
      return in.bytes(length);
    }
    case LengthForm::ulong: {
      const std::uint32_t length = in.u32();
      if (length == 0xFFFFFFFF) return std::nullopt;
      return in.bytes(length);
    }
    case LengthForm::plp: {
      const std::uint64_t total = in.u64();
      if (total == plp_null) return std::nullopt;
      gathered = read_chunks(in, total);
      return gathered;
    }
  }
  TAILRACE_ASSERT(false);
  return std::nullopt;
}

bool has_variable_length(Type type) {
  switch (type) {
    case Type::char_:
    case Type::varchar:
    case Type::nchar:
    case Type::nvarchar:
    case Type::binary:
    case Type::varbinary: return true;
    default: return false;
  }
}

bool fits(const WireType& wire, std::size_t bytes) {
  if (wire.form == LengthForm::plp || wire.form == LengthForm::ulong) return true;
  if (has_variable_length(wire.type.type)) return bytes <= wire.most_bytes;
  if (wire.type.type == Type::decimal)
    return bytes >= 2 && bytes <= 17;  // Some clients send no zeros at the end.
  return bytes == wire.most_bytes;
}

bool read_known_value(Value& value, const WireType& wire, std::string_view bytes) {
  switch (wire.type.type) {
    case Type::bit:
    case Type::tinyint:
    case Type::smallint:
    case Type::int_:
    case Type::bigint: return read_integer(value, bytes);
    case Type::real:
    case Type::float_: return read_real(value, bytes);
    case Type::smallmoney:
    case Type::money: return read_money(value, bytes);
    case Type::decimal: return read_decimal(value, bytes);
    case Type::smalldatetime:
    case Type::datetime: return read_datetime(value, bytes);
    case Type::date:
    case Type::time:
    case Type::datetime2:
    case Type::datetimeoffset: return read_new_time(value, bytes);
    default: return read_text(value, wire, bytes);
  }
}

std::string_view type_name(Type type) {
  constexpr std::array<std::string_view, 23> names = {"bit",
                                                      "tinyint",
                                                      "smallint",
                                                      "int",
                                                      "bigint",
                                                      "decimal",
                                                      "smallmoney",
                                                      "money",
                                                      "real",
                                                      "float",
                                                      "date",
                                                      "time",
                                                      "smalldatetime",
                                                      "datetime",
                                                      "datetime2",
                                                      "datetimeoffset",
                                                      "char",
                                                      "varchar",
                                                      "nchar",
                                                      "nvarchar",
                                                      "binary",
                                                      "varbinary",
                                                      "uniqueidentifier"};
  return names[static_cast<std::size_t>(type)];
}

}  // namespace

Value read_value(ByteReader& in, const WireType& wire, std::string_view parameter) {
  Value value;
  value.type = wire.type;
  std::string gathered;
  const std::optional<std::string_view> bytes = read_bytes(in, wire, gathered);
  if (!bytes) return value;
  if (!fits(wire, bytes->size())) throw bad_value_length(parameter, wire.code);
  value.null = false;
  if (wire.type.type == Type::uniqueidentifier) {
    value.text = *bytes;
  } else if (!read_known_value(value, wire, *bytes)) {
    throw invalid_value(parameter, type_name(wire.type.type));
  }
  return value;
}

}  // namespace tailrace::sim::tds
