// What the files of execute_*.cpp share.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sim/tsql/bind/binder.h"

namespace tailrace::sim::tsql {

// The definition of a DEFAULT.
std::string default_text(const ConstraintClause& clause);

// SQL Server's limit of columns (1702).
void check_column_count(std::string_view action, const TableDef& table, const ColumnClause& one_more);

// A value on its way into a column: conversion errors name it (2628).
Typed assigned(Binder& binder, Typed value, const ColumnDef& column, const std::string& table_text,
               std::int32_t line);

// The columns that an INSERT gives values for, and whether there are as many values (213, 109, 110).
std::vector<const ColumnDef*> target_columns(const Insert& insert, const TableDef& table,
                                             bool identity_insert);
void check_width(std::size_t given, std::size_t wanted, bool listed, bool values);

// Computed columns, checks and filters of indexes over a column are kept as text: the column must keep its name and
// be there.
bool has_dependents(const TableDef& table, std::string_view name);

}  // namespace tailrace::sim::tsql
