// Starting the simulator; databases; rows as text.
#include "tests/integration/sqlserver/server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

#include "model/key_text.h"
#include "tests/integration/sqlserver/tested_driver.h"

namespace tailrace::sqlserver::testing {
namespace {

using namespace std::chrono_literals;

std::uint16_t port_of(std::string_view digits) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc{}) throw Error(ErrorKind::internal, "no port").with("text", digits);
  return port;
}

// The simulator of this build, as a child that ends with the program.
class Simulator {
 public:
  Simulator() {
    std::string directory = (std::filesystem::temp_directory_path() / "sqlserver-test-XXXXXX").string();
    if (::mkdtemp(directory.data()) == nullptr) throw Error(ErrorKind::internal, "no private directory");
    directory_ = directory;
    password_ = fmt::format("Sa1-{:x}", std::random_device{}());
    std::ofstream(directory_ / "password") << password_;
    start();
  }
  ~Simulator() {
    if (child_ > 0) {
      ::kill(child_, SIGTERM);
      ::waitpid(child_, nullptr, 0);
    }
    std::filesystem::remove_all(directory_);
  }

  Settings settings() const {
    Settings out;
    out.host = "127.0.0.1";
    out.port = port_;
    out.database = "master";
    out.user = "sa";
    out.password = Secret(password_);
    out.encrypt = EncryptMode::require;
    out.poll_interval = 20ms;
    return out;
  }

 private:
  void start() {
    int out[2];
    if (::pipe(out) != 0) throw Error(ErrorKind::internal, "no pipe");
    const char* other = std::getenv("TAILRACE_TEST_SIMULATOR");
    const std::string program = other != nullptr ? other : TAILRACE_SIMULATOR;
    const std::string password_file = (directory_ / "password").string();
    const std::string log = (directory_ / "log").string();
    child_ = ::fork();
    if (child_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // A test that is killed leaves nobody behind.
      ::dup2(out[1], STDOUT_FILENO);
      const int log_file = ::open(log.c_str(), O_CREAT | O_WRONLY, 0600);
      ::dup2(log_file, STDERR_FILENO);
      ::close(out[0]);
      // Servers keep local time: what takes it for UTC is to be seen.
      ::setenv("TZ", "<+0530>-05:30", 1);
      ::execl(program.c_str(), program.c_str(), "--listen", "127.0.0.1:0", "--sa-password-file",
              password_file.c_str(), "--capture-interval", "20ms", nullptr);
      ::_exit(127);
    }
    ::close(out[1]);
    std::string line;
    char byte = 0;
    pollfd waiting{out[0], POLLIN, 0};
    while (line.find('\n') == std::string::npos && ::poll(&waiting, 1, 30'000) == 1 &&
           ::read(out[0], &byte, 1) == 1)
      line += byte;
    const std::size_t colon = line.rfind(':');
    if (line.rfind("ready ", 0) != 0 || colon == std::string::npos) {
      throw Error(ErrorKind::internal, "the simulator did not start").with("said", line).with("log", log);
    }
    port_ = port_of(std::string_view(line).substr(colon + 1));
    pipe_ = out[0];
  }

  std::filesystem::path directory_;
  std::string password_;
  std::uint16_t port_ = 0;
  pid_t child_ = -1;
  int pipe_ = -1;
};

std::string field(const std::string& text, const std::string& name) {
  const std::string padded = ";" + text;
  const std::size_t at = padded.find(";" + name + "=");
  if (at == std::string::npos) return {};
  const std::size_t begin = at + name.size() + 2;
  return padded.substr(begin, padded.find(';', begin) - begin);
}

Settings real_settings(const std::string& text) {
  Settings out;
  out.host = field(text, "host");
  if (const std::string port = field(text, "port"); !port.empty()) out.port = port_of(port);
  out.database = "master";
  out.user = field(text, "user");
  out.password = Secret(field(text, "password"));
  out.encrypt = EncryptMode::require;
  out.poll_interval = 100ms;
  return out;
}

std::string operation_name(Operation operation) {
  switch (operation) {
    case Operation::read: return "read";
    case Operation::insert: return "insert";
    case Operation::update_before: return "before";
    case Operation::update: return "update";
    case Operation::delete_: return "delete";
  }
  return "?";
}

}  // namespace

