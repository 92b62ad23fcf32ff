// The encoder of a table: what recordings of Debezium do not show.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>

#include "debezium/event_encoder.h"
#include "debezium/testing/recording.h"
#include "record/json_tree.h"

namespace tailrace::debezium {
namespace {

using testing::Collector;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::put_value;
using testing::RecordedRecord;
using testing::type_named;

struct Declared {
  std::string name;
  std::string type;
  bool nullable = true;
  std::string fallback = {};
};

tailrace::SchemaPtr table_of(const std::vector<Declared>& columns, std::vector<std::size_t> key = {0},
                             const TableName& name = {"dbo", "t"}) {
  auto table = std::make_shared<TableSchema>();
  table->name = name;
  for (const Declared& declared : columns) {
    table->columns.push_back({.name = declared.name,
                              .type = type_named(declared.type),
                              .nullable = declared.nullable,
                              .fallback = declared.fallback});
  }
  table->key = std::move(key);
  return table;
}

// A row of texts; "NULL" and "absent" are what they say.
void add_row(RowBatch& batch, Operation operation, const std::vector<std::string>& values) {
  const std::size_t row =
      batch.add_row({.operation = operation, .commit_lsn = Lsn::parse("00000027000000010001")});
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] == "absent")
      batch.set_absent(row, i);
    else if (values[i] != "NULL")
      put_value(batch, row, i, values[i]);
  }
}

EventSettings json_settings() {
  EventSettings settings;
  settings.topic_prefix = "shop";
  settings.database = "Shop";
  settings.converter = Converter::json;
  settings.json_schemas = false;
  settings.extended_headers = false;
  return settings;
}

std::vector<RecordedRecord> encode(const RowBatch& batch, const EventSettings& settings) {
  EventEncoder encoder(settings, batch.schema_ptr(), nullptr);
  Collector collector;
  for (std::size_t row = 0; row < batch.rows(); ++row)
    EXPECT_TRUE(
        encoder.encode(batch, row, {.commit_lsn = batch.header(row).commit_lsn, .now = 1}, collector));
  return collector.records;
}

// A member of an event's image, as JSON: after.note.
std::string member_of(const RecordedRecord& record, std::string_view image, std::string_view name) {
  const record::Json event = record::parse_json(record.value.value());
  const record::Json* const row = event.find(image);
  if (row == nullptr || row->is_null()) return "no image";
  const record::Json* const value = row->find(name);
  if (value == nullptr) return "no member";
  return value->is_null()                             ? "null"
         : value->kind == record::Json::Kind::boolean ? (value->truth ? "true" : "false")
                                                      : value->text;
}

std::string operation_of(const RecordedRecord& record) {
  if (!record.value) return "tombstone";
  return *record::parse_json(*record.value).find_string("op");
}

std::vector<std::string> operations_of(const std::vector<RecordedRecord>& records) {
  std::vector<std::string> found;
  for (const RecordedRecord& record : records)
    found.push_back(operation_of(record));
  return found;
}

void expect_kind(ErrorKind kind, const std::string& words, const std::function<void()>& act) {
  try {
    act();
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    EXPECT_THAT(error.what(), HasSubstr(words));
  }
}

// A large value that nobody has changed must be neither NULL nor empty to those who read it: they would store that.
TEST(Encoder, AbsentValuesArePlaceholdersInEachMode) {
  const auto table =
      table_of({{"id", "int", false}, {"note", "nvarchar(max)"}, {"data", "varbinary(max)", false}});
  RowBatch batch(table);
  add_row(batch, Operation::update_before, {"1", "absent", "absent"});
  add_row(batch, Operation::update, {"1", "absent", "absent"});
  EventSettings settings = json_settings();
  settings.unavailable_value = "~?>";
  for (const auto& [mode, data] :
       std::vector<std::pair<BinaryMode, std::string>>{{BinaryMode::bytes, "fj8+"},
                                                       {BinaryMode::base64, "fj8+"},
                                                       {BinaryMode::base64_url_safe, "fj8-"},
                                                       {BinaryMode::hex, "7e3f3e"}}) {
    settings.binary = mode;
    const std::vector<RecordedRecord> records = encode(batch, settings);
    ASSERT_EQ(records.size(), 1U);
    for (const char* const image : {"before", "after"}) {
      EXPECT_EQ(member_of(records[0], image, "note"), "~?>");
      EXPECT_EQ(member_of(records[0], image, "data"), data);
    }
  }
}

