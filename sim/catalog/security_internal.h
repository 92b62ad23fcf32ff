// Ids of principals that every database has, and the error of those that it has not.
#pragma once

#include <cstdint>
#include <string_view>

#include "sim/storage/sql_error.h"

namespace tailrace::sim {

inline constexpr std::int32_t dbo_id = 1;
inline constexpr std::int32_t public_id = 0;
inline constexpr std::int32_t first_fixed_role = 16384;
inline constexpr std::int32_t db_owner = 16384;
inline constexpr std::int32_t db_datareader = 16390;
inline constexpr std::int32_t db_datawriter = 16391;
inline constexpr std::int32_t db_denydatareader = 16392;
inline constexpr std::int32_t db_denydatawriter = 16393;

// 15151
SqlError no_principal(std::string_view verb, std::string_view kind, std::string_view name);

}  // namespace tailrace::sim
