// What has to be known to read records as rows; the settings table of the source fills it.
#pragma once

#include <string>

namespace tailrace::intake {

enum class Format { avro, json };

struct Settings {
  Format format = Format::avro;  // Of keys and values.
  // Stands for a large value that an update has left as it was.
  std::string unavailable_value = "__debezium_unavailable_value";
  // The source table that a record is of: {database}, {schema}, {table} as the record says or its topic's last three parts, and
  // {topic}; a dot between schema and name.
  std::string table_names = "{schema}.{table}";
};

}  // namespace tailrace::intake
