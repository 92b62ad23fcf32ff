// What has to be known to read records as rows; the settings table of the source fills it.
#pragma once

#include <string>
#include <vector>

namespace tailrace::intake {

enum class Format { avro, json };

// Where a row's key comes from: pk.mode of the JDBC sinks.
enum class PkMode {
  record_key,    // Fields of the record's key.
  record_value,  // Fields of its row.
  kafka,         // Its topic, partition and offset: each record is a row of its own.
  none,          // There is none: each record is a row of its own, in a table without a key.
};

enum class Deletes { apply, ignore };

struct Settings {
  Format format = Format::avro;  // Of keys and values.
  // Stands for a large value that an update has left as it was.
  std::string unavailable_value = "__debezium_unavailable_value";
  // The source table that a record is of: what table_names.h knows; a dot between schema and name.
  std::string table_names = "{schema}.{table}";
  PkMode pk_mode = PkMode::record_key;
  // Of the key or the row; empty: all of them. kafka: the three columns' names; a key that is one value alone: its name.
  std::vector<std::string> pk_fields = {};
  Deletes deletes = Deletes::apply;  // Of the record's key alone.
  // Fields of rows, as `field` or `topic:field`: those that are written, or those that are not. Keys are always.
  std::vector<std::string> include_fields = {};
  std::vector<std::string> exclude_fields = {};
};

}  // namespace tailrace::intake
