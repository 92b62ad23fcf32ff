// A connection to PostgreSQL as a scope, its results, and parameters.
//
// Errors   Every failed statement throws Error with the kind that its SQLSTATE stands for (sql_error.h).
// Threads  A connection belongs to one thread; cancel() alone may be called from any other.
// Source   PostgreSQL 15 documentation, 34 (libpq), 34.5 (pipeline mode).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "postgres/settings.h"

struct pg_conn;
struct pg_result;
struct pg_cancel;

namespace tailrace::postgres {

class Result {
 public:
  explicit Result(pg_result* raw) : raw_(raw) {}

  int rows() const;
  int columns() const;
  bool is_null(int row, int column) const;
  // The field's bytes: text, or binary where the query asked for it. Lives as long as the result.
  std::string_view text(int row, int column) const;
  std::int64_t integer(int row, int column) const;
  bool boolean(int row, int column) const { return text(row, column) == "t"; }
  // Rows that the statement inserted, updated or deleted.
  std::uint64_t affected() const;

 private:
  struct Clear {
    void operator()(pg_result* raw) const;
  };
  std::unique_ptr<pg_result, Clear> raw_;
};

// Parameters of one statement, by value. Binary ones are in PostgreSQL's send format.
class Params {
 public:
  Params& text(std::string value) { return add(std::move(value), false); }
  Params& integer(std::int64_t value) { return add(std::to_string(value), false); }
  Params& boolean(bool value) { return add(value ? "t" : "f", false); }
  Params& binary(std::string value) { return add(std::move(value), true); }
  // Binary, borrowed: `bytes` must live until the statement is sent.
  Params& borrowed(std::string_view bytes);
  Params& null();
  // A text[] as an array literal.
  Params& texts(const std::vector<std::string>& values);
  Params& nullable_texts(const std::vector<std::optional<std::string>>& values);

  std::size_t size() const { return values_.size(); }
  // As libpq takes them: nullptr is NULL.
  const char* data(std::size_t i) const {
    if (values_[i].null) return nullptr;
    return values_[i].lent.data() != nullptr ? values_[i].lent.data() : values_[i].bytes.c_str();
  }
  std::size_t length(std::size_t i) const {
    return values_[i].lent.data() != nullptr ? values_[i].lent.size() : values_[i].bytes.size();
  }
  bool is_binary(std::size_t i) const { return values_[i].binary; }

 private:
  struct Value {
    std::string bytes;
    std::string_view lent;
    bool binary = false;
    bool null = false;
  };
  Params& add(std::string bytes, bool binary);
  std::vector<Value> values_;
};

// The elements of a text[] result.
std::vector<std::string> parse_text_array(std::string_view literal);

class Connection {
 public:
  // Connects and sets the session up (READ COMMITTED, no timeouts, search_path pg_catalog). `purpose` is for
  // messages. Throws auth, unavailable, config (server too old, transaction-level pooler), abandoned.
  Connection(const Settings& settings, std::string_view purpose, std::stop_token stop);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  // One or several statements without parameters; the last result.
  Result exec(const std::string& sql);
  Result query(const std::string& sql, const Params& params, bool binary_results = false);
  // The same for a text that comes again and again: parsed and planned once. Not in a pipeline.
  Result query_again(const char* sql, const Params& params);
  Result exec_prepared(const std::string& name, const Params& params, bool binary_results = false);
  void prepare(const std::string& name, const std::string& sql, const std::vector<std::uint32_t>& types);

  // Forgets every prepared statement, whoever prepared it. Not in a pipeline.
  void forget_prepared();

  // Statements sent without waiting for answers. finish_pipeline() reads them all, in order, and throws the
  // first failure; nothing after a failure was executed.
  using Take = std::function<void(const Result&)>;
  void begin_pipeline();
  bool in_pipeline() const;
  void send_prepare(const std::string& name, const std::string& sql, const std::vector<std::uint32_t>& types);
  void send_prepared(const std::string& name, const Params& params, Take take);
  void send_query(const std::string& sql, const Params& params, Take take);
  // Hands everything over to the server, which begins with it at once.
  void flush();
  void finish_pipeline();

  // For CopyIn: the answer of what was sent by hand, and the failure of sending it.
  Result next_result(std::string_view what);
  [[noreturn]] void fail_lost(std::string_view what);

  // Asks the server to cancel what runs here; failing to is no error.
  void cancel() const noexcept;
  pg_conn* raw() { return raw_.get(); }
  int server_version() const;
  int backend_pid() const;
  bool in_transaction() const;
  // Ends a pipeline that failed or was not finished; the transaction stays as it is, failed or not. False if the
  // connection is lost.
  bool leave_pipeline() noexcept;
  // Leaves whatever state the connection is in: ends a pipeline, without waiting for what was sent in it, and rolls back. False
  // if the connection is lost.
  bool reset() noexcept;

 private:
  struct Close {
    void operator()(pg_conn* raw) const;
  };
  struct FreeCancel {
    void operator()(pg_cancel* raw) const;
  };
  Result take(pg_result* raw, std::string_view what);
  void set_up_session();
  void check_server();
  std::unique_ptr<pg_conn, Close> raw_;
  std::unique_ptr<pg_cancel, FreeCancel> cancel_;
  std::string purpose_;
  std::vector<Take> pending_;
  std::map<std::string, std::string, std::less<>> again_;  // Name by text, of query_again().
};

// While in scope, a stop request cancels what runs on the connection.
class CancelOnStop {
 public:
  CancelOnStop(const Connection& connection, const std::stop_token& stop)
      : callback_(stop, Call{&connection}) {}

 private:
  struct Call {
    const Connection* connection;
    void operator()() const noexcept { connection->cancel(); }
  };
  std::stop_callback<Call> callback_;
};

// A transaction as a scope: leaving it without commit() rolls back.
class Transaction {
 public:
  explicit Transaction(Connection& connection);
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction();
  void commit();

 private:
  Connection& connection_;
  bool open_ = true;
};

}  // namespace tailrace::postgres