bool is_simulated() {
  return std::getenv("TAILRACE_TEST_SQLSERVER") == nullptr;
}

Settings server_settings() {
  Settings out;
  if (const char* real = std::getenv("TAILRACE_TEST_SQLSERVER")) {
    out = real_settings(real);
  } else {
    static Simulator simulator;
    out = simulator.settings();
  }
  use_tested_driver(out);
  return out;
}

Database::Database() {
  static int number = 0;
  name_ = fmt::format("source_{}_{}", ::getpid(), ++number);
  {
    Connection master(server_settings());
    sqlserver::run(master, "create the database", "CREATE DATABASE " + name_);
    sqlserver::run(master, "allow snapshots",
                   fmt::format("ALTER DATABASE {} SET ALLOW_SNAPSHOT_ISOLATION ON", name_));
  }
  connection_ = std::make_unique<Connection>(settings());
  run("EXEC sys.sp_cdc_enable_db");
}

Settings Database::settings() const {
  Settings out = server_settings();
  out.database = name_;
  return out;
}

void Database::run(std::string_view sql) {
  sqlserver::run(*connection_, std::string(sql), sql);
}

std::string Database::answer(std::string_view sql) {
  Statement statement(*connection_, std::string(sql), sql);
  return statement.fetch() ? statement.text(0).value_or("NULL") : "nothing";
}

void Database::create(std::string_view table, std::string_view columns) {
  run(fmt::format("CREATE TABLE [dbo].[{}] ({})", table, columns));
  enable(table);
}

void Database::enable(std::string_view table, std::string_view more) {
  run(fmt::format(
      "EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'{}', @role_name = NULL{}",
      table, more));
}

void Database::disable(std::string_view table, std::string_view instance) {
  run(
      fmt::format("EXEC sys.sp_cdc_disable_table @source_schema = N'dbo', @source_name = N'{}', "
                  "@capture_instance = N'{}'",
                  table, instance));
}

Settings Database::new_login() {
  Settings out = settings();
  out.user = fmt::format("login_{}_{}", name_, ++logins_);
  out.password = Secret("Reader-{1}x;y");
  {
    Connection master(server_settings());
    sqlserver::run(master, "make a login",
                   fmt::format("CREATE LOGIN {} WITH PASSWORD = N'{}'", out.user, out.password.reveal()));
  }
  run(fmt::format("CREATE USER {0} FOR LOGIN {0}", out.user));
  return out;
}

void Database::settle() {
  if (is_simulated()) return control("N'scan'");
  run("WAITFOR DELAY '00:00:15'");
}

Settings event_settings(const Database& database) {
  Settings settings = database.settings();
  settings.events = true;
  return settings;
}

Lsn lsn_answer(Database& database, std::string_view expression) {
  return Lsn::parse(database.answer(fmt::format("SELECT CONVERT(nvarchar(22), {}, 1)", expression)));
}

Lsn max_lsn(Database& database) {
  return lsn_answer(database, "(SELECT MAX(start_lsn) FROM cdc.lsn_time_mapping)");
}

Lsn moved(Lsn lsn, int by) {
  const int slot = lsn.bytes[8] * 256 + lsn.bytes[9] + by;
  lsn.bytes[8] = static_cast<std::uint8_t>(slot / 256);
  lsn.bytes[9] = static_cast<std::uint8_t>(slot % 256);
  return lsn;
}

StoppedAgent::StoppedAgent(Database& database) : database_(database) {
  database_.control("N'agent', N'stop'");
}

StoppedAgent::~StoppedAgent() {
  try {
    start();
  } catch (const Error& error) {
    ADD_FAILURE() << error.what();
  }
}

void StoppedAgent::start() {
  database_.control("N'agent', N'start'");
}

Opened::Opened(const Settings& settings, const ResumeState& resume) : source(settings) {
  info = source.open(resume, {});
}

