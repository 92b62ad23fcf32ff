// A column's type as a JDBC driver says it of SQL Server, which is what Debezium knows of it.
//
// Source  Microsoft's JDBC driver, DatabaseMetaData.getColumns, and sp_columns_100 behind it: what a recorded Debezium said of every
//         type (testdata/column_types.jsonl, testdata/schema_changes.jsonl).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "model/table_schema.h"

namespace tailrace::debezium {

struct SourceType {
  std::string name = {};                   // TYPE_NAME: `int identity`, `numeric`, `timestamp`.
  std::int32_t jdbc_type = 0;              // A constant of java.sql.Types, or of the driver's own.
  std::int32_t length = 0;                 // COLUMN_SIZE.
  std::optional<std::int32_t> scale = {};  // DECIMAL_DIGITS.
  bool is_identity = false;
};

SourceType source_type_of(const Column& column);

// What Debezium masks: the others it passes through, whatever becomes of them in an event.
bool is_maskable(const SourceType& type);

}  // namespace tailrace::debezium
