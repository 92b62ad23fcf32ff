// Connecting, session set-up, statements and pipelines over libpq.
#include "postgres/connection.h"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <poll.h>

#include <array>
#include <cctype>
#include <chrono>

#include "base/error.h"
#include "postgres/sql_error.h"

namespace tailrace::postgres {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr int oldest_server = 150000;

std::string trimmed(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0)
    text.remove_suffix(1);
  return std::string(text);
}

std::string field(const pg_result* result, int code) {
  const char* text = PQresultErrorField(result, code);
  return text == nullptr ? std::string() : std::string(text);
}

SqlFailure failure_of(const pg_result* result) {
  return {field(result, PG_DIAG_SQLSTATE),        field(result, PG_DIAG_MESSAGE_PRIMARY),
          field(result, PG_DIAG_MESSAGE_DETAIL),  field(result, PG_DIAG_SCHEMA_NAME),
          field(result, PG_DIAG_TABLE_NAME),      field(result, PG_DIAG_COLUMN_NAME),
          field(result, PG_DIAG_CONSTRAINT_NAME), field(result, PG_DIAG_MESSAGE_HINT),
          field(result, PG_DIAG_CONTEXT),         field(result, PG_DIAG_SOURCE_FUNCTION)};
}

// libpq 15 has no SQLSTATE of a refused connection, but verbose messages carry it: "FATAL:  28P01: ...".
// (The words are in the server's language, the code is not.)
std::string sqlstate_in(std::string_view message) {
  for (std::size_t at = message.find(':'); at != std::string_view::npos; at = message.find(':', at + 1)) {
    std::size_t begin = at + 1;
    while (begin < message.size() && message[begin] == ' ')
      ++begin;
    if (begin + 5 >= message.size() || message[begin + 5] != ':') continue;
    const std::string_view code = message.substr(begin, 5);
    bool fits = true;
    bool digit = false;  // "FATAL" has five capitals as well; every SQLSTATE has a digit.
    for (const char c : code) {
      digit = digit || std::isdigit(static_cast<unsigned char>(c)) != 0;
      fits = fits && (std::isdigit(static_cast<unsigned char>(c)) != 0 ||
                      std::isupper(static_cast<unsigned char>(c)) != 0);
    }
    fits = fits && digit;
    if (fits) return std::string(code);
  }
  return {};
}

[[noreturn]] void refuse_connection(pg_conn* raw, std::string_view purpose) {
  std::string message = trimmed(PQerrorMessage(raw));
  const std::string sqlstate = sqlstate_in(message);
  message = message.substr(0, message.find("\nLOCATION"));
  ErrorKind kind = sqlstate.empty() ? ErrorKind::unavailable : kind_of_sqlstate(sqlstate);
  if (PQconnectionNeedsPassword(raw) != 0) kind = ErrorKind::auth;
  if (kind == ErrorKind::internal || kind == ErrorKind::data) kind = ErrorKind::unavailable;
  Error error(kind, fmt::format("cannot connect to PostgreSQL ({}): {}", purpose, message));
  if (kind == ErrorKind::auth)
    error.with("remedy", "check target.user, target.password and the server's pg_hba.conf");
  if (kind == ErrorKind::config) error.with("remedy", "create the database, or grant CONNECT on it");
  throw Error(std::move(error));
}

void poll_until_connected(pg_conn* raw, std::string_view purpose, Clock::time_point deadline,
                          const std::stop_token& stop) {
  PostgresPollingStatusType status = PGRES_POLLING_WRITING;
  while (status != PGRES_POLLING_OK) {
    if (stop.stop_requested()) throw Error(ErrorKind::abandoned, "stopped while connecting to PostgreSQL");
    if (Clock::now() > deadline)
      throw Error(ErrorKind::unavailable,
                  fmt::format("cannot connect to PostgreSQL ({}): no answer in time", purpose));
    // poll() here only says that libpq may look again; a spurious look is harmless.
    const short events = status == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    struct pollfd waited {
      PQsocket(raw), events, 0
    };
    if (poll(&waited, 1, /*milliseconds=*/100) == 0) continue;
    status = PQconnectPoll(raw);
    if (status == PGRES_POLLING_FAILED) refuse_connection(raw, purpose);
  }
}

