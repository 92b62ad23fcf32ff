// Rows of a table over ODBC: blocks of rows (row_fetcher.h), decoded from its structures (row_decoder.h).
#pragma once

#include <cstddef>
#include <span>

#include "sqlserver/row_decoder.h"
#include "sqlserver/row_fetcher.h"
#include "sqlserver/row_reader.h"

namespace tailrace::sqlserver {

class OdbcRowReader : public RowReader {
 public:
  // Borrows both; `statement` has run.
  OdbcRowReader(OdbcStatement& statement, const RowPlan& plan);

  bool next() override { return fetcher_.next(); }
  bool is_null(std::size_t leading) const override { return fetcher_.is_null(leading); }
  std::span<const std::byte> bytes(std::size_t leading) const override { return fetcher_.value(leading); }
  std::int64_t integer(std::size_t leading) const override;
  void decode(RowBatch& batch, std::size_t row) override { decoder_.decode(fetcher_, leading_, batch, row); }
  void decode_key(RowBatch& batch, std::size_t row) override {
    decoder_.decode_key(fetcher_, leading_, batch, row);
  }

 private:
  std::size_t leading_;
  RowDecoder decoder_;
  RowFetcher fetcher_;
};

}  // namespace tailrace::sqlserver
