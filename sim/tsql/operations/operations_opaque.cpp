// Functions of sql_variant and of spatial types.
#include "sim/storage/codec.h"
#include "sim/storage/collation.h"
#include "sim/storage/variant.h"
#include "sim/tsql/operations/operations.h"
#include "sim/tsql/values/opaque.h"
#include "sim/tsql/values/spatial.h"
#include "sim/tsql/values/types.h"

namespace tailrace::sim::tsql {

bool op_variant_property(OperationCall& call) {
  const Value value = variant_value(call.args[0].text);
  if (!same_name(call.args[1].text, "BaseType"))
    return call.fail(40517, "SQL_VARIANT_PROPERTY: only BaseType is simulated.");
  call.out.text = type_name(value.type);
  return true;
}

namespace {

// The families of base types, the higher one greater whatever its value is.
int variant_family(const TypeInfo& type) {
  if (is_temporal(type.type)) return 5;
  if (is_float(type.type)) return 4;
  if (is_text(type.type)) return 2;
  if (is_bytes(type.type)) return 1;
  if (type.type == Type::uniqueidentifier) return 0;
  return 3;
}

template <typename Number>
std::int64_t order_of(Number left, Number right) {
  return left < right ? -1 : left > right ? 1 : 0;
}

// Of two values of one type.
std::int64_t order_of_values(const Value& left, const Value& right) {
  const Type type = left.type.type;
  if (is_text(type)) {
    CollationKind kind{};
    find_collation(default_collation, kind);
    return compare_text(kind, left.text, right.text);
  }
  if (is_bytes(type)) return order_of<std::string_view>(left.text, right.text);
  if (is_float(type)) return order_of(left.real, right.real);
  if (type == Type::decimal || is_money(type)) return order_of(left.decimal, right.decimal);
  return order_of(left.number, right.number);
}

}  // namespace

bool op_variant_compare(OperationCall& call) {
  const Value left = variant_value(call.args[0].text);
  const Value right = variant_value(call.args[1].text);
  if (const int family = variant_family(left.type); family != variant_family(right.type)) {
    call.out.number = order_of(family, variant_family(right.type));
    return true;
  }
  const std::optional<TypeInfo> type = common_type(left.type, right.type);
  // Their order is not that of the values' numbers.
  if (!type || type->type == Type::datetimeoffset || type->type == Type::uniqueidentifier)
    return call.fail(40517, "Comparing these values of sql_variant is not simulated.");
  Value one;
  Value other;
  if (!convert(left.type, cell_of(left), *type, no_style, one, call.context.error) ||
      !convert(right.type, cell_of(right), *type, no_style, other, call.context.error))
    return false;
  one.type = other.type = *type;
  call.out.number = order_of_values(one, other);
  return true;
}

bool op_spatial(OperationCall& call) {
  std::string problem;
  const bool geography = call.op.result.guise == Guise::geography;
  const auto srid = static_cast<std::int32_t>(call.args[1].number);
  if (spatial_from_text(call.args[0].text, srid, geography, call.out.text, problem)) return true;
  return call.fail(
      6522, "A .NET Framework error occurred during execution of user-defined routine or aggregate \"" +
                std::string(type_name(call.op.result)) + "\": " + problem);
}

}  // namespace tailrace::sim::tsql
