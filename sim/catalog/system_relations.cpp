// System views by name, and the views of SQLite that answer for them.
#include "sim/catalog/system_relations.h"

#include <fmt/format.h>

#include <string>

#include "base/error.h"
#include "sim/catalog/catalog_internal.h"
#include "sim/catalog/system_relations_internal.h"
#include "sim/catalog/type_facts.h"
#include "sim/storage/collation.h"
#include "sim/storage/connection.h"

namespace tailrace::sim {
namespace {

constexpr std::int32_t first_grantable_id = 1'900'000'000;  // Above the ids of tables.

std::string_view next_word(std::string_view& text) {
  const std::size_t end = text.find(' ');
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return word;
}

struct ParsedColumn {
  SystemColumn column;
  std::string_view expression;
};

std::vector<ParsedColumn> parse_columns(std::string_view text) {
  std::vector<ParsedColumn> columns;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 1);
    ParsedColumn parsed;
    parsed.column.name = next_word(line);
    std::string_view type = next_word(line);
    parsed.column.nullable = type.ends_with('?');
    if (parsed.column.nullable) type.remove_suffix(1);
    const std::optional<TypeInfo> known = parse_type(type);
    TAILRACE_ASSERT(known);
    parsed.column.type = *known;
    parsed.expression = line;
    columns.push_back(parsed);
  }
  return columns;
}

struct Relations {
  std::vector<std::string> names;  // What the views of stored_name point to.
  std::vector<SystemRelation> all;
};

const Relations& relations() {
  static const Relations made = [] {
    Relations out;
    out.names.reserve(system_sources().size());
    for (const SystemSource& source : system_sources()) {
      const std::string_view first = source.database.empty() ? source.schema : source.database;
      out.names.push_back(fold_text(first) + "_" + fold_text(source.name));
      SystemRelation relation{source.database, source.schema, source.name, out.names.back(),
                              source.scope,    source.right,  {}};
      for (const ParsedColumn& column : parse_columns(source.columns))
        relation.columns.push_back(column.column);
      out.all.push_back(std::move(relation));
    }
    return out;
  }();
  return made;
}

}  // namespace

std::span<const SystemRelation> system_relations() {
  return relations().all;
}

const SystemRelation* find_system_relation(std::string_view database, std::string_view schema,
                                           std::string_view name, CollationKind names) {
  for (const SystemRelation& relation : relations().all) {
    if (!same_name(names, relation.name, name) || !same_name(names, relation.schema, schema)) continue;
    if (relation.database.empty() || same_name(relation.database, database)) return &relation;
  }
  return nullptr;
}

std::optional<std::int32_t> grantable_id(const SystemRelation& relation) {
  if (relation.right != SystemRight::msdb_select) return {};
  return first_grantable_id + static_cast<std::int32_t>(&relation - relations().all.data());
}

void create_system_views(Connection& connection) {
  create_types(connection);
  for (std::size_t i = 0; i < system_sources().size(); ++i) {
    const SystemSource& source = system_sources()[i];
    if (source.from.empty()) continue;
    std::string sql = fmt::format("CREATE VIEW {} AS SELECT ", relations().all[i].stored_name);
    bool first = true;
    for (const ParsedColumn& column : parse_columns(source.columns)) {
      sql += fmt::format("{}{} AS \"{}\"", first ? "" : ", ", column.expression, column.column.name);
      first = false;
    }
    connection.execute(sql + " FROM " + std::string(source.from));
  }
}

}  // namespace tailrace::sim
