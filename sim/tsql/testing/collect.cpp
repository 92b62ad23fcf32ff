// CollectingSink.
#include "sim/tsql/testing/collect.h"

#include "sim/storage/codec.h"
#include "sim/storage/variant.h"
#include "sim/tsql/values/convert.h"
#include "sim/tsql/values/types.h"

namespace tailrace::sim::tsql {

std::string shown(const TypeInfo& type, const Cell& cell) {
  if (cell.null) return "NULL";
  if (type.guise == Guise::sql_variant) {
    const Value value = variant_value(cell.text);
    return full_type_name(value.type) + " " + shown(value.type, cell_of(value));
  }
  const int style = is_bytes(type.type)      ? 1
                    : is_temporal(type.type) ? 121
                    : is_money(type.type)    ? 2
                    : is_float(type.type)    ? 0
                                             : no_style;
  Value out;
  ConversionError error;
  if (!convert(type, cell, nvarchar_type(-1), style, out, error)) return "<" + error.text + ">";
  return out.text;
}

void CollectingSink::line(std::string_view what) {
  if (!text.empty()) text += "\n";
  text += what;
}

void CollectingSink::columns(std::span<const ResultColumn> columns) {
  types_.clear();
  rows_ = 0;
  std::string header = "# ";
  for (const ResultColumn& column : columns) {
    types_.push_back(column.type);
    if (header.size() > 2) header += ", ";
    header += column.name + (column.name.empty() ? "" : " ") + full_type_name(column.type) +
              (column.nullable ? "" : " not null");
  }
  if (show_columns) line(header);
}

bool CollectingSink::row(std::span<const Cell> cells) {
  std::string out;
  for (std::size_t i = 0; i < cells.size(); ++i)
    out += (i == 0 ? "" : "|") + shown(types_[i], cells[i]);
  line(out);
  return ++rows_ < stop_after_rows;
}

void CollectingSink::done(StatementKind, std::optional<std::uint64_t> rows, bool failed) {
  if (rows) line("(" + std::to_string(*rows) + ")");
  if (failed) line("failed");
}

void CollectingSink::message(const ServerMessage& message) {
  if (message.severity <= 10) return line("- " + message.text);
  line("! " + std::to_string(message.number) + " " + std::to_string(message.severity) + " " + message.text);
}

void CollectingSink::database_changed(std::string_view, std::string_view to) {
  line("use " + std::string(to));
}
void CollectingSink::transaction_began(std::uint64_t) {
  line("tran began");
}
void CollectingSink::transaction_committed(std::uint64_t) {
  line("tran committed");
}
void CollectingSink::transaction_rolled_back(std::uint64_t) {
  line("tran rolled back");
}

}  // namespace tailrace::sim::tsql
