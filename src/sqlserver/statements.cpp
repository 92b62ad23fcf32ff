// T-SQL texts.
#include "sqlserver/statements.h"

#include <fmt/format.h>

#include "base/error.h"
#include "sqlserver/row_reader.h"

namespace tailrace::sqlserver {
namespace {

std::string nvarchar_of(std::int32_t length) {
  return length == -1 || length > 4000 ? "nvarchar(max)" : fmt::format("nvarchar({})", length);
}

const Column& key_column(const TableSchema& table, std::size_t part) {
  return table.columns[table.key[part]];
}

// The parameter as a value of the column's type and collation.
std::string typed_parameter(const Column& column, std::string_view database_collation) {
  if (column.type.raw)
    return fmt::format("CONVERT({}, CONVERT(varbinary(892), ?, 1))", column.type.sql_name());
  switch (column.type.kind) {
    case TypeKind::binary:
    case TypeKind::rowversion:
    case TypeKind::varbinary: return fmt::format("CONVERT({}, ?, 1)", column.type.sql_name());
    case TypeKind::char_:
    case TypeKind::varchar:
    case TypeKind::nchar:
    case TypeKind::nvarchar:
      // The collation decides the code page of the conversion.
      if (!column.collation.empty() && column.collation != database_collation) {
        return fmt::format("CONVERT({}, ? COLLATE {})", column.type.sql_name(), column.collation);
      }
      return fmt::format("CONVERT({}, ?)", column.type.sql_name());
    default: return fmt::format("CONVERT({}, ?)", column.type.sql_name());
  }
}

// (k1, k2, ...) compared with a bound, as a range on k1 that an index can seek, refined by the rest. `sign` is > or
// <; `inclusive` lets the bound itself in.
std::string beyond(const TableSchema& table, std::size_t part, char sign, bool inclusive,
                   std::string_view collation) {
  const Column& column = key_column(table, part);
  const std::string name = "c." + quote(column.name);
  const std::string value = typed_parameter(column, collation);
  if (part + 1 == table.key.size()) return fmt::format("{} {}{} {}", name, sign, inclusive ? "=" : "", value);
  return fmt::format("{0} {1}= {2} AND ({0} {1} {2} OR ({3}))", name, sign, value,
                     beyond(table, part + 1, sign, inclusive, collation));
}

// The parameters of beyond(): every part but the last twice.
void add_bound(const TableSchema& table, const std::vector<std::string>& bound, std::vector<Parameter>& out);

std::string order_by_key(const TableSchema& table) {
  std::string out;
  for (std::size_t i = 0; i < table.key.size(); ++i)
    out += fmt::format("{}c.{}", i == 0 ? "" : ", ", quote(key_column(table, i).name));
  return out;
}

// key_text is finer than some types can read.
std::string parameter_text(const Column& column, const std::string& text) {
  const std::size_t point = text.rfind('.');
  if (column.type.kind == TypeKind::datetime && point != std::string::npos) return text.substr(0, point + 4);
  if (column.type.kind == TypeKind::smalldatetime && point != std::string::npos) return text.substr(0, point);
  return text;
}

void add_bound(const TableSchema& table, const std::vector<std::string>& bound, std::vector<Parameter>& out) {
  TAILRACE_ASSERT(bound.size() == table.key.size());
  for (std::size_t i = 0; i < bound.size(); ++i) {
    const Parameter parameter = Parameter::of_text(parameter_text(key_column(table, i), bound[i]));
    out.push_back(parameter);
    if (i + 1 < bound.size()) out.push_back(parameter);
  }
}

std::string from_table(const TableSchema& table) {
  return fmt::format("{}.{} AS c", quote(table.name.schema), quote(table.name.name));
}

std::string operations(const ChangeColumns& columns) {
  return columns.with_before ? "" : " AND c.[__$operation] <> 3";
}

// Parameters of the columns' very types: a seek needs no conversion of the column.
constexpr std::string_view lsn_parameter = "CONVERT(binary(10), ?)";
constexpr std::string_view int_parameter = "CONVERT(int, ?)";

std::string window_condition() {
  return fmt::format("c.[__$start_lsn] > {0} AND c.[__$start_lsn] <= {0}", lsn_parameter);
}

std::string page_condition(const ChangeColumns& columns, PageForm form, bool command_is_null) {
  const std::string same_lsn = fmt::format("c.[__$start_lsn] = {}", lsn_parameter);
  const std::string same_command = !columns.has_command_id ? ""
                                   : command_is_null
                                       ? " AND c.[__$command_id] IS NULL"
                                       : fmt::format(" AND c.[__$command_id] = {}", int_parameter);
  switch (form) {
    case PageForm::from_lsn: return window_condition();
    case PageForm::same_seqval:
      return fmt::format("{}{} AND c.[__$seqval] = {} AND c.[__$operation] > {}", same_lsn, same_command,
                         lsn_parameter, int_parameter);
    case PageForm::same_command:
      return fmt::format("{}{} AND c.[__$seqval] > {}", same_lsn, same_command, lsn_parameter);
    case PageForm::same_lsn:
      return command_is_null ? same_lsn + " AND c.[__$command_id] IS NOT NULL"
                             : fmt::format("{} AND c.[__$command_id] > {}", same_lsn, int_parameter);
  }
  return {};
}

// The value of a sql_variant as text that loses nothing of it: by the base type, because the plain conversion
// shortens numbers and times. float: 17 digits, real: 9 (style 3); money: 4 (style 2); bytes: 0x... (style 1).
std::string variant_text(std::string_view name) {
  struct Form {
    std::string_view base;
    std::string_view text;  // {}: the column.
  };
  static constexpr Form forms[] = {
      {"float", "CONVERT(nvarchar(max), CONVERT(float, {}), 3)"},
      {"real", "CONVERT(nvarchar(max), CONVERT(real, {}), 3)"},
      {"money", "CONVERT(nvarchar(max), CONVERT(money, {}), 2)"},
      {"smallmoney", "CONVERT(nvarchar(max), CONVERT(money, {}), 2)"},
      {"date", "CONVERT(nvarchar(max), CONVERT(date, {}), 23)"},
      {"time", "CONVERT(nvarchar(max), CONVERT(time(7), {}), 121)"},
      {"smalldatetime", "CONVERT(nvarchar(max), CONVERT(smalldatetime, {}), 120)"},
      {"datetime", "CONVERT(nvarchar(max), CONVERT(datetime, {}), 121)"},
      {"datetime2", "CONVERT(nvarchar(max), CONVERT(datetime2(7), {}), 121)"},
      {"datetimeoffset", "CONVERT(nvarchar(max), CONVERT(datetimeoffset(7), {}), 121)"},
      {"uniqueidentifier", "LOWER(CONVERT(nvarchar(36), CONVERT(uniqueidentifier, {})))"},
      {"binary", "CONVERT(nvarchar(max), CONVERT(varbinary(8000), {}), 1)"},
      {"varbinary", "CONVERT(nvarchar(max), CONVERT(varbinary(8000), {}), 1)"},
  };
  std::string out = fmt::format("CASE CONVERT(nvarchar(128), SQL_VARIANT_PROPERTY({}, N'BaseType'))", name);
  for (const Form& form : forms)
    out += fmt::format(" WHEN N'{}' THEN {}", form.base, fmt::format(fmt::runtime(form.text), name));
  return out + fmt::format(" ELSE CONVERT(nvarchar(max), {}) END", name);
}

}  // namespace

std::string quote(std::string_view name) {
  std::string out = "[";
  for (const char c : name) {
    out += c;
    if (c == ']') out += ']';
  }
  return out + "]";
}

std::string quote(const TableName& table) {
  return quote(table.schema) + "." + quote(table.name);
}

std::string literal(std::string_view text) {
  std::string out = "N'";
  for (const char c : text) {
    out += c;
    if (c == '\'') out += '\'';
  }
  return out + "'";
}

std::string select_expression(const Column& column, TextForm form) {
  const std::string name = "c." + quote(column.name);
  switch (column.type.kind) {
    case TypeKind::char_:
    case TypeKind::varchar:
      if (form == TextForm::western && column.type.length != -1 && is_western(column.collation)) return name;
      return fmt::format("CONVERT({}, {})", nvarchar_of(column.type.length), name);
    case TypeKind::text:
    case TypeKind::ntext:
    case TypeKind::xml: return fmt::format("CONVERT(nvarchar(max), {})", name);
    case TypeKind::rowversion: return fmt::format("CONVERT(binary(8), {})", name);
    case TypeKind::image:
    case TypeKind::geometry:
    case TypeKind::geography: return fmt::format("CONVERT(varbinary(max), {})", name);
    case TypeKind::hierarchyid:
      return fmt::format("CONVERT({}, {})", column.type.raw ? "varbinary(892)" : "nvarchar(4000)", name);
    case TypeKind::sql_variant: return variant_text(name);
    default: return name;
  }
}

std::string select_list(const TableSchema& table, TextForm form) {
  std::string out;
  for (const std::size_t column : select_order(table))
    out += (out.empty() ? "" : ", ") + select_expression(table.columns[column], form);
  return out;
}

std::string change_page(const ChangeColumns& columns, PageForm form, bool command_is_null) {
  const std::string_view command = columns.has_command_id ? "c.[__$command_id]" : "0";
  return fmt::format(
      "SELECT c.[__$start_lsn], {}, c.[__$seqval], c.[__$operation], c.[__$update_mask], {} FROM [cdc].{} AS "
      "c "
      "WHERE {}{} ORDER BY c.[__$start_lsn], {}c.[__$seqval], c.[__$operation]",
      command, columns.select_list, quote(columns.change_table),
      page_condition(columns, form, command_is_null), operations(columns),
      columns.has_command_id ? "c.[__$command_id], " : "");
}

std::string count_rows(std::span<const CountedTable> tables) {
  constexpr std::size_t tables_a_statement = 200;  // One statement of a thousand takes the optimizer long.
  std::string out = fmt::format("DECLARE @lower binary(10) = {0}, @upper binary(10) = {0};", lsn_parameter);
  for (std::size_t i = 0; i < tables.size(); ++i) {
    const ChangeColumns& columns = *tables[i].columns;
    const bool is_first = i % tables_a_statement == 0;
    out += fmt::format(
        "{}SELECT {}, COUNT_BIG(*) FROM [cdc].{} AS c WHERE c.[__$start_lsn] > {} AND c.[__$start_lsn] <= "
        "@upper{} HAVING COUNT_BIG(*) > 0",
        !is_first ? " UNION ALL "
        : i == 0  ? " "
                  : "; ",
        i, quote(columns.change_table), tables[i].own_lower ? lsn_parameter : "@lower", operations(columns));
  }
  return out;
}

std::string count_rows_by_lsn(std::span<const ChangeColumns> tables) {
  std::string out;
  for (std::size_t i = 0; i < tables.size(); ++i) {
    out += fmt::format(
        "{}SELECT c.[__$start_lsn], COUNT_BIG(*) FROM [cdc].{} AS c WHERE {}{} GROUP BY c.[__$start_lsn]",
        i == 0 ? "" : " UNION ALL ", quote(tables[i].change_table), window_condition(),
        operations(tables[i]));
  }
  return out;
}

std::string read_range(const TableSchema& table, std::string_view select_list, const KeyRange& range,
                       std::string_view database_collation) {
  std::string where;
  const auto demand = [&](const std::string& condition) {
    where = where.empty() ? condition : fmt::format("({}) AND ({})", where, condition);
  };
  if (range.has_after) demand(beyond(table, 0, '>', /*inclusive=*/false, database_collation));
  if (range.has_upto) demand(beyond(table, 0, '<', /*inclusive=*/true, database_collation));
  // On a line of its own: it may end in a comment.
  if (!table.snapshot_filter.empty()) demand(fmt::format("{}\n", table.snapshot_filter));
  if (!range.filter.empty()) demand(fmt::format("{}\n", range.filter));
  return fmt::format("SELECT {} FROM {}{}{}{}{}", select_list, from_table(table),
                     where.empty() ? "" : " WHERE ", where, table.key.empty() ? "" : " ORDER BY ",
                     order_by_key(table));
}

std::string bound_behind(const TableSchema& table, std::string_view select_list, bool has_after,
                         std::uint64_t rows, std::string_view database_collation) {
  return fmt::format("{} OFFSET {} ROWS FETCH NEXT 1 ROWS ONLY",
                     read_range(table, select_list, {has_after, false, {}}, database_collation), rows - 1);
}

std::string read_by_keys(const TableSchema& table, std::string_view select_list, std::size_t keys,
                         std::string_view database_collation) {
  std::string one;
  for (std::size_t i = 0; i < table.key.size(); ++i) {
    const Column& column = key_column(table, i);
    one += fmt::format("{}c.{} = {}", i == 0 ? "" : " AND ", quote(column.name),
                       typed_parameter(column, database_collation));
  }
  std::string where;
  for (std::size_t i = 0; i < keys; ++i)
    where += fmt::format("{}({})", i == 0 ? "" : " OR ", one);
  return fmt::format("SELECT {} FROM {} WHERE {}", select_list, from_table(table), where);
}

std::vector<Parameter> range_parameters(const TableSchema& table, const std::vector<std::string>& after,
                                        const std::vector<std::string>& upto) {
  std::vector<Parameter> out;
  if (!after.empty()) add_bound(table, after, out);
  if (!upto.empty()) add_bound(table, upto, out);
  return out;
}

std::vector<Parameter> key_parameters(const TableSchema& table,
                                      std::span<const std::vector<std::string>> keys) {
  std::vector<Parameter> out;
  for (const std::vector<std::string>& key : keys) {
    TAILRACE_ASSERT(key.size() == table.key.size());
    for (std::size_t i = 0; i < key.size(); ++i)
      out.push_back(Parameter::of_text(parameter_text(key_column(table, i), key[i])));
  }
  return out;
}

}  // namespace tailrace::sqlserver
