// DDL: objects, tables, columns, constraints, indexes.
//
// Source   Messages of SQL Server for the errors that clients meet; sys.messages.
#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "sim/catalog/catalog.h"
#include "sim/catalog/catalog_internal.h"
#include "sim/catalog/type_facts.h"
#include "sim/storage/clock.h"

namespace tailrace::sim {
namespace {

// The first characters of UTF-8 text; a character is never cut.
std::string first_characters(std::string_view text, std::size_t count) {
  std::size_t end = 0;
  while (end < text.size() && count > 0) {
    ++end;
    while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U)
      ++end;
    --count;
  }
  return std::string(text.substr(0, end));
}

// Names that SQL Server makes: prefix, table (9 characters), 8 hexadecimal digits of an object id.
std::string made_name(std::string_view prefix, std::string_view table, std::string_view column,
                      std::int32_t id) {
  std::string name(prefix);
  name += "__" + first_characters(table, 9);
  if (!column.empty()) name += "__" + first_characters(column, 5);
  return fmt::format("{}__{:08X}", name, id);
}

}  // namespace

Outcome Catalog::check_new_name(std::int32_t schema_id, std::string_view name) {
  Statement row = work_.connection().prepare("SELECT 1 FROM cat_objects WHERE schema_id = ? AND name = ?");
  if (!row.bind(1, std::int64_t{schema_id}).bind(2, name).next()) return {};
  return SqlError{2714, fmt::format("There is already an object named '{}' in the database.", name), 16, 6};
}

std::int32_t Catalog::add_object(std::int32_t schema_id, std::int32_t parent, std::string_view name,
                                 std::string_view type, bool ms_shipped, std::int32_t object_id) {
  if (object_id == 0) object_id = new_object_id();
  const std::int64_t now = local_datetime_now();
  work_.connection()
      .prepare("INSERT INTO cat_objects VALUES(?, ?, ?, ?, ?, ?, ?, ?, NULL)")
      .bind(1, std::int64_t{object_id})
      .bind(2, name)
      .bind(3, std::int64_t{schema_id})
      .bind(4, std::int64_t{parent})
      .bind(5, type)
      .bind(6, now)
      .bind(7, now)
      .bind(8, std::int64_t{ms_shipped})
      .run();
  return object_id;
}

Outcome Catalog::create_schema(std::string_view name) {
  if (schema_id(name)) {
    return SqlError{2714, fmt::format("There is already an object named '{}' in the database.", name), 16, 6};
  }
  work_.connection()
      .prepare("INSERT INTO cat_schemas SELECT max(max(schema_id), 4) + 1, ?, 1 FROM cat_schemas")
      .bind(1, name)
      .run();
  touch();
  return {};
}

Outcome Catalog::drop_schema(std::string_view name) {
  const std::optional<std::int32_t> id = schema_id(name);
  if (!id || *id <= 4) {
    return SqlError{15151,
                    fmt::format("Cannot drop the schema '{}', because it does not exist or you do not have "
                                "permission.",
                                name),
                    16, 1};
  }
  Statement used = work_.connection().prepare("SELECT name FROM cat_objects WHERE schema_id = ? LIMIT 1");
  if (used.bind(1, std::int64_t{*id}).next()) {
    return SqlError{3729,
                    fmt::format("Cannot drop schema '{}' because it is being referenced by object '{}'.",
                                name, used.text(0)),
                    16, 1};
  }
  used.reset();
  work_.connection().prepare("DELETE FROM cat_schemas WHERE schema_id = ?").bind(1, std::int64_t{*id}).run();
  touch();
  return {};
}

