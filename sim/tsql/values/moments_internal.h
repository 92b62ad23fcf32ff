// What reading and writing texts of dates share.
#pragma once

#include <array>
#include <string_view>

#include "sim/tsql/values/moments.h"

namespace tailrace::sim::tsql {

inline constexpr std::array<std::string_view, 12> month_names{
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December"};

bool valid(const Civil& date);  // A day of the calendar, of the years 1 to 9999.

}  // namespace tailrace::sim::tsql
