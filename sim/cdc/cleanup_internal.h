// The steps of the cleanup: marks first, for all instances at once, then the rows below them.
#pragma once

#include <cstdint>
#include <optional>

#include "sim/cdc/cdc_internal.h"

namespace tailrace::sim {

// The plan of the cleanup job: all instances below the new low water mark. `retention_minutes` counts back from the
// newest mapping row.
CleanupPlan plan_cleanup(Connection& connection, std::optional<std::int64_t> retention_minutes,
                         const std::optional<Lsn>& low_water_mark);
void apply_marks(Connection& connection, const CleanupPlan& plan);
// Answers the number of rows of change tables deleted; prunes lsn_time_mapping below the lowest start_lsn.
std::int64_t delete_below_marks(Connection& connection, const CleanupPlan& plan);

}  // namespace tailrace::sim
