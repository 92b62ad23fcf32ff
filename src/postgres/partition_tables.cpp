// Tables that records are for: made, and compared with what the records say.
#include <algorithm>

#include "base/error.h"
#include "base/log.h"
#include "postgres/adapt.h"
#include "postgres/constraints.h"
#include "postgres/ddl.h"
#include "postgres/partitions.h"
#include "postgres/target_table.h"

namespace tailrace::postgres {
namespace {

void refuse_own_schema(const TableSchema& table, const RelationName& target) {
  if (target.schema != "tailrace") return;
  throw Error(ErrorKind::config, "target schema tailrace is tailrace's own")
      .with("table", table.name.str())
      .with("remedy", "map the source schema to another name (target.schemas)");
}

// Columns that the target has and the records do not keep what they have, where nothing has to be said of them. Who knows a key
// alone says nothing of any.
void leave_out_others(const TableSchema& table, const RelationName& target, TargetTable& found, bool writes) {
  for (const TargetColumn& column : found.columns) {
    if (!writes) break;
    if (table.find_column(column.name) || column.generated || !column.not_null) continue;
    if (std::find(found.key.begin(), found.key.end(), column.name) != found.key.end()) continue;
    throw Error(ErrorKind::schema, "target table " + target.str() +
                                       " has a column that is NOT NULL and that the records do not have")
        .with("table", table.name.str())
        .with("column", column.name)
        .with("remedy", "ALTER TABLE " + target.quoted() + " ALTER COLUMN " + quote_name(column.name) +
                            " DROP NOT NULL;");
  }
  std::erase_if(found.columns, [&](const TargetColumn& column) { return !table.find_column(column.name); });
}

}  // namespace

TargetFacts PostgresPartitions::facts_of(const RelationName& target) {
  return read_targets(*beside_, {target}).at(target);
}

// In one line, as the log has it.
void PostgresPartitions::refuse_to_make(const TableSchema& proposed, const RelationName& target) const {
  std::string ddl = create_table_sql(proposed, settings_) + ";";
  if (!proposed.key.empty()) ddl += " " + primary_key_sql(proposed, target) + ";";
  std::replace(ddl.begin(), ddl.end(), '\n', ' ');
  throw Error(ErrorKind::config, "target table " + target.str() + " is not there")
      .with("table", proposed.name.str())
      .with("remedy", "make it, or let it be made (target.new_tables: make): " + ddl);
}

// Two processes may come to it at once.
void PostgresPartitions::make_table(const TableSchema& proposed, const RelationName& target) {
  let_go_of_tables();
  const bool made = with_lock_timeout(*beside_, settings_, stop_, [&] {
    beside_->query("SELECT pg_advisory_xact_lock(hashtextextended('tailrace.table.' || $1, 0))",
                   Params().text(target.str()));
    if (facts_of(target).table.exists()) return;
    const bool has_schema = beside_
                                ->query("SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)",
                                        Params().text(target.schema))
                                .boolean(0, 0);
    if (!has_schema) beside_->exec(create_schema_sql(target.schema));
    beside_->exec(create_table_sql(proposed, settings_));
    if (!proposed.key.empty()) beside_->exec(primary_key_sql(proposed, target));
  });
  if (!made) throw Error(ErrorKind::abandoned, "stopped while a table was made");
  log::info("sink.table.made", {{"table", proposed.name.str()}, {"target", target.str()}});
}

// What the rows that are there have in it is not known: NULL.
bool PostgresPartitions::add_columns(const TableSchema& proposed, const RelationName& target,
                                     const TargetTable& found) {
  std::string actions;
  for (std::size_t i = 0; i < proposed.columns.size(); ++i) {
    const Column& column = proposed.columns[i];
    if (found.find(column.name) != nullptr) continue;
    if (proposed.is_key(i))
      throw Error(ErrorKind::schema,
                  "target table " + target.str() + " has not got a column of the records' key")
          .with("table", proposed.name.str())
          .with("column", column.name)
          .with("remedy",
                "a key is not added to a table: name its columns (source.pk_mode, source.pk_fields), or have "
                "the table made anew");
    actions += (actions.empty() ? "" : ", ") + std::string("ADD COLUMN IF NOT EXISTS ") +
               quote_name(column.name) + " " + created_column_type(column.type, settings_);
    log::info("sink.table.column_added", {{"target", target.str()}, {"column", column.name}});
  }
  if (actions.empty()) return false;
  let_go_of(target);
  const bool added = with_lock_timeout(
      *beside_, settings_, stop_, [&] { beside_->exec("ALTER TABLE " + target.quoted() + " " + actions); });
  if (!added) throw Error(ErrorKind::abandoned, "stopped while a column was added");
  return true;
}

// No rows go out by it: it is what records without a schema are read by.
SchemaPtr PostgresPartitions::described(const TableName& table, const RelationName& target) {
  const TargetTable found = facts_of(target).table;
  if (!found.exists()) return nullptr;
  auto out = std::make_shared<TableSchema>();
  out->name = table;
  for (const TargetColumn& column : found.columns) {
    const std::optional<ColumnType> type = type_of_target(column.type);
    if (type && !column.generated) out->columns.push_back({column.name, *type, !column.not_null});
  }
  return out;
}

SchemaPtr PostgresPartitions::use_table(const TableSchema& proposed, bool make) {
  const RelationName target = target_of(settings_, proposed.name);
  refuse_own_schema(proposed, target);
  if (proposed.columns.empty()) return described(proposed.name, target);
  check_names(settings_, proposed);
  TargetFacts facts = facts_of(target);
  if (!facts.table.exists()) {
    if (!make) return nullptr;
    check_key_columns(proposed);
    if (!settings_.make_tables) refuse_to_make(proposed, target);
    make_table(proposed, target);
    facts = facts_of(target);
  }
  if (settings_.add_columns && add_columns(proposed, target, facts.table)) facts = facts_of(target);
  auto table = std::make_shared<TableSchema>(proposed);
  for (Column& column : table->columns) {
    if (const TargetColumn* const found = facts.table.find(column.name))
      column.type = adapted_type(column.type, found->type);
  }
  check_key_columns(*table);
  leave_out_others(*table, target, facts.table, /*writes=*/make);
  refuse_meddlers(*table, target, facts);
  if (facts.table.key.empty() && !table->key.empty()) {
    let_go_of(target);
    const bool keyed =
        with_lock_timeout(*beside_, settings_, stop_, [&] { ensure_primary_key(*beside_, *table, target); });
    if (!keyed) throw Error(ErrorKind::abandoned, "stopped while a key was made");
  }
  keep_plan(table, target, std::move(facts));
  return table;
}

void PostgresPartitions::keep_plan(const SchemaPtr& table, const RelationName& target, TargetFacts facts) {
  TargetFactsByName targets;
  targets.emplace(target, std::move(facts));
  plans_[table.get()] = make_plan(settings_, table, target, /*keeps_rows=*/false, targets);
}

}  // namespace tailrace::postgres
