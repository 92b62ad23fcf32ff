// ODBC connections and statements as owned resources; every failure leaves as an Error.
//
// Shape    A Connection runs one Statement at a time: the previous one is gone before the next one begins. Text is
//          UTF-8 here and UTF-16 on the wire, independent of the locale.
// Errors   error_of(), diagnostics.h. After a stop everything that a statement does throws `abandoned`.
// Threads  A connection belongs to one thread at a time; a stop may be requested from any other. A connection whose
//          statement was stopped is of no more use: every later statement on it may fail.
// Source   ODBC 3.8; FreeTDS src/odbc/odbc.c, SQLFetch: an error behind the first rows of a block comes as
//          SQL_SUCCESS_WITH_INFO, and the next fetch then says SQL_NO_DATA.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "model/lsn.h"
#include "sqlserver/diagnostics.h"
#include "sqlserver/server_socket.h"
#include "sqlserver/settings.h"

namespace tailrace::sqlserver {

// A value for a `?`.
struct Parameter {
  enum class Kind : std::uint8_t { integer, text, bytes } kind = Kind::integer;
  std::int64_t integer = 0;
  std::string value;  // text: UTF-16LE; bytes: as they are.

  static Parameter of(std::int64_t number);
  static Parameter of(const Lsn& lsn);
  static Parameter of_text(std::string_view utf8);
};

class Connection {
 public:
  // Connects, and sets lock timeout, deadlock priority and text size. Throws auth, config, unavailable.
  explicit Connection(const Settings& settings);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  const Settings& settings() const { return settings_; }

  // While it lives, `stop` cancels what the connection does.
  class StopScope {
   public:
    StopScope(Connection& connection, std::stop_token stop);
    ~StopScope();
    StopScope(const StopScope&) = delete;
    StopScope& operator=(const StopScope&) = delete;

   private:
    struct Cancel {
      Connection* connection;
      void operator()() const { connection->cancel(); }
    };
    Connection& connection_;
    std::stop_callback<Cancel> callback_;
  };

  bool stopped() const { return stop_.stop_requested(); }

 private:
  friend class Statement;
  void cancel();
  void free_handles();
  Connection& watch(std::stop_token stop);

  Settings settings_;
  void* environment_ = nullptr;
  void* handle_ = nullptr;
  ServerSocket socket_;  // Found for FreeTDS alone.
  std::stop_token stop_;
  std::mutex active_mutex_;
  void* active_ = nullptr;  // The statement that a stop cancels.
};

class Statement {
 public:
  // Executes `sql`. `doing` names it in errors: "read dbo.orders".
  Statement(Connection& connection, std::string doing, std::string_view sql,
            const std::vector<Parameter>& parameters = {});
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  ~Statement();  // What is left of the result is cancelled.

  // The next row of an unbound result; false at its end.
  bool fetch();
  // After that: whether the batch has another result, whose rows then come.
  bool next_result();
  // Lets everything that is left of the batch happen; its results are dropped, its errors are not.
  void finish();

  // Columns count from 0 and are asked for in ascending order, each one once: Microsoft's driver has no other. Nothing:
  // NULL.
  std::optional<std::string> text(int column);
  std::optional<std::int64_t> integer(int column);
  std::optional<std::int64_t> timestamp(int column);  // 100 ns since 0001-01-01.
  std::optional<std::string> bytes(int column);       // As the server sent them.
  std::optional<Lsn> lsn(int column);
  // Appends the whole value to `out`; false: NULL. A value longer than `limit` is read up to it, and `longer` set.
  bool append_bytes(int column, std::string& out, std::size_t limit, bool& longer);

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
  void take_turn(int column);

  Connection& connection_;
  std::string doing_;
  void* handle_ = nullptr;
  std::vector<Parameter> parameters_;  // Bound by address until the statement has run.
  std::vector<std::int64_t> lengths_;
  bool at_end_ = false;
  bool has_more_ = false;  // Another result begins behind the one that has ended.
  int last_read_ = -1;     // Of the row's columns.
};

// Runs a statement whose result, if any, is not wanted.
void run(Connection& connection, std::string doing, std::string_view sql);

}  // namespace tailrace::sqlserver
