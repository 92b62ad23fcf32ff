// Choosing the driver; the program's main, which leaves nothing but a skipped test where that driver is missing.
#include "tests/integration/sqlserver/odbc_driver.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

namespace tailrace::sqlserver::testing {
namespace {

const char* other_driver() {
  return std::getenv("TAILRACE_TEST_ODBC_DRIVER");
}

bool is_missing() {
  return is_other_driver() && !std::filesystem::exists(other_driver());
}

TEST(OdbcDriver, IsThere) {
  if (is_missing()) GTEST_SKIP() << "no tests over another driver: there is no " << other_driver();
}

}  // namespace

bool is_other_driver() {
  return other_driver() != nullptr;
}

void use_tested_driver(Settings& settings) {
  if (is_other_driver()) settings.driver = other_driver();
}

void run_nothing_without_it() {
  if (is_missing()) GTEST_FLAG_SET(filter, "OdbcDriver.IsThere");
}

}  // namespace tailrace::sqlserver::testing

int main(int count, char** arguments) {
  ::testing::InitGoogleTest(&count, arguments);
  tailrace::sqlserver::testing::run_nothing_without_it();
  return RUN_ALL_TESTS();
}
