// Fetcher and decoder together.
#include "sqlserver/odbc_rows.h"

#include <cstring>

namespace tailrace::sqlserver {
namespace {

std::vector<FetchColumn> fetched(const std::vector<LeadingColumn>& leading) {
  std::vector<FetchColumn> out;
  for (const LeadingColumn& column : leading) {
    const bool is_integer = column.form == LeadingColumn::Form::integer;
    out.push_back(is_integer ? FetchColumn{FetchForm::integer, 8}
                             : FetchColumn{FetchForm::bytes, column.width});
  }
  return out;
}

}  // namespace

std::vector<std::size_t> select_order(const TableSchema& schema) {
  return RowDecoder(schema, 0).select_order();
}

OdbcRowReader::OdbcRowReader(OdbcStatement& statement, const RowPlan& plan)
    : leading_(plan.leading.size()),
      decoder_(plan.schema, plan.max_value_bytes, plan.long_value_is_fault),
      fetcher_(statement, decoder_.fetch_columns(fetched(plan.leading))) {}

std::int64_t OdbcRowReader::integer(std::size_t leading) const {
  std::int64_t value = 0;
  std::memcpy(&value, fetcher_.value(leading).data(), sizeof value);
  return value;
}

}  // namespace tailrace::sqlserver
