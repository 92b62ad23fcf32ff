// An error as SQL Server reports it, as a value: rooms below the engine return it, the engine sends it.
//
// Shape    `std::optional<SqlError>`: nothing means that it worked.
// Source   sys.messages; "Database Engine events and errors" in SQL Server's documentation.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace tailrace::sim {

struct SqlError {
  std::int32_t number = 0;
  std::string text;
  std::uint8_t severity = 16;
  std::uint8_t state = 1;
  std::string procedure{};  // Set where a procedure of this room found it.
};

using Outcome = std::optional<SqlError>;

}  // namespace tailrace::sim
