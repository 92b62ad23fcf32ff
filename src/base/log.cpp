// Log lines over spdlog's stderr sink; the shape of a line is ours, the writing and locking spdlog's.
#include "base/log.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <utility>

namespace tailrace::log {
namespace {

std::atomic<Level> threshold{Level::info};
std::atomic<Format> line_format{Format::text};

// Held shared while a line is written, so that no line reaches a writer that redirect() has taken away.
std::shared_mutex writer_mutex;
std::function<void(std::string_view)> writer;

spdlog::logger& logger() {
  static const std::shared_ptr<spdlog::logger> instance = [] {
    auto made =
        std::make_shared<spdlog::logger>("tailrace", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%v");
    made->set_level(spdlog::level::trace);
    made->flush_on(spdlog::level::trace);
    return made;
  }();
  return *instance;
}

std::string_view name_of(Level level) {
  switch (level) {
    case Level::debug: return "debug";
    case Level::info: return "info";
    case Level::warn: return "warn";
    case Level::error: return "error";
    case Level::off: return "off";
  }
  return "off";
}

std::string now_utc() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  tm parts{};
  gmtime_r(&now.tv_sec, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, now.tv_nsec / 1'000'000);
}

std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == '\x7f') {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    } else {
      out += c;
    }
  }
  return out + '"';
}

}  // namespace

void configure(Level level, Format format) {
  threshold = level;
  line_format = format;
}

void redirect(std::function<void(std::string_view)> to) {
  const std::unique_lock lock(writer_mutex);
  writer = std::move(to);
}

Format format() {
  return line_format;
}

void mirror_to(const std::string& file) {
  auto& sinks = logger().sinks();
  if (sinks.size() > 1) sinks.resize(1);
  if (file.empty()) return;
  sinks.push_back(std::make_shared<spdlog::sinks::basic_file_sink_mt>(file));
  sinks.back()->set_pattern("%v");
}

std::string quoted(std::string_view value) {
  // A control could move the cursor of whoever reads the log.
  const bool plain = !value.empty() && std::none_of(value.begin(), value.end(), [](char c) {
    return static_cast<unsigned char>(c) <= ' ' || c == '\x7f' || c == '"' || c == '\\' || c == '=';
  });
  return plain ? std::string(value) : json_string(value);
}

std::string render(Format format, Level level, std::string_view event, std::initializer_list<Field> fields) {
  std::string line;
  if (format == Format::json) {
    line = fmt::format(R"("level":"{}","event":{})", name_of(level), json_string(event));
    for (const Field& field : fields) {
      line +=
          fmt::format(",{}:{}", json_string(field.key), field.bare ? field.value : json_string(field.value));
    }
    return line;
  }
  line = fmt::format("{} {}", name_of(level), event);
  for (const Field& field : fields)
    line += fmt::format(" {}={}", field.key, quoted(field.value));
  return line;
}

void write(Level level, std::string_view event, std::initializer_list<Field> fields) {
  if (level < threshold.load(std::memory_order_relaxed)) return;
  const Format shape = line_format;
  const std::string line = render(shape, level, event, fields);
  const std::string whole = shape == Format::json ? fmt::format("{{\"time\":\"{}\",{}}}", now_utc(), line)
                                                  : fmt::format("{} {}", now_utc(), line);
  const std::shared_lock lock(writer_mutex);
  if (writer) {
    writer(whole);
  } else {
    logger().info("{}", whole);
  }
}

}  // namespace tailrace::log
