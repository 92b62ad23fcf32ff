// The Avro encoder beside libavro: the same change events, the same bytes, events a second of each.
//
//   build/avro-bench [SECONDS]     a line for each: name, events a second, bytes a second, separated by tabs
//
// `cells` is driven value by value, as from the cells of a row batch; `values` from a tree of values; `libavro` sets the fields of one
// generic value that it uses again and again and writes it into memory: its fastest way for a schema that is known at run time only.
#include <avro.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "record/avro_plan.h"
#include "record/avro_schema.h"
#include "record/decimal.h"
#include "record/write_value.h"

namespace {

using namespace tailrace::record;
using tailrace::ByteBuffer;
using tailrace::int128;

// A row of sixteen columns as sales tables have them.
struct Row {
  std::int64_t id, customer, placed, shipped;
  std::int64_t quantity, status, day;
  int128 price, discount, total;
  double weight;
  bool paid;
  std::string code, name, note;
};

std::vector<Row> rows() {
  std::vector<Row> made;
  for (std::int64_t i = 0; i < 1'000; ++i) {
    made.push_back({.id = 1'000'000 + i,
                    .customer = i * 7919 % 100'000,
                    .placed = 1'700'000'000'000'000'000 + i * 1'234'567,
                    .shipped = 1'700'000'000'000'000'000 + i * 7'654'321,
                    .quantity = i % 50,
                    .status = i % 7,
                    .day = 20'000 + i % 365,
                    .price = 1'999 + i,
                    .discount = -i,
                    .total = int128{123'456'789} * i,
                    .weight = 0.5 * static_cast<double>(i),
                    .paid = i % 2 == 0,
                    .code = "ORD-" + std::to_string(i * 31),
                    .name = "customer number " + std::to_string(i),
                    .note = std::string(static_cast<std::size_t>(i % 60), 'x')});
  }
  return made;
}

SchemaPtr logical(SchemaType type, const char* name) {
  return make_schema({.type = type, .optional = true, .name = name, .version = 1});
}

SchemaPtr schema() {
  const SchemaPtr nano = logical(SchemaType::int64, "io.debezium.time.NanoTimestamp");
  const SchemaPtr row = optional_of(
      struct_of("shop.shop.dbo.orders.Value", {{"id", schema_of(SchemaType::int64)},
                                               {"customer", schema_of(SchemaType::int32)},
                                               {"placed", nano},
                                               {"shipped", nano},
                                               {"cancelled", nano},
                                               {"quantity", optional_of(SchemaType::int32)},
                                               {"status", optional_of(SchemaType::int16)},
                                               {"day", logical(SchemaType::int32, "io.debezium.time.Date")},
                                               {"price", decimal_schema(2, 10, true)},
                                               {"discount", decimal_schema(4, 19, true)},
                                               {"total", decimal_schema(2, 38, true)},
                                               {"weight", optional_of(SchemaType::float64)},
                                               {"paid", optional_of(SchemaType::boolean)},
                                               {"code", schema_of(SchemaType::string)},
                                               {"name", optional_of(SchemaType::string)},
                                               {"note", optional_of(SchemaType::string)}}));
  return struct_of("shop.shop.dbo.orders.Envelope", {{"before", row},
                                                     {"after", row},
                                                     {"op", schema_of(SchemaType::string)},
                                                     {"ts_ms", optional_of(SchemaType::int64)}});
}

void write_cells(AvroWriter& writer, const Row& row) {
  writer.begin();
  writer.begin_record();
  writer.null();
  writer.begin_record();
  writer.integer(row.id);
  writer.integer(row.customer);
  writer.integer(row.placed);
  writer.integer(row.shipped);
  writer.null();
  writer.integer(row.quantity);
  writer.integer(row.status);
  writer.integer(row.day);
  writer.decimal(row.price);
  writer.decimal(row.discount);
  writer.decimal(row.total);
  writer.float64(row.weight);
  writer.boolean(row.paid);
  writer.text(row.code);
  writer.text(row.name);
  writer.text(row.note);
  writer.text("c");
  writer.integer(1'700'000'000'000);
}

Value value_of(const Row& row) {
  const auto decimal = [](int128 number) { return Value::bytes(decimal_bytes(number)); };
  const auto number = [](std::int64_t n) { return Value::integer(n); };
  return Value::list({Value(),
                      Value::list({number(row.id), number(row.customer), number(row.placed),
                                   number(row.shipped), Value(), number(row.quantity), number(row.status),
                                   number(row.day), decimal(row.price), decimal(row.discount),
                                   decimal(row.total), Value::float64(row.weight), Value::boolean(row.paid),
                                   Value::text(row.code), Value::text(row.name), Value::text(row.note)}),
                      Value::text("c"), number(1'700'000'000'000)});
}

void check(int code) {
  if (code != 0) throw std::runtime_error(avro_strerror());
}

// libavro's value and what is set in it; freed at the program's end.
class Libavro {
 public:
  explicit Libavro(const std::string& document) : memory_(64 * 1024) {
    avro_schema_t parsed = nullptr;
    check(avro_schema_from_json_length(document.data(), document.size(), &parsed));
    check(avro_generic_value_new(avro_generic_class_from_schema(parsed), &value_));
    writer_ = avro_writer_memory(memory_.data(), static_cast<std::int64_t>(memory_.size()));
  }

