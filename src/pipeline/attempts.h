// The loop around a pipeline's attempts: what can be retried is retried, a drain or an abandon ends it.
//
// Errors   As runner.h.
// Threads  The caller's.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>

#include "pipeline/progress.h"
#include "pipeline/retry.h"
#include "pipeline/runner.h"

namespace tailrace {

// One attempt with new instances of both sides; nothing: again. `ending`: drained or abandoned.
using Attempts = std::function<std::optional<RunEnd>(RetryPolicy& retry, const std::stop_token& ending)>;

RunEnd run_attempts(const RunSettings& settings, Progress& progress, const std::stop_token& drain,
                    const std::stop_token& abandon, const Attempts& attempt);

}  // namespace tailrace
