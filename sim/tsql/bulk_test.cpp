// BULK INSERT of files of all kinds, and what it leaves when it fails.
#include <gtest/gtest.h>

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "sim/tsql/rows/data_file.h"
#include "sim/tsql/testing/collect.h"

namespace tailrace::sim::tsql {
namespace {

constexpr const char* failed_provider =
    "\n! 7399 16 The OLE DB provider \"BULK\" for linked server \"(null)\" reported an error. The provider "
    "did not "
    "give any information about the error."
    "\n! 7330 16 Cannot fetch a row from OLE DB provider \"BULK\" for linked server \"(null)\".\nfailed";

class BulkInsertTest : public testing::Test {
 protected:
  BulkInsertTest() {
    EngineSettings settings;
    settings.sa_password = "secret";
    settings.capture_interval_ms = 3'600'000;
    engine_ = make_engine(settings);
    session_ = login("sa", "secret", "");
    run("CREATE DATABASE shop");
    run("USE shop");
    path_ = std::filesystem::temp_directory_path() / ("bulk_test." + std::to_string(::getpid()));
  }
  ~BulkInsertTest() override { std::filesystem::remove(path_); }

  std::unique_ptr<Session> login(const std::string& user, const std::string& password,
                                 const std::string& database) {
    std::vector<ServerMessage> refused;
    return engine_->login(
        {.user = user, .password = password, .database = database, .application = "test", .host = "here"},
        refused);
  }

  static std::string run(Session& session, const std::string& sql) {
    CollectingSink sink;
    session.batch(sql, sink, {});
    return sink.text;
  }
  std::string run(const std::string& sql) { return run(*session_, sql); }