void check_url(const std::string& url) {
  char* words = nullptr;
  PQconninfoOption* const options = PQconninfoParse(url.c_str(), &words);
  const bool understood = options != nullptr;
  PQconninfoFree(options);
  const std::string message = words == nullptr ? std::string() : trimmed(words);
  PQfreemem(words);
  // libpq quotes the text that it does not understand, and a password may be in it.
  if (!understood)
    throw Error(ErrorKind::config, "target.url is not understood")
        .with("reason", message.substr(0, message.find('"')))
        .with("expected", "postgresql://host:port/database?sslmode=verify-full, or host=... dbname=...");
}

// What the URL may override comes before it, what it must not after it: the later of equal keywords wins.
pg_conn* start_connection(const Settings& settings) {
  check_url(settings.url);
  const std::string application = "tailrace/" + settings.pipeline;
  std::vector<const char*> names{"keepalives_idle", "keepalives_interval", "keepalives_count",
                                 "tcp_user_timeout", "dbname"};
  std::vector<const char*> values{"10", "5", "3", "30000", settings.url.c_str()};
  const auto force = [&](const char* name, const char* value) {
    names.push_back(name);
    values.push_back(value);
  };
  force("keepalives", "1");
  force("target_session_attrs", "read-write");
  force("client_encoding", "UTF8");
  force("application_name", application.c_str());
  if (!settings.user.empty()) force("user", settings.user.c_str());
  if (!settings.password.empty()) force("password", settings.password.reveal().c_str());
  force(nullptr, nullptr);
  return PQconnectStartParams(names.data(), values.data(), /*expand_dbname=*/1);
}

}  // namespace

void Connection::Close::operator()(pg_conn* raw) const {
  PQfinish(raw);
}
void Connection::FreeCancel::operator()(pg_cancel* raw) const {
  PQfreeCancel(raw);
}

Connection::Connection(const Settings& settings, std::string_view purpose, std::stop_token stop)
    : raw_(start_connection(settings)), purpose_(purpose) {
  TAILRACE_ASSERT(raw_ != nullptr);
  PQsetErrorVerbosity(raw(), PQERRORS_VERBOSE);
  if (PQstatus(raw()) == CONNECTION_BAD) refuse_connection(raw(), purpose_);
  poll_until_connected(raw(), purpose_, Clock::now() + settings.connect_timeout, stop);
  cancel_.reset(PQgetCancel(raw()));
  check_server();
  set_up_session();
}

Connection::~Connection() = default;

void Connection::check_server() {
  if (server_version() < oldest_server)
    throw Error(ErrorKind::config, fmt::format("the target is PostgreSQL {}.{}; tailrace needs 15 or newer",
                                               server_version() / 10000, server_version() % 10000))
        .with("remedy", "upgrade the target server");
  // A pooler answers with a process id of its own. A session-level one would do, but cannot be told from a
  // transaction-level one for certain, so both are refused (R6e).
  const Result result = exec("SELECT pg_catalog.pg_backend_pid()");
  if (result.integer(0, 0) != backend_pid())
    throw Error(ErrorKind::config,
                "target.url leads through a connection pooler (PgBouncer or alike); "
                "locks, temporary tables and prepared statements need one backend")
        .with("remedy", "point target.url at the PostgreSQL server itself");
}

void Connection::set_up_session() {
  exec(
      "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE, NOT DEFERRABLE;"
      "SET search_path = pg_catalog, pg_temp; SET statement_timeout = 0; SET lock_timeout = 0;"
      "SET idle_in_transaction_session_timeout = 0; SET idle_session_timeout = 0;"
      "SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'postgres';"
      "SET bytea_output = 'hex'; SET standard_conforming_strings = on; SET extra_float_digits = 1;"
      // Apply statements take arrays whose size the planner cannot see; whatever it is, rows are found by key. With the
      // values it would plan each statement five times before it believes that.
      "SET plan_cache_mode = force_generic_plan;"
      "SET client_min_messages = warning; SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5;"
      "SET tcp_keepalives_count = 3; SET tcp_user_timeout = 30000");
  if (server_version() >= 170000) exec("SET transaction_timeout = 0");
}

