// Enabling a table: a capture instance and its change table.
//
// Source   sys.sp_cdc_enable_table of SQL Server's documentation.
#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "sim/catalog/type_facts.h"
#include "sim/cdc/cdc_internal.h"
#include "sim/storage/clock.h"

namespace tailrace::sim {
namespace {

constexpr std::size_t max_instance_name = 100;

// The columns that identify a row: of @index_name, or of the primary key; none: neither.
struct Identity {
  const IndexDef* index = nullptr;
  Outcome error;
};

Identity identity_of(const TableDef& table, const EnableTable& parameters) {
  if (!parameters.index_name || parameters.index_name->empty()) return {table.primary_key(), {}};
  const IndexDef* index = table.index(*parameters.index_name);
  if (index == nullptr) {
    return {
        nullptr,
        SqlError{22928,
                 fmt::format("Index name '{}' is not an index for table '{}.{}'. Specify a valid index name "
                             "for the table.",
                             *parameters.index_name, table.schema, table.name),
                 16, 1}};
  }
  const bool nullable =
      std::any_of(index->columns.begin(), index->columns.end(), [&](const IndexColumn& column) {
        return !column.included && table.column(column.column_id)->nullable;
      });
  if (!index->unique || nullable) {
    return {
        nullptr,
        SqlError{22929,
                 fmt::format("Index '{}' must be either a primary key or a unique index for table '{}.{}'. "
                             "Specify an index that meets at least one of these requirements.",
                             index->name, table.schema, table.name),
                 16, 1}};
  }
  return {index, {}};
}

}  // namespace

std::optional<std::vector<std::string>> parse_column_list(std::string_view list) {
  std::vector<std::string> names;
  std::size_t at = 0;
  const auto skip_blanks = [&] {
    while (at < list.size() && (list[at] == ' ' || list[at] == '\t' || list[at] == '\n' || list[at] == '\r'))
      ++at;
  };
  for (;;) {
    skip_blanks();
    if (at >= list.size()) return {};
    std::string name;
    const char close = list[at] == '[' ? ']' : list[at] == '"' ? '"' : '\0';
    if (close != '\0') {
      for (++at;; ++at) {
        if (at >= list.size()) return {};
        if (list[at] != close) {
          name += list[at];
        } else if (at + 1 < list.size() && list[at + 1] == close) {
          name += close;
          ++at;
        } else {
          break;
        }
      }
      ++at;
    } else {
      while (at < list.size() && list[at] != ',')
        name += list[at++];
      while (!name.empty() && name.back() == ' ')
        name.pop_back();
    }
    if (name.empty()) return {};
    names.push_back(std::move(name));
    skip_blanks();
    if (at >= list.size()) return names;
    if (list[at++] != ',') return {};
  }
}

Outcome Cdc::enable_table(const Principal& caller, const EnableTable& parameters, CdcResult& result) {
  if (Outcome error = check_owner(caller)) return error;
  if (!parameters.source_schema || parameters.source_schema->empty())
    return empty_parameter("@source_schema");
  if (!parameters.source_name || parameters.source_name->empty()) return empty_parameter("@source_name");
  if (!parameters.role_given) {
    return SqlError{
        201,
        "Procedure or function 'sp_cdc_enable_table' expects parameter '@role_name', which was not "
        "supplied.",
        16, 4};
  }
  const TablePtr table = catalog_.table(*parameters.source_schema, *parameters.source_name);
  if (table == nullptr) return no_source(*parameters.source_schema, *parameters.source_name);
  if (table->ms_shipped) {
    return SqlError{
        22930,
        fmt::format("Could not enable Change Data Capture for table '{}.{}': it is a system table.",
                    table->schema, table->name),
        16, 1};
  }
  if (instances_of(table->object_id).size() >= 2) {
    return SqlError{
        22962,
        fmt::format("Two capture instances already exist for source table '{}.{}'. A table can have at "
                    "most two capture instances. If the current tracking options are not appropriate, "
                    "disable change tracking for the obsolete instance by using "
                    "sys.sp_cdc_disable_table and retry the operation.",
                    table->schema, table->name),
        16, 1};
  }
  const std::string name = parameters.capture_instance && !parameters.capture_instance->empty()
                               ? *parameters.capture_instance
                               : table->schema + "_" + table->name;
  if (name.size() > max_instance_name) {
    return SqlError{
        22927,
        fmt::format("Capture instance name '{}' exceeds the length limit of 100 characters. Specify a "
                    "name that satisfies the length constraint.",
                    name),
        16, 1};
  }
  if (load_instance(catalog_.work().connection(), name) || catalog_.object("cdc", name + "_CT")) {
    return SqlError{
        22926,
        fmt::format("Could not create a capture instance because the capture instance name '{}' already "
                    "exists in the current database. Specify an explicit unique name for the parameter "
                    "@capture_instance.",
                    name),
        16, 1};
  }
  const Identity identity = identity_of(*table, parameters);
  if (identity.error) return identity.error;
  const bool net = parameters.supports_net_changes.value_or(identity.index != nullptr);
  if (net && identity.index == nullptr) {
    return SqlError{
        22939,
        "The parameter @supports_net_changes is set to 1, but the source table does not have a primary "
        "key defined and no alternate unique index has been specified.",
        16, 1};
  }
  std::vector<const ColumnDef*> columns;
  if (Outcome error = captured_columns(*table, identity.index, parameters, columns)) return error;
  Security security(catalog_);
  if (parameters.role_name && !parameters.role_name->empty() &&
      !security.role_exists(*parameters.role_name)) {
    if (Outcome error = security.create_role(*parameters.role_name)) return error;
  }
  if (Outcome error = create_instance(*table, name, parameters, net, identity.index, columns)) return error;
  return create_jobs(result);
}

Outcome Cdc::captured_columns(const TableDef& table, const IndexDef* identity, const EnableTable& parameters,
                              std::vector<const ColumnDef*>& columns) {
  const auto not_mapped = [&] {
    return SqlError{
        22942,
        fmt::format("Columns specified in the captured column list could not be mapped to columns in "
                    "source table '{}.{}'. Verify that the columns specified in the parameter "
                    "@captured_column_list are delimited properly and match columns in the source "
                    "table.",
                    table.schema, table.name),
        16, 1};
  };
  if (!parameters.captured_column_list || parameters.captured_column_list->empty()) {
    for (const ColumnDef& column : table.columns)
      columns.push_back(&column);
  } else {
    const auto names = parse_column_list(*parameters.captured_column_list);
    if (!names) return not_mapped();
    for (const std::string& name : *names) {
      const ColumnDef* column = table.column(name);
      if (column == nullptr) return not_mapped();
      if (std::find(columns.begin(), columns.end(), column) != columns.end()) return not_mapped();
      columns.push_back(column);
    }
    // Whatever order the list has, the change table has that of the source.
    std::sort(columns.begin(), columns.end(),
              [](const ColumnDef* a, const ColumnDef* b) { return a->column_id < b->column_id; });
  }
  if (columns.size() > 1024) {
    return SqlError{
        22925,
        fmt::format("The number of columns captured by capture instance '{}' exceeds the maximum "
                    "allowed number: 1024. Use the @captured_columns_list parameter to specify a "
                    "subset of the columns less than or equal to the maximum allowed and resubmit "
                    "the request.",
                    parameters.capture_instance.value_or(table.schema + "_" + table.name)),
        16, 1};
  }
  for (const ColumnDef* column : columns) {
    if (column->name.starts_with("__$")) {
      return SqlError{22975,
                      fmt::format("Source table '{}' contains one of the following reserved column names: "
                                  "__$start_lsn, __$end_lsn, __$seqval, __$operation, and __$update_mask. To "
                                  "enable Change Data Capture for this table, specify a captured column list "
                                  "and ensure that these columns are excluded from the list.",
                                  table.name),
                      16, 1};
    }
  }
  if (identity == nullptr) return {};
  for (const IndexColumn& key : identity->columns) {
    const bool there = std::any_of(columns.begin(), columns.end(), [&](const ColumnDef* column) {
      return column->column_id == key.column_id;
    });
    if (!key.included && !there) {
      return SqlError{
          22943,
          "Columns used to uniquely identify a row for net change tracking must be included in the "
          "list of captured columns. Add either the primary key columns of the source table, or the "
          "columns defined for the index specified in the parameter @index_name to the list of "
          "captured columns and retry the operation.",
          16, 1};
    }
  }
  return {};
}

Outcome Cdc::create_instance(const TableDef& table, const std::string& name, const EnableTable& parameters,
                             bool net, const IndexDef* identity,
                             const std::vector<const ColumnDef*>& columns) {
  TableDef change = cdc_table(0, name + "_CT",
                              {{"__$start_lsn", "binary(10)"},
                               {"__$end_lsn", "binary(10)?"},
                               {"__$seqval", "binary(10)"},
                               {"__$operation", "int"},
                               {"__$update_mask", "varbinary(128)?"}},
                              {});
  for (const ColumnDef* source : columns) {
    ColumnDef column;
    column.name = source->name;
    column.type = source->type;
    if (column.type.guise == Guise::rowversion) column.type.guise = Guise::none;  // binary(8) there.
    column.sysname = source->sysname;
    column.collation = source->collation;
    change.columns.push_back(std::move(column));
  }
  std::vector<std::int32_t> order{1, 3, 4};
  if (server_.command_ids) {
    change.columns.push_back(made_column("__$command_id", "int", true));
    order.insert(order.begin() + 1, static_cast<std::int32_t>(change.columns.size()));
  }
  IndexDef index;
  index.name = name + "_CT_clustered_idx";
  index.unique = index.clustered = true;
  for (const std::int32_t column : order)
    index.columns.push_back({column, false, false});
  change.indexes.push_back(std::move(index));
  if (Outcome error = catalog_.create_table(change)) return error;

  Connection& connection = catalog_.work().connection();
  LogWriter& log = catalog_.work().log();
  const Lsn start = lsn_of_position(log.take_position());
  Statement row = connection.prepare("INSERT INTO t1001 VALUES(?, 0, ?, ?, ?, NULL, ?, NULL, ?, ?, ?, ?, ?)");
  row.bind(1, std::int64_t{change.object_id})
      .bind(2, std::int64_t{table.object_id})
      .bind(3, name)
      .bind_blob(4, start);
  row.bind(5, std::int64_t{net});
  if (parameters.role_name && !parameters.role_name->empty()) row.bind(6, *parameters.role_name);
  if (identity != nullptr) row.bind(7, identity->name);
  if (parameters.filegroup_name) row.bind(8, *parameters.filegroup_name);
  row.bind(9, local_datetime_now())
      .bind(10, std::int64_t{parameters.allow_partition_switch.value_or(true)})
      .run();
  std::int64_t ordinal = 0;
  for (const ColumnDef* column : columns) {
    connection.prepare("INSERT INTO t1002 VALUES(?, ?, ?, ?, ?, ?)")
        .bind(1, std::int64_t{change.object_id})
        .bind(2, column->name)
        .bind(3, std::int64_t{column->column_id})
        .bind(4, type_name(column->type))
        .bind(5, ++ordinal)
        .bind(6, std::int64_t{!column->computed.empty()})
        .run();
  }
  std::int64_t position = 0;
  for (const IndexColumn& key : identity == nullptr ? std::vector<IndexColumn>{} : identity->columns) {
    if (key.included) continue;
    connection.prepare("INSERT INTO t1003 VALUES(?, ?, ?, ?)")
        .bind(1, std::int64_t{change.object_id})
        .bind(2, table.column(key.column_id)->name)
        .bind(3, ++position)
        .bind(4, std::int64_t{key.column_id})
        .run();
  }
  connection.prepare("UPDATE cat_tables SET tracked = 1 WHERE object_id = ?")
      .bind(1, std::int64_t{table.object_id})
      .run();
  create_log_triggers(connection, table);
  if (Outcome error = catalog_.create_module("cdc", "fn_cdc_get_all_changes_" + name, "IF", "")) return error;
  if (net) {
    if (Outcome error = catalog_.create_module("cdc", "fn_cdc_get_net_changes_" + name, "IF", ""))
      return error;
  }
  connection.execute("UPDATE cat_objects SET is_ms_shipped = 1, text = NULL WHERE type = 'IF' AND text = ''");
  catalog_.touch();
  log.jobs_changed();
  return {};
}

}  // namespace tailrace::sim
