// The options of sqlserver-sim.
#include "sim/tds/command_line.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/error.h"

namespace tailrace::sim::tds {
namespace {

class CommandLineTest : public ::testing::Test {
 protected:
  CommandLineTest() {
    password_file_ =
        (std::filesystem::temp_directory_path() / ("sim_password_" + std::to_string(::getpid()))).string();
    std::ofstream(password_file_) << "s3cret\nmore\n";
  }
  ~CommandLineTest() override { std::filesystem::remove(password_file_); }

  CommandLine parse(std::vector<const char*> arguments) {
    arguments.push_back("--sa-password-file");
    arguments.push_back(password_file_.c_str());
    return parse_command_line(arguments);
  }
  std::string mistake(const std::vector<const char*>& arguments) {
    try {
      parse(arguments);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::config);
      return error.message();
    }
    return "";
  }

  std::string password_file_;
};

TEST_F(CommandLineTest, ReadsEveryOption) {
  const CommandLine line = parse({"--listen", "127.0.0.1:0", "--data", "/d", "--capture-interval=0ms",
                                  "--retention", "90m", "--cert", "c.pem"});
  EXPECT_EQ(line.host, "127.0.0.1");
  EXPECT_EQ(line.port, 0);
  EXPECT_EQ(line.engine.data_directory, "/d");
  EXPECT_EQ(line.engine.sa_password, "s3cret");
  EXPECT_EQ(line.engine.capture_interval_ms, 0);
  EXPECT_EQ(line.engine.retention_minutes, 90);
  EXPECT_EQ(line.certificate_file, "c.pem");
}

TEST_F(CommandLineTest, HasDefaults) {
  const CommandLine line = parse({});
  EXPECT_EQ(line.port, 1433);
  EXPECT_EQ(line.engine.capture_interval_ms, 100);
  EXPECT_EQ(line.engine.retention_minutes, 4320);
  EXPECT_EQ(parse({"--retention", "2d"}).engine.retention_minutes, 2880);
  EXPECT_EQ(parse({"--capture-interval", "1s"}).engine.capture_interval_ms, 1000);
}

TEST_F(CommandLineTest, TellsEveryMistakeAtOnce) {
  const std::string text =
      mistake({"--listen", "here", "--retention", "3", "--colour", "red", "--capture-interval", "-1s"});
  for (const char* part : {"--listen here", "--retention 3", "--colour", "--capture-interval -1s"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " in " << text;
  }
  EXPECT_NE(mistake({"--retention", "99999999999999999999d"}), "");
  EXPECT_NE(mistake({"--retention", "9223372036854775807d"}), "");
  EXPECT_NE(mistake({"--listen", "127.0.0.1:70000"}), "");
  EXPECT_NE(mistake({"stray"}), "");
}

TEST_F(CommandLineTest, NeedsAPassword) {
  EXPECT_THROW(parse_command_line({}), Error);
  EXPECT_THROW(parse_command_line(std::vector<const char*>{"--sa-password-file", "/nonexistent"}), Error);
  EXPECT_THROW(parse_command_line(std::vector<const char*>{"--sa-password-file"}), Error);
}

}  // namespace
}  // namespace tailrace::sim::tds
