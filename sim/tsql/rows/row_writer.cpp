// What every change of a row needs: positions and lists of columns, the row as a source of expressions.
#include "sim/tsql/rows/row_writer.h"

#include "base/error.h"

namespace tailrace::sim::tsql {
namespace {

// A longer value may be too long for a captured column (7139).
constexpr std::size_t lob_bytes = 8000;

}  // namespace

RowWriter::RowWriter(SessionCore& session, TablePtr table) : session_(session), table_(std::move(table)) {
  local_ = table_->name.starts_with('#') || table_->name.starts_with('@');
  locator_ = table_->locator();
  for (std::size_t i = 0; i < table_->columns.size(); ++i) {
    const ColumnDef& column = table_->columns[i];
    stored_.push_back(column.computed.empty() ? column.stored_name() : "");
    if (column.identity) identity_position_ = i;
    if (column.type.guise == Guise::rowversion) rowversion_position_ = i;
  }
}

RowWriter::~RowWriter() = default;

std::size_t RowWriter::position_of(std::int32_t column_id) const {
  for (std::size_t i = 0; i < table_->columns.size(); ++i) {
    if (table_->columns[i].column_id == column_id) return i;
  }
  return 0;
}

std::string RowWriter::locator_list(const std::string& alias) const {
  std::string out;
  for (const std::string& name : locator_)
    out += (out.empty() ? "" : ",") + alias + "." + name;
  return out;
}

std::string RowWriter::column_list(const std::string& alias) const {
  std::string out;
  for (const std::string& name : stored_)
    out += (out.empty() ? "" : ",") + (name.empty() ? std::string("NULL") : alias + "." + name);
  return out;
}

std::string RowWriter::where_locator(int first_parameter) const {
  std::string out;
  for (const std::string& name : locator_) {
    out += (out.empty() ? " WHERE " : " AND ") + name + " = ?" + std::to_string(first_parameter++);
  }
  return out;
}

bool RowWriter::key_column(std::size_t position) const {
  const std::int32_t id = table_->columns[position].column_id;
  for (const IndexDef& index : table_->indexes) {
    if (!index.unique && !index.clustered && !index.primary_key) continue;
    for (const IndexColumn& column : index.columns) {
      if (column.column_id == id && !column.included) return true;
    }
  }
  return false;
}

SourceTable RowWriter::parameter_source(Binder& binder, const TablePtr& table, const std::string& name) {
  SourceTable source;
  source.alias = name;
  source.table = table;
  for (std::size_t i = 0; i < table->columns.size(); ++i) {
    const ColumnDef& column = table->columns[i];
    if (!column.computed.empty()) continue;
    Typed value;
    value.type = column.type;
    value.nullable = column.nullable;
    value.sql = binder.parameter(name + "." + std::to_string(i));
    value.coercibility = Coercibility::implicit;
    value.collation = column.collation.empty() ? binder.environment().collation() : column.collation;
    source.columns.push_back({column.name, std::move(value), column.hidden});
  }
  for (const ColumnDef& column : table->columns) {
    if (column.computed.empty()) continue;
    Typed value = binder.column_value(source, column);
    source.columns.push_back({column.name, std::move(value), column.hidden});
  }
  return source;
}

void RowWriter::check_lob(const ColumnDef& column, std::string_view text) {
  if (column.type.length >= 0 || !table_->tracked_by_cdc || text.size() <= lob_bytes) return;
  session_.check(session_.active_->cdc.check_lob(*table_, column, text));
}

// "INSERTED.3" -> 3
bool row_parameter(const std::string& name, std::string_view prefix, std::size_t& position) {
  if (!name.starts_with(prefix)) return false;
  position = static_cast<std::size_t>(std::strtoull(name.c_str() + prefix.size(), nullptr, 10));
  return true;
}

}  // namespace tailrace::sim::tsql
