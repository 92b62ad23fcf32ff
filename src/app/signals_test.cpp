// Stop requests from signals.
#include "app/signals.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace tailrace::app {
namespace {

bool comes_within_seconds(const std::stop_token& token) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_for(lock, token, std::chrono::seconds(20), [] { return false; });
  return token.stop_requested();
}

// A service manager sends one signal and waits; only a second one may cost what is in flight.
TEST(Signals, TheFirstDrainsAndTheSecondAbandons) {
  const Signals signals;
  kill(getpid(), SIGTERM);
  EXPECT_TRUE(comes_within_seconds(signals.drain()));
  EXPECT_FALSE(signals.abandon().stop_requested());
  kill(getpid(), SIGINT);
  EXPECT_TRUE(comes_within_seconds(signals.abandon()));
}

}  // namespace
}  // namespace tailrace::app
