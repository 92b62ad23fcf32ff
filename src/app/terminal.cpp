// Terminal properties, and writing results.
#include "app/terminal.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/error.h"

namespace tailrace::app {
namespace {

Terminal terminal_of(int descriptor) {
  Terminal out;
  const char* const term = std::getenv("TERM");
  const bool dumb = term == nullptr || std::string_view(term) == "dumb";
  out.interactive = isatty(descriptor) == 1 && !dumb;
  const char* const no_colour = std::getenv("NO_COLOR");
  out.colour = out.interactive && (no_colour == nullptr || *no_colour == '\0');
  winsize size{};
  if (out.interactive && ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    out.columns = size.ws_col;
  return out;
}

}  // namespace

Terminal stderr_terminal() {
  return terminal_of(STDERR_FILENO);
}
Terminal stdout_terminal() {
  return terminal_of(STDOUT_FILENO);
}

std::string coloured(std::string_view text, Colour colour, bool enabled) {
  if (!enabled) return std::string(text);
  switch (colour) {
    case Colour::red: return fmt::format("\x1b[31m{}\x1b[0m", text);
    case Colour::yellow: return fmt::format("\x1b[33m{}\x1b[0m", text);
    case Colour::green: return fmt::format("\x1b[32m{}\x1b[0m", text);
    case Colour::dim: return fmt::format("\x1b[2m{}\x1b[0m", text);
  }
  return std::string(text);
}

void print(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    throw Error(ErrorKind::unavailable, fmt::format("cannot write to stdout: {}", std::strerror(errno)));
  }
}

}  // namespace tailrace::app
