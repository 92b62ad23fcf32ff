// Records of JSON that say no schema (schemas.enable=false), with the schema that the columns of their table give them.
//
// Shape    A value is taken where it can mean one thing alone: a number in a whole, decimal or float column, true and false, text, a
//          moment as ISO 8601, a date also as days. Bytes, decimals as text and moments as numbers are not: their encoding and unit
//          are what a schema says.
// Errors   data: no table to take the columns from; a value that may mean several things. schema: a field that is no column.
//          What UseTable throws passes through.
// Threads  Of one thread.
// Source   Kafka Connect 4.3, JsonConverter; Debezium 3.6, "Data change events".
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "intake/settings.h"
#include "model/table_schema.h"
#include "pipeline/partitions.h"
#include "record/connect_json.h"

namespace tailrace::intake {

class Schemaless {
 public:
  Schemaless(const Settings& settings, UseTable use_table)
      : settings_(settings), use_table_(std::move(use_table)) {}

  struct Said {
    record::SchemaPtr schema;
    record::Value value;
    TableName table;
  };
  Said value(std::string_view topic, const record::Json& json);
  // `table`: of the value that it comes with.
  record::SchemaAndValue key(const TableName& table, const record::Json& json);

 private:
  Said envelope(std::string_view topic, const record::Json& json);
  Said flat(std::string_view topic, const record::Json& json);
  const Column& column_of(const TableName& table, const std::string& name);
  const TableSchema& describe(const TableName& table, bool anew);

  const Settings& settings_;
  UseTable use_table_;
  std::map<TableName, SchemaPtr> described_;
};

}  // namespace tailrace::intake
