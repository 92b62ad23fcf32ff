// The topics that events go to: looked at, and made where they are missing.
//
// Errors   config: a topic is missing and may not be made, or cannot be made so. gap: see check_same_topic(). Else as of Admin.
// Threads  The admin's.
// Source   Kafka 4.3 documentation, "Topic configs"; KIP-158 (topic.creation.*).
#pragma once

#include <map>
#include <stop_token>
#include <string>
#include <vector>

#include "kafka/admin.h"
#include "kafka/offsets_topic.h"
#include "kafka/sink_settings.h"
#include "kafka/sink_shared.h"

namespace tailrace::kafka {

using TopicFactsByName = std::map<std::string, TopicFacts, std::less<>>;

// As it would be made.
NewTopic topic_to_make(const SinkSettings& settings, const std::string& name);

// Of the pipeline's offsets topic.
Copies offsets_copies(const SinkSettings& settings);

// Of those that are there.
TopicFactsByName look_at_topics(Admin& admin, const std::vector<std::string>& names,
                                const std::stop_token& stop);

// Makes what is missing; then the facts of all. Says once where a topic takes less than the settings let through.
TopicFactsByName ensure_topics(const SinkSettings& settings, Admin& admin,
                               const std::vector<std::string>& names, const std::stop_token& stop);

// Topics that were made a moment ago: until every partition has a leader.
void wait_for_topics(const SinkSettings& settings, Admin& admin, const std::vector<std::string>& names,
                     const std::stop_token& stop);

// Throws gap where the table's topic is gone, or is another one of its name: whoever reads that from its beginning would take it for all.
void check_same_topic(const StoredTable& table, const std::map<std::string, TopicInfo>& there);

// Besides those of tables: what the events' settings write to.
std::vector<std::string> further_topics(const SinkSettings& settings);

// What a topic must take, in its own counting (max.message.bytes).
std::size_t wanted_message_bytes(const SinkSettings& settings);

}  // namespace tailrace::kafka
