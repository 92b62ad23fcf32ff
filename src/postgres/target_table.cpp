// Reading a target table's shape from the catalog, and comparing it.
#include "postgres/target_table.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace tailrace::postgres {
namespace {

TargetColumn column_of(const Result& rows, int at) {
  TargetColumn column;
  column.name = std::string(rows.text(at, 0));
  column.type.oid = static_cast<std::uint32_t>(rows.integer(at, 1));
  column.type.modifier = static_cast<std::int32_t>(rows.integer(at, 2));
  column.type_sql = std::string(rows.text(at, 3));
  column.not_null = rows.boolean(at, 4);
  column.generated = rows.text(at, 5) != "";
  column.identity_always = rows.text(at, 6) == "a";
  column.deterministic = rows.boolean(at, 7);
  return column;
}

std::string joined(const std::vector<std::string>& parts, std::string_view between) {
  std::string out;
  for (const std::string& part : parts) {
    if (!out.empty()) out += between;
    out += part;
  }
  return out;
}

void compare_column(const Column& column, bool is_key, const TargetTable& target, const Settings& settings,
                    std::vector<std::string>& out) {
  const TargetColumn* const found = target.find(column.name);
  const std::string wanted = created_type(column.type, settings).sql();
  if (found == nullptr) {
    out.push_back(fmt::format("column {}: missing, expected {}", column.name, wanted));
    return;
  }
  if (found->generated) out.push_back(fmt::format("column {}: is generated in the target", column.name));
  if (!takes(found->type, column.type))
    out.push_back(fmt::format("column {}: is {}, expected {} for {}", column.name, found->type_sql, wanted,
                              column.type.sql_name()));
  if (found->not_null && column.nullable)
    out.push_back(fmt::format("column {}: is NOT NULL, the source allows NULL", column.name));
  if (is_key && !found->deterministic)
    out.push_back(fmt::format("column {}: a nondeterministic collation in the key makes two source keys one",
                              column.name));
}

}  // namespace

const TargetColumn* TargetTable::find(std::string_view name) const {
  const auto found = std::find_if(columns.begin(), columns.end(),
                                  [name](const TargetColumn& column) { return column.name == name; });
  return found == columns.end() ? nullptr : &*found;
}

TargetTable read_target(Connection& connection, const RelationName& name) {
  TargetTable table;
  const Result relation = connection.query(
      "SELECT c.oid, c.relkind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
      " WHERE n.nspname = $1 AND c.relname = $2",
      Params().text(name.schema).text(name.name));
  if (relation.rows() == 0) return table;
  table.oid = static_cast<std::uint32_t>(relation.integer(0, 0));
  table.kind = relation.text(0, 1).front();
  const Result columns = connection.query(
      "SELECT a.attname, a.atttypid, a.atttypmod, format_type(a.atttypid, a.atttypmod), a.attnotnull,"
      "       a.attgenerated, a.attidentity, coalesce(l.collisdeterministic, true)"
      "  FROM pg_attribute a LEFT JOIN pg_collation l ON l.oid = a.attcollation"
      " WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
      Params().integer(table.oid));
  for (int row = 0; row < columns.rows(); ++row)
    table.columns.push_back(column_of(columns, row));
  const Result key = connection.query(
      "SELECT a.attname FROM pg_constraint k, unnest(k.conkey) WITH ORDINALITY AS u(attnum, place)"
      "  JOIN pg_attribute a ON a.attnum = u.attnum"
      " WHERE k.conrelid = $1 AND a.attrelid = $1 AND k.contype = 'p' ORDER BY u.place",
      Params().integer(table.oid));
  for (int row = 0; row < key.rows(); ++row)
    table.key.emplace_back(key.text(row, 0));
  return table;
}

bool has_rows(Connection& connection, const RelationName& name) {
  return connection.exec("SELECT EXISTS (SELECT FROM " + name.quoted() + ")").boolean(0, 0);
}

std::vector<std::string> differences(const TableSchema& table, const TargetTable& target,
                                     const Settings& settings) {
  std::vector<std::string> out;
  if (target.kind != 'r' && target.kind != 'p') {
    out.emplace_back("it is not a table");
    return out;
  }
  for (std::size_t i = 0; i < table.columns.size(); ++i)
    compare_column(table.columns[i], table.is_key(i), target, settings, out);
  for (const TargetColumn& column : target.columns) {
    if (!column.generated && !table.find_column(column.name))
      out.push_back(fmt::format("column {}: {} exists in the target alone", column.name, column.type_sql));
  }
  std::vector<std::string> key;
  for (const std::size_t column : table.key)
    key.push_back(table.columns[column].name);
  if (!target.key.empty() &&
      !std::is_permutation(key.begin(), key.end(), target.key.begin(), target.key.end()))
    out.push_back(
        fmt::format("primary key: is ({}), expected ({})", joined(target.key, ", "), joined(key, ", ")));
  return out;
}

void check_shape(const TableSchema& table, const RelationName& name, const TargetTable& target,
                 const Settings& settings) {
  const std::vector<std::string> found = differences(table, target, settings);
  if (found.empty()) return;
  throw Error(ErrorKind::config,
              fmt::format("target table {} is of another shape: {}", name.str(), joined(found, "; ")))
      .with("table", table.name.str())
      .with("remedy",
            "rename or drop the target table, or alter it; `tailrace schema` shows what is expected");
}

}  // namespace tailrace::postgres
