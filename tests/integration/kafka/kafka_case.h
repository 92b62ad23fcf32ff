// What the tests of the Kafka client share: the broker, short ways to write and to read, and errors as values.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/error.h"
#include "kafka/consumer.h"
#include "kafka/producer.h"
#include "tests/support/kafka_broker.h"

namespace tailrace::kafka {

using namespace std::chrono_literals;

class KafkaCase : public ::testing::Test {
 protected:
  void SetUp() override;

  static tailrace::testing::KafkaBroker& broker() { return tailrace::testing::KafkaBroker::shared(); }
  static Settings settings();
  // Initialised.
  std::unique_ptr<Producer> producer(const std::string& id, std::chrono::milliseconds timeout = 60s);
  void put(Producer& producer, const std::string& topic, const std::string& key, const std::string& value);
  // One transaction of its own; a producer of its own.
  void commit(const std::string& topic, const std::vector<std::string>& values);

  // Values of partition 0, from its beginning to its end as the isolation sees it now.
  std::vector<std::string> read(const std::string& topic, Isolation isolation);

  std::stop_token never_;
};

// What it threw; fails the test where it threw nothing.
Error thrown_by(const std::function<void()>& work);

}  // namespace tailrace::kafka
