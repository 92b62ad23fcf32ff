// Random ids.
#include "pipeline/runner_id.h"

#include <fmt/format.h>

#include <random>

namespace tailrace {

std::string random_uuid() {
  std::random_device entropy;
  const auto word = [&entropy] { return static_cast<unsigned>(entropy()); };
  return fmt::format("{:08x}-{:04x}-4{:03x}-{:04x}-{:08x}{:04x}", word(), word() & 0xffffU, word() & 0xfffU,
                     (word() & 0x3fffU) | 0x8000U, word(), word() & 0xffffU);
}

const std::string& process_runner_id() {
  static const std::string id = random_uuid();
  return id;
}

}  // namespace tailrace
