// What becomes of single columns: which rule wins, what a hash is of, where a text is cut. Recordings compare each rule alone.
#include "debezium/column_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "debezium/event_encoder.h"
#include "debezium/testing/recording.h"
#include "record/json_tree.h"

namespace tailrace::debezium {
namespace {

using testing::Collector;
using ::testing::ElementsAre;
using ::testing::Pair;

Column email() {
  return {.name = "email", .type = {TypeKind::nvarchar, 40}, .declared = "nvarchar"};
}

TableSchema people() {
  TableSchema table;
  table.name = {"dbo", "people"};
  table.columns = {
      {.name = "id", .type = {TypeKind::nvarchar, 40}, .nullable = false, .declared = "nvarchar"}, email()};
  table.key = {0};
  return table;
}

EventSettings settings_of_shop() {
  EventSettings settings;
  settings.database = "Shop";
  settings.converter = Converter::json;
  settings.json_schemas = false;
  settings.extended_headers = false;
  return settings;
}

ColumnHash hash_of(std::vector<std::string> columns, HashForm form = HashForm::v2) {
  return {.columns = std::move(columns), .algorithm = "SHA-256", .salt = Secret("salt"), .form = form};
}

ColumnRule rule_of(const EventSettings& settings, const Column& column = email()) {
  return ColumnRules(people(), settings).rule_of(column, ShownAs::text);
}

// Java writes more than the text: hashed otherwise, no value of a Debezium would be found again.
TEST(ColumnHash, IsOfWhatJavaWrites) {
  EXPECT_EQ(java_serialized("abc"), std::string("\xAC\xED\x00\x05\x74\x00\x03"
                                                "abc",
                                                10));
  // U+0000 in two bytes, what is above U+FFFF as two surrogates of three.
  EXPECT_EQ(java_serialized(std::string("\0", 1)), std::string("\xAC\xED\x00\x05\x74\x00\x02\xC0\x80", 9));
  EXPECT_EQ(java_serialized("\U0001F642"),
            std::string("\xAC\xED\x00\x05\x74\x00\x06\xED\xA0\xBD\xED\xB9\x82", 13));
  const std::string text(70'000, 'x');
  EXPECT_EQ(java_serialized(text),
            std::string("\xAC\xED\x00\x05\x7C\x00\x00\x00\x00\x00\x01\x11\x70", 13) + text);
}

// FIPS 180-4's example, the salt in front.
TEST(ColumnHash, HasTheSaltInFront) {
  TextHash hash({.columns = {}, .algorithm = "SHA-256", .salt = Secret("a"), .form = HashForm::v2});
  EXPECT_EQ(hash.of("bc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hash.of("bc"), hash.of("bc"));
  EXPECT_THROW(TextHash({.columns = {}, .algorithm = "CRC32", .salt = {}, .form = HashForm::v2}), Error);
}

// Half a character is none, and no text that a reader could take.
TEST(FirstUnits, CutNoCharacterInTwo) {
  EXPECT_EQ(first_units("a\U0001F642z", 1), "a");
  EXPECT_EQ(first_units("a\U0001F642z", 2), "a");
  EXPECT_EQ(first_units("a\U0001F642z", 3), "a\U0001F642");
  EXPECT_EQ(first_units("日本", 1), "日");
  EXPECT_EQ(first_units("", 5), "");
}

// With and without the database, without regard to case, in full.
TEST(ColumnRules, MatchTheWholeName) {
  const auto is_masked = [](const std::string& columns) {
    EventSettings settings = settings_of_shop();
    settings.masked = {{columns, 3}};
    return rule_of(settings).change != nullptr;
  };
  EXPECT_TRUE(is_masked("dbo.people.email"));
  EXPECT_TRUE(is_masked("SHOP.dbo.people.EMAIL"));
  EXPECT_TRUE(is_masked(".*mail"));
  EXPECT_FALSE(is_masked("people.email"));
  EXPECT_FALSE(is_masked("dbo.people.mail"));
}

// A type that is told, or a text that is cut, must not bring to light what was to be hidden: Debezium takes the first of them alone.
TEST(ColumnRules, NothingKeepsAMaskFromAColumn) {
  EventSettings settings = settings_of_shop();
  settings.typed_columns = {".*"};
  settings.truncated = {{".*", 2}};
  settings.hashed["emails"] = hash_of({".*email"});
  ColumnRule rule = rule_of(settings);
  EXPECT_THAT(rule.parameters,
              ElementsAre(Pair("masked", "true"), Pair("__debezium.source.column.type", "NVARCHAR"),
                          Pair("__debezium.source.column.length", "40"),
                          Pair("__debezium.source.column.name", "email")));
  EXPECT_EQ(rule.change->text("a@b.c").size(), 40U);  // The hash, as long as the column may be.
  EXPECT_NE(rule.change->text("a@b.c"), rule.change->text("a@b.d"));
  settings.masked = {{".*email", 4}};
  EXPECT_EQ(rule_of(settings).change->text("a@b.c"), "****");
}

// A mask is of texts: what else it names is as it was, though its schema says otherwise.
TEST(ColumnRules, MaskTextsAlone) {
  EventSettings settings = settings_of_shop();
  settings.masked = {{".*", 4}};
  const Column number{.name = "n", .type = {TypeKind::int_}};
  const ColumnRule rule = ColumnRules(people(), settings).rule_of(number, ShownAs::other);
  EXPECT_EQ(rule.change, nullptr);
  EXPECT_THAT(rule.parameters, ElementsAre(Pair("masked", "true")));
  // What Debezium sends as the server's bytes is text here, and is hidden.
  const Column tree{.name = "h", .type = {TypeKind::hierarchyid, 892}};
  EXPECT_NE(ColumnRules(people(), settings).rule_of(tree, ShownAs::text).change, nullptr);
}

// A key that is masked would put different rows into one.
TEST(ColumnRules, AreNotOfKeys) {
  EventSettings settings = settings_of_shop();
  settings.masked = {{".*", 3}};
  settings.typed_columns = {".*"};
  const auto table = std::make_shared<const TableSchema>(people());
  EventEncoder encoder(settings, table, nullptr);
  EXPECT_TRUE(encoder.key_schema()->fields[0].schema->parameters.empty());
  RowBatch batch(table);
  const std::size_t row = batch.add_row({.operation = Operation::insert});
  batch.put_text(row, 0, "one");
  batch.set_null(row, 1);
  Collector collector;
  ASSERT_TRUE(encoder.encode(batch, row, {}, collector));
  EXPECT_EQ(*collector.records[0].key, R"({"id":"one"})");
  const record::Json event = record::parse_json(*collector.records[0].value);
  EXPECT_EQ(*event.find("after")->find_string("id"), "***");
  EXPECT_EQ(*event.find("after")->find_string("email"), "***");  // NULL would tell something, too.
}

}  // namespace
}  // namespace tailrace::debezium
