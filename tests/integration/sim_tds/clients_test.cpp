// FreeTDS's tsql and isql (ODBC) log in, in plain and encrypted, and read every type.
#include <gmock/gmock.h>

#include <array>
#include <cstdio>
#include <fstream>

#include "tests/integration/sim_tds/server_fixture.h"

namespace tailrace::sim::tds::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class ClientsTest : public ServerFixture {
 protected:
  // What `command` prints on both its outputs; `input` is its standard input.
  std::string run(const std::string& command, const std::string& input) {
    const std::string in_file = directory_ / "in";
    std::ofstream(in_file) << input;
    const std::string line = "FREETDSCONF='" + (directory_ / "freetds.conf").string() + "' timeout 30 " +
                             command + " <'" + in_file + "' 2>&1";
    FILE* pipe = ::popen(line.c_str(), "r");
    TAILRACE_ASSERT(pipe != nullptr);
    std::string output;
    std::array<char, 4096> piece;
    while (const std::size_t got = std::fread(piece.data(), 1, piece.size(), pipe))
      output.append(piece.data(), got);
    ::pclose(pipe);
    return output;
  }

  std::string tsql(const std::string& encryption, const std::string& input,
                   const std::string& password = "secret", const std::string& more = "") {
    std::ofstream(directory_ / "freetds.conf")
        << "[sim]\nhost = 127.0.0.1\nport = " << server_->port()
        << "\ntds version = 7.4\nclient charset = UTF-8\ntext size = 4294967295\nencryption = " << encryption
        << "\n"
        << more;
    return run("tsql -S sim -U sa -P " + password + " -D shop", input);
  }

  std::string isql(const std::string& encryption, const std::string& input) {
    std::ofstream(directory_ / "freetds.conf") << "[global]\ntext size = 4294967295\n";
    return run("isql -v -b -k 'Driver=/usr/lib/x86_64-linux-gnu/odbc/libtdsodbc.so;Server=127.0.0.1;Port=" +
                   std::to_string(server_->port()) +
                   ";UID=sa;PWD=secret;TDS_Version=7.4;ClientCharset=UTF-8;Encryption=" + encryption + "'",
               input);
  }
};

class Encryptions : public ClientsTest, public ::testing::WithParamInterface<const char*> {};

TEST_P(Encryptions, TsqlReadsEveryType) {
  const std::string output =
      tsql(GetParam(), "whoami\ngo\nselect types\ngo\nselect typesnotnull\ngo\nfoo\ngo\n");
  EXPECT_THAT(output, HasSubstr("sa\tshop\tTSQL"));
  EXPECT_THAT(output,
              HasSubstr("1\t200\t-1234\t-123456789\t1234567890123456789\t1234567890.1234\t-321\t123.4567\t"
                        "-123456789.0123\t1.5\t-2.2500000000000002e+100\tFeb 29 2024"));
  EXPECT_THAT(
      output,
      HasSubstr(
          "abc   \tcafé €\tmax café\tΩmeg\t日本語 🙂\tmax 日本語\t0001feff\tdeadbeef\t00ff\t"
          "00112233-4455-6677-8899-AABBCCDDEEFF"));
  EXPECT_THAT(output,
              HasSubstr("0\t0\t-32768\t-2147483648\t-9223372036854775808\t-99999999999999.9999\t0\t"
                        "-214748.3648\t-922337203685477.5808\t3.40282347e+38\t1.7976931348623157e+308\t"
                        "Dec 31 9999"));
  EXPECT_THAT(output, HasSubstr("(3 rows affected)"));
  EXPECT_THAT(output, HasSubstr("(2 rows affected)"));
  EXPECT_THAT(output, HasSubstr("Msg 102 (severity 15, state 1) from sqlserver-sim Line 1:"));
}

TEST_P(Encryptions, IsqlReadsEveryType) {
  const std::string output = isql(GetParam(), "select types\nfoo\n");
  for (const char* value :
       {"2024-02-29", "12:34:56.1234567", "2024-02-29 12:34:00", "2024-02-29 12:34:56.123",
        "2024-02-29 12:34:56.1234567 +02:00", "9999-12-31 23:59:59.9999999", "1753-01-01 00:00:00.000",
        "-922337203685477.5808", "-99999999999999.9999", "-9223372036854775808", "日本語 🙂", "café €",
        "deadbeef", "00112233-4455-6677-8899-AABBCCDDEEFF"}) {
    EXPECT_THAT(output, HasSubstr(value));
  }
  EXPECT_THAT(output, HasSubstr("3 rows fetched"));
  EXPECT_THAT(output, HasSubstr("Incorrect syntax near 'foo'."));
}

INSTANTIATE_TEST_SUITE_P(, Encryptions, ::testing::Values("off", "request", "require"));

TEST_F(ClientsTest, AWrongPasswordIsRefused) {
  const std::string output = tsql("require", "select types\ngo\n", "wrong");
  EXPECT_THAT(output, HasSubstr("Msg 18456 (severity 14, state 1)"));
  EXPECT_THAT(output, Not(HasSubstr("affected")));
}

// An old client would misread newer types: it is told so.
TEST_F(ClientsTest, OldProtocolsAreRefusedByName) {
  const std::string output = tsql("off", "select types\ngo\n", "secret", "tds version = 7.2\n");
  EXPECT_THAT(output, HasSubstr("The simulator speaks TDS 7.3 and later"));
}

// Many packets, small and large, through TLS as well.
TEST_F(ClientsTest, LongResultsArriveWhole) {
  for (const char* encryption : {"off", "require"}) {
    for (const char* size : {"512", "4096", "16384", "32767"}) {
      const std::string output =
          tsql(encryption, "rows 20000\ngo\n", "secret", std::string("initial block size = ") + size + "\n");
      EXPECT_THAT(output, HasSubstr("(20000 rows affected)")) << encryption << " " << size;
      EXPECT_THAT(output, HasSubstr("\n19999\ta row of a long result, Zürich\n"))
          << encryption << " " << size;
    }
  }
}

TEST_F(ClientsTest, LargeValuesArriveWhole) {
  const std::string output = tsql("require", "large 3000000\ngo\n");
  EXPECT_THAT(output, HasSubstr("(1 row affected)"));
  EXPECT_GT(output.size(), 3'000'000u * 4);
}

// A client that trusts nothing but the certificate which the server has left for it.
TEST_F(ClientsTest, TheCertificateCanBeVerified) {
  const std::string trust =
      "check certificate hostname = no\nca file = " + server_->certificate_file() + "\n";
  EXPECT_THAT(tsql("require", "whoami\ngo\n", "secret", trust), HasSubstr("sa\tshop"));
}

}  // namespace
}  // namespace tailrace::sim::tds::testing
