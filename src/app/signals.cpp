// signalfd, an eventfd to end the watch, and a last resort.
#include "app/signals.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdlib>

#include "base/error.h"
#include "base/log.h"

namespace tailrace::app {
namespace {

// What is in flight is dropped at once when abandoned; what has not ended by then hangs in a call that nobody
// can cancel, and the state is safe anyway (every position is durable with its rows).
constexpr int abandon_deadline_ms = 15'000;

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

}  // namespace

Signals::Signals() {
  const sigset_t set = stop_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signals_ = signalfd(-1, &set, SFD_CLOEXEC);
  wake_ = eventfd(0, EFD_CLOEXEC);
  TAILRACE_ASSERT(signals_ >= 0 && wake_ >= 0);
  thread_ = std::jthread([this](std::stop_token stop) { watch(std::move(stop)); });
}

Signals::~Signals() {
  thread_.request_stop();
  const std::uint64_t one = 1;
  // An eventfd that was just made takes one count; there is nothing to do if it does not.
  [[maybe_unused]] const ssize_t written = ::write(wake_, &one, sizeof one);
  thread_.join();
  close(signals_);
  close(wake_);
}

void Signals::watch(std::stop_token stop) {
  std::array<pollfd, 2> waited{{{signals_, POLLIN, 0}, {wake_, POLLIN, 0}}};
  while (!stop.stop_requested()) {
    const int ready =
        poll(waited.data(), waited.size(), abandon_.stop_requested() ? abandon_deadline_ms : -1);
    if (ready == 0) {
      log::error("run.abandon.stuck", {{"waited_ms", abandon_deadline_ms}});
      std::_Exit(static_cast<int>(ExitCode::abandoned));
    }
    if (ready < 0 || (waited[0].revents & POLLIN) == 0) continue;
    signalfd_siginfo info{};
    if (read(signals_, &info, sizeof info) != sizeof info) continue;
    const char* const name = info.ssi_signo == SIGINT ? "SIGINT" : "SIGTERM";
    if (!drain_.stop_requested()) {
      log::info("run.drain", {{"signal", name}, {"hint", "a second signal abandons what is in flight"}});
      drain_.request_stop();
    } else if (!abandon_.stop_requested()) {
      log::warn("run.abandon", {{"signal", name}});
      abandon_.request_stop();
    }
  }
}

}  // namespace tailrace::app
