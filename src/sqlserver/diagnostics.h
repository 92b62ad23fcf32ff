// What a driver says about a failure, and the kind of error that it is.
//
// Errors  Judged by SQLSTATE and SQL Server's error number, never by text: servers speak many languages.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace tailrace::sqlserver {

struct Diagnostic {
  std::string sqlstate;
  std::int32_t native = 0;
  std::string message;
};

// `doing` says what was tried ("read dbo.orders"). Never empty: without diagnostics the error says so.
Error error_of(const std::vector<Diagnostic>& diagnostics, std::string_view doing);

// Warnings alone (class 01), and none of them a truncation.
bool harmless(const std::vector<Diagnostic>& diagnostics);

// Whether the error came from a missing right: the answer is then unknown, not wrong.
bool is_missing_right(const Error& error);
// The server does not know an object, column or function of that name.
bool is_missing_object(const Error& error);

}  // namespace tailrace::sqlserver
