// The answer of `tailrace status` as text or JSON.
#pragma once

#include <cstdint>
#include <string>

#include "pipeline/status.h"

namespace tailrace::app {

// 2026-01-31T12:34:56.789Z; "-" for 0.
std::string time_text(std::int64_t utc_100ns);
// Commit at the source to durable in the target, of the newest position, in seconds; negative: not known.
double lag_seconds(const PipelineStatus& status);

std::string status_text(const std::string& pipeline, const PipelineStatus& status, bool colour);
// Keys are stable; docs/cli.md lists them.
std::string status_json(const std::string& pipeline, const PipelineStatus& status);

}  // namespace tailrace::app
