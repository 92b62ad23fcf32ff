// Tables and rows for tests, written shortly.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "model/change_batch.h"
#include "model/row_batch.h"

namespace tailrace::testing {

struct Null {};
struct Absent {};
struct Ticks {  // datetimeoffset
  std::int64_t ticks;
  std::int16_t minutes;
};
struct Uuid {
  std::string bytes;  // 16 of them
};
using Value = std::variant<Null, Absent, std::int64_t, int, int128, float, double, std::string, const char*,
                           Ticks, Uuid>;

Column column(std::string name, ColumnType type, bool nullable = true);
SchemaPtr table(const std::string& name, std::vector<Column> columns, std::vector<std::size_t> key = {0});

std::size_t add(RowBatch& batch, Operation operation, const std::vector<Value>& values);

Lsn lsn(std::uint8_t number);
// One commit point.
ChangeBatch ending_at(Lsn end, std::vector<RowBatch> tables, std::vector<TableName> caught_up = {});
ChangeBatch part(std::vector<RowBatch> tables);

}  // namespace tailrace::testing
