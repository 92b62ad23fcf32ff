// Sessions that meet: deadlocks over two databases, what another session does between two statements, failover.
#include <gtest/gtest.h>

#include <thread>

#include "sim/tsql/testing/collect.h"

namespace tailrace::sim::tsql {
namespace {

class Contention : public testing::Test {
 protected:
  Contention() {
    EngineSettings settings;
    settings.sa_password = "secret";
    settings.capture_interval_ms = 3'600'000;
    engine_ = make_engine(settings);
    first_ = login("");
    run(*first_, "CREATE DATABASE here; CREATE DATABASE there");
    run(*first_, "USE there; CREATE TABLE t(i int PRIMARY KEY, v int); INSERT INTO t VALUES (1, 10)");
    run(*first_, "USE here; CREATE TABLE t(i int PRIMARY KEY, v int); INSERT INTO t VALUES (1, 10)");
    second_ = login("here");
  }

  std::unique_ptr<Session> login(const std::string& database, const std::string& user = "sa",
                                 const std::string& password = "secret") {
    refused_.clear();
    return engine_->login(
        {.user = user, .password = password, .database = database, .application = "test", .host = "here"},
        refused_);
  }

  static std::string run(Session& session, const std::string& sql) {
    CollectingSink sink;
    session.batch(sql, sink, {});
    return sink.text;
  }

  // Both have written in one database and want the other; `first_` asks first. The answers of the two.
  std::pair<std::string, std::string> meet() {
    run(*first_, "BEGIN TRAN; UPDATE here.dbo.t SET v = 1");
    run(*second_, "BEGIN TRAN; UPDATE there.dbo.t SET v = 2");
    std::string answer;
    std::jthread waiting([&] { answer = run(*first_, "UPDATE there.dbo.t SET v = 1"); });
    const std::string other = run(*second_, "UPDATE here.dbo.t SET v = 2");
    // The winner's locks go with its transaction: without this the victim's partner would wait for ever.
    run(*second_, "IF @@TRANCOUNT > 0 COMMIT");
    waiting.join();
    run(*first_, "IF @@TRANCOUNT > 0 COMMIT");
    return {answer, other};
  }

  std::unique_ptr<Engine> engine_;
  std::vector<ServerMessage> refused_;
  std::unique_ptr<Session> first_;
  std::unique_ptr<Session> second_;
};

bool is_victim(const std::string& answer) {
  return answer.find("! 1205 13 Transaction (Process ID ") != std::string::npos &&
         answer.find("has been chosen as the deadlock victim") != std::string::npos;
}

// Without detection both would wait for ever.
TEST_F(Contention, EndsARingOfTwoDatabasesWithOneVictim) {
  const auto [one, two] = meet();
  EXPECT_NE(is_victim(one), is_victim(two)) << one << "\n" << two;
  // The victim's transaction is gone as a whole, the other's is whole.
  EXPECT_EQ(run(*first_, "SELECT a.v - b.v, @@TRANCOUNT FROM here.dbo.t a JOIN there.dbo.t b ON a.i = b.i"),
            "0|0\n(1)");
}

TEST_F(Contention, TakesTheVictimOfLowerPriority) {
  run(*first_, "SET DEADLOCK_PRIORITY LOW");
  auto answers = meet();
  EXPECT_TRUE(is_victim(answers.first)) << answers.first;
  EXPECT_EQ(run(*second_, "SELECT v FROM here.dbo.t UNION ALL SELECT v FROM there.dbo.t"), "2\n2\n(2)");
  run(*first_, "SET DEADLOCK_PRIORITY 7");
  answers = meet();
  EXPECT_TRUE(is_victim(answers.second)) << answers.second;
  EXPECT_EQ(run(*second_, "SELECT v FROM here.dbo.t UNION ALL SELECT v FROM there.dbo.t"), "1\n1\n(2)");
}

// A statement over several databases must not be a way around the rights in one of them.
TEST_F(Contention, LooksAtRightsInEachDatabase) {
  run(*first_,
      "CREATE LOGIN reader WITH PASSWORD = 'Str0ng!pass'; CREATE USER reader FOR LOGIN reader; GRANT SELECT "
      "ON "
      "SCHEMA::dbo TO reader");
  const std::unique_ptr<Session> reader = login("here", "reader", "Str0ng!pass");
  ASSERT_TRUE(reader);
  const std::string both = "SELECT a.v FROM here.dbo.t a JOIN there.dbo.t b ON a.i = b.i";
  EXPECT_TRUE(
      run(*reader, both).starts_with("! 916 14 The server principal \"reader\" is not able to access"));
  run(*first_, "USE there; CREATE USER reader FOR LOGIN reader");
  EXPECT_TRUE(run(*reader, both)
                  .starts_with("! 229 14 The SELECT permission was denied on the object 't', "
                               "database 'there', schema 'dbo'."));
  EXPECT_EQ(run(*reader,
                "SELECT t.name FROM here.sys.tables t LEFT JOIN there.sys.tables o ON o.name = t.name "
                "WHERE o.name IS NULL"),
            "t\n(1)");
  run(*first_, "GRANT SELECT ON t TO reader");
  EXPECT_EQ(run(*reader, both), "10\n(1)");
}

// What happens between two pages or polls of a client must be a test's to choose, not its luck.
TEST_F(Contention, RunsAnotherSessionsBatchBeforeAStatement) {
  run(*first_, "EXEC sp_sim_control 'before', 'from t', 'UPDATE t SET v += 1', '2', '1'");
  EXPECT_EQ(run(*second_, "SELECT v FROM t"), "10\n(1)");
  EXPECT_EQ(run(*second_, "SELECT v FROM t"), "11\n(1)");
  EXPECT_EQ(run(*second_, "SELECT v FROM t"), "12\n(1)");
  EXPECT_EQ(run(*second_, "SELECT v FROM t"), "12\n(1)");
  run(*first_, "EXEC sp_sim_control 'before', 'from t', 'UPDATE nosuch SET v = 1'");
  EXPECT_EQ(run(*second_, "SELECT v FROM t"),
            "! 50000 16 sp_sim_control before: the batch failed: Invalid object name 'nosuch'.\nfailed");
}

// A failover to a replica with older data: all connections but the test's own end, with what they had open.
TEST_F(Contention, CutsAllOtherSessions) {
  run(*second_, "BEGIN TRAN; UPDATE t SET v = 99");
  run(*first_, "EXEC sp_sim_control 'disconnect'");
  EXPECT_EQ(run(*second_, "SELECT 1"), "reset");
  second_.reset();
  EXPECT_EQ(run(*first_, "SET LOCK_TIMEOUT 0; UPDATE t SET v += 1; SELECT v FROM t"), "(1)\n11\n(1)");
  EXPECT_EQ(run(*login("here"), "SELECT v FROM t"), "11\n(1)");
}

}  // namespace
}  // namespace tailrace::sim::tsql
