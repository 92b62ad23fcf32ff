// T-SQL texts: order, ranges, parameters.
#include "sqlserver/statements.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tailrace::sqlserver {
namespace {

TableSchema table_of_two_keys() {
  TableSchema table;
  table.name = {"dbo", "a]b"};
  table.columns = {{"id", {TypeKind::int_}, false, ""},
                   {"code", {TypeKind::varchar, 10}, false, "Latin1_General_CI_AS"},
                   {"at", {TypeKind::datetime}, false, ""},
                   {"note", {TypeKind::nvarchar, -1}, true, "Latin1_General_CI_AS"}};
  table.key = {0, 1};
  return table;
}

// The insert of a deferred update must not sort before its delete.
TEST(R01_Order, IsTheChangeTablesOwn) {
  const ChangeColumns columns{"dbo_t_CT", true, false, "c.[id]"};
  EXPECT_EQ(change_page(columns, PageForm::from_lsn, false),
            "SELECT c.[__$start_lsn], c.[__$command_id], c.[__$seqval], c.[__$operation], "
            "c.[__$update_mask], c.[id] FROM "
            "[cdc].[dbo_t_CT] AS c WHERE c.[__$start_lsn] > CONVERT(binary(10), ?) AND c.[__$start_lsn] <= "
            "CONVERT(binary(10), ?) AND c.[__$operation] "
            "<> 3 ORDER BY "
            "c.[__$start_lsn], c.[__$command_id], c.[__$seqval], c.[__$operation]");
}

TEST(R01_Order, KnowsChangeTablesWithoutCommands) {
  const ChangeColumns columns{"dbo_t_CT", false, true, "c.[id]"};
  EXPECT_EQ(change_page(columns, PageForm::same_seqval, false),
            "SELECT c.[__$start_lsn], 0, c.[__$seqval], c.[__$operation], c.[__$update_mask], c.[id] FROM "
            "[cdc].[dbo_t_CT] AS c WHERE c.[__$start_lsn] = CONVERT(binary(10), ?) AND c.[__$seqval] = "
            "CONVERT(binary(10), ?) AND c.[__$operation] > CONVERT(int, ?) "
            "ORDER BY "
            "c.[__$start_lsn], c.[__$seqval], c.[__$operation]");
}

TEST(Statements, SeekRangesOfCompositeKeys) {
  const TableSchema table = table_of_two_keys();
  EXPECT_EQ(read_range(table, "c.[id]", {true, true}, "Latin1_General_CI_AS"),
            "SELECT c.[id] FROM [dbo].[a]]b] AS c WHERE (c.[id] >= CONVERT(int, ?) AND (c.[id] > "
            "CONVERT(int, ?) OR "
            "(c.[code] > CONVERT(varchar(10), ?)))) AND (c.[id] <= CONVERT(int, ?) AND (c.[id] < "
            "CONVERT(int, ?) OR "
            "(c.[code] <= CONVERT(varchar(10), ?)))) ORDER BY c.[id], c.[code]");
  EXPECT_EQ(range_parameters(table, {"1", "a"}, {"2", "b"}).size(), 6u);
  EXPECT_EQ(read_range(table, "c.[id]", {}, ""),
            "SELECT c.[id] FROM [dbo].[a]]b] AS c ORDER BY c.[id], c.[code]");
}

// Bounds that count rows which the chunks then leave out would make chunks of nothing; a comment at its end must not take the
// parenthesis with it.
TEST(Statements, AFilterIsInBoundsAndChunksAlike) {
  TableSchema table = table_of_two_keys();
  table.key = {0};
  table.snapshot_filter = "a = 1 OR b = 2 -- old ones";
  EXPECT_EQ(read_range(table, "c.[id]", {}, ""),
            "SELECT c.[id] FROM [dbo].[a]]b] AS c WHERE a = 1 OR b = 2 -- old ones\n ORDER BY c.[id]");
  EXPECT_EQ(
      read_range(table, "c.[id]", {true, true}, ""),
      "SELECT c.[id] FROM [dbo].[a]]b] AS c WHERE ((c.[id] > CONVERT(int, ?)) AND (c.[id] <= CONVERT(int, "
      "?))) AND (a = 1 OR b = 2 -- old ones\n) ORDER BY c.[id]");
  EXPECT_EQ(
      bound_behind(table, "c.[id]", true, 50, ""),
      "SELECT c.[id] FROM [dbo].[a]]b] AS c WHERE (c.[id] > CONVERT(int, ?)) AND (a = 1 OR b = 2 -- old "
      "ones\n) ORDER BY c.[id] OFFSET 49 ROWS FETCH NEXT 1 ROWS ONLY");
}

// A condition with OR in it must not let rows of other chunks in.
TEST(Statements, AConditionIsOneOfTheChunks) {
  const TableSchema table = table_of_two_keys();
  EXPECT_EQ(read_range(table, "c.[id]", {false, false, "a = 1 OR b = 2"}, ""),
            "SELECT c.[id] FROM [dbo].[a]]b] AS c WHERE a = 1 OR b = 2\n ORDER BY c.[id], c.[code]");
  EXPECT_THAT(read_range(table, "c.[id]", {true, false, "a = 1 OR b = 2"}, ""),
              ::testing::HasSubstr(") AND (a = 1 OR b = 2\n) ORDER BY"));
}

// Another collation is another code page: converted without it, a bound could lose characters.
TEST(Statements, BoundsCarryTheColumnsCollation) {
  TableSchema table = table_of_two_keys();
  table.key = {1};
  EXPECT_EQ(bound_behind(table, "c.[code]", true, 50, "Greek_CI_AS"),
            "SELECT c.[code] FROM [dbo].[a]]b] AS c WHERE c.[code] > CONVERT(varchar(10), ? COLLATE "
            "Latin1_General_CI_AS) "
            "ORDER BY c.[code] OFFSET 49 ROWS FETCH NEXT 1 ROWS ONLY");
}

TEST(Statements, ReadTextAsUtf16) {
  const TableSchema table = table_of_two_keys();
  EXPECT_EQ(select_expression(table.columns[1]), "CONVERT(nvarchar(10), c.[code])");
  EXPECT_EQ(select_expression({"x", {TypeKind::varchar, 8000}, true, ""}), "CONVERT(nvarchar(max), c.[x])");
  EXPECT_EQ(select_expression(table.columns[3]), "c.[note]");
}

// Half the bytes where the reader knows the code page itself; every other one is the server's to convert.
TEST(Statements, ReadWesternTextAsItIs) {
  const auto asked = [](ColumnType type, const char* collation) {
    return select_expression({"x", type, true, collation}, TextForm::western);
  };
  EXPECT_EQ(asked({TypeKind::varchar, 10}, "Latin1_General_CI_AS"), "c.[x]");
  EXPECT_EQ(asked({TypeKind::char_, 8000}, "SQL_Latin1_General_CP1_CI_AS"), "c.[x]");
  EXPECT_EQ(asked({TypeKind::varchar, 10}, "Greek_CI_AS"), "CONVERT(nvarchar(10), c.[x])");
  EXPECT_EQ(asked({TypeKind::varchar, 10}, "Latin1_General_100_CI_AS_SC_UTF8"),
            "CONVERT(nvarchar(10), c.[x])");
  EXPECT_EQ(asked({TypeKind::varchar, -1}, "Latin1_General_CI_AS"), "CONVERT(nvarchar(max), c.[x])");
}

TEST(Statements, CutWhatDatetimeCannotRead) {
  TableSchema table = table_of_two_keys();
  table.key = {2};
  const std::vector<Parameter> parameters = range_parameters(table, {"2026-11-23T10:00:00.0070000"}, {});
  EXPECT_EQ(parameters.at(0).value, Parameter::of_text("2026-11-23T10:00:00.007").value);
}

}  // namespace
}  // namespace tailrace::sqlserver