  std::string_view write(const Row& row) {
    avro_value_t part;
    check(avro_value_get_by_index(&value_, 0, &part, nullptr));
    set_null(part);
    check(avro_value_get_by_index(&value_, 1, &part, nullptr));
    avro_value_t after;
    check(avro_value_set_branch(&part, 1, &after));
    write_row(after, row);
    check(avro_value_get_by_index(&value_, 2, &part, nullptr));
    check(avro_value_set_string_len(&part, const_cast<char*>("c"), 2));
    set_long(value_, 3, 1'700'000'000'000);
    avro_writer_reset(writer_);
    check(avro_value_write(writer_, &value_));
    return {memory_.data(), static_cast<std::size_t>(avro_writer_tell(writer_))};
  }

 private:
  static void set_null(avro_value_t& part) {
    avro_value_t inner;
    check(avro_value_set_branch(&part, 0, &inner));
    check(avro_value_set_null(&inner));
  }
  // The field, or the second branch of its union.
  static avro_value_t field(avro_value_t& record, std::size_t at) {
    avro_value_t part;
    check(avro_value_get_by_index(&record, at, &part, nullptr));
    if (avro_value_get_type(&part) != AVRO_UNION) return part;
    avro_value_t inner;
    check(avro_value_set_branch(&part, 1, &inner));
    return inner;
  }
  static void set_long(avro_value_t& record, std::size_t at, std::int64_t number) {
    avro_value_t to = field(record, at);
    check(avro_value_set_long(&to, number));
  }
  static void set_int(avro_value_t& record, std::size_t at, std::int64_t number) {
    avro_value_t to = field(record, at);
    check(avro_value_set_int(&to, static_cast<std::int32_t>(number)));
  }
  static void set_text(avro_value_t& record, std::size_t at, const std::string& text) {
    avro_value_t to = field(record, at);
    check(avro_value_set_string_len(&to, const_cast<char*>(text.c_str()), text.size() + 1));
  }
  static void set_decimal(avro_value_t& record, std::size_t at, int128 number) {
    char bytes[16];
    const char* const end = write_decimal(bytes, number);
    avro_value_t to = field(record, at);
    check(avro_value_set_bytes(&to, bytes, static_cast<std::size_t>(end - bytes)));
  }
  static void write_row(avro_value_t& to, const Row& row) {
    set_long(to, 0, row.id);
    set_int(to, 1, row.customer);
    set_long(to, 2, row.placed);
    set_long(to, 3, row.shipped);
    avro_value_t part;
    check(avro_value_get_by_index(&to, 4, &part, nullptr));
    set_null(part);
    set_int(to, 5, row.quantity);
    set_int(to, 6, row.status);
    set_int(to, 7, row.day);
    set_decimal(to, 8, row.price);
    set_decimal(to, 9, row.discount);
    set_decimal(to, 10, row.total);
    part = field(to, 11);
    check(avro_value_set_double(&part, row.weight));
    part = field(to, 12);
    check(avro_value_set_boolean(&part, row.paid ? 1 : 0));
    set_text(to, 13, row.code);
    set_text(to, 14, row.name);
    set_text(to, 15, row.note);
  }

  std::vector<char> memory_;
  avro_value_t value_{};
  avro_writer_t writer_ = nullptr;
};

void measure(const char* name, double seconds, std::size_t count, const std::function<std::size_t()>& round) {
  using Clock = std::chrono::steady_clock;
  std::size_t events = 0;
  std::size_t bytes = 0;
  round();  // Warm.
  const auto begin = Clock::now();
  double passed = 0;
  while (passed < seconds) {
    bytes += round();
    events += count;
    passed = std::chrono::duration<double>(Clock::now() - begin).count();
  }
  std::printf("%s\t%.0f\t%.0f\n", name, static_cast<double>(events) / passed,
              static_cast<double>(bytes) / passed);
}

void run(double seconds) {
  const std::vector<Row> all = rows();
  const SchemaPtr envelope = schema();
  const std::string document = avro_document(*envelope);
  ByteBuffer out;
  AvroWriter writer(AvroPlan::compile(*parse_avro(document)), out);
  Libavro libavro(document);
  std::vector<Value> values;
  for (const Row& row : all) {
    values.push_back(value_of(row));
    out.clear();
    write_cells(writer, row);
    const std::string cells = out.str();
    out.clear();
    writer.begin();
    write_value(writer, *envelope, values.back());
    if (cells != out.view() || cells != libavro.write(row))
      throw std::runtime_error("the encoders do not agree");
  }
  measure("cells", seconds, all.size(), [&] {
    out.clear();
    for (const Row& row : all)
      write_cells(writer, row);
    return out.size();
  });
  measure("values", seconds, all.size(), [&] {
    out.clear();
    for (const Value& value : values) {
      writer.begin();
      write_value(writer, *envelope, value);
    }
    return out.size();
  });
  measure("libavro", seconds, all.size(), [&] {
    std::size_t bytes = 0;
    for (const Row& row : all)
      bytes += libavro.write(row).size();
    return bytes;
  });
}

}  // namespace

int main(int count, char** words) {
  try {
    run(count > 1 ? std::strtod(words[1], nullptr) : 2.0);
    return 0;
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "avro-bench: %s\n", failure.what());
    return 70;
  }
}
