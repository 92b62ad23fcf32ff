// Shadow tables.
#include "postgres/shadow.h"

#include <fmt/format.h>

#include "base/error.h"

namespace tailrace::postgres {
namespace {

std::string columns_of(const TableSchema& table, std::string_view alias) {
  std::string out;
  for (const Column& column : table.columns)
    out += fmt::format("{}{}.{}", out.empty() ? "" : ", ", alias, quote_name(column.name));
  return out;
}

std::string key_match(const TableSchema& table) {
  std::string out;
  for (const std::size_t column : table.key) {
    const std::string name = quote_name(table.columns[column].name);
    out += fmt::format("{0}t.{1} = s.{1}", out.empty() ? "" : " AND ", name);
  }
  return out;
}

// Keys that are equal may have other bytes (citext, -0, 1.0 and 1.00); integers may not, and some are identities, which
// cannot be set.
bool may_differ(const TablePlan& plan, std::size_t column) {
  const std::uint32_t oid = plan.encoders[column].target().oid;
  return !plan.schema->is_key(column) || (oid != oid_int2 && oid != oid_int4 && oid != oid_int8);
}

std::string settings_of_columns(const TablePlan& plan) {
  const TableSchema& table = *plan.schema;
  std::string out;
  for (std::size_t column = 0; column < table.columns.size(); ++column) {
    if (!may_differ(plan, column)) continue;
    out += fmt::format("{0}{1} = s.{1}", out.empty() ? "" : ", ", quote_name(table.columns[column].name));
  }
  return out;
}

}  // namespace

std::string create_shadow(Connection& connection, const TableSchema& table, const RelationName& target) {
  const std::string name =
      fmt::format("shadow_{}", connection.exec("SELECT nextval('tailrace.shadow_number')").integer(0, 0));
  connection.exec(fmt::format("CREATE TABLE {} AS SELECT {} FROM {} AS t WITH NO DATA",
                              RelationName{"tailrace", name}.quoted(), columns_of(table, "t"),
                              target.quoted()));
  return name;
}

ComparedRows join_shadow(Connection& connection, const TablePlan& plan) {
  TAILRACE_ASSERT(plan.shadow());
  const TableSchema& table = *plan.schema;
  const std::string target = plan.target.quoted();
  const std::string shadow = plan.relation.quoted();
  const std::string match = key_match(table);
  connection.exec("ANALYZE " + shadow);
  ComparedRows rows;
  const std::string others =
      fmt::format("FROM {} AS t WHERE NOT EXISTS (SELECT FROM {} AS s WHERE {})", target, shadow, match);
  if (plan.keeps_rows)
    rows.kept = static_cast<std::uint64_t>(connection.exec("SELECT count(*) " + others).integer(0, 0));
  else
    rows.deleted = connection.exec("DELETE " + others).affected();
  // An index that is checked at once refuses what rows exchange: those that differ leave first (R9c).
  if (plan.immediate)
    rows.updated =
        connection
            .exec(fmt::format("DELETE FROM {} AS t USING {} AS s WHERE {} AND "
                              "record_image_ne(ROW({}), ROW({}))",
                              target, shadow, match, columns_of(table, "t"), columns_of(table, "s")))
            .affected();
  // Compares the stored bytes: -0 and 0 are equal to <> and yet different rows.
  if (const std::string set = settings_of_columns(plan); !set.empty() && !plan.immediate)
    rows.updated =
        connection
            .exec(fmt::format(
                "UPDATE {} AS t SET {} FROM {} AS s WHERE {} AND record_image_ne(ROW({}), ROW({}))", target,
                set, shadow, match, columns_of(table, "t"), columns_of(table, "s")))
            .affected();
  rows.inserted =
      connection
          .exec(fmt::format("INSERT INTO {} ({}) {}SELECT {} FROM {} AS s"
                            " WHERE NOT EXISTS (SELECT FROM {} AS t WHERE {})",
                            target, plan.columns, plan.overriding ? "OVERRIDING SYSTEM VALUE " : "",
                            columns_of(table, "s"), shadow, target, match))
          .affected() -
      (plan.immediate ? rows.updated : 0);
  return rows;
}

void drop_shadow(Connection& connection, const RelationName& shadow) {
  connection.exec("DROP TABLE " + shadow.quoted());
}

}  // namespace tailrace::postgres
