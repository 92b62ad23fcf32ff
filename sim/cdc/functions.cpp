// Scalar and table functions of CDC.
//
// Source   sys.fn_cdc_get_max_lsn, fn_cdc_get_min_lsn, fn_cdc_map_time_to_lsn, cdc.fn_cdc_get_all_changes_<ci>,
//          cdc.fn_cdc_get_net_changes_<ci> of SQL Server's documentation.
#include <fmt/format.h>
#include <sqlite3.h>

#include <array>
#include <memory>

#include "base/error.h"
#include "sim/catalog/type_facts.h"
#include "sim/cdc/cdc_internal.h"

namespace tailrace::sim {
namespace {

constexpr std::string_view all_prefix = "fn_cdc_get_all_changes_";
constexpr std::string_view net_prefix = "fn_cdc_get_net_changes_";

std::string captured_list(const CaptureInstance& instance) {
  std::string list;
  for (const CaptureInstance::Column& column : instance.columns) {
    // By number: names that differ by case alone would be one to SQLite.
    list += fmt::format(", c{} AS k{}", column.ordinal + metadata_columns, column.ordinal);
  }
  return list;
}

std::string all_changes(const CaptureInstance& instance) {
  return fmt::format(
      "SELECT c1 AS \"__$start_lsn\", c3 AS \"__$seqval\", c4 AS \"__$operation\", c5 AS "
      "\"__$update_mask\"{} FROM t{}"
      " WHERE c1 >= :from AND c1 <= :to AND (c4 <> 3 OR lower(:option) = 'all update old')",
      captured_list(instance), instance.object_id);
}

// sim_or_mask(mask): the bits of all of them.
void or_mask_step(sqlite3_context* context, int, sqlite3_value** arguments) {
  auto** held = static_cast<std::string**>(sqlite3_aggregate_context(context, sizeof(std::string*)));
  if (held == nullptr) return sqlite3_result_error_nomem(context);
  if (*held == nullptr) *held = new std::string;
  const auto* bytes = static_cast<const char*>(sqlite3_value_blob(arguments[0]));
  const auto size = static_cast<std::size_t>(sqlite3_value_bytes(arguments[0]));
  std::string& mask = **held;
  if (mask.size() < size) mask.insert(0, size - mask.size(), '\0');
  for (std::size_t i = 0; i < size; ++i)
    mask[mask.size() - size + i] = static_cast<char>(mask[mask.size() - size + i] | bytes[i]);
}

void or_mask_end(sqlite3_context* context) {
  auto** held = static_cast<std::string**>(sqlite3_aggregate_context(context, 0));
  if (held == nullptr || *held == nullptr) return sqlite3_result_null(context);
  const std::unique_ptr<std::string> mask(*held);
  sqlite3_result_blob64(context, mask->data(), mask->size(), SQLITE_TRANSIENT);
}

// One row a key: its last change, as an insert, update or delete over the whole range.
std::string net_changes(Connection& connection, const CaptureInstance& instance) {
  std::string keys;
  std::string same_key;
  Statement names = connection.prepare("SELECT c4 FROM t1003 WHERE c1 = ? ORDER BY c3");
  names.bind(1, std::int64_t{instance.object_id});
  while (names.next()) {
    for (const CaptureInstance::Column& column : instance.columns) {
      if (column.column_id != names.number(0)) continue;
      const std::int32_t stored = column.ordinal + metadata_columns;
      keys += fmt::format("{}c{}", keys.empty() ? "" : ", ", stored);
      same_key += fmt::format(" AND m.c{0} = net.c{0}", stored);
    }
  }
  const auto command = instance.columns.size() + metadata_columns + 1;
  Statement has_command =
      connection.prepare("SELECT 1 FROM cat_columns WHERE object_id = ?1 AND column_id = ?2");
  has_command.bind(1, std::int64_t{instance.object_id}).bind(2, static_cast<std::int64_t>(command));
  const std::string order = has_command.next() ? fmt::format("c1, c{}, c3, c4", command) : "c1, c3, c4";
  return fmt::format(
      "SELECT c1 AS \"__$start_lsn\", CASE WHEN c4 = 1 THEN 1 WHEN lower(:option) = 'all with merge'"
      " THEN 5 WHEN first_op = 2 THEN 2 ELSE 4 END AS \"__$operation\", CASE WHEN lower(:option) = 'all with "
      "mask' AND c4 <> 1 AND first_op <> 2 THEN (SELECT sim_or_mask(m.c5) FROM t{3} m WHERE m.c1 >= :from "
      "AND "
      "m.c1 <= :to AND m.c4 <> 3{4}) END AS \"__$update_mask\"{0} FROM"
      " (SELECT *, row_number() OVER (PARTITION BY {1} ORDER BY {2}) AS nth, count(*) OVER (PARTITION BY "
      "{1}) AS total,"
      " first_value(c4) OVER (PARTITION BY {1} ORDER BY {2}) AS first_op FROM t{3} WHERE c1 >= :from AND c1 "
      "<= :to AND"
      " c4 <> 3) AS net WHERE nth = total AND NOT (first_op = 2 AND c4 = 1)",
      captured_list(instance), keys, order, instance.object_id, same_key);
}

}  // namespace

void register_change_functions(Connection& connection) {
  const int code = sqlite3_create_function_v2(connection.handle(), "sim_or_mask", 1, SQLITE_UTF8, nullptr,
                                              nullptr, or_mask_step, or_mask_end, nullptr);
  TAILRACE_ASSERT(code == SQLITE_OK);
}

std::optional<Lsn> Cdc::max_lsn() {
  return max_mapped_lsn(catalog_.work().connection());
}

Lsn Cdc::min_lsn(const Principal& caller, std::string_view capture_instance) {
  const auto instance = load_instance(catalog_.work().connection(), capture_instance);
  if (!instance || !instance->start_lsn || !may_read(caller, *instance)) return zero_lsn();
  return *instance->start_lsn;
}

std::optional<std::int64_t> Cdc::map_lsn_to_time(std::string_view lsn) {
  if (!enabled()) return {};
  Statement row = catalog_.work().connection().prepare("SELECT c3 FROM t1005 WHERE c1 = ?");
  if (!row.bind_blob(1, lsn).next()) return {};
  return row.number(0);
}

bool Cdc::find_time_relation(std::string_view text, TimeRelation& relation) {
  static constexpr std::array<std::pair<std::string_view, TimeRelation>, 4> names{{
      {"largest less than", TimeRelation::largest_less_than},
      {"largest less than or equal", TimeRelation::largest_less_than_or_equal},
      {"smallest greater than", TimeRelation::smallest_greater_than},
      {"smallest greater than or equal", TimeRelation::smallest_greater_than_or_equal},
  }};
  for (const auto& [name, value] : names) {
    if (!same_name(name, text)) continue;
    relation = value;
    return true;
  }
  return false;
}

std::optional<Lsn> Cdc::map_time_to_lsn(TimeRelation relation, std::int64_t datetime) {
  if (!enabled()) return {};
  const std::string_view sql =
      relation == TimeRelation::largest_less_than            ? "SELECT max(c1) FROM t1005 WHERE c3 < ?"
      : relation == TimeRelation::largest_less_than_or_equal ? "SELECT max(c1) FROM t1005 WHERE c3 <= ?"
      : relation == TimeRelation::smallest_greater_than      ? "SELECT min(c1) FROM t1005 WHERE c3 > ?"
                                                             : "SELECT min(c1) FROM t1005 WHERE c3 >= ?";
  Statement row = catalog_.work().connection().prepare(sql);
  if (!row.bind(1, datetime).next() || row.is_null(0)) return {};
  return Lsn(row.blob(0));
}

std::optional<std::int32_t> Cdc::column_ordinal(std::string_view capture_instance, std::string_view column) {
  const auto instance = load_instance(catalog_.work().connection(), capture_instance);
  if (!instance) return {};
  for (const CaptureInstance::Column& captured : instance->columns) {
    if (same_name(catalog_.work().file().names, captured.name, column)) return captured.ordinal;
  }
  return {};
}

std::optional<bool> Cdc::is_bit_set(std::optional<std::int32_t> ordinal,
                                    std::optional<std::string_view> mask) {
  if (!ordinal || !mask || *ordinal < 1) return {};
  return mask_bit(*mask, *ordinal);
}

std::optional<bool> Cdc::has_column_changed(std::string_view capture_instance, std::string_view column,
                                            std::optional<std::string_view> mask) {
  return is_bit_set(column_ordinal(capture_instance, column), mask);
}

std::optional<ChangeFunction> Cdc::change_function(std::string_view name) {
  const std::string folded = fold_text(name);
  ChangeFunction function;
  function.net = folded.starts_with(net_prefix);
  if (!function.net && !folded.starts_with(all_prefix)) return {};
  Connection& connection = catalog_.work().connection();
  const auto object = catalog_.object("cdc", name);
  const auto instance = load_instance(connection, name.substr(all_prefix.size()));
  if (!object || !instance) return {};
  function.object_id = object->object_id;
  function.change_table_id = instance->object_id;
  function.capture_instance = instance->name;
  function.columns = {{"__$start_lsn", *parse_type("binary(10)"), true},
                      {"__$seqval", *parse_type("binary(10)"), true},
                      {"__$operation", *parse_type("int"), true},
                      {"__$update_mask", *parse_type("varbinary(128)"), true}};
  for (const CdcResult::Column& column : function.columns)
    function.stored_names.push_back(column.name);
  const TablePtr change = catalog_.table(instance->object_id);
  for (const CaptureInstance::Column& column : instance->columns) {
    function.columns.push_back({column.name, change->column(column.ordinal + metadata_columns)->type, true});
    function.stored_names.push_back(fmt::format("k{}", column.ordinal));
  }
  if (function.net) {  // No __$seqval.
    function.columns.erase(function.columns.begin() + 1);
    function.stored_names.erase(function.stored_names.begin() + 1);
  }
  function.select = function.net ? net_changes(connection, *instance) : all_changes(*instance);
  return function;
}

Outcome Cdc::check_change_function(const Principal& caller, const ChangeFunction& function,
                                   std::optional<std::string_view> from, std::optional<std::string_view> to,
                                   std::optional<std::string_view> option) {
  const std::string_view prefix = function.net ? net_prefix : all_prefix;
  const auto instance = load_instance(catalog_.work().connection(), function.capture_instance);
  if (!instance || !may_read(caller, *instance)) {
    return SqlError{
        229,
        fmt::format("The SELECT permission was denied on the object '{}{}', database '{}', schema 'cdc'.",
                    prefix, function.capture_instance, database_->name),
        14, 5};
  }
  const std::optional<Lsn> highest = max_lsn();
  const bool known =
      option && (function.net ? same_name(*option, "all") || same_name(*option, "all with mask") ||
                                    same_name(*option, "all with merge")
                              : same_name(*option, "all") || same_name(*option, "all update old"));
  const bool inside = from && to && highest && instance->start_lsn && from->size() == lsn_bytes &&
                      to->size() == lsn_bytes && *from >= *instance->start_lsn && *from <= *to &&
                      *to <= *highest;
  if (known && inside) return {};
  // Word for word, dots included: the wrapper has no better way to report.
  return SqlError{
      313,
      fmt::format("An insufficient number of arguments were supplied for the procedure or function "
                  "cdc.{} ... .",
                  prefix),
      16, 3};
}

}  // namespace tailrace::sim
