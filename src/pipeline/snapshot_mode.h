// snapshot.mode: when a pipeline reads its tables, and what it wants to find stored.
//
// Source   Debezium 3.6, snapshot.mode of the SQL Server connector, whose names these are.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tailrace {

enum class SnapshotMode {
  initial,       // Tables that are not loaded yet are loaded, then the stream follows.
  initial_only,  // The same without the stream: the run ends.
  no_data,       // A first start loads nothing.
  always,        // Each start of the program loads every table again.
  when_needed,   // As initial; where the changes behind the position are gone every table is loaded again.
  recovery,  // There must be a stored position. The source's tables are looked at anew at each start anyway.
  never,     // There must be a stored position.
};

// Every name that the setting takes; older ones (none, schema_only, schema_only_recovery) mean a newer one.
const std::vector<std::string>& snapshot_mode_names();
// One of them.
SnapshotMode snapshot_mode_of(std::string_view name);
std::string_view name_of(SnapshotMode mode);

// A pipeline's first start reads its tables.
bool loads_first(SnapshotMode mode);
// A first start is refused.
bool needs_position(SnapshotMode mode);

}  // namespace tailrace
