// The private cluster.
#include "tests/support/postgres_cluster.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <grp.h>
#include <libpq-fe.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <thread>

namespace tailrace::testing {
namespace {

std::string program(const std::string& name) {
  for (int version = 18; version >= 15; --version) {
    const std::string path = "/usr/lib/postgresql/" + std::to_string(version) + "/bin/" + name;
    if (std::filesystem::exists(path)) return path;
  }
  throw std::runtime_error("PostgreSQL 15 or newer is not installed (apt-get install postgresql)");
}

int free_port() {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), length) != 0 ||
      getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length) != 0)
    throw std::runtime_error("no free port");
  close(listener);
  return ntohs(address.sin_port);
}

// In the child: becomes `postgres` where we are root, and dies with the test.
void become_postgres() {
  if (geteuid() == 0) {
    const passwd* const user = getpwnam("postgres");
    if (user == nullptr || initgroups("postgres", user->pw_gid) != 0 || setgid(user->pw_gid) != 0 ||
        setuid(user->pw_uid) != 0)
      _exit(126);
  }
  prctl(PR_SET_PDEATHSIG, SIGQUIT);
}

int spawn(const std::vector<std::string>& command, const std::string& log) {
  const int child = fork();
  if (child != 0) return child;
  become_postgres();
  const int output = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  dup2(output, 1);
  dup2(output, 2);
  std::vector<char*> arguments;
  for (const std::string& part : command)
    arguments.push_back(const_cast<char*>(part.c_str()));
  arguments.push_back(nullptr);
  execv(arguments[0], arguments.data());
  _exit(127);
}

void run_to_end(const std::vector<std::string>& command, const std::string& log) {
  int status = 0;
  waitpid(spawn(command, log), &status, 0);
  if (status != 0) throw std::runtime_error(command[0] + " failed, see " + log);
}

// A database is three hundred files, which some file systems take a quarter of a second to make: memory, where there is room.
std::string parent_directory() {
  constexpr std::uintmax_t needed_bytes = 1ULL << 30;
  std::error_code error;
  const std::filesystem::space_info space = std::filesystem::space("/dev/shm", error);
  return !error && space.available >= needed_bytes ? "/dev/shm" : "/tmp";
}

}  // namespace

PlainClient::PlainClient(const std::string& url) : raw_(PQconnectdb(url.c_str())) {
  if (PQstatus(raw_) == CONNECTION_OK) {
    PQclear(PQexec(raw_, "SET client_min_messages = warning"));
    return;
  }
  const std::string message = PQerrorMessage(raw_);
  PQfinish(raw_);
  throw std::runtime_error(message);
}

PlainClient::~PlainClient() {
  PQfinish(raw_);
}

std::vector<TextRow> PlainClient::rows(const std::string& sql) {
  PGresult* const result = PQexec(raw_, sql.c_str());
  const ExecStatusType status = PQresultStatus(result);
  std::vector<TextRow> out;
  for (int row = 0; row < PQntuples(result); ++row) {
    TextRow& values = out.emplace_back();
    for (int column = 0; column < PQnfields(result); ++column) {
      if (PQgetisnull(result, row, column) != 0)
        values.emplace_back();
      else
        values.emplace_back(PQgetvalue(result, row, column));
    }
  }
  const std::string message = PQresultErrorMessage(result);
  PQclear(result);
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) throw std::runtime_error(message);
  return out;
}

std::string PlainClient::value(const std::string& sql) {
  const std::vector<TextRow> all = rows(sql);
  if (all.size() != 1 || all[0].size() != 1) throw std::runtime_error("not one value: " + sql);
  return all[0][0].value_or("NULL");
}

std::string PlainClient::table(const std::string& sql) {
  std::string out;
  bool first = true;
  for (const TextRow& row : rows(sql)) {
    if (!first) out += '\n';
    first = false;
    for (std::size_t i = 0; i < row.size(); ++i)
      out += (i == 0 ? "" : "|") + row[i].value_or("NULL");
  }
  return out;
}

void PlainClient::start(const std::string& sql) {
  if (PQsendQuery(raw_, sql.c_str()) != 1) throw std::runtime_error(PQerrorMessage(raw_));
}

std::string PlainClient::wait() {
  std::string sqlstate;
  while (PGresult* const result = PQgetResult(raw_)) {
    if (const char* const code = PQresultErrorField(result, PG_DIAG_SQLSTATE)) sqlstate = code;
    PQclear(result);
  }
  return sqlstate;
}

PostgresCluster& PostgresCluster::shared() {
  static PostgresCluster cluster;
  return cluster;
}

std::string PostgresCluster::url(const std::string& database, int port) {
  return "postgresql://postgres@127.0.0.1:" + std::to_string(port) + "/" + database + "?sslmode=disable";
}

PostgresCluster::PostgresCluster() {
  std::string name = parent_directory() + "/tailrace-postgres-XXXXXX";
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
  directory_ = name;
  if (geteuid() == 0) {
    const passwd* const user = getpwnam("postgres");
    if (user == nullptr || chown(name.c_str(), user->pw_uid, user->pw_gid) != 0)
      throw std::runtime_error("there is no user postgres to run PostgreSQL as");
  }
  run_to_end({program("initdb"), "-D", directory_ + "/data", "-U", "postgres", "-A", "trust", "-E", "UTF8",
              "--locale=C.UTF-8", "--no-sync"},
             directory_ + "/initdb.log");
  start_server();
  prove_identity();
}

void PostgresCluster::start_server() {
  port_ = free_port();
  std::vector<std::string> command{program("postgres"), "-D", directory_ + "/data", "-p",
                                   std::to_string(port_)};
  for (const char* const setting :
       {"listen_addresses=127.0.0.1", "fsync=off", "full_page_writes=off", "max_connections=60",
        "shared_buffers=64MB", "autovacuum=off", "log_min_messages=warning", "max_wal_size=2GB"}) {
    command.emplace_back("-c");
    command.emplace_back(setting);
  }
  command.emplace_back("-c");
  command.push_back("unix_socket_directories=" + directory_);
  process_ = spawn(command, directory_ + "/server.log");
}

// The port may have become somebody else's between looking and listening.
void PostgresCluster::prove_identity() {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (true) {
    int status = 0;
    if (waitpid(process_, &status, WNOHANG) != 0)
      throw std::runtime_error("the server ended at once, see " + directory_ + "/server.log");
    try {
      PlainClient client(url("postgres"));
      if (client.value("SHOW data_directory") != directory_ + "/data")
        throw std::logic_error("port " + std::to_string(port_) + " belongs to another server");
      return;
    } catch (const std::runtime_error&) {
      if (std::chrono::steady_clock::now() > deadline) throw;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

PostgresCluster::~PostgresCluster() {
  if (process_ > 0) {
    kill(process_, SIGQUIT);
    waitpid(process_, nullptr, 0);
  }
  if (std::getenv("TAILRACE_TEST_KEEP") == nullptr) std::filesystem::remove_all(directory_);
}

void PostgresCluster::drop_database(const std::string& name) {
  PlainClient(url("postgres")).run("DROP DATABASE " + name + " WITH (FORCE)");
}

std::string PostgresCluster::create_database() {
  const std::string name = "test_" + std::to_string(++databases_);
  PlainClient(url("postgres")).run("CREATE DATABASE " + name + " STRATEGY file_copy");
  return name;
}

}  // namespace tailrace::testing
