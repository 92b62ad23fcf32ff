// Reading targets from the catalog: any number of tables by the same few statements.
#include <map>
#include <string>
#include <utility>

#include "postgres/target_table.h"

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
  if (const std::string_view postgis = rows.text(at, 8); !postgis.empty()) {
    column.type.server_oid = column.type.oid;
    column.type.server_array_oid = static_cast<std::uint32_t>(rows.integer(at, 9));
    column.type.oid = postgis == "geometry" ? oid_geometry : oid_geography;
  }
  return column;
}

constexpr int at_may_copy = 10;
constexpr int at_relation = 11;

const std::string select_columns =
    "SELECT a.attname, a.atttypid, a.atttypmod, format_type(a.atttypid, a.atttypmod), a.attnotnull,"
    "       a.attgenerated, a.attidentity, coalesce(l.collisdeterministic, true),"
    "       CASE WHEN e.oid IS NOT NULL THEN y.typname ELSE '' END, y.typarray,"
    "       c.relkind IN ('r', 'p') AND NOT c.relhasrules AND NOT c.relrowsecurity, c.oid"
    "  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid JOIN pg_type y ON y.oid = a.atttypid"
    "  LEFT JOIN pg_collation l ON l.oid = a.attcollation"
    "  LEFT JOIN pg_depend d ON y.typname IN ('geometry', 'geography') AND d.classid = 'pg_type'::regclass"
    "   AND d.objid = y.oid AND d.deptype = 'e'"
    "  LEFT JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'postgis'"
    " WHERE a.attnum > 0 AND NOT a.attisdropped AND ";
const std::string one_columns_sql = select_columns + "c.oid = $1 ORDER BY a.attnum";
const std::string all_columns_sql = select_columns + "c.oid = ANY ($1::oid[]) ORDER BY c.oid, a.attnum";

// Fills in what is known of the tables that exist, by their oids.
class Reading {
 public:
  Reading(Connection& connection, TargetFactsByName& facts) : connection_(connection), facts_(facts) {}

  void relations() {
    std::vector<std::string> schemas;
    std::vector<std::string> names;
    std::vector<std::pair<const RelationName, TargetFacts>*> asked;
    for (auto& each : facts_) {
      schemas.push_back(each.first.schema);
      names.push_back(each.first.name);
      asked.push_back(&each);
    }
    const Result rows = connection_.query_again(
        "SELECT w.place, c.oid, c.relkind, c.relpersistence = 'u'"
        "  FROM unnest($1::name[], $2::name[]) WITH ORDINALITY AS w(schema, name, place)"
        "  JOIN pg_namespace n ON n.nspname = w.schema"
        "  JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = w.name",
        Params().texts(schemas).texts(names));
    for (int row = 0; row < rows.rows(); ++row) {
      auto& [name, facts] = *asked.at(static_cast<std::size_t>(rows.integer(row, 0)) - 1);
      TargetTable& table = facts.table;
      table.oid = static_cast<std::uint32_t>(rows.integer(row, 1));
      table.kind = rows.text(row, 2).front();
      table.unlogged = rows.boolean(row, 3);
      by_oid_[table.oid] = &facts;
      oids_.push_back(std::to_string(table.oid));
      quoted_.push_back(name.quoted());
      if (table.kind == 'p') partitioned_.push_back(oids_.back());
    }
  }

  bool has_tables() const { return !oids_.empty(); }

  void columns() {
    const Result rows = connection_.query_again(all_columns_sql.c_str(), Params().texts(oids_));
    for (int row = 0; row < rows.rows(); ++row)
      of(rows, row, at_relation).table.columns.push_back(column_of(rows, row));
  }

  void keys() {
    const Result rows = connection_.query_again(
        "SELECT k.conrelid, a.attname, k.conname"
        "  FROM pg_constraint k CROSS JOIN LATERAL unnest(k.conkey) WITH ORDINALITY AS u(attnum, place)"
        "  JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.attnum"
        " WHERE k.conrelid = ANY ($1::oid[]) AND k.contype = 'p' ORDER BY k.conrelid, u.place",
        Params().texts(oids_));
    for (int row = 0; row < rows.rows(); ++row) {
      TargetTable& table = of(rows, row, 0).table;
      table.key.emplace_back(rows.text(row, 1));
      table.key_name = std::string(rows.text(row, 2));
    }
  }

  void partitioning() {
    if (partitioned_.empty()) return;
    const Result rows = connection_.query_again(
        "SELECT p.partrelid, p.partdefid <> 0 OR p.partstrat = 'h', coalesce(a.attname, '')"
        "  FROM pg_partitioned_table p"
        "  CROSS JOIN LATERAL unnest(p.partattrs) WITH ORDINALITY AS u(attnum, place)"
        "  LEFT JOIN pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = u.attnum AND u.attnum <> 0"
        " WHERE p.partrelid = ANY ($1::oid[]) ORDER BY p.partrelid, u.place",
        Params().texts(partitioned_));
    for (int row = 0; row < rows.rows(); ++row) {
      TargetTable& table = of(rows, row, 0).table;
      table.has_default_partition = rows.boolean(row, 1);
      table.partition_key.emplace_back(rows.text(row, 2));
    }
  }