void Catalog::insert_column(const TableDef& table, ColumnDef& column) {
  if (is_text(column.type) && column.collation.empty()) column.collation = default_collation;
  if (!column.collation.empty()) find_collation(column.collation, column.collation_kind);
  std::int64_t default_id = 0;
  if (column.default_value) {
    DefaultDef& value = *column.default_value;
    value.object_id = new_object_id();
    if (value.name.empty()) value.name = made_name("DF", table.name, column.name, value.object_id);
    default_id = add_object(table.schema_id, table.object_id, value.name, "D", false, value.object_id);
    work_.connection()
        .prepare("INSERT INTO cat_defaults VALUES(?, ?, ?, ?)")
        .bind(1, default_id)
        .bind(2, std::int64_t{table.object_id})
        .bind(3, std::int64_t{column.column_id})
        .bind(4, value.text)
        .run();
  }
  Statement row = work_.connection().prepare(
      "INSERT INTO cat_columns VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,NULL,?,?,?,?,?,?,?,?,?,?,?,?)");
  row.bind(1, std::int64_t{table.object_id}).bind(2, std::int64_t{column.column_id}).bind(3, column.name);
  row.bind(4, static_cast<std::int64_t>(column.type.type)).bind(5, std::int64_t{column.type.length});
  row.bind(6, std::int64_t{column.type.precision}).bind(7, std::int64_t{column.type.scale});
  row.bind(8, std::int64_t{column.type.numeric}).bind(9, std::int64_t{column.sysname});
  if (!column.collation.empty()) row.bind(10, column.collation);
  row.bind(11, std::int64_t{column.nullable});
  if (column.identity) row.bind(12, column.identity->seed).bind(13, column.identity->increment);
  if (default_id != 0) row.bind(14, default_id);
  if (!column.computed.empty()) row.bind(15, column.computed);
  row.bind(16, std::int64_t{column.persisted}).bind(17, std::int64_t{column.rowguidcol});
  row.bind(18, std::int64_t{column.hidden}).bind(19, static_cast<std::int64_t>(column.generated));
  row.bind(20, type_name(column.type)).bind(21, std::int64_t{system_type_id(column.type)});
  row.bind(22, std::int64_t{column.sysname ? 256 : system_type_id(column.type)});
  row.bind(23, std::int64_t{shown_length(column.type)}).bind(24, std::int64_t{shown_precision(column.type)});
  row.bind(25, std::int64_t{shown_scale(column.type)}).run();
}

void Catalog::insert_index(const TableDef& table, IndexDef& index) {
  if (index.primary_key || index.unique_constraint) {
    if (index.constraint_object_id == 0) index.constraint_object_id = new_object_id();
    const std::string_view type = index.primary_key ? "PK" : "UQ";
    if (index.name.empty()) index.name = made_name(type, table.name, {}, index.constraint_object_id);
    add_object(table.schema_id, table.object_id, index.name, type, table.ms_shipped,
               index.constraint_object_id);
    index.unique = true;
  }
  Statement row = work_.connection().prepare("INSERT INTO cat_indexes VALUES(?,?,?,?,?,?,?,?,?,?,?)");
  row.bind(1, std::int64_t{table.object_id}).bind(2, std::int64_t{index.index_id}).bind(3, index.name);
  row.bind(4, std::int64_t{index.unique}).bind(5, std::int64_t{index.primary_key});
  row.bind(6, std::int64_t{index.unique_constraint}).bind(7, std::int64_t{index.clustered});
  row.bind(8, std::int64_t{index.disabled});
  if (!index.filter.empty()) row.bind(9, index.filter).bind(10, index.stored_filter);
  row.bind(11, std::int64_t{index.constraint_object_id}).run();
  std::int64_t position = 0;
  for (const IndexColumn& column : index.columns) {
    work_.connection()
        .prepare("INSERT INTO cat_index_columns VALUES(?,?,?,?,?,?)")
        .bind(1, std::int64_t{table.object_id})
        .bind(2, std::int64_t{index.index_id})
        .bind(3, ++position)
        .bind(4, std::int64_t{column.column_id})
        .bind(5, std::int64_t{column.descending})
        .bind(6, std::int64_t{column.included})
        .run();
  }
}

