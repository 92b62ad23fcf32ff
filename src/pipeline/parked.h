// Parked keys (R7c): read again at the source, and settled in the sink with a new mark.
#pragma once

#include <stop_token>

#include "pipeline/sink.h"
#include "pipeline/source.h"

namespace tailrace {

// Settles what the sink has parked, a few keys at a time, and keeps the tables' new marks in `state`. False if it was
// stopped before every key was settled.
[[nodiscard]] bool settle_parked_keys(Source& source, Sink& sink, ResumeState& state,
                                      const std::stop_token& stop);

}  // namespace tailrace
