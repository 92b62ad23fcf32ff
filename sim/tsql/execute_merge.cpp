// MERGE.
#include "sim/tsql/session_core.h"

namespace tailrace::sim::tsql {

void SessionCore::run_merge(const Merge&) { not_supported("MERGE"); }

}  // namespace tailrace::sim::tsql
