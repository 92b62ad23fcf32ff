// A driver under our connection, statement and row reader, against a server with canned answers.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <optional>
#include <random>

#include "model/key_text.h"
#include "sqlserver/connection.h"
#include "tests/integration/sim_tds/server_fixture.h"
#include "tests/integration/sqlserver/tested_driver.h"

namespace tailrace::sqlserver {
namespace {

using sim::Type;

class Driver : public sim::tds::testing::ServerFixture {
 protected:
  Settings settings(EncryptMode encrypt = EncryptMode::require) {
    Settings out;
    out.host = "127.0.0.1";
    out.port = server_->port();
    out.database = "shop";
    out.user = "sa";
    out.password = Secret("secret");
    out.encrypt = encrypt;
    testing::use_tested_driver(out);
    return out;
  }
};

ErrorKind kind_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.kind();
  }
  ADD_FAILURE() << "nothing was thrown";
  return ErrorKind::internal;
}

// The fake's numbered rows.
std::unique_ptr<RowReader> rows_of(Statement& statement) {
  static const TableSchema nothing_else;
  return statement.rows(
      {nothing_else, {{LeadingColumn::Form::integer, 8}, {LeadingColumn::Form::bytes, 200}}});
}

// The fake's columns as a table. Narrow text comes in its code page here; statements convert it at the server. No column
// is a long one, which would be selected behind all others: the fake's columns come in their own order.
SchemaPtr every_type() {
  auto schema = std::make_shared<TableSchema>();
  schema->name = {"dbo", "types"};
  schema->key = {0};
  for (const sim::ResultColumn& column : sim::tds::testing::every_type(true)) {
    const std::int32_t length = column.type.length == -1 ? 200 : column.type.length;
    const std::int32_t units = length / 2;
    const std::uint8_t scale = column.type.scale;
    ColumnType type;
    switch (column.type.type) {
      case Type::bit: type = {TypeKind::bit}; break;
      case Type::tinyint: type = {TypeKind::tinyint}; break;
      case Type::smallint: type = {TypeKind::smallint}; break;
      case Type::int_: type = {TypeKind::int_}; break;
      case Type::bigint: type = {TypeKind::bigint}; break;
      case Type::decimal: type = {TypeKind::decimal, 0, column.type.precision, scale}; break;
      case Type::smallmoney: type = {TypeKind::smallmoney}; break;
      case Type::money: type = {TypeKind::money}; break;
      case Type::real: type = {TypeKind::real}; break;
      case Type::float_: type = {TypeKind::float_}; break;
      case Type::date: type = {TypeKind::date}; break;
      case Type::time: type = {TypeKind::time, 0, 0, scale}; break;
      case Type::smalldatetime: type = {TypeKind::smalldatetime}; break;
      case Type::datetime: type = {TypeKind::datetime}; break;
      case Type::datetime2: type = {TypeKind::datetime2, 0, 0, scale}; break;
      case Type::datetimeoffset: type = {TypeKind::datetimeoffset, 0, 0, scale}; break;
      case Type::char_:
      case Type::varchar:
      case Type::binary:
      case Type::varbinary: type = {TypeKind::varbinary, length}; break;
      case Type::nchar:
      case Type::nvarchar: type = {TypeKind::nvarchar, units}; break;
      case Type::uniqueidentifier: type = {TypeKind::uniqueidentifier}; break;
    }
    schema->columns.push_back({column.name, type, true, ""});
  }
  return schema;
}

std::string shown(const RowBatch& batch, std::size_t row, std::size_t column) {
  return batch.state(row, column) == CellState::value ? key_text(batch, row, column) : "NULL";
}

