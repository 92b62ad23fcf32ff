// A field of a record's row as a column: what its Connect schema says of the values, and the type that it proposes.
//
// Shape    Connect has fewer types than SQL Server: a string may be nvarchar(50), uniqueidentifier or xml. What is proposed takes
//          every value; the target may know better (UseTable), and cells.h makes the values what it says, or a fault. Where
//          the source's types were sent along (datatype.propagate.source.type) they are proposed.
// Errors   config: a type that has no column (arrays, structs), with the column's name.
// Threads  Functions.
// Source   docs/types.md; Debezium 3.6, SQL Server connector, "Data type mappings"; Kafka Connect's logical types.
#pragma once

#include <cstdint>
#include <string>

#include "model/table_schema.h"
#include "record/schema.h"

namespace tailrace::intake {

// How Connect's value is to be read.
enum class Meaning : std::uint8_t {
  boolean,
  integer,
  float32,
  float64,
  decimal,  // Two's complement.
  text,
  bytes,
  days,  // Since 1970-01-01.
  time_milliseconds,
  time_microseconds,
  time_nanoseconds,
  milliseconds,  // Since 1970-01-01.
  microseconds,
  nanoseconds,
  moment_text,  // ISO 8601: a date, a time, both, or both with an offset.
};

struct FieldMeaning {
  Meaning meaning = Meaning::text;
  std::int32_t scale = 0;  // Of a decimal.
};

FieldMeaning meaning_of(const std::string& name, const record::Schema& schema);
Column propose_column(const std::string& name, const record::Schema& schema, bool is_key);

}  // namespace tailrace::intake
