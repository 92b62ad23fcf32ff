// The table of system views as it is written down (system_relations_table.cpp).
#pragma once

#include <span>
#include <string_view>

#include "sim/catalog/system_relations.h"

namespace tailrace::sim {

// One line of `columns`: name type[?] expression. A '?' says that it may be NULL. Views without `from` are
// virtual tables, their lines have no expression.
struct SystemSource {
  std::string_view database;
  std::string_view schema;
  std::string_view name;
  SystemScope scope;
  SystemRight right;
  std::string_view columns;
  std::string_view from;
};

std::span<const SystemSource> system_sources();

}  // namespace tailrace::sim
