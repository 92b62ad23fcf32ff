// The forms of columns by their types and the settings.
#include "debezium/column_form.h"

#include <utility>

#include "base/byte_buffer.h"
#include "debezium/binary_text.h"
#include "debezium/column_default.h"
#include "model/key_text.h"
#include "record/decimal.h"

namespace tailrace::debezium {
namespace {

using record::Schema;
using record::SchemaType;
using record::Value;

struct Semantic {
  SchemaType type;
  std::string_view name = {};
};

CellForm decimal_form(DecimalMode mode) {
  switch (mode) {
    case DecimalMode::precise: return CellForm::decimal;
    case DecimalMode::string: return CellForm::decimal_text;
    case DecimalMode::double_: break;
  }
  return CellForm::decimal_double;
}

CellForm time_form(TimePrecision mode, int scale) {
  switch (mode) {
    case TimePrecision::adaptive:
      return scale <= 3 ? CellForm::time_ms : scale <= 6 ? CellForm::time_us : CellForm::time_ns;
    case TimePrecision::adaptive_time_microseconds:
    case TimePrecision::microseconds: return CellForm::time_us;
    case TimePrecision::nanoseconds: return CellForm::time_ns;
    case TimePrecision::isostring: return CellForm::time_text;
    case TimePrecision::connect: break;
  }
  return CellForm::time_ms;
}

CellForm timestamp_form(TimePrecision mode, int scale) {
  switch (mode) {
    case TimePrecision::adaptive:
    case TimePrecision::adaptive_time_microseconds:
      return scale <= 3   ? CellForm::timestamp_ms
             : scale <= 6 ? CellForm::timestamp_us
                          : CellForm::timestamp_ns;
    case TimePrecision::microseconds: return CellForm::timestamp_us;
    case TimePrecision::nanoseconds: return CellForm::timestamp_ns;
    case TimePrecision::isostring: return CellForm::timestamp_text;
    case TimePrecision::connect: break;
  }
  return CellForm::timestamp_ms;
}

CellForm binary_form(BinaryMode mode) {
  switch (mode) {
    case BinaryMode::bytes: return CellForm::bytes;
    case BinaryMode::base64: return CellForm::base64;
    case BinaryMode::base64_url_safe: return CellForm::base64_url;
    case BinaryMode::hex: break;
  }
  return CellForm::hex;
}

// Of datetime and smalldatetime the JDBC driver says 3 and 0.
int timestamp_scale(const ColumnType& type) {
  return type.kind == TypeKind::datetime2 ? type.scale : 3;
}

SchemaType integer_type(TypeKind kind) {
  switch (kind) {
    case TypeKind::tinyint:
    case TypeKind::smallint: return SchemaType::int16;
    case TypeKind::int_: return SchemaType::int32;
    default: return SchemaType::int64;
  }
}

Semantic semantic_of(CellForm form, const ColumnType& type, bool connect) {
  switch (form) {
    case CellForm::boolean: return {SchemaType::boolean};
    case CellForm::integer: return {integer_type(type.kind)};
    case CellForm::float32: return {SchemaType::float32};
    case CellForm::float64:
    case CellForm::decimal_double: return {SchemaType::float64};
    case CellForm::decimal: return {SchemaType::bytes, record::decimal_name};
    case CellForm::date: return {SchemaType::int32, connect ? record::date_name : "io.debezium.time.Date"};
    case CellForm::date_text: return {SchemaType::string, "io.debezium.time.IsoDate"};
    case CellForm::time_ms: return {SchemaType::int32, connect ? record::time_name : "io.debezium.time.Time"};
    case CellForm::time_us: return {SchemaType::int64, "io.debezium.time.MicroTime"};
    case CellForm::time_ns: return {SchemaType::int64, "io.debezium.time.NanoTime"};
    case CellForm::time_text: return {SchemaType::string, "io.debezium.time.IsoTime"};
    case CellForm::timestamp_ms:
      return {SchemaType::int64, connect ? record::timestamp_name : "io.debezium.time.Timestamp"};
    case CellForm::timestamp_us: return {SchemaType::int64, "io.debezium.time.MicroTimestamp"};
    case CellForm::timestamp_ns: return {SchemaType::int64, "io.debezium.time.NanoTimestamp"};
    case CellForm::timestamp_text: return {SchemaType::string, "io.debezium.time.IsoTimestamp"};
    case CellForm::offset_text: return {SchemaType::string, "io.debezium.time.ZonedTimestamp"};
    case CellForm::bytes: return {SchemaType::bytes};
    case CellForm::decimal_text:
    case CellForm::text:
    case CellForm::uuid:
    case CellForm::base64:
    case CellForm::base64_url:
    case CellForm::hex:
    case CellForm::spatial_text: break;
  }
  return {SchemaType::string};
}

std::uint8_t decimal_precision(const ColumnType& type) {
  if (type.kind == TypeKind::money) return 19;
  if (type.kind == TypeKind::smallmoney) return 10;
  return type.precision;
}

// What Debezium writes where a column that may not be NULL has no value: CDC keeps none of computed columns, and of text,
// ntext and image none of before a change.
Value empty_value(CellForm form, std::uint8_t scale, const Schema& schema) {
  switch (form) {
    case CellForm::date_text: return Value::text("1970-01-01Z");
    case CellForm::time_text: return Value::text("00:00:00Z");
    case CellForm::timestamp_text:
    case CellForm::offset_text: return Value::text("1970-01-01T00:00:00Z");
    case CellForm::decimal: return Value::bytes(record::decimal_bytes(0));
    case CellForm::decimal_text: return Value::text(decimal_text(0, scale));
    default: break;
  }
  switch (schema.type) {
    case SchemaType::boolean: return Value::boolean(false);
    case SchemaType::float32: return Value::float32(0);
    case SchemaType::float64: return Value::float64(0);
    case SchemaType::string: return Value::text("");
    case SchemaType::bytes: return Value::bytes("");
    default: return Value::integer(0);
  }
}

ShownAs shown_as(CellForm form, const ColumnType& type) {
  if (form == CellForm::bytes) return ShownAs::bytes;
  return semantic_of(form, type, /*connect=*/false).type == SchemaType::string ? ShownAs::text
                                                                               : ShownAs::other;
}

}  // namespace

std::uint8_t scale_of(const ColumnType& type) {
  return type.kind == TypeKind::money || type.kind == TypeKind::smallmoney ? 4 : type.scale;
}

CellForm form_of(const ColumnType& type, const EventSettings& settings) {
  switch (type.cell_kind()) {
    case CellKind::boolean: return CellForm::boolean;
    case CellKind::integer: return CellForm::integer;
    case CellKind::decimal: return decimal_form(settings.decimals);
    case CellKind::float32: return CellForm::float32;
    case CellKind::float64: return CellForm::float64;
    case CellKind::date:
      return settings.times == TimePrecision::isostring ? CellForm::date_text : CellForm::date;
    case CellKind::time: return time_form(settings.times, type.scale);
    case CellKind::timestamp: return timestamp_form(settings.times, timestamp_scale(type));
    case CellKind::timestamp_offset: return CellForm::offset_text;
    case CellKind::text: return CellForm::text;
    case CellKind::bytes: return binary_form(settings.binary);
    case CellKind::uuid: return CellForm::uuid;
    case CellKind::spatial: break;
  }
  return CellForm::spatial_text;
}

record::SchemaPtr column_schema(const Column& column, const EventSettings& settings, const ColumnRule& rule) {
  const CellForm form = form_of(column.type, settings);
  const bool connect = settings.times == TimePrecision::connect;
  const Semantic semantic = semantic_of(form, column.type, connect);
  Schema schema{.type = semantic.type, .optional = column.nullable, .name = std::string(semantic.name)};
  if (!semantic.name.empty()) schema.version = 1;
  if (form == CellForm::decimal) {
    schema.parameters = {{"scale", std::to_string(scale_of(column.type))},
                         {"connect.decimal.precision", std::to_string(decimal_precision(column.type))}};
  }
  schema.fallback = default_of(column, form, schema);
  schema.parameters.insert(schema.parameters.end(), rule.parameters.begin(), rule.parameters.end());
  return record::make_schema(std::move(schema));
}

ColumnPlan plan_column(const Column& column, std::size_t index, const EventSettings& settings,
                       const ColumnRules* rules) {
  const CellForm form = form_of(column.type, settings);
  const ColumnRule rule =
      rules == nullptr ? ColumnRule{} : rules->rule_of(column, shown_as(form, column.type));
  ColumnPlan plan{.column = index,
                  .form = form,
                  .scale = scale_of(column.type),
                  .is_datetime = column.type.kind == TypeKind::datetime,
                  .schema = column_schema(column, settings, rule),
                  .change = rule.change};
  const std::string& unavailable = settings.unavailable_value;
  ByteBuffer written;
  switch (plan.form) {
    case CellForm::base64: put_base64_text(written, unavailable, /*url_safe=*/false); break;
    case CellForm::base64_url: put_base64_text(written, unavailable, /*url_safe=*/true); break;
    case CellForm::hex: put_hex_text(written, unavailable); break;
    default: written.put_bytes(unavailable);
  }
  plan.placeholder = written.str();
  plan.null_where_beyond = rules != nullptr && settings.conversion_failures == ConversionFailure::warn &&
                           (column.nullable || plan.schema->fallback);
  const bool replaced = plan.schema->fallback && settings.nulls == record::NullPolicy::replace_by_default;
  if (replaced || (!column.nullable && plan.schema->fallback))
    plan.null_value = *plan.schema->fallback;
  else if (!column.nullable)
    plan.null_value = empty_value(plan.form, plan.scale, *plan.schema);
  return plan;
}

}  // namespace tailrace::debezium
