// Choosing the driver; the program's main, which leaves nothing but a skipped test where that driver is missing.
#include "tests/integration/sqlserver/tested_driver.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "sqlserver/connect_string.h"

namespace tailrace::sqlserver::testing {
namespace {

std::string driver_name() {
  const char* named = std::getenv("TAILRACE_TEST_DRIVER");
  return named == nullptr ? Settings{}.driver : named;
}

bool is_missing() {
  return tested_driver() != TestedDriver::native && !std::filesystem::exists(driver_name());
}

TEST(TestedDriver, IsThere) {
  if (is_missing()) GTEST_SKIP() << "no tests over this driver: there is no " << driver_name();
}

void run_nothing_without_it() {
  if (is_missing()) GTEST_FLAG_SET(filter, "TestedDriver.IsThere");
}

}  // namespace

TestedDriver tested_driver() {
  if (driver_name() == native_driver) return TestedDriver::native;
  return is_freetds(driver_name()) ? TestedDriver::freetds : TestedDriver::microsoft;
}

void use_tested_driver(Settings& settings) {
  settings.driver = driver_name();
}

}  // namespace tailrace::sqlserver::testing

int main(int count, char** arguments) {
  ::testing::InitGoogleTest(&count, arguments);
  tailrace::sqlserver::testing::run_nothing_without_it();
  return RUN_ALL_TESTS();
}
