// RetryPolicy: the supervisor's answers by kind.
#include "pipeline/retry.h"

#include <algorithm>

namespace tailrace {

using std::chrono::milliseconds;

namespace {
constexpr milliseconds longest{30'000};
}  // namespace

void RetryPolicy::made_progress() {
  succeeded_ever_ = true;
  secret_read_again_ = false;
  reconnected_ = false;
  failures_ = 0;
}

std::optional<milliseconds> RetryPolicy::after(ErrorKind kind, time_point now) {
  ++failures_;
  switch (kind) {
    case ErrorKind::unavailable:
    case ErrorKind::conflict: {
      const milliseconds wait = std::min(shortest_ * (1 << std::min(failures_ - 1, 15)), longest);
      if (succeeded_ever_) return wait;
      // The last attempt is made when the time is over, not long after it.
      const auto left = std::chrono::duration_cast<milliseconds>(started_ + first_contact_ - now);
      if (left <= milliseconds(0)) return std::nullopt;
      return std::min(wait, left);
    }
    case ErrorKind::auth:
      // A rotated secret needs one fresh read. Later, failovers refuse logins too, and accounts must not get locked.
      if (!secret_read_again_) {
        secret_read_again_ = true;
        return milliseconds(0);
      }
      if (!succeeded_ever_) return std::nullopt;
      return milliseconds(60'000);
    case ErrorKind::protocol:
    case ErrorKind::internal:
      if (reconnected_) return std::nullopt;
      reconnected_ = true;
      return milliseconds(100);
    case ErrorKind::config:
    case ErrorKind::data:
    case ErrorKind::schema:
    case ErrorKind::gap:
    case ErrorKind::fenced:
    case ErrorKind::abandoned: return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace tailrace
