// The driver that goes through ODBC: connections and statements as owned resources.
//
// Shape    driver.h. Columns are asked for in ascending order, each one once: Microsoft's driver has no other.
// Source   ODBC 3.8; FreeTDS src/odbc/odbc.c, SQLFetch: an error behind the first rows of a block comes as
//          SQL_SUCCESS_WITH_INFO, and the next fetch then says SQL_NO_DATA.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sqlserver/driver.h"
#include "sqlserver/server_socket.h"
#include "sqlserver/settings.h"

namespace tailrace::sqlserver {

class OdbcConnection : public Driver {
 public:
  explicit OdbcConnection(const Settings& settings);
  ~OdbcConnection() override;

  std::unique_ptr<DriverStatement> execute(std::string doing, std::string_view sql,
                                           const std::vector<Parameter>& parameters) override;
  void cancel() override;

 private:
  friend class OdbcStatement;
  void free_handles();

  void* environment_ = nullptr;
  void* handle_ = nullptr;
  ServerSocket socket_;  // Found for FreeTDS alone.
  std::mutex active_mutex_;
  void* active_ = nullptr;  // The statement that a stop cancels.
};

class OdbcStatement : public DriverStatement {
 public:
  OdbcStatement(OdbcConnection& connection, std::string doing, std::string_view sql,
                const std::vector<Parameter>& parameters);
  OdbcStatement(const OdbcStatement&) = delete;
  OdbcStatement& operator=(const OdbcStatement&) = delete;
  ~OdbcStatement() override;

  bool fetch() override;
  bool next_result() override;
  void finish() override;
  std::optional<std::int64_t> integer(int column) override;
  std::optional<std::int64_t> timestamp(int column) override;
  bool append_bytes(int column, std::string& out, std::size_t limit, bool& longer) override;
  std::unique_ptr<RowReader> rows(const RowPlan& plan) override;

  // For row arrays (row_fetcher.cpp).
  void* handle() const { return handle_; }
  // Throws unless `result` is a success without a truncation. True: there is a row.
  bool check_fetch(int result);
  void check(int result);
  const std::string& doing() const { return doing_; }

 private:
  [[noreturn]] void fail();
  void bind(const std::vector<Parameter>& parameters);
  void release();

  OdbcConnection& connection_;
  std::string doing_;
  void* handle_ = nullptr;
  std::vector<Parameter> parameters_;  // Bound by address until the statement has run.
  std::vector<std::int64_t> lengths_;
  bool at_end_ = false;
  bool has_more_ = false;  // Another result begins behind the one that has ended.
};

}  // namespace tailrace::sqlserver
