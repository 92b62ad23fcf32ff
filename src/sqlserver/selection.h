// Which tables a configuration means, and whether each of them can be replicated.
//
// Shape    Pure: catalog and settings in, tables and findings out. A table with a failure is not among the
//          tables.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "model/finding.h"
#include "model/table_schema.h"
#include "sqlserver/catalog.h"
#include "sqlserver/code_page.h"
#include "sqlserver/settings.h"

namespace tailrace::sqlserver {

// A table with what reading its changes takes.
struct CapturedTable {
  SchemaPtr schema;
  std::int32_t source_object_id = 0;
  CaptureInstance instance;  // That is read; the schema's is the one of its selection.
  std::string change_table;
  bool has_command_id = true;
  // Updates come with their row before, because an update may change the key without a delete and an insert:
  // the key is not the one by which capture tells rows apart, or its values may differ and yet be equal to
  // SQL Server.
  bool needs_before = false;
  TextForm text_form = TextForm::utf16;  // As its changes are read.
  std::vector<std::size_t> ordinals;     // Of each schema column in the capture instance, from 1.
};

struct Selection {
  std::vector<CapturedTable> tables;  // In name order.
  std::vector<Finding> findings;
};

// A table that a pipeline has already.
struct StoredTable {
  // The one that it reads. It is kept where it still exists and reaches back to `position`; else the newest complete one
  // that does takes its place.
  CaptureInstance instance;
  Lsn position;
  bool taken_again = false;  // From whatever instance.
};

Selection select_tables(const Catalog& catalog, const Settings& settings,
                        const std::map<TableName, StoredTable>& stored);

}  // namespace tailrace::sqlserver
