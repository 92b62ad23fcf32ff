// The ODBC driver under test: the product's own, or another one that TAILRACE_TEST_ODBC_DRIVER names by its path.
//
// Shape    Brings a main of its own: where the other driver is missing, the program skips everything and says so.
#pragma once

#include "sqlserver/settings.h"

namespace tailrace::sqlserver::testing {

bool is_other_driver();

void use_tested_driver(Settings& settings);

void run_nothing_without_it();

}  // namespace tailrace::sqlserver::testing
