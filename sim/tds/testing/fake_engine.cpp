// An Engine with canned answers.
#include "sim/tds/testing/fake_engine.h"

#include <cctype>
#include <condition_variable>
#include <cstdlib>
#include <functional>
#include <limits>
#include <map>
#include <mutex>

#include "base/error.h"
#include "sim/tds/row_encoder.h"

namespace tailrace::sim::tds::testing {
namespace {

TypeInfo sized(Type type, std::int32_t length) {
  return {.type = type, .length = length};
}
TypeInfo scaled(Type type, std::uint8_t scale) {
  return {.type = type, .length = 8, .scale = scale};
}

Value number_of(const TypeInfo& type, std::int64_t number, int offset_minutes = 0) {
  return {.type = type,
          .null = false,
          .offset_minutes = static_cast<std::int16_t>(offset_minutes),
          .number = number,
          .text = {}};
}
Value real_of(const TypeInfo& type, double real) {
  return {.type = type, .null = false, .real = real, .text = {}};
}
Value decimal_of(const TypeInfo& type, int128 decimal) {
  return {.type = type, .null = false, .decimal = decimal, .text = {}};
}
Value text_of(const TypeInfo& type, std::string text) {
  return {.type = type, .null = false, .text = std::move(text)};
}

constexpr std::int64_t day_ticks = 864'000'000'000;
constexpr std::int64_t days_2024_02_29 = 738'944;      // Since 0001-01-01.
constexpr std::int64_t days_1900_2024_02_29 = 45'349;  // Since 1900-01-01.
constexpr std::int64_t time_12_34_56_1234567 = 452'961'234'567;

int128 all_nines(int digits) {
  int128 number = 0;
  for (int i = 0; i < digits; ++i)
    number = number * 10 + 9;
  return number;
}

std::vector<Cell> cells_of(const std::vector<Value>& values) {
  std::vector<Cell> cells;
  for (const Value& value : values)
    cells.push_back(cell_of(value));
  return cells;
}

class FakeSession final : public Session {
 public:
  FakeSession(FakeCounts& counts, const Login& login)
      : counts_(counts), login_(login), database_(login.database.empty() ? "master" : login.database) {
    ++counts_.sessions;
  }
  ~FakeSession() override { --counts_.sessions; }

  void batch(std::string_view sql, ResultSink& sink, std::stop_token stop) override {
    while (!sql.empty() && (sql.back() == ' ' || sql.back() == '\n' || sql.back() == ';'))
      sql.remove_suffix(1);
    while (!sql.empty() && (sql.front() == ' ' || sql.front() == '\n'))
      sql.remove_prefix(1);
    std::string verb(sql.substr(0, sql.find(' ')));
    for (char& c : verb)
      c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    const std::string_view rest = verb.size() < sql.size() ? sql.substr(verb.size() + 1) : std::string_view();
    const std::map<std::string_view, std::function<void()>> verbs = {
        {"select", [&] { select(rest, sink); }},
        {"rows", [&] { rows(std::atoll(std::string(rest).c_str()), sink, stop); }},
        {"endless", [&] { rows(std::numeric_limits<std::int64_t>::max(), sink, stop); }},
        {"reset", [&] { reset_after(std::atoll(std::string(rest).c_str()), sink, stop); }},
        {"large", [&] { large(std::strtoull(std::string(rest).c_str(), nullptr, 10), sink); }},
        {"wait", [&] { wait(stop); }},
        {"set", [&] { sink.done(StatementKind::other, std::nullopt, false); }},
        {"use",
         [&] {
           sink.database_changed(database_, rest);
           database_ = rest;
           sink.done(StatementKind::other, std::nullopt, false);
         }},
        {"begin", [&] { begin_transaction(0, sink); }},
        {"commit", [&] { commit_transaction(sink); }},
        {"rollback", [&] { rollback_transaction(sink); }},
        {"whoami", [&] { whoami(sink); }},
        {"fatal",
         [&] {
           sink.message({.number = 596,
                         .state = 1,
                         .severity = 21,
                         .text = "Cannot continue the execution because the session is in the kill state.",
                         .procedure = {},
                         .line = 1});
         }},
        {"internal", [&] { throw Error(ErrorKind::internal, "asked for"); }},
    };
    const auto found = verbs.find(verb);
    if (found != verbs.end()) return found->second();
    sink.message({.number = 102,
                  .state = 1,
                  .severity = 15,
                  .text = "Incorrect syntax near '" + std::string(verb) + "'.",
                  .procedure = {},
                  .line = 1});
    sink.done(StatementKind::other, std::nullopt, true);
  }

