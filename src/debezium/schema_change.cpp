// Describing tables.
#include "debezium/schema_change.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "debezium/envelope.h"
#include "debezium/names.h"
#include "debezium/schemas.h"
#include "debezium/source_type.h"

namespace tailrace::debezium {
namespace {

using record::Field;
using record::List;
using record::optional_of;
using record::schema_of;
using record::SchemaPtr;
using record::SchemaType;
using record::Value;

SchemaPtr named_struct(const EventSettings& settings, const char* name, std::vector<Field> fields,
                       bool optional = false) {
  return record::make_schema({.type = SchemaType::struct_,
                              .optional = optional,
                              .name = adjusted_schema_name(name, settings.schema_names),
                              .version = 1,
                              .fields = std::move(fields)});
}

SchemaPtr column_description(const EventSettings& settings) {
  const SchemaPtr text = schema_of(SchemaType::string);
  const SchemaPtr maybe_text = optional_of(SchemaType::string);
  const SchemaPtr number = schema_of(SchemaType::int32);
  const SchemaPtr maybe_number = optional_of(SchemaType::int32);
  const SchemaPtr maybe_truth = optional_of(SchemaType::boolean);
  return named_struct(settings, "io.debezium.connector.schema.Column",
                      {{"name", text},
                       {"jdbcType", number},
                       {"nativeType", maybe_number},
                       {"typeName", text},
                       {"typeExpression", maybe_text},
                       {"charsetName", maybe_text},
                       {"length", maybe_number},
                       {"scale", maybe_number},
                       {"position", number},
                       {"optional", maybe_truth},
                       {"autoIncremented", maybe_truth},
                       {"generated", maybe_truth},
                       {"comment", maybe_text},
                       {"defaultValueExpression", maybe_text},
                       {"enumValues", optional_of(record::array_of(text))}});
}

SchemaPtr change_description(const EventSettings& settings) {
  const SchemaPtr text = schema_of(SchemaType::string);
  const SchemaPtr maybe_text = optional_of(SchemaType::string);
  const SchemaPtr table = named_struct(settings, "io.debezium.connector.schema.Table",
                                       {{"defaultCharsetName", maybe_text},
                                        {"primaryKeyColumnNames", optional_of(record::array_of(text))},
                                        {"columns", record::array_of(column_description(settings))},
                                        {"comment", maybe_text}},
                                       /*optional=*/true);
  return named_struct(settings, "io.debezium.connector.schema.Change",
                      {{"type", text}, {"id", text}, {"table", table}});
}

std::string quoted(const std::string& name) {
  std::string out = "\"";
  for (const char letter : name) {
    if (letter == '"') out += letter;
    out += letter;
  }
  return out + '"';
}

Value column_value(const Column& column, std::size_t index) {
  const SourceType type = source_type_of(column);
  return Value::list({Value::text(column.name), Value::integer(type.jdbc_type), Value(),
                      Value::text(type.name), Value::text(type.name), Value(), Value::integer(type.length),
                      type.scale ? Value::integer(*type.scale) : Value(),
                      Value::integer(static_cast<std::int64_t>(index) + 1), Value::boolean(column.nullable),
                      Value::boolean(type.is_identity), Value::boolean(false), Value(),
                      column.fallback.empty() ? Value() : Value::text(column.fallback), Value()});
}

Value table_value(const TableSchema& table) {
  List key;
  for (const std::size_t column : table.key)
    key.push_back(Value::text(table.columns[column].name));
  List columns;
  for (std::size_t i = 0; i < table.columns.size(); ++i)
    columns.push_back(column_value(table.columns[i], i));
  return Value::list({Value(), Value::list(std::move(key)), Value::list(std::move(columns)), Value()});
}

Value source_value(const SchemaChange& change, const EventSettings& settings) {
  const EventContext& context = change.context;
  const std::int64_t time = context.source_time != 0 ? context.source_time : context.now;
  const auto lsn = [](const Lsn& of) {
    return of.is_zero() ? Value() : Value::text(std::string(LsnText(of).view()));
  };
  return Value::list(
      {Value::text(settings.version.empty() ? std::string(debezium_version()) : settings.version),
       Value::text("sqlserver"), Value::text(settings.prefix()),
       Value::integer(floor_divide(time, 1'000'000)), Value::text(std::string(marker_text(context.snapshot))),
       Value::text(settings.database), Value(), Value::integer(floor_divide(time, 1'000)),
       Value::integer(time), Value::text(change.table.name.schema), Value::text(change.table.name.name),
       lsn(context.change_lsn), lsn(context.commit_lsn),
       context.event_serial_no ? Value::integer(*context.event_serial_no) : Value()});
}

void mix(std::uint64_t& hash, std::string_view text) {
  constexpr std::uint64_t prime = 0x100000001b3;
  for (const char letter : text)
    hash = (hash ^ static_cast<unsigned char>(letter)) * prime;
  hash = hash * prime;  // An end: "ab", "c" is not "a", "bc".
}

}  // namespace

SchemaPtr schema_change_key_schema(const EventSettings& settings) {
  return named_struct(settings, "io.debezium.connector.sqlserver.SchemaChangeKey",
                      {{"databaseName", schema_of(SchemaType::string)}});
}

SchemaPtr schema_change_value_schema(const EventSettings& settings) {
  const SchemaPtr maybe_text = optional_of(SchemaType::string);
  return named_struct(settings, "io.debezium.connector.sqlserver.SchemaChangeValue",
                      {{"source", source_schema()},
                       {"ts_ms", schema_of(SchemaType::int64)},
                       {"databaseName", maybe_text},
                       {"schemaName", maybe_text},
                       {"ddl", maybe_text},
                       {"tableChanges", record::array_of(change_description(settings))}});
}

Value schema_change_key(const EventSettings& settings) {
  return Value::list({Value::text(settings.database)});
}

Value schema_change_value(const SchemaChange& change, const EventSettings& settings) {
  const TableName& name = change.table.name;
  const Value description = Value::list(
      {Value::text(change.is_new ? "CREATE" : "ALTER"),
       Value::text(quoted(settings.database) + "." + quoted(name.schema) + "." + quoted(name.name)),
       table_value(change.table)});
  return Value::list({source_value(change, settings),
                      Value::integer(floor_divide(change.context.now, 1'000'000)),
                      Value::text(settings.database), Value::text(name.schema),
                      change.is_new ? Value() : Value::text("N/A"), Value::list({description})});
}

// FNV-1a, which needs no more than to differ where the texts do.
std::string shape_of(const TableSchema& table) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const Column& column : table.columns) {
    const SourceType type = source_type_of(column);
    mix(hash, column.name);
    mix(hash, fmt::format("{} {} {} {}", type.name, type.length, type.scale.value_or(-1), column.nullable));
    mix(hash, column.fallback);
  }
  for (const std::size_t column : table.key)
    mix(hash, fmt::format("key {}", column));
  return fmt::format("{:016x}", hash);
}

}  // namespace tailrace::debezium