SchemaPtr Opened::table(std::string_view name) const {
  for (const SchemaPtr& schema : info.tables) {
    if (schema->name.name == name) return schema;
  }
  throw Error(ErrorKind::internal, "no such table").with("table", name);
}

void Opened::stream(std::optional<Lsn> low) {
  StreamPlan plan;
  const std::vector<Lsn> lows = source.take_low(info.tables);
  for (std::size_t i = 0; i < info.tables.size(); ++i)
    plan.tables.push_back({info.tables[i], low.value_or(lows[i]), std::nullopt});
  source.start_stream(plan);
}

std::vector<ChangeBatch> Opened::all_within(std::chrono::milliseconds time) {
  std::stop_source stop;
  std::jthread stopper([&] {
    std::this_thread::sleep_for(time);
    stop.request_stop();
  });
  std::vector<ChangeBatch> batches;
  while (std::optional<ChangeBatch> batch = source.next(stop.get_token())) {
    if (!batch->empty()) batches.push_back(std::move(*batch));
  }
  return batches;
}

std::vector<ChangeBatch> Opened::until(const std::function<bool(const ChangeBatch&)>& done,
                                       std::chrono::seconds limit) {
  std::stop_source stop;
  std::condition_variable_any over;
  std::mutex mutex;
  std::jthread timer([&](std::stop_token ended) {
    std::unique_lock lock(mutex);
    over.wait_for(lock, ended, limit, [] { return false; });
    if (!ended.stop_requested()) stop.request_stop();
  });
  std::vector<ChangeBatch> batches;
  while (std::optional<ChangeBatch> batch = source.next(stop.get_token())) {
    if (batch->empty()) continue;
    batches.push_back(std::move(*batch));
    if (done(batches.back())) return batches;
  }
  ADD_FAILURE() << "not within " << limit.count() << " s; " << batches.size() << " batches came";
  return batches;
}

std::vector<std::string> Opened::next_rows() {
  std::vector<std::string> out;
  until([&](const ChangeBatch& batch) {
    for (std::string& row : rows_of(batch))
      out.push_back(std::move(row));
    return batch.end && !out.empty();
  });
  return out;
}

ResumeState streamed_once(Database& database) {
  Opened opened(database.settings());
  opened.stream();
  database.run("INSERT INTO t VALUES (1000)");
  ResumeState resume;
  opened.until([&](const ChangeBatch& batch) {
    resume.position = batch.end;
    return batch.end && batch.rows() != 0;
  });
  EXPECT_FALSE(resume.position->evidence.empty());
  TableProgress progress;
  progress.table = {"dbo", "t"};
  progress.state = TableState::streaming;
  for (const SchemaPtr& table : opened.info.tables) {
    if (table->name == progress.table) progress.instance = table->instance;
  }
  progress.low = progress.instance.start_lsn;
  resume.first_run = false;
  resume.source_identity = opened.info.identity;
  resume.tables[progress.table] = progress;
  return resume;
}

ErrorKind kind_of(const std::function<void()>& action, std::string* message) {
  try {
    action();
  } catch (const Error& error) {
    if (message != nullptr) *message = error.what();
    return error.kind();
  }
  ADD_FAILURE() << "nothing was thrown";
  return ErrorKind::internal;
}

std::string row_text(const RowBatch& batch, std::size_t row) {
  std::string out = operation_name(batch.header(row).operation);
  for (std::size_t i = 0; i < batch.columns(); ++i) {
    const CellState state = batch.state(row, i);
    out += fmt::format(" {}={}", batch.schema().columns[i].name,
                       state == CellState::null     ? "NULL"
                       : state == CellState::absent ? "absent"
                                                    : key_text(batch, row, i));
  }
  return out;
}

std::vector<std::string> rows_of(const ChangeBatch& batch) {
  std::vector<std::string> out;
  for (const RowBatch& rows : batch.tables) {
    for (std::size_t row = 0; row < rows.rows(); ++row)
      out.push_back(row_text(rows, row));
  }
  return out;
}

}  // namespace tailrace::sqlserver::testing
