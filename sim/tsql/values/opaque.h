// Values that the simulator stores in a form of their own: sql_variant, hierarchyid, geometry, geography.
//
// Shape    sql_variant: the base type, then its value. hierarchyid: SQL Server's own bytes (their order is the order
//          of the nodes). geometry, geography: SQL Server's own bytes.
// Errors   As convert(): false, with number and text.
// Source   "sql_variant", "hierarchyid data type method reference"; [MS-SSCLRT] 2.1 for spatial values.
#pragma once

#include <string>
#include <string_view>

#include "sim/tsql/values/convert.h"

namespace tailrace::sim::tsql {

// Exactly one of the two types is opaque (types.h); both values are not NULL.
[[nodiscard]] bool to_opaque(const TypeInfo& from, const Cell& in, const TypeInfo& to, Value& out,
                             ConversionError& error);
[[nodiscard]] bool from_opaque(const TypeInfo& from, const Cell& in, const TypeInfo& to, int style,
                               Value& out, ConversionError& error, ConversionUse use);

// "/1/2.1/" and its bytes; false: not such a text, or a number beyond what is simulated.
bool parse_hierarchy(std::string_view text, std::string& bytes);
bool format_hierarchy(std::string_view bytes, std::string& text);

}  // namespace tailrace::sim::tsql