  void rpc(const RpcCall& call, ResultSink& sink, std::stop_token stop) override {
    const auto& given = call.parameters;
    const std::size_t text_at = call.procedure == "sp_prepexec" ? 2 : 0;
    if (call.procedure == "sp_unprepare") {
      sink.return_status(0);
    } else if (call.procedure == "sp_execute" && !given.empty()) {
      run(prepared_[given[0].value.number], given, 1, sink, stop);
      sink.return_status(0);
    } else if ((call.procedure == "sp_executesql" || call.procedure == "sp_prepexec") &&
               given.size() > text_at) {
      run(given[text_at].value.text, given, text_at == 0 ? 2 : 3, sink, stop);
      sink.return_status(0);
      if (text_at == 2) {
        prepared_[++last_handle_] = given[text_at].value.text;
        ParameterValue handle = given[0];
        handle.value = number_of({}, last_handle_);
        sink.return_value(handle);
      }
      for (std::size_t i = 2; i < given.size() && text_at == 0; ++i) {
        if (given[i].output) sink.return_value(given[i]);
      }
    } else {
      sink.message({.number = 2812,
                    .state = 62,
                    .severity = 16,
                    .text = "Could not find stored procedure '" + call.procedure + "'.",
                    .procedure = {},
                    .line = 1});
      sink.done(StatementKind::other, std::nullopt, true);
    }
  }

  void begin_transaction(std::uint8_t, ResultSink& sink) override {
    sink.transaction_began(++descriptor_);
    sink.done(StatementKind::other, std::nullopt, false);
  }
  void commit_transaction(ResultSink& sink) override {
    sink.transaction_committed(descriptor_);
    sink.done(StatementKind::other, std::nullopt, false);
  }
  void rollback_transaction(ResultSink& sink) override {
    sink.transaction_rolled_back(descriptor_);
    sink.done(StatementKind::other, std::nullopt, false);
  }
  void reset(ResultSink&) override { ++counts_.resets; }
  std::string database() const override { return database_; }

 private:
  void run(std::string_view sql, const std::vector<ParameterValue>& given, std::size_t first,
           ResultSink& sink, std::stop_token stop) {
    if (!sql.starts_with("echo")) return batch(sql, sink, stop);
    std::vector<ResultColumn> columns;
    std::vector<Value> values;
    for (std::size_t i = first; i < given.size(); ++i) {
      columns.push_back({.name = given[i].name, .type = given[i].value.type});
      values.push_back(given[i].value);
    }
    sink.columns(columns);
    if (!sink.row(cells_of(values))) return;
    sink.done(StatementKind::select, 1, false);
  }

  void select(std::string_view what, ResultSink& sink) {
    if (!what.starts_with("types")) {
      const std::vector<ResultColumn> columns = {
          {.name = "", .type = sized(Type::int_, 4), .nullable = false}};
      sink.columns(columns);
      const std::vector<Value> values = {number_of({}, 1)};
      if (sink.row(cells_of(values))) sink.done(StatementKind::select, 1, false);
      return;
    }
    const bool nullable = what == "types";
    sink.columns(every_type(nullable));
    const std::vector<Value> ordinary = ordinary_values();
    const std::vector<Value> extreme = extreme_values();
    bool alive = sink.row(cells_of(ordinary)) && sink.row(cells_of(extreme));
    if (nullable) alive = alive && sink.row(std::vector<Cell>(ordinary.size()));
    if (alive) sink.done(StatementKind::select, nullable ? 3 : 2, false);
  }

