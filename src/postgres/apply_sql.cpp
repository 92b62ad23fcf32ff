// Apply statements. Parameter columns are called c0, c1 ... after their place in the schema, presence m0 ...
#include "postgres/apply_sql.h"

#include <fmt/format.h>

namespace tailrace::postgres {
namespace {

struct Source {
  std::string parameters;  // $1, $2 ...
  std::string names;       // c0, c1 ...
  std::vector<std::uint32_t> types;
};

void add(Source& source, char prefix, std::size_t column, const PgType& element) {
  source.types.push_back(element.array_oid());
  const char* const comma = source.names.empty() ? "" : ", ";
  source.parameters += fmt::format("{}${}", comma, source.types.size());
  source.names += fmt::format("{}{}{}", comma, prefix, column);
}

Source keys(const TablePlan& plan) {
  Source source;
  for (const std::size_t column : plan.schema->key)
    add(source, 'c', column, plan.encoders[column].target());
  return source;
}

Source columns(const TablePlan& plan) {
  Source source;
  for (std::size_t column = 0; column < plan.encoders.size(); ++column)
    add(source, 'c', column, plan.encoders[column].target());
  return source;
}

std::string name_of(const TablePlan& plan, std::size_t column) {
  return quote_name(plan.schema->columns[column].name);
}

std::string key_match(const TablePlan& plan) {
  std::string out;
  for (const std::size_t column : plan.schema->key)
    out += fmt::format("{}t.{} = s.c{}", out.empty() ? "" : " AND ", name_of(plan, column), column);
  return plan.only.empty() ? out : out + " AND " + plan.only;
}

std::string key_list(const TablePlan& plan) {
  std::string out;
  for (const std::size_t column : plan.schema->key)
    out += (out.empty() ? "" : ", ") + name_of(plan, column);
  return out;
}

std::string with_ordinality(const Source& source) {
  return fmt::format("unnest({}) WITH ORDINALITY AS s({}, n)", source.parameters, source.names);
}

}  // namespace

ApplySql delete_sql(const TablePlan& plan) {
  Source source = keys(plan);
  return {fmt::format("DELETE FROM {} AS t USING {} WHERE {} RETURNING s.n", plan.relation.quoted(),
                      with_ordinality(source), key_match(plan)),
          std::move(source.types)};
}

ApplySql update_sql(const TablePlan& plan, const std::vector<bool>& absent, bool ordinals) {
  Source source = columns(plan);
  std::string set;
  for (std::size_t column = 0; column < plan.encoders.size(); ++column) {
    if (plan.schema->is_key(column)) continue;
    const std::string name = name_of(plan, column);
    if (absent[column]) add(source, 'm', column, PgType{oid_bool});
    set += fmt::format("{}{} = ", set.empty() ? "" : ", ", name);
    set += absent[column] ? fmt::format("CASE WHEN s.m{0} THEN s.c{0} ELSE t.{1} END", column, name)
                          : fmt::format("s.c{}", column);
  }
  // A table of key columns alone has nothing to set; the row must be there all the same.
  if (set.empty()) set = fmt::format("{} = s.c{}", name_of(plan, plan.schema->key[0]), plan.schema->key[0]);
  return {fmt::format("UPDATE {} AS t SET {} FROM {} WHERE {}{}", plan.relation.quoted(), set,
                      with_ordinality(source), key_match(plan), ordinals ? " RETURNING s.n" : ""),
          std::move(source.types)};
}

std::string upsert_clause(const TablePlan& plan) {
  std::string set;
  for (std::size_t column = 0; column < plan.encoders.size(); ++column) {
    if (plan.schema->is_key(column)) continue;
    set += fmt::format("{0}{1} = EXCLUDED.{1}", set.empty() ? "" : ", ", name_of(plan, column));
  }
  return fmt::format(" ON CONFLICT ({}) DO {}", key_list(plan),
                     set.empty() ? "NOTHING" : "UPDATE SET " + set);
}

ApplySql insert_sql(const TablePlan& plan, bool upsert) {
  Source source = columns(plan);
  std::string sql =
      fmt::format("INSERT INTO {} ({}) {}SELECT {} FROM unnest({}) AS s({})", plan.relation.quoted(),
                  plan.columns, plan.overriding && !plan.shadow() ? "OVERRIDING SYSTEM VALUE " : "",
                  source.names, source.parameters, source.names);
  if (upsert) sql += upsert_clause(plan);
  return {std::move(sql), std::move(source.types)};
}

ApplySql insert_waiting_sql(const TablePlan& plan) {
  Source source = columns(plan);
  return {fmt::format("INSERT INTO {} ({}, tailrace_waits) SELECT {}, true FROM unnest({}) AS s({})",
                      plan.relation.quoted(), plan.columns, source.names, source.parameters, source.names),
          std::move(source.types)};
}

std::string copy_sql(const TablePlan& plan) {
  return fmt::format("COPY {} ({}) FROM STDIN (FORMAT binary)", plan.relation.quoted(), plan.columns);
}

ApplySql move_sql(const TablePlan& from, const TablePlan& to) {
  Source source = keys(from);
  std::string list;
  for (std::size_t column = 0; column < from.encoders.size(); ++column)
    list += fmt::format("{}t.{}", list.empty() ? "" : ", ", name_of(from, column));
  return {fmt::format("WITH moved AS (DELETE FROM {} AS t USING {} WHERE {} RETURNING {})"
                      " INSERT INTO {} ({}) SELECT * FROM moved",
                      from.relation.quoted(), with_ordinality(source), key_match(from), list,
                      to.relation.quoted(), to.columns),
          std::move(source.types)};
}

ApplySql select_sql(const TablePlan& plan) {
  Source source = keys(plan);
  std::string list;
  for (std::size_t column = 0; column < plan.encoders.size(); ++column)
    list += fmt::format(", t.{}", name_of(plan, column));
  return {fmt::format("SELECT s.n{} FROM {} JOIN {} AS t ON {}", list, with_ordinality(source),
                      plan.relation.quoted(), key_match(plan)),
          std::move(source.types)};
}

ApplySql first_missing_sql(const TablePlan& plan) {
  Source source = keys(plan);
  return {
      fmt::format("SELECT s.n FROM {} WHERE NOT EXISTS (SELECT FROM {} AS t WHERE {}) ORDER BY s.n LIMIT 1",
                  with_ordinality(source), plan.relation.quoted(), key_match(plan)),
      std::move(source.types)};
}

}  // namespace tailrace::postgres