Outcome Catalog::create_table(TableDef& table) {
  const std::optional<std::int32_t> schema = schema_id(table.schema);
  if (!schema) {
    return SqlError{2760,
                    fmt::format("The specified schema name \"{}\" either does not exist or you do not have "
                                "permission to use it.",
                                table.schema),
                    16, 1};
  }
  table.schema_id = *schema;
  table.schema = schema_name(*schema);
  if (Outcome error = check_new_name(*schema, table.name)) return error;
  for (const IndexDef& index : table.indexes) {
    if (index.name.empty()) continue;
    if (index.primary_key || index.unique_constraint) {
      if (Outcome error = check_new_name(*schema, index.name)) return error;
    }
  }
  for (const CheckDef& check : table.checks) {
    if (!check.name.empty()) {
      if (Outcome error = check_new_name(*schema, check.name)) return error;
    }
  }
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    for (std::size_t k = 0; k < i; ++k) {
      if (!same_name(table.columns[i].name, table.columns[k].name)) continue;
      return SqlError{
          2705,
          fmt::format("Column names in each table must be unique. Column name '{}' in table '{}' is "
                      "specified more than once.",
                      table.columns[i].name, table.name),
          16, 3};
    }
  }
  table.object_id = add_object(*schema, 0, table.name, "U", table.ms_shipped, table.object_id);
  std::int32_t column_id = 0;
  for (ColumnDef& column : table.columns) {
    if (column.column_id == 0) column.column_id = column_id + 1;
    column_id = std::max(column_id, column.column_id);
    insert_column(table, column);
  }
  // Index 1 is the clustered one, or there is none (heap: index 0 in sys.indexes).
  std::int32_t index_id = 1;
  for (IndexDef& index : table.indexes) {
    if (index.index_id == 0) index.index_id = index.clustered ? 1 : ++index_id;
    insert_index(table, index);
  }
  choose_row_store(table);
  work_.connection()
      .prepare("INSERT INTO cat_tables VALUES(?, ?, ?, 0, ?, ?, ?, ?)")
      .bind(1, std::int64_t{table.object_id})
      .bind(2, std::int64_t{table.temporal_type})
      .bind(3, std::int64_t{table.history_table_id})
      .bind(4, std::int64_t{table.without_rowid})
      .bind(5, std::int64_t{table.row_store_index_id})
      .bind(6, std::int64_t{column_id})
      .bind(7, std::int64_t{index_id})
      .run();
  create_store(table, table.stored_name());
  for (const IndexDef& index : table.indexes)
    create_stored_index(table, index);
  touch();
  for (CheckDef& check : table.checks) {
    if (Outcome error = add_check(table, check)) return error;
  }
  for (ForeignKeyDef& key : table.foreign_keys) {
    key.parent_id = table.object_id;
    if (key.referenced_id == 0) key.referenced_id = table.object_id;  // To itself, before it had an id.
    if (Outcome error = add_foreign_key(key)) return error;
  }
  return {};
}

void Catalog::drop_object_rows(std::int32_t object_id) {
  Connection& connection = work_.connection();
  const auto remove = [&](std::string_view sql) {
    connection.prepare(sql).bind(1, std::int64_t{object_id}).run();
  };
  remove(
      "DELETE FROM cat_foreign_key_columns WHERE object_id IN (SELECT object_id FROM cat_foreign_keys"
      " WHERE parent_id = ?)");
  remove("DELETE FROM cat_foreign_keys WHERE parent_id = ?");
  remove("DELETE FROM cat_checks WHERE parent_id = ?");
  remove("DELETE FROM cat_defaults WHERE parent_id = ?");
  remove("DELETE FROM cat_index_columns WHERE object_id = ?");
  remove("DELETE FROM cat_indexes WHERE object_id = ?");
  remove("DELETE FROM cat_columns WHERE object_id = ?");
  remove("DELETE FROM cat_tables WHERE object_id = ?");
  remove("DELETE FROM cat_objects WHERE object_id = ?1 OR parent_object_id = ?1");
  remove("DELETE FROM cat_permissions WHERE class = 1 AND major_id = ?");
}

Outcome Catalog::drop_table(const TableDef& table) {
  for (const ForeignKeyDef& key : table.referenced_by) {
    if (key.parent_id != table.object_id) {
      return SqlError{3726,
                      fmt::format("Could not drop object '{}.{}' because it is referenced by a FOREIGN KEY "
                                  "constraint.",
                                  table.schema, table.name),
                      16, 1};
    }
  }
  work_.connection().execute("DROP TABLE " + table.stored_name());
  drop_object_rows(table.object_id);
  touch();
  return {};
}

