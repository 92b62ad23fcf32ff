// Crash points: the environment is read once, a pass costs one comparison when none is set.
#include "base/crash_point.h"

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <string>

namespace tailrace {
namespace {

struct Armed {
  std::string name;
  long pass = 0;  // 0: nothing is armed.
};

const Armed& armed() {
  static const Armed instance = [] {
    Armed made;
    const char* text = std::getenv("TAILRACE_CRASH_AT");
    if (text == nullptr || *text == '\0') return made;
    made.name = text;
    made.pass = 1;
    if (const auto colon = made.name.rfind(':'); colon != std::string::npos) {
      made.pass = std::strtol(made.name.c_str() + colon + 1, nullptr, 10);
      made.name.resize(colon);
    }
    return made;
  }();
  return instance;
}

}  // namespace

void crash_point(const char* name) {
#ifndef TAILRACE_NO_CRASH_POINTS
  static std::atomic<long> passes{0};
  const Armed& point = armed();
  if (point.pass == 0 || point.name != name) return;
  if (++passes == point.pass) std::raise(SIGKILL);
#else
  static_cast<void>(name);
#endif
}

}  // namespace tailrace
