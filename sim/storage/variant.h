// sql_variant as the simulator stores it: the base type, then the value.
#pragma once

#include <string>
#include <string_view>

#include "sim/storage/value.h"

namespace tailrace::sim {

std::string variant_bytes(const Value& value);  // Of a value that is not NULL.
Value variant_value(std::string_view bytes);    // Asserts that the bytes are our own.

}  // namespace tailrace::sim
