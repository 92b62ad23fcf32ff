// What a Connection runs its statements with: the native reader of the protocol, or ODBC.
//
// Shape    connection.h says what each call means; a driver does nothing else.
// Errors   failure_of(). After a stop everything that a statement does throws `abandoned`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "sqlserver/diagnostics.h"
#include "sqlserver/parameter.h"
#include "sqlserver/row_reader.h"
#include "sqlserver/settings.h"

namespace tailrace::sqlserver {

// One that has been executed. It ends with its object: what is left of the result is cancelled.
class DriverStatement {
 public:
  virtual ~DriverStatement() = default;
  virtual bool fetch() = 0;
  virtual bool next_result() = 0;
  virtual void finish() = 0;
  virtual std::optional<std::int64_t> integer(int column) = 0;
  virtual std::optional<std::int64_t> timestamp(int column) = 0;
  virtual bool append_bytes(int column, std::string& out, std::size_t limit, bool& longer) = 0;
  // Borrows the statement.
  virtual std::unique_ptr<RowReader> rows(const RowPlan& plan) = 0;
};

class Driver {
 public:
  explicit Driver(Settings settings) : settings_(std::move(settings)) {}
  virtual ~Driver() = default;
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;

  virtual std::unique_ptr<DriverStatement> execute(std::string doing, std::string_view sql,
                                                   const std::vector<Parameter>& parameters) = 0;
  // From any thread: ends what a statement waits for.
  virtual void cancel() = 0;

  const Settings& settings() const { return settings_; }
  void watch(std::stop_token stop) { stop_ = std::move(stop); }
  bool stopped() const { return stop_.stop_requested(); }

 private:
  Settings settings_;
  std::stop_token stop_;
};

// What a statement throws, and what an attempt to connect throws.
Error failure_of(const std::vector<Diagnostic>& diagnostics, std::string_view doing,
                 const Settings& settings);
Error refusal_of(const std::vector<Diagnostic>& diagnostics, const Settings& settings);

}  // namespace tailrace::sqlserver