// Connect's converters make a default of a NULL where nobody tells them not to: a value that was never there.
TEST(Encoder, NullStaysNullWhereAColumnHasADefault) {
  const auto table = table_of({{"id", "int", false}, {"n", "int", true, "((7))"}});
  RowBatch batch(table);
  add_row(batch, Operation::insert, {"1", "NULL"});
  EventSettings settings = json_settings();
  EXPECT_EQ(member_of(encode(batch, settings).at(0), "after", "n"), "null");
  settings.nulls = record::NullPolicy::replace_by_default;
  EXPECT_EQ(member_of(encode(batch, settings).at(0), "after", "n"), "7");
}

// CDC has no value of a text before a change, also where it may not be NULL: the schema needs one.
TEST(Encoder, WhatMayNotBeNullIsEmptyWhereCdcSaysNothing) {
  const auto table = table_of({{"id", "int", false},
                               {"note", "text", false},
                               {"d", "decimal(5,2)", false},
                               {"at", "datetimeoffset(3)", false}});
  RowBatch batch(table);
  add_row(batch, Operation::delete_, {"1", "NULL", "NULL", "NULL"});
  EventSettings settings = json_settings();
  settings.decimals = DecimalMode::string;
  const std::vector<RecordedRecord> records = encode(batch, settings);
  EXPECT_EQ(member_of(records.at(0), "before", "note"), "");
  EXPECT_EQ(member_of(records.at(0), "before", "d"), "0.00");
  EXPECT_EQ(member_of(records.at(0), "before", "at"), "1970-01-01T00:00:00Z");
}

// A wrong instant would be worse than a stop: nanoseconds of 64 bits end in 2262.
TEST(Encoder, ATimestampBeyondNanosecondsIsRefusedBeforeAnythingIsGiven) {
  const auto table = table_of({{"id", "int", false}, {"at", "datetime2(7)"}});
  RowBatch batch(table);
  add_row(batch, Operation::update_before, {"1", "2262-04-11T23:47:16.8547758"});
  add_row(batch, Operation::update, {"2", "2262-04-11T23:47:16.8547759"});
  EventSettings settings = json_settings();
  EventEncoder encoder(settings, table, nullptr);
  Collector collector;
  expect_kind(ErrorKind::data, "column=at", [&] { (void)encoder.encode(batch, 1, {}, collector); });
  EXPECT_THAT(collector.records, IsEmpty());
  settings.times = TimePrecision::microseconds;
  EXPECT_EQ(member_of(encode(batch, settings).at(0), "before", "at"), "9223372036854775");
}

// Where somebody asked for it, and where an event can say so: a key has no NULL, nor has a column that may not be NULL.
TEST(Encoder, ATimestampBeyondNanosecondsIsNullWhereThatIsAsked) {
  EventSettings settings = json_settings();
  settings.conversion_failures = ConversionFailure::warn;
  const auto sent = [&](const tailrace::SchemaPtr& table) {
    RowBatch batch(table);
    add_row(batch, Operation::insert, {"1", "2300-01-01T00:00:00"});
    return member_of(encode(batch, settings).at(0), "after", "at");
  };
  EXPECT_EQ(sent(table_of({{"id", "int", false}, {"at", "datetime2(7)"}})), "null");
  EXPECT_EQ(sent(table_of({{"id", "int", false}, {"at", "datetime2(7)", false, "('1970-01-01')"}})), "0");
  const auto required = table_of({{"id", "int", false}, {"at", "datetime2(7)", false}});
  expect_kind(ErrorKind::data, "column=at", [&] { sent(required); });
  settings.key_columns = {{"dbo.*", {"at"}}};
  const auto keyed = table_of({{"id", "int", false}, {"at", "datetime2(7)"}});
  expect_kind(ErrorKind::data, "column=at", [&] { sent(keyed); });
}

