// Snapshots: chunks by key, every type at its limits, and the stream giving the very same values.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "tests/integration/sqlserver/server.h"

namespace tailrace::sqlserver::testing {
namespace {

struct TypeCase {
  const char* type;
  std::vector<const char*> values;    // As T-SQL has them.
  std::vector<const char*> expected;  // As key_text has them.
};

const std::vector<TypeCase>& type_cases() {
  static const std::vector<TypeCase> cases = {
      {"bit", {"0", "1"}, {"0", "1"}},
      {"tinyint", {"0", "255"}, {"0", "255"}},
      {"smallint", {"-32768", "32767"}, {"-32768", "32767"}},
      {"int", {"-2147483648", "2147483647", "0"}, {"-2147483648", "2147483647", "0"}},
      {"bigint",
       {"-9223372036854775808", "9223372036854775807"},
       {"-9223372036854775808", "9223372036854775807"}},
      {"decimal(38,0)",
       {"99999999999999999999999999999999999999", "-99999999999999999999999999999999999999"},
       {"99999999999999999999999999999999999999", "-99999999999999999999999999999999999999"}},
      {"decimal(38,38)",
       {"0.99999999999999999999999999999999999999", "-0.00000000000000000000000000000000000001"},
       {"0.99999999999999999999999999999999999999", "-0.00000000000000000000000000000000000001"}},
      {"numeric(9,2)", {"1.5", "-9999999.99", "0"}, {"1.50", "-9999999.99", "0.00"}},
      {"money",
       {"-922337203685477.5808", "922337203685477.5807", "0.0001"},
       {"-922337203685477.5808", "922337203685477.5807", "0.0001"}},
      {"smallmoney", {"-214748.3648", "214748.3647"}, {"-214748.3648", "214748.3647"}},
      {"real",
       {"3.4028235E+38", "-3.4028235E+38", "1.1754944E-38", "0"},
       {"3.40282347e+38", "-3.40282347e+38", "1.17549435e-38", "0"}},
      {"float",
       {"1.7976931348623157E+308", "2.2250738585072014E-308", "0.1"},
       {"1.7976931348623157e+308", "2.2250738585072014e-308", "0.10000000000000001"}},
      {"date", {"'0001-01-01'", "'9999-12-31'", "'2000-02-29'"}, {"0001-01-01", "9999-12-31", "2000-02-29"}},
      {"time(7)", {"'00:00:00'", "'23:59:59.9999999'"}, {"00:00:00.0000000", "23:59:59.9999999"}},
      {"time(0)", {"'23:59:59'"}, {"23:59:59.0000000"}},
      {"time(3)", {"'12:34:56.789'"}, {"12:34:56.7890000"}},
      {"smalldatetime",
       {"'1900-01-01T00:00:00'", "'2079-06-06T23:59:00'"},
       {"1900-01-01T00:00:00.0000000", "2079-06-06T23:59:00.0000000"}},
      {"datetime",
       {"'1753-01-01T00:00:00'", "'9999-12-31T23:59:59.997'", "'2026-11-23T10:00:00.003'"},
       {"1753-01-01T00:00:00.0000000", "9999-12-31T23:59:59.9970000", "2026-11-23T10:00:00.0030000"}},
      {"datetime2(7)",
       {"'0001-01-01T00:00:00'", "'9999-12-31T23:59:59.9999999'"},
       {"0001-01-01T00:00:00.0000000", "9999-12-31T23:59:59.9999999"}},
      {"datetime2(0)", {"'2026-11-23T10:00:01'"}, {"2026-11-23T10:00:01.0000000"}},
      {"datetimeoffset(7)",
       {"'0001-01-01T14:00:00+14:00'", "'9999-12-31T09:59:59.9999999-14:00'",
        "'2026-11-23T10:00:00.1234567-03:30'"},
       {"0001-01-01T14:00:00.0000000+14:00", "9999-12-31T09:59:59.9999999-14:00",
        "2026-11-23T10:00:00.1234567-03:30"}},
      {"char(5)", {"'ab'", "''"}, {"ab   ", "     "}},
      {"varchar(20)", {"''", "'caf\u00e9 \u20ac'", "'trailing  '"}, {"", "caf\u00e9 \u20ac", "trailing  "}},
      {"varchar(8000)", {"REPLICATE('x', 8000)"}, {nullptr}},
      {"varchar(max)", {"''", "'caf\u00e9'"}, {"", "caf\u00e9"}},
      {"nchar(4)", {"N'\u03a9'"}, {"\u03a9   "}},
      {"nvarchar(20)",
       {"N''", "N'\u65e5\u672c\u8a9e \U0001f642'", "N'trailing  '"},
       {"", "\u65e5\u672c\u8a9e \U0001f642", "trailing  "}},
      {"nvarchar(4000)", {"REPLICATE(N'\u65e5', 4000)"}, {nullptr}},
      {"nvarchar(max)",
       {"N''", "N'\U0001f642'", "REPLICATE(CONVERT(nvarchar(max), N'\u65e5'), 20000)"},
       {"", "\U0001f642", nullptr}},
      {"binary(4)", {"0x00FF", "0x"}, {"0x00ff0000", "0x00000000"}},
      {"varbinary(10)", {"0x", "0x00", "0x0102030405060708090A"}, {"0x", "0x00", "0x0102030405060708090a"}},
      {"varbinary(max)", {"0x", "0x00FF"}, {"0x", "0x00ff"}},
      {"text", {"''", "'caf\u00e9'"}, {"", "caf\u00e9"}},
      {"ntext", {"N''", "N'\u65e5 \U0001f642'"}, {"", "\u65e5 \U0001f642"}},
      {"image", {"0x", "0x00FF"}, {"0x", "0x00ff"}},
      {"xml", {"N''", "N'<a b=\"1\">\u00e9</a>'"}, {"", "<a b=\"1\">\u00e9</a>"}},
      {"varchar(20) COLLATE Cyrillic_General_CI_AS", {"N'\u041f\u0440\u0438'"}, {"\u041f\u0440\u0438"}},
      {"char(4) COLLATE Polish_CI_AS", {"N'\u017c\u00f3\u0142'"}, {"\u017c\u00f3\u0142 "}},
      {"varchar(8) COLLATE Japanese_CI_AS", {"N'\u65e5\u672c'"}, {"\u65e5\u672c"}},
      {"varchar(12) COLLATE Latin1_General_100_CI_AS_SC_UTF8",
       {"N'\u65e5 \U0001f642'"},
       {"\u65e5 \U0001f642"}},
      {"text COLLATE Greek_CI_AS", {"N'\u03a9'"}, {"\u03a9"}},
      {"sql_variant",
       {"1", "CAST(0.1 AS float)", "CAST(0.1 AS real)", "CAST(1.5 AS decimal(9,2))", "-$1.2345",
        "CAST('2000-01-01T00:00:00.003' AS datetime)", "CAST('2000-01-01T00:00:00.1234567' AS datetime2)",
        "CAST('00112233-4455-6677-8899-AABBCCDDEEFF' AS uniqueidentifier)", "0x00FF", "N'\u65e5'", "N''"},
       {"1", "1.0000000000000001e-001", "1.00000001e-001", "1.50", "-1.2345", "2000-01-01 00:00:00.003",
        "2000-01-01 00:00:00.1234567", "00112233-4455-6677-8899-aabbccddeeff", "0x00FF", "\u65e5", ""}},
      {"hierarchyid", {"'/'", "'/1/2.1/-5/'"}, {"/", "/1/2.1/-5/"}},
      {"geometry",
       {"'POINT (1 2)'", "geometry::STGeomFromText('POINT (1 2 3)', 3857)", "'LINESTRING EMPTY'"},
       {"0x0101000000000000000000f03f0000000000000040",
        "0x01010000a0110f0000000000000000f03f00000000000000400000000000000840", "0x010200000000000000"}},
      {"geography", {"'POINT (1 2)'"}, {"0x0101000020e6100000000000000000f03f0000000000000040"}},
      {"uniqueidentifier",
       {"'00112233-4455-6677-8899-AABBCCDDEEFF'"},
       {"00112233-4455-6677-8899-aabbccddeeff"}},
  };
  return cases;
}

std::vector<std::string> snapshot_of(Opened& opened, const SchemaPtr& table, std::uint64_t chunk_rows,
                                     std::vector<Chunk>* chunks = nullptr) {
  const std::unique_ptr<SnapshotReader> reader = opened.source.snapshot_reader();
  std::vector<std::string> out;
  std::vector<Chunk> planned{reader->plan_chunk(*table, nullptr, chunk_rows, {}).value()};
  while (!planned.back().upto.empty())
    planned.push_back(reader->plan_chunk(*table, &planned.back(), chunk_rows, {}).value());
  for (const Chunk& chunk : planned) {
    EXPECT_TRUE(reader->read_chunk(table, chunk,
                                   [&](const RowBatch& rows) {
                                     EXPECT_TRUE(rows.faults().empty());
                                     for (std::size_t row = 0; row < rows.rows(); ++row)
                                       out.push_back(row_text(rows, row));
                                     return true;
                                   },
                                   {}));
  }
  if (chunks != nullptr) *chunks = planned;
  return out;
}

// What the snapshot and the stream give of a value must be one and the same, to the last bit.
TEST(Types, SnapshotAndStreamGiveEveryValueUnaltered) {
  Database database;
  for (std::size_t i = 0; i < type_cases().size(); ++i) {
    database.create(fmt::format("t{:02}", i),
                    fmt::format("id int NOT NULL PRIMARY KEY, v {} NULL", type_cases()[i].type));
  }
  database.settle();
  Opened opened(database.settings());
  opened.stream();
  std::size_t inserted = 0;
  for (std::size_t i = 0; i < type_cases().size(); ++i) {
    std::size_t id = 0;
    for (const char* value : type_cases()[i].values)
      database.run(fmt::format("INSERT INTO t{:02} VALUES ({}, {})", i, id++, value));
    database.run(fmt::format("INSERT INTO t{:02} VALUES ({}, NULL)", i, id++));
    inserted += id;
  }
  std::map<std::string, std::vector<std::string>> streamed;
  std::size_t rows = 0;
  opened.until([&](const ChangeBatch& batch) {
    for (const RowBatch& table : batch.tables) {
      EXPECT_TRUE(table.faults().empty());
      for (std::size_t row = 0; row < table.rows(); ++row)
        streamed[table.schema().name.name].push_back(row_text(table, row).substr(7));  // Without "insert ".
    }
    rows += batch.rows();
    return rows == inserted;
  });
  for (std::size_t i = 0; i < type_cases().size(); ++i) {
    const TypeCase& type = type_cases()[i];
    SCOPED_TRACE(type.type);
    const std::string name = fmt::format("t{:02}", i);
    std::vector<std::string> read = snapshot_of(opened, opened.table(name), 100);
    for (std::string& row : read)
      row = row.substr(5);  // Without "read ".
    EXPECT_EQ(read, streamed[name]);
    ASSERT_EQ(read.size(), type.expected.size() + 1);
    for (std::size_t at = 0; at < type.expected.size(); ++at) {
      if (type.expected[at] != nullptr) {
        EXPECT_EQ(read[at], fmt::format("id={} v={}", at, type.expected[at]));
      }
    }
    EXPECT_EQ(read.back(), fmt::format("id={} v=NULL", type.expected.size()));
  }
}

TEST(Types, LongTextIsWhole) {
  Database database;
  database.run(
      "CREATE TABLE t (id int NOT NULL PRIMARY KEY, a varchar(8000) NULL, b nvarchar(4000) NULL, c "
      "nvarchar(max) NULL)");
  database.run(
      "INSERT INTO t VALUES (1, REPLICATE('x', 8000), REPLICATE(N'\u65e5', 4000), "
      "REPLICATE(CONVERT(nvarchar(max), N'\U0001f642'), 100000))");
  database.enable("t");  // Afterwards: captured values have at most 65536 bytes.
  Opened opened(database.settings());
  const std::vector<std::string> rows = snapshot_of(opened, opened.table("t"), 10);
  ASSERT_EQ(rows.size(), 1u);
  std::string expected = "read id=1 a=" + std::string(8000, 'x') + " b=";
  for (int i = 0; i < 4000; ++i)
    expected += "\u65e5";
  expected += " c=";
  for (int i = 0; i < 100000; ++i)
    expected += "\U0001f642";
  EXPECT_TRUE(rows[0] == expected) << rows[0].size() << " and not " << expected.size();
}

// Half a surrogate pair and U+0000 must not become a question mark or an end on their way.
TEST(Types, TextThatPostgresCannotHoldIsAFaultOfItsRow) {
  Database database;
  database.create("t", "id int NOT NULL PRIMARY KEY, v nvarchar(20) NULL, w nvarchar(max) NULL");
  database.settle();
  Opened opened(database.settings());
  opened.stream();
  database.run(
      "INSERT INTO t VALUES (1, N'a' + NCHAR(0xD83D) + N'b', NULL), (2, NULL, N'a' + NCHAR(0) + N'b'), (3, "
      "N'ok', "
      "N'ok')");
  std::vector<RowFault> faults;
  std::size_t rows = 0;
  opened.until([&](const ChangeBatch& batch) {
    for (const RowBatch& table : batch.tables)
      faults.insert(faults.end(), table.faults().begin(), table.faults().end());
    rows += batch.rows();
    return rows == 3;
  });
  ASSERT_EQ(faults.size(), 2u);
  EXPECT_EQ(faults[0].code, RowFaultCode::lone_surrogate);
  EXPECT_EQ(faults[0].row, 0u);
  EXPECT_EQ(faults[0].column, 1u);
  EXPECT_EQ(faults[1].code, RowFaultCode::zero_in_text);
  EXPECT_EQ(faults[1].row, 1u);
}

struct KeyCase {
  const char* columns;
  const char* value;  // Of {0}, a running number.
};

// Bounds go to the server and come back as text: each row must lie in exactly one chunk, whatever the key's type.
TEST(Chunks, CoverEveryRowOnceForKeysOfEveryType) {
  const std::vector<KeyCase> cases = {
      {"k int NOT NULL PRIMARY KEY", "{0}"},
      {"k bigint NOT NULL PRIMARY KEY", "{0} - 20"},
      {"k smallint NOT NULL PRIMARY KEY", "{0}"},
      {"k decimal(20,3) NOT NULL PRIMARY KEY", "{0} / 7.0"},
      {"k money NOT NULL PRIMARY KEY", "{0} / 100.0"},
      {"k float NOT NULL PRIMARY KEY", "{0} / 3e0"},
      {"k real NOT NULL PRIMARY KEY", "{0} / 3e0"},
      {"k varchar(20) NOT NULL PRIMARY KEY",
       "CHAR(65 + {0} % 26) + CASE {0} % 2 WHEN 0 THEN 'x' ELSE 'X' END + "
       "CONVERT(varchar(10), {0})"},
      {"k nvarchar(20) COLLATE Latin1_General_BIN2 NOT NULL PRIMARY KEY", "NCHAR(900 + {0}) + N''''"},
      {"k nvarchar(20) NOT NULL PRIMARY KEY", "NCHAR(97 + {0})"},
      {"k date NOT NULL PRIMARY KEY", "DATEADD(day, {0} * 40, '1890-01-01')"},
      {"k datetime NOT NULL PRIMARY KEY", "DATEADD(millisecond, {0} * 10, '2026-11-23T10:00:00.003')"},
      {"k datetime2(3) NOT NULL PRIMARY KEY", "DATEADD(millisecond, {0} * 10, '2026-11-23T10:00:00')"},
      {"k time(6) NOT NULL PRIMARY KEY", "DATEADD(second, {0}, '10:00:00')"},
      {"k smalldatetime NOT NULL PRIMARY KEY", "DATEADD(minute, {0}, '2026-11-23T10:00:00')"},
      {"k datetimeoffset(3) NOT NULL PRIMARY KEY",
       "TODATETIMEOFFSET(DATEADD(minute, {0} * 7, '2026-11-23T10:00:00'), {0} * 15 - 300)"},
      {"k uniqueidentifier NOT NULL PRIMARY KEY",
       "CONVERT(uniqueidentifier, CONVERT(binary(16), {0} * 7919))"},
      {"k varbinary(8) NOT NULL PRIMARY KEY", "CONVERT(varbinary(8), {0} * 7919)"},
      {"k hierarchyid NOT NULL PRIMARY KEY", "'/' + CONVERT(varchar(10), {0} - 12) + '/3.2/'"},
      {"k varchar(20) COLLATE Cyrillic_General_CI_AS NOT NULL PRIMARY KEY",
       "NCHAR(1072 + {0} % 32) + N'{0}'"},
      {"k int NOT NULL, l nvarchar(10) NOT NULL, m date NOT NULL, PRIMARY KEY (k, l DESC, m)",
       "{0} / 10, CHAR(65 + {0} / 5 % 2), DATEADD(day, {0} % 5, '2026-01-01')"},
  };
  for (const KeyCase& key : cases) {
    SCOPED_TRACE(key.columns);
    Database database;
    database.create("t", key.columns);
    constexpr int rows = 37;
    for (int i = 0; i < rows; ++i)
      database.run(fmt::format("INSERT INTO t VALUES ({})", fmt::format(fmt::runtime(key.value), i)));
    Opened opened(database.settings());
    for (const std::uint64_t chunk_rows : {1u, 5u, 36u, 37u, 38u}) {
      std::vector<Chunk> chunks;
      const std::vector<std::string> read = snapshot_of(opened, opened.table("t"), chunk_rows, &chunks);
      EXPECT_EQ(read.size(), static_cast<std::size_t>(rows)) << chunk_rows;
      EXPECT_EQ(std::set<std::string>(read.begin(), read.end()).size(), static_cast<std::size_t>(rows))
          << chunk_rows;
      EXPECT_EQ(chunks.size(), rows / chunk_rows + 1);
    }
  }
}

TEST(Chunks, OfAnEmptyTableAreOne) {
  Database database;
  database.create("t", "id int NOT NULL PRIMARY KEY");
  Opened opened(database.settings());
  std::vector<Chunk> chunks;
  EXPECT_TRUE(snapshot_of(opened, opened.table("t"), 10, &chunks).empty());
  EXPECT_EQ(chunks.size(), 1u);
}

TEST(R07_ParkedKeys, AreReadByTheirKeys) {
  Database database;
  database.create("t", "a int NOT NULL, b nvarchar(10) NOT NULL, v nvarchar(max) NULL, PRIMARY KEY (a, b)");
  database.run("INSERT INTO t VALUES (1, N'x', N'one'), (1, N'y', NULL), (2, N'x', N'')");
  Opened opened(database.settings());
  const std::unique_ptr<SnapshotReader> reader = opened.source.snapshot_reader();
  const std::vector<std::vector<std::string>> keys{{"2", "x"}, {"1", "x"}, {"9", "gone"}};
  const RowBatch rows = reader->read_keys(opened.table("t"), keys, {}).value();
  std::set<std::string> texts;
  for (std::size_t row = 0; row < rows.rows(); ++row)
    texts.insert(row_text(rows, row));
  EXPECT_EQ(texts, (std::set<std::string>{"read a=1 b=x v=one", "read a=2 b=x v="}));
  std::vector<std::vector<std::string>> many(1500, {"1", "y"});
  EXPECT_GE(reader->read_keys(opened.table("t"), many, {}).value().rows(), 1u);
}

TEST(Snapshot, AStopEndsARead) {
  Database database;
  database.create("t", "id int NOT NULL PRIMARY KEY");
  database.run("INSERT INTO t VALUES (1), (2), (3)");
  Opened opened(database.settings());
  const std::unique_ptr<SnapshotReader> reader = opened.source.snapshot_reader();
  const Chunk chunk = reader->plan_chunk(*opened.table("t"), nullptr, 10, {}).value();
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FALSE(reader->read_chunk(
      opened.table("t"), chunk, [](const RowBatch&) { return true; }, stop.get_token()));
  EXPECT_FALSE(reader->read_chunk(opened.table("t"), chunk, [](const RowBatch&) { return false; }, {}));
  EXPECT_TRUE(reader->read_chunk(opened.table("t"), chunk, [](const RowBatch&) { return true; }, {}));
}

// Requests that the simulator has taken in, of whatever kind.
std::int64_t requests(Connection& connection) {
  Statement counters(connection, "counters", "EXEC sp_sim_control N'counters'");
  std::int64_t sum = 0;
  while (counters.fetch()) {
    const std::string name = counters.text(0).value();
    if (name == "batches" || name == "rpcs") sum += counters.integer(1).value();
  }
  return sum;
}

// What `ask` asks the server, which holds `text`, gets no answer for an hour, and is stopped as soon as the server has it.
void ask_in_vain(Database& database, std::string_view text, std::stop_source stop,
                 const std::function<void()>& ask) {
  database.control(fmt::format("N'delay', 3600000, N'{}'", text));
  Connection watching(database.settings());
  std::int64_t seen = requests(watching);
  std::jthread stopper([&] {
    for (std::int64_t now = requests(watching); now == seen + 1; now = requests(watching))
      seen = now;
    stop.request_stop();
  });
  ask();
}

// A drain would else wait for the query's timeout, which is ten minutes.
TEST(Snapshot, AStopEndsWhatTheServerDoesNotAnswer) {
  if (!is_simulated()) GTEST_SKIP() << "needs sp_sim_control, which a real server does not have";
  Database database;
  database.create("t", "id int NOT NULL PRIMARY KEY");
  database.settle();
  Opened opened(database.settings());
  const std::vector<std::vector<std::string>> keys{{"1"}};
  std::unique_ptr<SnapshotReader> reader = opened.source.snapshot_reader();
  std::stop_source stop;
  ask_in_vain(database, "WHERE", stop, [&] {
    EXPECT_FALSE(reader->read_keys(opened.table("t"), keys, stop.get_token()).has_value());
  });
  reader = opened.source.snapshot_reader();
  stop = {};
  ask_in_vain(database, "OFFSET", stop, [&] {
    EXPECT_FALSE(reader->plan_chunk(*opened.table("t"), nullptr, 10, stop.get_token()).has_value());
  });
}

// The stop that a source was opened with goes on to count.
TEST(Snapshot, AStopEndsTheMarkThatTheServerDoesNotGive) {
  if (!is_simulated()) GTEST_SKIP() << "needs sp_sim_control, which a real server does not have";
  Database database;
  database.create("t", "id int NOT NULL PRIMARY KEY");
  database.settle();
  std::stop_source stop;
  SqlServerSource source(database.settings());
  static_cast<void>(source.open({}, stop.get_token()));
  ask_in_vain(database, "lsn_time_mapping", stop,
              [&] { EXPECT_EQ(kind_of([&] { source.take_mark(); }), ErrorKind::abandoned); });
}

}  // namespace
}  // namespace tailrace::sqlserver::testing
