// What decides how events look, by the names, meanings and defaults of Debezium's SQL Server connector.
//
// Threads  A value, copied.
// Source   Debezium 3.6, connector properties of the SQL Server connector.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "record/json_writer.h"

namespace tailrace::debezium {

// decimal.handling.mode: of decimal, numeric, money, smallmoney.
enum class DecimalMode : std::uint8_t { precise, string, double_ };

// time.precision.mode.
enum class TimePrecision : std::uint8_t {
  adaptive,
  adaptive_time_microseconds,
  connect,
  isostring,
  microseconds,
  nanoseconds
};

// binary.handling.mode.
enum class BinaryMode : std::uint8_t { bytes, base64, base64_url_safe, hex };

// schema.name.adjustment.mode and field.name.adjustment.mode: what becomes of letters that Avro's names have not.
enum class NameAdjustment : std::uint8_t { none, avro, avro_unicode };

enum class Converter : std::uint8_t { avro, json };

// message.key.columns: the key of the tables whose `schema.table` the pattern matches, in full and without regard to case.
struct KeyColumns {
  std::string tables;  // A regular expression.
  std::vector<std::string> columns;
};

// skipped.operations.
struct SkippedOperations {
  bool create = false;
  bool update = false;
  bool delete_ = false;
};

struct EventSettings {
  // topic.prefix. Empty: names begin with `sqlserver`, and topics have no database in them.
  std::string topic_prefix = {};
  std::string database = {};  // As the server spells it.
  // How a table's topic is called, of ${prefix}, ${database}, ${schema}, ${table}. Empty: as said above.
  std::string topic_format = {};

  DecimalMode decimals = DecimalMode::precise;
  TimePrecision times = TimePrecision::adaptive;
  BinaryMode binary = BinaryMode::bytes;
  NameAdjustment schema_names = NameAdjustment::none;
  NameAdjustment field_names = NameAdjustment::none;

  bool tombstones = true;              // tombstones.on.delete
  bool transaction_metadata = false;   // provide.transaction.metadata
  std::string unavailable_value = "__debezium_unavailable_value";
  std::vector<KeyColumns> key_columns = {};
  SkippedOperations skipped = {};

  Converter converter = Converter::avro;
  bool json_schemas = true;  // Of JSON: the schema beside each value.
  record::DecimalFormat json_decimals = record::DecimalFormat::base64;

  // What stands as the version in each event's source block; empty: ours.
  std::string version = {};

  const std::string& prefix() const;
  // Made of letters that a topic's name may have; at most 249.
  std::string topic_of(const std::string& schema, const std::string& table) const;
  std::string transaction_topic() const;
  std::string heartbeat_topic() const;
};

}  // namespace tailrace::debezium
