// Lock and heartbeat.
#include "postgres/liveness.h"

#include "base/error.h"
#include "base/log.h"
#include "base/wait.h"

namespace tailrace::postgres {
namespace {

using namespace std::chrono_literals;

// One lock a pipeline; the seed keeps clear of other programs' locks.
constexpr const char* lock_key = "hashtextextended('tailrace/' || $1, 7956018234)";

}  // namespace

Liveness::Liveness(const Settings& settings, std::string own_id, std::stop_token stop)
    : settings_(settings),
      own_id_(std::move(own_id)),
      connection_(std::make_unique<Connection>(settings, "heartbeat", std::move(stop))) {}

Liveness::~Liveness() {
  stop(/*clean=*/false);
}

bool Liveness::try_lock() {
  if (!locked_)
    locked_ = connection_
                  ->query(std::string("SELECT pg_try_advisory_lock(") + lock_key + ")",
                          Params().text(settings_.pipeline))
                  .boolean(0, 0);
  return locked_;
}

Liveness::Sign Liveness::look(std::int64_t watched_milliseconds) {
  Sign sign;
  sign.lock_is_ours = try_lock();
  if (sign.lock_is_ours) return sign;
  // A holder whose pipeline is not known yet is about to begin it; it has no heart to beat so far.
  sign.beginning = !is_known(*connection_, settings_.pipeline);
  if (sign.beginning) return sign;
  const Result row = connection_->query(
      "SELECT runner_id = $2, heartbeat_at::text,"
      "       extract(epoch FROM clock_timestamp() - heartbeat_at) * 1000 > $3"
      "  FROM tailrace.runner WHERE pipeline = $1",
      Params().text(settings_.pipeline).text(own_id_).integer(settings_.heartbeat_stale.count()));
  const bool beaten = row.rows() == 1 && !row.is_null(0, 1);
  sign.same_runner = row.rows() == 1 && row.boolean(0, 0);
  if (beaten) sign.heartbeat = std::string(row.text(0, 1));
  // A holder that has never shown a heartbeat is judged by how long we have watched it.
  sign.stale = beaten ? row.boolean(0, 2) : watched_milliseconds > settings_.heartbeat_stale.count();
  return sign;
}

bool Liveness::wait_until_free(std::stop_token stop) {
  const auto began = std::chrono::steady_clock::now();
  std::string first;
  for (bool looked = false;; looked = true) {
    const auto watched =
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began);
    const Sign sign = look(watched.count());
    if (sign.lock_is_ours || sign.same_runner || sign.stale) return true;
    if (sign.beginning && watched > settings_.heartbeat_stale) return false;
    // A heart that beats while we look: somebody is alive. One that does not may be a dead process's last.
    if (looked && sign.heartbeat != first) return false;
    if (!looked) first = sign.heartbeat;
    if (!wait_for(100ms, stop)) throw Error(ErrorKind::abandoned, "stopped while looking for other runners");
  }
}

void Liveness::end_holders() {
  if (try_lock()) return;
  try {
    connection_->query(
        std::string("SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
                    " WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted"
                    "   AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
                    "   AND a.usename = session_user"
                    "   AND (l.classid::bigint << 32) | l.objid::bigint = ") +
            lock_key,
        Params().text(settings_.pipeline));
  } catch (const Error& error) {
    log::warn("sink.takeover.holder_not_ended", {{"pipeline", settings_.pipeline}, {"reason", error.what()}});
    return;
  }
  // The signal takes its time. A lock that stood free until the next heartbeat would be the deposed runner's to take.
  const auto until = std::chrono::steady_clock::now() + settings_.takeover_grace;
  while (!try_lock() && std::chrono::steady_clock::now() < until)
    wait_for(10ms, std::stop_token{});
}

void Liveness::start(const Owner& owner) {
  fenced_ = false;
  thread_ = std::jthread([this, owner](const std::stop_token& stop) { run(owner, stop); });
}

void Liveness::beat(const Owner& owner, const std::stop_token& stop) {
  if (connection_ == nullptr) connection_ = std::make_unique<Connection>(settings_, "heartbeat", stop);
  try_lock();
  const Result updated = connection_->query(
      "UPDATE tailrace.runner SET heartbeat_at = clock_timestamp() WHERE pipeline = $1 AND fence = $2",
      Params().text(owner.pipeline).integer(owner.fence));
  if (updated.affected() == 0) fenced_ = true;
}

void Liveness::run(const Owner& owner, const std::stop_token& stop) {
  while (!stop.stop_requested() && !fenced_) {
    try {
      beat(owner, stop);
    } catch (const Error& error) {
      // The sink's own connection tells the supervisor; here it is only tried again.
      log::debug("sink.heartbeat.retry", {{"pipeline", owner.pipeline}, {"reason", error.what()}});
      connection_.reset();
      locked_ = false;
    }
    wait_for(settings_.heartbeat_interval, stop);
  }
}

void Liveness::stop(bool clean) {
  if (!thread_.joinable()) return;  // Never began: there is no heartbeat to clear.
  thread_.request_stop();
  thread_.join();
  if (!clean || connection_ == nullptr || fenced_) return;
  connection_->query("UPDATE tailrace.runner SET heartbeat_at = NULL WHERE pipeline = $1 AND runner_id = $2",
                     Params().text(settings_.pipeline).text(own_id_));
  connection_.reset();
  locked_ = false;
}

}  // namespace tailrace::postgres
