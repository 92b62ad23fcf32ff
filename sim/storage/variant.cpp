// A sql_variant's bytes.
#include "sim/storage/variant.h"

#include <cstring>

#include "base/error.h"

namespace tailrace::sim {
namespace {

template <class Number>
void put_number(std::string& out, Number number) {
  out.append(reinterpret_cast<const char*>(&number), sizeof number);
}

template <class Number>
Number take_number(std::string_view& in) {
  TAILRACE_ASSERT(in.size() >= sizeof(Number));
  Number number;
  std::memcpy(&number, in.data(), sizeof number);
  in.remove_prefix(sizeof number);
  return number;
}

}  // namespace

std::string variant_bytes(const Value& value) {
  std::string out;
  put_number(out, static_cast<std::uint8_t>(value.type.type));
  put_number(out, value.type.length);
  put_number(out, value.type.precision);
  put_number(out, value.type.scale);
  put_number(out, static_cast<std::uint8_t>(value.type.numeric));
  put_number(out, value.type.code_page);
  put_number(out, value.offset_minutes);
  switch (value.type.type) {
    case Type::decimal:
    case Type::smallmoney:
    case Type::money: put_number(out, value.decimal); break;
    case Type::real:
    case Type::float_: put_number(out, value.real); break;
    case Type::char_:
    case Type::varchar:
    case Type::nchar:
    case Type::nvarchar:
    case Type::binary:
    case Type::varbinary:
    case Type::uniqueidentifier: out += value.text; break;
    default: put_number(out, value.number); break;
  }
  return out;
}

Value variant_value(std::string_view bytes) {
  Value value;
  value.null = false;
  value.type.type = static_cast<Type>(take_number<std::uint8_t>(bytes));
  value.type.length = take_number<std::int32_t>(bytes);
  value.type.precision = take_number<std::uint8_t>(bytes);
  value.type.scale = take_number<std::uint8_t>(bytes);
  value.type.numeric = take_number<std::uint8_t>(bytes) != 0;
  value.type.code_page = take_number<std::uint16_t>(bytes);
  value.offset_minutes = take_number<std::int16_t>(bytes);
  switch (value.type.type) {
    case Type::decimal:
    case Type::smallmoney:
    case Type::money: value.decimal = take_number<int128>(bytes); break;
    case Type::real:
    case Type::float_: value.real = take_number<double>(bytes); break;
    case Type::char_:
    case Type::varchar:
    case Type::nchar:
    case Type::nvarchar:
    case Type::binary:
    case Type::varbinary:
    case Type::uniqueidentifier: value.text = bytes; break;
    default: value.number = take_number<std::int64_t>(bytes); break;
  }
  return value;
}

}  // namespace tailrace::sim
