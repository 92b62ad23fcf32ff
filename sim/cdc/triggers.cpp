// The log of a captured table: l<object_id> and the triggers that write it.
//
// Shape    l<N>(n position, t transaction, s position of the seqval when it is another's, k command id, o operation,
//          m mask over column ids (op 3, 4), c<id> the values). What the log says of LOBs is what SQL Server's says:
//          op 3 and 4 of an update that did not change one have NULL and a clear bit.
#include <fmt/format.h>

#include <algorithm>

#include "sim/catalog/type_facts.h"
#include "sim/cdc/cdc_internal.h"

namespace tailrace::sim {
namespace {

constexpr int bits_per_argument = 60;

std::string differs(const ColumnDef& column) {
  const std::string name = column.stored_name();
  if (column.type.type == Type::real || column.type.type == Type::float_) {
    return fmt::format("log_float_differs(OLD.{0}, NEW.{0})", name);
  }
  if (is_text(column.type)) return fmt::format("(OLD.{0} IS NOT NEW.{0} COLLATE BINARY)", name);
  return fmt::format("(OLD.{0} IS NOT NEW.{0})", name);
}

std::string changed_call(const std::vector<const ColumnDef*>& columns) {
  std::int32_t last = 0;
  for (const ColumnDef* column : columns)
    last = std::max(last, column->column_id);
  std::vector<std::string> arguments(
      static_cast<std::size_t>((last + bits_per_argument - 1) / bits_per_argument));
  for (const ColumnDef* column : columns) {
    const int bit = (column->column_id - 1) % bits_per_argument;
    std::string& argument = arguments[static_cast<std::size_t>((column->column_id - 1) / bits_per_argument)];
    if (!argument.empty()) argument += " | ";
    argument += bit == 0 ? differs(*column) : fmt::format("({} << {})", differs(*column), bit);
  }
  std::string call = fmt::format("log_changed({}", last);
  for (const std::string& argument : arguments)
    call += ", " + (argument.empty() ? "0" : argument);
  return call + ")";
}

// text, ntext, image: the rows before a change never hold them.
bool is_old_large(const TypeInfo& type) {
  return type.guise == Guise::text || type.guise == Guise::ntext || type.guise == Guise::image;
}

std::string insert_row(const TableDef& table, const std::vector<const ColumnDef*>& columns, int operation) {
  const std::string_view image = operation == 1 || operation == 3 ? "OLD" : "NEW";
  std::string targets = "n, t, s, k, o, m";
  std::string values =
      fmt::format("log_position({0}), log_transaction(), log_seqval({0}), log_command(), {0}, {1}", operation,
                  operation >= 3 ? "log_mask()" : "NULL");
  for (const ColumnDef* column : columns) {
    targets += ", " + column->stored_name();
    const bool before = operation == 1 || operation == 3;
    if (before && is_old_large(column->type)) {
      values += ", NULL";
    } else if (operation >= 3 && is_max(column->type)) {
      values += fmt::format(", CASE WHEN {} THEN {}.{} END", differs(*column), image, column->stored_name());
    } else {
      values += fmt::format(", {}.{}", image, column->stored_name());
    }
  }
  return fmt::format("INSERT INTO {}({}) VALUES({});", log_table(table.object_id), targets, values);
}

// Columns that came after the log was made. Only those: each ALTER TABLE makes SQLite read its whole schema anew.
void add_missing_columns(Connection& connection, const std::string& log,
                         const std::vector<const ColumnDef*>& columns) {
  std::vector<std::string> present;
  Statement names = connection.prepare("SELECT name FROM pragma_table_info(?)");
  names.bind(1, log);
  while (names.next())
    present.emplace_back(names.text(0));
  names.reset();
  for (const ColumnDef* column : columns) {
    if (std::find(present.begin(), present.end(), column->stored_name()) != present.end()) continue;
    connection.execute(fmt::format("ALTER TABLE {} ADD COLUMN {}", log, column->stored_name()));
  }
}

}  // namespace

void create_log_triggers(Connection& connection, const TableDef& table) {
  const std::string log = log_table(table.object_id);
  const std::string stored = table.stored_name();
  std::vector<const ColumnDef*> columns;
  std::string names;
  for (const ColumnDef& column : table.columns) {
    if (!column.computed.empty()) continue;
    columns.push_back(&column);
    names += ", " + column.stored_name();
  }
  connection.execute(
      fmt::format("DROP TRIGGER IF EXISTS {0}_i; DROP TRIGGER IF EXISTS {0}_d; DROP TRIGGER IF EXISTS {0}_u; "
                  "CREATE TABLE IF "
                  "NOT EXISTS {0}(n INTEGER PRIMARY KEY, t, s, k, o, m{1})",
                  log, names));
  add_missing_columns(connection, log, columns);
  connection.execute(fmt::format("CREATE TRIGGER {}_i AFTER INSERT ON {} BEGIN {} END", log, stored,
                                 insert_row(table, columns, 2)));
  connection.execute(fmt::format("CREATE TRIGGER {}_d AFTER DELETE ON {} BEGIN {} END", log, stored,
                                 insert_row(table, columns, 1)));
  connection.execute(fmt::format("CREATE TRIGGER {}_u AFTER UPDATE ON {} WHEN {} BEGIN {} {} END", log,
                                 stored, changed_call(columns), insert_row(table, columns, 3),
                                 insert_row(table, columns, 4)));
}

void drop_log(Connection& connection, std::int32_t source_object_id) {
  connection.execute(
      fmt::format("DROP TRIGGER IF EXISTS {0}_i; DROP TRIGGER IF EXISTS {0}_d; DROP TRIGGER IF EXISTS "
                  "{0}_u; DROP TABLE IF EXISTS {0}",
                  log_table(source_object_id)));
}

}  // namespace tailrace::sim