// The cell of a fault is not the row's value.
TEST(Encoder, ARowWithAFaultIsRefused) {
  const auto table = table_of({{"id", "int", false}, {"note", "nvarchar(9)"}});
  RowBatch batch(table);
  add_row(batch, Operation::insert, {"1", "a"});
  add_row(batch, Operation::insert, {"2", "NULL"});
  batch.add_fault({1, 1, RowFaultCode::lone_surrogate, "half a letter"});
  EventEncoder encoder(json_settings(), table, nullptr);
  Collector collector;
  EXPECT_TRUE(encoder.encode(batch, 0, {}, collector));
  expect_kind(ErrorKind::data, "half a letter", [&] { (void)encoder.encode(batch, 1, {}, collector); });
  EXPECT_EQ(collector.records.size(), 1U);
}

// Who keeps the last record of each key would keep the old row for ever.
TEST(Encoder, AChangedKeyIsADeleteOfTheOldOneAndACreateOfTheNew) {
  const auto table = table_of({{"id", "int", false}, {"code", "nvarchar(9)"}});
  RowBatch batch(table);
  add_row(batch, Operation::update_before, {"1", R"(a "b" \)"});
  add_row(batch, Operation::update, {"1", "NULL"});
  EventSettings settings = json_settings();
  settings.key_columns = {{"DBO.T", {"code"}}};
  const std::vector<RecordedRecord> records = encode(batch, settings);
  EXPECT_THAT(operations_of(records), ElementsAre("d", "tombstone", "c"));
  EXPECT_EQ(records[0].key, R"({"code":"a \"b\" \\"})");
  EXPECT_EQ(records[1].key, records[0].key);
  EXPECT_EQ(records[2].key, R"({"code":null})");
  const std::pair<std::string, std::string> to_new("__debezium.newkey", R"({"code":null})");
  const std::pair<std::string, std::string> to_old("__debezium.oldkey", R"({"code":"a \"b\" \\"})");
  EXPECT_THAT(records[0].headers, ElementsAre(to_new));
  EXPECT_THAT(records[1].headers, ElementsAre(to_new));
  EXPECT_THAT(records[2].headers, ElementsAre(to_old));
  settings.skipped.delete_ = true;
  EXPECT_THAT(operations_of(encode(batch, settings)), ElementsAre("c"));
  settings.skipped = {.create = true};
  EXPECT_THAT(operations_of(encode(batch, settings)), ElementsAre("d", "tombstone"));
  settings.skipped = {.update = true};
  EXPECT_THAT(encode(batch, settings), IsEmpty());
}

TEST(Encoder, ATableWithoutAKeyHasTombstonesWithoutOne) {
  const auto table = table_of({{"n", "int"}}, {});
  RowBatch batch(table);
  add_row(batch, Operation::delete_, {"1"});
  EventSettings settings = json_settings();
  const std::vector<RecordedRecord> records = encode(batch, settings);
  EXPECT_THAT(operations_of(records), ElementsAre("d", "tombstone"));
  EXPECT_FALSE(records[0].key || records[1].key);
  settings.tombstones = false;
  EXPECT_THAT(operations_of(encode(batch, settings)), ElementsAre("d"));
}

TEST(Encoder, SkippedOperationsHaveNoRecords) {
  const auto table = table_of({{"id", "int", false}});
  RowBatch batch(table);
  add_row(batch, Operation::insert, {"1"});
  add_row(batch, Operation::update_before, {"1"});
  add_row(batch, Operation::update, {"1"});
  add_row(batch, Operation::delete_, {"1"});
  add_row(batch, Operation::read, {"1"});
  EventSettings settings = json_settings();
  settings.skipped = {.create = true};
  EXPECT_THAT(operations_of(encode(batch, settings)), ElementsAre("u", "d", "tombstone", "r"));
  settings.skipped = {.update = true, .delete_ = true};
  EXPECT_THAT(operations_of(encode(batch, settings)), ElementsAre("c", "r"));
}

