// Invocations, and what exit codes mean.
#include "app/command.h"

namespace tailrace::app {

std::vector<std::string> Option::choices() const {
  std::vector<std::string> out;
  if (value.find('|') == std::string::npos) return out;
  std::string_view rest = value;
  while (true) {
    const std::size_t bar = rest.find('|');
    out.emplace_back(rest.substr(0, bar));
    if (bar == std::string_view::npos) return out;
    rest.remove_prefix(bar + 1);
  }
}

bool Invocation::flag(std::string_view name) const {
  return given.contains(std::string(name));
}

std::string Invocation::value(std::string_view name) const {
  const auto found = given.find(std::string(name));
  if (found != given.end() && !found->second.empty()) return found->second.back();
  const auto fallback = fallbacks.find(std::string(name));
  return fallback == fallbacks.end() ? std::string{} : fallback->second;
}

std::vector<std::string> Invocation::values(std::string_view name) const {
  const auto found = given.find(std::string(name));
  return found == given.end() ? std::vector<std::string>{} : found->second;
}

const std::vector<Option>& common_options() {
  static const std::vector<Option> options{
      {.name = "log-format",
       .value = "text|json",
       .help = "Format of log lines on stderr; observability.log_format otherwise."},
      {.name = "log-level",
       .value = "debug|info|warn|error",
       .help = "The least severe lines shown; observability.log_level otherwise."},
  };
  return options;
}

std::string_view meaning_of(ExitCode code) {
  switch (code) {
    case ExitCode::done: return "done; drained after SIGTERM or SIGINT";
    case ExitCode::no: return "the answer is 'no': a check failed, differences were found";
    case ExitCode::config: return "wrong usage or configuration, or the databases are not fit for it";
    case ExitCode::auth: return "login refused";
    case ExitCode::unavailable: return "a side cannot be reached or keeps failing; worth trying again";
    case ExitCode::data: return "a row that the target refuses, or source and target have diverged";
    case ExitCode::schema: return "a captured table changed in a way that needs a person";
    case ExitCode::gap: return "changes that are needed are gone, or the source is another one";
    case ExitCode::protocol: return "bytes that break a format";
    case ExitCode::fenced: return "another runner holds or took over this pipeline";
    case ExitCode::internal: return "a broken invariant of tailrace itself; please report it";
    case ExitCode::abandoned: return "abandoned on a second signal";
  }
  return "";
}

}  // namespace tailrace::app
