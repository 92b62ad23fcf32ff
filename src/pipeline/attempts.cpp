// Retrying by the error's kind (retry.cpp).
#include "pipeline/attempts.h"

#include "base/error.h"
#include "base/log.h"
#include "base/wait.h"

namespace tailrace {

RunEnd run_attempts(const RunSettings& settings, Progress& progress, const std::stop_token& drain,
                    const std::stop_token& abandon, const Attempts& attempt) {
  RetryPolicy retry(settings.first_contact, settings.shortest_retry, std::chrono::steady_clock::now());
  std::uint64_t steps_seen = 0;
  std::stop_source ending;
  const auto wake = [&] { ending.request_stop(); };
  const std::stop_callback on_drain(drain, wake);
  const std::stop_callback on_abandon(abandon, wake);
  for (;;) {
    try {
      const std::optional<RunEnd> end = attempt(retry, ending.get_token());
      if (abandon.stop_requested())
        throw Error(ErrorKind::abandoned, "abandoned: what was in flight comes again");
      if (end) return *end;
      continue;
    } catch (const Error& error) {
      if (abandon.stop_requested()) {
        throw Error(ErrorKind::abandoned, "abandoned: what was in flight comes again");
      }
      // The drain came while one side was asked something that need not be answered any more.
      if (error.kind() == ErrorKind::abandoned && drain.stop_requested()) return RunEnd::drained;
      if (progress.durable_steps != steps_seen) {
        steps_seen = progress.durable_steps;
        retry.made_progress();
      }
      const auto wait = retry.after(error.kind(), std::chrono::steady_clock::now());
      if (!wait) throw;
      ++progress.retries;
      log::warn("pipeline.retry",
                {{"kind", name_of(error.kind())}, {"wait_ms", wait->count()}, {"error", error.what()}});
      wait_for(*wait, ending.get_token());
      if (abandon.stop_requested())
        throw Error(ErrorKind::abandoned, "abandoned: what was in flight comes again");
      if (drain.stop_requested())
        return RunEnd::drained;  // Nothing is lost: the position names what is durable.
    }
  }
}

}  // namespace tailrace
