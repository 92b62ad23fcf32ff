// Keys and columns as the JDBC sinks choose them: pk.mode, pk.fields, deletes that are not wanted, lists of fields.
#include "intake/table_names.h"
#include "intake/testing/reader_case.h"

namespace tailrace::intake {
namespace {

using record::Schema;
using record::SchemaType;
using testing::Change;
using ::testing::ElementsAre;
using testing::EventTable;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::json_of;
using testing::List;
using testing::placeholder;
using testing::row;
using testing::Value;

std::vector<std::string> columns_of(const TableSchema& table) {
  std::vector<std::string> out;
  for (const Column& column : table.columns)
    out.push_back(column.name);
  return out;
}

std::vector<std::string> key_of(const TableSchema& table) {
  std::vector<std::string> out;
  for (const std::size_t column : table.key)
    out.push_back(table.columns[column].name);
  return out;
}

class K4e_Keys : public testing::ReaderCase {
 protected:
  static Change insert(std::int64_t id, const std::string& note) {
    return {.op = "c", .after = row(id, note)};
  }

  // With a key of its own, whatever the row is.
  Event read_with_key(const Schema& schema, const Value& key, const Change& change) {
    const EventTable table;
    key_ = json_of(schema, key);
    value_ = json_of(*table.envelope_schema(), testing::envelope_value(table, change));
    return reader().read({table.topic, key_, value_}, {});
  }
  Event read_without_key(const Change& change) {
    const EventTable table;
    value_ = json_of(*table.envelope_schema(), testing::envelope_value(table, change));
    return reader().read({.topic = table.topic, .value = value_, .partition = 3, .offset = 17}, {});
  }
  void without_deletes(PkMode mode) {
    settings_.pk_mode = mode;
    settings_.deletes = Deletes::ignore;
  }
};

// A key with more fields than the row's: those that are not named say nothing of the row.
TEST_F(K4e_Keys, NamedFieldsOfTheRecordsKeyAreTheKey) {
  EventTable table;
  table.key = {"id", "note"};
  settings_.pk_fields = {"id"};
  const RowBatch batch = put(read(table, insert(7, "seven")));
  EXPECT_THAT(key_of(batch.schema()), ElementsAre("id"));
  EXPECT_THAT(columns_of(batch.schema()), ElementsAre("id", "note"));
  const RowBatch gone = put(tombstone(table, row(7, "seven")));
  EXPECT_EQ(gone.cell(0, 0).integer, 7);
  EXPECT_EQ(gone.state(0, 1), CellState::null);
}

// Before any record of the table came.
TEST_F(K4e_Keys, AFirstTombstoneDeletesByTheNamedFields) {
  EventTable table;
  table.key = {"note", "id"};
  settings_.pk_fields = {"id"};
  existing_ = {"dbo.orders"};
  const RowBatch gone = put(tombstone(table, row(7, "seven")));
  EXPECT_THAT(columns_of(gone.schema()), ElementsAre("id"));
  EXPECT_EQ(gone.cell(0, 0).integer, 7);
}

TEST_F(K4e_Keys, AFieldThatTheKeyDoesNotHaveIsNamed) {
  settings_.pk_fields = {"nr"};
  const Error error = thrown_by([&] { read(EventTable(), insert(7, "seven")); });
  EXPECT_EQ(error.kind(), ErrorKind::config);
  EXPECT_EQ(error.context("field"), "nr");
  EXPECT_THAT(error.what(), HasSubstr("source.pk_fields"));
  EXPECT_THAT(asked_, IsEmpty());
}

// The row says less than its key: without the column the rows of two keys would be one.
TEST_F(K4e_Keys, AFieldOfTheKeyAloneIsAColumnToo) {
  const Schema key = *record::struct_of(
      "k", {{"region", record::schema_of(SchemaType::string)}, {"id", record::schema_of(SchemaType::int32)}});
  const Value eu = Value::list({Value::text("eu"), Value::integer(7)});
  const RowBatch batch = put(read_with_key(key, eu, insert(7, "seven")));
  EXPECT_THAT(columns_of(batch.schema()), ElementsAre("region", "id", "note"));
  EXPECT_THAT(key_of(batch.schema()), ElementsAre("region", "id"));
  EXPECT_EQ(batch.text(0, 0), "eu");
  EXPECT_EQ(batch.cell(0, 1).integer, 7);
  EXPECT_EQ(batch.text(0, 2), "seven");
  const RowBatch gone = put(read_with_key(key, eu, {.op = "d", .before = row(7, "seven")}));
  EXPECT_EQ(gone.text(0, 0), "eu");
  EXPECT_EQ(gone.cell(0, 1).integer, 7);
}

TEST_F(K4e_Keys, AKeyOfOneValueHasTheNameOfTheSettings) {
  settings_.pk_fields = {"id"};
  const Schema key = *record::schema_of(SchemaType::int32);
  const RowBatch batch = put(read_with_key(key, Value::integer(7), insert(7, "seven")));
  EXPECT_THAT(columns_of(batch.schema()), ElementsAre("id", "note"));
  EXPECT_THAT(key_of(batch.schema()), ElementsAre("id"));
  key_ = json_of(key, Value::integer(7));
  const Event gone = reader().read({EventTable().topic, key_, std::nullopt}, {});
  EXPECT_EQ(put(gone).cell(0, 0).integer, 7);
}

TEST_F(K4e_Keys, AKeyOfOneValueWithoutANameIsRefused) {
  const Error error = thrown_by(
      [&] { read_with_key(*record::schema_of(SchemaType::int32), Value::integer(7), insert(7, "seven")); });
  EXPECT_EQ(error.kind(), ErrorKind::config);
  EXPECT_THAT(std::string(error.context("remedy")), HasSubstr("source.pk_fields"));
}

// Such records may have no key at all, or one of somebody else's.
TEST_F(K4e_Keys, TheRowsOwnFieldsAreTheKey) {
  without_deletes(PkMode::record_value);
  settings_.pk_fields = {"note"};
  const RowBatch batch = put(read_without_key(insert(7, "seven")));
  EXPECT_THAT(key_of(batch.schema()), ElementsAre("note"));
  EXPECT_FALSE(batch.schema().columns[1].nullable);
  const Error null = thrown_by([&] {
    put(read_without_key({.op = "c", .after = List{Value::integer(7), Value::null()}}));
  });
  EXPECT_EQ(null.kind(), ErrorKind::data);
  EXPECT_EQ(null.context("column"), "note");
}

TEST_F(K4e_Keys, AllFieldsOfTheRowAreItsKeyWhereNoneIsNamed) {
  without_deletes(PkMode::record_value);
  EXPECT_THAT(key_of(put(read_without_key(insert(7, "seven"))).schema()), ElementsAre("id", "note"));
}

TEST_F(K4e_Keys, AFieldThatTheRowDoesNotHaveIsNamed) {
  without_deletes(PkMode::record_value);
  settings_.pk_fields = {"nr"};
  const Error error = thrown_by([&] { read_without_key(insert(7, "seven")); });
  EXPECT_EQ(error.kind(), ErrorKind::config);
  EXPECT_EQ(error.context("field"), "nr");
}

// The names are the JDBC sinks': their tables are gone on with.
TEST_F(K4e_Keys, WhereARecordLayIsItsKey) {
  without_deletes(PkMode::kafka);
  const RowBatch batch = put(read_without_key(insert(7, "seven")));
  EXPECT_THAT(columns_of(batch.schema()),
              ElementsAre("__connect_topic", "__connect_partition", "__connect_offset", "id", "note"));
  EXPECT_THAT(key_of(batch.schema()),
              ElementsAre("__connect_topic", "__connect_partition", "__connect_offset"));
  EXPECT_EQ(batch.schema().columns[2].type, (ColumnType{TypeKind::bigint}));
  EXPECT_EQ(batch.text(0, 0), EventTable().topic);
  EXPECT_EQ(batch.cell(0, 1).integer, 3);
  EXPECT_EQ(batch.cell(0, 2).integer, 17);
  EXPECT_EQ(batch.text(0, 4), "seven");
}

TEST_F(K4e_Keys, WhereARecordLayHasTheNamesOfTheSettings) {
  without_deletes(PkMode::kafka);
  settings_.pk_fields = {"t", "p", "o"};
  EXPECT_THAT(key_of(put(read_without_key(insert(7, "seven"))).schema()), ElementsAre("t", "p", "o"));
  reader_.reset();
  settings_.pk_fields = {"t", "p", "id"};
  const Error error = thrown_by([&] { read_without_key(insert(7, "seven")); });
  EXPECT_EQ(error.context("field"), "id");
}

TEST_F(K4e_Keys, WithoutAKeyEachRecordIsARow) {
  without_deletes(PkMode::none);
  const RowBatch batch = put(read_without_key(insert(7, "seven")));
  EXPECT_THAT(columns_of(batch.schema()), ElementsAre("id", "note"));
  EXPECT_THAT(batch.schema().key, IsEmpty());
}

// They still move the position, and belong to their commit.
TEST_F(K4e_Keys, DeletesThatAreNotWantedArePassedOver) {
  settings_.deletes = Deletes::ignore;
  const EventTable table;
  const Event deleted = read(table, {.op = "d", .before = row(7, "seven"), .commit = 5});
  EXPECT_EQ(deleted.route, nullptr);
  EXPECT_EQ(deleted.commit_lsn->hex(), "00000000000000000005");
  const Event gone = tombstone(table, row(7, ""));
  EXPECT_EQ(gone.route, nullptr);
  EXPECT_TRUE(gone.is_tombstone);
  EXPECT_THAT(asked_, IsEmpty());
}

// A record that is passed over into a dead letter is a change of its row, whatever becomes of deletes.
TEST_F(K4e_Keys, WhoseRecordItIsMayBeAsked) {
  settings_.deletes = Deletes::ignore;
  const EventTable table;
  read(table, insert(7, "seven"));
  key_ = json_of(*table.key_schema(), testing::key_value(table, row(7, "")));
  const Event asked = reader().read({.topic = table.topic, .key = key_, .asks_for_row = true}, {});
  ASSERT_NE(asked.route, nullptr);
  EXPECT_EQ(put(asked).cell(0, 0).integer, 7);
}

// A tombstone of somebody's whose key is no key of ours is none of our business then.
TEST_F(K4e_Keys, ATombstoneThatIsPassedOverIsNotRead) {
  settings_.deletes = Deletes::ignore;
  EXPECT_TRUE(reader().read({EventTable().topic, "no JSON", std::nullopt}, {}).is_tombstone);
}

// What an update has left alone is in no other row of such a table: a placeholder would be data, NULL a lie.
TEST_F(K4e_Keys, APlaceholderInARowOfItsOwnIsRefused) {
  for (const PkMode mode : {PkMode::none, PkMode::kafka}) {
    reader_.reset();
    without_deletes(mode);
    const Event event = read_without_key({.op = "u", .after = row(7, placeholder)});
    const Error error = thrown_by([&] { put(event); });
    EXPECT_EQ(error.kind(), ErrorKind::data);
    EXPECT_EQ(error.context("column"), "note");
  }
}

TEST_F(K4e_Keys, FieldsThatAreListedAreWrittenAndTheKeyAlways) {
  EventTable table;
  table.columns.push_back({"more", record::optional_of(SchemaType::int32)});
  const auto columns = [&] {
    reader_.reset();
    List wide = row(7, "seven");
    wide.push_back(Value::integer(5));
    return columns_of(put(read(table, {.op = "c", .after = wide})).schema());
  };
  settings_.include_fields = {"more"};
  EXPECT_THAT(columns(), ElementsAre("id", "more"));
  settings_.include_fields = {table.topic + ":note", "another.topic:more"};
  EXPECT_THAT(columns(), ElementsAre("id", "note"));
  settings_.include_fields.clear();
  settings_.exclude_fields = {"note"};
  EXPECT_THAT(columns(), ElementsAre("id", "more"));
  settings_.exclude_fields = {"another.topic:note", table.topic + ":more"};
  EXPECT_THAT(columns(), ElementsAre("id", "note"));
}

TEST_F(K4e_Keys, AKeyIsNotLeftOut) {
  settings_.exclude_fields = {"id"};
  const Error error = thrown_by([&] { read(EventTable(), insert(7, "seven")); });
  EXPECT_EQ(error.kind(), ErrorKind::config);
  EXPECT_EQ(error.context("field"), "id");
  EXPECT_THAT(error.what(), HasSubstr("source.exclude_fields"));
}

// Debezium's sink names its tables so by default, and they are gone on with.
TEST(K4e_TableNames, UnderscoresStandForDots) {
  EXPECT_EQ(table_of("public.{underscored_topic}", "shop.dbo.orders", {}, nullptr).str(),
            "public.shop_dbo_orders");
  EXPECT_EQ(table_of("{database}.x_{topic}", "shop.dbo.orders", {}, nullptr).str(), "shop.x_shop.dbo.orders");
}

TEST(K4e_TableNames, WhatIsNoPatternIsSaid) {
  EXPECT_EQ(fault_of_table_names("{schema}.{table}"), "");
  EXPECT_THAT(fault_of_table_names("{topic}"), HasSubstr("a dot between"));
  EXPECT_THAT(fault_of_table_names("public.{tabel}"), HasSubstr("{tabel}"));
  EXPECT_THAT(fault_of_table_names("public.${topic}"), HasSubstr("$"));
}

}  // namespace
}  // namespace tailrace::intake
