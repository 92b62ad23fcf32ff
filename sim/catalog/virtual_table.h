// Rows that come from C++ as a table of SQLite: the views over the server (sys.databases, sys.dm_cdc_...).
//
// Shape    One VirtualTable for each relation: its columns are those of the SystemRelation; `rows` is called when a
//          query begins and answers them all.
// Threads  `rows` is called on whatever session's thread asks.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sim/storage/value.h"

namespace tailrace::sim {

class Connection;
struct DatabaseFile;

using VirtualRow = std::vector<Value>;
// The rows as a session of this database sees them.
using VirtualRows = std::function<std::vector<VirtualRow>(const DatabaseFile& database)>;

// Short ways to values of the commonest types.
Value text_value(std::string_view text);
Value int_value(std::int64_t number, Type type = Type::int_);
Value bytes_value(std::string_view bytes, Type type = Type::varbinary);
Value null_value();

class VirtualTables {
 public:
  // `stored_name` as in system_relations().
  void add(std::string_view stored_name, VirtualRows rows) {
    rows_[std::string(stored_name)] = std::move(rows);
  }
  // Makes them all known to a connection. `database` must outlive it.
  void register_on(Connection& connection, const DatabaseFile& database) const;

 private:
  std::map<std::string, VirtualRows, std::less<>> rows_;
};

}  // namespace tailrace::sim
