// SqlServerSource: positions that somebody names, and what lies between two of them.
#include <fmt/format.h>

#include <algorithm>

#include "model/key_text.h"
#include "sqlserver/capture_instances.h"
#include "sqlserver/identity.h"
#include "sqlserver/source.h"
#include "sqlserver/values.h"

namespace tailrace::sqlserver {
namespace {

// datetime knows 1/300 s, rounded: what was committed just behind a moment may carry a time at it, or just before it.
constexpr std::int64_t clock_resolution = 40'000;

std::optional<MappedTransaction> one_mapped(Connection& connection, const std::string& condition,
                                            const std::string& order,
                                            const std::vector<Parameter>& parameters) {
  Statement rows(
      connection, "look into the mapping of transactions",
      fmt::format("SELECT TOP (1) m.[start_lsn], m.[tran_id], m.[tran_begin_time], m.[tran_end_time] FROM "
                  "[cdc].[lsn_time_mapping] AS m WHERE {} ORDER BY m.[start_lsn] {}",
                  condition, order),
      parameters);
  if (!rows.fetch()) return std::nullopt;
  return MappedTransaction{rows.lsn(0).value_or(Lsn{}), rows.bytes(1).value_or(""),
                           rows.timestamp(2).value_or(0), rows.timestamp(3).value_or(0)};
}

std::optional<MappedTransaction> newest_upto(Connection& connection, const Lsn& lsn) {
  return one_mapped(connection, "m.[start_lsn] <= CONVERT(binary(10), ?)", "DESC", {Parameter::of(lsn)});
}

Position position_of(const MappedTransaction& row, std::int32_t offset_minutes) {
  return {row.lsn, evidence_of(row), row.end_time - std::int64_t{offset_minutes} * 60 * ticks_per_second};
}

}  // namespace

Position SqlServerSource::position_at(const StartPoint& point, const std::vector<SchemaPtr>& tables) {
  TAILRACE_ASSERT(point.lsn.has_value() != point.time_utc.has_value());
  const Connection::StopScope scope(*connection_, stop_);
  const CaptureHead head = read_head(*connection_);
  if (!head.max_lsn)
    throw Error(ErrorKind::config, "the source has captured nothing yet, or nothing is left of it")
        .with("remedy", "see `tailrace check`: the capture job must run");
  const std::vector<CatalogInstance> instances = read_instances(*connection_);
  const Position position = point.lsn ? position_at_lsn(*point.lsn, head)
                                      : position_at_time(*point.time_utc, head, tables, instances);
  refuse_unreached(tables, instances, position.lsn);
  return position;
}

Position SqlServerSource::position_at_lsn(const Lsn& lsn, const CaptureHead& head) {
  if (lsn > *head.max_lsn)
    throw Error(ErrorKind::config, "the LSN lies behind everything that the source has captured")
        .with("lsn", lsn.hex())
        .with("max_lsn", head.max_lsn->hex());
  const std::optional<MappedTransaction> row = newest_upto(*connection_, lsn);
  // What is no transaction's LSN proves nothing later on, and names the same changes.
  Position position = row ? position_of(*row, head.offset_minutes) : Position{};
  if (!row || row->lsn != lsn) position.evidence.clear();
  position.lsn = lsn;
  return position;
}

// Clocks are set back: what counts is the first transaction with a later time, and not the last one with an earlier.
Position SqlServerSource::position_at_time(std::int64_t time_utc, const CaptureHead& head,
                                           const std::vector<SchemaPtr>& tables,
                                           std::span<const CatalogInstance> instances) {
  const std::int64_t local = time_utc + std::int64_t{head.offset_minutes} * 60 * ticks_per_second;
  if (local > head.clock)
    throw Error(ErrorKind::config, "the time lies ahead of the source's clock")
        .with("time", timestamp_text(time_utc) + "Z")
        .with("clock", timestamp_text(head.clock - (local - time_utc)) + "Z");
  const std::optional<MappedTransaction> later =
      one_mapped(*connection_, "m.[tran_end_time] > CONVERT(datetime2(7), ?)", "ASC",
                 {Parameter::of_text(timestamp_text(local - clock_resolution))});
  const Lsn upto = later ? just_before(later->lsn) : *head.max_lsn;
  const std::optional<MappedTransaction> row = newest_upto(*connection_, upto);
  const auto reaches_row = [&](const SchemaPtr& table) {
    return std::any_of(instances.begin(), instances.end(), [&](const CatalogInstance& instance) {
      return instance.object_id == table->instance.object_id && reaches_back(instance, row->lsn);
    });
  };
  // A transaction's own LSN proves later on that this is the source; but a table may have been enabled behind it.
  if (row && std::all_of(tables.begin(), tables.end(), reaches_row))
    return position_of(*row, head.offset_minutes);
  return {upto, "", row ? position_of(*row, head.offset_minutes).commit_time_utc : 0};
}

void SqlServerSource::refuse_unreached(const std::vector<SchemaPtr>& tables,
                                       std::span<const CatalogInstance> instances,
                                       const Lsn& position) const {
  std::string names;
  Lsn least;
  for (const SchemaPtr& table : tables) {
    const auto found = std::find_if(tables_.begin(), tables_.end(), [&](const CapturedTable& captured) {
      return captured.schema->name == table->name;
    });
    TAILRACE_ASSERT(found != tables_.end());
    bool is_reached = false;
    for (const CatalogInstance& instance : instances) {
      if (instance.source_object_id != found->source_object_id) continue;
      is_reached = is_reached || reaches_back(instance, position);
      if (is_instance(instance, found->instance)) least = std::max(least, instance.start_lsn.value_or(Lsn{}));
    }
    if (!is_reached) names += (names.empty() ? "" : ", ") + table->name.str();
  }
  if (names.empty()) return;
  throw Error(ErrorKind::gap,
              fmt::format("changes behind the position are gone, or were never captured, of: {}", names))
      .with("position", position.hex())
      .with("min_lsn", least.hex())
      .with("remedy", "name a later position, or take these tables again: tailrace table CONFIG resnapshot");
}

std::map<TableName, std::optional<std::uint64_t>> SqlServerSource::count_changes(
    const std::vector<SchemaPtr>& tables, const Lsn& after, const Lsn& upto) {
  const Connection::StopScope scope(*connection_, stop_);
  const auto is_asked = [&](const CapturedTable& table) {
    return std::any_of(tables.begin(), tables.end(),
                       [&](const SchemaPtr& asked) { return asked->name == table.schema->name; });
  };
  std::map<TableName, std::optional<std::uint64_t>> counts;
  for (const CapturedTable& table : tables_) {
    if (!is_asked(table)) continue;
    ChangeColumns columns = change_columns_of(table);
    columns.with_before = false;
    const CountedTable counted{&columns, false};
    std::uint64_t count = 0;
    Statement rows(*connection_, "count the changes of " + table.schema->name.str(),
                   count_rows({&counted, 1}), {Parameter::of(after), Parameter::of(upto)});
    do {
      while (rows.fetch())
        count += static_cast<std::uint64_t>(rows.integer(1).value_or(0));
    } while (rows.next_result());
    counts[table.schema->name] = count;
  }
  // Behind the counts: cleanup may have run meanwhile.
  const std::vector<CatalogInstance> instances = read_instances(*connection_);
  for (const CapturedTable& table : tables_) {
    const bool is_whole =
        std::any_of(instances.begin(), instances.end(), [&](const CatalogInstance& instance) {
          return is_instance(instance, table.instance) && reaches_back(instance, after);
        });
    if (is_asked(table) && !is_whole) counts[table.schema->name] = std::nullopt;
  }
  return counts;
}

}  // namespace tailrace::sqlserver