Outcome Catalog::truncate_table(const TableDef& table) {
  if (table.tracked_by_cdc) {
    return SqlError{
        4711,
        fmt::format("Cannot truncate table '{}.{}' because it is published for replication or enabled "
                    "for Change Data Capture.",
                    table.schema, table.name),
        16, 1};
  }
  for (const ForeignKeyDef& key : table.referenced_by) {
    if (key.parent_id != table.object_id) {
      return SqlError{
          4712,
          fmt::format("Cannot truncate table '{}.{}' because it is being referenced by a FOREIGN KEY "
                      "constraint.",
                      table.schema, table.name),
          16, 1};
    }
  }
  work_.connection().execute("DELETE FROM " + table.stored_name());
  work_.connection()
      .prepare("UPDATE cat_columns SET identity_last = NULL WHERE object_id = ?")
      .bind(1, std::int64_t{table.object_id})
      .run();
  return {};
}

Outcome Catalog::add_column(const TableDef& table, ColumnDef& column) {
  if (table.column(column.name) != nullptr) {
    return SqlError{
        2705,
        fmt::format("Column names in each table must be unique. Column name '{}' in table '{}.{}' is "
                    "specified more than once.",
                    column.name, table.schema, table.name),
        16, 4};
  }
  Statement next = work_.connection().prepare(
      "UPDATE cat_tables SET max_column_id = max_column_id + 1 WHERE object_id = ? RETURNING max_column_id");
  TAILRACE_ASSERT(next.bind(1, std::int64_t{table.object_id}).next());
  column.column_id = static_cast<std::int32_t>(next.number(0));
  next.run();
  insert_column(table, column);
  std::string declared = column.stored_name();
  if (!column.collation.empty()) declared += " COLLATE \"" + column.collation + "\"";
  work_.connection().execute(fmt::format("ALTER TABLE {} ADD COLUMN {}", table.stored_name(), declared));
  touch();
  return {};
}

Outcome Catalog::drop_column(const TableDef& table, std::string_view name) {
  const ColumnDef* column = table.column(name);
  if (column == nullptr) {
    return SqlError{
        4924,
        fmt::format("ALTER TABLE DROP COLUMN failed because column '{}' does not exist in table '{}'.", name,
                    table.name),
        16, 1};
  }
  const auto in_use = [&](std::string_view kind, std::string_view object) {
    return SqlError{5074, fmt::format("The {} '{}' is dependent on column '{}'.", kind, object, column->name),
                    16, 1};
  };
  for (const IndexDef& index : table.indexes) {
    for (const IndexColumn& key : index.columns) {
      if (key.column_id == column->column_id)
        return in_use(index.constraint_object_id != 0 ? "object" : "index", index.name);
    }
  }
  for (const CheckDef& check : table.checks) {
    if (check.column_id == column->column_id) return in_use("object", check.name);
  }
  if (column->default_value) return in_use("object", column->default_value->name);
  for (const auto* keys : {&table.foreign_keys, &table.referenced_by}) {
    for (const ForeignKeyDef& key : *keys) {
      for (const auto& [own, other] : key.columns) {
        if ((keys == &table.foreign_keys ? own : other) == column->column_id)
          return in_use("object", key.name);
      }
    }
  }
  // The stored column stays, without its values: ids are never used again.
  work_.connection()
      .prepare("DELETE FROM cat_columns WHERE object_id = ? AND column_id = ?")
      .bind(1, std::int64_t{table.object_id})
      .bind(2, std::int64_t{column->column_id})
      .run();
  touch();
  return {};
}

