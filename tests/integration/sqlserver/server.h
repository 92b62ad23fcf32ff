// The server of the source's tests: the simulator as a private process, with a fresh database for each test.
//
// Shape    One process for all tests of a program; each Database has a name of its own. With TAILRACE_TEST_SQLSERVER
//          (`host=...;port=...;user=...;password=...`) the real server is used, and tests that need sp_sim_control
//          say aloud that they are skipped.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sqlserver/connection.h"
#include "sqlserver/settings.h"
#include "sqlserver/source.h"

namespace tailrace::sqlserver::testing {

bool is_simulated();

#define NEEDS_SIMULATOR() \
  if (!is_simulated()) GTEST_SKIP() << "needs sp_sim_control, which a real server does not have"

// Settings that reach the server's `master`.
Settings server_settings();

class Database {
 public:
  Database();  // Created, CDC enabled, SNAPSHOT isolation allowed.

  const std::string& name() const { return name_; }
  Settings settings() const;
  void run(std::string_view sql);
  // The first column of the first row, as text.
  std::string answer(std::string_view sql);
  void control(std::string_view arguments) { run("EXEC sp_sim_control " + std::string(arguments)); }
  // CREATE TABLE [dbo].[name] (columns) and its capture instance.
  void create(std::string_view table, std::string_view columns);
  void enable(std::string_view table, std::string_view more = "");
  // Switches the instance off, or all that the table has.
  void disable(std::string_view table, std::string_view instance = "all");
  // Settings of a login of this database's own, which has no right yet. run() takes GRANT ... TO settings.user.
  Settings new_login();
  // Waits until capture has taken everything that was committed before the call.
  void settle();

 private:
  std::string name_;
  int logins_ = 0;
  std::unique_ptr<Connection> connection_;
};

// Of a database, for a source of events.
Settings event_settings(const Database& database);

// For Database::enable: the table's second capture instance.
constexpr const char* as_second = ", @capture_instance = N'second'";

Lsn lsn_answer(Database& database, std::string_view expression);
Lsn max_lsn(Database& database);
// By so many of the slots of a log block: no case of the tests carries over.
Lsn moved(Lsn lsn, int by);

// SQL Server Agent of the simulator, stopped for all databases until this ends: a test that fails must not leave it so.
class StoppedAgent {
 public:
  explicit StoppedAgent(Database& database);
  ~StoppedAgent();
  StoppedAgent(const StoppedAgent&) = delete;
  StoppedAgent& operator=(const StoppedAgent&) = delete;
  void start();

 private:
  Database& database_;
};

// A source that is open, and what a runner would ask of it.
struct Opened {
  SqlServerSource source;
  SourceInfo info;
  explicit Opened(const Settings& settings, const ResumeState& resume = {});

  SchemaPtr table(std::string_view name) const;
  // Streams every table from `low`, or from where capture is now.
  void stream(std::optional<Lsn> low = std::nullopt);
  // next() until a batch satisfies `done` (it is the last of the answer), within `limit`.
  std::vector<ChangeBatch> until(const std::function<bool(const ChangeBatch&)>& done,
                                 std::chrono::seconds limit = std::chrono::seconds(30));
  // Every batch that comes within `time`; the stream is of no more use then.
  std::vector<ChangeBatch> all_within(std::chrono::milliseconds time);
  // The rows of everything up to the next end that has rows.
  std::vector<std::string> next_rows();
};

// What a sink would answer after one row of table dbo.t was streamed.
ResumeState streamed_once(Database& database);

// The kind of what is thrown; a failure of the test when nothing is.
ErrorKind kind_of(const std::function<void()>& action, std::string* message = nullptr);

// A row as text: `operation id=1 note=NULL lob=absent`; columns in the schema's order.
std::string row_text(const RowBatch& batch, std::size_t row);
// All rows of a change batch, in order.
std::vector<std::string> rows_of(const ChangeBatch& batch);

}  // namespace tailrace::sqlserver::testing
