// The catalog: DDL, look-ups, NULLs in unique indexes, system views, permissions, several databases.
#include "sim/catalog/catalog.h"

#include <gtest/gtest.h>

#include "sim/catalog/security.h"
#include "sim/catalog/server.h"
#include "sim/catalog/system_relations.h"
#include "sim/catalog/type_facts.h"

namespace tailrace::sim {
namespace {

ColumnDef column(std::string name, std::string_view type, bool nullable = false) {
  ColumnDef out;
  out.name = std::move(name);
  out.type = *parse_type(type);
  out.nullable = nullable;
  return out;
}

IndexDef primary_key(std::vector<std::int32_t> columns) {
  IndexDef index;
  index.primary_key = index.clustered = true;
  for (const std::int32_t id : columns)
    index.columns.push_back({id, false, false});
  return index;
}

struct CatalogTest : testing::Test {
  Server server{{.data_directory = "", .sa_password = "x"}};
  std::unique_ptr<Work> work;
  std::unique_ptr<Catalog> catalog;
  void SetUp() override {
    ASSERT_FALSE(server.create_database("shop", ""));
    work = server.open(server.find("SHOP"));
    catalog = std::make_unique<Catalog>(*work);
    catalog->refresh();
  }
  TableDef make(std::string name, std::vector<ColumnDef> columns, std::vector<IndexDef> indexes) {
    EXPECT_FALSE(work->before_write({}, {}));
    TableDef table;
    table.schema = "dbo";
    table.name = std::move(name);
    table.columns = std::move(columns);
    table.indexes = std::move(indexes);
    EXPECT_FALSE(catalog->create_table(table));
    work->commit();
    return *catalog->table(table.object_id);
  }
};

TEST_F(CatalogTest, RowStoreFollowsTheClusteredKey) {
  const TableDef number =
      make("a", {column("id", "int"), column("v", "nvarchar(10)", true)}, {primary_key({1})});
  EXPECT_FALSE(number.without_rowid);
  EXPECT_EQ(number.locator(), std::vector<std::string>{"rowid"});
  const TableDef text = make("b", {column("k", "nvarchar(10)"), column("n", "int")}, {primary_key({1, 2})});
  EXPECT_TRUE(text.without_rowid);
  EXPECT_EQ(text.locator(), (std::vector<std::string>{"c1", "c2"}));
  const TableDef heap = make("c", {column("k", "nvarchar(10)")}, {});
  EXPECT_EQ(heap.row_store_index_id, 0);
  ASSERT_NE(catalog->table("DBO", "B"), nullptr);
  EXPECT_EQ(catalog->table("dbo", "zz"), nullptr);
}

TEST_F(CatalogTest, UniqueIndexesHoldNullsEqual) {
  IndexDef unique;
  unique.name = "ux";
  unique.unique = true;
  unique.columns = {{2, false, false}, {3, false, false}};
  const TableDef table =
      make("a", {column("id", "int"), column("x", "nvarchar(10)", true), column("y", "int", true)},
           {primary_key({1}), unique});
  Connection& connection = work->connection();
  const std::string insert = "INSERT INTO " + table.stored_name() + " VALUES";
  connection.execute(insert + "(1, NULL, NULL), (2, NULL, 1), (3, 'a', NULL), (4, 'a', 1)");
  for (const std::string row : {"(5, NULL, NULL)", "(5, NULL, 1)", "(5, 'A', NULL)", "(5, 'A ', 1)"}) {
    EXPECT_EQ(connection.prepare(insert + row).step(), Step::unique) << row;
    EXPECT_EQ(
        catalog->unique_error(table, connection.last_error(), [](const IndexDef&) { return ""; }).number,
        2601);
  }
  EXPECT_EQ(connection.prepare(insert + "(1, 'b', 1)").step(), Step::unique);
  const SqlError error =
      catalog->unique_error(table, connection.last_error(), [](const IndexDef&) { return "1"; });
  EXPECT_EQ(error.number, 2627);
  EXPECT_TRUE(error.text.starts_with("Violation of PRIMARY KEY constraint 'PK__a__"));
  EXPECT_TRUE(error.text.ends_with("The duplicate key value is (1)."));
}

TEST_F(CatalogTest, DdlIsPartOfTheTransaction) {
  const TableDef table = make("a", {column("id", "int")}, {primary_key({1})});
  ASSERT_FALSE(work->before_write({}, {}));
  ColumnDef added = column("v", "decimal(20,2)", true);
  ASSERT_FALSE(catalog->add_column(table, added));
  EXPECT_EQ(catalog->table("dbo", "a")->columns.size(), 2U);
  work->rollback();
  catalog->refresh();
  EXPECT_EQ(catalog->table("dbo", "a")->columns.size(), 1U);
  ASSERT_FALSE(work->before_write({}, {}));
  ASSERT_FALSE(catalog->add_column(table, added));
  work->commit();
  EXPECT_EQ(catalog->table("dbo", "a")->column("V")->column_id, 2);
  ASSERT_FALSE(work->before_write({}, {}));
  TableDef again = table;
  again.object_id = 0;
  EXPECT_EQ(catalog->create_table(again)->number, 2714);
  work->rollback();
}

TEST_F(CatalogTest, KeysComeAndGo) {
  TableDef table = make("a", {column("k", "nvarchar(10)"), column("n", "int")}, {});
  work->connection().execute("INSERT INTO " + table.stored_name() + " VALUES('b', 1), ('a', 2)");
  ASSERT_FALSE(work->before_write({}, {}));
  IndexDef key = primary_key({1});
  key.name = "pk_a";
  ASSERT_FALSE(catalog->add_index(table, key));
  work->commit();
  TablePtr now = catalog->table("dbo", "a");
  EXPECT_TRUE(now->without_rowid);
  EXPECT_EQ(work->connection().single_number("SELECT c2 FROM " + now->stored_name() + " LIMIT 1"), 2);
  ASSERT_FALSE(work->before_write({}, {}));
  ASSERT_FALSE(catalog->drop_constraint(*now, "PK_A"));
  work->commit();
  EXPECT_EQ(catalog->table("dbo", "a")->primary_key(), nullptr);
  work->connection().execute("INSERT INTO " + table.stored_name() + " VALUES('b', 1)");
  ASSERT_FALSE(work->before_write({}, {}));
  key.constraint_object_id = key.index_id = 0;
  EXPECT_EQ(catalog->add_index(*catalog->table("dbo", "a"), key)->number, 1505);
  work->rollback();
}

TEST_F(CatalogTest, EverySystemViewAnswers) {
  make("a", {column("id", "int"), column("v", "nvarchar(10)", true)}, {primary_key({1})});
  for (const SystemRelation& relation : system_relations()) {
    if (relation.name.starts_with("dm_cdc")) continue;  // Registered by the jobs.
    std::string list;
    for (const SystemColumn& column : relation.columns)
      list += (list.empty() ? "\"" : ", \"") + std::string(column.name) + "\"";
    Statement rows =
        work->connection().prepare("SELECT " + list + " FROM " + std::string(relation.stored_name));
    std::vector<TypeInfo> types;
    for (const SystemColumn& column : relation.columns)
      types.push_back(column.type);
    RowReader reader(types);
    std::vector<Cell> cells;
    while (rows.next()) {
      reader.read(rows, cells);
      for (std::size_t i = 0; i < cells.size(); ++i) {
        EXPECT_TRUE(!cells[i].null || relation.columns[i].nullable)
            << relation.name << "." << relation.columns[i].name;
      }
    }
  }
  EXPECT_EQ(work->connection().single_number("SELECT count(*) FROM sys_databases WHERE name = 'SHOP'"), 1);
  EXPECT_EQ(find_system_relation("shop", "dbo", "cdc_jobs"), nullptr);
  EXPECT_NE(find_system_relation("msdb", "dbo", "cdc_jobs"), nullptr);
}

TEST_F(CatalogTest, PermissionsFollowRolesSchemasAndDenials) {
  const TableDef table = make("a", {column("id", "int")}, {primary_key({1})});
  ASSERT_FALSE(server.create_login({.name = "reader", .password = "p"}));
  EXPECT_FALSE(server.check_login("reader", "q"));
  EXPECT_TRUE(server.check_login("READER", "p"));
  Security security(*catalog);
  EXPECT_FALSE(security.principal_of("reader", false));
  ASSERT_FALSE(work->before_write({}, {}));
  ASSERT_FALSE(security.create_user("reader", "reader", ""));
  const Principal reader = *security.principal_of("reader", false);
  const auto may = [&] { return security.has_on_object(reader, Permission::select, table.object_id, 1); };
  EXPECT_FALSE(may());
  EXPECT_EQ(security.check(reader, Permission::select, table.object_id, 1, "a", "dbo")->number, 229);
  ASSERT_FALSE(security.set_permission('G', Permission::select, SecurableClass::schema, 1, "reader"));
  EXPECT_TRUE(may());
  ASSERT_FALSE(
      security.set_permission('D', Permission::select, SecurableClass::object, table.object_id, "public"));
  EXPECT_FALSE(may());
  ASSERT_FALSE(
      security.set_permission('R', Permission::select, SecurableClass::object, table.object_id, "public"));
  ASSERT_FALSE(security.set_permission('R', Permission::select, SecurableClass::schema, 1, "reader"));
  ASSERT_FALSE(security.add_member("db_datareader", "reader"));
  EXPECT_TRUE(may());
  const auto shown = [&] {
    catalog->refresh();
    return work->connection().single_number("SELECT count(*) FROM sys_columns");
  };
  const std::int64_t all = shown();
  EXPECT_GT(all, 0);
  security.restrict_views(reader);
  EXPECT_EQ(shown(), all);
  ASSERT_FALSE(security.drop_member("db_datareader", "reader"));
  EXPECT_EQ(shown(), 0);
  EXPECT_FALSE(security.has(reader, Permission::view_database_state));
  ASSERT_FALSE(security.create_role("gate"));
  EXPECT_EQ(security.is_member(reader, "gate"), false);
  ASSERT_FALSE(security.add_member("gate", "reader"));
  EXPECT_EQ(security.is_member(reader, "GATE"), true);
  EXPECT_EQ(security.is_member(reader, "none"), std::nullopt);
  work->commit();
}

TEST_F(CatalogTest, DatabasesComeAndGo) {
  EXPECT_EQ(server.create_database("Shop", "")->number, 1801);
  EXPECT_EQ(server.drop_database("shop")->number, 3702);
  catalog.reset();
  work.reset();
  EXPECT_FALSE(server.drop_database("shop"));
  EXPECT_EQ(server.find("shop"), nullptr);
  EXPECT_EQ(server.drop_database("shop")->number, 3701);
}

}  // namespace
}  // namespace tailrace::sim
