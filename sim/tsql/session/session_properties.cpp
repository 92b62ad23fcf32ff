// What the server, a database, the session, types and indexes say of themselves by functions.
//
// Source  SERVERPROPERTY, DATABASEPROPERTYEX, SESSIONPROPERTY, INDEXPROPERTY of SQL Server's documentation: base types too.
#include <map>

#include "sim/tsql/parse/parser.h"
#include "sim/tsql/session/session_core.h"
#include "sim/tsql/values/types.h"

namespace tailrace::sim::tsql {

std::optional<Value> SessionCore::server_property(std::string_view property) {
  static const std::map<std::string, Value, std::less<>> values{
      {"PRODUCTVERSION", text_value("16.0.4135.4")},
      {"PRODUCTMAJORVERSION", text_value("16")},
      {"PRODUCTMINORVERSION", text_value("0")},
      {"PRODUCTBUILD", text_value("4135")},
      {"PRODUCTLEVEL", text_value("RTM")},
      {"PRODUCTUPDATELEVEL", text_value("CU14")},
      {"PRODUCTUPDATEREFERENCE", text_value("KB5038325")},
      {"EDITION", text_value("Developer Edition (64-bit)")},
      {"EDITIONID", number_value(-2117995310, Type::bigint)},
      {"ENGINEEDITION", number_value(3)},
      {"SERVERNAME", text_value("tailrace-sim")},
      {"MACHINENAME", text_value("tailrace-sim")},
      {"COMPUTERNAMEPHYSICALNETBIOS", text_value("tailrace-sim")},
      {"COLLATION", text_value(std::string(default_collation))},
      {"ISCLUSTERED", number_value(0)},
      {"ISHADRENABLED", number_value(0)},
      {"ISINTEGRATEDSECURITYONLY", number_value(0)},
      {"ISSINGLEUSER", number_value(0)},
      {"ISXTPSUPPORTED", number_value(0)},
      {"ISFULLTEXTINSTALLED", number_value(0)},
      {"ISLOCALDB", number_value(0)},
      {"ISPOLYBASEINSTALLED", number_value(0)},
      {"ISADVANCEDANALYTICSINSTALLED", number_value(0)},
      {"SQLCHARSET", number_value(1, Type::tinyint)},
      {"SQLCHARSETNAME", text_value("iso_1")},
      {"SQLSORTORDER", number_value(0, Type::tinyint)},
      {"LCID", number_value(1033)},
      {"RESOURCEVERSION", text_value("16.00.4135")},
      {"BUILDCLRVERSION", text_value("v4.0.30319")}};
  const auto found = values.find(upper(property));
  if (found == values.end()) return std::nullopt;
  const std::optional<std::string> posed = state_.server.posed_property(upper(property));
  if (!posed) return found->second;
  return is_integer(found->second.type.type)
             ? number_value(std::strtoll(posed->c_str(), nullptr, 10), found->second.type.type)
             : text_value(*posed);
}

std::optional<Value> SessionCore::database_property(std::string_view database_name,
                                                    std::string_view property) {
  const DatabasePtr database = state_.server.find(database_name);
  if (!database) return std::nullopt;
  const std::string name = upper(property);
  for (const std::string_view off : {"ISINSTANDBY", "ISREADONLY", "ISAUTOCLOSE", "ISAUTOSHRINK"}) {
    if (name == off) return number_value(0);
  }
  if (name == "STATUS") return text_value("ONLINE");
  if (name == "UPDATEABILITY") return text_value("READ_WRITE");
  if (name == "USERACCESS") return text_value("MULTI_USER");
  if (name == "RECOVERY") return text_value("SIMPLE");
  if (name == "COLLATION") return text_value(database->collation);
  if (name == "VERSION") return number_value(957);
  return std::nullopt;
}

std::optional<Value> SessionCore::session_property(std::string_view property) {
  const std::string name = upper(property);
  if (name == "QUOTED_IDENTIFIER") return number_value(options_.quoted_identifier ? 1 : 0);
  if (name == "NUMERIC_ROUNDABORT") return number_value(0);
  for (const std::string_view on :
       {"ANSI_NULLS", "ANSI_PADDING", "ANSI_WARNINGS", "ARITHABORT", "CONCAT_NULL_YIELDS_NULL"}) {
    if (name == on) return number_value(1);  // They cannot be switched off here.
  }
  return std::nullopt;
}

std::optional<std::string> SessionCore::name_of_type(std::int64_t id) {
  sim::Statement row =
      current_->work->connection().prepare("SELECT name FROM cat_types WHERE user_type_id = ?1");
  row.bind(1, id);
  if (!row.next()) return std::nullopt;
  return std::string(row.text(0));
}

std::optional<std::int64_t> SessionCore::id_of_type(std::string_view name) {
  ObjectName parsed;
  try {
    parsed = parse_object_name(name);
  } catch (const StatementError&) {
    return std::nullopt;
  }
  sim::Statement row =
      current_->work->connection().prepare("SELECT user_type_id FROM cat_types WHERE name = ?1");
  row.bind(1, parsed.name);
  if (!row.next()) return std::nullopt;
  return row.number(0);
}

TablePtr SessionCore::table_named(std::string_view text) {
  const std::optional<std::int64_t> id = object_id(text, std::nullopt);
  if (!id) return nullptr;
  const ObjectName name = parse_object_name(text);
  if (name.name.starts_with('#')) return local_table(name.name);
  return place_of(name).catalog.table(static_cast<std::int32_t>(*id));
}

std::optional<std::int64_t> SessionCore::column_length(std::string_view table_text, std::string_view name) {
  const TablePtr table = table_named(table_text);
  const ColumnDef* column = table ? table->column(name) : nullptr;
  if (column == nullptr) return std::nullopt;
  return column->max_length();
}

std::optional<std::int64_t> SessionCore::has_database_access(std::string_view name) {
  const DatabasePtr database = state_.server.find(name);
  if (!database) return std::nullopt;
  try {
    use(database);
  } catch (const StatementError&) {
    return 0;
  }
  return 1;
}

std::optional<std::string> SessionCore::index_column(std::string_view table_text, std::int64_t index_id,
                                                     std::int64_t key_id) {
  const TablePtr table = table_named(table_text);
  if (!table) return std::nullopt;
  for (const IndexDef& index : table->indexes) {
    if (index.index_id != index_id) continue;
    std::int64_t position = 0;
    for (const IndexColumn& key : index.columns) {
      if (!key.included && ++position == key_id) return table->column(key.column_id)->name;
    }
  }
  return std::nullopt;
}

std::optional<std::int64_t> SessionCore::index_property(std::int64_t object_id, std::string_view index_name,
                                                        std::string_view property) {
  const TablePtr table = current_->catalog.table(static_cast<std::int32_t>(object_id));
  if (!table) return std::nullopt;
  const std::string name = upper(property);
  for (const IndexDef& index : table->indexes) {
    if (!same_name(table->identifiers, index.name, index_name)) continue;
    if (name == "INDEXID") return index.index_id;
    if (name == "ISUNIQUE") return index.unique || index.primary_key ? 1 : 0;
    if (name == "ISCLUSTERED") return index.clustered ? 1 : 0;
    if (name == "ISDISABLED") return index.disabled ? 1 : 0;
    if (name == "ISPADINDEX" || name == "ISSTATISTICS" || name == "ISHYPOTHETICAL" || name == "ISCOLUMNSTORE")
      return 0;
  }
  return std::nullopt;
}

std::optional<std::int64_t> SessionCore::current_identity(std::string_view table_text) {
  const TablePtr table = table_named(table_text);
  if (!table || table->name.starts_with('#')) return std::nullopt;
  for (const ColumnDef& column : table->columns) {
    if (!column.identity) continue;
    const std::optional<std::int64_t> last =
        place_of(parse_object_name(table_text)).catalog.last_identity(*table);
    return last.value_or(column.identity->seed);
  }
  return std::nullopt;
}

}  // namespace tailrace::sim::tsql
