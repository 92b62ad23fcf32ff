// Sessions beside one another, calls by RPC, cancelling, rights, and statements of unusual size.
#include <gtest/gtest.h>

#include "sim/tsql/testing/collect.h"
#include "sim/tsql/values/types.h"

namespace tailrace::sim::tsql {
namespace {

class Sessions : public testing::Test {
 protected:
  Sessions() {
    EngineSettings settings;
    settings.sa_password = "secret";
    settings.capture_interval_ms = 3'600'000;
    engine_ = make_engine(settings);
    first_ = login("sa", "secret", "");
    run(*first_, "CREATE DATABASE shop; ALTER DATABASE shop SET ALLOW_SNAPSHOT_ISOLATION ON");
    run(*first_, "USE shop; CREATE TABLE t(i int PRIMARY KEY, v int); INSERT INTO t VALUES (1, 10), (2, 20)");
    second_ = login("sa", "secret", "shop");
  }

  std::unique_ptr<Session> login(const std::string& user, const std::string& password,
                                 const std::string& database) {
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

  static ParameterValue parameter(const TypeInfo& type, std::int64_t number, std::string text = {},
                                  bool output = false) {
    ParameterValue out;
    out.output = output;
    out.value.type = type;
    out.value.null = false;
    out.value.number = number;
    out.value.text = std::move(text);
    return out;
  }
  static ParameterValue text(std::string value) { return parameter(nvarchar_type(-1), 0, std::move(value)); }

  std::unique_ptr<Engine> engine_;
  std::vector<ServerMessage> refused_;
  std::unique_ptr<Session> first_;
  std::unique_ptr<Session> second_;
};

TEST_F(Sessions, RefuseWrongPasswordsAndUnknownDatabases) {
  EXPECT_FALSE(login("sa", "wrong", ""));
  ASSERT_EQ(refused_.size(), 1u);
  EXPECT_EQ(refused_[0].number, 18456);
  EXPECT_FALSE(login("sa", "secret", "nosuch"));
  EXPECT_EQ(refused_[0].number, 4060);
}

TEST_F(Sessions, PrepareAndExecuteByHandle) {
  CollectingSink sink;
  ParameterValue handle = parameter(int_type(), 0, {}, true);
  handle.value.null = true;
  first_->rpc({"sp_prepexec",
               {handle, text("@p int"), text("SELECT v FROM t WHERE i = @p"), parameter(int_type(), 2)}},
              sink, {});
  EXPECT_EQ(sink.text, "20\n(1)");
  ASSERT_EQ(sink.outputs.size(), 1u);
  const std::int64_t number = sink.outputs[0].value.number;
  CollectingSink again;
  first_->rpc({"sp_execute", {parameter(int_type(), number), parameter(int_type(), 1)}}, again, {});
  EXPECT_EQ(again.text, "10\n(1)");
  CollectingSink gone;
  first_->rpc({"sp_unprepare", {parameter(int_type(), number)}}, gone, {});
  first_->rpc({"sp_execute", {parameter(int_type(), number), parameter(int_type(), 1)}}, gone, {});
  EXPECT_EQ(gone.text, "! 8179 16 Could not find prepared statement with handle 1.\nfailed");
}

TEST_F(Sessions, AnswerOutputParameters) {
  CollectingSink sink;
  ParameterValue out = parameter(int_type(), 5, {}, true);
  out.name = "@o";
  first_->rpc({"sp_executesql", {text("SET @o = @o * 3"), text("@o int OUTPUT"), out}}, sink, {});
  ASSERT_EQ(sink.outputs.size(), 1u);
  EXPECT_EQ(sink.outputs[0].value.number, 15);
}

// A Rust client names the parameters that everybody else leaves without a name.
TEST_F(Sessions, TakeTheStatementByItsPlaceWhateverItIsCalled) {
  CollectingSink sink;
  ParameterValue statement = text("SELECT @P1 + 1");
  statement.name = "stmt";
  ParameterValue declarations = text("@P1 int");
  declarations.name = "params";
  ParameterValue value = parameter(int_type(), 4);
  value.name = "@P1";
  first_->rpc({"sp_executesql", {statement, declarations, value}}, sink, {});
  EXPECT_EQ(sink.text, "5\n(1)");
}

// Debezium's driver turns a call of a procedure into any of three forms.
TEST_F(Sessions, CallProceduresByName) {
  CollectingSink sink;
  first_->rpc({"sys.sp_pkeys", {text("t"), text("dbo")}}, sink, {});
  EXPECT_TRUE(sink.text.starts_with("shop|dbo|t|i|1|PK__t__")) << sink.text;
}

TEST_F(Sessions, WriterMakesOthersWaitAndTimeOut) {
  run(*first_, "BEGIN TRAN; UPDATE t SET v = 11 WHERE i = 1");
  EXPECT_EQ(run(*second_, "SET LOCK_TIMEOUT 20; UPDATE t SET v = 12 WHERE i = 1"),
            "! 1222 16 Lock request time out period exceeded.\nfailed");
  EXPECT_EQ(run(*second_, "SELECT v FROM t WHERE i = 1"), "10\n(1)");
  run(*first_, "COMMIT");
  EXPECT_EQ(run(*second_, "SELECT v FROM t WHERE i = 1"), "11\n(1)");
}

TEST_F(Sessions, SnapshotStaysAndRefusesToWriteOverOthers) {
  run(*first_, "SET TRANSACTION ISOLATION LEVEL SNAPSHOT; BEGIN TRAN; SELECT COUNT(*) FROM t");
  run(*second_, "INSERT INTO t VALUES (3, 30)");
  EXPECT_EQ(run(*first_, "SELECT COUNT(*) FROM t"), "2\n(1)");
  const std::string answer = run(*first_, "UPDATE t SET v = 0 WHERE i = 3");
  EXPECT_TRUE(answer.starts_with("! 3960 16")) << answer;
  EXPECT_EQ(run(*first_, "SELECT @@TRANCOUNT"), "0\n(1)");
}

TEST_F(Sessions, ReadersSeeWhatTheyMay) {
  run(*first_,
      "CREATE LOGIN r WITH PASSWORD = 'r'; CREATE USER r FOR LOGIN r; CREATE TABLE hidden(i int); GRANT "
      "SELECT ON dbo.t TO r");
  const std::unique_ptr<Session> reader = login("r", "r", "shop");
  ASSERT_TRUE(reader);
  EXPECT_EQ(run(*reader, "SELECT COUNT(*) FROM t"), "2\n(1)");
  EXPECT_EQ(run(*reader, "SELECT COUNT(*) FROM hidden"),
            "! 229 14 The SELECT permission was denied on the object 'hidden', database 'shop', schema "
            "'dbo'.\nfailed");
  EXPECT_TRUE(run(*reader, "DELETE FROM t").starts_with("! 229 14")) << "no right to delete";
  EXPECT_TRUE(run(*reader, "CREATE TABLE x(i int)").starts_with("! 262")) << "no right to create";
  EXPECT_TRUE(run(*reader, "EXEC sp_sim_control 'counters'").starts_with("! 15247")) << "not for readers";
}

TEST_F(Sessions, EndWhenTheClientCancels) {
  CollectingSink sink;
  sink.stop_after_rows = 1;
  first_->batch("SELECT i FROM t ORDER BY i; SELECT 'not reached'", sink, {});
  EXPECT_EQ(sink.text, "1");
  std::stop_source stop;
  stop.request_stop();
  CollectingSink nothing;
  first_->batch("SELECT 1", nothing, stop.get_token());
  EXPECT_EQ(nothing.text, "");
  EXPECT_EQ(run(*first_, "SELECT 2"), "2\n(1)");
}

TEST_F(Sessions, ResetForgetsOptionsTransactionsAndTemporaryTables) {
  run(*first_, "CREATE TABLE #x(i int); SET NOCOUNT ON; BEGIN TRAN; INSERT INTO t VALUES (9, 9)");
  CollectingSink sink;
  first_->reset(sink);
  EXPECT_EQ(run(*second_, "SELECT COUNT(*) FROM t WHERE i = 9"), "0\n(1)");
  EXPECT_EQ(run(*first_, "SELECT * FROM #x"), "! 208 16 Invalid object name '#x'.\nfailed");
}

TEST_F(Sessions, TakeLongChainsAndLongUnions) {
  std::string sql = "SELECT COUNT(*) FROM t WHERE i = 0";
  for (int i = 1; i <= 2000; ++i)
    sql += " OR i = " + std::to_string(i);
  EXPECT_EQ(run(*first_, sql), "2\n(1)");
  sql = "SELECT COUNT(*) FROM (SELECT 0 AS a";
  for (int i = 1; i < 1200; ++i)
    sql += " UNION ALL SELECT " + std::to_string(i);
  EXPECT_EQ(run(*first_, sql + ") AS x"), "1200\n(1)");
}

TEST_F(Sessions, RefuseMoreThanAThousandRowsOfValues) {
  std::string sql = "INSERT INTO t VALUES (100, 1)";
  for (int i = 101; i <= 1100; ++i)
    sql += ",(" + std::to_string(i) + ",1)";
  EXPECT_TRUE(run(*first_, sql).starts_with("! 10738 15"));
}

TEST_F(Sessions, CutMaxValuesAtTextSize) {
  EXPECT_EQ(run(*first_,
                "SET TEXTSIZE 4; SELECT CAST('abcdef' AS varchar(max)), CAST(N'abcdef' AS nvarchar(max)), "
                "'abcdef'"),
            "abcd|ab|abcdef\n(1)");
}

// A connection that is cut in the middle of a result, and a COMMIT whose answer is lost.
TEST_F(Sessions, CutConnectionsWhereFaultsSay) {
  run(*first_,
      "EXEC sp_sim_control 'reset', '1', 'cut here', '1'; EXEC sp_sim_control 'reset_after', 'lost answer', "
      "'1'");
  EXPECT_EQ(run(*second_, "SELECT i, 'cut here' FROM t ORDER BY i"), "1|cut here\nreset");
  const std::string answer = run(*second_, "UPDATE t SET v = 99 WHERE i = 1 -- lost answer");
  EXPECT_TRUE(answer.ends_with("reset")) << answer;
  EXPECT_EQ(run(*first_, "SELECT v FROM t WHERE i = 1"), "99\n(1)");
}

}  // namespace
}  // namespace tailrace::sim::tsql