// The fake's own values as key_text would have them, worked out from their units.
std::string expected(const sim::Value& value) {
  constexpr std::int64_t ticks_a_day = 864'000'000'000;
  constexpr std::int64_t first_1900 = 693'595;
  const auto clock = [](std::int64_t ticks) { return timestamp_text(ticks).substr(11); };
  switch (value.type.type) {
    case Type::bit:
    case Type::tinyint:
    case Type::smallint:
    case Type::int_:
    case Type::bigint: return std::to_string(value.number);
    case Type::decimal: return decimal_text(value.decimal, value.type.scale);
    case Type::smallmoney:
    case Type::money: return decimal_text(value.decimal, 4);
    case Type::real: return fmt::format("{:.9g}", static_cast<float>(value.real));
    case Type::float_: return fmt::format("{:.17g}", value.real);
    case Type::date: return date_text(value.number);
    case Type::time: return clock(value.number);
    case Type::smalldatetime: return timestamp_text(first_1900 * ticks_a_day + value.number * 600'000'000);
    case Type::datetime: {
      const std::int64_t shifted = value.number + first_1900 * 25'920'000;
      const std::int64_t seconds = shifted / 300;
      const std::int64_t milliseconds = (shifted % 300 * 1000 + 150) / 300;
      return timestamp_text(seconds * 10'000'000 + milliseconds * 10'000);
    }
    case Type::datetime2: return timestamp_text(value.number);
    case Type::datetimeoffset: {
      const int minutes = value.offset_minutes;
      return timestamp_text(value.number + std::int64_t{minutes} * 600'000'000) +
             fmt::format("{}{:02}:{:02}", minutes < 0 ? '-' : '+', std::abs(minutes) / 60,
                         std::abs(minutes) % 60);
    }
    case Type::nchar:
    case Type::nvarchar: return value.text;
    default: return "";
  }
}

// What a driver makes of a value, it makes of every customer's: nothing may be altered at the ends of the ranges.
TEST_F(Driver, GivesEveryTypeUnaltered) {
  Connection connection(settings());
  const SchemaPtr schema = every_type();
  Statement statement(connection, "types", "select types");
  const std::unique_ptr<RowReader> rows = statement.rows({*schema, {}, 1 << 20});
  RowBatch batch(schema);
  const std::vector<sim::Value> values[2] = {sim::tds::testing::ordinary_values(),
                                             sim::tds::testing::extreme_values()};
  for (std::size_t row = 0; row < 2; ++row) {
    ASSERT_TRUE(rows->next());
    rows->decode(batch, batch.add_row({}));
    for (std::size_t i = 0; i < schema->columns.size(); ++i) {
      const sim::Value& value = values[row][i];
      const std::string text = value.null ? "NULL" : expected(value);
      if (!text.empty()) {
        EXPECT_EQ(shown(batch, row, i), text) << "row " << row << " column " << i;
      } else if (value.type.type == Type::binary || value.type.type == Type::varbinary) {
        EXPECT_EQ(batch.text(row, i), value.text) << i;
      } else if (value.type.type == Type::uniqueidentifier && row == 0) {
        EXPECT_EQ(shown(batch, row, i), "00112233-4455-6677-8899-aabbccddeeff");
      }
    }
  }
  ASSERT_TRUE(rows->next());
  rows->decode(batch, batch.add_row({}));
  for (std::size_t i = 0; i < schema->columns.size(); ++i)
    EXPECT_EQ(batch.state(2, i), CellState::null) << i;
  EXPECT_FALSE(rows->next());
}

TEST_F(Driver, EncryptsAsAsked) {
  for (const EncryptMode mode : {EncryptMode::off, EncryptMode::require}) {
    Connection connection(settings(mode));
    Statement rows(connection, "one", "select 1");
    ASSERT_TRUE(rows.fetch());
    EXPECT_EQ(rows.integer(0), 1);
  }
}

// The authorities of the system, for OpenSSL in this process.
class SystemAuthorities {
 public:
  explicit SystemAuthorities(const std::string& file) { ::setenv("SSL_CERT_FILE", file.c_str(), 1); }
  ~SystemAuthorities() { ::unsetenv("SSL_CERT_FILE"); }
  SystemAuthorities(const SystemAuthorities&) = delete;
  SystemAuthorities& operator=(const SystemAuthorities&) = delete;
};

bool connects(const Settings& settings) {
  Connection connection(settings);
  Statement rows(connection, "one", "select 1");
  return rows.fetch();
}

// Microsoft's driver takes the system's authorities alone, and looks for names alone.
TEST_F(Driver, ChecksTheCertificateAndItsName) {
  Settings trusted = settings(EncryptMode::verify);
  trusted.host = "localhost";
  EXPECT_EQ(kind_of([&] { connects(trusted); }), ErrorKind::unavailable) << "nobody vouches for it";
  std::optional<SystemAuthorities> authorities;
  if (testing::tested_driver() == testing::TestedDriver::microsoft) {
    authorities.emplace(server_->certificate_file());
  } else {
    trusted.ca_file = server_->certificate_file();
  }
  EXPECT_TRUE(connects(trusted));
  if (testing::tested_driver() == testing::TestedDriver::freetds)
    return;  // Before 1.5 it knows no other name.
  Settings by_address = trusted;
  by_address.host = "127.0.0.1";
  by_address.host_name_in_certificate = "sql.example.com";
  EXPECT_EQ(kind_of([&] { connects(by_address); }), ErrorKind::unavailable);
  by_address.host_name_in_certificate = "localhost";
  EXPECT_TRUE(connects(by_address));
}

TEST_F(Driver, TakesPasswordsWithEverythingInThem) {
  for (const char* password : {"", "wrong", "a;b", "{a}", "a}b=c", "x' \"y", "pa{ss", "ünï"}) {
    Settings refused = settings();
    refused.password = Secret(password);
    EXPECT_EQ(kind_of([&] { Connection connection(refused); }), ErrorKind::auth) << password;
  }
}

TEST_F(Driver, SaysThatNobodyListens) {
  Settings nowhere = settings();
  nowhere.login_timeout = std::chrono::seconds(1);  // Microsoft's driver asks again and again until then.
  stop_server();
  server_.reset();
  EXPECT_EQ(kind_of([&] { Connection connection(nowhere); }), ErrorKind::unavailable);
  nowhere.host = "no-such-host.invalid";
  EXPECT_EQ(kind_of([&] { Connection connection(nowhere); }), ErrorKind::unavailable);
}

TEST_F(Driver, TakesParametersUnaltered) {
  Connection connection(settings());
  Lsn lsn;
  lsn.bytes = {0, 0, 0, 0x27, 0, 0, 7, 0x58, 0, 3};
  Statement rows(connection, "echo", "echo ?, ?, ?, ?",
                 {Parameter::of(lsn), Parameter::of(std::numeric_limits<std::int64_t>::min()),
                  Parameter::of_text("日本語 🙂 'x' ] ?"), Parameter::of_text("")});
  ASSERT_TRUE(rows.fetch());
  EXPECT_EQ(rows.lsn(0), lsn);
  EXPECT_EQ(rows.integer(1), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(rows.text(2), "日本語 🙂 'x' ] ?");
  EXPECT_EQ(rows.text(3), "");
  EXPECT_FALSE(rows.fetch());
}

TEST_F(Driver, CountsEveryRowOfALongResult) {
  Connection connection(settings());
  Statement statement(connection, "rows", "rows 100003");
  const std::unique_ptr<RowReader> reader = rows_of(statement);
  std::int64_t rows = 0;
  while (reader->next())
    ASSERT_EQ(reader->integer(0), rows++);
  EXPECT_EQ(rows, 100003);
}

// A result that is cut off must never look like one that has ended.
TEST_F(Driver, AResetInsideAResultIsUnavailable) {
  for (const char* sql : {"reset 0", "reset 1", "reset 255", "reset 256", "reset 257", "reset 20000"}) {
    Connection connection(settings());
    EXPECT_EQ(kind_of([&] {
                Statement statement(connection, "rows", sql);
                const std::unique_ptr<RowReader> rows = rows_of(statement);
                while (rows->next()) {
                }
              }),
              ErrorKind::unavailable)
        << sql;
  }
}

// FreeTDS may miss a cancel of another thread, so a stop ends the connection's socket: at once, wherever the reader is
// (server_socket.h). A stop that is missed would only come back after the query's timeout, behind the test's own.
TEST_F(Driver, AStopEndsWhatRuns) {
  for (int round = 0; round < 20; ++round) {
    for (const char* sql : {"wait", "endless"}) {
      Connection connection(settings());
      std::stop_source stop;
      const Connection::StopScope scope(connection, stop.get_token());
      std::jthread stopper([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(round));
        stop.request_stop();
      });
      EXPECT_EQ(kind_of([&] {
                  Statement statement(connection, "rows", sql);
                  const std::unique_ptr<RowReader> rows = rows_of(statement);
                  while (rows->next()) {
                  }
                }),
                ErrorKind::abandoned)
          << sql;
    }
  }
}

// Several connections at once: each finds a socket of its own.
TEST_F(Driver, AStopEndsItsOwnConnectionAlone) {
  Connection other(settings());
  Statement rows(other, "rows", "rows 50000");
  ASSERT_TRUE(rows.fetch());
  std::vector<std::jthread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      Connection connection(settings());
      std::stop_source stop;
      const Connection::StopScope scope(connection, stop.get_token());
      std::jthread stopper([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
        stop.request_stop();
      });
      EXPECT_EQ(kind_of([&] { Statement statement(connection, "rows", "wait"); }), ErrorKind::abandoned);
    });
  }
  threads.clear();
  int read = 1;
  while (rows.fetch())
    ++read;
  EXPECT_EQ(read, 50000);
}

