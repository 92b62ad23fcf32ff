// Lines that the simulator logs as errors.
#include "sim/fuzz/findings.h"

#include <utility>

#include "base/log.h"

namespace tailrace::sim::fuzz {

ErrorLines::ErrorLines() {
  log::configure(log::Level::error, log::Format::text);
  log::redirect([this](std::string_view line) {
    const std::scoped_lock lock(mutex_);
    if (first_.empty()) first_ = line;
  });
}

ErrorLines::~ErrorLines() {
  log::redirect(nullptr);
}

std::string ErrorLines::take() {
  const std::scoped_lock lock(mutex_);
  return std::exchange(first_, {});
}

}  // namespace tailrace::sim::fuzz