Outcome Catalog::alter_column(const TableDef& table, const ColumnDef& column, std::string_view conversion) {
  const ColumnDef* old = table.column(column.column_id);
  TAILRACE_ASSERT(old != nullptr);
  ColumnDef changed = column;
  if (!is_text(changed.type)) changed.collation.clear();
  if (is_text(changed.type) && changed.collation.empty()) {
    changed.collation = old->collation.empty() ? std::string(default_collation) : old->collation;
  }
  Statement row = work_.connection().prepare(
      "UPDATE cat_columns SET type=?3, length=?4, precision=?5, scale=?6, is_numeric=?7, is_sysname=?8, "
      "collation=?9,"
      " nullable=?10, type_name=?11, system_type_id=?12, user_type_id=?13, shown_length=?14, "
      "shown_precision=?15,"
      " shown_scale=?16 WHERE object_id = ?1 AND column_id = ?2");
  row.bind(1, std::int64_t{table.object_id}).bind(2, std::int64_t{changed.column_id});
  row.bind(3, static_cast<std::int64_t>(changed.type.type)).bind(4, std::int64_t{changed.type.length});
  row.bind(5, std::int64_t{changed.type.precision}).bind(6, std::int64_t{changed.type.scale});
  row.bind(7, std::int64_t{changed.type.numeric}).bind(8, std::int64_t{changed.sysname});
  if (!changed.collation.empty()) row.bind(9, changed.collation);
  row.bind(10, std::int64_t{changed.nullable}).bind(11, type_name(changed.type));
  row.bind(12, std::int64_t{system_type_id(changed.type)});
  row.bind(13, std::int64_t{changed.sysname ? 256 : system_type_id(changed.type)});
  row.bind(14, std::int64_t{shown_length(changed.type)})
      .bind(15, std::int64_t{shown_precision(changed.type)});
  row.bind(16, std::int64_t{shown_scale(changed.type)}).run();
  const TableDef before = table;
  touch();
  const bool renulled = changed.nullable != old->nullable;
  if (!conversion.empty() || changed.collation != before.column(column.column_id)->collation || renulled) {
    const TablePtr now = this->table(before.object_id);
    TableDef stored = *now;
    stored.row_store_index_id = before.row_store_index_id;
    choose_row_store(stored);
    rebuild(before, stored, changed.column_id, conversion);
    work_.connection()
        .prepare("UPDATE cat_tables SET without_rowid = ?, row_store_index_id = ? WHERE object_id = ?")
        .bind(1, std::int64_t{stored.without_rowid})
        .bind(2, std::int64_t{stored.row_store_index_id})
        .bind(3, std::int64_t{stored.object_id})
        .run();
    touch();
  }
  return {};
}

Outcome Catalog::add_index(const TableDef& table, IndexDef& index) {
  const std::string object = table.schema + "." + table.name;
  if (index.primary_key && table.primary_key() != nullptr) {
    return SqlError{1779, fmt::format("Table '{}' already has a primary key defined on it.", table.name), 16,
                    0};
  }
  if (!index.name.empty() && table.index(index.name) != nullptr) {
    return SqlError{
        1913,
        fmt::format("The operation failed because an index or statistics with name '{}' already exists "
                    "on table '{}'.",
                    index.name, object),
        16, 1};
  }
  const bool has_clustered = std::any_of(table.indexes.begin(), table.indexes.end(),
                                         [](const IndexDef& other) { return other.clustered; });
  if (index.clustered && has_clustered) {
    return SqlError{1902, fmt::format("Cannot create more than one clustered index on table '{}'.", object),
                    16, 3};
  }
  if (index.primary_key || index.unique_constraint) {
    if (!index.name.empty()) {
      if (Outcome error = check_new_name(table.schema_id, index.name)) return error;
    }
    for (const IndexColumn& key : index.columns) {
      if (index.primary_key && table.column(key.column_id)->nullable) {
        return SqlError{
            8111,
            fmt::format("Cannot define PRIMARY KEY constraint on nullable column in table '{}'.", table.name),
            16, 1};
      }
    }
  }
  if (index.clustered) {
    index.index_id = 1;
  } else {
    Statement next = work_.connection().prepare(
        "UPDATE cat_tables SET max_index_id = max_index_id + 1 WHERE object_id = ? RETURNING max_index_id");
    TAILRACE_ASSERT(next.bind(1, std::int64_t{table.object_id}).next());
    index.index_id = static_cast<std::int32_t>(next.number(0));
    next.run();
  }
  // Duplicates first: SQL Server's error instead of a half-made index.
  if (index.unique || index.primary_key || index.unique_constraint) {
    index.unique = true;
    std::string keys;
    for (const IndexColumn& key : index.columns) {
      if (key.included) continue;
      if (!keys.empty()) keys += ", ";
      keys += fmt::format("c{}", key.column_id);
    }
    const std::string filter = index.stored_filter.empty() ? "" : " WHERE (" + index.stored_filter + ")";
    Statement twice = work_.connection().prepare(fmt::format(
        "SELECT 1 FROM {}{} GROUP BY {} HAVING count(*) > 1 LIMIT 1", table.stored_name(), filter, keys));
    if (twice.next()) {
      return SqlError{
          1505,
          fmt::format("The CREATE UNIQUE INDEX statement terminated because a duplicate key was found "
                      "for the object name '{}' and the index name '{}'.",
                      object, index.name),
          16, 1};
    }
  }
  insert_index(table, index);
  const TableDef before = table;
  touch();
  TableDef stored = *this->table(before.object_id);
  if (index.clustered) choose_row_store(stored);
  if (stored.row_store_index_id != before.row_store_index_id) {
    rebuild(before, stored, 0, {});
    work_.connection()
        .prepare("UPDATE cat_tables SET without_rowid = ?, row_store_index_id = ? WHERE object_id = ?")
        .bind(1, std::int64_t{stored.without_rowid})
        .bind(2, std::int64_t{stored.row_store_index_id})
        .bind(3, std::int64_t{stored.object_id})
        .run();
  } else {
    create_stored_index(stored, index);
  }
  touch();
  return {};
}

