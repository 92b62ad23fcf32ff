// Names in the target: quoting, and the names that source tables get.
#pragma once

#include <string>
#include <string_view>

#include "model/table_schema.h"
#include "postgres/settings.h"

namespace tailrace::postgres {

// Bytes of a name that PostgreSQL keeps; a longer one would be cut silently.
inline constexpr std::size_t longest_name = 63;

struct RelationName {
  std::string schema;
  std::string name;
  std::string str() const { return schema + "." + name; }
  // "schema"."name", ready for a statement.
  std::string quoted() const;
  auto operator<=>(const RelationName&) const = default;
};

std::string quote_name(std::string_view name);
std::string quote_literal(std::string_view text);

RelationName target_of(const Settings& settings, const TableName& table);

// Throws config naming the first schema, table or column whose name does not fit.
void check_names(const Settings& settings, const TableSchema& table);

// A constraint's name in the target: as it is, or cut with a number of its own where it does not fit.
std::string constraint_name(std::string_view name);

}  // namespace tailrace::postgres
