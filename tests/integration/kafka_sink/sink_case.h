// What the tests of the Kafka sink share: a pipeline of its own for each, rows of one small table, and what readers see.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "kafka/sink.h"
#include "tests/support/kafka_broker.h"
#include "tests/support/rows.h"

namespace tailrace::kafka {

using namespace std::chrono_literals;

// A change of the table `items` (id, text): what it was in the source's log.
struct Change {
  int id = 0;
  std::string text = {};
  Operation operation = Operation::insert;
};

class SinkCase : public ::testing::Test {
 protected:
  void SetUp() override;

  static tailrace::testing::KafkaBroker& broker() { return tailrace::testing::KafkaBroker::shared(); }
  SinkSettings settings() const;
  // As a runner of its own.
  SinkSettings settings_of(const std::string& instance) const;
  Settings cluster() const { return settings().kafka; }
  const std::string& pipeline() const { return pipeline_; }
  std::string topic() const { return settings().events.topic_of("dbo", "items"); }
  std::string offsets_topic() const { return settings().offsets_topic_name(); }
  StateKeys keys() const;

  // Opened; the table streams, from LSN 1 on.
  std::unique_ptr<KafkaSink> streaming(const SinkSettings& settings);
  std::unique_ptr<KafkaSink> streaming() { return streaming(settings()); }
  // Opened again, where the pipeline was begun before.
  std::unique_ptr<KafkaSink> reopened(const SinkSettings& settings, ResumeState* state = nullptr);

  // Of one source transaction; the first change has serial `from`.
  RowBatch rows(std::uint8_t commit, const std::vector<Change>& changes, std::uint8_t from = 1) const;
  ChangeBatch commit_point(std::uint8_t commit, const std::vector<Change>& changes,
                           std::uint8_t from = 1) const;
  ChangeBatch open_part(std::uint8_t commit, const std::vector<Change>& changes, std::uint8_t from = 1) const;
  static bool write(KafkaSink& sink, ChangeBatch batch) { return sink.write(batch, {}); }

  // The texts of all events that are committed, in order. Waits for transactions to end.
  std::vector<std::string> texts() const;
  // Of those in front of the first open transaction: waits for no end, but for so many to be there (markers of a commit are written
  // behind its answer).
  std::vector<std::string> visible(std::size_t wanted) const;
  // What is stored, read to the very end.
  StoredState stored() const;
  std::string stored_value(const std::string& key) const;

  SchemaPtr table_ =
      tailrace::testing::table("items", {tailrace::testing::column("id", {TypeKind::int_}, false),
                                         tailrace::testing::column("text", {TypeKind::nvarchar, 4000})});
  std::stop_token never_;

 private:
  std::string pipeline_;
};

// What it threw; fails the test where it threw nothing.
Error thrown_by(const std::function<void()>& work);

}  // namespace tailrace::kafka