Outcome Catalog::drop_index(const TableDef& table, std::string_view name) {
  const IndexDef* index = table.index(name);
  if (index == nullptr) {
    return SqlError{3701,
                    fmt::format("Cannot drop the index '{}.{}', because it does not exist or you do not have "
                                "permission.",
                                table.name, name),
                    11, 7};
  }
  const IndexDef dropped = *index;
  const TableDef before = table;
  Connection& connection = work_.connection();
  connection.prepare("DELETE FROM cat_index_columns WHERE object_id = ? AND index_id = ?")
      .bind(1, std::int64_t{before.object_id})
      .bind(2, std::int64_t{dropped.index_id})
      .run();
  connection.prepare("DELETE FROM cat_indexes WHERE object_id = ? AND index_id = ?")
      .bind(1, std::int64_t{before.object_id})
      .bind(2, std::int64_t{dropped.index_id})
      .run();
  if (dropped.constraint_object_id != 0) {
    connection.prepare("DELETE FROM cat_objects WHERE object_id = ?")
        .bind(1, std::int64_t{dropped.constraint_object_id})
        .run();
  }
  if (dropped.index_id == before.row_store_index_id) {
    connection.prepare("UPDATE cat_tables SET without_rowid = 0, row_store_index_id = 0 WHERE object_id = ?")
        .bind(1, std::int64_t{before.object_id})
        .run();
    touch();
    rebuild(before, *this->table(before.object_id), 0, {});
  } else {
    const std::string stored = stored_index_name(before.object_id, dropped.index_id);
    connection.execute(fmt::format("DROP INDEX IF EXISTS {0}; DROP INDEX IF EXISTS {0}_n", stored));
    touch();
  }
  return {};
}

Outcome Catalog::add_check(const TableDef& table, CheckDef& check) {
  check.object_id = new_object_id();
  if (check.name.empty()) check.name = made_name("CK", table.name, {}, check.object_id);
  if (Outcome error = check_new_name(table.schema_id, check.name)) return error;
  add_object(table.schema_id, table.object_id, check.name, "C", false, check.object_id);
  work_.connection()
      .prepare("INSERT INTO cat_checks VALUES(?, ?, ?, ?, ?, 0)")
      .bind(1, std::int64_t{check.object_id})
      .bind(2, std::int64_t{table.object_id})
      .bind(3, std::int64_t{check.column_id})
      .bind(4, check.text)
      .bind(5, std::int64_t{check.disabled})
      .run();
  touch();
  return {};
}

