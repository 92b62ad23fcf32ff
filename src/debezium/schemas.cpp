// Schemas of events.
#include "debezium/schemas.h"

#include <algorithm>
#include <regex>
#include <set>

#include "base/error.h"
#include "debezium/names.h"

namespace tailrace::debezium {
namespace {

using record::Field;
using record::make_schema;
using record::optional_of;
using record::schema_of;
using record::SchemaPtr;
using record::SchemaType;
using record::Value;

SchemaPtr versioned_struct(std::string name, std::int32_t version, std::vector<Field> fields,
                           bool optional = false) {
  return make_schema({.type = SchemaType::struct_,
                      .optional = optional,
                      .name = std::move(name),
                      .version = version,
                      .fields = std::move(fields)});
}

SchemaPtr snapshot_schema() {
  return make_schema(
      {.type = SchemaType::string,
       .optional = true,
       .name = "io.debezium.data.Enum",
       .version = 1,
       .parameters = {{"allowed",
                       "true,first,first_in_data_collection,last_in_data_collection,last,false,incremental"}},
       .fallback = Value::text("false")});
}

SchemaPtr transaction_block_schema() {
  return versioned_struct("event.block", 1,
                          {{"id", schema_of(SchemaType::string)},
                           {"total_order", schema_of(SchemaType::int64)},
                           {"data_collection_order", schema_of(SchemaType::int64)}},
                          /*optional=*/true);
}

SchemaPtr envelope_schema(std::string name, const SchemaPtr& row) {
  const SchemaPtr maybe_number = optional_of(SchemaType::int64);
  return versioned_struct(std::move(name), 2,
                          {{"before", row},
                           {"after", row},
                           {"source", source_schema()},
                           {"transaction", transaction_block_schema()},
                           {"op", schema_of(SchemaType::string)},
                           {"ts_ms", maybe_number},
                           {"ts_us", maybe_number},
                           {"ts_ns", maybe_number}});
}

std::vector<Field> fields_of(const TableSchema& table, const std::vector<ColumnPlan>& columns,
                             const EventSettings& settings) {
  std::vector<Field> fields;
  std::set<std::string> names;
  for (const ColumnPlan& plan : columns) {
    std::string name = adjusted_field_name(table.columns[plan.column].name, settings.field_names);
    if (!names.insert(name).second) {
      throw Error(ErrorKind::config, "two columns of a table have the same name in its events")
          .with("table", table.name.str())
          .with("name", name);
    }
    fields.push_back({std::move(name), plan.schema});
  }
  return fields;
}

// Debezium matches database.schema.table.column and schema.table.column.
bool matches(const std::regex& pattern, const TableSchema& table, const std::string& column,
             const EventSettings& settings) {
  const std::string name = table.name.str() + "." + column;
  return std::regex_match(name, pattern) || std::regex_match(settings.database + "." + name, pattern);
}

}  // namespace

SchemaPtr source_schema() {
  const SchemaPtr text = schema_of(SchemaType::string);
  const SchemaPtr maybe_text = optional_of(SchemaType::string);
  const SchemaPtr maybe_number = optional_of(SchemaType::int64);
  return versioned_struct("io.debezium.connector.sqlserver.Source", 1,
                          {{"version", text},
                           {"connector", text},
                           {"name", text},
                           {"ts_ms", schema_of(SchemaType::int64)},
                           {"snapshot", snapshot_schema()},
                           {"db", text},
                           {"sequence", maybe_text},
                           {"ts_us", maybe_number},
                           {"ts_ns", maybe_number},
                           {"schema", text},
                           {"table", text},
                           {"change_lsn", maybe_text},
                           {"commit_lsn", maybe_text},
                           {"event_serial_no", maybe_number}});
}

std::vector<std::size_t> key_columns_of(const TableSchema& table, const EventSettings& settings) {
  std::vector<std::size_t> found;
  for (const KeyColumns& chosen : settings.key_columns) {
    for (const std::string& name : chosen.columns) {
      const std::regex pattern = pattern_of(chosen.tables + "." + name);
      for (std::size_t i = 0; i < table.columns.size(); ++i) {
        if (matches(pattern, table, table.columns[i].name, settings)) found.push_back(i);
      }
    }
  }
  return found.empty() ? table.key : found;
}

TablePlan plan_table(const TableSchema& table, const EventSettings& settings) {
  TablePlan plan{.topic = settings.topic_of(table.name.schema, table.name.name)};
  const ColumnRules rules(table, settings);
  for (std::size_t i = 0; i < table.columns.size(); ++i)
    plan.columns.push_back(plan_column(table.columns[i], i, settings, &rules));
  for (const std::size_t column : key_columns_of(table, settings))
    plan.key.push_back(plan_column(table.columns[column], column, settings, nullptr));
  const auto named = [&](const char* part) {
    return adjusted_schema_name(plan.topic + part, settings.schema_names);
  };
  if (!plan.key.empty())
    plan.key_schema = record::struct_of(named(".Key"), fields_of(table, plan.key, settings));
  const SchemaPtr row =
      optional_of(record::struct_of(named(".Value"), fields_of(table, plan.columns, settings)));
  plan.envelope = envelope_schema(named(".Envelope"), row);
  return plan;
}

SchemaPtr transaction_key_schema(const EventSettings& settings) {
  return versioned_struct(
      adjusted_schema_name("io.debezium.connector.common.TransactionMetadataKey", settings.schema_names), 1,
      {{"id", schema_of(SchemaType::string)}});
}

SchemaPtr transaction_value_schema(const EventSettings& settings) {
  const SchemaPtr collection = versioned_struct(
      "event.collection", 1,
      {{"data_collection", schema_of(SchemaType::string)}, {"event_count", schema_of(SchemaType::int64)}},
      /*optional=*/true);
  return versioned_struct(
      adjusted_schema_name("io.debezium.connector.common.TransactionMetadataValue", settings.schema_names), 1,
      {{"status", schema_of(SchemaType::string)},
       {"id", schema_of(SchemaType::string)},
       {"event_count", optional_of(SchemaType::int64)},
       {"data_collections", optional_of(record::array_of(collection))},
       {"ts_ms", schema_of(SchemaType::int64)}});
}

SchemaPtr heartbeat_key_schema(const EventSettings& settings) {
  return versioned_struct(
      adjusted_schema_name("io.debezium.connector.common.ServerNameKey", settings.schema_names), 1,
      {{"serverName", schema_of(SchemaType::string)}});
}

SchemaPtr heartbeat_value_schema(const EventSettings& settings) {
  return versioned_struct(
      adjusted_schema_name("io.debezium.connector.common.Heartbeat", settings.schema_names), 1,
      {{"ts_ms", schema_of(SchemaType::int64)}});
}

// Debezium does not adjust their names.
SchemaPtr notification_key_schema() {
  return versioned_struct("io.debezium.connector.common.NotificationKey", 1,
                          {{"id", schema_of(SchemaType::string)}});
}

SchemaPtr notification_value_schema() {
  const SchemaPtr text = schema_of(SchemaType::string);
  record::Schema data = *record::map_of(text, text);
  data.optional = true;
  return versioned_struct("io.debezium.connector.common.Notification", 1,
                          {{"id", text},
                           {"type", text},
                           {"aggregate_type", text},
                           {"additional_data", make_schema(std::move(data))},
                           {"timestamp", schema_of(SchemaType::int64)}});
}

}  // namespace tailrace::debezium
