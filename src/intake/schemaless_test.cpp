// JSON without schemas: taken by the columns of the table, and refused where a value may mean several things.
#include "intake/testing/reader_case.h"

namespace tailrace::intake {
namespace {

using ::testing::HasSubstr;

constexpr const char* orders_topic = "shop.shop.dbo.orders";

std::string here() {
  return "here";
}

class K4e_Schemaless : public testing::ReaderCase {
 protected:
  // The table that is there.
  std::vector<Column> columns_{{"id", {TypeKind::int_}, false},          {"note", {TypeKind::nvarchar, -1}},
                               {"price", {TypeKind::decimal, 0, 10, 2}}, {"day", {TypeKind::date}},
                               {"at", {TypeKind::datetime2, 0, 0, 6}},   {"data", {TypeKind::varbinary, -1}}};
  bool is_there_ = true;
  int described_ = 0;

  SchemaPtr target(const TableSchema& proposed, bool make) {
    if (!proposed.columns.empty()) return use(proposed, make);
    ++described_;
    EXPECT_FALSE(make);
    if (!is_there_) return nullptr;
    TableSchema out;
    out.name = proposed.name;
    out.columns = columns_;
    return std::make_shared<const TableSchema>(out);
  }
  Event read(std::string_view key, std::optional<std::string_view> value) {
    if (reader_ == nullptr)
      reader_ = std::make_unique<Reader>(settings_, nullptr, [this](const TableSchema& proposed, bool make) {
        return target(proposed, make);
      });
    return reader_->read({orders_topic, key, value}, {});
  }
};

TEST_F(K4e_Schemaless, AnEnvelopeIsTakenByTheColumns) {
  const Event event = read(
      R"({"id":7})",
      R"({"before":null,"after":{"id":7,"note":"seven","price":12.50,"day":19000,"at":"2024-02-03T04:05:06.5Z"},)"
      R"("source":{"db":"shop","schema":"dbo","table":"orders","commit_lsn":"00000000:00000000:0005",)"
      R"("snapshot":"false","ts_ms":1700000000000},"op":"c","ts_ms":1})");
  EXPECT_EQ(event.operation, Operation::insert);
  EXPECT_EQ(event.commit_lsn->hex(), "00000000000000000005");
  RowBatch batch(event.route->table);
  reader_->put(event, batch, here);
  EXPECT_EQ(batch.schema().name.str(), "dbo.orders");
  EXPECT_EQ(batch.schema().key, std::vector<std::size_t>{0});
  EXPECT_EQ(batch.cell(0, 0).integer, 7);
  EXPECT_EQ(batch.text(0, 1), "seven");
  EXPECT_EQ(batch.cell(0, 3).integer, 19000 + 719'162);
  EXPECT_EQ(described_, 1);
}

TEST_F(K4e_Schemaless, AFlatRowAndItsTombstoneAreToo) {
  const Event event = read(R"({"id":7})", R"({"id":7,"note":null,"__op":"u","__deleted":"false"})");
  EXPECT_EQ(event.operation, Operation::update);
  RowBatch batch(event.route->table);
  reader_->put(event, batch, here);
  EXPECT_EQ(batch.columns(), 2U);
  EXPECT_EQ(batch.state(0, 1), CellState::null);
  const Event gone = read(R"({"id":7})", std::nullopt);
  RowBatch deleted(gone.route->table);
  reader_->put(gone, deleted, here);
  EXPECT_EQ(deleted.cell(0, 0).integer, 7);
  EXPECT_EQ(read(R"({"id":7})", R"({"id":7,"__deleted":true})").operation, Operation::delete_);
}

// Schemas beside the key alone, or null beside the value, are the same.
TEST_F(K4e_Schemaless, APayloadWithoutASchemaIsOneToo) {
  const Event event =
      read(R"({"schema":null,"payload":{"id":7}})", R"({"schema":null,"payload":{"id":7,"note":"x"}})");
  EXPECT_EQ(event.route->table->columns.size(), 2U);
  settings_.pk_fields = {"id"};
  reader_.reset();
  EXPECT_NE(read("7", R"({"id":7})").route, nullptr);
}

// A date as text is the same day.
TEST_F(K4e_Schemaless, ADateMayBeText) {
  const Event event = read(R"({"id":7})", R"({"id":7,"day":"1970-01-02"})");
  RowBatch batch(event.route->table);
  reader_->put(event, batch, here);
  EXPECT_EQ(batch.cell(0, 1).integer, 719'163);
}

// Its unit, its encoding: a guess would be right for some records, and another value for the others.
TEST_F(K4e_Schemaless, WhatMayMeanSeveralThingsIsRefused) {
  for (const char* const field :
       {R"("at":1700000000000)", R"("price":"1234")", R"("data":"QUJD")", R"("note":5)", R"("id":"7")",
        R"("id":1.5)", R"("day":"1970-01-02T03:04:05")", R"("note":{"a":1})", R"("price":true)"}) {
    const Error error = thrown_by([&] { read(R"({"id":7})", "{" + std::string(field) + "}"); });
    EXPECT_EQ(error.kind(), ErrorKind::data) << field;
    EXPECT_THAT(std::string(field), HasSubstr(std::string(error.context("column")))) << error.what();
    EXPECT_THAT(std::string(error.context("remedy")), HasSubstr("schemas.enable"));
  }
}

TEST_F(K4e_Schemaless, AFieldThatComesTwiceIsRefused) {
  for (const char* const value :
       {R"({"id":7,"id":8})", R"({"op":"c","before":null,"after":{"id":7,"id":8}})"})
    EXPECT_EQ(thrown_by([&] { read(R"({"id":7})", value); }).kind(), ErrorKind::data);
  EXPECT_EQ(thrown_by([&] { read(R"({"id":7,"id":8})", R"({"id":7})"); }).kind(), ErrorKind::data);
}

// Its type is said nowhere: the column is not made.
TEST_F(K4e_Schemaless, AFieldThatIsNoColumnIsNamed) {
  const Error error = thrown_by([&] { read(R"({"id":7})", R"({"id":7,"more":5})"); });
  EXPECT_EQ(error.kind(), ErrorKind::schema);
  EXPECT_EQ(error.context("column"), "more");
  settings_.exclude_fields = {"more"};
  reader_.reset();
  EXPECT_EQ(read(R"({"id":7})", R"({"id":7,"more":5})").route->table->columns.size(), 1U);
}

// Somebody has added the column meanwhile.
TEST_F(K4e_Schemaless, ATableIsLookedAtAgainForANewField) {
  read(R"({"id":7})", R"({"id":7})");
  columns_.push_back({"more", {TypeKind::bigint}});
  EXPECT_EQ(read(R"({"id":7})", R"({"id":7,"more":5})").route->table->columns.size(), 2U);
}

TEST_F(K4e_Schemaless, WithoutATableThereIsNoSchema) {
  is_there_ = false;
  const Error error = thrown_by([&] { read(R"({"id":7})", R"({"id":7})"); });
  EXPECT_EQ(error.kind(), ErrorKind::data);
  EXPECT_EQ(error.context("table"), "dbo.orders");
  EXPECT_THAT(error.what(), HasSubstr("does not say its schema"));
}

}  // namespace
}  // namespace tailrace::intake
