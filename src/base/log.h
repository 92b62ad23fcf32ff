// Log lines on stderr: `time level event key=value ...`, or one JSON object a line.
//
// Shape    An event name (dotted, lower case) and key=value pairs. No row values above debug, no secrets ever.
// Threads  Every function may be called from any thread once configure() has returned.
#pragma once

#include <fmt/format.h>

#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>

namespace tailrace::log {

enum class Level { debug, info, warn, error, off };
enum class Format { text, json };

// A key and its value as text. Numbers and booleans keep their kind in JSON.
struct Field {
  Field(std::string_view name, std::string_view text) : key(name), value(text) {}
  Field(std::string_view name, const std::string& text) : key(name), value(text) {}
  Field(std::string_view name, const char* text) : key(name), value(text) {}
  template <class Number>
  requires std::is_arithmetic_v<Number> Field(std::string_view name, Number number)
      : key(name), value(fmt::format("{}", number)), bare(true) {}

  std::string_view key;
  std::string value;
  bool bare = false;
};

void configure(Level level, Format format);
Format format();
// Lines also go to `file` from here on (tests); an empty name ends that.
void mirror_to(const std::string& file);

// Finished lines (without their end) go to `writer` instead of stderr, until it is called with nullptr: for
// who keeps something else on the screen. The writer may be called from any thread.
void redirect(std::function<void(std::string_view line)> writer);

void write(Level level, std::string_view event, std::initializer_list<Field> fields);
inline void debug(std::string_view event, std::initializer_list<Field> fields = {}) {
  write(Level::debug, event, fields);
}
inline void info(std::string_view event, std::initializer_list<Field> fields = {}) {
  write(Level::info, event, fields);
}
inline void warn(std::string_view event, std::initializer_list<Field> fields = {}) {
  write(Level::warn, event, fields);
}
inline void error(std::string_view event, std::initializer_list<Field> fields = {}) {
  write(Level::error, event, fields);
}

// The value as it stands in a text line: in double quotes, with escapes, where it holds a blank, a quote or a
// control.
std::string quoted(std::string_view value);
// One line without its time, for tests and for write().
std::string render(Format format, Level level, std::string_view event, std::initializer_list<Field> fields);

}  // namespace tailrace::log
