// The attempts.
#include "pipeline/partition_runner.h"

#include "pipeline/attempts.h"
#include "pipeline/partition_attempt.h"

namespace tailrace {

RunEnd run_partitions(const RunSettings& settings, const PartitionSourceFactory& make_source,
                      const PartitionSinkFactory& make_sink, Progress& progress, std::stop_token drain,
                      std::stop_token abandon) {
  return run_attempts(settings, progress, drain, abandon,
                      [&](RetryPolicy& retry, const std::stop_token& ending) {
                        PartitionAttempt attempt(settings, make_source(), make_sink(), progress, retry);
                        return std::optional(attempt.run(drain, abandon, ending));
                      });
}

}  // namespace tailrace
