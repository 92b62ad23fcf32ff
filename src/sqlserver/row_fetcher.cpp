// Binding and fetching blocks of rows.
#include "sqlserver/row_fetcher.h"

#include <sql.h>
#include <sqlext.h>

#include <algorithm>
#include <string>

namespace tailrace::sqlserver {
namespace {

constexpr std::size_t most_rows = 256;
constexpr std::size_t most_bytes = 2u << 20;

SQLSMALLINT c_type_of(FetchForm form) {
  switch (form) {
    case FetchForm::integer: return SQL_C_SBIGINT;
    case FetchForm::float32: return SQL_C_FLOAT;
    case FetchForm::float64: return SQL_C_DOUBLE;
    case FetchForm::digits: return SQL_C_CHAR;
    case FetchForm::timestamp: return SQL_C_TYPE_TIMESTAMP;
    case FetchForm::time:
    case FetchForm::offset_time:
    case FetchForm::bytes:
    case FetchForm::long_value: return SQL_C_BINARY;
  }
  return SQL_C_BINARY;
}

// Drivers may leave the length of a type of fixed width as they like; only NULL is then looked at.
bool has_fixed_width(FetchForm form) {
  return form == FetchForm::integer || form == FetchForm::float32 || form == FetchForm::float64 ||
         form == FetchForm::timestamp;
}

}  // namespace

RowFetcher::RowFetcher(OdbcStatement& statement, std::vector<FetchColumn> columns)
    : statement_(statement), columns_(std::move(columns)), bound_(columns_.size()) {
  std::size_t row_bytes = 0;
  bool has_long = false;
  for (const FetchColumn& column : columns_) {
    has_long = has_long || column.form == FetchForm::long_value;
    row_bytes += column.width + sizeof(std::int64_t);
  }
  if (!has_long)
    block_rows_ = std::clamp<std::size_t>(most_bytes / std::max<std::size_t>(row_bytes, 1), 1, most_rows);
  void* handle = statement_.handle();
  statement_.check(
      SQLSetStmtAttrW(handle, SQL_ATTR_ROW_ARRAY_SIZE, reinterpret_cast<SQLPOINTER>(block_rows_), 0));
  statement_.check(SQLSetStmtAttrW(handle, SQL_ATTR_ROWS_FETCHED_PTR, &fetched_, 0));
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (columns_[i].form != FetchForm::long_value) bind(i);
  }
}

void RowFetcher::bind(std::size_t column) {
  Bound& bound = bound_[column];
  const std::size_t width = columns_[column].width;
  bound.buffer.resize(width * block_rows_);
  bound.lengths.resize(block_rows_);
  statement_.check(SQLBindCol(statement_.handle(), static_cast<SQLUSMALLINT>(column + 1),
                              c_type_of(columns_[column].form), bound.buffer.data(),
                              static_cast<SQLLEN>(width), reinterpret_cast<SQLLEN*>(bound.lengths.data())));
}

bool RowFetcher::next() {
  if (at_end_) return false;
  if (row_ + 1 < fetched_) {
    ++row_;
  } else {
    fetched_ = 0;
    row_ = 0;
    if (!statement_.check_fetch(SQLFetch(statement_.handle())) || fetched_ == 0) {
      at_end_ = true;
      return false;
    }
  }
  check_row();
  return true;
}

void RowFetcher::check_row() {
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (columns_[i].form == FetchForm::long_value) continue;
    std::int64_t& length = bound_[i].lengths[row_];
    if (length == SQL_NULL_DATA) continue;
    const auto width = static_cast<std::int64_t>(columns_[i].width);
    if (has_fixed_width(columns_[i].form)) {
      length = width;
    } else if (length < 0 || length > width || (columns_[i].form == FetchForm::digits && length == width)) {
      throw Error(ErrorKind::internal, "a value is longer than its column: " + statement_.doing())
          .with("column_number", std::to_string(i + 1))
          .with("length", std::to_string(length));
    }
  }
}

}  // namespace tailrace::sqlserver
