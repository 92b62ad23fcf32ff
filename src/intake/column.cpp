// Connect's types and Debezium's semantic ones, read.
#include "intake/column.h"

#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "base/error.h"
#include "intake/cells.h"

namespace tailrace::intake {
namespace {

using record::Schema;
using record::SchemaType;

constexpr int most_digits = 38;

struct Semantic {
  std::string_view name;
  Meaning meaning;
  ColumnType type;
};

constexpr ColumnType second_digits(TypeKind kind, std::uint8_t digits) {
  return {kind, 0, 0, digits};
}

constexpr std::array<Semantic, 16> semantics{{
    {"io.debezium.time.Date", Meaning::days, {TypeKind::date}},
    {"io.debezium.time.Time", Meaning::time_milliseconds, second_digits(TypeKind::time, 3)},
    {"io.debezium.time.MicroTime", Meaning::time_microseconds, second_digits(TypeKind::time, 6)},
    {"io.debezium.time.NanoTime", Meaning::time_nanoseconds, second_digits(TypeKind::time, 7)},
    {"io.debezium.time.Timestamp", Meaning::milliseconds, second_digits(TypeKind::datetime2, 3)},
    {"io.debezium.time.MicroTimestamp", Meaning::microseconds, second_digits(TypeKind::datetime2, 6)},
    {"io.debezium.time.NanoTimestamp", Meaning::nanoseconds, second_digits(TypeKind::datetime2, 7)},
    {"io.debezium.time.ZonedTimestamp", Meaning::moment_text, second_digits(TypeKind::datetimeoffset, 7)},
    {"io.debezium.time.IsoDate", Meaning::moment_text, {TypeKind::date}},
    {"io.debezium.time.IsoTime", Meaning::moment_text, second_digits(TypeKind::time, 7)},
    {"io.debezium.time.IsoTimestamp", Meaning::moment_text, second_digits(TypeKind::datetime2, 7)},
    {"io.debezium.data.Xml", Meaning::text, {TypeKind::xml, -1}},
    {record::date_name, Meaning::days, {TypeKind::date}},
    {record::time_name, Meaning::time_milliseconds, second_digits(TypeKind::time, 3)},
    {record::timestamp_name, Meaning::milliseconds, second_digits(TypeKind::datetime2, 3)},
    {"io.debezium.data.Enum", Meaning::text, {TypeKind::nvarchar, -1}},
}};

[[noreturn]] void refuse_type(const std::string& name, const Schema& schema) {
  throw Error(ErrorKind::config, "a column of type " + std::string(record::name_of(schema.type)) +
                                     (schema.name.empty() ? "" : " (" + schema.name + ")") + " is not taken")
      .with("column", name)
      .with("remedy", "leave it out where the records are made (column.exclude.list, ReplaceField)");
}

const Semantic* semantic_of(const Schema& schema) {
  for (const Semantic& each : semantics) {
    if (each.name == schema.name) return &each;
  }
  return nullptr;
}

// The type that a meaning has by the schema alone.
ColumnType plain_type(const std::string& name, const Schema& schema) {
  if (const Semantic* const found = semantic_of(schema)) return found->type;
  if (record::is_decimal(schema)) {
    const std::int32_t scale = record::decimal_scale(schema);
    int precision = most_digits;
    if (const std::string* const said = schema.parameter("connect.decimal.precision"))
      std::from_chars(said->data(), said->data() + said->size(), precision);
    if (scale < 0 || scale > most_digits || precision < 1 || precision > most_digits || scale > precision)
      refuse_type(name, schema);
    return {TypeKind::decimal, 0, static_cast<std::uint8_t>(precision), static_cast<std::uint8_t>(scale)};
  }
  switch (schema.type) {
    case SchemaType::boolean: return {TypeKind::bit};
    case SchemaType::int8:
    case SchemaType::int16: return {TypeKind::smallint};
    case SchemaType::int32: return {TypeKind::int_};
    case SchemaType::int64: return {TypeKind::bigint};
    case SchemaType::float32: return {TypeKind::real};
    case SchemaType::float64: return {TypeKind::float_};
    case SchemaType::string: return {TypeKind::nvarchar, -1};
    case SchemaType::bytes: return {TypeKind::varbinary, -1};
    case SchemaType::array:
    case SchemaType::map:
    case SchemaType::struct_: break;
  }
  refuse_type(name, schema);
}

std::optional<int> number_of(const Schema& schema, std::string_view parameter) {
  const std::string* const text = schema.parameter(parameter);
  int number = 0;
  if (text == nullptr) return std::nullopt;
  const auto [end, fault] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (fault != std::errc() || end != text->data() + text->size()) return std::nullopt;
  return number;
}

enum class Size : std::uint8_t { none, length, digits, decimal };

struct SourceType {
  std::string_view name;
  TypeKind kind;
  Size size;
};

constexpr std::array<SourceType, 32> source_types{{
    {"BIT", TypeKind::bit, Size::none},
    {"TINYINT", TypeKind::tinyint, Size::none},
    {"SMALLINT", TypeKind::smallint, Size::none},
    {"INT", TypeKind::int_, Size::none},
    {"BIGINT", TypeKind::bigint, Size::none},
    {"DECIMAL", TypeKind::decimal, Size::decimal},
    {"NUMERIC", TypeKind::decimal, Size::decimal},
    {"SMALLMONEY", TypeKind::smallmoney, Size::none},
    {"MONEY", TypeKind::money, Size::none},
    {"REAL", TypeKind::real, Size::none},
    {"FLOAT", TypeKind::float_, Size::none},
    {"DATE", TypeKind::date, Size::none},
    {"TIME", TypeKind::time, Size::digits},
    {"SMALLDATETIME", TypeKind::smalldatetime, Size::none},
    {"DATETIME", TypeKind::datetime, Size::none},
    {"DATETIME2", TypeKind::datetime2, Size::digits},
    {"DATETIMEOFFSET", TypeKind::datetimeoffset, Size::digits},
    {"CHAR", TypeKind::char_, Size::length},
    {"VARCHAR", TypeKind::varchar, Size::length},
    {"NCHAR", TypeKind::nchar, Size::length},
    {"NVARCHAR", TypeKind::nvarchar, Size::length},
    {"SYSNAME", TypeKind::nvarchar, Size::length},
    {"BINARY", TypeKind::binary, Size::length},
    {"VARBINARY", TypeKind::varbinary, Size::length},
    {"UNIQUEIDENTIFIER", TypeKind::uniqueidentifier, Size::none},
    {"TEXT", TypeKind::text, Size::none},
    {"NTEXT", TypeKind::ntext, Size::none},
    {"IMAGE", TypeKind::image, Size::none},
    {"TIMESTAMP", TypeKind::rowversion, Size::none},
    {"ROWVERSION", TypeKind::rowversion, Size::none},
    {"XML", TypeKind::xml, Size::none},
    {"SQL_VARIANT", TypeKind::sql_variant, Size::none},
}};

constexpr int longest_sized = 8'000;
constexpr int most_second_digits = 7;

// As datatype.propagate.source.type sends it. Nothing where it is not sent, or is not understood.
std::optional<ColumnType> propagated_type(const Schema& schema) {
  const std::string* const said = schema.parameter("__debezium.source.column.type");
  if (said == nullptr) return std::nullopt;
  const std::string_view name = std::string_view(*said).substr(0, said->find_first_of(" ("));  // INT IDENTITY
  const std::optional<int> length = number_of(schema, "__debezium.source.column.length");
  const std::optional<int> scale = number_of(schema, "__debezium.source.column.scale");
  for (const SourceType& each : source_types) {
    if (each.name != name) continue;
    ColumnType type{each.kind};
    switch (each.size) {
      case Size::none: break;
      case Size::length:
        if (!length || *length < 1) return std::nullopt;
        type.length = *length > longest_sized ? -1 : *length;
        break;
      case Size::digits:
        if (!scale || *scale < 0 || *scale > most_second_digits) return std::nullopt;
        type.scale = static_cast<std::uint8_t>(*scale);
        break;
      case Size::decimal:
        if (!length || *length < 1 || *length > most_digits) return std::nullopt;
        if (scale && (*scale < 0 || *scale > *length)) return std::nullopt;
        type.precision = static_cast<std::uint8_t>(*length);
        type.scale = static_cast<std::uint8_t>(scale.value_or(0));
        break;
    }
    const bool is_long = each.kind == TypeKind::text || each.kind == TypeKind::ntext ||
                         each.kind == TypeKind::image || each.kind == TypeKind::xml;
    if (is_long) type.length = -1;
    return type;
  }
  return std::nullopt;
}

}  // namespace

FieldMeaning meaning_of(const std::string& name, const Schema& schema) {
  if (const Semantic* const found = semantic_of(schema)) return {found->meaning};
  if (record::is_decimal(schema)) return {Meaning::decimal, record::decimal_scale(schema)};
  switch (schema.type) {
    case SchemaType::boolean: return {Meaning::boolean};
    case SchemaType::int8:
    case SchemaType::int16:
    case SchemaType::int32:
    case SchemaType::int64: return {Meaning::integer};
    case SchemaType::float32: return {Meaning::float32};
    case SchemaType::float64: return {Meaning::float64};
    case SchemaType::string: return {Meaning::text};
    case SchemaType::bytes: return {Meaning::bytes};
    case SchemaType::array:
    case SchemaType::map:
    case SchemaType::struct_: break;
  }
  refuse_type(name, schema);
}

Column propose_column(const std::string& name, const Schema& schema, bool is_key) {
  Column column{name, plain_type(name, schema), schema.optional && !is_key, ""};
  const std::optional<ColumnType> said = propagated_type(schema);
  if (said && can_write(meaning_of(name, schema), *said)) column.type = *said;
  return column;
}

}  // namespace tailrace::intake
