// The event encoder, from the cells of row batches: events a second.
//
//   build/event-bench [SECONDS]     a line for each: name, events a second, bytes a second, separated by tabs
//
// Sixteen columns as sales tables have them, key and whole envelope with its source block: `avro insert` and `avro update` (both
// images) in Confluent's frame, `json insert` without schemas.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "debezium/event_encoder.h"
#include "model/row_batch.h"

namespace {

using namespace tailrace;
using namespace tailrace::debezium;

SchemaPtr orders() {
  auto table = std::make_shared<TableSchema>();
  table->name = {"dbo", "orders"};
  const auto add = [&](const char* name, ColumnType type, bool nullable = true) {
    table->columns.push_back({.name = name, .type = type, .nullable = nullable});
  };
  add("id", {TypeKind::bigint}, false);
  add("customer", {TypeKind::int_}, false);
  add("placed", {TypeKind::datetime2, 0, 0, 7});
  add("shipped", {TypeKind::datetime2, 0, 0, 7});
  add("cancelled", {TypeKind::datetime2, 0, 0, 7});
  add("quantity", {TypeKind::int_});
  add("status", {TypeKind::smallint});
  add("day", {TypeKind::date});
  add("price", {TypeKind::decimal, 0, 10, 2});
  add("discount", {TypeKind::money});
  add("total", {TypeKind::decimal, 0, 38, 2});
  add("weight", {TypeKind::float_});
  add("paid", {TypeKind::bit});
  add("code", {TypeKind::nvarchar, 20}, false);
  add("name", {TypeKind::nvarchar, 100});
  add("note", {TypeKind::nvarchar, 200});
  table->key = {0};
  return table;
}

void add_row(RowBatch& batch, Operation operation, std::int64_t i) {
  RowHeader header{.operation = operation};
  header.commit_lsn.bytes[9] = 1;
  header.seqval.bytes[9] = 2;
  const std::size_t row = batch.add_row(header);
  constexpr std::int64_t in_2023 = 638'000'000'000'000'000;
  batch.put(row, 0).integer = 1'000'000 + i;
  batch.put(row, 1).integer = i * 7919 % 100'000;
  batch.put(row, 2).integer = in_2023 + i * 12'345;
  batch.put(row, 3).integer = in_2023 + i * 76'543;
  batch.put(row, 5).integer = i % 50;
  batch.put(row, 6).integer = i % 7;
  batch.put(row, 7).integer = 738'000 + i % 365;
  batch.put(row, 8).decimal = 1'999 + i;
  batch.put(row, 9).decimal = -i;
  batch.put(row, 10).decimal = int128{123'456'789} * i;
  batch.put(row, 11).float64 = 0.5 * static_cast<double>(i);
  batch.put(row, 12).integer = i % 2;
  batch.put_text(row, 13, "ORD-" + std::to_string(i * 31));
  batch.put_text(row, 14, "customer number " + std::to_string(i));
  batch.put_text(row, 15, std::string(static_cast<std::size_t>(i % 60), 'x'));
}

class AnyId : public SchemaIds {
 public:
  std::int32_t id_of(const std::string&, RecordPart, const record::Schema&, const std::string&) override {
    return 7;
  }
};

class Counting : public RecordTaker {
 public:
  bool take(const EventRecord& record) override {
    ++records;
    bytes += record.key->size() + record.value->size();
    return true;
  }
  std::size_t records = 0;
  std::size_t bytes = 0;
};

void measure(const char* name, double seconds, Operation operation, Converter converter) {
  RowBatch batch(orders());
  for (std::int64_t i = 0; i < 1'000; ++i) {
    if (operation == Operation::update) add_row(batch, Operation::update_before, i);
    add_row(batch, operation, i);
  }
  EventSettings settings;
  settings.topic_prefix = "shop";
  settings.database = "shop";
  settings.converter = converter;
  settings.json_schemas = false;
  AnyId ids;
  EventEncoder encoder(settings, batch.schema_ptr(), &ids);
  const EventContext context{.commit_lsn = batch.header(0).commit_lsn,
                             .change_lsn = batch.header(0).seqval,
                             .event_serial_no = 1,
                             .source_time = 1'700'000'000'000'000'000,
                             .now = 1'700'000'000'123'456'789};
  Counting taker;
  const auto round = [&] {
    for (std::size_t row = 0; row < batch.rows(); ++row) {
      if (!encoder.encode(batch, row, context, taker)) std::abort();
    }
  };
  round();  // Warm.
  taker = {};
  const auto begin = std::chrono::steady_clock::now();
  double passed = 0;
  while (passed < seconds) {
    round();
    passed = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }
  std::printf("%s\t%.0f\t%.0f\n", name, static_cast<double>(taker.records) / passed,
              static_cast<double>(taker.bytes) / passed);
}

}  // namespace

int main(int count, char** words) {
  try {
    const double seconds = count > 1 ? std::strtod(words[1], nullptr) : 2.0;
    measure("avro insert", seconds, Operation::insert, Converter::avro);
    measure("avro update", seconds, Operation::update, Converter::avro);
    measure("json insert", seconds, Operation::insert, Converter::json);
    return 0;
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "event-bench: %s\n", failure.what());
    return 70;
  }
}
