// What SQL Server's catalog says of types: names, ids, lengths, precisions.
//
// Source  sys.types, sys.columns.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sim/storage/type.h"

namespace tailrace::sim {

std::string_view type_name(const TypeInfo& type);    // "nvarchar"
std::string type_declaration(const TypeInfo& type);  // "nvarchar(10)", "decimal(10,2)", "varbinary(max)"
std::int32_t system_type_id(const TypeInfo& type);   // 231
std::int32_t user_type_id(const TypeInfo& type);     // The same, but for the CLR types: 128 to 130.
std::int32_t shown_length(const TypeInfo& type);     // sys.columns.max_length
std::int32_t shown_precision(const TypeInfo& type);
std::int32_t shown_scale(const TypeInfo& type);
bool is_text(const TypeInfo& type);  // What has a collation: xml has none.
bool is_unicode(const TypeInfo& type);
bool is_max(const TypeInfo& type);      // A LOB for CDC.
bool is_integer(const TypeInfo& type);  // tinyint to bigint, bit not.

// "int", "nvarchar(128)", "sysname", "datetime2(7)", "varbinary(max)": for our own tables of columns.
std::optional<TypeInfo> parse_type(std::string_view declaration);

}  // namespace tailrace::sim
