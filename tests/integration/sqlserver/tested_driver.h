// The driver under test: the product's own default, or the one that TAILRACE_TEST_DRIVER names (`tds`, or the path of
// an ODBC driver's library).
//
// Shape    Brings a main of its own: where that driver is missing, the program skips everything and says so.
#pragma once

#include "sqlserver/settings.h"

namespace tailrace::sqlserver::testing {

enum class TestedDriver : std::uint8_t { native, freetds, microsoft };

TestedDriver tested_driver();

void use_tested_driver(Settings& settings);

}  // namespace tailrace::sqlserver::testing
