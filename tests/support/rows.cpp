// Test rows.
#include "tests/support/rows.h"

#include <cstring>

namespace tailrace::testing {
namespace {

struct Put {
  RowBatch& batch;
  std::size_t row;
  std::size_t at;

  void operator()(Null) const { batch.set_null(row, at); }
  void operator()(Absent) const { batch.set_absent(row, at); }
  void operator()(std::int64_t value) const {
    if (batch.schema().columns[at].type.cell_kind() == CellKind::decimal)
      batch.put(row, at).decimal = value;
    else
      batch.put(row, at).integer = value;
  }
  void operator()(int value) const { (*this)(std::int64_t{value}); }
  void operator()(int128 value) const { batch.put(row, at).decimal = value; }
  void operator()(float value) const { batch.put(row, at).float32 = value; }
  void operator()(double value) const { batch.put(row, at).float64 = value; }
  void operator()(const std::string& value) const { batch.put_text(row, at, value); }
  void operator()(const char* value) const { batch.put_text(row, at, value); }
  void operator()(Ticks value) const {
    Cell& cell = batch.put(row, at);
    cell.offset_time.ticks = value.ticks;
    cell.offset_time.minutes = value.minutes;
  }
  void operator()(const Uuid& value) const { std::memcpy(batch.put(row, at).uuid, value.bytes.data(), 16); }
};

}  // namespace

Column column(std::string name, ColumnType type, bool nullable) {
  return {std::move(name), type, nullable, ""};
}

SchemaPtr table(const std::string& name, std::vector<Column> columns, std::vector<std::size_t> key) {
  auto made = std::make_shared<TableSchema>();
  made->name = {"dbo", name};
  made->columns = std::move(columns);
  made->key = std::move(key);
  for (const std::size_t index : made->key)
    made->columns[index].nullable = false;
  made->instance = {"dbo_" + name, 7, "2026-11-23T00:00:00", Lsn{}};
  return made;
}

std::size_t add(RowBatch& batch, Operation operation, const std::vector<Value>& values) {
  RowHeader header;
  header.operation = operation;
  const std::size_t row = batch.add_row(header);
  for (std::size_t at = 0; at < values.size(); ++at)
    std::visit(Put{batch, row, at}, values[at]);
  return row;
}

Lsn lsn(std::uint8_t number) {
  Lsn made;
  made.bytes[9] = number;
  return made;
}

ChangeBatch part(std::vector<RowBatch> tables) {
  ChangeBatch batch;
  batch.tables = std::move(tables);
  return batch;
}

ChangeBatch ending_at(Lsn end, std::vector<RowBatch> tables, std::vector<TableName> caught_up) {
  ChangeBatch batch = part(std::move(tables));
  batch.end = Position{end, "evidence " + end.hex(), 42};
  batch.transactions = 1;
  batch.caught_up = std::move(caught_up);
  return batch;
}

}  // namespace tailrace::testing