// One short statement after the other, as polling does: the stop also comes while a request is being sent, some of
// them in many packets.
TEST_F(Driver, AStopEndsShortStatements) {
  std::minstd_rand random(7);
  for (int round = 0; round < 100; ++round) {
    Connection connection(settings());
    std::stop_source stop;
    const Connection::StopScope scope(connection, stop.get_token());
    const std::chrono::microseconds wait(random() % 2000);
    const std::string sql = "rows 10" + std::string(round % 2 == 0 ? 0 : 100'000, ' ');
    std::jthread stopper([&] {
      std::this_thread::sleep_for(wait);
      stop.request_stop();
    });
    EXPECT_EQ(kind_of([&] {
                for (;;) {
                  Statement statement(connection, "rows", sql);
                  while (statement.fetch()) {
                  }
                }
              }),
              ErrorKind::abandoned);
  }
}

TEST_F(Driver, AResultLeftInItsMiddleDoesNotHarmTheNext) {
  Connection connection(settings());
  for (int i = 0; i < 3; ++i) {
    Statement statement(connection, "rows", "rows 50000");
    EXPECT_TRUE(statement.fetch());
  }
  Statement rows(connection, "one", "select 1");
  EXPECT_TRUE(rows.fetch());
  EXPECT_EQ(rows.integer(0), 1);
}

TEST_F(Driver, ReadsLongValuesUpToTheLimit) {
  Connection connection(settings());
  for (const std::size_t length :
       {std::size_t{1}, std::size_t{8192}, std::size_t{8193}, std::size_t{3000000}}) {
    Statement rows(connection, "large", fmt::format("large {}", length));
    ASSERT_TRUE(rows.fetch());
    for (const int column : {0, 1, 2}) {
      std::string value = "before";
      bool longer = true;
      ASSERT_TRUE(rows.append_bytes(column, value, 8 << 20, longer));
      EXPECT_FALSE(longer);
      EXPECT_EQ(value.size(), 6 + length * (column == 1 ? 2 : 1));
      EXPECT_EQ(value[6], 'a');
    }
  }
  Statement rows(connection, "large", "large 100000");
  ASSERT_TRUE(rows.fetch());
  std::string value;
  bool longer = false;
  ASSERT_TRUE(rows.append_bytes(0, value, 99999, longer));
  EXPECT_TRUE(longer);
}

}  // namespace
}  // namespace tailrace::sqlserver