Outcome Catalog::add_foreign_key(ForeignKeyDef& key) {
  const TablePtr parent = table(key.parent_id);
  TAILRACE_ASSERT(parent != nullptr && table(key.referenced_id) != nullptr);
  key.object_id = new_object_id();
  if (key.name.empty()) key.name = made_name("FK", parent->name, {}, key.object_id);
  if (Outcome error = check_new_name(parent->schema_id, key.name)) return error;
  add_object(parent->schema_id, key.parent_id, key.name, "F", false, key.object_id);
  work_.connection()
      .prepare("INSERT INTO cat_foreign_keys VALUES(?, ?, ?, ?, ?, ?, ?)")
      .bind(1, std::int64_t{key.object_id})
      .bind(2, std::int64_t{key.parent_id})
      .bind(3, std::int64_t{key.referenced_id})
      .bind(4, static_cast<std::int64_t>(key.on_delete))
      .bind(5, static_cast<std::int64_t>(key.on_update))
      .bind(6, std::int64_t{key.disabled})
      .bind(7, std::int64_t{key.not_trusted})
      .run();
  std::int64_t position = 0;
  for (const auto& [own, other] : key.columns) {
    work_.connection()
        .prepare("INSERT INTO cat_foreign_key_columns VALUES(?, ?, ?, ?)")
        .bind(1, std::int64_t{key.object_id})
        .bind(2, ++position)
        .bind(3, std::int64_t{own})
        .bind(4, std::int64_t{other})
        .run();
  }
  touch();
  return {};
}

Outcome Catalog::add_default(const TableDef& table, std::int32_t column_id, DefaultDef& value) {
  const ColumnDef* column = table.column(column_id);
  TAILRACE_ASSERT(column != nullptr);
  if (column->default_value) {
    return SqlError{1781, "Column already has a DEFAULT bound to it.", 16, 1};
  }
  value.object_id = new_object_id();
  if (value.name.empty()) value.name = made_name("DF", table.name, column->name, value.object_id);
  if (Outcome error = check_new_name(table.schema_id, value.name)) return error;
  add_object(table.schema_id, table.object_id, value.name, "D", false, value.object_id);
  work_.connection()
      .prepare("INSERT INTO cat_defaults VALUES(?, ?, ?, ?)")
      .bind(1, std::int64_t{value.object_id})
      .bind(2, std::int64_t{table.object_id})
      .bind(3, std::int64_t{column_id})
      .bind(4, value.text)
      .run();
  work_.connection()
      .prepare("UPDATE cat_columns SET default_object_id = ? WHERE object_id = ? AND column_id = ?")
      .bind(1, std::int64_t{value.object_id})
      .bind(2, std::int64_t{table.object_id})
      .bind(3, std::int64_t{column_id})
      .run();
  touch();
  return {};
}

Outcome Catalog::drop_constraint(const TableDef& table, std::string_view name) {
  Connection& connection = work_.connection();
  Statement row =
      connection.prepare("SELECT object_id, type FROM cat_objects WHERE parent_object_id = ? AND name = ?");
  if (!row.bind(1, std::int64_t{table.object_id}).bind(2, name).next()) {
    return SqlError{3728, fmt::format("'{}' is not a constraint.", name), 16, 1};
  }
  const std::int64_t id = row.number(0);
  const std::string type(row.text(1));
  row.reset();
  if (type == "PK" || type == "UQ") {
    const IndexDef* index = table.index(name);
    for (const ForeignKeyDef& key : table.referenced_by) {
      const bool same = std::all_of(key.columns.begin(), key.columns.end(), [&](const auto& pair) {
        return std::any_of(index->columns.begin(), index->columns.end(),
                           [&](const IndexColumn& column) { return column.column_id == pair.second; });
      });
      if (same) {
        return SqlError{
            3725,
            fmt::format("The constraint '{}' is being referenced by table '{}', foreign key constraint "
                        "'{}'.",
                        name, table.name, key.name),
            16, 0};
      }
    }
    return drop_index(table, name);
  }
  const auto remove = [&](std::string_view sql) { connection.prepare(sql).bind(1, id).run(); };
  if (type == "C") remove("DELETE FROM cat_checks WHERE object_id = ?");
  if (type == "D") {
    remove("DELETE FROM cat_defaults WHERE object_id = ?");
    remove("UPDATE cat_columns SET default_object_id = NULL WHERE default_object_id = ?");
  }
  if (type == "F") {
    remove("DELETE FROM cat_foreign_keys WHERE object_id = ?");
    remove("DELETE FROM cat_foreign_key_columns WHERE object_id = ?");
  }
  remove("DELETE FROM cat_objects WHERE object_id = ?");
  touch();
  return {};
}

