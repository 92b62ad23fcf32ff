// Anti-joins over what the transaction wrote.
#include "postgres/offenders.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "postgres/dead_letter.h"

namespace tailrace::postgres {
namespace {

// Rows of this transaction and its savepoints: their transaction ids are not older than its own.
constexpr const char* written_now = "pg_catalog.age(t.xmin) <= 0";

const TablePlan* plan_of(const std::vector<PlanPtr>& plans, std::string_view target) {
  for (const PlanPtr& plan : plans) {
    if (plan->target.str() == target) return plan.get();
  }
  return nullptr;
}

std::string column_of(const TablePlan& plan, std::size_t column, std::string_view alias) {
  return fmt::format("{}.{}", alias, quote_name(plan.schema->columns[column].name));
}

std::string key_list(const TablePlan& plan, std::string_view alias) {
  std::string out;
  for (const std::size_t column : plan.schema->key)
    out += (out.empty() ? "" : ", ") + column_of(plan, column, alias);
  return out;
}

// Rows of key columns, in key order and binary, as offenders.
void take_keys(const Result& rows, const TablePlan& plan, std::vector<Offender>& out) {
  for (int row = 0; row < rows.rows(); ++row)
    out.emplace_back(plan.schema->name, identity_of(plan, rows, row));
}

struct Constraint {
  char kind = 0;
  std::string id;     // Its oid.
  std::string index;  // Its index's oid; 0: none.
};

std::optional<Constraint> read_constraint(Connection& connection, const TablePlan& plan,
                                          std::string_view name) {
  const Result found = connection.query(
      "SELECT contype, oid, conindid FROM pg_constraint WHERE conrelid = $1::regclass AND conname = $2",
      Params().text(plan.target.quoted()).text(std::string(name)));
  if (found.rows() != 1) return std::nullopt;
  return Constraint{found.text(0, 0).front(), std::string(found.text(0, 1)), std::string(found.text(0, 2))};
}

struct UniqueIndex {
  std::string values;     // Its columns and expressions.
  std::string condition;  // Of the rows that it compares.
};

// Nothing where it compares by other than equality.
std::optional<UniqueIndex> read_unique_index(Connection& connection, const Constraint& constraint) {
  const Result index = connection.query(
      "SELECT string_agg(pg_get_indexdef($1::oid, n, true), ', ' ORDER BY n),"
      "       string_agg('(' || pg_get_indexdef($1::oid, n, true) || ') IS NOT NULL', ' AND ' ORDER BY n),"
      "       max(pg_get_expr(x.indpred, x.indrelid)), bool_or(x.indnullsnotdistinct),"
      "       bool_and(k.conexclop IS NULL OR (SELECT bool_and(o.oprname = '=') FROM pg_operator o"
      "                                         WHERE o.oid = ANY (k.conexclop)))"
      "  FROM pg_index x JOIN pg_constraint k ON k.conindid = x.indexrelid AND k.oid = $2::oid,"
      "       generate_series(1, x.indnkeyatts) AS n WHERE x.indexrelid = $1::oid",
      Params().text(constraint.index).text(constraint.id));
  if (index.rows() != 1 || index.is_null(0, 0) || !index.boolean(0, 4)) return std::nullopt;
  UniqueIndex out{std::string(index.text(0, 0)), "true"};
  if (!index.is_null(0, 2)) out.condition += fmt::format(" AND ({})", index.text(0, 2));
  if (!index.boolean(0, 3)) out.condition += fmt::format(" AND {}", index.text(0, 1));
  return out;
}

// The key as literals of SQL.
std::string key_literals(const TablePlan& plan) {
  std::string out;
  for (const std::size_t column : plan.schema->key)
    out += fmt::format("{}quote_literal({}::text) || '::{}'", out.empty() ? "" : " || ', ' || ",
                       column_of(plan, column, "t"), plan.encoders[column].target().sql());
  return out;
}

// Key -> what it had under the index before this transaction.
std::map<std::string, std::string, std::less<>> values_before(Connection& committed, const TablePlan& plan,
                                                              const UniqueIndex& index,
                                                              const std::string& keys) {
  std::map<std::string, std::string, std::less<>> out;
  const Result rows = committed.query(
      fmt::format("SELECT {}, ROW({})::text FROM {} AS t WHERE ({}) IN (VALUES {})", key_literals(plan),
                  index.values, plan.target.quoted(), key_list(plan, "t"), keys),
      {});
  for (int row = 0; row < rows.rows(); ++row)
    out.emplace(rows.text(row, 0), rows.text(row, 1));
  return out;
}

// Of the rows that are equal under the index one may stay: one that was so before, else the first by key.
void find_duplicates(Connection& connection, const std::function<Connection&()>& committed,
                     const TablePlan& plan, const Constraint& constraint, std::vector<Offender>& out) {
  const std::optional<UniqueIndex> index = read_unique_index(connection, constraint);
  if (!index) return;
  const std::string keys = key_list(plan, "t");
  const Result rows = connection.query(
      fmt::format("SELECT {}, tailrace_keep, tailrace_group, tailrace_value, tailrace_key FROM"
                  " (SELECT t.*, {} AS tailrace_ours, count(*) OVER same AS tailrace_count,"
                  "         bool_or(NOT {}) OVER same AS tailrace_keep, dense_rank() OVER (ORDER BY {}) AS "
                  "tailrace_group,"
                  "         ROW({})::text AS tailrace_value, {} AS tailrace_key"
                  "    FROM {} AS t WHERE {} WINDOW same AS (PARTITION BY {})) AS t"
                  " WHERE tailrace_ours AND tailrace_count > 1 ORDER BY tailrace_group, {}",
                  keys, written_now, written_now, index->values, index->values, key_literals(plan),
                  plan.target.quoted(), index->condition, index->values, keys),
      {}, /*binary_results=*/true);
  const auto column = static_cast<int>(plan.schema->key.size());
  std::string literals;
  for (int row = 0; row < rows.rows(); ++row)
    literals += fmt::format("{}({})", literals.empty() ? "" : ", ", rows.text(row, column + 3));
  if (literals.empty()) return;
  const auto before = values_before(committed(), plan, *index, literals);
  for (int first = 0, end = 0; first < rows.rows(); first = end) {
    // A row that nobody touched now has what they want.
    const bool is_taken = rows.text(first, column).front() != '\0';
    int kept = is_taken ? -1 : first;
    for (end = first; end < rows.rows() && rows.text(end, column + 1) == rows.text(first, column + 1);
         ++end) {
      const auto found = before.find(rows.text(end, column + 3));
      if (!is_taken && found != before.end() && found->second == rows.text(end, column + 2)) kept = end;
    }
    for (int row = first; row < end; ++row) {
      if (row != kept) out.emplace_back(plan.schema->name, identity_of(plan, rows, row));
    }
  }
}

struct ForeignColumns {
  std::string parent;                                      // Target table.
  std::string match;                                       // p.x = t.a AND ...
  std::string known;                                       // t.a IS NOT NULL AND ...
  std::vector<std::pair<std::string, std::string>> pairs;  // Column of the parent, and of the child.
};

ForeignColumns read_foreign_key(Connection& connection, const Constraint& constraint) {
  ForeignColumns out;
  const Result rows = connection.query(
      "SELECT n.nspname || '.' || r.relname, p.attname, c.attname"
      "  FROM pg_constraint k JOIN pg_class r ON r.oid = k.confrelid"
      "  JOIN pg_namespace n ON n.oid = r.relnamespace,"
      "       unnest(k.conkey, k.confkey) WITH ORDINALITY AS u(child, parent, place)"
      "  JOIN LATERAL (SELECT attname FROM pg_attribute a, pg_constraint q WHERE q.oid = $1::oid"
      "                   AND a.attrelid = q.confrelid AND a.attnum = u.parent) p ON true"
      "  JOIN LATERAL (SELECT attname FROM pg_attribute a, pg_constraint q WHERE q.oid = $1::oid"
      "                   AND a.attrelid = q.conrelid AND a.attnum = u.child) c ON true"
      " WHERE k.oid = $1::oid ORDER BY u.place",
      Params().text(constraint.id));
  for (int row = 0; row < rows.rows(); ++row) {
    out.parent = std::string(rows.text(row, 0));
    const std::string parent = quote_name(rows.text(row, 1));
    const std::string child = quote_name(rows.text(row, 2));
    out.match += fmt::format("{}p.{} = t.{}", out.match.empty() ? "" : " AND ", parent, child);
    out.known += fmt::format("{}t.{} IS NOT NULL", out.known.empty() ? "" : " AND ", child);
    out.pairs.emplace_back(std::string(rows.text(row, 1)), std::string(rows.text(row, 2)));
  }
  return out;
}

// The parents that children of earlier commit points still need, where the foreign key is the parent's key.
void find_missed_parents(Connection& connection, const TablePlan& child, const TablePlan& parent,
                         const ForeignColumns& columns, const std::string& orphans,
                         std::vector<Offender>& out) {
  std::string list;
  for (const std::size_t key : parent.schema->key) {
    const std::string& name = parent.schema->columns[key].name;
    const auto pair = std::find_if(columns.pairs.begin(), columns.pairs.end(),
                                   [&](const auto& each) { return each.first == name; });
    if (pair == columns.pairs.end()) return;
    list += fmt::format("{}t.{}::{}", list.empty() ? "" : ", ", quote_name(pair->second),
                        parent.encoders[key].target().sql());
  }
  take_keys(connection.query(fmt::format("SELECT DISTINCT {} FROM {} AS t WHERE {} AND NOT ({})", list,
                                         child.target.quoted(), orphans, written_now),
                             {}, /*binary_results=*/true),
            parent, out);
}

void find_orphans(Connection& connection, const TablePlan& child, const Constraint& constraint,
                  const std::vector<PlanPtr>& plans, std::vector<Offender>& out) {
  const ForeignColumns columns = read_foreign_key(connection, constraint);
  const TablePlan* const parent = plan_of(plans, columns.parent);
  if (columns.pairs.empty() || parent == nullptr) return;
  const std::string orphans = fmt::format("{} AND NOT EXISTS (SELECT FROM {} AS p WHERE {})", columns.known,
                                          parent->target.quoted(), columns.match);
  take_keys(connection.query(fmt::format("SELECT {} FROM {} AS t WHERE {} AND {}", key_list(child, "t"),
                                         child.target.quoted(), orphans, written_now),
                             {}, /*binary_results=*/true),
            child, out);
  find_missed_parents(connection, child, *parent, columns, orphans, out);
}

}  // namespace

std::vector<Offender> find_offenders(Connection& connection, const std::function<Connection&()>& committed,
                                     const Error& broken, const std::vector<PlanPtr>& plans) {
  std::vector<Offender> out;
  const TablePlan* const plan = plan_of(plans, broken.context("target_table"));
  if (plan == nullptr) return out;
  const std::optional<Constraint> constraint =
      read_constraint(connection, *plan, broken.context("constraint"));
  if (!constraint) return out;
  if (constraint->kind == 'f') {
    find_orphans(connection, *plan, *constraint, plans, out);
  } else if (constraint->index != "0") {
    find_duplicates(connection, committed, *plan, *constraint, out);
  }
  return out;
}

}  // namespace tailrace::postgres