  bool rows_until(std::int64_t count, ResultSink& sink, const std::stop_token& stop) {
    const std::vector<ResultColumn> columns = {
        {.name = "n", .type = sized(Type::bigint, 8), .nullable = false},
        {.name = "t", .type = sized(Type::nvarchar, 200)}};
    sink.columns(columns);
    std::vector<Cell> cells(2);
    cells[0].null = cells[1].null = false;
    cells[1].text = "a row of a long result, Zürich";
    for (std::int64_t i = 0; i < count; ++i) {
      cells[0].number = i;
      if (stop.stop_requested() || !sink.row(cells)) return false;
    }
    return true;
  }

  void rows(std::int64_t count, ResultSink& sink, const std::stop_token& stop) {
    if (rows_until(count, sink, stop)) {
      sink.done(StatementKind::select, static_cast<std::uint64_t>(count), false);
    } else {
      ++counts_.stopped;
    }
  }

  void reset_after(std::int64_t count, ResultSink& sink, const std::stop_token& stop) {
    if (rows_until(count, sink, stop)) sink.reset_connection();
  }

  void large(std::size_t bytes, ResultSink& sink) {
    const std::vector<ResultColumn> columns = {{.name = "narrow", .type = sized(Type::varchar, -1)},
                                               {.name = "wide", .type = sized(Type::nvarchar, -1)},
                                               {.name = "bytes", .type = sized(Type::varbinary, -1)}};
    std::string text;
    for (std::size_t i = 0; i < bytes; ++i)
      text.push_back(static_cast<char>('a' + i % 26));
    sink.columns(columns);
    std::vector<Cell> cells(3);
    for (Cell& cell : cells) {
      cell.null = false;
      cell.text = text;
    }
    if (sink.row(cells)) sink.done(StatementKind::select, 1, false);
  }

  void wait(const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any stopped;
    std::unique_lock lock(mutex);
    stopped.wait(lock, stop, [] { return false; });
    ++counts_.stopped;
  }

  void whoami(ResultSink& sink) {
    std::vector<ResultColumn> columns;
    std::vector<Value> values;
    const std::map<std::string, std::string> facts = {
        {"a_user", login_.user},
        {"b_database", database_},
        {"c_application", login_.application},
        {"d_host", login_.host},
        {"e_intent", login_.read_only_intent ? "read" : "write"}};
    for (const auto& [name, value] : facts) {
      columns.push_back({.name = name, .type = sized(Type::nvarchar, 256)});
      values.push_back(text_of(columns.back().type, value));
    }
    sink.columns(columns);
    if (sink.row(cells_of(values))) sink.done(StatementKind::select, 1, false);
  }

