// What to do after a failed attempt: again at once, again later, or give up. Pure: clocks are handed in.
//
// Source  docs/rules.md; the table of kinds in CONTRIBUTING.md.
#pragma once

#include <chrono>
#include <optional>

#include "base/error.h"

namespace tailrace {

class RetryPolicy {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  RetryPolicy(std::chrono::milliseconds first_contact, std::chrono::milliseconds shortest, time_point started)
      : first_contact_(first_contact), shortest_(shortest), started_(started) {}

  // The pipeline has committed once, now or in an earlier run: unreachable sides are retried for ever from here on.
  void succeeded_before() { succeeded_ever_ = true; }
  // Something became durable since the last failure: the next wait starts from the shortest again.
  void made_progress();

  // How long to wait before the next attempt; nothing: give up with this error.
  std::optional<std::chrono::milliseconds> after(ErrorKind kind, time_point now);

 private:
  std::chrono::milliseconds first_contact_;
  std::chrono::milliseconds shortest_;
  time_point started_;
  bool succeeded_ever_ = false;
  bool secret_read_again_ = false;
  bool reconnected_ = false;  // After protocol or internal: one time.
  int failures_ = 0;
};

}  // namespace tailrace
