// Rows of a table from the packets into a batch, with nothing in between: each column's way is resolved once.
//
// Errors  schema: a column's type at the server is none that the schema's column takes. protocol: a value that its
//         type does not have.
// Source  [MS-TDS] 2.2.5.5.1 (values); docs/types.md says what each becomes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "sqlserver/cells.h"
#include "sqlserver/row_reader.h"
#include "tds/types.h"

namespace tailrace::tds {
class Response;
}

namespace tailrace::sqlserver {

class TdsStatement;

// How a value becomes a cell.
enum class CellWay : std::uint8_t {
  integer,
  decimal,         // Of the column's own scale,
  decimal_scaled,  // or of another one.
  money,
  small_money,
  float32,
  float64,
  float64_of_32,
  date,
  time,
  datetime,
  small_datetime,
  datetime2,
  datetimeoffset,
  uuid,
  bytes,
  text,
  western_text,
  spatial,
};

struct CellPlan {
  CellWay way = CellWay::integer;
  tds::LengthForm form = tds::LengthForm::fixed;
  std::uint8_t scale = 0;
  bool has_exact_length = true;  // A value that is not NULL has `length`.
  bool is_long = false;          // Held against the limit of values.
  bool is_key = false;
  std::uint32_t length = 0;
  std::size_t at = 0;      // In the result.
  std::size_t column = 0;  // In the schema.
};

// Throws schema where no value of the type can become one of the column.
CellPlan plan_of(const tds::TypeInfo& type, const Column& column);

// One value of exact or allowed length, as the plan says; long ones are the caller's.
void put_value(const CellPlan& plan, std::span<const std::byte> value, const Column& column, RowBatch& batch,
               std::size_t row);

// Decodes the rows of a response, whose columns have come.
class TdsRowDecoder {
 public:
  TdsRowDecoder(const std::vector<tds::Column>& columns, const RowPlan& plan);

  // The row at which the response is, behind its leading columns.
  void decode(tds::Response& response, RowBatch& batch, std::size_t row) {
    decode<false>(response, batch, row);
  }
  void decode_key(tds::Response& response, RowBatch& batch, std::size_t row) {
    decode<true>(response, batch, row);
  }

 private:
  template <bool only_key>
  void decode(tds::Response& response, RowBatch& batch, std::size_t row);
  void decode_long(tds::Response& response, const CellPlan& plan, RowBatch& batch, std::size_t row);

  const TableSchema& schema_;
  ValueLimit limit_;
  std::size_t result_columns_;
  std::vector<CellPlan> plans_;  // In the result's order.
  std::string scratch_;
};

class TdsRowReader : public RowReader {
 public:
  // Borrows the statement, which has a result.
  TdsRowReader(TdsStatement& statement, const RowPlan& plan);

  bool next() override;
  bool is_null(std::size_t leading) const override { return leading_[leading].is_null; }
  std::span<const std::byte> bytes(std::size_t leading) const override;
  std::int64_t integer(std::size_t leading) const override { return leading_[leading].number; }
  void decode(RowBatch& batch, std::size_t row) override;
  void decode_key(RowBatch& batch, std::size_t row) override;

 private:
  struct Leading {
    LeadingColumn::Form form;
    bool is_null = true;
    std::int64_t number = 0;
    std::size_t size = 0;
    std::vector<std::byte> bytes;
  };
  void read_leading();

  TdsStatement& statement_;
  std::vector<Leading> leading_;
  TdsRowDecoder decoder_;
  std::string scratch_;
};

}  // namespace tailrace::sqlserver
