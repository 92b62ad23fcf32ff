// Columns into schemas, and JSON into their values.
#include "intake/schemaless.h"

#include <optional>
#include <utility>

#include "base/error.h"
#include "intake/layout.h"
#include "intake/moment.h"
#include "intake/route.h"
#include "intake/table_names.h"

namespace tailrace::intake {
namespace {

using record::Json;
using record::List;
using record::Schema;
using record::SchemaType;
using record::Value;
using SchemaOfValue = record::SchemaPtr;

constexpr std::int64_t unix_epoch_days = 719'162;  // From 0001-01-01.

constexpr const char* schemaless_remedy =
    "have the records written with schemas (value.converter.schemas.enable, or Avro), moments as text "
    "(time.precision.mode: isostring), or leave the field out (source.exclude_fields)";

SchemaOfValue optional_named(SchemaType type, std::string name) {
  return record::make_schema({.type = type, .optional = true, .name = std::move(name)});
}

// Decimals travel as text: the digits as they stand there.
SchemaOfValue schema_of_type(const ColumnType& type) {
  switch (type.kind) {
    case TypeKind::bit: return record::optional_of(SchemaType::boolean);
    case TypeKind::smallint: return record::optional_of(SchemaType::int16);
    case TypeKind::int_: return record::optional_of(SchemaType::int32);
    case TypeKind::bigint: return record::optional_of(SchemaType::int64);
    case TypeKind::real: return record::optional_of(SchemaType::float32);
    case TypeKind::float_: return record::optional_of(SchemaType::float64);
    case TypeKind::date: return optional_named(SchemaType::int32, "io.debezium.time.Date");
    case TypeKind::time: return optional_named(SchemaType::string, "io.debezium.time.IsoTime");
    case TypeKind::datetime2: return optional_named(SchemaType::string, "io.debezium.time.IsoTimestamp");
    case TypeKind::datetimeoffset:
      return optional_named(SchemaType::string, "io.debezium.time.ZonedTimestamp");
    case TypeKind::xml: return optional_named(SchemaType::string, "io.debezium.data.Xml");
    case TypeKind::varbinary: return record::optional_of(SchemaType::bytes);
    default: return record::optional_of(SchemaType::string);
  }
}

std::string_view name_of(Json::Kind kind) {
  switch (kind) {
    case Json::Kind::null: return "null";
    case Json::Kind::boolean: return "true or false";
    case Json::Kind::integer: return "a whole number";
    case Json::Kind::number: return "a number";
    case Json::Kind::string: return "text";
    case Json::Kind::array: return "a list";
    case Json::Kind::object: return "an object";
  }
  return "a value";
}

[[noreturn]] void refuse(const Column& column, const Json& json) {
  throw Error(ErrorKind::data, "a record without a schema has " + std::string(name_of(json.kind)) +
                                   " for a column of type " + column.type.sql_name() +
                                   ", and does not say what it means")
      .with("column", column.name)
      .with("remedy", schemaless_remedy);
}

Value date_of(const Column& column, const Json& json) {
  if (const std::optional<std::int64_t> days = json.integer()) return Value::integer(*days);
  if (!json.is_string()) refuse(column, json);
  const std::optional<Moment> moment = parse_moment(json.text);
  if (!moment || !moment->days || moment->ticks.value_or(0) != 0) refuse(column, json);
  return Value::integer(*moment->days - unix_epoch_days);
}

Value value_of(const Column& column, const Json& json) {
  if (json.is_null()) return Value::null();
  switch (column.type.kind) {
    case TypeKind::bit:
      if (json.kind == Json::Kind::boolean) return Value::boolean(json.truth);
      break;
    case TypeKind::smallint:
    case TypeKind::int_:
    case TypeKind::bigint:
      if (const std::optional<std::int64_t> number = json.integer()) return Value::integer(*number);
      break;
    case TypeKind::real:
      if (const std::optional<double> number = json.number())
        return Value::float32(static_cast<float>(*number));
      break;
    case TypeKind::float_:
      if (const std::optional<double> number = json.number()) return Value::float64(*number);
      break;
    case TypeKind::decimal:
      if (json.is_number()) return Value::text(json.text);
      break;
    case TypeKind::date: return date_of(column, json);
    case TypeKind::varbinary: break;
    default:
      if (json.is_string()) return Value::text(json.text);
      break;
  }
  refuse(column, json);
}

// Of what stands beside a row.
Value plain_value(const Json& json) {
  if (const std::optional<std::int64_t> number = json.integer()) return Value::integer(*number);
  if (json.is_string()) return Value::text(json.text);
  if (json.kind == Json::Kind::boolean) return Value::text(json.truth ? "true" : "false");
  return Value::null();
}

// JSON allows a member to come again, and nobody says which one counts.
void refuse_twice(const std::vector<record::Field>& fields, const std::string& name) {
  for (const record::Field& field : fields) {
    if (field.name == name) throw Error(ErrorKind::data, "a record has a field twice").with("field", name);
  }
}

// Fields and their values, of a struct.
struct Fields {
  std::vector<record::Field> schema = {};
  List values = {};

