// Sends dead letters to their topic: the records as they came, with headers that say what is wrong with them.
//
// Shape    pipeline/letters.h, LetterPost. Some letters are one transaction, and with them a record of a compacted topic of our own that
//          names them. open() makes the topics that are not there and takes the transactional id over (K3).
// Errors   pipeline/letters.h. Any error ends its use.
// Threads  Of one thread.
// Source   docs/decisions/018; Kafka Connect 4.3, DeadLetterQueueReporter (names and order of headers, the record's timestamp).
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "kafka/producer.h"
#include "kafka/settings.h"
#include "pipeline/letters.h"

namespace tailrace::kafka {

struct LetterSettings {
  Settings cluster = {};
  std::string pipeline = {};
  std::string topic = {};
  std::string state_topic = {};  // Empty: tailrace-letters-<pipeline>.
  int replication = -1;          // Of topics that are made; -1: the brokers' default.
  bool context_headers = true;

  std::string state_topic_name() const {
    return state_topic.empty() ? "tailrace-letters-" + pipeline : state_topic;
  }
  std::string transactional_id() const { return "tailrace-" + pipeline + "-letters"; }
};

// What the post needs at the brokers, for an administrator.
std::string letter_grants(const LetterSettings& settings);

class KafkaLetterPost : public LetterPost {
 public:
  explicit KafkaLetterPost(LetterSettings settings);

  std::vector<std::string> open(const std::stop_token& stop) override;
  [[nodiscard]] bool send(const std::vector<WaitingLetter>& letters, const std::stop_token& stop) override;

 private:
  [[nodiscard]] bool produce(const WaitingLetter& letter, const std::stop_token& stop);
  std::string key_of_state() const;

  const LetterSettings settings_;
  std::unique_ptr<Producer> producer_;
};

}  // namespace tailrace::kafka
