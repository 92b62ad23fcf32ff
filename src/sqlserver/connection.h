// Connections to SQL Server and statements on them; every failure leaves as an Error.
//
// Shape    A Connection runs one Statement at a time: the previous one is gone before the next one begins. Text is
//          UTF-8 here and UTF-16 on the wire, independent of the locale. `source.driver` decides who speaks with the
//          server (driver.h): our own reader of the protocol (tds_driver.h), or an ODBC driver (odbc.h).
// Errors   error_of(), diagnostics.h. After a stop everything that a statement does throws `abandoned`.
// Threads  A connection belongs to one thread at a time; a stop may be requested from any other. A connection whose
//          statement was stopped is of no more use: every later statement on it may fail.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "model/lsn.h"
#include "sqlserver/parameter.h"
#include "sqlserver/row_reader.h"
#include "sqlserver/settings.h"

namespace tailrace::sqlserver {

class Driver;
class DriverStatement;

class Connection {
 public:
  // Connects, and sets lock timeout, deadlock priority and text size. Throws auth, config, unavailable.
  explicit Connection(const Settings& settings);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  const Settings& settings() const;

  // While it lives, `stop` cancels what the connection does.
  class StopScope {
   public:
    StopScope(Connection& connection, std::stop_token stop);
    ~StopScope();
    StopScope(const StopScope&) = delete;
    StopScope& operator=(const StopScope&) = delete;

   private:
    struct Cancel {
      Driver* driver;
      void operator()() const;
    };
    Driver& driver_;
    std::stop_callback<Cancel> callback_;
  };

  bool stopped() const;

 private:
  friend class Statement;
  std::unique_ptr<Driver> driver_;
};

class Statement {
 public:
  // Executes `sql`. `doing` names it in errors: "read dbo.orders".
  Statement(Connection& connection, std::string doing, std::string_view sql,
            const std::vector<Parameter>& parameters = {});
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  ~Statement();  // What is left of the result is cancelled.

  // The next row of the result; false at its end.
  bool fetch();
  // After that: whether the batch has another result, whose rows then come.
  bool next_result();
  // Lets everything that is left of the batch happen; its results are dropped, its errors are not.
  void finish();

  // Columns count from 0 and are asked for in ascending order, each one once. Nothing: NULL.
  std::optional<std::string> text(int column);
  std::optional<std::int64_t> integer(int column);
  std::optional<std::int64_t> timestamp(int column);  // 100 ns since 0001-01-01.
  std::optional<std::string> bytes(int column);       // As the server sent them.
  std::optional<Lsn> lsn(int column);
  // Appends the whole value to `out`; false: NULL. A value longer than `limit` is read up to it, and `longer` set.
  bool append_bytes(int column, std::string& out, std::size_t limit, bool& longer);

  // Instead of fetch(): the rows of a table. Borrows the statement and the plan's schema.
  std::unique_ptr<RowReader> rows(const RowPlan& plan);

 private:
  void take_turn(int column);

  std::unique_ptr<DriverStatement> driver_;
  int last_read_ = -1;  // Of the row's columns.
};

// Runs a statement whose result, if any, is not wanted.
void run(Connection& connection, std::string doing, std::string_view sql);

}  // namespace tailrace::sqlserver
