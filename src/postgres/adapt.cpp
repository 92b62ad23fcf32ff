// What each of the target's types makes of a type that was left open.
#include "postgres/adapt.h"

#include <algorithm>

namespace tailrace::postgres {
namespace {

constexpr int most_digits = 38;

bool is_open_text(const ColumnType& type) {
  return (type.kind == TypeKind::nvarchar || type.kind == TypeKind::xml) && type.is_max();
}

ColumnType text_as(const ColumnType& proposed, const PgType& target) {
  switch (target.oid) {
    case oid_uuid: return {TypeKind::uniqueidentifier};
    case oid_xml: return {TypeKind::xml, -1};
    case oid_varchar: return {TypeKind::nvarchar, target.characters()};
    case oid_bpchar: return {TypeKind::nchar, target.characters()};
    case oid_numeric:
      if (target.modifier == -1 || target.numeric_scale() < 0 || target.numeric_precision() > most_digits ||
          target.numeric_scale() > target.numeric_precision())
        return proposed;
      return {TypeKind::decimal, 0, static_cast<std::uint8_t>(target.numeric_precision()),
              static_cast<std::uint8_t>(target.numeric_scale())};
    default: return proposed;
  }
}

// Milliseconds may be those of datetime2(0), microseconds those of datetime2(4).
ColumnType fewer_digits(ColumnType proposed, const PgType& target, std::uint32_t wanted) {
  const int digits = target.second_digits();
  if (target.oid != wanted || digits >= std::min<int>(proposed.scale, 6)) return proposed;
  proposed.scale = static_cast<std::uint8_t>(digits);
  return proposed;
}

}  // namespace

std::optional<ColumnType> type_of_target(const PgType& target) {
  const auto digits = static_cast<std::uint8_t>(target.second_digits());
  switch (target.oid) {
    case oid_bool: return ColumnType{TypeKind::bit};
    case oid_int2: return ColumnType{TypeKind::smallint};
    case oid_int4: return ColumnType{TypeKind::int_};
    case oid_int8: return ColumnType{TypeKind::bigint};
    case oid_float4: return ColumnType{TypeKind::real};
    case oid_float8: return ColumnType{TypeKind::float_};
    case oid_numeric: {
      const ColumnType open{TypeKind::nvarchar, -1};
      const ColumnType found = text_as(open, target);
      return found == open ? std::nullopt : std::optional(found);
    }
    case oid_text: return ColumnType{TypeKind::nvarchar, -1};
    case oid_varchar: return ColumnType{TypeKind::nvarchar, target.characters()};
    case oid_bpchar: return ColumnType{TypeKind::nchar, target.characters()};
    case oid_xml: return ColumnType{TypeKind::xml, -1};
    case oid_uuid: return ColumnType{TypeKind::uniqueidentifier};
    case oid_date: return ColumnType{TypeKind::date};
    case oid_time: return ColumnType{TypeKind::time, 0, 0, digits};
    case oid_timestamp: return ColumnType{TypeKind::datetime2, 0, 0, digits};
    case oid_timestamptz: return ColumnType{TypeKind::datetimeoffset, 0, 0, digits};
    case oid_bytea: return ColumnType{TypeKind::varbinary, -1};
    default: return std::nullopt;
  }
}

ColumnType adapted_type(const ColumnType& proposed, const PgType& target) {
  if (takes(target, proposed)) return proposed;
  if (is_open_text(proposed)) return text_as(proposed, target);
  switch (proposed.kind) {
    case TypeKind::datetime2: return fewer_digits(proposed, target, oid_timestamp);
    case TypeKind::time: return fewer_digits(proposed, target, oid_time);
    case TypeKind::datetimeoffset: return fewer_digits(proposed, target, oid_timestamptz);
    case TypeKind::decimal:
      return proposed.precision == most_digits && target.oid == oid_numeric ? text_as(proposed, target)
                                                                            : proposed;
    default: return proposed;
  }
}

}  // namespace tailrace::postgres
