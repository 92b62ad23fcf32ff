// Every T-SQL text that a source sends for a table; the catalog's are in catalog_read.cpp.
//
// Shape    Names in brackets (`]` doubled), every column with its table's alias. A `?` is one parameter.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/table_schema.h"
#include "sqlserver/code_page.h"
#include "sqlserver/parameter.h"

namespace tailrace::sqlserver {

std::string quote(std::string_view name);
std::string quote(const TableName& table);  // [schema].[name]
// A text as a literal: N'...'.
std::string literal(std::string_view text);

// `c.[name]`, or the conversion that lets the value through unaltered: char types become UTF-16 at the server, whatever
// their code page is, but those that `form` takes as they are.
std::string select_expression(const Column& column, TextForm form = TextForm::utf16);
// Of all columns, in select_order().
std::string select_list(const TableSchema& table, TextForm form);

// A change table's rows behind a row, in the order (start_lsn, command_id, seqval, operation), each form a seek
// of its own in the change table's clustered index.
enum class PageForm : std::uint8_t {
  from_lsn,      // (lsn, upper]: the first page, and what follows the transaction of the last row
  same_seqval,   // lsn, command, seqval equal; operation greater
  same_command,  // lsn, command equal; seqval greater
  same_lsn,      // lsn equal; command greater
};

struct ChangeColumns {
  std::string change_table;  // Without schema: dbo_orders_CT.
  bool has_command_id = true;
  bool with_before = false;  // Rows with operation 3 as well.
  std::string select_list;   // The captured columns, from select_expression().
};

// `command_is_null`: in change tables that got the column later, old rows have NULL there; they come first.
std::string change_page(const ChangeColumns& columns, PageForm form, bool command_is_null);

// Rows of every table in its window, as a batch of several results: `number, rows`, without tables that have none.
// Parameters: the lower end that most tables share, the upper one, then the lower ends of those with `own_lower`.
// The LSNs are no part of the text, so that the server keeps one plan for each of its statements.
struct CountedTable {
  const ChangeColumns* columns;
  bool own_lower = false;
};
std::string count_rows(std::span<const CountedTable> tables);
// The same by transaction: `lsn, rows`.
std::string count_rows_by_lsn(std::span<const ChangeColumns> tables);

// A range of keys of a table. Bounds are parameters, converted to the column's very type so that the server
// compares and its index serves.
struct KeyRange {
  bool has_after = false;
  bool has_upto = false;
  std::string_view filter = {};  // One more condition.
};
// Of the rows that the table's filter lets through, as bound_behind().
std::string read_range(const TableSchema& table, std::string_view select_list, const KeyRange& range,
                       std::string_view database_collation);
std::string bound_behind(const TableSchema& table, std::string_view select_list, bool has_after,
                         std::uint64_t rows, std::string_view database_collation);
std::string read_by_keys(const TableSchema& table, std::string_view select_list, std::size_t keys,
                         std::string_view database_collation);

// The parameters that belong to them, in order.
std::vector<Parameter> range_parameters(const TableSchema& table, const std::vector<std::string>& after,
                                        const std::vector<std::string>& upto);
std::vector<Parameter> key_parameters(const TableSchema& table,
                                      std::span<const std::vector<std::string>> keys);

}  // namespace tailrace::sqlserver
