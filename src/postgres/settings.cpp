// The id of this process's runner; names of choices.
#include "postgres/settings.h"

#include <fmt/format.h>

#include <array>
#include <random>

namespace tailrace::postgres {

const std::string& process_runner_id() {
  static const std::string id = [] {
    std::random_device entropy;
    const auto word = [&entropy] { return static_cast<unsigned>(entropy()); };
    return fmt::format("{:08x}-{:04x}-4{:03x}-{:04x}-{:08x}{:04x}", word(), word() & 0xffffU, word() & 0xfffU,
                       (word() & 0x3fffU) | 0x8000U, word(), word() & 0xffffU);
  }();
  return id;
}

std::string_view name_of(ExistingRows existing) {
  switch (existing) {
    case ExistingRows::refuse: return "refuse";
    case ExistingRows::truncate: return "truncate";
    case ExistingRows::append: return "append";
    case ExistingRows::adopt: return "adopt";
  }
  return "refuse";
}

ExistingRows parse_existing(std::string_view name) {
  constexpr std::array all{ExistingRows::truncate, ExistingRows::append, ExistingRows::adopt};
  for (const ExistingRows existing : all) {
    if (name_of(existing) == name) return existing;
  }
  return ExistingRows::refuse;
}

}  // namespace tailrace::postgres