  FakeCounts& counts_;
  const Login login_;
  std::string database_;
  std::uint64_t descriptor_ = 0;
  std::int64_t last_handle_ = 0;
  std::map<std::int64_t, std::string> prepared_;
};

}  // namespace

std::vector<ResultColumn> every_type(bool nullable) {
  std::vector<ResultColumn> columns;
  for (const Value& value : ordinary_values()) {
    columns.push_back(
        {.name = "c" + std::to_string(columns.size()), .type = value.type, .nullable = nullable});
  }
  return columns;
}

std::vector<Value> ordinary_values() {
  const std::int64_t local = days_2024_02_29 * day_ticks + time_12_34_56_1234567;
  return {
      number_of(sized(Type::bit, 1), 1),
      number_of(sized(Type::tinyint, 1), 200),
      number_of(sized(Type::smallint, 2), -1234),
      number_of(sized(Type::int_, 4), -123456789),
      number_of(sized(Type::bigint, 8), 1234567890123456789),
      decimal_of({.type = Type::decimal, .length = 9, .precision = 18, .scale = 4}, 12345678901234),
      decimal_of({.type = Type::decimal, .length = 5, .precision = 5, .scale = 0, .numeric = true}, -321),
      decimal_of(sized(Type::smallmoney, 4), 1234567),
      decimal_of(sized(Type::money, 8), -1234567890123),
      real_of(sized(Type::real, 4), 1.5),
      real_of(sized(Type::float_, 8), -2.25e100),
      number_of(sized(Type::date, 3), days_2024_02_29),
      number_of(scaled(Type::time, 7), time_12_34_56_1234567),
      number_of(scaled(Type::time, 0), 452'960'000'000),
      number_of(sized(Type::smalldatetime, 4), days_1900_2024_02_29 * 1440 + 754),
      number_of(sized(Type::datetime, 8), days_1900_2024_02_29 * 25'920'000 + 13'588'837),
      number_of(scaled(Type::datetime2, 7), local),
      number_of(scaled(Type::datetime2, 3), days_2024_02_29 * day_ticks + 452'961'230'000),
      number_of(scaled(Type::datetimeoffset, 7), local - 120 * std::int64_t{600'000'000}, 120),
      text_of(sized(Type::char_, 6), "abc   "),
      text_of(sized(Type::varchar, 50), "café €"),
      text_of(sized(Type::varchar, -1), "max café"),
      text_of(sized(Type::nchar, 8), "Ωmeg"),
      text_of(sized(Type::nvarchar, 100), "日本語 🙂"),
      text_of(sized(Type::nvarchar, -1), "max 日本語"),
      text_of(sized(Type::binary, 4), std::string("\x00\x01\xFE\xFF", 4)),
      text_of(sized(Type::varbinary, 20), "\xDE\xAD\xBE\xEF"),
      text_of(sized(Type::varbinary, -1), std::string("\x00\xFF", 2)),
      text_of(sized(Type::uniqueidentifier, 16),
              std::string("\x33\x22\x11\x00\x55\x44\x77\x66\x88\x99\xAA\xBB\xCC\xDD\xEE\xFF", 16)),
  };
}

std::vector<Value> extreme_values() {
  using Limits = std::numeric_limits<std::int64_t>;
  const std::int64_t last_day = 3'652'058;
  std::vector<Value> values = ordinary_values();
  const auto set_number = [&values](std::size_t i, std::int64_t number) { values[i].number = number; };
  set_number(0, 0);
  set_number(1, 0);
  set_number(2, -32768);
  set_number(3, std::numeric_limits<std::int32_t>::min());
  set_number(4, Limits::min());
  values[5].decimal = -all_nines(18);
  values[6].decimal = 0;
  values[7].decimal = std::numeric_limits<std::int32_t>::min();
  values[8].decimal = Limits::min();
  values[9].real = static_cast<double>(std::numeric_limits<float>::max());
  values[10].real = std::numeric_limits<double>::max();
  set_number(11, last_day);
  set_number(12, day_ticks - 1);
  set_number(13, day_ticks - 10'000'000);
  set_number(14, 65'535 * 1440 + 1439);
  set_number(15, std::int64_t{-53'690} * 25'920'000);
  set_number(16, last_day * day_ticks + day_ticks - 1);
  set_number(17, 0);
  set_number(18, 840 * std::int64_t{600'000'000});
  values[18].offset_minutes = -840;
  for (std::size_t i = 20; i < 28; ++i) {
    if (i != 22 && i != 25) values[i].text.clear();
  }
  values[25].text.assign(4, '\0');
  values[28].text.assign(16, '\xFF');
  return values;
}

std::unique_ptr<Session> FakeEngine::login(const Login& login, std::vector<ServerMessage>& refused) {
  if (login.user != "sa" || login.password != sa_password_) {
    refused.push_back({.number = 18456,
                       .state = 1,
                       .severity = 14,
                       .text = "Login failed for user '" + login.user + "'.",
                       .procedure = {},
                       .line = 1});
    return nullptr;
  }
  return std::make_unique<FakeSession>(counts_, login);
}

}  // namespace tailrace::sim::tds::testing
