// The log line and the human text of a failure.
#include "app/failure.h"

#include <fmt/format.h>

#include <cstdio>

#include "app/terminal.h"
#include "base/log.h"

namespace tailrace::app {
namespace {

// Where the error itself does not say what to do.
std::string usual_remedy(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::auth:
      return "check user and password; a login that is right may lack the right to connect";
    case ErrorKind::unavailable:
    case ErrorKind::conflict:
      return "see that the server runs and can be reached, then start again: nothing is lost";
    case ErrorKind::data:
      return "mend or remove the row named, then start again: the position has not moved past it";
    case ErrorKind::schema:
      return "run `tailrace check`, then load the table again with `tailrace table resnapshot`";
    case ErrorKind::gap: return "only a new snapshot helps: `tailrace table CONFIG resnapshot --table NAME`";
    case ErrorKind::fenced: return "stop the other runner, or depose it with `tailrace run --take-over`";
    case ErrorKind::protocol:
    case ErrorKind::internal: return "start again; if it comes back, report it with this message";
    case ErrorKind::config:
    case ErrorKind::abandoned: return {};
  }
  return {};
}

std::string remedy_of(const Error& error) {
  const std::string_view own = error.context("remedy");
  return own.empty() ? usual_remedy(error.kind()) : std::string(own);
}

// Lines after the first stand under it.
std::string indented(std::string text) {
  for (std::size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n', at + 1)) {
    if (at + 1 < text.size() && text[at + 1] != ' ') text.insert(at + 1, "  ");
  }
  return text;
}

// Message and context in one line; the remedy has a field of its own.
std::string line_of(const Error& error) {
  std::string out = error.message();
  for (const auto& [key, value] : error.context()) {
    if (key != "remedy") out += fmt::format(" {}={}", key, log::quoted(value));
  }
  return out;
}

}  // namespace

std::string failure_text(const Error& error) {
  std::string out = fmt::format("tailrace: {}\n", indented(error.message()));
  for (const auto& [key, value] : error.context()) {
    // What the message has already said; a short value stands in many a word.
    const bool said =
        key == "remedy" || (value.size() > 4 && error.message().find(value) != std::string::npos);
    if (!said) out += fmt::format("  {}: {}\n", key, indented(value));
  }
  if (const std::string remedy = remedy_of(error); !remedy.empty()) {
    out += fmt::format("  what to do: {}\n", indented(remedy));
  }
  return out;
}

ExitCode report_failure(const Error& error) {
  const ExitCode code = exit_code_of(error.kind());
  const bool json = log::format() == log::Format::json;
  // A person at a terminal reads the text; a collector of logs reads the line.
  if (json || !stderr_terminal().interactive) {
    log::error("tailrace.failed", {{"kind", name_of(error.kind())},
                                   {"exit", static_cast<int>(code)},
                                   {"error", line_of(error)},
                                   {"remedy", remedy_of(error)}});
  }
  if (!json) std::fputs(failure_text(error).c_str(), stderr);
  return code;
}

}  // namespace tailrace::app
