// ODBC handles, diagnostics, execution and reading of single values.
#include "sqlserver/odbc.h"

#include <fmt/format.h>
#include <sql.h>
#include <sqlext.h>
#include <sqlucode.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>

#include "base/utf.h"
#include "sqlserver/connect_string.h"
#include "sqlserver/freetds_conf.h"
#include "sqlserver/odbc_rows.h"
#include "sqlserver/values.h"

namespace tailrace::sqlserver {
namespace {

static_assert(sizeof(SQLWCHAR) == 2, "the driver manager is built with 16-bit wide characters");
static_assert(sizeof(SQLLEN) == sizeof(std::int64_t));

// The zero that the driver manager wants behind the text is the string's own, which has one byte: two more here.
std::string wide(std::string_view utf8) {
  return utf16le_from_utf8(utf8) + std::string(2, '\0');
}

SQLWCHAR* as_wide(std::string& utf16) {
  return reinterpret_cast<SQLWCHAR*>(utf16.data());
}

std::string narrow(const SQLWCHAR* text, std::size_t units) {
  std::string out;
  append_utf8_from_utf16le(out, std::as_bytes(std::span(text, units)));
  return out;
}

std::vector<Diagnostic> diagnostics_of(SQLSMALLINT kind, SQLHANDLE handle) {
  std::vector<Diagnostic> out;
  for (SQLSMALLINT record = 1; record <= 64; ++record) {
    std::array<SQLWCHAR, 6> state{};
    std::array<SQLWCHAR, 1024> message{};
    SQLINTEGER native = 0;
    SQLSMALLINT length = 0;
    const SQLRETURN result = SQLGetDiagRecW(kind, handle, record, state.data(), &native, message.data(),
                                            static_cast<SQLSMALLINT>(message.size()), &length);
    if (!SQL_SUCCEEDED(result)) break;
    const auto units =
        std::min<std::size_t>(static_cast<std::size_t>(std::max<SQLSMALLINT>(length, 0)), message.size() - 1);
    out.push_back({narrow(state.data(), 5), native, narrow(message.data(), units)});
  }
  return out;
}

// unixODBC keeps what it knows of drivers and handles in globals, which connects and disconnects of several threads
// race for (helgrind says so of 2.3.11). One at a time, then; what runs between them is the driver's alone.
std::mutex& driver_manager() {
  static std::mutex gate;
  return gate;
}

}  // namespace

OdbcConnection::OdbcConnection(const Settings& wanted) : Driver(wanted) {
  const std::string servername = freetds_servername(settings());
  std::string target = wide(connect_string(settings(), servername));
  std::unique_lock gate(driver_manager());
  if (!SQL_SUCCEEDED(SQLAllocHandle(SQL_HANDLE_ENV, SQL_NULL_HANDLE, &environment_))) {
    throw Error(ErrorKind::internal, "ODBC gives no environment");
  }
  SQLSetEnvAttr(environment_, SQL_ATTR_ODBC_VERSION, reinterpret_cast<SQLPOINTER>(SQL_OV_ODBC3), 0);
  if (!SQL_SUCCEEDED(SQLAllocHandle(SQL_HANDLE_DBC, environment_, &handle_))) {
    SQLFreeHandle(SQL_HANDLE_ENV, environment_);
    throw Error(ErrorKind::internal, "ODBC gives no connection handle");
  }
  const auto seconds = static_cast<std::uintptr_t>(settings().login_timeout.count());
  SQLSetConnectAttrW(handle_, SQL_ATTR_LOGIN_TIMEOUT, reinterpret_cast<SQLPOINTER>(seconds), 0);
  SQLRETURN result = SQL_ERROR;
  const auto connect = [&] {
    result =
        SQLDriverConnectW(handle_, nullptr, as_wide(target), static_cast<SQLSMALLINT>(target.size() / 2 - 1),
                          nullptr, 0, nullptr, SQL_DRIVER_NOPROMPT);
  };
  if (is_freetds(driver_of(settings()))) {
    socket_.find_around(settings().instance.empty() ? settings().port : 0, connect);
  } else {
    connect();
  }
  gate.unlock();
  std::fill(target.begin(), target.end(), '\0');  // It holds the password.
  if (!SQL_SUCCEEDED(result)) {
    const std::vector<Diagnostic> diagnostics = diagnostics_of(SQL_HANDLE_DBC, handle_);
    free_handles();
    throw refusal_of(diagnostics, settings());
  }
  socket_.keep_alive(settings().keepalive, keepalive_interval(settings()));
}

OdbcConnection::~OdbcConnection() {
  free_handles();
}

void OdbcConnection::free_handles() {
  const std::lock_guard lock(driver_manager());
  SQLDisconnect(handle_);  // Does nothing without a connection.
  SQLFreeHandle(SQL_HANDLE_DBC, handle_);
  SQLFreeHandle(SQL_HANDLE_ENV, environment_);
}

std::unique_ptr<DriverStatement> OdbcConnection::execute(std::string doing, std::string_view sql,
                                                         const std::vector<Parameter>& parameters) {
  return std::make_unique<OdbcStatement>(*this, std::move(doing), sql, parameters);
}

void OdbcConnection::cancel() {
  const std::lock_guard lock(active_mutex_);
  if (active_ == nullptr) return;
  if (socket_.found()) {
    socket_.shut_down();
  } else {
    SQLCancel(active_);
  }
}

OdbcStatement::OdbcStatement(OdbcConnection& connection, std::string doing, std::string_view sql,
                             const std::vector<Parameter>& parameters)
    : connection_(connection), doing_(std::move(doing)) {
  if (!SQL_SUCCEEDED(SQLAllocHandle(SQL_HANDLE_STMT, connection_.handle_, &handle_))) {
    throw error_of(diagnostics_of(SQL_HANDLE_DBC, connection_.handle_), doing_);
  }
  try {
    const auto timeout = static_cast<std::uintptr_t>(connection_.settings().query_timeout.count());
    SQLSetStmtAttrW(handle_, SQL_ATTR_QUERY_TIMEOUT, reinterpret_cast<SQLPOINTER>(timeout), 0);
    bind(parameters);
    {
      const std::lock_guard lock(connection_.active_mutex_);
      connection_.active_ = handle_;
    }
    if (connection_.stopped()) fail();
    std::string text = wide(sql);
    const SQLRETURN result =
        SQLExecDirectW(handle_, as_wide(text), static_cast<SQLINTEGER>(text.size() / 2 - 1));
    if (result == SQL_NO_DATA) {
      at_end_ = true;
    } else {
      check(result);
    }
  } catch (...) {
    release();
    throw;
  }
}

OdbcStatement::~OdbcStatement() {
  release();
}

void OdbcStatement::release() {
  {
    const std::lock_guard lock(connection_.active_mutex_);
    connection_.active_ = nullptr;
  }
  SQLFreeHandle(SQL_HANDLE_STMT, handle_);
  handle_ = nullptr;
}

void OdbcStatement::bind(const std::vector<Parameter>& parameters) {
  parameters_ = parameters;
  lengths_.resize(parameters_.size());
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    Parameter& parameter = parameters_[i];
    const auto number = static_cast<SQLUSMALLINT>(i + 1);
    const auto bytes = static_cast<SQLLEN>(parameter.value.size());
    auto* length = reinterpret_cast<SQLLEN*>(&lengths_[i]);
    *length = bytes;
    SQLRETURN result = SQL_SUCCESS;
    switch (parameter.kind) {
      case Parameter::Kind::integer:
        result = SQLBindParameter(handle_, number, SQL_PARAM_INPUT, SQL_C_SBIGINT, SQL_BIGINT, 0, 0,
                                  &parameter.integer, 0, nullptr);
        break;
      case Parameter::Kind::text:
        result = SQLBindParameter(handle_, number, SQL_PARAM_INPUT, SQL_C_WCHAR, SQL_WVARCHAR,
                                  static_cast<SQLULEN>(std::max<SQLLEN>(bytes / 2, 1)), 0,
                                  parameter.value.data(), bytes, length);
        break;
      case Parameter::Kind::bytes:
        result = SQLBindParameter(handle_, number, SQL_PARAM_INPUT, SQL_C_BINARY, SQL_VARBINARY,
                                  static_cast<SQLULEN>(std::max<SQLLEN>(bytes, 1)), 0, parameter.value.data(),
                                  bytes, length);
        break;
    }
    check(result);
  }
}

