// Records as a Debezium writes them, for tests: keys and envelopes of one table, in JSON with schemas or in Avro.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "record/schema.h"
#include "record/value.h"

namespace tailrace::intake::testing {

using record::List;
using record::Value;

struct EventTable {
  std::string topic = "shop.shop.dbo.orders";
  std::string database = "shop";
  std::string schema = "dbo";
  std::string name = "orders";
  std::vector<record::Field> columns = {{"id", record::schema_of(record::SchemaType::int32)},
                                        {"note", record::optional_of(record::SchemaType::string)}};
  std::vector<std::string> key = {"id"};

  record::SchemaPtr row_schema() const;
  record::SchemaPtr key_schema() const;
  record::SchemaPtr envelope_schema() const;
};

struct Change {
  std::string op = "c";
  std::optional<List> before = {};
  std::optional<List> after = {};
  std::uint64_t commit = 1;  // The number of its LSN.
  std::string snapshot = "false";
  std::int64_t milliseconds = 1'700'000'000'000;
};

// 00000000:00000000:0001, as Debezium writes it.
std::string lsn_text(std::uint64_t number);

Value key_value(const EventTable& table, const List& row);
Value envelope_value(const EventTable& table, const Change& change);

std::string json_of(const record::Schema& schema, const Value& value);
// In Confluent's frame.
std::string avro_of(const record::Schema& schema, const Value& value, std::int32_t schema_id);

}  // namespace tailrace::intake::testing
