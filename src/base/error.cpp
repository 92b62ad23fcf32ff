// Error: kinds, their names and exit codes.
#include "base/error.h"

#include "base/log.h"

namespace tailrace {

std::string_view name_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::config: return "config";
    case ErrorKind::auth: return "auth";
    case ErrorKind::unavailable: return "unavailable";
    case ErrorKind::conflict: return "conflict";
    case ErrorKind::data: return "data";
    case ErrorKind::schema: return "schema";
    case ErrorKind::gap: return "gap";
    case ErrorKind::protocol: return "protocol";
    case ErrorKind::fenced: return "fenced";
    case ErrorKind::internal: return "internal";
    case ErrorKind::abandoned: return "abandoned";
  }
  return "internal";
}

ExitCode exit_code_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::config: return ExitCode::config;
    case ErrorKind::auth: return ExitCode::auth;
    case ErrorKind::unavailable:
    case ErrorKind::conflict: return ExitCode::unavailable;
    case ErrorKind::data: return ExitCode::data;
    case ErrorKind::schema: return ExitCode::schema;
    case ErrorKind::gap: return ExitCode::gap;
    case ErrorKind::protocol: return ExitCode::protocol;
    case ErrorKind::fenced: return ExitCode::fenced;
    case ErrorKind::internal: return ExitCode::internal;
    case ErrorKind::abandoned: return ExitCode::abandoned;
  }
  return ExitCode::internal;
}

Error::Error(ErrorKind kind, std::string message, std::source_location where)
    : kind_(kind), message_(std::move(message)), where_(where), what_(message_) {}

Error& Error::with(std::string_view key, std::string_view value) & {
  context_.emplace_back(key, value);
  what_ += ' ';
  what_ += key;
  what_ += '=';
  what_ += log::quoted(value);
  return *this;
}

Error Error::with(std::string_view key, std::string_view value) && {
  with(key, value);
  return std::move(*this);
}

std::string_view Error::context(std::string_view key) const {
  for (const auto& [name, value] : context_) {
    if (name == key) return value;
  }
  return {};
}

void assertion_failed(const char* expression, std::source_location where) {
  throw Error(ErrorKind::internal, std::string("broken invariant: ") + expression, where)
      .with("file", where.file_name())
      .with("line", std::to_string(where.line()));
}

}  // namespace tailrace
