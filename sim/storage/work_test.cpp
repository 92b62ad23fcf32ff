// Transactions: snapshots, one writer, savepoints, and what the log keeps.
#include "sim/storage/work.h"

#include <gtest/gtest.h>

#include <filesystem>

namespace tailrace::sim {
namespace {

using namespace std::chrono_literals;

struct WorkTest : testing::Test {
  std::string directory = [] {
    std::string name = (std::filesystem::temp_directory_path() / "sim-work-XXXXXX").string();
    return std::string(mkdtemp(name.data()));
  }();
  DatabaseFile file;
  void SetUp() override {
    file.path = directory + "/db.sqlite";
    file.name = "shop";
    Connection connection(file.path);
    create_log(connection);
    connection.execute("CREATE TABLE t1(c1 INTEGER PRIMARY KEY, c2); INSERT INTO t1 VALUES(1, 10)");
  }
  void TearDown() override { std::filesystem::remove_all(directory); }
  static std::int64_t value(Work& work) { return work.connection().single_number("SELECT c2 FROM t1"); }
  static Outcome set(Work& work, std::int64_t n) {
    if (Outcome error = work.before_write(20ms, {})) return error;
    work.connection().prepare("UPDATE t1 SET c2 = ?").bind(1, n).run();
    return {};
  }
};

TEST_F(WorkTest, SecondWriterTimesOut) {
  Work a(file);
  Work b(file);
  a.begin(Isolation::read_committed);
  ASSERT_FALSE(set(a, 11));
  const Outcome error = set(b, 12);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->number, 1222);
  EXPECT_EQ(value(b), 10);
  a.commit();
  EXPECT_EQ(value(b), 11);
  ASSERT_FALSE(set(b, 12));
  b.commit();
}

TEST_F(WorkTest, SnapshotStaysAndConflicts) {
  Work a(file);
  Work b(file);
  a.begin(Isolation::snapshot);
  EXPECT_EQ(a.before_read({}, {})->number, 3952);
  file.allow_snapshot = true;
  ASSERT_FALSE(a.before_read({}, {}));
  EXPECT_EQ(value(a), 10);
  ASSERT_FALSE(set(b, 11));
  b.commit();
  EXPECT_EQ(value(a), 10);
  EXPECT_EQ(set(a, 12)->number, 3960);
  a.rollback();
  EXPECT_EQ(value(a), 11);
}

TEST_F(WorkTest, SavepointsFromBeforeTheFirstWrite) {
  Work a(file);
  a.begin(Isolation::read_committed);
  a.savepoint("one");
  ASSERT_FALSE(set(a, 11));
  a.savepoint("Two");
  ASSERT_FALSE(set(a, 12));
  EXPECT_FALSE(a.rollback_to("two"));
  EXPECT_TRUE(a.rollback_to("Two"));
  EXPECT_EQ(value(a), 11);
  EXPECT_TRUE(a.rollback_to("one"));
  EXPECT_EQ(value(a), 10);
  a.commit();
  EXPECT_EQ(value(a), 10);
}

TEST(Log, PositionsAndLsnsHaveOneOrder) {
  Lsn last = zero_lsn();
  for (const std::int64_t position : {0LL, 1LL, 63LL, 64LL, 65LL, (1LL << 24) - 1, 1LL << 24, 1LL << 40}) {
    const Lsn lsn = lsn_of_position(position);
    EXPECT_LT(last, lsn);
    EXPECT_EQ(lsn_from_text(lsn_text(lsn)), lsn);
    EXPECT_EQ(decrement_lsn(increment_lsn(lsn)), lsn);
    last = lsn;
  }
  EXPECT_EQ(increment_lsn(Lsn("\0\0\0\0\0\0\0\0\0\xff", 10)), Lsn("\0\0\0\0\0\0\0\0\1\0", 10));
}

}  // namespace
}  // namespace tailrace::sim
