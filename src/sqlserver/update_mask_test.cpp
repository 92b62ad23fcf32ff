// The byte order of __$update_mask.
#include "sqlserver/update_mask.h"

#include <gtest/gtest.h>

#include <vector>

namespace tailrace::sqlserver {
namespace {

// If the bytes were counted from the front, tables of more than eight columns would lose real changes.
TEST(R07_UnchangedColumns, MaskCountsFromItsLastByte) {
  for (const std::size_t columns : {1u, 8u, 9u, 16u, 17u, 1024u}) {
    for (std::size_t changed = 1; changed <= columns; ++changed) {
      std::vector<std::byte> mask((columns + 7) / 8);
      mask[mask.size() - 1 - (changed - 1) / 8] = std::byte{1} << ((changed - 1) % 8);
      for (std::size_t ordinal = 1; ordinal <= columns; ++ordinal)
        ASSERT_EQ(is_changed(mask, ordinal), ordinal == changed)
            << columns << " columns, ordinal " << ordinal;
    }
  }
}

TEST(R07_UnchangedColumns, BeyondTheMaskNothingHasChanged) {
  EXPECT_FALSE(is_changed({}, 1));
  const std::vector<std::byte> mask{std::byte{0xFF}};
  EXPECT_TRUE(is_changed(mask, 8));
  EXPECT_FALSE(is_changed(mask, 9));
}

}  // namespace
}  // namespace tailrace::sqlserver
