// What the streams are: terminals or not, colour or not, how wide.
#pragma once

#include <string>
#include <string_view>

namespace tailrace::app {

struct Terminal {
  bool interactive = false;  // stderr is a terminal that can move its cursor.
  bool colour = false;
  int columns = 80;
};

// Of stderr, where progress and logs go. NO_COLOR and TERM=dumb are obeyed.
Terminal stderr_terminal();
// Of stdout, where results go.
Terminal stdout_terminal();

enum class Colour { red, yellow, green, dim };
std::string coloured(std::string_view text, Colour colour, bool enabled);

// Writes to stdout. Throws unavailable if it cannot take it (a full disk, a closed pipe).
void print(std::string_view text);

}  // namespace tailrace::app
