// A position set by hand: back, to replay what was applied already, or forward, over what will then never be applied.
//
// Shape    Both sides are open for as long as it takes, as in a run: a live runner is respected (fenced), and one that wakes up later is
//          fenced itself.
// Errors   config: the move is not allowed, and why. gap: changes behind the new position are gone. Others as of both sides.
// Threads  The caller's.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "pipeline/sink.h"
#include "pipeline/source.h"

namespace tailrace {

struct MoveRequest {
  StartPoint point;
  bool skip = false;  // Forward is allowed.
  std::string reason;
  std::string by;
};

enum class MoveKind { none, back, forward };

struct MoveResult {
  MoveKind kind = MoveKind::none;  // none: the position is there already; nothing was written.
  Position from;
  Position to;
  std::vector<TableName> replayed;  // Back.
  std::map<TableName, std::optional<std::uint64_t>>
      skipped;  // Forward; without tables of which nothing is passed over.
};

// Nothing if stopped first.
std::optional<MoveResult> move_position(Source& source, Sink& sink, const MoveRequest& request,
                                        std::stop_token stop);

}  // namespace tailrace
