// RowBatch: NULL, absent and empty stay three things, also when copied.
#include "model/row_batch.h"

#include <gtest/gtest.h>

namespace tailrace {
namespace {

SchemaPtr schema() {
  auto made = std::make_shared<TableSchema>();
  made->name = {"dbo", "t"};
  made->columns = {{"id", {TypeKind::int_}, false, ""}, {"note", {TypeKind::nvarchar, -1}, true, ""}};
  made->key = {0};
  return made;
}

TEST(RowBatch, KeepsNullAbsentAndEmptyApart) {
  RowBatch batch(schema());
  for (int i = 0; i < 3; ++i)
    batch.put(batch.add_row({}), 0).integer = i;
  batch.set_null(0, 1);
  batch.set_absent(1, 1);
  batch.put_text(2, 1, "");

  RowBatch copy(batch.schema_ptr());
  for (std::size_t row = 0; row < 3; ++row)
    copy.add_copy(batch, row);

  EXPECT_EQ(copy.state(0, 1), CellState::null);
  EXPECT_EQ(copy.state(1, 1), CellState::absent);
  EXPECT_EQ(copy.state(2, 1), CellState::value);
  EXPECT_EQ(copy.text(2, 1), "");
  EXPECT_EQ(copy.cell(2, 0).integer, 2);
}

// A copy that pointed into the other batch's arena would read freed memory.
TEST(RowBatch, CopiesOwnTheirText) {
  RowBatch copy(schema());
  {
    RowBatch batch(copy.schema_ptr());
    batch.put_text(batch.add_row({}), 1, "only in the first arena");
    copy.put_text(copy.add_row({}), 1, "before");
    copy.add_copy(batch, 0);
  }
  EXPECT_EQ(copy.text(0, 1), "before");
  EXPECT_EQ(copy.text(1, 1), "only in the first arena");
}

}  // namespace
}  // namespace tailrace
