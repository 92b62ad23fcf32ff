// Raising the fence.
#include "postgres/fence.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/log.h"

namespace tailrace::postgres {
namespace {

constexpr int attempts = 10;

std::string host_name() {
  std::array<char, 256> name{};
  gethostname(name.data(), name.size() - 1);
  return name.data();
}

// FOR UPDATE waits for chunk writers' KEY SHARE, which a plain UPDATE would not (R6b).
std::int64_t raise_once(Connection& connection, const Settings& settings, const std::string& runner_id) {
  Transaction transaction(connection);
  // To PostgreSQL 0 is no timeout at all; to whoever sets it, no grace.
  connection.exec(
      fmt::format("SET LOCAL lock_timeout = {}", std::max<std::int64_t>(1, settings.takeover_grace.count())));
  connection.query("INSERT INTO tailrace.pipeline (pipeline) VALUES ($1) ON CONFLICT DO NOTHING",
                   Params().text(settings.pipeline));
  connection.query("SELECT 1 FROM tailrace.pipeline WHERE pipeline = $1 FOR UPDATE",
                   Params().text(settings.pipeline));
  const std::int64_t fence =
      connection
          .query("UPDATE tailrace.pipeline SET fence = fence + 1 WHERE pipeline = $1 RETURNING fence",
                 Params().text(settings.pipeline))
          .integer(0, 0);
  connection.query(
      "INSERT INTO tailrace.runner (pipeline, runner_id, fence, host, process_id, started_at, heartbeat_at)"
      " VALUES ($1, $2, $3, $4, $5, clock_timestamp(), clock_timestamp())"
      " ON CONFLICT (pipeline) DO UPDATE SET runner_id = EXCLUDED.runner_id, fence = EXCLUDED.fence,"
      "   host = EXCLUDED.host, process_id = EXCLUDED.process_id, started_at = EXCLUDED.started_at,"
      "   heartbeat_at = EXCLUDED.heartbeat_at, last_error = ''",
      Params().text(settings.pipeline).text(runner_id).integer(fence).text(host_name()).integer(getpid()));
  transaction.commit();
  return fence;
}

// Only backends that have this pipeline's row or table open, under our role and name.
void end_blockers(Connection& connection, const Settings& settings) {
  const Result ended = connection.query(
      "SELECT DISTINCT a.pid, pg_terminate_backend(a.pid) FROM pg_stat_activity a JOIN pg_locks l USING (pid)"
      " WHERE a.usename = session_user AND a.application_name = current_setting('application_name')"
      "   AND a.datname = current_database() AND a.pid <> pg_backend_pid()"
      "   AND l.locktype = 'relation' AND l.relation = 'tailrace.pipeline'::regclass"
      "   AND l.mode IN ('RowShareLock', 'RowExclusiveLock')",
      {});
  for (int row = 0; row < ended.rows(); ++row)
    log::warn("sink.takeover.backend_ended", {{"pipeline", settings.pipeline}, {"pid", ended.text(row, 0)}});
}

}  // namespace

Owner raise_fence(Connection& connection, const Settings& settings, const std::string& runner_id,
                  std::stop_token stop) {
  for (int attempt = 1;; ++attempt) {
    try {
      const Owner owner{settings.pipeline, raise_once(connection, settings, runner_id)};
      // Not with the fence's row locked: who writes a table outside the stream locks the two the other way round.
      connection.query(
          "UPDATE tailrace.table_state SET last_error = '' WHERE pipeline = $1 AND last_error <> ''",
          Params().text(settings.pipeline));
      return owner;
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::conflict || attempt == attempts || stop.stop_requested()) throw;
    }
    connection.reset();
    end_blockers(connection, settings);
  }
}

}  // namespace tailrace::postgres
