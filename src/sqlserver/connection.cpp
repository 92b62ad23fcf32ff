// The driver behind a connection, and what all of them have in common.
#include "sqlserver/connection.h"

#include <fmt/format.h>

#include "base/utf.h"
#include "sqlserver/connect_string.h"
#include "sqlserver/driver.h"
#include "sqlserver/odbc.h"
#include "sqlserver/tds_driver.h"

namespace tailrace::sqlserver {
namespace {

std::unique_ptr<Driver> driver_for(const Settings& settings) {
  if (is_native(settings)) return std::make_unique<TdsDriver>(settings);
  return std::make_unique<OdbcConnection>(settings);
}

}  // namespace

Parameter Parameter::of(std::int64_t number) {
  return {Kind::integer, number, {}};
}

Parameter Parameter::of(const Lsn& lsn) {
  return {Kind::bytes, 0, std::string(reinterpret_cast<const char*>(lsn.bytes.data()), lsn.bytes.size())};
}

Parameter Parameter::of_text(std::string_view utf8) {
  return {Kind::text, 0, utf16le_from_utf8(utf8)};
}

Error failure_of(const std::vector<Diagnostic>& diagnostics, std::string_view doing,
                 const Settings& settings) {
  Error error = error_of(diagnostics, doing);
  if (is_missing_right(error)) error.with("database", settings.database).with("user", settings.user);
  return error;
}

Error refusal_of(const std::vector<Diagnostic>& diagnostics, const Settings& settings) {
  return error_of(diagnostics, "connect")
      .with("host", settings.host)
      .with("port", std::to_string(settings.port))
      .with("database", settings.database)
      .with("user", settings.user);
}

Connection::Connection(const Settings& settings) : driver_(driver_for(settings)) {
  // Two bytes above the limit: what is longer is seen to be longer, and never comes over the wire whole.
  run(*this, "set up the session",
      fmt::format("SET DEADLOCK_PRIORITY LOW SET LOCK_TIMEOUT {} SET TEXTSIZE {}",
                  settings.lock_timeout.count(), settings.max_value_bytes + 2));
}

Connection::~Connection() = default;

const Settings& Connection::settings() const {
  return driver_->settings();
}

bool Connection::stopped() const {
  return driver_->stopped();
}

void Connection::StopScope::Cancel::operator()() const {
  driver->cancel();
}

Connection::StopScope::StopScope(Connection& connection, std::stop_token stop)
    : driver_((connection.driver_->watch(stop), *connection.driver_)),
      callback_(std::move(stop), Cancel{connection.driver_.get()}) {}

Connection::StopScope::~StopScope() {
  driver_.watch({});
}

Statement::Statement(Connection& connection, std::string doing, std::string_view sql,
                     const std::vector<Parameter>& parameters) {
  if (connection.stopped()) throw Error(ErrorKind::abandoned, "stopped before: " + doing);
  driver_ = connection.driver_->execute(std::move(doing), sql, parameters);
}

Statement::~Statement() = default;

bool Statement::fetch() {
  last_read_ = -1;
  return driver_->fetch();
}

bool Statement::next_result() {
  return driver_->next_result();
}

void Statement::finish() {
  driver_->finish();
}

void Statement::take_turn(int column) {
  TAILRACE_ASSERT(column > last_read_);
  last_read_ = column;
}

std::optional<std::int64_t> Statement::integer(int column) {
  take_turn(column);
  return driver_->integer(column);
}

std::optional<std::int64_t> Statement::timestamp(int column) {
  take_turn(column);
  return driver_->timestamp(column);
}

bool Statement::append_bytes(int column, std::string& out, std::size_t limit, bool& longer) {
  take_turn(column);
  return driver_->append_bytes(column, out, limit, longer);
}

std::optional<std::string> Statement::bytes(int column) {
  std::string out;
  bool longer = false;
  if (!append_bytes(column, out, std::size_t{1} << 30, longer)) return std::nullopt;
  return out;
}

std::optional<std::string> Statement::text(int column) {
  const std::optional<std::string> utf16 = bytes(column);
  if (!utf16) return std::nullopt;
  std::string out;
  append_utf8_from_utf16le(out, std::as_bytes(std::span(*utf16)));
  return out;
}

std::optional<Lsn> Statement::lsn(int column) {
  const std::optional<std::string> raw = bytes(column);
  if (!raw) return std::nullopt;
  return Lsn::from_bytes(std::as_bytes(std::span(*raw)));
}

std::unique_ptr<RowReader> Statement::rows(const RowPlan& plan) {
  return driver_->rows(plan);
}

void run(Connection& connection, std::string doing, std::string_view sql) {
  Statement statement(connection, std::move(doing), sql);
  statement.finish();
}

}  // namespace tailrace::sqlserver
