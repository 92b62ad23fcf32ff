// Cleanup of change tables: see the header.
#include "sim/cdc/cleanup_internal.h"

#include <fmt/format.h>

namespace tailrace::sim {
namespace {

constexpr std::int64_t datetime_units_per_minute = 300 * 60;

std::optional<Lsn> mark_by_retention(Connection& connection, std::int64_t minutes) {
  Statement newest = connection.prepare("SELECT max(c3) FROM t1005");
  if (!newest.next() || newest.is_null(0)) return {};
  const std::int64_t cutoff = newest.number(0) - minutes * datetime_units_per_minute;
  Statement mark = connection.prepare("SELECT min(c1) FROM t1005 WHERE c3 >= ?");
  if (!mark.bind(1, cutoff).next() || mark.is_null(0)) return {};
  return Lsn(mark.blob(0));
}

}  // namespace

CleanupPlan plan_cleanup(Connection& connection, std::optional<std::int64_t> retention_minutes,
                         const std::optional<Lsn>& low_water_mark) {
  CleanupPlan plan;
  const std::optional<Lsn> mark =
      low_water_mark ? low_water_mark : mark_by_retention(connection, retention_minutes.value_or(4320));
  if (!mark) return plan;
  for (const CaptureInstance& instance : load_instances(connection, {})) {
    if (instance.start_lsn && *instance.start_lsn < *mark) plan.marks.emplace_back(instance.object_id, *mark);
  }
  return plan;
}

void apply_marks(Connection& connection, const CleanupPlan& plan) {
  for (const auto& [object_id, mark] : plan.marks) {
    connection.prepare("UPDATE t1001 SET c5 = ? WHERE c1 = ?")
        .bind_blob(1, mark)
        .bind(2, std::int64_t{object_id})
        .run();
  }
}

std::int64_t delete_below_marks(Connection& connection, const CleanupPlan& plan) {
  std::int64_t deleted = 0;
  for (const auto& [object_id, mark] : plan.marks) {
    connection.prepare(fmt::format("DELETE FROM t{} WHERE c1 < ?", object_id)).bind_blob(1, mark).run();
    deleted += connection.changes();
  }
  Statement lowest = connection.prepare("SELECT min(c5) FROM t1001");
  if (lowest.next() && !lowest.is_null(0)) {
    const Lsn low(lowest.blob(0));
    lowest.reset();
    connection.prepare("DELETE FROM t1005 WHERE c1 < ?").bind_blob(1, low).run();
  }
  return deleted;
}

}  // namespace tailrace::sim
