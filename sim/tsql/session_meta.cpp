// What metadata functions answer.
#include <array>
#include <map>

#include "sim/tsql/parser.h"
#include "sim/tsql/session_core.h"
#include "sim/tsql/types.h"

namespace tailrace::sim::tsql {
std::optional<std::string> SessionCore::object_name(std::int64_t object_id,
                                                    std::optional<std::int64_t> database_id) {
  DatabaseUse* where = current_;
  if (database_id && *database_id != current_->database->id) {
    const DatabasePtr database = state_.server.find(static_cast<std::int32_t>(*database_id));
    if (!database) return std::nullopt;
    where = &use(database);
    where->catalog.refresh();
  }
  const std::optional<ObjectDef> object = where->catalog.object(static_cast<std::int32_t>(object_id));
  if (!object) return std::nullopt;
  return object->name;
}

std::optional<std::string> SessionCore::object_schema_name(std::int64_t object_id,
                                                           std::optional<std::int64_t> database_id) {
  DatabaseUse* where = current_;
  if (database_id && *database_id != current_->database->id) {
    const DatabasePtr database = state_.server.find(static_cast<std::int32_t>(*database_id));
    if (!database) return std::nullopt;
    where = &use(database);
    where->catalog.refresh();
  }
  const std::optional<ObjectDef> object = where->catalog.object(static_cast<std::int32_t>(object_id));
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

std::optional<std::int64_t> SessionCore::has_permission(std::optional<std::string> securable,
                                                        std::string_view class_name,
                                                        std::string_view permission_name) {
  const std::string class_upper = upper(class_name);
  sim::Permission permission = sim::Permission::select;
  if (!find_permission(upper(permission_name), permission)) return std::nullopt;
  Security& security = current_->security;
  const Principal& principal = current_->principal;
  if (definition_.sysadmin) {
    if (class_upper == "OBJECT" && securable && !object_id(*securable, std::nullopt)) return std::nullopt;
    return 1;
  }
  if (class_upper.empty() || class_upper == "SERVER") {
    return definition_.view_server_state && (permission == sim::Permission::view_server_state ||
                                             permission == sim::Permission::view_server_performance_state)
               ? 1
               : 0;
  }
  if (class_upper == "DATABASE") {
    if (security.is_owner(principal)) return 1;
    const bool server_wide =
        definition_.view_server_state && (permission == sim::Permission::view_database_state ||
                                          permission == sim::Permission::view_database_performance_state);
    return server_wide || security.has(principal, permission) ? 1 : 0;
  }
  if (!securable) return std::nullopt;
  if (class_upper == "SCHEMA") {
    ObjectName name;
    try {
      name = parse_object_name(*securable);
    } catch (const StatementError&) {
      return std::nullopt;
    }
    const std::optional<std::int32_t> id = current_->catalog.schema_id(name.name);
    if (!id) return std::nullopt;
    return security.is_owner(principal) || security.has_on_object(principal, permission, 0, *id) ? 1 : 0;
  }
  if (class_upper == "OBJECT") {
    const std::optional<std::int64_t> id = object_id(*securable, std::nullopt);
    if (!id) return std::nullopt;
    const std::optional<ObjectDef> object = current_->catalog.object(static_cast<std::int32_t>(*id));
    return object && (security.is_owner(principal) ||
                      security.has_on_object(principal, permission, object->object_id, object->schema_id))
               ? 1
               : 0;
  }
  return std::nullopt;
}

std::optional<std::int64_t> SessionCore::is_server_role_member(std::string_view role,
                                                               std::optional<std::string> login) {
  static const std::array<std::string_view, 9> roles{"sysadmin",     "serveradmin", "securityadmin",
                                                     "processadmin", "setupadmin",  "bulkadmin",
                                                     "diskadmin",    "dbcreator",   "public"};
  bool known = false;
  for (const std::string_view name : roles)
    known = known || same_name(name, role);
  if (!known) return std::nullopt;
  const std::optional<LoginDef> definition = login ? state_.server.find_login(*login) : definition_;
  if (!definition) return std::nullopt;
  return definition->sysadmin || same_name(role, "public") ? 1 : 0;
}

std::optional<std::int64_t> SessionCore::is_role_member(std::string_view role,
                                                        std::optional<std::string> user) {
  if (user && !same_name(*user, current_->principal.user_name)) return std::nullopt;
  const std::optional<bool> member = current_->security.is_member(current_->principal, role);
  if (!member) return std::nullopt;
  return *member ? 1 : 0;
}

std::optional<std::string> SessionCore::user_name(std::optional<std::int64_t> id) {
  if (!id || *id == current_->principal.principal_id) return current_->principal.user_name;
  if (*id == 1) return "dbo";
  sim::Statement statement = current_->work->connection().prepare(
      "SELECT name FROM sys_database_principals WHERE principal_id = ?1");
  statement.bind(1, *id);
  if (!statement.next()) return std::nullopt;
  return std::string(statement.text(0));
}

// "fn_..." asks the bound database, "12:fn_..." that of this id.
bool SessionCore::cdc_function(std::string_view name, std::span<const Cell> args, Value& out,
                               ConversionError& error) {
  DatabaseUse* where = active_;
  if (const std::size_t colon = name.find(':'); colon != std::string_view::npos) {
    where = &use(state_.server.find(
        static_cast<std::int32_t>(std::strtol(std::string(name.substr(0, colon)).c_str(), nullptr, 10))));
    name.remove_prefix(colon + 1);
  }
  Cdc& cdc = where->cdc;
  const auto lsn = [&](const std::optional<Lsn>& value) {
    out.null = !value;
    if (value) out.text = *value;
    return true;
  };
  const auto text = [&](std::size_t i) {
    return args[i].null ? std::optional<std::string_view>() : std::optional<std::string_view>(args[i].text);
  };
  if (name == "fn_cdc_get_max_lsn") return lsn(cdc.max_lsn());
  if (name == "fn_cdc_is_bit_set") {
    const auto result = Cdc::is_bit_set(
        args[0].null ? std::optional<std::int32_t>() : static_cast<std::int32_t>(args[0].number), text(1));
    out.null = !result;
    out.number = result.value_or(false) ? 1 : 0;
    return true;
  }
  if (name == "fn_cdc_has_column_changed") {
    if (args[0].null || args[1].null) return out.null = true;
    const auto result = cdc.has_column_changed(args[0].text, args[1].text, text(2));
    out.null = !result;
    out.number = result.value_or(false) ? 1 : 0;
    return true;
  }
  for (const Cell& arg : args) {
    if (arg.null) return out.null = true;
  }
  if (name == "fn_cdc_get_min_lsn") return lsn(cdc.min_lsn(where->principal, args[0].text));
  if (name == "fn_cdc_increment_lsn") return lsn(increment_lsn(args[0].text));
  if (name == "fn_cdc_decrement_lsn") return lsn(decrement_lsn(args[0].text));
  if (name == "fn_cdc_map_lsn_to_time") {
    const std::optional<std::int64_t> time = cdc.map_lsn_to_time(args[0].text);
    out.null = !time;
    out.number = time.value_or(0);
    return true;
  }
  if (name == "fn_cdc_map_time_to_lsn") {
    TimeRelation relation{};
    if (!Cdc::find_time_relation(args[0].text, relation)) {
      error.number = 313;
      error.text =
          "An insufficient number of arguments were supplied for the procedure or function "
          "cdc.fn_cdc_map_time_to_lsn.";
      return false;
    }
    return lsn(cdc.map_time_to_lsn(relation, args[1].number));
  }
  if (name == "fn_cdc_get_column_ordinal") {
    const std::optional<std::int32_t> ordinal = cdc.column_ordinal(args[0].text, args[1].text);
    out.null = !ordinal;
    out.number = ordinal.value_or(0);
    return true;
  }
  if (name == "fn_varbintohexstr") {
    static constexpr std::string_view digits = "0123456789abcdef";
    out.text = "0x";
    for (const char raw : args[0].text) {
      out.text.push_back(digits[static_cast<unsigned char>(raw) >> 4U]);
      out.text.push_back(digits[static_cast<unsigned char>(raw) & 0xFU]);
    }
    return true;
  }
  out.null = true;
  return true;
}

}  // namespace tailrace::sim::tsql
