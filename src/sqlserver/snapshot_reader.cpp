// Planning and reading chunks.
#include "sqlserver/snapshot_reader.h"

#include <algorithm>

#include "model/key_text.h"
#include "sqlserver/connect_string.h"
#include "sqlserver/row_reader.h"
#include "sqlserver/statements.h"

namespace tailrace::sqlserver {
namespace {

// A statement has at most 2100 parameters.
constexpr std::size_t most_parameters = 1000;

// The key's columns alone, in key order: what a bound is read as.
SchemaPtr key_schema_of(const TableSchema& table) {
  auto out = std::make_shared<TableSchema>();
  out->name = table.name;
  out->instance = table.instance;
  for (const std::size_t column : table.key) {
    out->key.push_back(out->columns.size());
    out->columns.push_back(table.columns[column]);
  }
  return out;
}

// Whether ranges of its key have all of the table's rows: NULL is in none of them.
bool has_ranges(const TableSchema& table) {
  return !table.key.empty() && std::none_of(table.key.begin(), table.key.end(), [&](std::size_t column) {
    return table.columns[column].nullable;
  });
}

// What `work` answers; nothing if it was the stop that ended it.
template <class Work>
auto unless_stopped(const std::stop_token& stop, const Work& work) -> std::optional<decltype(work())> {
  try {
    return work();
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::abandoned && stop.stop_requested()) return std::nullopt;
    throw;
  }
}

}  // namespace

TableSnapshotReader::TableSnapshotReader(const Settings& settings, std::string database_collation,
                                         bool snapshot_isolation)
    : connection_(settings), database_collation_(std::move(database_collation)) {
  // Each statement is a transaction of its own, ended with its last row.
  if (snapshot_isolation) run(connection_, "set the isolation", "SET TRANSACTION ISOLATION LEVEL SNAPSHOT");
}

std::optional<Chunk> TableSnapshotReader::plan_chunk(const TableSchema& table, const Chunk* last,
                                                     std::uint64_t chunk_rows, std::stop_token stop) {
  const Connection::StopScope scope(connection_, stop);
  return unless_stopped(stop, [&] { return plan(table, last, chunk_rows); });
}

TextForm TableSnapshotReader::text_form() const {
  return text_form_of(connection_.settings());
}

RowPlan TableSnapshotReader::plan_for(const TableSchema& table) const {
  return {table, {}, connection_.settings().max_value_bytes, connection_.settings().long_value_is_fault};
}

Chunk TableSnapshotReader::plan(const TableSchema& table, const Chunk* last, std::uint64_t chunk_rows) {
  Chunk chunk;
  chunk.table = table.name;
  chunk.number = last == nullptr ? 0 : last->number + 1;
  if (last != nullptr) chunk.after = last->upto;
  if (!has_ranges(table)) {
    chunk.estimated_rows = table.estimated_rows;
    return chunk;
  }
  const SchemaPtr key_schema = key_schema_of(table);
  // Long keys come in another order than the key's.
  Statement statement(connection_, "plan a chunk of " + table.name.str(),
                      bound_behind(table, select_list(*key_schema, text_form()), !chunk.after.empty(),
                                   chunk_rows, database_collation_),
                      range_parameters(table, chunk.after, {}));
  const std::unique_ptr<RowReader> rows = statement.rows(plan_for(*key_schema));
  if (rows->next()) {
    RowBatch bound(key_schema);
    rows->decode(bound, bound.add_row({}));
    if (!bound.faults().empty()) {
      throw Error(ErrorKind::data, "a key holds text that PostgreSQL cannot: " + bound.faults().front().text)
          .with("table", table.name.str());
    }
    chunk.upto = key_of(bound, 0);
    chunk.estimated_rows = chunk_rows;
  } else {
    const std::uint64_t before = std::uint64_t{chunk.number} * chunk_rows;
    chunk.estimated_rows =
        std::min(chunk_rows, table.estimated_rows > before ? table.estimated_rows - before : 0);
  }
  return chunk;
}

bool TableSnapshotReader::read_chunk(const SchemaPtr& table, const Chunk& chunk,
                                     const std::function<bool(const RowBatch&)>& take, std::stop_token stop) {
  const Connection::StopScope scope(connection_, stop);
  const std::size_t limit = connection_.settings().snapshot_batch_bytes;
  const auto read_all = [&] {
    Statement statement(
        connection_, "read a chunk of " + table->name.str(),
        read_range(*table, select_list(*table, text_form()),
                   {!chunk.after.empty(), !chunk.upto.empty(), chunk.filter}, database_collation_),
        range_parameters(*table, chunk.after, chunk.upto));
    const std::unique_ptr<RowReader> rows = statement.rows(plan_for(*table));
    RowBatch batch(table);
    while (rows->next()) {
      rows->decode(batch, batch.add_row({}));
      if (batch.bytes() < limit) continue;
      if (!take(batch)) return false;
      batch.clear();  // Its memory serves the next rows.
    }
    return batch.empty() || take(batch);
  };
  return unless_stopped(stop, read_all).value_or(false);
}

std::optional<RowBatch> TableSnapshotReader::read_keys(const SchemaPtr& table,
                                                       std::span<const std::vector<std::string>> keys,
                                                       std::stop_token stop) {
  const Connection::StopScope scope(connection_, stop);
  return unless_stopped(stop, [&] { return read(table, keys); });
}

RowBatch TableSnapshotReader::read(const SchemaPtr& table, std::span<const std::vector<std::string>> keys) {
  TAILRACE_ASSERT(has_ranges(*table));
  RowBatch batch(table);
  const std::string list = select_list(*table, text_form());
  const std::size_t at_once = std::max<std::size_t>(1, most_parameters / table->key.size());
  for (std::size_t begin = 0; begin < keys.size(); begin += at_once) {
    const std::span<const std::vector<std::string>> some =
        keys.subspan(begin, std::min(at_once, keys.size() - begin));
    Statement statement(connection_, "read keys of " + table->name.str(),
                        read_by_keys(*table, list, some.size(), database_collation_),
                        key_parameters(*table, some));
    const std::unique_ptr<RowReader> rows = statement.rows(plan_for(*table));
    while (rows->next())
      rows->decode(batch, batch.add_row({}));
  }
  return batch;
}

}  // namespace tailrace::sqlserver
