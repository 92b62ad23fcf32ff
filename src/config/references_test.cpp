// References to the environment and to files.
#include "config/references.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <fstream>

namespace tailrace::config {
namespace {

class SecretFile {
 public:
  explicit SecretFile(const std::string& text) { write(text); }
  ~SecretFile() { unlink(path().c_str()); }
  SecretFile(const SecretFile&) = delete;
  SecretFile& operator=(const SecretFile&) = delete;
  void write(const std::string& text) { std::ofstream(path()) << text; }
  std::string path() const { return testing::TempDir() + "tailrace-secret-" + std::to_string(getpid()); }
};

TEST(References, ReadsTheEnvironment) {
  setenv("TAILRACE_TEST_SECRET", "s3cret", 1);
  EXPECT_EQ(resolve_references("${env:TAILRACE_TEST_SECRET}").text, "s3cret");
  EXPECT_EQ(resolve_references("a-${env:TAILRACE_TEST_SECRET}-b").text, "a-s3cret-b");
  unsetenv("TAILRACE_TEST_SECRET");
  EXPECT_EQ(resolve_references("${env:TAILRACE_TEST_SECRET}").mistake,
            "environment variable TAILRACE_TEST_SECRET is not set");
}

// A rotated secret must be seen by the next connection attempt, without a restart.
TEST(References, ReadsAFileAnewEachTime) {
  SecretFile file("first\n");
  const std::string reference = "${file:" + file.path() + "}";
  EXPECT_EQ(resolve_references(reference).text, "first");
  file.write("second\r\n");
  EXPECT_EQ(resolve_references(reference).text, "second");
  file.write("");
  EXPECT_NE(resolve_references(reference).mistake.find("is empty"), std::string::npos);
}

TEST(References, SaysWhichFileIsMissing) {
  EXPECT_EQ(resolve_references("${file:/nowhere/secret}").mistake,
            "file /nowhere/secret cannot be read: No such file or directory");
  EXPECT_NE(resolve_references("${file:/tmp}").mistake.find("is a directory"), std::string::npos);
}

TEST(References, RefusesWhatItDoesNotServe) {
  EXPECT_NE(resolve_references("${vault:secret/db#password}").mistake.find("not served"), std::string::npos);
  EXPECT_NE(resolve_references("${enviroment:X}").mistake.find("not a reference"), std::string::npos);
  EXPECT_NE(resolve_references("${env:}").mistake.find("names nothing"), std::string::npos);
  EXPECT_NE(resolve_references("abc${env:X").mistake.find("no closing"), std::string::npos);
}

// A secret that itself contains "${" must reach the server as it is.
TEST(References, LooksAtASecretOnlyOnce) {
  setenv("TAILRACE_TEST_SECRET", "a${env:B}$${c", 1);
  EXPECT_EQ(resolve_references("${env:TAILRACE_TEST_SECRET}").text, "a${env:B}$${c");
  unsetenv("TAILRACE_TEST_SECRET");
  EXPECT_EQ(resolve_references("p$${w}$").text, "p${w}$");
  EXPECT_FALSE(has_reference("p$${w}"));
  EXPECT_TRUE(has_reference("p${env:W}"));
}

}  // namespace
}  // namespace tailrace::config
