// What the files of procedures*.cpp share.
#pragma once

#include <string>

#include "sim/storage/value.h"

namespace tailrace::sim::tsql {

// What SQL Server has and this has not is refused for what it is; what SQL Server has not either is not found (2812).
// `name` is in lower case.
[[noreturn]] void unknown_procedure(const std::string& name, const std::string& written);

// An argument as the type that a procedure wants; what does not convert is the procedure's error.
Value converted(const Value& value, const TypeInfo& type);

}  // namespace tailrace::sim::tsql
