// Which tables are fit, and what is said of those that are not.
#include "sqlserver/selection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sqlserver/capture_instances.h"
#include "sqlserver/testing/lsn.h"

namespace tailrace::sqlserver {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

CatalogColumn column(std::int32_t id, std::string name, ColumnType type, bool nullable = false) {
  return {id, std::move(name), type, type.sql_name(), "", nullable, false};
}

CatalogInstance instance_of(const CatalogTable& table, std::string name, std::int32_t object_id) {
  CatalogInstance out;
  out.object_id = object_id;
  out.source_object_id = table.object_id;
  out.name = std::move(name);
  out.create_date = "2026-01-01T00:00:00.0000000";
  out.change_table = out.name + "_CT";
  out.has_command_id = true;
  std::int32_t ordinal = 0;
  for (const CatalogColumn& captured : table.columns)
    out.columns.push_back({captured.id, captured.name, ++ordinal});
  out.identity_columns = {1};
  return out;
}

CatalogTable orders() {
  CatalogTable table;
  table.object_id = 100;
  table.name = {"dbo", "orders"};
  table.columns = {column(1, "id", {TypeKind::int_}), column(2, "code", {TypeKind::nvarchar, 20}),
                   column(3, "note", {TypeKind::nvarchar, -1}, true)};
  table.unique_indexes = {{"PK_orders", true, "", {1}}, {"UQ_code", false, "", {2}}};
  table.instances = {instance_of(table, "dbo_orders", 200)};
  return table;
}

Catalog catalog_of(std::vector<CatalogTable> tables) {
  Catalog catalog;
  catalog.database.cdc_enabled = true;
  catalog.database.collation = "SQL_Latin1_General_CP1_CI_AS";
  catalog.tables = std::move(tables);
  return catalog;
}

Settings all() {
  Settings settings;
  settings.include = {"dbo.*"};
  return settings;
}

const Finding* finding(const Selection& selection, std::string_view name) {
  for (const Finding& entry : selection.findings) {
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

TEST(Selection, TakesWhatIsFit) {
  const Selection selection = select_tables(catalog_of({orders()}), all(), {});
  EXPECT_THAT(selection.findings, IsEmpty());
  ASSERT_EQ(selection.tables.size(), 1u);
  const CapturedTable& table = selection.tables[0];
  EXPECT_EQ(table.schema->key, std::vector<std::size_t>{0});
  EXPECT_FALSE(table.needs_before);
  EXPECT_EQ(table.ordinals, (std::vector<std::size_t>{1, 2, 3}));
  ASSERT_EQ(table.schema->unique_constraints.size(), 1u);
}

// The before image is needed where an update can change the key without a delete and an insert.
TEST(Selection, ReadsBeforeImagesForAnotherKey) {
  Settings settings = all();
  settings.tables["dbo.Orders"].key = {"CODE"};
  const Selection selection = select_tables(catalog_of({orders()}), settings, {});
  ASSERT_EQ(selection.tables.size(), 1u);
  EXPECT_TRUE(selection.tables[0].needs_before);
  EXPECT_EQ(selection.tables[0].schema->key, std::vector<std::size_t>{1});
}

// What PostgreSQL alone cannot hold, and what an instance does not hold, is no reason against a table's events.
TEST(Selection, ForEventsTakesWhatOnlyPostgresqlRefuses) {
  CatalogTable table = orders();
  table.columns.push_back(column(4, std::string(70, 'x'), {TypeKind::int_}));
  table.instances = {instance_of(table, "dbo_orders", 200)};
  table.columns.push_back(column(5, "later", {TypeKind::int_}, true));
  table.columns[0].type = ColumnType{TypeKind::datetime2, 0, 0, 7};
  EXPECT_THAT(select_tables(catalog_of({table}), all(), {}).tables, IsEmpty());
  Settings settings = all();
  settings.events = true;
  const Selection selection = select_tables(catalog_of({table}), settings, {});
  ASSERT_EQ(selection.tables.size(), 1u);
  const CapturedTable& chosen = selection.tables[0];
  EXPECT_TRUE(chosen.needs_before);
  EXPECT_EQ(chosen.schema->columns.size(), 4u);
  EXPECT_EQ(chosen.schema->columns[1].text_policy, TextPolicy::carry);
  ASSERT_EQ(selection.findings.size(), 1u);
  EXPECT_EQ(selection.findings[0].name, "column.captured");
}

// Of two instances the one that is read says which columns there are, not the one that will be.
TEST(Selection, EventsHaveTheColumnsOfTheInstanceThatIsRead) {
  CatalogTable table = orders();
  CatalogInstance older = instance_of(table, "older", 200);
  older.start_lsn = lsn(5);
  table.columns.push_back(column(4, "later", {TypeKind::int_}, true));
  CatalogInstance newer = instance_of(table, "newer", 201);
  newer.start_lsn = lsn(9);
  table.instances = {older, newer};
  Settings settings = all();
  settings.events = true;
  const auto columns_from = [&](const StoredTable& stored) {
    const Selection selection = select_tables(catalog_of({table}), settings, {{table.name, stored}});
    return selection.tables.at(0).schema->columns.size();
  };
  EXPECT_EQ(columns_from({identity_of(older), lsn(6)}), 3u);
  EXPECT_EQ(columns_from({identity_of(older), lsn(10)}), 3u);
  EXPECT_EQ(columns_from({identity_of(newer), lsn(10)}), 4u);
  EXPECT_EQ(columns_from({{}, lsn(6)}), 3u);
  EXPECT_EQ(columns_from({{}, lsn(10)}), 4u);
  EXPECT_EQ(select_tables(catalog_of({table}), settings, {}).tables.at(0).schema->columns.size(), 4u);
}

// 'abc' becomes 'ABC': one key to SQL Server, two to the target. Without the row before, the new one would be
// looked for in vain, or stand beside the old one.
TEST(Selection, ReadsBeforeImagesForKeysOfManySpellings) {
  for (const ColumnType& type : {ColumnType{TypeKind::varchar, 10}, ColumnType{TypeKind::nchar, 10},
                                 ColumnType{TypeKind::varbinary, 10}}) {
    CatalogTable table = orders();
    table.columns[0].type = type;
    EXPECT_TRUE(select_tables(catalog_of({table}), all(), {}).tables.at(0).needs_before) << type.sql_name();
  }
}

// What the table's collation says of the bytes is then not true of those in the change table.
TEST(Selection, AChangeTableOfAnotherCollationIsReadAsUtf16) {
  Settings settings = all();
  EXPECT_EQ(select_tables(catalog_of({orders()}), settings, {}).tables.at(0).text_form, TextForm::western);
  CatalogTable altered = orders();
  altered.instances[0].has_other_collation = true;
  EXPECT_EQ(select_tables(catalog_of({altered}), settings, {}).tables.at(0).text_form, TextForm::utf16);
  settings.driver = "FreeTDS";
  EXPECT_EQ(select_tables(catalog_of({orders()}), settings, {}).tables.at(0).text_form, TextForm::utf16);
}

TEST(Selection, NamesPatternsThatMatchNothing) {
  Settings settings = all();
  settings.include.push_back("sales.*");
  settings.exclude.push_back("dbo.nothing");
  settings.tables["dbo.missing"] = {};
  const Selection selection = select_tables(catalog_of({orders()}), settings, {});
  ASSERT_NE(finding(selection, "source.include"), nullptr);
  EXPECT_EQ(finding(selection, "source.include")->subject, "sales.*");
  EXPECT_NE(finding(selection, "source.exclude"), nullptr);
  EXPECT_NE(finding(selection, "source.settings"), nullptr);
}

TEST(Selection, SaysHowToCapture) {
  CatalogTable table = orders();
  table.instances.clear();
  const Selection selection = select_tables(catalog_of({table}), all(), {});
  EXPECT_THAT(selection.tables, IsEmpty());
  ASSERT_NE(finding(selection, "table.capture_instance"), nullptr);
  EXPECT_THAT(finding(selection, "table.capture_instance")->remedy,
              HasSubstr("EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'orders'"));
}

// Without patterns the captured tables are meant. A replicated one that is captured no more must not count as
// left out: its state would be forgotten, and its changes with it.
TEST(Selection, SaysThatAReplicatedTableIsNotCapturedAnyMore) {
  CatalogTable table = orders();
  table.instances.clear();
  const CaptureInstance stored{"dbo_orders", 200, "2026-01-01T00:00:00.0000000", {}};
  for (const CaptureInstance& instance : {stored, CaptureInstance{}}) {
    const Selection selection = select_tables(catalog_of({table}), {}, {{table.name, {instance, {}}}});
    EXPECT_THAT(selection.tables, IsEmpty());
    ASSERT_NE(finding(selection, "table.capture_instance"), nullptr);
  }
}

TEST(Selection, RefusesToReplicateNothing) {
  CatalogTable table = orders();
  table.instances.clear();
  const Selection selection = select_tables(catalog_of({table}), {}, {});
  ASSERT_NE(finding(selection, "source.tables"), nullptr);
  EXPECT_EQ(finding(selection, "source.tables")->level, FindingLevel::failure);
  EXPECT_EQ(finding(select_tables(catalog_of({orders()}), {}, {}), "source.tables"), nullptr);
}

TEST(Selection, RefusesAnIncompleteInstance) {
  CatalogTable table = orders();
  table.instances[0].columns.pop_back();
  const Selection selection = select_tables(catalog_of({table}), all(), {});
  EXPECT_THAT(selection.tables, IsEmpty());
  ASSERT_NE(finding(selection, "table.captured_columns"), nullptr);
  EXPECT_THAT(finding(selection, "table.captured_columns")->reason, HasSubstr("note"));
}

TEST(Selection, KeepsTheStoredInstance) {
  CatalogTable table = orders();
  table.instances.push_back(instance_of(table, "dbo_orders_2", 300));
  EXPECT_EQ(select_tables(catalog_of({table}), all(), {}).tables[0].schema->instance.object_id, 300);
  const CaptureInstance stored{"dbo_orders", 200, "2026-01-01T00:00:00.0000000", {}};
  const auto chosen = [&](const CatalogTable& now, std::uint32_t position) {
    return select_tables(catalog_of({now}), all(), {{now.name, {stored, lsn(position)}}})
        .tables[0]
        .instance.object_id;
  };
  EXPECT_EQ(chosen(table, 5), 200);
  // One that reaches back takes its place where it is gone, or was cleaned up further.
  table.instances[1].start_lsn = lsn(4);
  EXPECT_EQ(chosen(table, 5), 200);
  table.instances[0].start_lsn = lsn(7);
  EXPECT_EQ(chosen(table, 5), 300);
  EXPECT_EQ(chosen(table, 6), 200);
  EXPECT_EQ(chosen(table, 2), 200) << "neither reaches back: what is said is said of the stored one";
  table.instances[0].name = "made_anew";
  table.instances[0].start_lsn = lsn(2);
  table.instances[1].start_lsn = lsn(8);
  EXPECT_EQ(chosen(table, 6), 200);
}

// E16: of an instance whose start is not established nobody knows where its changes begin.
TEST(Selection, TakesTheNewestInstanceWhoseStartIsKnown) {
  CatalogTable table = orders();
  table.instances[0].start_lsn = lsn(1);
  table.instances.push_back(instance_of(table, "dbo_orders_2", 300));
  EXPECT_EQ(select_tables(catalog_of({table}), all(), {}).tables[0].instance.object_id, 200);
  table.instances[1].start_lsn = lsn(9);
  EXPECT_EQ(select_tables(catalog_of({table}), all(), {}).tables[0].instance.object_id, 300);
  table.instances[1].columns.pop_back();
  EXPECT_EQ(select_tables(catalog_of({table}), all(), {}).tables[0].instance.object_id, 200);
}

TEST(Selection, RefusesTablesWithoutAKey) {
  CatalogTable table = orders();
  table.unique_indexes.erase(table.unique_indexes.begin());
  table.instances[0].identity_columns.clear();
  const Selection selection = select_tables(catalog_of({table}), all(), {});
  ASSERT_NE(finding(selection, "table.key"), nullptr);
  EXPECT_THAT(finding(selection, "table.key")->remedy, HasSubstr("key: [code]"));
}

// Two keys that differ in the seventh digit would become one.
TEST(R14_LossyKeys, AreRefusedByName) {
  for (const TypeKind kind : {TypeKind::datetime2, TypeKind::time, TypeKind::datetimeoffset}) {
    CatalogTable table = orders();
    table.columns[0].type = ColumnType{kind, 0, 0, 7};
    const Selection lossy = select_tables(catalog_of({table}), all(), {});
    ASSERT_NE(finding(lossy, "key.lossy"), nullptr);
    EXPECT_EQ(finding(lossy, "key.lossy")->subject, "dbo.orders.id");
    EXPECT_THAT(lossy.tables, IsEmpty());
    table.columns[0].type = ColumnType{kind, 0, 0, 6};
    EXPECT_EQ(finding(select_tables(catalog_of({table}), all(), {}), "key.lossy"), nullptr);
  }
}

// As text, 1 and '1' of a sql_variant are one; so are two texts that differ in what a policy takes away.
TEST(R14_LossyKeys, VariantsAndTextPoliciesAreRefused) {
  CatalogTable table = orders();
  table.columns[1].type = ColumnType{TypeKind::sql_variant, 8016};
  ASSERT_NE(finding(select_tables(catalog_of({table}), all(), {}), "key.lossy"), nullptr);
  table.columns[1].type = ColumnType{TypeKind::hierarchyid, 892};
  EXPECT_EQ(finding(select_tables(catalog_of({table}), all(), {}), "key.lossy"), nullptr);
  for (const bool strip : {true, false}) {
    Settings settings = all();
    TableSettings& of_orders = settings.tables["dbo.orders"];
    (strip ? of_orders.text_strip : of_orders.text_replace) = {"code"};
    const Selection in_unique = select_tables(catalog_of({orders()}), settings, {});
    ASSERT_NE(finding(in_unique, "key.lossy"), nullptr);
    EXPECT_EQ(finding(in_unique, "key.lossy")->subject, "dbo.orders.code");
    (strip ? of_orders.text_strip : of_orders.text_replace) = {"note"};
    const Selection beside = select_tables(catalog_of({orders()}), settings, {});
    ASSERT_EQ(beside.tables.size(), 1u);
    EXPECT_EQ(beside.tables[0].schema->columns[2].text_policy,
              strip ? TextPolicy::strip : TextPolicy::replace);
    EXPECT_EQ(beside.tables[0].schema->columns[1].text_policy, TextPolicy::error);
    (strip ? of_orders.text_strip : of_orders.text_replace) = {"id"};
    EXPECT_NE(finding(select_tables(catalog_of({orders()}), settings, {}), "table.text_policy"), nullptr);
  }
}

TEST(Selection, LeavesColumnSetsOut) {
  CatalogTable table = orders();
  table.columns[2].type = ColumnType{TypeKind::xml, -1};
  table.columns[2].column_set = true;
  const Selection selection = select_tables(catalog_of({table}), all(), {});
  EXPECT_NE(finding(selection, "column.column_set"), nullptr);
  ASSERT_EQ(selection.tables.size(), 1u);
  EXPECT_EQ(selection.tables[0].schema->columns.size(), 2u);
}

TEST(Selection, NamesTypesAndNamesThatDoNotFit) {
  CatalogTable table = orders();
  table.columns[2].type = std::nullopt;
  table.columns[2].type_name = "Point";
  table.columns[1].name = std::string(64, 'x');
  const Selection selection = select_tables(catalog_of({table}), all(), {});
  ASSERT_NE(finding(selection, "column.type"), nullptr);
  EXPECT_THAT(finding(selection, "column.type")->reason, HasSubstr("Point"));
  ASSERT_NE(finding(selection, "column.name_length"), nullptr);
  Settings settings = all();
  settings.tables["dbo.orders"].exclude_columns = {"note", std::string(64, 'x')};
  EXPECT_EQ(select_tables(catalog_of({table}), settings, {}).tables.size(), 1u);
}

TEST(Selection, LeavesComputedColumnsOut) {
  CatalogTable table = orders();
  table.columns[2].computed = true;
  const Selection selection = select_tables(catalog_of({table}), all(), {});
  ASSERT_EQ(selection.tables.size(), 1u);
  EXPECT_EQ(selection.tables[0].schema->columns.size(), 2u);
  EXPECT_NE(finding(selection, "column.computed"), nullptr);
}

}  // namespace
}  // namespace tailrace::sqlserver
