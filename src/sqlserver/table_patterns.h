// What tables.include and tables.exclude mean.
//
// Shape    mean() for each table, then report_unused(): a pattern that no table met is somebody's mistake.
#pragma once

#include <string>
#include <vector>

#include "model/finding.h"
#include "sqlserver/catalog.h"
#include "sqlserver/settings.h"

namespace tailrace::sqlserver {

class TablePatterns {
 public:
  // `settings` outlive this.
  TablePatterns(const Settings& settings, bool case_sensitive);

  // `without_include`: the answer where tables.include is empty and tables.exclude does not name the table.
  bool mean(const TableName& table, bool without_include);

  void report_unused(const Catalog& catalog, std::vector<Finding>& findings) const;

 private:
  const Settings& settings_;
  const bool case_sensitive_;
  std::vector<bool> included_;  // Whether a table met the pattern.
  std::vector<bool> excluded_;
};

}  // namespace tailrace::sqlserver
