// A table as the topic of schema changes describes it.
//
// Source  Debezium 3.6: SchemaChangeEvent, ConnectTableChangeSerializer, SchemaFactory.schemaHistoryConnectorValueSchema.
#pragma once

#include <cstdint>
#include <string>

#include "debezium/event.h"
#include "debezium/settings.h"
#include "model/table_schema.h"
#include "record/schema.h"

namespace tailrace::debezium {

struct SchemaChange {
  const TableSchema& table;
  bool is_new = false;  // CREATE: nothing was said of it before. ALTER else.
  EventContext context = {};
};

record::SchemaPtr schema_change_key_schema(const EventSettings& settings);
record::SchemaPtr schema_change_value_schema(const EventSettings& settings);
record::Value schema_change_key(const EventSettings& settings);
record::Value schema_change_value(const SchemaChange& change, const EventSettings& settings);

// Tells one description of a table from another: equal where the topic would say the same of both.
std::string shape_of(const TableSchema& table);

}  // namespace tailrace::debezium
