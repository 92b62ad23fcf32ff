// SQL Server's errors as the engine raises them inside itself.
//
// Shape    StatementError ends the statement at hand; the executor turns it into a message to the sink and decides by
//          number and severity what of the batch and the transaction survives.
// Errors   A class of its own beside tailrace::Error: SQL errors are data that the simulated server answers
//          with, and none of them leaves this folder.
// Source   sys.messages.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "sim/tsql/session.h"

namespace tailrace::sim::tsql {

struct StatementError {
  ServerMessage message;
  bool ends_batch = false;  // Whatever its number says: THROW.
};

[[noreturn]] void raise(std::int32_t number, std::string text, std::int32_t line = 0, std::uint8_t state = 1,
                        std::uint8_t severity = 0);

// At most so many bytes of a text, for a message; no letter is cut in its middle.
std::string_view beginning(std::string_view text, std::size_t bytes);
std::string_view ending(std::string_view text, std::size_t bytes);

[[noreturn]] void syntax_error(std::string_view near, std::int32_t line);  // 102 or 156
[[noreturn]] void not_supported(std::string_view what,
                                std::int32_t line = 0);  // 40517-like: refused by the simulator
[[noreturn]] void too_complex();                         // 8623

// The severity that SQL Server gives to a number.
std::uint8_t severity_of(std::int32_t number);

// What an error does besides ending its statement.
enum class ErrorScope : std::uint8_t { statement, batch, transaction };
ErrorScope scope_of(std::int32_t number);

}  // namespace tailrace::sim::tsql
