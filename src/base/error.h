// The one exception class of the project: its kind says what the caller can do about it.
//
// Errors   A throw is for what stops the work at hand. Expected outcomes are values (docs/house-style in
//          CONTRIBUTING).
// Threads  Values; a thrown Error may cross threads by std::exception_ptr.
#pragma once

#include <exception>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tailrace {

enum class ErrorKind {
  config,       // wrong usage or setting, unfit database
  auth,         // login refused
  unavailable,  // cannot be reached; worth trying again
  conflict,     // deadlock, serialization failure
  data,         // a row that the target refuses; source and target have diverged
  schema,       // a captured table changed shape
  gap,          // changes that are needed are gone, or the source is another one
  protocol,     // bytes that break a format
  fenced,       // another runner holds or took over this pipeline
  internal,     // a broken invariant of our own
  abandoned,    // stopped before it was done, on request
};

enum class ExitCode : int {
  done = 0,
  no = 1,
  config = 2,
  auth = 3,
  unavailable = 4,
  data = 5,
  schema = 6,
  gap = 7,
  protocol = 8,
  fenced = 9,
  internal = 70,
  abandoned = 130,
};

std::string_view name_of(ErrorKind kind);
ExitCode exit_code_of(ErrorKind kind);

class Error : public std::exception {
 public:
  Error(ErrorKind kind, std::string message, std::source_location where = std::source_location::current());

  // Adds context and returns itself, to be rethrown: `throw error.with("table", name)`.
  Error& with(std::string_view key, std::string_view value) &;
  Error with(std::string_view key, std::string_view value) &&;

  ErrorKind kind() const { return kind_; }
  const std::string& message() const { return message_; }
  const std::source_location& where() const { return where_; }
  const std::vector<std::pair<std::string, std::string>>& context() const { return context_; }
  // The value of a context key, or "".
  std::string_view context(std::string_view key) const;
  // The message followed by the context as key=value.
  const char* what() const noexcept override { return what_.c_str(); }

 private:
  ErrorKind kind_;
  std::string message_;
  std::source_location where_;
  std::vector<std::pair<std::string, std::string>> context_;
  std::string what_;
};

[[noreturn]] void assertion_failed(const char* expression, std::source_location where);

}  // namespace tailrace

// Our own invariants; stays on in release and throws `internal`.
#define TAILRACE_ASSERT(expression)    \
  ((expression) ? static_cast<void>(0) \
                : ::tailrace::assertion_failed(#expression, std::source_location::current()))