int Connection::server_version() const {
  return PQserverVersion(raw_.get());
}
int Connection::backend_pid() const {
  return PQbackendPID(raw_.get());
}
bool Connection::in_transaction() const {
  return PQtransactionStatus(raw_.get()) != PQTRANS_IDLE;
}

void Connection::fail_lost(std::string_view what) {
  throw Error(ErrorKind::unavailable, fmt::format("connection to PostgreSQL lost ({}, {}): {}", purpose_,
                                                  what, trimmed(PQerrorMessage(raw()))));
}

Result Connection::take(pg_result* raw_result, std::string_view what) {
  if (raw_result == nullptr) fail_lost(what);
  Result result(raw_result);
  switch (PQresultStatus(raw_result)) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_COPY_IN:
    case PGRES_EMPTY_QUERY: return result;
    default: break;
  }
  const SqlFailure failure = failure_of(raw_result);
  // The server's last words before it closes (57P01 ...) come as a result; a broken socket has no SQLSTATE.
  if (failure.sqlstate.empty()) fail_lost(what);
  throw error_of(failure, purpose_);
}

Result Connection::next_result(std::string_view what) {
  pg_result* const result = PQgetResult(raw());
  try {
    return take(result, what);
  } catch (const Error&) {
    // A failed COPY is followed by nothing of interest; the connection must be idle for the ROLLBACK.
    while (pg_result* const rest = PQgetResult(raw()))
      PQclear(rest);
    throw;
  }
}

Result Connection::exec(const std::string& sql) {
  return take(PQexec(raw(), sql.c_str()), "statement");
}

namespace {

// The three parallel arrays that libpq wants; they borrow from `params`.
struct RawParams {
  explicit RawParams(const Params& params) {
    for (std::size_t i = 0; i < params.size(); ++i) {
      values.push_back(params.data(i));
      lengths.push_back(static_cast<int>(params.length(i)));
      formats.push_back(params.is_binary(i) ? 1 : 0);
    }
  }
  int count() const { return static_cast<int>(values.size()); }

  std::vector<const char*> values;
  std::vector<int> lengths;
  std::vector<int> formats;
};

}  // namespace

Result Connection::query(const std::string& sql, const Params& params, bool binary_results) {
  const RawParams made(params);
  return take(PQexecParams(raw(), sql.c_str(), made.count(), nullptr, made.values.data(), made.lengths.data(),
                           made.formats.data(), binary_results ? 1 : 0),
              "statement");
}

Result Connection::query_again(const char* sql, const Params& params) {
  auto found = again_.find(std::string_view(sql));
  if (found == again_.end()) {
    std::string name = fmt::format("q{}", again_.size());
    prepare(name, sql, {});
    found = again_.emplace(sql, std::move(name)).first;
  }
  return exec_prepared(found->second, params);
}

void Connection::forget_prepared() {
  exec("DEALLOCATE ALL");
  again_.clear();
}

Result Connection::exec_prepared(const std::string& name, const Params& params, bool binary_results) {
  const RawParams made(params);
  return take(PQexecPrepared(raw(), name.c_str(), made.count(), made.values.data(), made.lengths.data(),
                             made.formats.data(), binary_results ? 1 : 0),
              "prepared statement");
}

void Connection::prepare(const std::string& name, const std::string& sql,
                         const std::vector<std::uint32_t>& types) {
  take(PQprepare(raw(), name.c_str(), sql.c_str(), static_cast<int>(types.size()), types.data()), "prepare");
}

void Connection::begin_pipeline() {
  TAILRACE_ASSERT(pending_.empty());
  if (PQenterPipelineMode(raw()) != 1) fail_lost("pipeline");
}

bool Connection::in_pipeline() const {
  return PQpipelineStatus(raw_.get()) != PQ_PIPELINE_OFF;
}

