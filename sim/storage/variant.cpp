// A sql_variant's bytes.
#include "sim/storage/variant.h"

#include <cstring>

#include "base/error.h"

namespace tailrace::sim {
namespace {

template <class Number>
void put(std::string& out, Number number) {
  out.append(reinterpret_cast<const char*>(&number), sizeof number);
}

template <class Number>
Number take(std::string_view& in) {
  TAILRACE_ASSERT(in.size() >= sizeof(Number));
  Number number;
  std::memcpy(&number, in.data(), sizeof number);
  in.remove_prefix(sizeof number);
  return number;
}

}  // namespace

std::string variant_bytes(const Value& value) {
  std::string out;
  put(out, static_cast<std::uint8_t>(value.type.type));
  put(out, value.type.length);
  put(out, value.type.precision);
  put(out, value.type.scale);
  put(out, static_cast<std::uint8_t>(value.type.numeric));
  put(out, value.type.code_page);
  put(out, value.offset_minutes);
  switch (value.type.type) {
    case Type::decimal:
    case Type::smallmoney:
    case Type::money: put(out, value.decimal); break;
    case Type::real:
    case Type::float_: put(out, value.real); break;
    case Type::char_:
    case Type::varchar:
    case Type::nchar:
    case Type::nvarchar:
    case Type::binary:
    case Type::varbinary:
    case Type::uniqueidentifier: out += value.text; break;
    default: put(out, value.number); break;
  }
  return out;
}

Value variant_value(std::string_view bytes) {
  Value value;
  value.null = false;
  value.type.type = static_cast<Type>(take<std::uint8_t>(bytes));
  value.type.length = take<std::int32_t>(bytes);
  value.type.precision = take<std::uint8_t>(bytes);
  value.type.scale = take<std::uint8_t>(bytes);
  value.type.numeric = take<std::uint8_t>(bytes) != 0;
  value.type.code_page = take<std::uint16_t>(bytes);
  value.offset_minutes = take<std::int16_t>(bytes);
  switch (value.type.type) {
    case Type::decimal:
    case Type::smallmoney:
    case Type::money: value.decimal = take<int128>(bytes); break;
    case Type::real:
    case Type::float_: value.real = take<double>(bytes); break;
    case Type::char_:
    case Type::varchar:
    case Type::nchar:
    case Type::nvarchar:
    case Type::binary:
    case Type::varbinary:
    case Type::uniqueidentifier: value.text = bytes; break;
    default: value.number = take<std::int64_t>(bytes); break;
  }
  return value;
}

}  // namespace tailrace::sim
