// What may be compared and sorted, and how SQLite is told to do it.
#include "sim/tsql/bind/binder.h"
#include "sim/tsql/errors.h"
#include "sim/tsql/values/types.h"

namespace tailrace::sim::tsql {

std::string Binder::collated(const Typed& value) const {
  if (!is_text(value.type.type) || value.bare || value.is_null) return value.sql;
  const std::string& name = value.collation.empty() ? environment_.collation() : value.collation;
  return "(" + value.sql + " COLLATE \"" + name + "\")";
}

// Types without an order have errors of their own: spatial ones, xml with itself, and the old large ones.
void Binder::require_comparable(const std::string& op, const Typed& left, const Typed& right,
                                std::int32_t line) const {
  static const std::map<std::string, std::string, std::less<>> names{
      {"=", "equal to"},     {"<>", "not equal to"},          {"<", "less than"},
      {">", "greater than"}, {"<=", "less than or equal to"}, {">=", "greater than or equal to"}};
  const auto name = names.find(op);
  const std::string shown = name == names.end() ? op : name->second;
  for (const Typed* value : {&left, &right}) {
    if (value->is_null || !is_opaque(value->type) || !is_incomparable(value->type)) continue;
    raise(403,
          "Invalid operator for data type. Operator equals " + shown + ", type equals " +
              std::string(type_name(value->type)) + ".",
          line);
  }
  const bool left_large = !left.is_null && is_incomparable(left.type);
  const bool right_large = !right.is_null && is_incomparable(right.type);
  if (!left_large && !right_large) return;
  if (left.type.guise == Guise::xml && right.type.guise == Guise::xml)
    raise(305, "The XML data type cannot be compared or sorted, except when using the IS NULL operator.",
          line);
  raise(402,
        "The data types " + std::string(type_name(left.type)) + " and " + std::string(type_name(right.type)) +
            " are incompatible in the " + shown + " operator.",
        line);
}

void Binder::require_sortable(const Typed& value) const {
  if (value.is_null || !is_incomparable(value.type)) return;
  if (value.type.guise == Guise::xml)
    raise(305, "The XML data type cannot be compared or sorted, except when using the IS NULL operator.");
  if (is_opaque(value.type))
    raise(249, "The type \"" + std::string(type_name(value.type)) +
                   "\" is not comparable. It cannot be used in the ORDER BY clause.");
  raise(
      306,
      "The text, ntext, and image data types cannot be compared or sorted, except when using IS NULL or LIKE "
      "operator.",
      0, 2);
}

std::string Binder::ordered(const Typed& value) const {
  require_sortable(value);
  if (value.type.guise == Guise::sql_variant) not_supported("the order of sql_variant");
  if (value.type.type == Type::datetimeoffset && !value.is_null) return "substr(" + value.sql + ",1,8)";
  // A literal integer would be a position for SQLite.
  if (value.constant || value.is_null) return "+" + (is_text(value.type.type) ? collated(value) : value.sql);
  return collated(value);
}

}  // namespace tailrace::sim::tsql
