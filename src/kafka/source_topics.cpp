// Which topics are read, and that each of them is still the one that it was (K4c).
#include <algorithm>
#include <regex>

#include "base/log.h"
#include "kafka/source.h"

namespace tailrace::kafka {

// Topics of a pattern come while we run. One that was applied stays, there or not: that it is gone is a gap, and one that was not
// is forgotten.
void KafkaSource::find_topics(const std::stop_token& stop) {
  const std::regex pattern(settings_.topics_pattern);
  const auto matches = [&](const std::string& name) { return std::regex_match(name, pattern); };
  std::set<std::string> now;
  for (const std::string& name : admin_->topic_names(stop)) {
    if (matches(name)) now.insert(name);
  }
  for (const std::string& name : applied_) {
    if (matches(name)) now.insert(name);
  }
  for (const std::string& name : now) {
    if (std::find(topics_.begin(), topics_.end(), name) != topics_.end()) continue;
    to_subscribe_ = true;
    log::info("kafka.topic.found", {{"topic", name}});
  }
  topics_.assign(now.begin(), now.end());
}

void KafkaSource::look_at_topics(const std::stop_token& stop) {
  if (!settings_.topics_pattern.empty()) find_topics(stop);
  const std::map<std::string, TopicInfo> found = admin_->topics(topics_, stop);
  for (const std::string& topic : topics_) {
    const auto info = found.find(topic);
    const bool is_passing =
        info == found.end() && !settings_.topics_pattern.empty() && !applied_.contains(topic);
    if (!is_passing) check_topic(topic, info == found.end() ? nullptr : &info->second);
  }
  next_look_ = std::chrono::steady_clock::now() + settings_.look_at_topics_every;
}

}  // namespace tailrace::kafka