void Connection::send_prepare(const std::string& name, const std::string& sql,
                              const std::vector<std::uint32_t>& types) {
  if (PQsendPrepare(raw(), name.c_str(), sql.c_str(), static_cast<int>(types.size()), types.data()) != 1)
    fail_lost("prepare");
  pending_.emplace_back();
}

void Connection::send_prepared(const std::string& name, const Params& params, Take taker) {
  const RawParams made(params);
  if (PQsendQueryPrepared(raw(), name.c_str(), made.count(), made.values.data(), made.lengths.data(),
                          made.formats.data(), /*resultFormat=*/0) != 1)
    fail_lost("prepared statement");
  pending_.push_back(std::move(taker));
}

void Connection::send_query(const std::string& sql, const Params& params, Take taker) {
  const RawParams made(params);
  if (PQsendQueryParams(raw(), sql.c_str(), made.count(), nullptr, made.values.data(), made.lengths.data(),
                        made.formats.data(), /*resultFormat=*/0) != 1)
    fail_lost("statement");
  pending_.push_back(std::move(taker));
}

void Connection::flush() {
  if (PQflush(raw()) != 0) fail_lost("pipeline");
}

// The server skips everything after a failure up to the sync, so the first failure is the one that counts.
void Connection::finish_pipeline() {
  if (PQpipelineSync(raw()) != 1) fail_lost("pipeline");
  const std::vector<Take> takers = std::exchange(pending_, {});
  for (const Take& taker : takers) {
    const Result result = take(PQgetResult(raw()), "pipeline");
    if (taker) taker(result);
    if (pg_result* const end = PQgetResult(raw()); end != nullptr) {
      const Result unexpected(end);
      throw Error(ErrorKind::protocol, "PostgreSQL gave two answers to one statement of a pipeline");
    }
  }
  pg_result* const sync = PQgetResult(raw());
  const Result guard(sync);
  if (PQresultStatus(sync) != PGRES_PIPELINE_SYNC) fail_lost("pipeline sync");
  if (PQexitPipelineMode(raw()) != 1) fail_lost("pipeline end");
}

void Connection::cancel() const noexcept {
  std::array<char, 256> words{};
  if (cancel_ != nullptr) PQcancel(cancel_.get(), words.data(), static_cast<int>(words.size()));
}

bool Connection::leave_pipeline() noexcept {
  pending_.clear();
  if (PQstatus(raw()) != CONNECTION_OK) return false;
  if (PQpipelineStatus(raw()) != PQ_PIPELINE_OFF) {
    // Up to the sync, which may not have been sent yet.
    PQpipelineSync(raw());
    bool synced = false;
    for (int nothing = 0; nothing < 2 && !synced;) {
      pg_result* const result = PQgetResult(raw());
      nothing = result == nullptr ? nothing + 1 : 0;
      synced = PQresultStatus(result) == PGRES_PIPELINE_SYNC;
      PQclear(result);
      if (PQstatus(raw()) != CONNECTION_OK) return false;
    }
    // A second sync is left where the first had been sent before the failure.
    while (PQexitPipelineMode(raw()) != 1) {
      pg_result* const result = PQgetResult(raw());
      PQclear(result);
      if (PQstatus(raw()) != CONNECTION_OK) return false;
    }
  }
  return true;
}

bool Connection::reset() noexcept {
  // It is of no use any more and may be waiting for somebody's lock.
  if (PQstatus(raw()) == CONNECTION_OK && PQpipelineStatus(raw()) == PQ_PIPELINE_ON) cancel();
  if (!leave_pipeline()) return false;
  if (!in_transaction()) return true;
  pg_result* const result = PQexec(raw(), "ROLLBACK");
  const bool done = PQresultStatus(result) == PGRES_COMMAND_OK;
  PQclear(result);
  return done;
}

Transaction::Transaction(Connection& connection) : connection_(connection) {
  connection_.exec("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE");
}

Transaction::~Transaction() {
  if (open_) connection_.reset();
}

void Transaction::commit() {
  connection_.exec("COMMIT");
  open_ = false;
}

}  // namespace tailrace::postgres