  void immediate_indexes() {
    const Result rows = connection_.query_again(
        "SELECT x.indrelid, i.relname FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid"
        "  LEFT JOIN pg_constraint k ON k.conrelid = x.indrelid AND k.conindid = i.oid"
        "   AND k.contype IN ('u', 'x')"
        " WHERE x.indrelid = ANY ($1::oid[]) AND NOT x.indisprimary AND (x.indisunique OR x.indisexclusion)"
        "   AND NOT coalesce(k.condeferrable AND k.condeferred, false) ORDER BY x.indrelid, i.relname",
        Params().texts(oids_));
    for (int row = 0; row < rows.rows(); ++row)
      of(rows, row, 0).immediate_indexes.emplace_back(rows.text(row, 1));
  }

  void meddlers() {
    const Result rows = connection_.query_again(
        "WITH w AS MATERIALIZED (SELECT * FROM unnest($1::oid[], $2::text[]) AS u(oid, quoted))"
        " SELECT w.oid, 'trigger' AS kind, g.tgname, 'a trigger acts on every replicated row',"
        "       format('ALTER TABLE %s DISABLE TRIGGER %I;', w.quoted, g.tgname), 1 AS place"
        "  FROM w JOIN pg_trigger g ON g.tgrelid = w.oid"
        " WHERE NOT g.tgisinternal AND g.tgenabled IN ('O', 'A')"
        " UNION ALL SELECT w.oid, 'rule', r.rulename, 'a rule rewrites replicated changes',"
        "       format('ALTER TABLE %s DISABLE RULE %I;', w.quoted, r.rulename), 2"
        "  FROM w JOIN pg_rewrite r ON r.ev_class = w.oid"
        " WHERE r.rulename <> '_RETURN' AND r.ev_enabled IN ('O', 'A')"
        " UNION ALL SELECT w.oid, 'row_security', c.relname, 'row security can hide rows from tailrace',"
        "       format('ALTER TABLE %s DISABLE ROW LEVEL SECURITY;', w.quoted), 3"
        "  FROM w JOIN pg_class c ON c.oid = w.oid"
        " WHERE c.relrowsecurity AND (c.relforcerowsecurity OR NOT pg_has_role(c.relowner, 'USAGE'))"
        " UNION ALL SELECT f.target, 'foreign_key', f.conname,"
        "       'a foreign key that is not NO ACTION DEFERRABLE INITIALLY DEFERRED acts in the middle of a "
        "transaction',"
        "       CASE WHEN f.confdeltype = 'a' AND f.confupdtype = 'a'"
        "            THEN format('ALTER TABLE %s ALTER CONSTRAINT %I DEFERRABLE INITIALLY DEFERRED;',"
        "                        f.conrelid::regclass, f.conname)"
        "            ELSE format('ALTER TABLE %s DROP CONSTRAINT %I;', f.conrelid::regclass, f.conname) END, "
        "4"
        // By either side: only the child's has an index, the parents' are looked for in one pass.
        "  FROM (SELECT w.oid AS target, k.* FROM w JOIN pg_constraint k ON k.conrelid = w.oid AND k.contype "
        "= 'f'"
        "        UNION ALL SELECT w.oid, k.* FROM w JOIN pg_constraint k ON k.confrelid = w.oid"
        "         AND k.contype = 'f' AND k.conrelid <> w.oid) AS f"
        " WHERE NOT (f.condeferrable AND f.condeferred AND f.confdeltype = 'a' AND f.confupdtype = 'a')"
        " ORDER BY place, 3",
        Params().texts(oids_).texts(quoted_));
    for (int row = 0; row < rows.rows(); ++row)
      of(rows, row, 0)
          .meddlers.push_back({std::string(rows.text(row, 1)), std::string(rows.text(row, 2)),
                               std::string(rows.text(row, 3)), std::string(rows.text(row, 4))});
  }

 private:
  TargetFacts& of(const Result& rows, int row, int column) {
    return *by_oid_.at(static_cast<std::uint32_t>(rows.integer(row, column)));
  }

  Connection& connection_;
  TargetFactsByName& facts_;
  std::map<std::uint32_t, TargetFacts*> by_oid_;
  std::vector<std::string> oids_;
  std::vector<std::string> quoted_;
  std::vector<std::string> partitioned_;
};

}  // namespace

const char* const columns_sql = one_columns_sql.c_str();

std::vector<TargetColumn> columns_of(const Result& rows) {
  std::vector<TargetColumn> columns;
  for (int row = 0; row < rows.rows(); ++row)
    columns.push_back(column_of(rows, row));
  return columns;
}

bool may_copy(const Result& rows) {
  return rows.rows() > 0 && rows.boolean(0, at_may_copy);
}

TargetTable read_target(Connection& connection, const RelationName& name) {
  TargetFactsByName facts{{name, {}}};
  Reading reading(connection, facts);
  reading.relations();
  if (reading.has_tables()) {
    reading.columns();
    reading.keys();
    reading.partitioning();
  }
  return std::move(facts.at(name).table);
}

TargetFactsByName read_targets(Connection& connection, const std::vector<RelationName>& names) {
  TargetFactsByName facts;
  for (const RelationName& name : names)
    facts.try_emplace(name);
  Reading reading(connection, facts);
  reading.relations();
  if (!reading.has_tables()) return facts;
  reading.columns();
  reading.keys();
  reading.partitioning();
  reading.immediate_indexes();
  reading.meddlers();
  return facts;
}

}  // namespace tailrace::postgres
