// What functions of names, ids and properties answer: objects, schemas, databases, columns.
#include "sim/tsql/parse/parser.h"
#include "sim/tsql/session/session_core.h"
#include "sim/tsql/values/types.h"

namespace tailrace::sim::tsql {

std::optional<ObjectDef> SessionCore::object_of(std::int64_t object_id,
                                                std::optional<std::int64_t> database_id) {
  DatabaseUse* where = current_;
  if (database_id && *database_id != current_->database->id) {
    const DatabasePtr database = state_.server.find(static_cast<std::int32_t>(*database_id));
    if (!database) return std::nullopt;
    where = &use(database);
    where->catalog.refresh();
  }
  return where->catalog.object(static_cast<std::int32_t>(object_id));
}

std::optional<std::string> SessionCore::object_name(std::int64_t object_id,
                                                    std::optional<std::int64_t> database_id) {
  const std::optional<ObjectDef> object = object_of(object_id, database_id);
  if (!object) return std::nullopt;
  return object->name;
}

std::optional<std::string> SessionCore::object_schema_name(std::int64_t object_id,
                                                           std::optional<std::int64_t> database_id) {
  const std::optional<ObjectDef> object = object_of(object_id, database_id);
  if (!object) return std::nullopt;
  return object->schema;
}

std::optional<std::int64_t> SessionCore::object_id(std::string_view name, std::optional<std::string> type) {
  ObjectName parsed;
  try {
    parsed = parse_object_name(name);
  } catch (const StatementError&) {
    return std::nullopt;
  }
  if (parsed.name.starts_with('#')) {
    const TablePtr table = local_table(parsed.name);
    if (!table) return std::nullopt;
    return table->object_id;
  }
  DatabaseUse* where = current_;
  if (!parsed.database.empty() && !same_name(parsed.database, current_->database->name)) {
    if (same_name(parsed.database, "tempdb")) return std::nullopt;
    const DatabasePtr database = state_.server.find(parsed.database);
    if (!database) return std::nullopt;
    where = &use(database);
  }
  where->catalog.refresh();
  const std::string schema = parsed.schema.empty() ? default_schema_ : parsed.schema;
  const std::optional<ObjectDef> object = where->catalog.object(schema, parsed.name);
  if (object && (!type || same_word(*type, object->type))) return object->object_id;
  return std::nullopt;
}

std::optional<std::string> SessionCore::schema_name(std::int64_t schema_id) {
  const std::string name = current_->catalog.schema_name(static_cast<std::int32_t>(schema_id));
  if (name.empty()) return std::nullopt;
  return name;
}

std::optional<std::int64_t> SessionCore::schema_id(std::string_view name) {
  const std::optional<std::int32_t> id = current_->catalog.schema_id(name);
  if (!id) return std::nullopt;
  return *id;
}

std::optional<std::string> SessionCore::database_name(std::int64_t id) {
  const DatabasePtr database = state_.server.find(static_cast<std::int32_t>(id));
  if (!database) return std::nullopt;
  return database->name;
}

std::optional<std::int64_t> SessionCore::database_id(std::string_view name) {
  const DatabasePtr database = state_.server.find(name);
  if (!database) return std::nullopt;
  return database->id;
}

std::optional<std::string> SessionCore::column_name(std::int64_t object_id, std::int64_t column_id) {
  const TablePtr table = current_->catalog.table(static_cast<std::int32_t>(object_id));
  const ColumnDef* column = table ? table->column(static_cast<std::int32_t>(column_id)) : nullptr;
  if (column == nullptr) return std::nullopt;
  return column->name;
}

std::optional<std::int64_t> SessionCore::column_property(std::int64_t object_id, std::string_view column_name,
                                                         std::string_view property) {
  const TablePtr table = current_->catalog.table(static_cast<std::int32_t>(object_id));
  const ColumnDef* column = table ? table->column(column_name) : nullptr;
  if (column == nullptr) return std::nullopt;
  const std::string name = upper(property);
  if (name == "ALLOWSNULL") return column->nullable ? 1 : 0;
  if (name == "ISIDENTITY") return column->identity ? 1 : 0;
  if (name == "ISCOMPUTED") return column->computed.empty() ? 0 : 1;
  if (name == "COLUMNID") return column->column_id;
  if (name == "ISROWGUIDCOL") return column->rowguidcol ? 1 : 0;
  if (name == "ISHIDDEN") return column->hidden ? 1 : 0;
  if (name == "ISSPARSE" || name == "ISCOLUMNSET") return 0;
  if (name == "GENERATEDALWAYSTYPE") return static_cast<std::int64_t>(column->generated);
  if (name == "PRECISION")
    return column->type.type == Type::decimal ? column->type.precision
           : is_text(column->type.type)       ? units_of(column->type)
           : as_decimal(column->type)         ? as_decimal(column->type)->precision
                                              : 0;
  if (name == "SCALE") return column->type.scale;
  if (name == "CHARMAXLEN")
    return is_text(column->type.type) ? std::optional<std::int64_t>(units_of(column->type)) : std::nullopt;
  return std::nullopt;
}

std::optional<std::int64_t> SessionCore::object_property(std::int64_t object_id, std::string_view property) {
  const std::optional<ObjectDef> object = current_->catalog.object(static_cast<std::int32_t>(object_id));
  if (!object) return std::nullopt;
  const std::string name = upper(property);
  if (name == "ISTABLE") return object->type == "U" || object->type == "S" ? 1 : 0;
  if (name == "ISUSERTABLE") return object->type == "U" ? 1 : 0;
  if (name == "ISVIEW") return object->type == "V" ? 1 : 0;
  if (name == "ISPROCEDURE") return object->type == "P" ? 1 : 0;
  if (name == "ISMSSHIPPED") return object->ms_shipped ? 1 : 0;
  if (name == "SCHEMAID") return object->schema_id;
  if (name == "OWNERID") return 1;
  const TablePtr table = current_->catalog.table(static_cast<std::int32_t>(object_id));
  if (!table) return std::nullopt;
  if (name == "TABLEHASPRIMARYKEY") return table->primary_key() != nullptr ? 1 : 0;
  if (name == "TABLEHASIDENTITY") {
    for (const ColumnDef& column : table->columns) {
      if (column.identity) return 1;
    }
    return 0;
  }
  if (name == "TABLEHASFOREIGNKEY") return table->foreign_keys.empty() ? 0 : 1;
  if (name == "TABLEHASFOREIGNREF") return table->referenced_by.empty() ? 0 : 1;
  if (name == "TABLETEMPORALTYPE") return table->temporal_type;
  return std::nullopt;
}

}  // namespace tailrace::sim::tsql
