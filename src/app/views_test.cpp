// Progress, status and check as text.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/check_view.h"
#include "app/progress_view.h"
#include "app/status_view.h"
#include "app/text_table.h"

namespace tailrace::app {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

// 2026-01-31T12:34:56.789Z
constexpr std::int64_t moment = 621'355'968'000'000'000 + 1'769'862'896LL * 10'000'000 + 7'890'000;

TableCount loading(const char* name, std::uint64_t rows, std::uint64_t estimated) {
  return {.table = {"dbo", name},
          .state = TableState::loading,
          .estimated_rows = estimated,
          .snapshot_rows = rows,
          .snapshot_bytes = rows * 100};
}

ProgressSample sample_at(seconds when, std::vector<TableCount> tables) {
  ProgressSample sample;
  sample.at = std::chrono::steady_clock::time_point(when);
  sample.tables = std::move(tables);
  return sample;
}

TEST(TextTable, AlignsAndGroups) {
  const TextTable table{{"A", "N"}, {false, true}, {{"x", "1"}, {"größe", "1,000"}}};
  EXPECT_EQ(table.text(), "A          N\nx          1\ngröße  1,000\n");
  EXPECT_EQ(grouped(1'234'567), "1,234,567");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(megabytes(12'345'678), "12.3 MB");
  EXPECT_EQ(short_duration(milliseconds(4'300)), "4 s");
  EXPECT_EQ(short_duration(seconds(245)), "4 min 05 s");
  EXPECT_EQ(short_duration(seconds(7'620)), "2 h 07 min");
  EXPECT_EQ(short_duration(seconds(273'600)), "3 d 4 h");
}

TEST(ProgressView, ShowsRowsPercentRateAndEta) {
  RateWindow window;
  window.add(sample_at(seconds(0), {loading("flights", 0, 200'000)}));
  const ProgressSample sample = sample_at(seconds(5), {loading("flights", 50'000, 200'000)});
  const std::vector<std::string> lines =
      progress_block(sample, window.add(sample), Terminal{true, false, 120});
  EXPECT_THAT(lines, ElementsAre("dbo.flights  loading     50,000 rows  25.0 %  5.0 MB  10,000/s  ETA 15 s",
                                 "all tables   0/1 loaded  50,000 rows  25.0 %  5.0 MB  10,000/s  ETA 15 s"));
}

// The estimate may be too small; 100 % is said when the table is loaded, not before.
TEST(ProgressView, SaysHundredPercentOnlyWhenLoaded) {
  TableCount count = loading("t", 300, 200);
  EXPECT_DOUBLE_EQ(percent_of(count), 99.9);
  count.state = TableState::catching_up;
  EXPECT_DOUBLE_EQ(percent_of(count), 100.0);
  EXPECT_DOUBLE_EQ(percent_of(loading("t", 5, 0)), 0.0);
}

TEST(ProgressView, ForgetsOldRates) {
  RateWindow window;
  window.add(sample_at(seconds(0), {loading("t", 0, 10'000)}));
  window.add(sample_at(seconds(10), {loading("t", 10'000, 10'000)}));
  window.add(sample_at(seconds(21), {loading("t", 10'000, 10'000)}));
  EXPECT_EQ(window.add(sample_at(seconds(22), {loading("t", 10'000, 10'000)})).all_snapshot_rows, 0);
}

// The rows of the first load would hide those of the second, and no rate would be shown.
TEST(ProgressView, ATableTakenAgainHasItsOwnRate) {
  RateWindow window;
  window.add(sample_at(seconds(0), {loading("t", 10'000, 10'000)}));
  TableCount again = loading("t", 2'000, 10'000);
  again.loads = 1;
  EXPECT_EQ(window.add(sample_at(seconds(2), {again})).all_snapshot_rows, 1'000);
}

TEST(ProgressView, ShowsLagOnceEverythingStreams) {
  TableCount count = loading("t", 10, 10);
  count.state = TableState::streaming;
  count.inserts = 1'500;
  ProgressSample sample = sample_at(seconds(1), {count});
  sample.streaming = true;
  sample.transactions = 30;
  sample.last_commit_time_utc = moment;
  sample.last_durable_at_utc = moment + 4'000'000;
  RateWindow window;
  EXPECT_THAT(progress_block(sample, window.add(sample), Terminal{true, false, 120}),
              ElementsAre("stream: lag 0.4 s, 30 transactions (-), 1,500 changes (-), 0 retries"));
}

TEST(ProgressView, NeverWrapsALine) {
  std::vector<TableCount> tables;
  for (int i = 0; i < 40; ++i)
    tables.push_back(loading(("a_table_with_quite_a_long_name_" + std::to_string(i)).c_str(), 5, 10));
  RateWindow window;
  const ProgressSample sample = sample_at(seconds(1), tables);
  const std::vector<std::string> lines =
      progress_block(sample, window.add(sample), Terminal{true, false, 40});
  EXPECT_EQ(lines.size(), 14u);
  EXPECT_THAT(lines[12], HasSubstr("... and 28 more"));
  for (const std::string& line : lines)
    EXPECT_LT(display_width(line), 40u);
}

PipelineStatus running() {
  PipelineStatus status;
  status.known = true;
  status.position = Position{Lsn::parse("0000002a000001b80003"), "", moment};
  status.position_written_utc = moment + 5'000'000;
  status.now_utc = moment + 25'000'000;
  status.runner_alive = true;
  status.runner = "host1/4711";
  status.heartbeat_age = milliseconds(300);
  status.tables = {{.table = {"dbo", "flights"}, .state = TableState::streaming, .rows = 336'776},
                   {.table = {"dbo", "weather"},
                    .state = TableState::loading,
                    .rows = 0,
                    .snapshot_rows = 1'000,
                    .chunks_done = 2,
                    .chunks_planned = 5,
                    .last_error = "boom"}};
  return status;
}

TEST(StatusView, ShowsAPipelineThatRuns) {
  EXPECT_EQ(status_text("shop", running(), false),
            "pipeline  shop\n"
            "runner    running (host1/4711), last sign of life 0.3 s ago\n"
            "position  0000002a000001b80003, transactions up to 2026-01-31T12:34:56.789Z, written 2 s ago\n"
            "lag       0.5 s\n"
            "\n"
            "TABLE        STATE         ROWS  LOADED  CHUNKS  LAST ERROR\n"
            "dbo.flights  streaming  336,776\n"
            "dbo.weather  loading          0   1,000     2/5  boom\n");
}

// R10c: what becomes of rows that were there before, and how they differed.
TEST(StatusView, TellsOfExistingRows) {
  PipelineStatus status = running();
  status.tables[0].existing = "append";
  status.tables[0].compared = ComparedRows{0, 1'200, 34, 5};
  status.tables[1].existing = "adopt";
  EXPECT_THAT(status_text("shop", status, false),
              AllOf(HasSubstr("streaming, differed in 1,234 rows, 5 others kept"),
                    HasSubstr("loading, existing rows: adopt")));
  const std::string json = status_json("shop", status);
  EXPECT_THAT(json, AllOf(HasSubstr("\"existing\": \"append\""), HasSubstr("\"updated\": 1200"),
                          HasSubstr("\"kept\": 5"), HasSubstr("\"compared\": null")));
}

TEST(StatusView, SaysThatAPipelineHasNeverRun) {
  EXPECT_EQ(status_text("shop", PipelineStatus{}, false),
            "pipeline shop has never run: the target holds nothing of it; start it with `tailrace run`\n");
  EXPECT_THAT(status_json("shop", PipelineStatus{}),
              AllOf(HasSubstr("\"known\": false"), HasSubstr("\"position\": null")));
}

TEST(StatusView, GivesStableJsonKeys) {
  EXPECT_THAT(status_json("shop", running()),
              AllOf(HasSubstr("\"lsn\": \"0000002a000001b80003\""),
                    HasSubstr("\"commit_time\": \"2026-01-31T12:34:56.789Z\""),
                    HasSubstr("\"lag_seconds\": 0.5"), HasSubstr("\"alive\": true"),
                    HasSubstr("\"last_error\": \"boom\""), HasSubstr("\"chunks_planned\": 5")));
}

TEST(CheckView, ShowsReasonAndRemedyOfWhatIsNotOk) {
  const std::vector<Finding> findings{{FindingLevel::ok, "source.version", "shop", "SQL Server 16.0", ""},
                                      {FindingLevel::failure, "source.cdc_enabled", "shop",
                                       "change data capture is off", "EXEC sys.sp_cdc_enable_db;"}};
  EXPECT_EQ(check_text("shop", findings, false),
            "RESULT   CHECK               SUBJECT\n"
            "ok       source.version      shop     SQL Server 16.0\n"
            "failure  source.cdc_enabled  shop\n"
            "\n"
            "failure: shop (source.cdc_enabled)\n"
            "  change data capture is off\n"
            "  remedy:\n"
            "    EXEC sys.sp_cdc_enable_db;\n"
            "\n"
            "shop: 1 ok, 0 warnings, 1 failures, 0 unknown: cannot run\n");
  EXPECT_FALSE(all_fit(findings));
  EXPECT_THAT(check_json("shop", findings),
              AllOf(HasSubstr("\"fit\": false"), HasSubstr("sp_cdc_enable_db")));
  EXPECT_THAT(check_text("shop", findings, true), HasSubstr("\x1b[31mfailure\x1b[0m"));
}

}  // namespace
}  // namespace tailrace::app