// A source that gives no row before its updates, or has lost it, is no reason to say another row's.
TEST(Encoder, AnUpdateWithoutItsBeforeImageHasNone) {
  const auto table = table_of({{"id", "int", false}});
  RowBatch batch(table);
  add_row(batch, Operation::insert, {"1"});
  add_row(batch, Operation::update, {"2"});
  const std::vector<RecordedRecord> records = encode(batch, json_settings());
  EXPECT_THAT(operations_of(records), ElementsAre("c", "u"));
  EXPECT_EQ(member_of(records[1], "before", "id"), "no image");
}

class Refusing : public RecordTaker {
 public:
  explicit Refusing(int takes) : left_(takes) {}
  bool take(const EventRecord&) override { return left_-- > 0; }
  int left() const { return left_; }

 private:
  int left_;
};

TEST(Encoder, EndsWhenTheTakerDoes) {
  const auto table = table_of({{"id", "int", false}});
  RowBatch batch(table);
  add_row(batch, Operation::delete_, {"1"});
  EventEncoder encoder(json_settings(), table, nullptr);
  Refusing one(1);
  EXPECT_FALSE(encoder.encode(batch, 0, {}, one));
  EXPECT_EQ(one.left(), -1);
  Refusing none(0);
  EXPECT_FALSE(encoder.encode(batch, 0, {}, none));
  EXPECT_EQ(none.left(), -1);
}

TEST(Encoder, TwoColumnsOfOneNameAreRefused) {
  const auto table = table_of({{"id", "int", false}, {"a b", "int"}, {"a-b", "int"}});
  EventSettings settings = json_settings();
  settings.field_names = NameAdjustment::avro;
  expect_kind(ErrorKind::config, "a_b", [&] { const EventEncoder encoder(settings, table, nullptr); });
}

// What a spatial value means can be read by everybody; the server's own bytes by few.
TEST(Encoder, SpatialValuesAreTexts) {
  const auto table = table_of({{"id", "int", false}, {"place", "geography"}});
  RowBatch batch(table);
  add_row(batch, Operation::insert, {"1", "0x0101000020E6100000000000000000F03F0000000000000040"});
  EXPECT_EQ(member_of(encode(batch, json_settings()).at(0), "after", "place"), "SRID=4326;POINT (1 2)");
}

// Drivers give a datetime's thirds as they are; the server shows milliseconds.
TEST(Encoder, ADatetimeIsInMilliseconds) {
  const auto table = table_of({{"id", "int", false}, {"at", "datetime"}});
  RowBatch batch(table);
  add_row(batch, Operation::insert, {"1", "1970-01-01T00:00:00.0066667"});
  EventSettings settings = json_settings();
  EXPECT_EQ(member_of(encode(batch, settings).at(0), "after", "at"), "7");
  settings.times = TimePrecision::nanoseconds;
  EXPECT_EQ(member_of(encode(batch, settings).at(0), "after", "at"), "7000000");
}

TEST(Topics, HaveADatabaseWhereTheyHaveAPrefix) {
  EventSettings settings;
  settings.database = "Shop";
  EXPECT_EQ(settings.topic_of("dbo", "a b"), "sqlserver.dbo.a_b");
  EXPECT_EQ(settings.transaction_topic(), "sqlserver.transaction");
  settings.topic_prefix = "p-1";
  EXPECT_EQ(settings.topic_of("dbo", "größe\U0001F642"), "p-1.Shop.dbo.gr__e__");
  EXPECT_EQ(settings.heartbeat_topic(), "__debezium-heartbeat.p-1");
  settings.topic_format = "{database}-{table}.{schema}.{x}";
  EXPECT_EQ(settings.topic_of("dbo", "{table}"), "Shop-_table_.dbo._x_");
  settings.topic_format = "{table}";
  EXPECT_EQ(settings.topic_of("dbo", std::string(300, 'x')).size(), 249U);
  EXPECT_EQ(settings.topic_of("dbo", ".."), "__");
}

}  // namespace
}  // namespace tailrace::debezium
