// What SQL Server's types are to each other: names, precedence, common types, results of arithmetic.
//
// Source   Transact-SQL reference: "Data type precedence", "Precision, scale, and length".
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sim/storage/type.h"
#include "sim/storage/value.h"

namespace tailrace::sim::tsql {

bool is_text(Type type);
bool is_wide_text(Type type);  // nchar, nvarchar
bool is_bytes(Type type);      // binary, varbinary
bool is_integer(Type type);    // bit, tinyint, smallint, int, bigint
bool is_money(Type type);
bool is_numeric(Type type);  // integers, decimal, money, float, real
bool is_float(Type type);
bool is_temporal(Type type);
bool is_fixed_length(Type type);  // char, nchar, binary

// What CDC takes for a large object and SQL Server neither compares nor sorts: text, ntext, image, xml, spatial types.
bool is_incomparable(const TypeInfo& type);
// Stored in a form of its own: only conversions and its own functions may look at it.
bool is_opaque(const TypeInfo& type);

TypeInfo make_type(Type type);  // For types without length.
TypeInfo guise_type(Guise guise);
TypeInfo decimal_type(int precision, int scale);
TypeInfo text_type(Type type, std::int64_t units);  // Units: characters or bytes; beyond the limit: max.
TypeInfo time_type(Type type, int scale);
inline TypeInfo int_type() {
  return make_type(Type::int_);
}
inline TypeInfo bigint_type() {
  return make_type(Type::bigint);
}
inline TypeInfo nvarchar_type(std::int64_t units) {
  return text_type(Type::nvarchar, units);
}

// What functions and procedures answer: nvarchar (as long as a sysname unless said otherwise), a whole number.
Value text_value(std::string text, std::int64_t units = 128);
Value number_value(std::int64_t number, const TypeInfo& type);
inline Value number_value(std::int64_t number, Type type = Type::int_) {
  return number_value(number, make_type(type));
}

// Characters of a text type, bytes of a binary one; -1 for max.
std::int32_t units_of(const TypeInfo& type);

int precedence(Type type);
std::string_view type_name(const TypeInfo& type);  // "nvarchar", "numeric" where declared so
std::string full_type_name(const TypeInfo& type);  // "nvarchar(10)", "decimal(9,2)"

// An exact number's type as decimal(p, s); nothing for other types.
std::optional<TypeInfo> as_decimal(const TypeInfo& type);

// The type that CASE, UNION, COALESCE, IN and comparisons bring both to; nothing: they clash (206, 402).
std::optional<TypeInfo> common_type(const TypeInfo& left, const TypeInfo& right);

// The result of + - * / % for numbers; nothing: not numbers.
std::optional<TypeInfo> arithmetic_type(char op, const TypeInfo& left, const TypeInfo& right);

// Whether a value may be converted without being asked / at all (error 257, 529).
bool implicit_conversion_allowed(Type from, Type to);
bool explicit_conversion_allowed(Type from, Type to);
// The same, with the types that are others in a guise.
bool conversion_allowed(const TypeInfo& from, const TypeInfo& to, bool implicit);

}  // namespace tailrace::sim::tsql
