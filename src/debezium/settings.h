// What decides how events look, by the names, meanings and defaults of Debezium's SQL Server connector.
//
// Threads  A value, copied.
// Source   Debezium 3.6, connector properties of the SQL Server connector.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/secret.h"
#include "model/row_batch.h"
#include "record/json_writer.h"
#include "record/write_value.h"

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

// geometry, geography and hierarchyid: as text, or as the server's own bytes, which Debezium has. The source is asked for them.
enum class ObjectMode : std::uint8_t { text, raw };

// binary.handling.mode.
enum class BinaryMode : std::uint8_t { bytes, base64, base64_url_safe, hex };

// schema.name.adjustment.mode and field.name.adjustment.mode: what becomes of letters that Avro's names have not.
enum class NameAdjustment : std::uint8_t { none, avro, avro_unicode };

// Of a transaction, `ts_ms` of the source block: data.query.mode direct, which is Debezium's default, says when it began.
enum class SourceTime : std::uint8_t { began, committed };

// event.converting.failure.handling.mode, as far as it means something here: of a moment that its mode cannot say.
enum class ConversionFailure : std::uint8_t { fail, warn };

enum class Converter : std::uint8_t { avro, json };

// message.key.columns: the key of the tables whose `schema.table` the pattern matches, in full and without regard to case.
struct KeyColumns {
  std::string tables = {};  // A regular expression.
  std::vector<std::string> columns = {};
};

// Columns by a regular expression over schema.table.column or database.schema.table.column, in full and without regard to case.
// column.mask.with.<n>.chars and column.truncate.to.<n>.chars
struct ColumnLength {
  std::string columns = {};
  std::int32_t characters = 0;
};

// v1 hashes what Java's serialization writes of a text, v2 its UTF-8: column.mask.hash and column.mask.hash.v2.
enum class HashForm : std::uint8_t { v2, v1 };

struct ColumnHash {
  std::vector<std::string> columns = {};
  std::string algorithm = "SHA-256";
  Secret salt = {};
  HashForm form = HashForm::v2;
};

// skipped.operations. Debezium does not even read such rows of the change tables; of an update that changes its key it leaves out the
// delete or the create.
struct SkippedOperations {
  bool create = false;
  bool update = false;
  bool delete_ = false;

  bool has(Operation operation) const {
    return (create && operation == Operation::insert) || (update && operation == Operation::update) ||
           (delete_ && operation == Operation::delete_);
  }
};

struct EventSettings {
  // topic.prefix. Empty: names begin with `sqlserver`, and topics have no database in them.
  std::string topic_prefix = {};
  std::string database = {};  // As the server spells it.
  // How a table's topic is called, of {prefix}, {database}, {schema}, {table}. Empty: as said above.
  std::string topic_format = {};

  DecimalMode decimals = DecimalMode::precise;
  TimePrecision times = TimePrecision::adaptive;
  BinaryMode binary = BinaryMode::bytes;
  ObjectMode objects = ObjectMode::text;
  NameAdjustment schema_names = NameAdjustment::none;
  NameAdjustment field_names = NameAdjustment::none;
  SourceTime source_time = SourceTime::began;
  ConversionFailure conversion_failures = ConversionFailure::fail;

  bool tombstones = true;             // tombstones.on.delete
  bool transaction_metadata = false;  // provide.transaction.metadata
  bool schema_changes = false;        // include.schema.changes
  std::string unavailable_value = "__debezium_unavailable_value";
  std::vector<KeyColumns> key_columns = {};
  SkippedOperations skipped = {};
  // What a column becomes in events, never in keys: a mask, else a hash, else its beginning.
  std::vector<ColumnLength> masked = {};
  std::map<std::string, ColumnHash> hashed = {};  // By names of their own; the first one that matches.
  std::vector<ColumnLength> truncated = {};
  // Whose source types stand in their schemas: column.propagate.source.type, and datatype.propagate.source.type, which is matched
  // with the type's name in the place of the column's.
  std::vector<std::string> typed_columns = {};
  std::vector<std::string> typed_data_types = {};
  // extended.headers.enabled: four headers of every event, which say who sent it.
  bool extended_headers = true;
  std::string connector_name = "sqlserver";
  std::string task_id = "0";
  std::string run_id = {};  // A UUID, another one for each run.

  Converter converter = Converter::avro;
  bool json_schemas = true;  // Of JSON: the schema beside each value.
  record::DecimalFormat json_decimals = record::DecimalFormat::base64;
  // What Connect's converters do where nothing else is set is to write a column's default for its NULLs.
  record::NullPolicy nulls = record::NullPolicy::keep;

  // What stands as the version in each event's source block; empty: that of the Debezium which these events are like.
  std::string version = {};

  const std::string& prefix() const;
  std::string topic_of(std::string_view schema, std::string_view table) const;
  std::string transaction_topic() const;
  std::string heartbeat_topic() const;
  std::string schema_change_topic() const;
  // Names and values of the extended headers; none where they are not wanted.
  std::vector<std::pair<std::string, std::string>> headers() const;
};

}  // namespace tailrace::debezium
