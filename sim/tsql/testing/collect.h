// A ResultSink for tests that writes what it is told as text, one line a thing.
//
// Shape    Columns "name type[ not null]" joined by ", " after "# "; rows joined by "|"; "(n)" for a done with a
//          count; "! number severity text" for a message, "- text" for information; "tran began" and the like.
#pragma once

#include <string>
#include <vector>

#include "sim/tsql/session.h"

namespace tailrace::sim::tsql {

class CollectingSink final : public ResultSink {
 public:
  bool show_columns = false;
  std::string text;
  std::vector<ParameterValue> outputs;
  std::int32_t status = 0;
  std::size_t stop_after_rows = SIZE_MAX;

  void columns(std::span<const ResultColumn> columns) override;
  [[nodiscard]] bool row(std::span<const Cell> cells) override;
  void done(StatementKind kind, std::optional<std::uint64_t> rows, bool failed) override;
  void message(const ServerMessage& message) override;
  void database_changed(std::string_view from, std::string_view to) override;
  void transaction_began(std::uint64_t descriptor) override;
  void transaction_committed(std::uint64_t descriptor) override;
  void transaction_rolled_back(std::uint64_t descriptor) override;
  void return_status(std::int32_t code) override { status = code; }
  void return_value(const ParameterValue& value) override { outputs.push_back(value); }
  void reset_connection() override { line("reset"); }

 private:
  void line(std::string_view text);
  std::vector<TypeInfo> types_;
  std::size_t rows_ = 0;
};

// A value as text, as CONVERT with the fullest style gives it; bytes as 0x...; a sql_variant after its type
std::string shown(const TypeInfo& type, const Cell& cell);

}  // namespace tailrace::sim::tsql
