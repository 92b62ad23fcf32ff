// Connect schemas of what Debezium sends: a table's key and envelope, the topics of transactions and heartbeats.
//
// Errors  config: a key column of message.key.columns that is none, two columns of one name after the adjustment of names.
// Source  Debezium 3.6: SchemaFactory, TableSchemaBuilder, Key.CustomKeyMapper.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "debezium/column_form.h"
#include "debezium/settings.h"
#include "model/table_schema.h"
#include "record/schema.h"

namespace tailrace::debezium {

struct TablePlan {
  std::string topic = {};
  std::vector<ColumnPlan> columns = {};  // In the table's order, as the images have them.
  std::vector<ColumnPlan> key = {};
  record::SchemaPtr key_schema = {};  // nullptr: the table has no key.
  record::SchemaPtr envelope = {};
};

TablePlan plan_table(const TableSchema& table, const EventSettings& settings);

// Of the table, by message.key.columns, else its replication key.
std::vector<std::size_t> key_columns_of(const TableSchema& table, const EventSettings& settings);

record::SchemaPtr source_schema();
record::SchemaPtr transaction_key_schema(const EventSettings& settings);
record::SchemaPtr transaction_value_schema(const EventSettings& settings);
record::SchemaPtr heartbeat_key_schema(const EventSettings& settings);
record::SchemaPtr heartbeat_value_schema(const EventSettings& settings);
record::SchemaPtr notification_key_schema();
record::SchemaPtr notification_value_schema();

}  // namespace tailrace::debezium
