// The jobs' threads: capture by interval and by event, agent stopped, markers, log scan sessions.
#include "sim/cdc/jobs.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <thread>

#include "sim/cdc/testing.h"

namespace tailrace::sim {
namespace {

using namespace std::chrono_literals;

struct JobsTest : CdcFixture {
  std::unique_ptr<CaptureJobs> jobs;
  TablePtr table;

  void start(std::chrono::milliseconds interval) {
    jobs = std::make_unique<CaptureJobs>(server,
                                         JobSettings{.capture_interval = interval, .retention_minutes = 10});
    write([&] { ASSERT_FALSE(cdc->disable_db(dbo)); });
    EXPECT_FALSE(database->cdc_enabled);
    write([&] { ASSERT_FALSE(cdc->enable_db(dbo)); });
    EXPECT_TRUE(database->cdc_enabled);
    table = make_table("t", {column("a", "int")});
    ASSERT_FALSE(enable(of("t")));
  }

  void insert(int id) {
    write(
        [&] { statement("INSERT INTO " + table->stored_name() + " VALUES(" + std::to_string(id) + ", 1)"); });
  }

  bool reaches(std::int64_t rows) {
    const auto deadline = std::chrono::steady_clock::now() + 5s;
    while (std::chrono::steady_clock::now() < deadline) {
      const auto instance = load_instance(work->connection(), "dbo_t");
      if (work->connection().single_number("SELECT count(*) FROM t" + std::to_string(instance->object_id)) ==
          rows)
        return true;
      std::this_thread::yield();
    }
    return false;
  }
};

TEST_F(JobsTest, CommitsWakeTheEventDrivenJob) {
  start(0ms);
  for (int i = 1; i <= 50; ++i)
    insert(i);
  EXPECT_TRUE(reaches(50));
  const auto later = server.open(database);  // Views of the jobs are there for connections made after them.
  // A scan is counted after its rows are there.
  const auto deadline = std::chrono::steady_clock::now() + 5s;
  while (later->connection().single_number(
             "SELECT tran_count FROM sys_dm_cdc_log_scan_sessions WHERE session_id = 0") < 50 &&
         std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  EXPECT_GT(later->connection().single_number(
                "SELECT count(*) FROM sys_dm_cdc_log_scan_sessions WHERE tran_count > 0"),
            1);
  EXPECT_EQ(later->connection().single_number(
                "SELECT tran_count FROM sys_dm_cdc_log_scan_sessions WHERE session_id = 0"),
            50);
}

// Its thread may be held up between the two.
TEST_F(JobsTest, ACommitThatNobodyTellsOfIsScanned) {
  start(1ms);
  insert(1);
  ASSERT_TRUE(reaches(1));
  const auto told = std::exchange(database->committed, {});
  insert(2);
  EXPECT_TRUE(reaches(2));
  database->committed = told;
}

TEST_F(JobsTest, StoppedAgentFreezesMaxLsn) {
  start(1ms);
  insert(1);
  ASSERT_TRUE(reaches(1));
  server.agent_running = false;
  jobs->reconsider();
  jobs->scan_now(*database);  // Whatever scan was under way is over.
  const auto before = cdc->max_lsn();
  insert(2);
  EXPECT_EQ(cdc->max_lsn(), before);
  EXPECT_EQ(jobs->scan_now(*database).commands, 1);
  EXPECT_GT(cdc->max_lsn(), before);
  insert(3);
  server.agent_running = true;
  jobs->reconsider();
  EXPECT_TRUE(reaches(3));
}

TEST_F(JobsTest, StoppedJobAndChangedJob) {
  start(1ms);
  write([&] { ASSERT_FALSE(cdc->stop_job(dbo, "capture")); });
  jobs->scan_now(*database);
  insert(1);
  EXPECT_EQ(jobs->scan_now(*database).transactions, 1);
  Cdc::ChangeJob change;
  change.pollinginterval = 3;
  write([&] { ASSERT_FALSE(cdc->change_job(dbo, change)); });
  CdcResult result;
  ASSERT_FALSE(cdc->help_jobs(dbo, result));
  EXPECT_EQ(result.rows.at(0).at(6).number, 3);
  EXPECT_EQ(result.rows.at(1).at(7).number, 10);
  EXPECT_EQ(work->connection().single_number("SELECT count(*) FROM msdb_cdc_jobs"), 2);
  change.pollinginterval = 100000;
  EXPECT_EQ(cdc->change_job(dbo, change)->number, 22990);
}

// sp_cdc_change_job sets whole seconds: 0 must not be an hour, nor a loop that never sleeps, but a scan for each commit.
TEST_F(JobsTest, APollingIntervalOfZeroScansAtCommits) {
  start(1h);
  insert(1);
  Cdc::ChangeJob change;
  change.pollinginterval = 0;
  write([&] { ASSERT_FALSE(cdc->change_job(dbo, change)); });
  write([&] { ASSERT_FALSE(cdc->stop_job(dbo, "capture")); });
  write([&] { ASSERT_FALSE(cdc->start_job(dbo, "capture")); });
  EXPECT_TRUE(reaches(1));
  insert(2);
  EXPECT_TRUE(reaches(2));
}

TEST_F(JobsTest, IdleDatabasesGetMarkers) {
  start(1ms);
  jobs->set_marker_interval(5ms);
  const auto deadline = std::chrono::steady_clock::now() + 5s;
  std::int64_t markers = 0;
  while (markers < 3 && std::chrono::steady_clock::now() < deadline) {
    markers = work->connection().single_number("SELECT count(*) FROM t1005 WHERE c4 = x'00'");
  }
  EXPECT_GE(markers, 3);
}

// Whoever polls max_lsn and reads up to it must never find a row later on below what was read.
TEST_F(JobsTest, MaxLsnNeverCoversWhatIsNotThere) {
  start(0ms);
  jobs->set_marker_interval(0ms);
  std::jthread writer([&](const std::stop_token&) {
    for (int i = 1; i <= 300; ++i)
      insert(i);
  });
  const auto reader = server.open(database);
  Catalog own(*reader);
  own.refresh();
  Cdc view(server, database, own);
  const auto instance = load_instance(reader->connection(), "dbo_t");
  const std::string ct = "t" + std::to_string(instance->object_id);
  Lsn low = zero_lsn();
  std::int64_t seen = 0;
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  while (seen < 300 && std::chrono::steady_clock::now() < deadline) {
    const auto high = view.max_lsn();
    if (!high) continue;
    Statement rows = reader->connection().prepare("SELECT count(*) FROM " + ct + " WHERE c1 > ? AND c1 <= ?");
    rows.bind_blob(1, low).bind_blob(2, *high);
    ASSERT_TRUE(rows.next());
    seen += rows.number(0);
    low = *high;
  }
  EXPECT_EQ(seen, 300);
}

// With a data directory the next process finds databases, logins, and changes that were not captured yet.
TEST(Restart, KeepsDatabasesLoginsAndTheLog) {
  std::string directory = (std::filesystem::temp_directory_path() / "sim-restart-XXXXXX").string();
  ASSERT_NE(mkdtemp(directory.data()), nullptr);
  const ServerSettings settings{.data_directory = directory, .sa_password = "x"};
  const Principal dbo{1, "dbo", "sa", true};
  std::string fork;
  {
    Server server(settings);
    ASSERT_FALSE(server.create_database("shop", ""));
    ASSERT_FALSE(server.create_login({.name = "reader", .password = "p"}));
    server.set_allow_snapshot(*server.find("shop"), true);
    fork = server.find("shop")->recovery_fork_guid;
    const auto work = server.open(server.find("shop"));
    Catalog catalog(*work);
    Cdc cdc(server, server.find("shop"), catalog);
    ASSERT_FALSE(work->before_write({}, {}));
    ASSERT_FALSE(cdc.enable_db(dbo));
    TableDef table;
    table.schema = "dbo";
    table.name = "t";
    table.columns.push_back(CdcFixture::column("id", "int", false));
    ASSERT_FALSE(catalog.create_table(table));
    CdcResult result;
    ASSERT_FALSE(cdc.enable_table(dbo, CdcFixture::of("t"), result));
    EXPECT_EQ(result.info.size(), 2U);
    work->commit();
    ASSERT_FALSE(work->before_write({}, {}));
    work->connection().execute("INSERT INTO " + table.stored_name() + " VALUES(1)");
    work->commit();
  }
  {
    Server server(settings);
    const DatabasePtr shop = server.find("shop");
    ASSERT_NE(shop, nullptr);
    EXPECT_TRUE(shop->cdc_enabled);
    EXPECT_TRUE(shop->allow_snapshot);
    EXPECT_EQ(shop->recovery_fork_guid, fork);
    EXPECT_TRUE(server.check_login("reader", "p"));
    CaptureJobs jobs(server, {});
    jobs.scan_now(*shop);
    const auto work = server.open(shop);
    EXPECT_EQ(work->connection().single_number("SELECT count(*) FROM t1005 WHERE c4 <> x'00'"), 1);
  }
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace tailrace::sim
