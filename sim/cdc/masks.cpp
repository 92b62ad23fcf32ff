// Update masks: bits of columns by their ordinals.
#include "sim/cdc/cdc_internal.h"

namespace tailrace::sim {

std::string full_mask(std::int32_t columns) {
  std::string mask(static_cast<std::size_t>((columns + 7) / 8), '\xff');
  if (columns % 8 != 0) mask[0] = static_cast<char>((1 << columns % 8) - 1);
  return mask;
}

bool mask_bit(std::string_view mask, std::int32_t ordinal) {
  const auto byte = static_cast<std::size_t>(ordinal - 1) / 8;
  if (byte >= mask.size()) return false;
  return (static_cast<unsigned char>(mask[mask.size() - 1 - byte]) >> ((ordinal - 1) % 8) & 1) != 0;
}

}  // namespace tailrace::sim