Outcome Catalog::set_constraint_disabled(const TableDef& table, std::string_view name, bool disabled,
                                         bool with_check) {
  Connection& connection = work_.connection();
  Statement row = connection.prepare(
      "SELECT object_id FROM cat_objects WHERE parent_object_id = ? AND name = ? AND type IN ('C', 'F')");
  if (!row.bind(1, std::int64_t{table.object_id}).bind(2, name).next()) {
    return SqlError{4917, fmt::format("Constraint '{}' does not exist.", name), 16, 0};
  }
  const std::int64_t id = row.number(0);
  row.reset();
  const bool trusted = !disabled && with_check;
  for (const std::string_view relation : {"cat_checks", "cat_foreign_keys"}) {
    connection
        .prepare(fmt::format("UPDATE {} SET disabled = ?, not_trusted = ? WHERE object_id = ?", relation))
        .bind(1, std::int64_t{disabled})
        .bind(2, std::int64_t{!trusted})
        .bind(3, id)
        .run();
  }
  touch();
  return {};
}

Outcome Catalog::rename_table(const TableDef& table, std::string_view new_name) {
  if (Outcome error = check_new_name(table.schema_id, new_name)) {
    return SqlError{
        15335,
        fmt::format("Error: The new name '{}' is already in use as a OBJECT name and would cause a "
                    "duplicate that is not permitted.",
                    new_name),
        11, 1};
  }
  work_.connection()
      .prepare("UPDATE cat_objects SET name = ? WHERE object_id = ?")
      .bind(1, new_name)
      .bind(2, std::int64_t{table.object_id})
      .run();
  touch();
  return {};
}

Outcome Catalog::rename_column(const TableDef& table, std::string_view old_name, std::string_view new_name) {
  const ColumnDef* column = table.column(old_name);
  if (column == nullptr) {
    return SqlError{15248,
                    "Either the parameter @objname is ambiguous or the claimed @objtype (COLUMN) is wrong.",
                    11, 1};
  }
  if (table.column(new_name) != nullptr) {
    return SqlError{
        15335,
        fmt::format("Error: The new name '{}' is already in use as a COLUMN name and would cause a "
                    "duplicate that is not permitted.",
                    new_name),
        11, 1};
  }
  work_.connection()
      .prepare("UPDATE cat_columns SET name = ? WHERE object_id = ? AND column_id = ?")
      .bind(1, new_name)
      .bind(2, std::int64_t{table.object_id})
      .bind(3, std::int64_t{column->column_id})
      .run();
  touch();
  return {};
}

Outcome Catalog::transfer_table(const TableDef& table, std::string_view new_schema) {
  const std::optional<std::int32_t> schema = schema_id(new_schema);
  if (!schema) {
    return SqlError{15151,
                    fmt::format("Cannot alter the schema '{}', because it does not exist or you do not have "
                                "permission.",
                                new_schema),
                    16, 1};
  }
  if (Outcome error = check_new_name(*schema, table.name)) return error;
  work_.connection()
      .prepare("UPDATE cat_objects SET schema_id = ?1 WHERE object_id = ?2 OR parent_object_id = ?2")
      .bind(1, std::int64_t{*schema})
      .bind(2, std::int64_t{table.object_id})
      .run();
  touch();
  return {};
}

Outcome Catalog::create_module(std::string_view schema, std::string_view name, std::string_view type,
                               std::string_view text) {
  const std::optional<std::int32_t> id = schema_id(schema);
  if (!id) {
    return SqlError{2760,
                    fmt::format("The specified schema name \"{}\" either does not exist or you do not have "
                                "permission to use it.",
                                schema),
                    16, 1};
  }
  if (Outcome error = check_new_name(*id, name)) return error;
  const std::int32_t object = add_object(*id, 0, name, type, false, 0);
  return alter_module(object, text);
}

Outcome Catalog::alter_module(std::int32_t object_id, std::string_view text) {
  work_.connection()
      .prepare("UPDATE cat_objects SET text = ?, modify_date = ? WHERE object_id = ?")
      .bind(1, text)
      .bind(2, local_datetime_now())
      .bind(3, std::int64_t{object_id})
      .run();
  touch();
  return {};
}

Outcome Catalog::drop_module(std::int32_t object_id) {
  drop_object_rows(object_id);
  touch();
  return {};
}

}  // namespace tailrace::sim