void OdbcStatement::fail() {
  const std::vector<Diagnostic> diagnostics = diagnostics_of(SQL_HANDLE_STMT, handle_);
  if (connection_.stopped()) throw Error(ErrorKind::abandoned, "stopped in: " + doing_);
  throw failure_of(diagnostics, doing_, connection_.settings());
}

void OdbcStatement::check(int result) {
  if (result == SQL_SUCCESS) return;
  if (result == SQL_SUCCESS_WITH_INFO && harmless(diagnostics_of(SQL_HANDLE_STMT, handle_))) return;
  fail();
}

bool OdbcStatement::check_fetch(int result) {
  if (result == SQL_NO_DATA) {
    // A cancelled result looks like one that has ended.
    if (connection_.stopped()) fail();
    const SQLRETURN more = SQLMoreResults(handle_);
    if (more != SQL_NO_DATA) check(more);
    has_more_ = more != SQL_NO_DATA;
    at_end_ = true;
    return false;
  }
  check(result);
  return true;
}

void OdbcStatement::finish() {
  for (;;) {
    const SQLRETURN more = SQLMoreResults(handle_);
    if (more == SQL_NO_DATA) break;
    check(more);
  }
  at_end_ = true;
  if (connection_.stopped()) fail();
}

bool OdbcStatement::fetch() {
  return !at_end_ && check_fetch(SQLFetch(handle_));
}

