// Records into rows: operations, keys, placeholders, tombstones, flat rows, and what is no change.
#include "intake/testing/reader_case.h"

namespace tailrace::intake {
namespace {

using testing::Change;
using testing::EventTable;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::json_of;
using testing::List;
using testing::placeholder;
using testing::row;
using ::testing::SizeIs;
using testing::Value;

class ReaderTest : public testing::ReaderCase {};

TEST_F(ReaderTest, AnInsertIsARowOfTheTableThatItsSourceNames) {
  const EventTable table;
  const Event event = read(table, {.op = "c", .after = row(7, "seven"), .commit = 0x10002});
  EXPECT_EQ(event.operation, Operation::insert);
  EXPECT_EQ(event.commit_lsn->hex(), "00000000000000010002");
  EXPECT_FALSE(event.is_snapshot);
  EXPECT_EQ(event.commit_time_utc, 621'355'968'000'000'000 + 17'000'000'000'000'000);
  const RowBatch batch = put(event);
  EXPECT_EQ(batch.schema().name.str(), "dbo.orders");
  EXPECT_EQ(batch.schema().key, std::vector<std::size_t>{0});
  EXPECT_EQ(batch.cell(0, 0).integer, 7);
  EXPECT_EQ(batch.text(0, 1), "seven");
}

// Each record says its schema again: a table that was asked for anew for each would be looked up in the target each time.
TEST_F(ReaderTest, ATableIsAskedForOnce) {
  const EventTable table;
  for (int i = 0; i < 3; ++i)
    read(table, {.op = "c", .after = row(i, "x")});
  EXPECT_THAT(asked_, SizeIs(1));
}

TEST_F(ReaderTest, ADeleteKeepsTheKeyAlone) {
  const Event event = read(EventTable(), {.op = "d", .before = row(7, "gone")});
  EXPECT_EQ(event.operation, Operation::delete_);
  const RowBatch batch = put(event);
  EXPECT_EQ(batch.cell(0, 0).integer, 7);
  EXPECT_EQ(batch.state(0, 1), CellState::null);
}

TEST_F(ReaderTest, RowsOfASnapshotSayThatTheyAre) {
  const Event event = read(EventTable(), {.op = "r", .after = row(1, "x"), .snapshot = "first"});
  EXPECT_EQ(event.operation, Operation::read);
  EXPECT_TRUE(event.is_snapshot);
}

// Unchanged, NULL and the text itself are three different things.
TEST_F(ReaderTest, ThePlaceholderOfAnUpdateIsAbsent) {
  const EventTable table;
  const RowBatch update =
      put(read(table, {.op = "u", .before = row(7, placeholder), .after = row(7, placeholder)}));
  EXPECT_EQ(update.state(0, 1), CellState::absent);
  const RowBatch insert = put(read(table, {.op = "c", .after = row(7, placeholder)}));
  EXPECT_EQ(insert.text(0, 1), placeholder);
  const RowBatch null = put(read(table, {.op = "u", .after = List{Value::integer(7), Value::null()}}));
  EXPECT_EQ(null.state(0, 1), CellState::null);
}

// What the row under its old key had is in another partition, or gone: a made-up value would be worse than an end.
TEST_F(ReaderTest, APlaceholderUnderANewKeyIsRefused) {
  const Event event = read(EventTable(), {.op = "c", .after = row(8, placeholder)}, /*has_old_key=*/true);
  const Error error = thrown_by([&] { put(event); });
  EXPECT_EQ(error.kind(), ErrorKind::data);
  EXPECT_EQ(error.context("column"), "note");
}

// A topic that is compacted has lost the delete before it.
TEST_F(ReaderTest, ATombstoneDeletesByItsKey) {
  const EventTable table;
  read(table, {.op = "c", .after = row(7, "x")});
  const Event event = tombstone(table, row(7, ""));
  EXPECT_TRUE(event.is_tombstone);
  EXPECT_EQ(event.operation, Operation::delete_);
  EXPECT_EQ(event.commit_lsn, std::nullopt);
  const RowBatch batch = put(event);
  EXPECT_EQ(batch.cell(0, 0).integer, 7);
  EXPECT_THAT(asked_, SizeIs(1));
}

TEST_F(ReaderTest, AFirstTombstoneAsksForATableThatIsThere) {
  existing_ = {"dbo.orders"};
  const Event event = tombstone(EventTable(), row(7, ""));
  ASSERT_NE(event.route, nullptr);
  const RowBatch batch = put(event);
  EXPECT_EQ(batch.schema().name.str(), "dbo.orders");
  EXPECT_THAT(batch.schema().columns, SizeIs(1));
  EXPECT_EQ(batch.cell(0, 0).integer, 7);
}

TEST_F(ReaderTest, ATombstoneWithoutATableIsPassedBy) {
  EXPECT_EQ(tombstone(EventTable(), row(7, "")).route, nullptr);
  EXPECT_EQ(tombstone(EventTable(), row(8, "")).route, nullptr);
  EXPECT_THAT(asked_, IsEmpty());
}

TEST_F(ReaderTest, AFlatRowIsOneToo) {
  EventTable table;
  table.columns.push_back({"__deleted", record::optional_of(record::SchemaType::string)});
  table.columns.push_back({"__op", record::optional_of(record::SchemaType::string)});
  table.columns.push_back({"__source_commit_lsn", record::optional_of(record::SchemaType::string)});
  const auto flat = [&](const std::string& note, const std::string& deleted, const std::string& op) {
    const List values{Value::integer(7), Value::text(note), Value::text(deleted), Value::text(op),
                      Value::text(testing::lsn_text(5))};
    key_ = json_of(*table.key_schema(), testing::key_value(table, values));
    value_ = json_of(*record::required_of(table.row_schema()), Value::list(values));
    return reader().read({table.topic, key_, value_}, {});
  };
  const Event update = flat("seven", "false", "u");
  EXPECT_EQ(update.operation, Operation::update);
  EXPECT_EQ(update.commit_lsn->hex(), "00000000000000000005");
  const RowBatch batch = put(update);
  EXPECT_EQ(batch.schema().name.str(), "dbo.orders");
  EXPECT_EQ(batch.columns(), 2U);
  EXPECT_EQ(batch.text(0, 1), "seven");
  EXPECT_EQ(put(flat(placeholder, "false", "")).state(0, 1), CellState::absent);
  EXPECT_EQ(flat("", "true", "d").operation, Operation::delete_);
}

TEST_F(ReaderTest, TableNamesAreMadeAsTheSettingsSay) {
  settings_.table_names = "copy_of_{database}.{schema}_{table}";
  const RowBatch batch = put(read(EventTable(), {.op = "c", .after = row(7, "x")}));
  EXPECT_EQ(batch.schema().name.str(), "copy_of_shop.dbo_orders");
}

// A table whose schema changes goes on in the new shape, and what is read of the old one keeps its own.
TEST_F(ReaderTest, ANewColumnIsANewShape) {
  EventTable table;
  const Event before = read(table, {.op = "c", .after = row(1, "x")});
  const SchemaPtr old = before.route->table;
  table.columns.push_back({"more", record::optional_of(record::SchemaType::int32)});
  List wide = row(2, "y");
  wide.push_back(Value::integer(5));
  const Event after = read(table, {.op = "c", .after = wide});
  EXPECT_NE(after.route->table, old);
  EXPECT_EQ(after.route->table->columns.size(), 3U);
  EXPECT_EQ(old->columns.size(), 2U);
}

TEST_F(ReaderTest, AValueThatDoesNotFitIsAFaultOfItsRow) {
  const RowBatch batch = put(read(EventTable(), {.op = "c", .after = row(7, std::string("a\0b", 3))}));
  ASSERT_THAT(batch.faults(), SizeIs(1));
  EXPECT_EQ(batch.faults()[0].code, RowFaultCode::zero_in_text);
  EXPECT_THAT(batch.faults()[0].text, HasSubstr("topic[0]@7"));
}

TEST_F(ReaderTest, WhatIsNoChangeIsRefused) {
  const EventTable table;
  const std::string key = json_of(*table.key_schema(), testing::key_value(table, row(1, "")));
  const auto read_raw = [&](std::optional<std::string_view> raw_key, std::string_view value) {
    return thrown_by([&] { reader().read({table.topic, raw_key, value}, {}); });
  };
  EXPECT_EQ(read_raw(key, "no json").kind(), ErrorKind::protocol);
  EXPECT_EQ(read_raw(key, R"({"schema":null,"payload":{"id":1}})").kind(), ErrorKind::data);
  EXPECT_EQ(read_raw(key, R"({"schema":{"type":"int32"},"payload":1})").kind(), ErrorKind::data);
  const std::string value =
      json_of(*table.envelope_schema(), testing::envelope_value(table, {.op = "c", .after = row(1, "x")}));
  EXPECT_EQ(read_raw(std::nullopt, value).kind(), ErrorKind::config);
  EXPECT_EQ(read_raw(R"({"schema":{"type":"int32"},"payload":1})", value).kind(), ErrorKind::config);
  const Change truncate{.op = "t"};
  EXPECT_EQ(read_raw(key, json_of(*table.envelope_schema(), testing::envelope_value(table, truncate))).kind(),
            ErrorKind::data);
}

// Who passes such records over says where they broke, and must tell them from a registry or a target that is out of order.
TEST_F(ReaderTest, WhatIsWrongWithARecordHasItsStage) {
  const EventTable table;
  const std::string key = json_of(*table.key_schema(), testing::key_value(table, row(1, "x")));
  const auto stage_of = [&](const std::optional<std::string>& with, const std::string& value) {
    const Error error = thrown_by([&] { reader().read({table.topic, with, value}, {}); });
    return std::string(error.context("stage"));
  };
  EXPECT_EQ(stage_of(key, "no json"), "VALUE_CONVERTER");
  const std::string value =
      json_of(*table.envelope_schema(), testing::envelope_value(table, {.op = "c", .after = row(1, "x")}));
  EXPECT_EQ(stage_of("no json", value), "KEY_CONVERTER");
  EXPECT_EQ(stage_of(std::nullopt, "no json"), "TASK_PUT");
}

}  // namespace
}  // namespace tailrace::intake
