// Statements over the protocol, and single values of their results.
#include "sqlserver/tds_driver.h"

#include <fmt/format.h>

#include <charconv>

#include "base/utf.h"
#include "sqlserver/connect_string.h"
#include "sqlserver/tds_rows.h"
#include "tds/values.h"

namespace tailrace::sqlserver {
namespace {

using tds::WireType;

tds::SessionSettings session_settings(const Settings& settings) {
  tds::SessionSettings out;
  out.host = settings.host;
  out.port = settings.port;
  out.instance = settings.instance;
  out.all_addresses_at_once = settings.multi_subnet_failover;
  out.is_encrypted = settings.encrypt != EncryptMode::off;
  out.tls.verify = settings.encrypt == EncryptMode::verify || settings.encrypt == EncryptMode::strict;
  out.tls.ca_file = settings.ca_file;
  out.tls.host_name = settings.host_name_in_certificate;
  out.tls.is_strict = settings.encrypt == EncryptMode::strict;
  out.user = settings.user;
  out.password = settings.password;
  out.database = settings.database;
  out.application = settings.application;
  out.is_read_only = settings.application_intent == ApplicationIntent::read_only;
  out.login_timeout = settings.login_timeout;
  out.query_timeout = settings.query_timeout;
  out.keepalive = settings.keepalive;
  out.keepalive_interval = keepalive_interval(settings);
  return out;
}

// Source: SQLSTATE of the numbers in Microsoft's and FreeTDS' drivers. The kind hangs on the number where it is known
// (diagnostics.cpp); the state is for whoever reads the message.
std::string_view state_of(std::int32_t number) {
  switch (number) {
    case 18456:
    case 18452:
    case 18470:
    case 18486:
    case 18487:
    case 18488: return "28000";
    case 208:
    case 3701: return "42S02";
    case 207: return "42S22";
    case 1205: return "40001";
    case 220:
    case 232:
    case 8115: return "22003";
    case 241:
    case 242: return "22007";
    case 245:
    case 8114: return "22018";
    case 8134: return "22012";
    case 8152:
    case 2628: return "22001";
    case 515:
    case 547:
    case 2601:
    case 2627: return "23000";
    default: return "42000";
  }
}

std::vector<Diagnostic> diagnostics_of(const std::vector<tds::ServerMessage>& messages) {
  std::vector<Diagnostic> out;
  for (const tds::ServerMessage& message : messages)
    out.push_back({std::string(state_of(message.number)), message.number, message.text});
  return out;
}

// With what the client itself says, which every driver numbers with 0.
std::vector<Diagnostic> diagnostics_of(const std::vector<tds::ServerMessage>& messages, const Error& error) {
  std::vector<Diagnostic> out = diagnostics_of(messages);
  const std::string_view state = error.context("sqlstate");
  out.push_back({state.empty() ? "08S01" : std::string(state), 0, error.message()});
  return out;
}

[[noreturn]] void refuse_type(WireType type, std::string_view wanted) {
  throw Error(ErrorKind::protocol,
              fmt::format("SQL Server answers with {} where {} was asked for", tds::name_of(type), wanted));
}

std::int64_t integer_in(std::span<const std::byte> bytes, const tds::TypeInfo& type) {
  switch (type.type) {
    case WireType::int1:
    case WireType::int2:
    case WireType::int4:
    case WireType::int8:
    case WireType::int_n:
    case WireType::bit:
    case WireType::bit_n: return tds::integer_of(bytes.data(), bytes.size());
    case WireType::decimal_n:
    case WireType::numeric_n: {
      if (type.scale != 0 || bytes.size() < 2) break;
      return static_cast<std::int64_t>(tds::decimal_of(bytes.data(), bytes.size()));
    }
    case WireType::nvarchar:
    case WireType::nchar: {
      std::string text;
      append_utf8_from_utf16le(text, bytes);
      std::int64_t value = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
      if (error == std::errc() && end == text.data() + text.size()) return value;
      break;
    }
    default: break;
  }
  refuse_type(type.type, "an integer");
}

std::int64_t ticks_in(std::span<const std::byte> bytes, const tds::TypeInfo& type) {
  const std::byte* at = bytes.data();
  switch (type.type) {
    case WireType::datetime:
    case WireType::datetime4:
    case WireType::datetime_n:
      if (bytes.size() == 4 ? !tds::valid_smalldatetime(at) : !tds::valid_datetime(at)) break;
      return bytes.size() == 4 ? tds::smalldatetime_of(at) : tds::datetime_of(at);
    case WireType::date_n: return tds::days_of(at) * tds::ticks_per_day;
    case WireType::datetime2_n: {
      const std::size_t time_bytes = bytes.size() - 3;
      return tds::days_of(at + time_bytes) * tds::ticks_per_day + tds::time_of(at, time_bytes, type.scale);
    }
    default: break;
  }
  refuse_type(type.type, "a time");
}

}  // namespace

TdsDriver::TdsDriver(const Settings& wanted) : Driver(wanted) {
  std::vector<tds::ServerMessage> said;
  try {
    session_ = std::make_unique<tds::Session>(session_settings(settings()), said);
  } catch (const Error& error) {
    // What the server said explains more than that its answer was cut short behind that.
    const bool is_explained = error.kind() == ErrorKind::protocol && !said.empty();
    if (error.kind() != ErrorKind::unavailable && !is_explained) throw;
    throw refusal_of(diagnostics_of(said, error), settings());
  }
}

std::unique_ptr<DriverStatement> TdsDriver::execute(std::string doing, std::string_view sql,
                                                    const std::vector<Parameter>& parameters) {
  // A stop of an earlier scope has ended nothing. One of this scope is either seen here or comes after it.
  session_->rearm();
  if (stopped()) throw Error(ErrorKind::abandoned, "stopped before: " + doing);
  return std::make_unique<TdsStatement>(*this, std::move(doing), sql, parameters);
}

TdsStatement::TdsStatement(TdsDriver& driver, std::string doing, std::string_view sql,
                           const std::vector<Parameter>& parameters)
    : driver_(driver), session_(*driver.session_), doing_(std::move(doing)) {
  std::vector<tds::Parameter> values;
  for (const Parameter& parameter : parameters)
    values.push_back({static_cast<tds::Parameter::Kind>(parameter.kind), parameter.integer, parameter.value});
  reading([&] { session_.run(sql, values); });
  try {
    go_to_result();
  } catch (...) {
    session_.cancel();
    throw;
  }
  if (place_ == Place::before_result) place_ = Place::in_result;
}

TdsStatement::~TdsStatement() {
  session_.cancel();
}

void TdsStatement::leave(const Error& error) {
  // What the decoder itself refuses is no fault of the connection.
  if (error.kind() == ErrorKind::data || error.kind() == ErrorKind::schema) throw Error(error);
  const std::vector<tds::ServerMessage> messages = response().take_messages();
  session_.give_up();
  if (driver_.stopped() || error.kind() == ErrorKind::abandoned)
    throw Error(ErrorKind::abandoned, "stopped in: " + doing_);
  if (error.kind() == ErrorKind::unavailable)
    throw failure_of(diagnostics_of(messages, error), doing_, driver_.settings());
  if (messages.empty()) throw Error(error).with("statement", doing_);
  // What the server said before it broke the protocol may be why.
  throw Error(error).with("statement", doing_).with("server", messages.back().text);
}

tds::Response::Event TdsStatement::step() {
  return reading([&] { return response().next(); });
}

void TdsStatement::check() {
  if (response().messages().empty() && !response().has_failed()) return;
  const std::vector<tds::ServerMessage> messages = response().take_messages();
  if (driver_.stopped()) throw Error(ErrorKind::abandoned, "stopped in: " + doing_);
  throw failure_of(diagnostics_of(messages), doing_, driver_.settings());
}

// Statements without a result are passed over, their errors are not.
void TdsStatement::go_to_result() {
  for (;;) {
    switch (step()) {
      case tds::Response::Event::columns: place_ = Place::before_result; return;
      case tds::Response::Event::row: break;
      case tds::Response::Event::done: check(); break;
      case tds::Response::Event::end:
        check();
        place_ = Place::at_end;
        return;
    }
  }
}

bool TdsStatement::fetch() {
  if (place_ != Place::in_result) return false;
  switch (step()) {
    case tds::Response::Event::row: return true;
    case tds::Response::Event::columns:
      check();
      place_ = Place::before_result;
      return false;
    default: break;
  }
  check();
  // An error behind the last row belongs to it: nobody may take the result for whole.
  go_to_result();
  return false;
}

bool TdsStatement::next_result() {
  if (place_ != Place::before_result) return false;
  place_ = Place::in_result;
  return true;
}

void TdsStatement::finish() {
  while (place_ != Place::at_end)
    go_to_result();
}

std::optional<std::span<const std::byte>> TdsStatement::value(int column, std::size_t limit) {
  return reading([&] { return response().take_value(static_cast<std::size_t>(column), scratch_, limit); });
}

std::optional<std::int64_t> TdsStatement::integer(int column) {
  const std::optional<std::span<const std::byte>> bytes = value(column, std::size_t{1} << 20);
  if (!bytes) return std::nullopt;
  return integer_in(*bytes, response().columns()[static_cast<std::size_t>(column)].type);
}

std::optional<std::int64_t> TdsStatement::timestamp(int column) {
  const std::optional<std::span<const std::byte>> bytes = value(column, std::size_t{1} << 20);
  if (!bytes) return std::nullopt;
  return ticks_in(*bytes, response().columns()[static_cast<std::size_t>(column)].type);
}

bool TdsStatement::append_bytes(int column, std::string& out, std::size_t limit, bool& longer) {
  const std::optional<std::span<const std::byte>> bytes = value(column, limit);
  longer = bytes && bytes->size() > limit;
  if (!bytes) return false;
  out.append(tds::as_text(*bytes));
  return true;
}

std::unique_ptr<RowReader> TdsStatement::rows(const RowPlan& plan) {
  return std::make_unique<TdsRowReader>(*this, plan);
}

}  // namespace tailrace::sqlserver
