// Names of choices.
#include "postgres/settings.h"

#include <array>

namespace tailrace::postgres {

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
