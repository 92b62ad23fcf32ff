// A private PostgreSQL cluster for the tests of one executable, and a plain client to look at it with.
//
// Shape    Started on first use under /tmp as the system user `postgres` (PostgreSQL refuses root), on a free
//          port of 127.0.0.1, with fsync off; asked who it is before anything is written; ended by its pid.
// Errors   std::runtime_error: a test cannot go on without it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

struct pg_conn;

namespace tailrace::testing {

// Rows as text; a NULL is no value.
using TextRow = std::vector<std::optional<std::string>>;

class PlainClient {
 public:
  explicit PlainClient(const std::string& url);
  ~PlainClient();
  PlainClient(const PlainClient&) = delete;
  PlainClient& operator=(const PlainClient&) = delete;

  std::vector<TextRow> rows(const std::string& sql);
  // The one value of the one row; "NULL" where it is NULL.
  std::string value(const std::string& sql);
  // Rows joined by newlines, values by '|'.
  std::string table(const std::string& sql);
  void run(const std::string& sql) { rows(sql); }
  // Starts a statement without waiting for it.
  void start(const std::string& sql);
  std::string wait();  // For the started one: "" or the SQLSTATE.

 private:
  pg_conn* raw_;
};

class PostgresCluster {
 public:
  static PostgresCluster& shared();
  ~PostgresCluster();
  PostgresCluster(const PostgresCluster&) = delete;
  PostgresCluster& operator=(const PostgresCluster&) = delete;

  int port() const { return port_; }
  std::string url(const std::string& database) const { return url(database, port_); }
  static std::string url(const std::string& database, int port);
  // A fresh, empty database; answers its name.
  std::string create_database();
  void drop_database(const std::string& name);

 private:
  PostgresCluster();
  void start_server();
  void prove_identity();

  std::string directory_;
  int port_ = 0;
  int process_ = 0;
  int databases_ = 0;
};

}  // namespace tailrace::testing
