// What the tests of Kafka as a source share: topics with events in them, and a source that is asked by hand.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "intake/testing/events.h"
#include "kafka/producer.h"
#include "kafka/source.h"
#include "tests/support/kafka_broker.h"

namespace tailrace::kafka {

using namespace std::chrono_literals;
using intake::testing::Change;
using intake::testing::EventTable;
using intake::testing::List;
using intake::testing::Value;

List row(std::int64_t id, const std::string& note);

class SourceCase : public ::testing::Test {
 protected:
  void SetUp() override;

  static tailrace::testing::KafkaBroker& broker() { return tailrace::testing::KafkaBroker::shared(); }
  // A table whose topic is there.
  static EventTable new_table(int partitions = 1);
  static SourceSettings settings(const std::vector<EventTable>& tables);

  // At the broker, in a Kafka transaction that is still open.
  std::unique_ptr<Producer> begin_writing(const EventTable& table, const std::vector<Change>& changes);
  // Each in one Kafka transaction.
  void write(const EventTable& table, const std::vector<Change>& changes, int partition = 0);
  void write_tombstone(const EventTable& table, const List& key_row, int partition = 0);
  void write_raw(const std::string& topic, const std::string& key, const std::string& value,
                 int partition = 0);

  std::stop_token never_;

 private:
  using Records = std::vector<std::pair<std::string, std::optional<std::string>>>;
  static Records records_of(const EventTable& table, const std::vector<Change>& changes);
  std::unique_ptr<Producer> begin(const std::string& topic, int partition, const Records& records);
  void commit(const std::string& topic, int partition, const Records& records);
};

// Answers as the runner does, and keeps what came.
class Reading {
 public:
  explicit Reading(const SourceSettings& settings) : source(settings) {}

  void open();
  // One next(); positions of partitions that come are those of `stored`.
  void step();
  void until(const std::function<bool()>& condition);
  // Ids of the rows up to the last boundary, and behind it.
  std::vector<std::int64_t> whole(int partition = 0) const { return ids(whole_, partition); }
  std::vector<std::int64_t> open_rows(int partition = 0) const { return ids(rest_, partition); }
  std::optional<std::int64_t> next_offset(int partition = 0) const;

  KafkaSource source;
  std::map<PartitionName, PartitionPosition> stored;
  std::map<PartitionName, PartitionPosition> reached;  // At the last boundary.
  std::size_t boundaries = 0;
  std::vector<Operation> operations;

 private:
  using Rows = std::map<int, std::vector<std::int64_t>>;
  static std::vector<std::int64_t> ids(const Rows& rows, int partition);

  Rows whole_;
  Rows rest_;
};

Error thrown_by(const std::function<void()>& work);

}  // namespace tailrace::kafka
