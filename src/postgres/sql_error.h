// What a SQLSTATE means to tailrace: the kind of Error, and the words of the server kept as context.
//
// Source  PostgreSQL 15 documentation, appendix A; docs/rules.md R11.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace tailrace::postgres {

// Raised by the state schema's functions (state_schema.cpp).
inline constexpr std::string_view fenced_sqlstate = "TR001";
inline constexpr std::string_view moved_sqlstate = "TR002";
inline constexpr std::string_view claimed_sqlstate = "TR003";

ErrorKind kind_of_sqlstate(std::string_view sqlstate);

struct SqlFailure {
  std::string sqlstate;
  std::string message;
  std::string detail;
  std::string schema;
  std::string table;
  std::string column;
  std::string constraint;
  std::string hint;
  std::string context;
  std::string
      function;  // Of the server's source: tells apart what shares a SQLSTATE, in whatever language it speaks.
};

Error error_of(const SqlFailure& failure, std::string_view purpose);

}  // namespace tailrace::postgres
