// What CDC has to say to DDL and to long values: before ALTER and DROP, after ALTER, before a LOB is written.
//
// Source   "Handling changes to source tables" in SQL Server's documentation of change data capture.
#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "sim/catalog/type_facts.h"
#include "sim/cdc/cdc_internal.h"
#include "sim/storage/clock.h"

namespace tailrace::sim {
namespace {

// The length as SQL Server counts it: nvarchar in UTF-16.
std::int64_t lob_bytes(const TypeInfo& type, std::string_view stored) {
  std::int64_t units = 0;
  for (const char c : stored) {
    const auto byte = static_cast<unsigned char>(c);
    if (is_unicode(type)) {
      units += byte >= 0xF0 ? 4 : (byte & 0xC0) != 0x80 ? 2 : 0;
    } else if (is_text(type)) {
      units += (byte & 0xC0) != 0x80 ? 1 : 0;
    } else {
      ++units;
    }
  }
  return units;
}

}  // namespace

Outcome Cdc::before_alter(const TableDef& table, std::string_view column_or_constraint, bool drop,
                          bool rename) {
  if (!table.tracked_by_cdc) return {};
  for (const CaptureInstance& instance : instances_of(table.object_id)) {
    Connection& connection = catalog_.work().connection();
    Statement used = connection.prepare("SELECT c10 FROM t1001 WHERE c1 = ?");
    if (drop && used.bind(1, std::int64_t{instance.object_id}).next() && !used.is_null(0) &&
        same_name(table.identifiers, used.text(0), column_or_constraint)) {
      return SqlError{
          4929,
          fmt::format("Cannot alter the table '{}' because it is being published for replication or is "
                      "used by Change Data Capture.",
                      table.name),
          16, 1};
    }
    Statement key = connection.prepare("SELECT 1 FROM t1003 WHERE c1 = ? AND c2 = ?");
    const bool in_key = key.bind(1, std::int64_t{instance.object_id}).bind(2, column_or_constraint).next();
    const bool captured = std::any_of(
        instance.columns.begin(), instance.columns.end(),
        [&](const auto& column) { return same_name(table.identifiers, column.name, column_or_constraint); });
    if (in_key || (rename && captured)) {
      return SqlError{
          4928, fmt::format("Cannot alter column '{}' because it is 'REPLICATED'.", column_or_constraint), 16,
          1};
    }
  }
  return {};
}

void Cdc::after_alter(std::int32_t object_id, std::string_view ddl_command, std::int32_t retyped_column_id,
                      std::string_view conversion) {
  const TablePtr table = catalog_.table(object_id);
  if (table == nullptr || !table->tracked_by_cdc) return;
  Connection& connection = catalog_.work().connection();
  create_log_triggers(connection, *table);
  bool required = false;
  const ColumnDef* retyped = retyped_column_id == 0 ? nullptr : table->column(retyped_column_id);
  if (retyped != nullptr && !conversion.empty()) {
    connection.execute(
        fmt::format("UPDATE {} SET {} = {}", log_table(object_id), retyped->stored_name(), conversion));
  }
  for (const CaptureInstance& instance : instances_of(object_id)) {
    for (const CaptureInstance::Column& column : instance.columns) {
      if (retyped == nullptr || column.column_id != retyped_column_id) continue;
      const TablePtr change = catalog_.table(instance.object_id);
      const ColumnDef* old = change->column(column.ordinal + metadata_columns);
      if (old->type == retyped->type) continue;
      required = true;
      ColumnDef changed = *old;
      changed.type = retyped->type;
      changed.collation = retyped->collation;
      const std::string wrapped = conversion.empty()
                                      ? std::string()
                                      : fmt::format("(SELECT {} FROM (SELECT {} AS {}))", conversion,
                                                    old->stored_name(), retyped->stored_name());
      TAILRACE_ASSERT(!catalog_.alter_column(*change, changed, wrapped));
      connection.prepare("UPDATE t1002 SET c4 = ? WHERE c1 = ? AND c5 = ?")
          .bind(1, type_name(retyped->type))
          .bind(2, std::int64_t{instance.object_id})
          .bind(3, std::int64_t{column.ordinal})
          .run();
    }
  }
  // The history row comes when the capture job passes this place of the log.
  LogWriter& log = catalog_.work().log();
  const std::int64_t position = log.log_event();
  connection.prepare("INSERT INTO log_ddl VALUES(?, ?, ?, ?, ?, ?)")
      .bind(1, position)
      .bind(2, log.transaction())
      .bind(3, std::int64_t{object_id})
      .bind(4, std::int64_t{required})
      .bind(5, ddl_command)
      .bind(6, local_datetime_now())
      .run();
}

std::vector<std::string> Cdc::captured_values(std::int32_t object_id, const ColumnDef& column) {
  const TablePtr table = catalog_.table(object_id);
  if (table == nullptr || !table->tracked_by_cdc) return {};
  std::vector<std::string> out{fmt::format("SELECT {} FROM {}", column.stored_name(), log_table(object_id))};
  for (const CaptureInstance& instance : instances_of(object_id)) {
    for (const CaptureInstance::Column& captured : instance.columns) {
      if (captured.column_id == column.column_id)
        out.push_back(fmt::format("SELECT c{} AS {} FROM t{}", captured.ordinal + metadata_columns,
                                  column.stored_name(), instance.object_id));
    }
  }
  return out;
}

void Cdc::before_drop(const TableDef& table) {
  for (const CaptureInstance& instance : instances_of(table.object_id))
    TAILRACE_ASSERT(!drop_instance(instance));
}

Outcome Cdc::check_lob(const TableDef& table, const ColumnDef& column, std::string_view stored) {
  const std::int64_t limit = server_.max_text_repl_size();
  const std::int64_t bytes = lob_bytes(column.type, stored);
  if (!table.tracked_by_cdc || limit < 0 || bytes <= limit || !is_max(column.type)) return {};
  for (const CaptureInstance& instance : instances_of(table.object_id)) {
    for (const CaptureInstance::Column& captured : instance.columns) {
      if (captured.column_id != column.column_id) continue;
      return SqlError{
          7139,
          fmt::format("Length of LOB data ({}) to be replicated exceeds configured maximum {}. Use the "
                      "stored procedure sp_configure to increase the configured maximum value for max "
                      "text repl size option, which defaults to 65536. A configured value of -1 indicates "
                      "no limit, other that the limit imposed by the data type.",
                      bytes, limit),
          16, 1};
    }
  }
  return {};
}

}  // namespace tailrace::sim
