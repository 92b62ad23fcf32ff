// Which capture instance the stream reads of each table, and whether its tables still are what they were.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "base/log.h"
#include "sqlserver/capture_instances.h"
#include "sqlserver/catalog.h"
#include "sqlserver/change_stream.h"
#include "sqlserver/values.h"

namespace tailrace::sqlserver {
namespace {

using std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto look_again_after = 60s;  // At an instance that was set aside: a look reads the whole catalog.

const CapturedTable* find_table(const Selection& selection, const TableName& name) {
  for (const CapturedTable& table : selection.tables) {
    if (table.schema->name == name) return &table;
  }
  return nullptr;
}

bool is_same_shape(const CapturedTable& table, const TableSchema& schema) {
  return table.schema->columns == schema.columns && table.schema->key == schema.key;
}

// The table as it was selected, where its columns and its key are those of `schema`.
const CapturedTable* find_same_shape(const Selection& selection, const TableSchema& schema) {
  const CapturedTable* const found = find_table(selection, schema.name);
  return found != nullptr && is_same_shape(*found, schema) ? found : nullptr;
}

std::string resnapshot(const TableName& table) {
  return fmt::format("tailrace table CONFIG resnapshot --table {}", table.str());
}

}  // namespace

std::vector<CatalogInstance> ChangeStream::check_instances() {
  std::vector<CatalogInstance> instances = read_instances(connection_);
  for (const Streamed& table : tables_)
    check_validity(instances, *table.table, lower_of(table));
  return instances;
}

bool ChangeStream::is_set_aside(const CatalogInstance& instance) const {
  const auto aside = set_aside_.find(instance.object_id);
  return aside != set_aside_.end() && steady_clock::now() < aside->second;
}

std::optional<Lsn> ChangeStream::next_start(std::span<const CatalogInstance> instances,
                                            const Lsn& upper) const {
  if (!connection_.settings().events) return std::nullopt;
  std::optional<Lsn> start;
  for (const Streamed& table : tables_) {
    const CatalogInstance* const newer = newer_instance(instances, *table.table, upper);
    if (newer == nullptr || reaches_back(*newer, lower_of(table)) || is_set_aside(*newer)) continue;
    // In front of one before the position no window can end any more.
    if (*newer->start_lsn <= position_.lsn) continue;
    if (*newer->start_lsn <= upper) start = std::min(start.value_or(*newer->start_lsn), *newer->start_lsn);
  }
  return start;
}

// From a position on that a newer instance reaches back to, both hold the same changes, and the newer one is read: the older one
// may then go. Looked at behind every window, the condition cannot be missed at an edge of one (E51). Events may get other columns with
// it: their windows end where it begins, so that none of its rows comes from the older one.
void ChangeStream::follow_newer_instances(std::span<const CatalogInstance> instances) {
  std::map<TableName, StoredTable> wanted;
  for (const Streamed& table : tables_) {
    const CatalogInstance* const newer = newer_instance(instances, *table.table, needed_behind(table));
    if (newer == nullptr || !table.announced || is_set_aside(*newer)) continue;
    wanted[table.table->schema->name] = {identity_of(*newer), needed_behind(table)};
  }
  if (wanted.empty()) return;
  const Selection selection = select_tables(read_catalog(connection_), connection_.settings(), wanted);
  for (Streamed& table : tables_) {
    const TableSchema& schema = *table.table->schema;
    const auto asked = wanted.find(schema.name);
    if (asked == wanted.end()) continue;
    const CapturedTable* const found = connection_.settings().events ? find_table(selection, schema.name)
                                                                     : find_same_shape(selection, schema);
    if (found == nullptr || !found->instance.same_as(asked->second.instance)) {
      set_aside(*table.table, asked->second.instance, selection);
      continue;
    }
    const bool begins_behind = asked->second.position > lower_of(table);
    go_over(table, *found, begins_behind ? std::optional(asked->second.position) : std::nullopt);
  }
}

void ChangeStream::go_over(Streamed& table, const CapturedTable& found, const std::optional<Lsn>& low) {
  const SchemaPtr schema = table.table->schema;
  switched_.push_back({schema->name, found.instance, low});
  if (!is_same_shape(found, *schema)) {
    has_other_columns_ = true;
    log::info("source.columns.changed", {{"table", schema->name.str()},
                                         {"instance", found.instance.name},
                                         {"position", position_.lsn.hex()},
                                         {"columns", found.schema->columns.size()}});
    return;
  }
  CapturedTable next = found;
  next.schema = schema;
  table.columns = change_columns_of(next);
  table.table = std::make_shared<const CapturedTable>(std::move(next));
  table.low = std::max(table.low, low.value_or(Lsn{}));
}

void ChangeStream::set_aside(const CapturedTable& table, const CaptureInstance& other,
                             const Selection& selection) {
  const bool is_told = set_aside_.contains(other.object_id);
  set_aside_[other.object_id] = steady_clock::now() + look_again_after;
  if (is_told) return;
  const TableName& name = table.schema->name;
  std::string reason;
  for (const Finding& finding : selection.findings) {
    if (finding.level == FindingLevel::failure && finding.subject == name.str()) reason += finding.reason;
  }
  log::warn("source.instance.set_aside",
            {{"table", name.str()},
             {"instance", other.name},
             {"reading", table.instance.name},
             {"reason", reason.empty() ? "the table has other columns or another key with it" : reason}});
}

void ChangeStream::check_ddl(const Lsn& upper) {
  Lsn lower = position_.lsn;
  for (const Streamed& table : tables_)
    lower = std::min(lower, lower_of(table));
  std::map<std::int32_t, std::string> commands;
  {
    Statement rows(
        connection_, "look for DDL",
        "SELECT h.[object_id], h.[ddl_command] FROM [cdc].[ddl_history] AS h WHERE h.[ddl_lsn] > ? AND "
        "h.[ddl_lsn] <= ? ORDER BY h.[ddl_lsn]",
        {Parameter::of(lower), Parameter::of(upper)});
    while (rows.fetch()) {
      const auto object_id = static_cast<std::int32_t>(rows.integer(0).value_or(0));
      commands[object_id] = rows.text(1).value_or("");
    }
  }
  if (commands.empty()) return;
  std::map<TableName, StoredTable> stored;
  for (const Streamed& table : tables_)
    stored[table.table->schema->name] = {table.table->instance, lower_of(table)};
  const Selection now = select_tables(read_catalog(connection_), connection_.settings(), stored);
  for (const Streamed& table : tables_) {
    const TableSchema& schema = *table.table->schema;
    const auto command = commands.find(table.table->instance.object_id);
    if (command == commands.end()) continue;
    if (find_same_shape(now, schema) != nullptr) continue;
    throw Error(
        ErrorKind::schema,
        fmt::format("the captured table {} was changed at the source: {}; bring the target and the capture "
                    "instance in line, then take the table again: {}",
                    schema.name.str(), command->second, resnapshot(schema.name)))
        .with("table", schema.name.str());
  }
}

}  // namespace tailrace::sqlserver
