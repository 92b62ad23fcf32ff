// The options of `sqlserver-sim`.
#include "sim/tds/command_line.h"

#include <fmt/format.h>

#include <charconv>
#include <fstream>
#include <limits>
#include <optional>
#include <vector>

#include "base/error.h"

namespace tailrace::sim::tds {
namespace {

using Mistakes = std::vector<std::string>;

template <class Number>
std::optional<Number> number_in(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

struct Unit {
  std::string_view name;
  std::int64_t factor;
};

// A whole number and a unit, in the unit whose factor is 1.
std::optional<std::int64_t> amount_in(std::string_view text, std::span<const Unit> units) {
  const std::size_t digits = text.find_first_not_of("0123456789");
  if (digits == std::string_view::npos) return std::nullopt;
  const std::optional<std::int64_t> count = number_in<std::int64_t>(text.substr(0, digits));
  if (!count) return std::nullopt;
  for (const Unit& unit : units) {
    if (unit.name != text.substr(digits)) continue;
    if (*count > std::numeric_limits<std::int64_t>::max() / unit.factor) return std::nullopt;
    return *count * unit.factor;
  }
  return std::nullopt;
}

void set_listen(CommandLine& line, std::string_view value, Mistakes& mistakes) {
  const std::size_t colon = value.rfind(':');
  const std::optional<std::uint16_t> port =
      colon == std::string_view::npos ? std::nullopt : number_in<std::uint16_t>(value.substr(colon + 1));
  if (!port || colon == 0) {
    mistakes.push_back(fmt::format("--listen {}: expected ADDRESS:PORT such as 127.0.0.1:1433", value));
    return;
  }
  line.host = value.substr(0, colon);
  line.port = *port;
}

void set_password(CommandLine& line, std::string_view value, Mistakes& mistakes) {
  std::ifstream file{std::string(value)};
  if (!file || !std::getline(file, line.engine.sa_password)) {
    mistakes.push_back(fmt::format("--sa-password-file {}: cannot be read or is empty", value));
    return;
  }
  if (!line.engine.sa_password.empty() && line.engine.sa_password.back() == '\r')
    line.engine.sa_password.pop_back();
  if (line.engine.sa_password.empty()) {
    mistakes.push_back(fmt::format("--sa-password-file {}: its first line is empty", value));
  }
}

void set_capture_interval(CommandLine& line, std::string_view value, Mistakes& mistakes) {
  constexpr Unit units[] = {{"ms", 1}, {"s", 1000}, {"m", 60'000}};
  const std::optional<std::int64_t> interval = amount_in(value, units);
  if (!interval) {
    mistakes.push_back(fmt::format("--capture-interval {}: expected a time such as 100ms, 0ms or 1s", value));
    return;
  }
  line.engine.capture_interval_ms = *interval;
}

void set_retention(CommandLine& line, std::string_view value, Mistakes& mistakes) {
  constexpr Unit units[] = {{"m", 1}, {"h", 60}, {"d", 1440}};
  // sys.sp_cdc_change_job takes at most 100 years.
  constexpr std::int64_t most_minutes = 52'494'800;
  const std::optional<std::int64_t> retention = amount_in(value, units);
  if (!retention || *retention < 1 || *retention > most_minutes) {
    mistakes.push_back(fmt::format("--retention {}: expected a time such as 3d, 36h or 90m", value));
    return;
  }
  line.engine.retention_minutes = *retention;
}

bool set_option(CommandLine& line, std::string_view name, std::string_view value, Mistakes& mistakes) {
  if (name == "--listen") {
    set_listen(line, value, mistakes);
  } else if (name == "--sa-password-file") {
    set_password(line, value, mistakes);
  } else if (name == "--data") {
    line.engine.data_directory = value;
  } else if (name == "--capture-interval") {
    set_capture_interval(line, value, mistakes);
  } else if (name == "--retention") {
    set_retention(line, value, mistakes);
  } else if (name == "--cert") {
    line.certificate_file = value;
  } else {
    return false;
  }
  return true;
}

std::string joined(const Mistakes& mistakes) {
  std::string text;
  for (const std::string& mistake : mistakes) {
    if (!text.empty()) text += "; ";
    text += mistake;
  }
  return text + " (see --help)";
}

}  // namespace

CommandLine parse_command_line(std::span<const char* const> arguments) {
  CommandLine line;
  Mistakes mistakes;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    std::string_view name = arguments[i];
    if (name == "--help" || name == "-h") {
      line.help = true;
      return line;
    }
    const std::size_t equals = name.find('=');
    std::string_view value;
    if (equals != std::string_view::npos) {
      value = name.substr(equals + 1);
      name = name.substr(0, equals);
    } else if (i + 1 < arguments.size()) {
      value = arguments[i + 1];
    }
    if (!name.starts_with("--")) {
      mistakes.push_back(fmt::format("{}: unexpected argument", name));
      continue;
    }
    if (value.empty()) {
      mistakes.push_back(fmt::format("{}: a value is missing or the option is unknown", name));
      continue;
    }
    if (equals == std::string_view::npos) ++i;
    if (!set_option(line, name, value, mistakes)) mistakes.push_back(fmt::format("{}: unknown option", name));
  }
  if (line.engine.sa_password.empty() && mistakes.empty()) {
    mistakes.push_back("--sa-password-file FILE is required: the password of the login sa");
  }
  if (!mistakes.empty()) throw Error(ErrorKind::config, joined(mistakes));
  return line;
}

std::string_view command_line_help() {
  return "sqlserver-sim: a simulated SQL Server 2022 for tests, demos and benchmarks.\n"
         "\n"
         "  --listen ADDRESS:PORT        where to accept logins (127.0.0.1:1433; port 0: a free one)\n"
         "  --sa-password-file FILE      its first line is the password of the login sa (required)\n"
         "  --data DIR                   where databases are kept (a private temporary directory)\n"
         "  --capture-interval TIME      the capture job's pause between two scans: 100ms, 0ms, 1s (100ms)\n"
         "  --retention TIME             how long changes are kept: 3d, 36h, 90m (3d)\n"
         "  --cert PEM                   certificate and private key (a self-signed one, made at first "
         "start)\n"
         "\n"
         "It prints `ready ADDRESS:PORT` when it accepts logins. SIGTERM and SIGINT end it.\n";
}

}  // namespace tailrace::sim::tds
