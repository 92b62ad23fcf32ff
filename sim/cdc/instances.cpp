// Capture instances as the tables of schema cdc hold them.
#include "sim/cdc/cdc_internal.h"

namespace tailrace::sim {
namespace {

constexpr std::string_view select_instance =
    "SELECT c1, c3, c4, c5, c7, c9, c12 FROM t1001 ";  // cdc.change_tables

void load_columns(Connection& connection, CaptureInstance& instance) {
  // cdc.captured_columns: object_id, column_name, column_id, column_type, column_ordinal, is_computed
  Statement rows = connection.prepare("SELECT c2, c3, c4, c5, c6 FROM t1002 WHERE c1 = ? ORDER BY c5");
  rows.bind(1, std::int64_t{instance.object_id});
  while (rows.next()) {
    instance.columns.push_back({std::string(rows.text(0)), static_cast<std::int32_t>(rows.number(1)),
                                std::string(rows.text(2)), static_cast<std::int32_t>(rows.number(3)),
                                rows.number(4) != 0});
  }
}

CaptureInstance read_instance(Connection& connection, const Statement& row) {
  CaptureInstance instance;
  instance.object_id = static_cast<std::int32_t>(row.number(0));
  instance.source_object_id = static_cast<std::int32_t>(row.number(1));
  instance.name = row.text(2);
  if (!row.is_null(3)) instance.start_lsn = Lsn(row.blob(3));
  instance.supports_net_changes = row.number(4) != 0;
  if (!row.is_null(5)) instance.role_name = std::string(row.text(5));
  instance.create_date = row.number(6);
  load_columns(connection, instance);
  return instance;
}

bool cdc_tables_exist(Connection& connection) {
  return connection.single_number("SELECT cdc_enabled FROM cat_state") != 0;
}

}  // namespace

std::vector<CaptureInstance> load_instances(Connection& connection,
                                            std::optional<std::int32_t> source_object_id) {
  std::vector<CaptureInstance> instances;
  if (!cdc_tables_exist(connection)) return instances;
  Statement rows =
      connection.prepare(std::string(select_instance) + "WHERE (?1 IS NULL OR c3 = ?1) ORDER BY c1");
  if (source_object_id) rows.bind(1, std::int64_t{*source_object_id});
  while (rows.next())
    instances.push_back(read_instance(connection, rows));
  return instances;
}

std::optional<CaptureInstance> load_instance(Connection& connection, std::string_view name) {
  if (!cdc_tables_exist(connection)) return {};
  Statement row = connection.prepare(std::string(select_instance) + "WHERE c4 = ?");
  if (!row.bind(1, name).next()) return {};
  return read_instance(connection, row);
}

std::optional<Lsn> max_mapped_lsn(Connection& connection) {
  if (!cdc_tables_exist(connection)) return {};
  Statement row = connection.prepare("SELECT max(c1) FROM t1005");
  if (!row.next() || row.is_null(0)) return {};
  return Lsn(row.blob(0));
}

}  // namespace tailrace::sim
