// Names as topics and Avro take them.
//
// Units   Debezium replaces UTF-16 units: a letter above U+FFFF becomes two underscores.
// Source  Debezium 3.6: AbstractTopicNamingStrategy.sanitizedTopicName, SchemaNameAdjuster, UnicodeReplacementFunction.
#pragma once

#include <string>
#include <string_view>

#include "debezium/settings.h"

namespace tailrace::debezium {

// Letters that a topic's name may not have become underscores; the rest behind 249 of them is cut off.
std::string sanitized_topic(std::string_view name);

std::string adjusted_schema_name(std::string_view name, NameAdjustment mode);
std::string adjusted_field_name(std::string_view name, NameAdjustment mode);

}  // namespace tailrace::debezium
