// A server with one database and a session in it, for the tests of CDC.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "sim/catalog/type_facts.h"
#include "sim/cdc/capture_internal.h"
#include "sim/cdc/cdc.h"

namespace tailrace::sim {

struct CdcFixture : testing::Test {
  Server server{{.data_directory = "", .sa_password = "x"}};
  DatabasePtr database;
  std::unique_ptr<Work> work;
  std::unique_ptr<Catalog> catalog;
  std::unique_ptr<Cdc> cdc;
  std::unique_ptr<Work> scan_work;
  std::unique_ptr<LogScanner> scanner;
  Principal dbo{1, "dbo", "sa", true};

  void SetUp() override {
    ASSERT_FALSE(server.create_database("shop", ""));
    database = server.find("shop");
    work = server.open(database);
    catalog = std::make_unique<Catalog>(*work);
    catalog->refresh();
    cdc = std::make_unique<Cdc>(server, database, *catalog);
    scan_work = server.open(database);
    scanner = std::make_unique<LogScanner>(*scan_work);
    write([&] { EXPECT_FALSE(cdc->enable_db(dbo)); });
  }

  template <class Function>
  void write(Function function) {
    ASSERT_FALSE(work->before_write({}, {}));
    function();
    work->commit();
    catalog->refresh();
  }

  static ColumnDef column(std::string name, std::string_view type, bool nullable = true) {
    ColumnDef out;
    out.name = std::move(name);
    out.type = *parse_type(type);
    out.nullable = nullable;
    return out;
  }

  // dbo.<name>(id int primary key, then the given columns).
  TablePtr make_table(const std::string& name, const std::vector<ColumnDef>& columns) {
    TableDef table;
    table.schema = "dbo";
    table.name = name;
    table.columns.push_back(column("id", "int", false));
    table.columns.insert(table.columns.end(), columns.begin(), columns.end());
    IndexDef key;
    key.primary_key = key.clustered = true;
    key.columns = {{1, false, false}};
    table.indexes.push_back(key);
    write([&] { EXPECT_FALSE(catalog->create_table(table)); });
    return catalog->table(table.object_id);
  }

  static EnableTable of(const std::string& name) {
    EnableTable parameters;
    parameters.source_schema = "dbo";
    parameters.source_name = name;
    parameters.role_given = true;
    return parameters;
  }

  Outcome enable(const EnableTable& parameters) {
    CdcResult result;
    Outcome error;
    write([&] { error = cdc->enable_table(dbo, parameters, result); });
    return error;
  }

  // A statement of T-SQL, in SQLite's words over stored names.
  void statement(const std::string& sql) {
    work->log().next_command();
    work->connection().execute(sql);
  }

  ScanReport scan() { return scanner->scan(1000, {}); }

  // "op/mask: values" of each row of a change table, in its order.
  std::vector<std::string> changes(const std::string& instance);
};

}  // namespace tailrace::sim
