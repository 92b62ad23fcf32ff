// How a column's values look in events: its Connect schema, and the one operation that writes its cells.
//
// Source  Debezium 3.6: SqlServerValueConverters, JdbcValueConverters, TemporalPrecisionMode; docs/debezium-compatibility.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "debezium/column_rules.h"
#include "debezium/settings.h"
#include "model/table_schema.h"
#include "record/schema.h"

namespace tailrace::debezium {

enum class CellForm : std::uint8_t {
  boolean,
  integer,
  float32,
  float64,
  decimal,         // Its two's complement.
  decimal_text,    // As digits, its zeros kept.
  decimal_double,  // The nearest one.
  date,            // Days since 1970.
  date_text,       // ISO 8601, in UTC.
  time_ms,         // Since midnight.
  time_us,
  time_ns,
  time_text,
  timestamp_ms,  // Since 1970.
  timestamp_us,
  timestamp_ns,
  timestamp_text,
  offset_text,  // ISO 8601 with its offset.
  text,
  uuid,  // As upper-case text.
  bytes,
  base64,
  base64_url,
  hex,
  spatial_text  // EWKT.
};

CellForm form_of(const ColumnType& type, const EventSettings& settings);

// Digits behind the point of a decimal or money.
std::uint8_t scale_of(const ColumnType& type);

// The column as a field, with its default where Debezium understands it, and what its rule says of it.
record::SchemaPtr column_schema(const Column& column, const EventSettings& settings,
                                const ColumnRule& rule = {});

struct ColumnPlan {
  std::size_t column = 0;  // Of the table.
  CellForm form = CellForm::integer;
  std::uint8_t scale = 0;
  bool is_datetime = false;  // Three-hundredths of a second, which are shown in milliseconds.
  record::SchemaPtr schema = {};
  // What stands for a value that CDC did not say: text, or bytes.
  std::string placeholder = {};
  // What stands for NULL, where NULL itself may not.
  std::optional<record::Value> null_value = {};
  std::shared_ptr<const ColumnChange> change = {};  // What becomes of its values; none: nothing.
  bool null_where_beyond = false;                   // NULL stands for what its form cannot say.
};

// `rules`: none of them in keys.
ColumnPlan plan_column(const Column& column, std::size_t index, const EventSettings& settings,
                       const ColumnRules* rules);

}  // namespace tailrace::debezium
