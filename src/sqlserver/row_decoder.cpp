// Cells from fetched values.
#include "sqlserver/row_decoder.h"

#include <fmt/format.h>

#include <cstring>

#include "sqlserver/cells.h"
#include "sqlserver/values.h"

namespace tailrace::sqlserver {
namespace {

constexpr std::int32_t most_bound_units = 4000;  // nvarchar(4000); longer char types come as nvarchar(max).

template <class T>
T read_as(std::span<const std::byte> bytes) {
  T value;
  TAILRACE_ASSERT(bytes.size() >= sizeof(T));
  std::memcpy(&value, bytes.data(), sizeof(T));
  return value;
}

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Digits as the driver writes them; a value that does not fit its type means that the driver altered it.
int128 decimal_cell(std::span<const std::byte> bytes, const ColumnType& type) {
  const int scale = type.kind == TypeKind::decimal ? type.scale : 4;
  const std::optional<int128> value = decimal_of(as_text(bytes), scale);
  if (!value) {
    throw Error(ErrorKind::protocol, fmt::format("'{}' is no {}", as_text(bytes), type.sql_name()));
  }
  return *value;
}

}  // namespace

FetchColumn fetch_column_of(const ColumnType& type) {
  switch (type.kind) {
    case TypeKind::bit:
    case TypeKind::tinyint:
    case TypeKind::smallint:
    case TypeKind::int_:
    case TypeKind::bigint: return {FetchForm::integer, 8};
    case TypeKind::decimal:
    case TypeKind::smallmoney:
    case TypeKind::money: return {FetchForm::digits, 48};
    case TypeKind::real: return {FetchForm::float32, 4};
    case TypeKind::float_: return {FetchForm::float64, 8};
    case TypeKind::date:
    case TypeKind::smalldatetime:
    case TypeKind::datetime:
    case TypeKind::datetime2: return {FetchForm::timestamp, 16};
    case TypeKind::time: return {FetchForm::time, 12};
    case TypeKind::datetimeoffset: return {FetchForm::offset_time, 20};
    case TypeKind::uniqueidentifier: return {FetchForm::bytes, 16};
    case TypeKind::rowversion: return {FetchForm::bytes, 8};
    case TypeKind::hierarchyid: return {FetchForm::bytes, std::size_t{most_bound_units} * 2};
    case TypeKind::text:
    case TypeKind::ntext:
    case TypeKind::image:
    case TypeKind::xml:
    case TypeKind::sql_variant:
    case TypeKind::geometry:
    case TypeKind::geography: return {FetchForm::long_value, 0};
    case TypeKind::binary:
    case TypeKind::varbinary:
      if (type.is_max()) return {FetchForm::long_value, 0};
      return {FetchForm::bytes, static_cast<std::size_t>(type.length)};
    case TypeKind::char_:
    case TypeKind::varchar:
    case TypeKind::nchar:
    case TypeKind::nvarchar:
      if (type.is_max() || type.length > most_bound_units) return {FetchForm::long_value, 0};
      return {FetchForm::bytes, static_cast<std::size_t>(type.length) * 2};
  }
  return {FetchForm::long_value, 0};
}

RowDecoder::RowDecoder(const TableSchema& schema, std::size_t max_value_bytes, bool long_value_is_fault)
    : schema_(schema), max_value_bytes_(max_value_bytes), long_value_is_fault_(long_value_is_fault) {
  for (const bool long_values : {false, true}) {
    for (std::size_t i = 0; i < schema.columns.size(); ++i) {
      const FetchColumn column = fetch_column_of(schema.columns[i].type);
      if ((column.form == FetchForm::long_value) != long_values) continue;
      order_.push_back(i);
      columns_.push_back(column);
    }
  }
}

std::vector<FetchColumn> RowDecoder::fetch_columns(std::vector<FetchColumn> leading) const {
  leading.insert(leading.end(), columns_.begin(), columns_.end());
  return leading;
}

void RowDecoder::decode(RowFetcher& fetcher, std::size_t first, RowBatch& batch, std::size_t row) {
  for (std::size_t i = 0; i < order_.size(); ++i) {
    if (columns_[i].form == FetchForm::long_value) {
      decode_long(fetcher, first + i, batch, row, order_[i]);
    } else {
      decode_value(fetcher, first + i, schema_, batch, row, order_[i]);
    }
  }
}

void RowDecoder::decode_key(RowFetcher& fetcher, std::size_t first, RowBatch& batch, std::size_t row) {
  for (std::size_t i = 0; i < order_.size(); ++i) {
    if (!schema_.is_key(order_[i])) continue;
    if (columns_[i].form == FetchForm::long_value) {
      decode_long(fetcher, first + i, batch, row, order_[i]);
    } else {
      decode_value(fetcher, first + i, schema_, batch, row, order_[i]);
    }
  }
}

void RowDecoder::decode_value(RowFetcher& fetcher, std::size_t at, const TableSchema& schema, RowBatch& batch,
                              std::size_t row, std::size_t column) {
  if (fetcher.is_null(at)) return batch.set_null(row, column);
  const std::span<const std::byte> bytes = fetcher.value(at);
  const ColumnType& type = schema.columns[column].type;
  switch (type.cell_kind()) {
    case CellKind::boolean:
    case CellKind::integer: batch.put(row, column).integer = read_as<std::int64_t>(bytes); break;
    case CellKind::decimal: batch.put(row, column).decimal = decimal_cell(bytes, type); break;
    case CellKind::float32: batch.put(row, column).float32 = read_as<float>(bytes); break;
    case CellKind::float64: batch.put(row, column).float64 = read_as<double>(bytes); break;
    case CellKind::date: batch.put(row, column).integer = ticks_of(bytes) / ticks_per_day; break;
    case CellKind::timestamp: batch.put(row, column).integer = ticks_of(bytes); break;
    case CellKind::time: batch.put(row, column).integer = time_ticks_of(bytes); break;
    case CellKind::timestamp_offset: {
      const OffsetTime value = offset_time_of(bytes);
      batch.put(row, column).offset_time = {value.utc_ticks, value.minutes};
      break;
    }
    case CellKind::uuid:
      TAILRACE_ASSERT(bytes.size() == 16);
      uuid_of(bytes, batch.put(row, column).uuid);
      break;
    case CellKind::text:
    case CellKind::bytes:
    case CellKind::spatial: put_bytes(bytes, schema.columns[column], batch, row, column); break;
  }
}

void RowDecoder::decode_long(RowFetcher& fetcher, std::size_t at, RowBatch& batch, std::size_t row,
                             std::size_t column) {
  scratch_.clear();
  bool longer = false;
  if (!fetcher.statement().append_bytes(static_cast<int>(at), scratch_, max_value_bytes_, longer)) {
    return batch.set_null(row, column);
  }
  if (longer) return put_too_long({max_value_bytes_, long_value_is_fault_}, batch, row, column);
  put_bytes(std::as_bytes(std::span(scratch_)), schema_.columns[column], batch, row, column);
}

}  // namespace tailrace::sqlserver
