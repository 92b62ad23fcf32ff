// Names of snapshot modes.
#include "pipeline/snapshot_mode.h"

#include <utility>

#include "base/error.h"

namespace tailrace {
namespace {

struct Name {
  std::string_view name;
  SnapshotMode mode;
};

// The first name of a mode is its own.
constexpr Name mode_names[] = {
    {"initial", SnapshotMode::initial},
    {"initial_only", SnapshotMode::initial_only},
    {"no_data", SnapshotMode::no_data},
    {"always", SnapshotMode::always},
    {"when_needed", SnapshotMode::when_needed},
    {"recovery", SnapshotMode::recovery},
    {"never", SnapshotMode::never},
    {"none", SnapshotMode::no_data},
    {"schema_only", SnapshotMode::no_data},
    {"schema_only_recovery", SnapshotMode::recovery},
};

}  // namespace

const std::vector<std::string>& snapshot_mode_names() {
  static const std::vector<std::string> all = [] {
    std::vector<std::string> out;
    for (const Name& each : mode_names)
      out.emplace_back(each.name);
    return out;
  }();
  return all;
}

SnapshotMode snapshot_mode_of(std::string_view name) {
  for (const Name& each : mode_names) {
    if (each.name == name) return each.mode;
  }
  throw Error(ErrorKind::internal, "no snapshot mode").with("mode", std::string(name));
}

std::string_view name_of(SnapshotMode mode) {
  for (const Name& each : mode_names) {
    if (each.mode == mode) return each.name;
  }
  return "initial";
}

bool loads_first(SnapshotMode mode) {
  return mode != SnapshotMode::no_data && !needs_position(mode);
}

bool needs_position(SnapshotMode mode) {
  return mode == SnapshotMode::recovery || mode == SnapshotMode::never;
}

}  // namespace tailrace
