// A connection to one SQLite file and its prepared statements: the only face of SQLite that others see.
//
// Shape    Connection keeps prepared statements by their text; Statement borrows one for a while and gives it
//          back reset. Two Statements of the same text at a time are fine.
// Errors   step() tells expected outcomes as values. Where nobody expects one, interrupt() throws Interrupted. What else
//          SQLite reports (a broken file, SQL that we made and it refuses) throws `internal`.
// Threads  A connection and its statements belong to one thread at a time; interrupt() may come from any.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sim/storage/codec.h"
#include "sim/storage/type.h"
#include "sim/storage/value.h"

struct sqlite3;
struct sqlite3_stmt;

namespace tailrace::sim {

enum class Step : std::uint8_t {
  row,
  done,
  unique,         // A UNIQUE or PRIMARY KEY index refused a row; Connection::last_error() names it.
  not_null,       // NOT NULL of SQLite (a backstop: the engine checks first, error 515).
  busy,           // Another writer; does not happen behind a WriteGate.
  busy_snapshot,  // A read transaction wants to write after another's commit (3960).
  interrupted,    // interrupt() was called.
  failed,         // A registered function reported an error: last_error() is its text.
};

// interrupt() was called while a statement ran whose outcome nobody asks for.
struct Interrupted {};

class Connection;

class Statement {
 public:
  Statement() = default;
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&& other) noexcept;
  ~Statement();

  // 1-based, as SQLite counts.
  Statement& bind(int index, std::int64_t number);
  Statement& bind(int index, double real);
  Statement& bind(int index, std::string_view text);
  Statement& bind_blob(int index, std::string_view bytes);
  Statement& bind_null(int index);
  Statement& bind(int index, const TypeInfo& type, const Cell& cell);
  Statement& bind(int index, const Value& value);

  Step step();
  // For statements that cannot fail in an expected way: any other outcome throws. True: there is a row.
  bool next();
  void run();  // next() until done.
  void reset();

  // 0-based, as SQLite counts. Text and blobs are borrowed until the next step().
  int column_count() const;
  bool is_null(int column) const;
  std::int64_t number(int column) const;
  double real(int column) const;
  std::string_view text(int column) const;
  std::string_view blob(int column) const;
  sqlite3_stmt* handle() const { return statement_; }

 private:
  friend class Connection;
  Statement(Connection& connection, sqlite3_stmt* statement)
      : connection_(&connection), statement_(statement) {}

  Connection* connection_ = nullptr;
  sqlite3_stmt* statement_ = nullptr;
};

class Connection {
 public:
  // Opens or creates the file, in WAL mode, with the collations registered.
  // `durable`: committed data survives a power cut (else: the end of the process at most).
  explicit Connection(const std::string& path, bool durable = false);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  Statement prepare(std::string_view sql);
  // nullptr-like on SQL that SQLite cannot prepare: `error` says why. For the engine, which reports it.
  Statement try_prepare(std::string_view sql, std::string& error);
  void execute(std::string_view sql);                // One or more statements without results.
  std::int64_t single_number(std::string_view sql);  // The first cell of the first row; 0 if none or NULL.

  bool in_transaction() const;
  std::int64_t changes() const;  // Rows of the last INSERT, UPDATE, DELETE, without those of triggers.
  std::int64_t last_rowid() const;
  std::string last_error() const;
  void interrupt();
  sqlite3* handle() const { return database_; }

 private:
  friend class Statement;
  void give_back(sqlite3_stmt* statement);

  sqlite3* database_ = nullptr;
  std::unordered_multimap<std::string, sqlite3_stmt*> idle_;
};

// Reads whole rows by type without allocating. Cells borrow from the statement and from this reader until the
// next step().
class RowReader {
 public:
  explicit RowReader(std::vector<TypeInfo> types);
  void read(const Statement& statement, std::vector<Cell>& cells);
  void read(const Statement& statement, Cell* cells);

 private:
  std::vector<TypeInfo> types_;
  std::vector<CodecScratch> scratch_;
};

}  // namespace tailrace::sim