bool OdbcStatement::next_result() {
  if (!has_more_) return false;
  has_more_ = false;
  at_end_ = false;
  return true;
}

std::optional<std::int64_t> OdbcStatement::integer(int column) {
  std::int64_t value = 0;
  SQLLEN indicator = 0;
  check(SQLGetData(handle_, static_cast<SQLUSMALLINT>(column + 1), SQL_C_SBIGINT, &value, sizeof(value),
                   &indicator));
  if (indicator == SQL_NULL_DATA) return std::nullopt;
  return value;
}

std::optional<std::int64_t> OdbcStatement::timestamp(int column) {
  SQL_TIMESTAMP_STRUCT value{};
  SQLLEN indicator = 0;
  check(SQLGetData(handle_, static_cast<SQLUSMALLINT>(column + 1), SQL_C_TYPE_TIMESTAMP, &value,
                   sizeof(value), &indicator));
  if (indicator == SQL_NULL_DATA) return std::nullopt;
  return ticks_of(std::as_bytes(std::span(&value, 1)));
}

bool OdbcStatement::append_bytes(int column, std::string& out, std::size_t limit, bool& longer) {
  constexpr std::size_t first_bytes = 8192;
  const std::size_t begin = out.size();
  longer = false;
  std::size_t room = first_bytes;
  for (;;) {
    const std::size_t at = out.size();
    out.resize(at + room);
    SQLLEN left = 0;
    const SQLRETURN result = SQLGetData(handle_, static_cast<SQLUSMALLINT>(column + 1), SQL_C_BINARY,
                                        out.data() + at, static_cast<SQLLEN>(room), &left);
    if (result == SQL_NO_DATA) {
      out.resize(at);
      return true;
    }
    if (result != SQL_SUCCESS && result != SQL_SUCCESS_WITH_INFO) fail();
    if (left == SQL_NULL_DATA) {
      out.resize(begin);
      return false;
    }
    const bool more = left == SQL_NO_TOTAL || static_cast<std::size_t>(left) > room;
    if (!more) {
      check(result);
      out.resize(at + static_cast<std::size_t>(left));
      longer = out.size() - begin > limit;
      return true;
    }
    if (out.size() - begin > limit) {
      longer = true;
      return true;
    }
    room = left == SQL_NO_TOTAL ? room * 2 : static_cast<std::size_t>(left) - room;
    room = std::min(room, limit + 2);
  }
}

std::unique_ptr<RowReader> OdbcStatement::rows(const RowPlan& plan) {
  return std::make_unique<OdbcRowReader>(*this, plan);
}

}  // namespace tailrace::sqlserver
