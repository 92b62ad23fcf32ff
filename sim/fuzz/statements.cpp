// Runs a script in sessions of an engine of its own.
#include "sim/fuzz/statements.h"

#include <fmt/format.h>

#include <exception>
#include <memory>

#include "base/error.h"
#include "sim/tds/row_encoder.h"
#include "sim/tds/tokens.h"
#include "sim/tsql/session.h"

namespace tailrace::sim::fuzz {
namespace {

using std::chrono::milliseconds;

// Batches end within milliseconds; what does not (loops, WAITFOR, locks) is stopped.
constexpr milliseconds patience{400};
constexpr milliseconds grace{20'000};

// What every script finds, so that statements that were torn out of theirs have something to stand on.
constexpr std::string_view ground[] = {
    "CREATE DATABASE shop; ALTER DATABASE shop SET ALLOW_SNAPSHOT_ISOLATION ON", "USE shop",
    "CREATE TABLE t(a int NOT NULL PRIMARY KEY, b nvarchar(20) NULL, c decimal(20,4) NULL, d datetime2(3) "
    "NULL, e "
    "varbinary(max) NULL, f float NULL);"
    "INSERT t(a, b, c, d, e, f) VALUES (1, N'one', 1.5, '2024-01-02 03:04:05', 0x01, 1e3), (2, NULL, NULL, "
    "NULL, NULL, NULL),"
    " (3, N'drei', -3, '1999-12-31', 0xFFFF, -0.5)",
    "EXEC sys.sp_cdc_enable_db",
    "EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N't', @role_name = NULL"};

// Writes the answer as the front does, so that values which do not fit their column's type are seen, and drops it.
class Encode final : public ResultSink {
 public:
  void columns(std::span<const ResultColumn> columns) override {
    tds::put_column_metadata(bytes_, protocol_, columns);
    rows_.set_columns(columns, true);
    bytes_.clear();
  }
  [[nodiscard]] bool row(std::span<const Cell> cells) override {
    rows_.put_row(bytes_, cells);
    bytes_.clear();
    return true;
  }
  void done(StatementKind, std::optional<std::uint64_t>, bool) override {}
  void message(const ServerMessage& message) override {
    tds::put_message(bytes_, protocol_, message);
    bytes_.clear();
  }
  void database_changed(std::string_view, std::string_view) override {}
  void transaction_began(std::uint64_t) override {}
  void transaction_committed(std::uint64_t) override {}
  void transaction_rolled_back(std::uint64_t) override {}
  void return_status(std::int32_t) override {}
  void return_value(const ParameterValue&) override {}  // RPCs alone have them: streams.cpp.
  void reset_connection() override {}

 private:
  tds::Protocol protocol_;
  tds::ByteBuffer bytes_;
  tds::RowEncoder rows_;
};

std::unique_ptr<Session> log_in(Engine& engine, std::string_view database) {
  std::vector<ServerMessage> refused;
  return engine.login({.user = "sa",
                       .password = "secret",
                       .database = std::string(database),
                       .application = "fuzz",
                       .host = "here"},
                      refused);
}

}  // namespace

Statements::Statements() : watchdog_(patience, grace) {}

std::string Statements::run(const Script& script) {
  EngineSettings settings;
  settings.sa_password = "secret";
  settings.capture_interval_ms = 20;
  std::size_t at = 0;
  const auto finding = [&at](std::string_view what) { return fmt::format("batch {}: {}", at, what); };
  (void)errors_.take();
  try {
    const std::unique_ptr<Engine> engine = make_engine(settings);
    const std::unique_ptr<Session> first = log_in(*engine, "");
    TAILRACE_ASSERT(first);
    std::unique_ptr<Session> second;
    Encode sink;
    for (const std::string_view sql : ground)
      first->batch(sql, sink, {});
    for (; at < script.size(); ++at) {
      const std::string sql = well_formed(script[at]);
      if (!second && sql.starts_with("--2\n")) {
        second = log_in(*engine, "shop");
        if (!second) continue;  // The script has dropped the database, or refuses logins.
      }
      Session& session = sql.starts_with("--2\n") ? *second : *first;
      watchdog_.run(sql, [&](std::stop_token stop) { session.batch(sql, sink, std::move(stop)); });
      if (const std::string error = errors_.take(); !error.empty()) return finding(error);
    }
    // A session that was left in whatever state takes a reset.
    watchdog_.run("reset", [&](const std::stop_token&) { first->reset(sink); });
    watchdog_.run("after the reset", [&](std::stop_token stop) {
      first->batch("EXEC sp_sim_control 'clear'", sink, std::move(stop));
    });
  } catch (const std::exception& error) {
    return finding(error.what());
  }
  if (const std::string error = errors_.take(); !error.empty()) return finding(error);
  return {};
}

}  // namespace tailrace::sim::fuzz
