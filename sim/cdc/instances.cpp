// Capture instances as the tables of schema cdc hold them, and small helpers about masks and lists.
#include <fmt/format.h>

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

std::string full_mask(std::int32_t columns) {
  std::string mask(static_cast<std::size_t>((columns + 7) / 8), '\xff');
  if (columns % 8 != 0) mask[0] = static_cast<char>((1 << columns % 8) - 1);
  return mask;
}

bool mask_bit(std::string_view mask, std::int32_t ordinal) {
  const auto byte = static_cast<std::size_t>(ordinal - 1) / 8;
  if (byte >= mask.size()) return false;
  return (static_cast<unsigned char>(mask[mask.size() - 1 - byte]) >> ((ordinal - 1) % 8) & 1) != 0;
}

std::optional<Lsn> max_mapped_lsn(Connection& connection) {
  if (!cdc_tables_exist(connection)) return {};
  Statement row = connection.prepare("SELECT max(c1) FROM t1005");
  if (!row.next() || row.is_null(0)) return {};
  return Lsn(row.blob(0));
}

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

}  // namespace tailrace::sim
