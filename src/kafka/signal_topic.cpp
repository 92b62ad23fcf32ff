// Signals from a topic.
#include "kafka/signal_topic.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/log.h"

namespace tailrace::kafka {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

std::optional<std::int64_t> stored_place(const std::string& memo, const std::string& topic) {
  if (memo.empty()) return std::nullopt;
  const json parsed = json::parse(memo, nullptr, /*allow_exceptions=*/false);
  const bool is_ours = parsed.is_object() && parsed.contains("topic") && parsed.contains("next") &&
                       parsed.at("topic").is_string() && parsed.at("next").is_number_integer();
  if (!is_ours) throw Error(ErrorKind::protocol, "the stored place in the signal topic cannot be read");
  // Another topic is read from its beginning.
  if (parsed.at("topic").get<std::string>() != topic) return std::nullopt;
  return parsed.at("next").get<std::int64_t>();
}

std::string member_text(const json& object, const char* member) {
  if (!object.contains(member)) return "";
  const json& value = object.at(member);
  if (value.is_string()) return value.get<std::string>();
  return value.is_object() ? value.dump() : "";
}

}  // namespace

std::optional<Signal> signal_of(std::string_view value) {
  const json parsed = json::parse(value, nullptr, /*allow_exceptions=*/false);
  if (!parsed.is_object() || !parsed.contains("type") || !parsed.at("type").is_string()) {
    log::warn("signal.unreadable", {{"reason", "the value is no JSON object with a type"}});
    return std::nullopt;
  }
  return Signal{member_text(parsed, "id"), member_text(parsed, "type"), member_text(parsed, "data")};
}

SignalTopic::SignalTopic(const SinkSettings& settings, Admin& admin, const std::string& memo)
    : topic_(settings.signals_topic),
      prefix_(settings.events.prefix()),
      consumer_(settings.kafka, {.isolation = Isolation::read_committed}) {
  const auto found = admin.topics({topic_}, {});
  const std::size_t partitions = found.contains(topic_) ? found.at(topic_).partitions.size() : 0;
  if (partitions != 1)
    throw Error(ErrorKind::config,
                fmt::format("the signal topic {} has {} partitions: signals have an order, it must have one",
                            topic_, partitions))
        .with("topic", topic_);
  const std::optional<Watermarks> marks = consumer_.watermarks({topic_, 0}, {});
  TAILRACE_ASSERT(marks.has_value());  // Nobody stops it.
  next_ = stored_place(memo, topic_).value_or(marks->low);
  if (next_ < marks->low || next_ > marks->high) {
    // Retention took signals that nobody has seen, or the topic was made anew.
    const std::int64_t place = next_ < marks->low ? marks->low : 0;
    log::warn("signal.topic.moved", {{"topic", topic_}, {"stored", next_}, {"from", place}});
    next_ = place;
  }
  consumer_.assign({{{topic_, 0}, next_}});
}

std::string SignalTopic::memo_text() const {
  const ordered_json out{{"topic", topic_}, {"next", next_}};
  return out.dump();
}

ChannelSignals SignalTopic::take() {
  ChannelSignals out;
  for (;;) {
    consumer_.poll(batch_, {.wait = std::chrono::milliseconds(0)}, {});
    if (batch_.records().empty()) return out;
    for (const InRecord& record : batch_.records()) {
      next_ = record.offset() + 1;
      if (!record.key() || *record.key() != prefix_) {
        log::info("signal.of_another",
                  {{"topic", topic_}, {"offset", record.offset()}, {"expected_key", prefix_}});
        continue;
      }
      if (!record.value() || record.value()->empty()) continue;
      if (std::optional<Signal> signal = signal_of(*record.value()))
        out.signals.push_back(std::move(*signal));
    }
    out.taken = Memo{memo_name, memo_text()};
  }
}

}  // namespace tailrace::kafka