  void add(const std::string& name, SchemaOfValue schema_of_field, Value value) {
    refuse_twice(schema, name);
    schema.push_back({name, std::move(schema_of_field)});
    values.push_back(std::move(value));
  }
  void add_plain(const std::string& name, const Json& json) {
    add(name, record::optional_of(json.integer() ? SchemaType::int64 : SchemaType::string),
        plain_value(json));
  }
};

bool is_envelope(const Json& json) {
  const auto is_row = [&](const char* name) {
    const Json* const found = json.find(name);
    return found != nullptr && (found->is_object() || found->is_null());
  };
  return json.find_string("op") != nullptr && is_row("before") && is_row("after");
}

}  // namespace

// A table that is altered while we run has another shape at the first field that is not known.
const TableSchema& Schemaless::describe(const TableName& table, bool anew) {
  SchemaPtr& known = described_[table];
  if (known == nullptr || anew) {
    TableSchema asked;
    asked.name = table;
    known = use_table_(asked, /*make=*/false);
  }
  if (known == nullptr)
    throw Error(ErrorKind::data,
                "a record does not say its schema, and its table is not there to take the columns from")
        .with("table", table.str())
        .with("remedy",
              "make the table, or have JSON written with schemas (value.converter.schemas.enable), or Avro");
  return *known;
}

const Column& Schemaless::column_of(const TableName& table, const std::string& name) {
  for (const bool anew : {false, true}) {
    const TableSchema& described = describe(table, anew);
    if (const std::optional<std::size_t> at = described.find_column(name)) return described.columns[*at];
  }
  throw Error(ErrorKind::schema,
              "a record without a schema has a field that is no column of its table, or one of a type that "
              "is not taken")
      .with("table", table.str())
      .with("column", name)
      .with("remedy", "add the column to the table, or leave the field out (source.exclude_fields)");
}

record::SchemaAndValue Schemaless::key(const TableName& table, const Json& json) {
  Fields out;
  const auto add = [&](const std::string& name, const Json& value) {
    const Column& column = column_of(table, name);
    out.add(name, schema_of_type(column.type), value_of(column, value));
  };
  if (!json.is_object()) {
    // Refused by whoever asks for a key's columns.
    if (json.is_array() || json.is_null() || settings_.pk_fields.size() != 1)
      return {record::optional_of(SchemaType::string), Value::null()};
    add(settings_.pk_fields.front(), json);
  }
  for (const auto& [name, value] : json.members)
    add(name, value);
  return {record::struct_of("", std::move(out.schema)), Value::list(std::move(out.values))};
}

Schemaless::Said Schemaless::value(std::string_view topic, const Json& json) {
  if (!json.is_object())
    throw Error(ErrorKind::data, "a record does not say its schema, and its value is no object")
        .with("remedy", schemaless_remedy);
  return is_envelope(json) ? envelope(topic, json) : flat(topic, json);
}

Schemaless::Said Schemaless::envelope(std::string_view topic, const Json& json) {
  Fields source;
  if (const Json* const said = json.find("source")) {
    for (const auto& [name, value] : said->members)
      source.add_plain(name, value);
  }
  const Schema of_source{.type = SchemaType::struct_, .fields = source.schema};
  const Layout::Origin origin{.database = of_source.position("db"),
                              .schema = of_source.position("schema"),
                              .table = of_source.position("table")};
  TableName table = table_of(settings_.table_names, topic, origin, &source.values);
  const Json& before = *json.find("before");
  const Json& after = *json.find("after");
  std::vector<record::Field> columns;
  for (const auto& [name, value] : (after.is_object() ? after : before).members) {
    if (may_be_left_out(settings_, topic, name)) continue;
    refuse_twice(columns, name);
    columns.push_back({name, schema_of_type(column_of(table, name).type)});
  }
  const auto row_of = [&](const Json& row) {
    if (!row.is_object()) return Value::null();
    List values;
    for (const record::Field& field : columns) {
      const Json* const found = row.find(field.name);
      values.push_back(found == nullptr ? Value::null() : value_of(column_of(table, field.name), *found));
    }
    return Value::list(std::move(values));
  };
  Fields out;
  Value old_row = row_of(before);
  Value new_row = row_of(after);
  const SchemaOfValue row = record::optional_of(record::struct_of("", std::move(columns)));
  out.add("before", row, std::move(old_row));
  out.add("after", row, std::move(new_row));
  if (!source.schema.empty())
    out.add("source", record::struct_of("", std::move(source.schema)), Value::list(std::move(source.values)));
  out.add("op", record::optional_of(SchemaType::string), Value::text(*json.find_string("op")));
  return {record::struct_of("", std::move(out.schema)), Value::list(std::move(out.values)), std::move(table)};
}

Schemaless::Said Schemaless::flat(std::string_view topic, const Json& json) {
  Fields out;
  for (const auto& [name, value] : json.members) {
    if (is_beside_a_row(name)) out.add_plain(name, value);
  }
  const Schema beside{.type = SchemaType::struct_, .fields = out.schema};
  TableName table = table_of(settings_.table_names, topic, layout_of(beside).origin, &out.values);
  for (const auto& [name, value] : json.members) {
    if (is_beside_a_row(name) || may_be_left_out(settings_, topic, name)) continue;
    const Column& column = column_of(table, name);
    out.add(name, schema_of_type(column.type), value_of(column, value));
  }
  return {record::struct_of("", std::move(out.schema)), Value::list(std::move(out.values)), std::move(table)};
}

}  // namespace tailrace::intake