  void write(std::string_view text) {
    std::ofstream(path_, std::ios::binary).write(text.data(), static_cast<std::streamsize>(text.size()));
  }
  std::string statement(const std::string& options) const {
    return "BULK INSERT dbo.t FROM '" + path_.string() +
           "' WITH (FIELDTERMINATOR = '|', ROWTERMINATOR = '0x0a'" + (options.empty() ? "" : ", ") + options +
           ")";
  }
  std::string load(std::string_view text, const std::string& options = "") {
    write(text);
    return run(statement(options));
  }
  std::string rows() { return run("SELECT * FROM t ORDER BY 1"); }

  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Session> session_;
  std::filesystem::path path_;
};

TEST_F(BulkInsertTest, TakesFieldsOfEachType) {
  run("CREATE TABLE t(a bigint PRIMARY KEY, b tinyint, c bit, d decimal(15,2), e decimal(30,4), f money, g "
      "float, h date, "
      "i datetime2(3), j datetime, k time(7), l datetimeoffset(0), m uniqueidentifier, n char(4), o "
      "varchar(5), "
      "p nvarchar(5), q nchar(3), r varchar(max))");
  EXPECT_EQ(load("-9223372036854775808|255|1|1.5|-123456789012345678901234.56785|3.25|1e3|2024-02-29|"
                 "2024-02-29T12:34:56.789|2024-02-29 12:34:56|23:59:59.1234567|2024-02-29T12:00:00+02:00|"
                 "6F9619FF-8B86-D011-B42D-00C04FC964FF|ab|abc  |αβγ|ж|long\n"
                 "+7|0|false|-0.005|0|-1|-0.5|0001-01-01|0001-01-01|1753-01-01|00:00|0001-01-01|"
                 "6f9619ff-8b86-d011-b42d-00c04fc964ff|abcd|x|y|z|w\n",
                 "CODEPAGE = '65001', TABLOCK"),
            "(2)");
  EXPECT_EQ(
      rows(),
      "-9223372036854775808|255|1|1.50|-123456789012345678901234.5679|3.2500|1000|2024-02-29|2024-02-29 "
      "12:34:56.789|2024-02-29 12:34:56.000|23:59:59.1234567|2024-02-29 12:00:00 "
      "+02:00|6F9619FF-8B86-D011-B42D-00C04FC964FF|ab  |abc  |αβγ|ж  |long\n"
      "7|0|0|-0.01|0.0000|-1.0000|-0.5|0001-01-01|0001-01-01 00:00:00.000|1753-01-01 "
      "00:00:00.000|00:00:00.0000000|0001-01-01 00:00:00 "
      "+00:00|6F9619FF-8B86-D011-B42D-00C04FC964FF|abcd|x|y|z  |w"
      "\n(2)");
}

TEST_F(BulkInsertTest, TakesEmptyFieldsForDefaultsOrNull) {
  run("CREATE TABLE t(a int PRIMARY KEY, b int DEFAULT 7, c varchar(5) NULL)");
  EXPECT_EQ(load("1||\n2|8|x\n"), "(2)");
  EXPECT_EQ(load(std::string_view("3||\0\n", 5), "KEEPNULLS"), "(1)");
  EXPECT_EQ(rows(), "1|7|NULL\n2|8|x\n3|NULL|\n(3)");
}

TEST_F(BulkInsertTest, ReadsTerminatorsOfManyBytesAndALastRowWithoutOne) {
  run("CREATE TABLE t(a int PRIMARY KEY, b varchar(20))");
  write("1||one|line\nmore||\r\n2||two");
  EXPECT_EQ(run("BULK INSERT t FROM '" + path_.string() +
                "' WITH (FIELDTERMINATOR = '||', ROWTERMINATOR = '0x7c7c0d0a')"),
            "(2)");
  write("3\tthree\r\n4\tfour\r\n");
  EXPECT_EQ(run("BULK INSERT shop.dbo.t FROM '" + path_.string() + "'"), "(2)");
  EXPECT_EQ(rows(), "1|one|line\nmore\n2|two\n3|three\n4|four\n(4)");
}

TEST_F(BulkInsertTest, ReadsRowsThatLieOverTheEdgesOfItsBlocks) {
  run("CREATE TABLE t(a int PRIMARY KEY, b varchar(max))");
  std::string text;
  for (int i = 0; i < 5000; ++i)
    text += std::to_string(i) + "|" + std::string(static_cast<std::size_t>(i % 1000), 'x') + "y\n";
  text += "5000|" + std::string(3'000'000, 'z') + "\n";
  EXPECT_EQ(load(text), "(5001)");
  EXPECT_EQ(run("SELECT COUNT(*), SUM(CONVERT(bigint, LEN(b))) FROM t WHERE LEN(b) = a % 1000 + 1"),
            "5000|2502500\n(1)");
  EXPECT_EQ(run("SELECT LEN(b) FROM t WHERE a = 5000"), "3000000\n(1)");
}

TEST_F(BulkInsertTest, TakesTheRowsThatAreAskedFor) {
  run("CREATE TABLE t(a int PRIMARY KEY)");
  EXPECT_EQ(load("x\n1\n2\n3\nx\n", "FIRSTROW = 2, LASTROW = 4"), "(3)");
  EXPECT_EQ(rows(), "1\n2\n3\n(3)");
}

TEST_F(BulkInsertTest, LeavesRowsOutThatDoNotConvert) {
  run("CREATE TABLE t(a int PRIMARY KEY, b varchar(3), c smallint, d decimal(4,1))");
  const std::string cases =
      "1|abcd|1|1\n2|abc|40000|1\n3|abc|x|1\n4|abc|1|1000\n5|abc|1|1.1.1\n6|abc|  |1\n7|abc|1|999.9\n";
  EXPECT_EQ(load(cases),
            "! 4863 16 Bulk load data conversion error (truncation) for row 1, column 2 (b).\n"
            "! 4867 16 Bulk load data conversion error (overflow) for row 2, column 3 (c).\n"
            "! 4864 16 Bulk load data conversion error (type mismatch or invalid character for the specified "
            "codepage) for row "
            "3, column 3 (c).\n"
            "! 4867 16 Bulk load data conversion error (overflow) for row 4, column 4 (d).\n"
            "! 4864 16 Bulk load data conversion error (type mismatch or invalid character for the specified "
            "codepage) for row "
            "5, column 4 (d).\n"
            "! 4864 16 Bulk load data conversion error (type mismatch or invalid character for the specified "
            "codepage) for row "
            "6, column 3 (c).\n"
            "(1)");
  EXPECT_EQ(rows(), "7|abc|1|999.9\n(1)");
}

TEST_F(BulkInsertTest, FailsAsAWholeBeyondMaxErrors) {
  run("CREATE TABLE t(a int PRIMARY KEY)");
  EXPECT_EQ(
      load("1\nx\ny\n2\n", "MAXERRORS = 1"),
      std::string("! 4864 16 Bulk load data conversion error (type mismatch or invalid character for the "
                  "specified codepage) for row 2, column 1 (a).\n"
                  "! 4864 16 Bulk load data conversion error (type mismatch or invalid character for the "
                  "specified codepage) for row 3, column 1 (a).\n"
                  "! 4865 16 Cannot bulk load because the maximum number of errors (1) was exceeded.") +
          failed_provider);
  EXPECT_EQ(rows(), "(0)");
}

TEST_F(BulkInsertTest, FailsOnFilesThatEndTooEarlyAndOnNulls) {
  run("CREATE TABLE t(a int PRIMARY KEY, b int NOT NULL)");
  EXPECT_EQ(load("1|2\n3"),
            std::string("! 4832 16 Bulk load: An unexpected end of file was encountered in the data file.") +
                failed_provider);
  EXPECT_EQ(
      load("1|2\n2|\n"),
      std::string("! 4869 16 The bulk load failed. Unexpected NULL value in data file row 2, column 2. The "
                  "destination column (b) is defined as NOT NULL.") +
          failed_provider);
  EXPECT_EQ(rows(), "(0)");
  EXPECT_EQ(run("BEGIN TRY " + statement("") + " END TRY BEGIN CATCH SELECT ERROR_NUMBER() END CATCH"),
            std::string(
                "! 4869 16 The bulk load failed. Unexpected NULL value in data file row 2, column 2. The "
                "destination column (b) is defined as NOT NULL.\n! 7399 16 The OLE DB provider \"BULK\" for "
                "linked server \"(null)\" reported an error. The provider did not give any information about "
                "the error.\n7330\n(1)"));
}

TEST_F(BulkInsertTest, NamesFilesThatCannotBeOpened) {
  run("CREATE TABLE t(a int PRIMARY KEY)");
  EXPECT_EQ(
      run("BULK INSERT t FROM '/nosuch/file'"),
      "! 4860 16 Cannot bulk load. The file \"/nosuch/file\" does not exist or you don't have file access "
      "rights.\nfailed");
  EXPECT_EQ(
      run("BULK INSERT t FROM '/'"),
      "! 4861 16 Cannot bulk load because the file \"/\" could not be opened. Operating system error code "
      "5(Access is denied.).\nfailed");
}

TEST_F(BulkInsertTest, KeepsTheBatchesBeforeAFailureUnlessATransactionIsOpen) {
  run("CREATE TABLE t(a int PRIMARY KEY)");
  const std::string duplicate = "! 2627 14 Violation of PRIMARY KEY constraint";
  EXPECT_TRUE(load("1\n2\n3\n3\n", "BATCHSIZE = 2").starts_with(duplicate));
  EXPECT_EQ(rows(), "1\n2\n(2)");
  run("DELETE FROM t; BEGIN TRANSACTION; INSERT INTO t VALUES (9)");
  EXPECT_TRUE(load("1\n2\n3\n3\n", "BATCHSIZE = 2").starts_with(duplicate));
  run("COMMIT");
  EXPECT_EQ(rows(), "1\n2\n9\n(3)");
  run("DELETE FROM t");
  EXPECT_EQ(load("1\n2\n3\n4\n", "BATCHSIZE = 2"), "(4)");
}

TEST_F(BulkInsertTest, IsCapturedWithOneTransactionForEachBatch) {
  run("EXEC sys.sp_cdc_enable_db; CREATE TABLE t(a int PRIMARY KEY, b varchar(9)); "
      "EXEC sys.sp_cdc_enable_table 'dbo', 't', @role_name = NULL");
  EXPECT_EQ(load("1|a\n2|b\n3|c\n", "BATCHSIZE = 2"), "(3)");
  run("EXEC sp_sim_control 'scan'");
  EXPECT_EQ(run("SELECT [__$operation], a, b, DENSE_RANK() OVER (ORDER BY [__$start_lsn]) FROM cdc.dbo_t_CT "
                "ORDER BY a"),
            "2|1|a|1\n2|2|b|1\n2|3|c|2\n(3)");
}

TEST_F(BulkInsertTest, ReadsBytesByTheirCodePage) {
  run("CREATE TABLE t(a int PRIMARY KEY, b nvarchar(5), c varchar(5))");
  EXPECT_EQ(load("1|\xE4\x80|\xFC\n", "CODEPAGE = 'ACP'"), "(1)");
  EXPECT_EQ(load("2|ж|ж\n", "CODEPAGE = '65001'"), "(1)");
  EXPECT_EQ(load("3|\xE4|x\n", "CODEPAGE = '65001', MAXERRORS = 1"),
            "! 4864 16 Bulk load data conversion error (type mismatch or invalid character for the specified "
            "codepage) for "
            "row 1, column 2 (b).\n(0)");
  EXPECT_TRUE(load("3|\xE4|x\n").starts_with("! 40517 16"));
  EXPECT_EQ(rows(), "1|ä€|ü\n2|ж|?\n(2)");
}

TEST_F(BulkInsertTest, ChecksConstraintsWhereItIsAskedTo) {
  run("CREATE TABLE t(a int PRIMARY KEY CHECK (a < 5))");
  EXPECT_TRUE(load("1\n").starts_with("! 40517 16"));
  EXPECT_EQ(load("1\n", "CHECK_CONSTRAINTS"), "(1)");
  EXPECT_TRUE(load("6\n", "CHECK_CONSTRAINTS").starts_with("! 547 16"));
}

TEST_F(BulkInsertTest, RefusesWhatIsNotSimulated) {
  write("1\n");
  for (const char* columns :
       {"a int IDENTITY", "a int, b AS a + 1", "a varbinary(5)", "a rowversion", "a xml"}) {
    run(std::string("CREATE TABLE t(") + columns + ")");
    EXPECT_TRUE(run(statement("")).starts_with("! 40517 16")) << columns;
    run("DROP TABLE t");
  }
  run("CREATE TABLE t(a int)");
  for (const char* option :
       {"FORMAT = 'CSV'", "DATAFILETYPE = 'native'", "CODEPAGE = 'RAW'", "FORMATFILE = 'x'",
        "FIELDTERMINATOR = ''", "ROWTERMINATOR = '|\\n'", "ROWTERMINATOR = '0x1'"})
    EXPECT_TRUE(run(statement(option)).starts_with("! 40517 16")) << option;
  EXPECT_EQ(rows(), "(0)");
}

TEST_F(BulkInsertTest, IsForAdministrators) {
  run("CREATE LOGIN reader WITH PASSWORD = 'secret1'; CREATE TABLE t(a int); CREATE USER reader FOR LOGIN "
      "reader; "
      "GRANT INSERT ON dbo.t TO reader");
  write("1\n");
  EXPECT_EQ(run(*login("reader", "secret1", "shop"), statement("")),
            "! 4834 16 You do not have permission to use the bulk load statement.\nfailed");
}

TEST(Terminators, AreReadAsWritten) {
  EXPECT_EQ(terminator_bytes("|"), "|");
  EXPECT_EQ(terminator_bytes("\\t"), "\t");
  EXPECT_EQ(terminator_bytes("\\n"), "\r\n");
  EXPECT_EQ(terminator_bytes("\\r\\n"), "\r\n");
  EXPECT_EQ(terminator_bytes("0x7C0a"), "|\n");
  EXPECT_EQ(terminator_bytes("\\0"), std::string(1, '\0'));
  EXPECT_FALSE(terminator_bytes("|\\n"));
  EXPECT_FALSE(terminator_bytes("0x"));
  EXPECT_FALSE(terminator_bytes(""));
}

}  // namespace
}  // namespace tailrace::sim::tsql
