// What change tables hold after inserts, updates, deletes, deferred updates, DDL, cleanup; two instances; rights.
#include "sim/cdc/cdc.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "sim/cdc/cleanup_internal.h"
#include "sim/cdc/testing.h"

namespace tailrace::sim {

std::vector<std::string> CdcFixture::changes(const std::string& name) {
  const auto instance = load_instance(work->connection(), name);
  std::vector<std::string> out;
  const auto columns = static_cast<int>(instance->columns.size());
  Statement rows = work->connection().prepare(
      fmt::format("SELECT * FROM t{} ORDER BY c1, c{}, c3, c4", instance->object_id, columns + 6));
  while (rows.next()) {
    std::string line = fmt::format("{}/", rows.number(3));
    for (const char byte : rows.blob(4))
      line += fmt::format("{:02x}", static_cast<unsigned char>(byte));
    line += ":";
    for (int i = 0; i < columns; ++i)
      line += rows.is_null(i + 5) ? " -" : " " + std::string(rows.text(i + 5));
    out.push_back(line);
  }
  return out;
}

namespace {

using Lines = std::vector<std::string>;

TEST_F(CdcFixture, InsertUpdateDelete) {
  const TablePtr table = make_table("orders", {column("a", "int"), column("note", "nvarchar(max)")});
  ASSERT_FALSE(enable(of("orders")));
  EXPECT_TRUE(catalog->table("dbo", "orders")->tracked_by_cdc);
  const std::string t = table->stored_name();
  write([&] {
    statement("INSERT INTO " + t + " VALUES(1, 10, 'x'), (2, 20, 'y')");
    statement("UPDATE " + t + " SET c2 = 11 WHERE c1 = 1");
    statement("UPDATE " + t + " SET c3 = NULL WHERE c1 = 1");
    statement("UPDATE " + t + " SET c2 = c2");  // Changes nothing.
    statement("DELETE FROM " + t + " WHERE c1 = 2");
  });
  EXPECT_FALSE(cdc->max_lsn());
  const ScanReport report = scan();
  ASSERT_EQ(report.transactions.size(), 1U);
  EXPECT_EQ(cdc->max_lsn(), report.transactions[0].commit_lsn);
  EXPECT_EQ(changes("dbo_orders"), (Lines{"2/07: 1 10 x", "2/07: 2 20 y", "3/02: 1 10 -", "4/02: 1 11 -",
                                          "3/04: 1 11 x", "4/04: 1 11 -", "1/07: 2 20 y"}));
  EXPECT_TRUE(scan().transactions.empty());
  EXPECT_EQ(work->connection().single_number("SELECT count(*) FROM " + log_table(table->object_id)), 0);
  // Both rows of an update have one seqval and one command id; all rows of a statement have one command id.
  const auto instance = load_instance(work->connection(), "dbo_orders");
  const std::string ct = fmt::format("t{}", instance->object_id);
  EXPECT_EQ(work->connection().single_number("SELECT count(DISTINCT c3) FROM " + ct + " WHERE c4 IN (3, 4)"),
            2);
  EXPECT_EQ(work->connection().single_number("SELECT count(DISTINCT c9) FROM " + ct), 4);
}

// A rolled back transaction or savepoint leaves nothing behind, and no mapping row either.
TEST_F(CdcFixture, RollbackLeavesNothing) {
  const TablePtr table = make_table("t", {column("a", "int")});
  ASSERT_FALSE(enable(of("t")));
  const std::string insert = "INSERT INTO " + table->stored_name() + " VALUES";
  ASSERT_FALSE(work->before_write({}, {}));
  statement(insert + "(1, 1)");
  work->rollback();
  work->begin(Isolation::read_committed);
  ASSERT_FALSE(work->before_write({}, {}));
  statement(insert + "(2, 1)");
  work->savepoint("s");
  statement(insert + "(3, 1)");
  EXPECT_TRUE(work->rollback_to("s"));
  work->commit();
  work->begin(Isolation::read_committed);
  ASSERT_FALSE(work->before_write({}, {}));
  work->savepoint("s");
  statement(insert + "(4, 1)");
  EXPECT_TRUE(work->rollback_to("s"));
  work->commit();
  scan();
  EXPECT_EQ(changes("dbo_t"), (Lines{"2/03: 2 1"}));
  EXPECT_EQ(work->connection().single_number("SELECT count(*) FROM t1005"), 1);
}

TEST_F(CdcFixture, DeferredUpdateOfOneRowHasOneSeqval) {
  const TablePtr table = make_table("t", {column("a", "int")});
  ASSERT_FALSE(enable(of("t")));
  const std::string t = table->stored_name();
  write([&] { statement("INSERT INTO " + t + " VALUES(1, 1), (2, 2)"); });
  write([&] {
    statement("DELETE FROM " + t + " WHERE c1 = 1");
    work->log().next_command();
    work->log().repeat_seqval();
    work->connection().execute("INSERT INTO " + t + " VALUES(5, 1)");
  });
  write([&] {
    statement("DELETE FROM " + t);
    statement("INSERT INTO " + t + " VALUES(12, 2), (15, 1)");
  });
  scan();
  EXPECT_EQ(changes("dbo_t"), (Lines{"2/03: 1 1", "2/03: 2 2", "1/03: 1 1", "2/03: 5 1", "1/03: 2 2",
                                     "1/03: 5 1", "2/03: 12 2", "2/03: 15 1"}));
  const std::string ct = fmt::format("t{}", load_instance(work->connection(), "dbo_t")->object_id);
  EXPECT_EQ(work->connection().single_number("SELECT count(DISTINCT c3) FROM " + ct), 7);
}

class MaskWidth : public CdcFixture, public testing::WithParamInterface<int> {};

// Ordinal 1 is bit 0 of the last byte; a reader with the bytes the other way round is wrong above 8 columns.
TEST_P(MaskWidth, BitsCountFromTheLastByte) {
  const int width = GetParam();
  std::vector<ColumnDef> columns;
  for (int i = 2; i <= width; ++i)
    columns.push_back(column("x" + std::to_string(i), "int"));
  const TablePtr table = make_table("t", columns);
  ASSERT_FALSE(enable(of("t")));
  const std::string t = table->stored_name();
  write([&] { statement("INSERT INTO " + t + "(c1) VALUES(1)"); });
  if (width > 1) {
    write([&] { statement(fmt::format("UPDATE {} SET c{} = 7", t, width)); });
  }
  scan();
  const Lines lines = changes("dbo_t");
  const auto bytes = static_cast<std::size_t>((width + 7) / 8);
  std::string full(bytes * 2, 'f');
  std::string one(bytes * 2, '0');
  if (width % 8 != 0) {
    const std::string first = fmt::format("{:02x}", (1 << width % 8) - 1);
    full.replace(0, 2, first);
  }
  one.replace(0, 2, fmt::format("{:02x}", 1 << (width - 1) % 8));
  EXPECT_TRUE(lines[0].starts_with("2/" + full + ":")) << lines[0];
  if (width > 1) {
    EXPECT_TRUE(lines[1].starts_with("3/" + one + ":")) << lines[1];
    EXPECT_TRUE(lines[2].starts_with("4/" + one + ":")) << lines[2];
    const auto ordinal = cdc->column_ordinal("dbo_t", "x" + std::to_string(width));
    EXPECT_EQ(ordinal, width);
  }
}

INSTANTIATE_TEST_SUITE_P(Widths, MaskWidth, testing::Values(1, 8, 9, 16, 17, 61, 100, 130));

// An instance over some columns: its ordinals are its own, and changes of other columns are no changes.
TEST_F(CdcFixture, CapturedColumnList) {
  const TablePtr table = make_table("t", {column("a", "int"), column("b]x", "int"), column("c", "int")});
  EnableTable some = of("t");
  some.captured_column_list = "[b]]x], id";
  ASSERT_FALSE(enable(some));
  const std::string t = table->stored_name();
  write([&] {
    statement("INSERT INTO " + t + " VALUES(1, 2, 3, 4)");
    statement("UPDATE " + t + " SET c4 = 5");
    statement("UPDATE " + t + " SET c3 = 6");
  });
  scan();
  EXPECT_EQ(changes("dbo_t"), (Lines{"2/03: 1 3", "3/02: 1 3", "4/02: 1 6"}));
  some.capture_instance = "two";
  some.captured_column_list = "a";
  EXPECT_EQ(enable(some)->number, 22943);  // Without the key.
  work->rollback();
  some.captured_column_list = "id, nonsense";
  EXPECT_EQ(enable(some)->number, 22942);
}

TEST_F(CdcFixture, TwoInstancesAndADdl) {
  const TablePtr table = make_table("t", {column("a", "int")});
  ASSERT_FALSE(enable(of("t")));
  const std::string t = table->stored_name();
  write([&] { statement("INSERT INTO " + t + " VALUES(1, 1)"); });
  write([&] {
    ColumnDef added = column("b", "nvarchar(10)");
    ASSERT_FALSE(catalog->add_column(*table, added));
    cdc->after_alter(table->object_id, "ALTER TABLE dbo.t ADD b nvarchar(10)");
  });
  write([&] { statement("INSERT INTO " + t + " VALUES(2, 2, 'lost')"); });
  EnableTable second = of("t");
  second.capture_instance = "dbo_t_2";
  ASSERT_FALSE(enable(second));
  write([&] { statement("INSERT INTO " + t + " VALUES(3, 3, 'both')"); });
  EXPECT_EQ(work->connection().single_number("SELECT count(*) FROM t1004"), 0);
  scan();
  EXPECT_EQ(changes("dbo_t"), (Lines{"2/03: 1 1", "2/03: 2 2", "2/03: 3 3"}));
  EXPECT_EQ(changes("dbo_t_2"), (Lines{"2/07: 3 3 both"}));
  // As SQL Server: the history is written for each instance there is when the scan passes.
  EXPECT_EQ(work->connection().single_number("SELECT count(*) FROM t1004"), 2);
  second.capture_instance = "third";
  EXPECT_EQ(enable(second)->number, 22962);
  second.source_name = "none";
  EXPECT_EQ(enable(second)->number, 22931);
  write([&] { ASSERT_FALSE(cdc->disable_table(dbo, "dbo", "t", "dbo_t")); });
  write([&] { statement("INSERT INTO " + t + " VALUES(4, 4, 'x')"); });
  scan();
  EXPECT_EQ(changes("dbo_t_2").size(), 2U);
  write([&] { ASSERT_FALSE(cdc->disable_table(dbo, "dbo", "t", "all")); });
  EXPECT_FALSE(catalog->table("dbo", "t")->tracked_by_cdc);
  write([&] { statement("INSERT INTO " + t + " VALUES(5, 5, 'x')"); });
  EXPECT_TRUE(scan().transactions.empty());
  write([&] { ASSERT_FALSE(cdc->disable_db(dbo)); });
  EXPECT_FALSE(catalog->object("cdc", "change_tables"));
}

TEST_F(CdcFixture, CleanupMovesTheLowEnd) {
  const TablePtr table = make_table("t", {column("a", "int")});
  ASSERT_FALSE(enable(of("t")));
  std::vector<Lsn> commits;
  for (int i = 1; i <= 4; ++i) {
    write([&] { statement(fmt::format("INSERT INTO {} VALUES({}, 1)", table->stored_name(), i)); });
    commits.push_back(scan().transactions.at(0).commit_lsn);
  }
  const Lsn start = cdc->min_lsn(dbo, "dbo_t");
  EXPECT_LT(start, commits[0]);
  Outcome error;
  write([&] { error = cdc->cleanup_change_table(dbo, "dbo_t", commits[2], 5000); });
  EXPECT_FALSE(error);
  EXPECT_EQ(cdc->min_lsn(dbo, "dbo_t"), commits[2]);
  EXPECT_EQ(changes("dbo_t").size(), 2U);
  EXPECT_EQ(work->connection().single_number("SELECT count(*) FROM t1005"), 2);
  EXPECT_EQ(cdc->cleanup_change_table(dbo, "dbo_t", commits[1], 5000)->number, 22957);
  const auto function = cdc->change_function("fn_cdc_get_all_changes_dbo_t");
  ASSERT_TRUE(function);
  EXPECT_FALSE(cdc->check_change_function(dbo, *function, commits[2], commits[3], "all"));
  EXPECT_EQ(cdc->check_change_function(dbo, *function, commits[1], commits[3], "all")->number, 313);
  EXPECT_EQ(cdc->check_change_function(dbo, *function, commits[2], increment_lsn(commits[3]), "all")->number,
            313);
  EXPECT_EQ(cdc->check_change_function(dbo, *function, {}, commits[3], "all")->number, 313);
  EXPECT_EQ(cdc->check_change_function(dbo, *function, commits[2], commits[3], "some")->number, 313);
  Statement rows = work->connection().prepare(function->select);
  EXPECT_EQ(rows.column_count(), static_cast<int>(function->columns.size()));
  scanner->write_marker({});
  EXPECT_GT(*cdc->max_lsn(), commits[3]);
}

// A marker must not overtake changes that are logged but not captured: a reader would pass them by.
TEST_F(CdcFixture, MarkersNeverOvertakeChanges) {
  const TablePtr table = make_table("t", {column("a", "int")});
  ASSERT_FALSE(enable(of("t")));
  write([&] { statement("INSERT INTO " + table->stored_name() + " VALUES(1, 1)"); });
  scanner->write_marker({});
  EXPECT_FALSE(cdc->max_lsn());
  scan();
  scanner->write_marker({});
  const Lsn marker = *cdc->max_lsn();
  EXPECT_TRUE(cdc->map_lsn_to_time(marker));
  EXPECT_EQ(work->connection().single_number("SELECT count(*) FROM t1005 WHERE c4 = x'00'"), 1);
}

TEST_F(CdcFixture, InterleavedTransactions) {
  const TablePtr table = make_table("t", {column("a", "int")});
  ASSERT_FALSE(enable(of("t")));
  const std::string t = table->stored_name();
  scanner->interleave_next_two();
  write([&] {
    statement("INSERT INTO " + t + " VALUES(1, 1), (2, 1)");
    statement("UPDATE " + t + " SET c2 = 2");
  });
  EXPECT_TRUE(scan().transactions.empty());
  write([&] { statement("INSERT INTO " + t + " VALUES(3, 3), (4, 3)"); });
  EXPECT_EQ(scan().transactions.size(), 2U);
  const auto instance = load_instance(work->connection(), "dbo_t");
  const std::string ct = fmt::format("t{}", instance->object_id);
  // The second transaction's first change lies before the first transaction's last one, but its commit is later.
  EXPECT_EQ(
      work->connection().single_number("SELECT (SELECT min(c3) FROM " + ct +
                                       " WHERE c6 = 3) < (SELECT max(c3) FROM " + ct + " WHERE c6 = 2)"),
      1);
  EXPECT_EQ(work->connection().single_number("SELECT count(*) FROM " + ct + " WHERE c3 >= c1"), 0);
  EXPECT_EQ(changes("dbo_t"), (Lines{"2/03: 1 1", "2/03: 2 1", "3/02: 1 1", "4/02: 1 2", "3/02: 2 1",
                                     "4/02: 2 2", "2/03: 3 3", "2/03: 4 3"}));
}

TEST_F(CdcFixture, ReadersNeedSelectAndTheRole) {
  make_table("t", {column("a", "int")});
  EnableTable parameters = of("t");
  parameters.role_name = "gate";
  ASSERT_FALSE(enable(parameters));
  Security security(*catalog);
  ASSERT_FALSE(server.create_login({.name = "reader", .password = "p"}));
  write([&] { ASSERT_FALSE(security.create_user("reader", "reader", "")); });
  const Principal reader = *security.principal_of("reader", false);
  EXPECT_EQ(cdc->min_lsn(reader, "dbo_t"), zero_lsn());
  write([&] { ASSERT_FALSE(security.add_member("db_datareader", "reader")); });
  EXPECT_EQ(cdc->min_lsn(reader, "dbo_t"), zero_lsn());
  write([&] { ASSERT_FALSE(security.add_member("gate", "reader")); });
  EXPECT_NE(cdc->min_lsn(reader, "dbo_t"), zero_lsn());
  CdcResult result;
  ASSERT_FALSE(cdc->help_change_data_capture(reader, {}, {}, result));
  EXPECT_EQ(result.rows.size(), 1U);
  EXPECT_EQ(cdc->help_jobs(reader, result)->number, 22904);
  CdcResult nothing;
  EXPECT_EQ(cdc->enable_table(reader, of("t"), nothing)->number, 22904);
  EXPECT_EQ(cdc->enable_db(reader)->number, 22902);
}

TEST_F(CdcFixture, RetypedColumnIsConvertedEverywhere) {
  const TablePtr table = make_table("t", {column("a", "int")});
  ASSERT_FALSE(enable(of("t")));
  const std::string t = table->stored_name();
  write([&] { statement("INSERT INTO " + t + " VALUES(1, 5)"); });
  scan();
  write([&] { statement("INSERT INTO " + t + " VALUES(2, 6)"); });
  write([&] {
    ColumnDef changed = *table->column("a");
    changed.type = *parse_type("nvarchar(10)");
    ASSERT_FALSE(catalog->alter_column(*table, changed, "CAST(c2 AS TEXT)"));
    cdc->after_alter(table->object_id, "ALTER TABLE dbo.t ALTER COLUMN a nvarchar(10)", 2,
                     "CAST(c2 AS TEXT)");
  });
  write([&] { statement("INSERT INTO " + t + " VALUES(3, 'x')"); });
  scan();
  EXPECT_EQ(changes("dbo_t"), (Lines{"2/03: 1 5", "2/03: 2 6", "2/03: 3 x"}));
  const auto instance = load_instance(work->connection(), "dbo_t");
  EXPECT_EQ(work->connection().single_number(
                fmt::format("SELECT count(*) FROM t{} WHERE typeof(c7) = 'text'", instance->object_id)),
            3);
  EXPECT_EQ(instance->columns[1].type_name, "nvarchar");
  EXPECT_EQ(work->connection().single_number("SELECT c3 FROM t1004"), 1);
}

}  // namespace
}  // namespace tailrace::sim
