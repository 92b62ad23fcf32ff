// The cleanup of one change table, by hand.
//
// Source   sys.sp_cdc_cleanup_change_table of SQL Server's documentation.
#include <fmt/format.h>

#include "sim/catalog/virtual_table.h"
#include "sim/cdc/cdc_internal.h"
#include "sim/cdc/cleanup_internal.h"

namespace tailrace::sim {

Outcome Cdc::cleanup_change_table(const Principal& caller, const std::optional<std::string>& capture_instance,
                                  const std::optional<Lsn>& low_water_mark, std::int64_t threshold) {
  if (Outcome error = check_owner(caller)) return error;
  Connection& connection = catalog_.work().connection();
  const auto instance = load_instance(connection, capture_instance.value_or(""));
  if (!instance) return no_instance();
  if (threshold <= 0) {
    return SqlError{
        22850,
        "The threshold value specified for the Change Data Capture cleanup process must be greater than "
        "0. When creating or modifying cleanup job, specify a positive threshold value.",
        16, 1};
  }
  CleanupPlan plan;
  Lsn mark = instance->start_lsn.value_or(zero_lsn());
  if (low_water_mark) {
    const Lsn highest = max_mapped_lsn(connection).value_or(zero_lsn());
    const auto text = [](std::string_view lsn) { return fmt::format("{{{}}}", lsn_text(lsn)); };
    if (*low_water_mark < mark || *low_water_mark > highest) {
      return SqlError{
          22957,
          fmt::format("LSN {}, specified as the new low end point for the change table associated with "
                      "capture instance '{}', is not within the Change Data Capture timeline [{}, {}].",
                      text(*low_water_mark), instance->name, text(mark), text(highest)),
          16, 1};
    }
    Statement mapped = connection.prepare("SELECT 1 FROM t1005 WHERE c1 = ?");
    if (!mapped.bind_blob(1, *low_water_mark).next()) {
      return SqlError{
          22964,
          fmt::format(
              "LSN {}, specified as the new low end point for change table cleanup must represent the "
              "start_lsn value of a current entry in the cdc.lsn_time_mapping table. Choose an LSN value "
              "that satisfies this requirement.",
              text(*low_water_mark)),
          16, 1};
    }
    mark = *low_water_mark;
  }
  plan.marks.emplace_back(instance->object_id, mark);
  apply_marks(connection, plan);
  delete_below_marks(connection, plan);
  return {};
}

}  // namespace tailrace::sim
