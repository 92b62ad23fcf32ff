// Building the envelope's schema and values, field by field in Debezium's order.
#include "intake/testing/events.h"

#include <fmt/format.h>

#include <utility>

#include "base/byte_buffer.h"
#include "record/avro_plan.h"
#include "record/avro_schema.h"
#include "record/avro_type.h"
#include "record/connect_json.h"
#include "record/json_writer.h"
#include "record/wire_format.h"
#include "record/write_value.h"

namespace tailrace::intake::testing {
namespace {

using record::Field;
using record::make_schema;
using record::optional_of;
using record::schema_of;
using record::SchemaPtr;
using record::SchemaType;

SchemaPtr source_schema() {
  return make_schema({.type = SchemaType::struct_,
                      .name = "io.debezium.connector.sqlserver.Source",
                      .fields = {{"version", schema_of(SchemaType::string)},
                                 {"connector", schema_of(SchemaType::string)},
                                 {"name", schema_of(SchemaType::string)},
                                 {"ts_ms", schema_of(SchemaType::int64)},
                                 {"snapshot", optional_of(SchemaType::string)},
                                 {"db", schema_of(SchemaType::string)},
                                 {"schema", schema_of(SchemaType::string)},
                                 {"table", schema_of(SchemaType::string)},
                                 {"change_lsn", optional_of(SchemaType::string)},
                                 {"commit_lsn", optional_of(SchemaType::string)},
                                 {"event_serial_no", optional_of(SchemaType::int64)}}});
}

// schema.name.adjustment.mode: avro.
std::string adjusted(std::string name) {
  for (char& c : name) {
    if (c == '-') c = '_';
  }
  return name;
}

Value list_or_null(const std::optional<List>& row) {
  return row ? Value::list(*row) : Value::null();
}

}  // namespace

SchemaPtr EventTable::row_schema() const {
  return make_schema(
      {.type = SchemaType::struct_, .optional = true, .name = adjusted(topic) + ".Value", .fields = columns});
}

SchemaPtr EventTable::key_schema() const {
  std::vector<Field> fields;
  for (const std::string& column : key) {
    for (const Field& field : columns) {
      if (field.name == column) fields.push_back(field);
    }
  }
  return make_schema(
      {.type = SchemaType::struct_, .name = adjusted(topic) + ".Key", .fields = std::move(fields)});
}

SchemaPtr EventTable::envelope_schema() const {
  const SchemaPtr row = row_schema();
  return make_schema({.type = SchemaType::struct_,
                      .name = adjusted(topic) + ".Envelope",
                      .fields = {{"before", row},
                                 {"after", row},
                                 {"source", source_schema()},
                                 {"op", schema_of(SchemaType::string)},
                                 {"ts_ms", optional_of(SchemaType::int64)}}});
}

std::string lsn_text(std::uint64_t number) {
  return fmt::format("{:08x}:{:08x}:{:04x}", number >> 48, number >> 16 & 0xffffffff, number & 0xffff);
}

Value key_value(const EventTable& table, const List& row) {
  List out;
  for (const std::string& column : table.key) {
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      if (table.columns[i].name == column) out.push_back(row[i]);
    }
  }
  return Value::list(std::move(out));
}

Value envelope_value(const EventTable& table, const Change& change) {
  const bool is_snapshot = change.snapshot != "false";
  List source{Value::text("3.6.0"),
              Value::text("sqlserver"),
              Value::text("shop"),
              Value::integer(change.milliseconds),
              Value::text(change.snapshot),
              Value::text(table.database),
              Value::text(table.schema),
              Value::text(table.name),
              is_snapshot ? Value::null() : Value::text(lsn_text(change.commit)),
              Value::text(lsn_text(change.commit)),
              Value::integer(1)};
  return Value::list({list_or_null(change.before), list_or_null(change.after), Value::list(std::move(source)),
                      Value::text(change.op), Value::integer(change.milliseconds)});
}

std::string json_of(const record::Schema& schema, const Value& value) {
  ByteBuffer out;
  out.put_bytes(record::json_envelope_head(schema));
  record::JsonWriter writer(record::JsonPlan::compile(schema), out);
  record::write_value(writer, schema, value);
  out.put_bytes(record::json_envelope_tail);
  return out.str();
}

std::string avro_of(const record::Schema& schema, const Value& value, std::int32_t schema_id) {
  ByteBuffer out;
  record::put_frame(out, schema_id);
  record::AvroWriter writer(record::AvroPlan::compile(*record::parse_avro(record::avro_document(schema))),
                            out);
  record::write_value(writer, schema, value);
  return out.str();
}

}  // namespace tailrace::intake::testing
