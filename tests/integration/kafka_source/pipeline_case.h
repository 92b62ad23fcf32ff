// Kafka to PostgreSQL, whole: members of a pipeline on threads of the test, and a database of its own for each test.
#pragma once

#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "pipeline/partition_runner.h"
#include "postgres/partitions.h"
#include "tests/integration/kafka_source/source_case.h"
#include "tests/support/postgres_cluster.h"

namespace tailrace::kafka {

using tailrace::testing::PlainClient;
using tailrace::testing::PostgresCluster;

// One process' part of a pipeline, on a thread.
class Member {
 public:
  Member(SourceSettings source, postgres::Settings sink, RunSettings settings)
      : settings_(settings),
        done_(std::async(std::launch::async, [this, source = std::move(source), sink = std::move(sink)] {
          return run_partitions(
              settings_, [&] { return std::make_unique<KafkaSource>(source); },
              [&] { return std::make_unique<postgres::PostgresPartitions>(sink); }, progress,
              drain_.get_token(), abandon_.get_token());
        })) {}
  ~Member() {
    abandon_.request_stop();
    if (done_.valid()) done_.wait();
  }
  RunEnd wait() { return done_.get(); }
  RunEnd drain() {
    drain_.request_stop();
    return done_.get();
  }
  bool is_over() const { return done_.wait_for(0s) == std::future_status::ready; }

  Progress progress;

 private:
  const RunSettings settings_;
  std::stop_source drain_;
  std::stop_source abandon_;
  std::future<RunEnd> done_;
};

class PipelineCase : public SourceCase {
 protected:
  void SetUp() override {
    SourceCase::SetUp();
    if (IsSkipped()) return;
    database_ = PostgresCluster::shared().create_database();
    target_ = std::make_unique<PlainClient>(PostgresCluster::shared().url(database_));
  }
  void TearDown() override {
    target_.reset();
    if (!database_.empty()) PostgresCluster::shared().drop_database(database_);
  }

  postgres::Settings sink() const {
    postgres::Settings out;
    out.pipeline = "kafka";
    out.url = PostgresCluster::shared().url(database_);
    return out;
  }
  static RunSettings caught_up() {
    RunSettings out;
    out.until_caught_up = true;
    return out;
  }
  std::string rows(const std::string& name = "orders") {
    return target_->table("SELECT * FROM public." + name + " ORDER BY 1");
  }
  void until(const std::function<bool()>& condition, const std::string& what) {
    const auto deadline = std::chrono::steady_clock::now() + 60s;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) {
        ADD_FAILURE() << "not in time: " << what;
        return;
      }
      std::this_thread::sleep_for(20ms);
    }
  }

  std::string database_;
  std::unique_ptr<PlainClient> target_;
};

inline Change insert(std::int64_t id, const std::string& note, std::uint64_t commit) {
  return {.op = "c", .after = row(id, note), .commit = commit};
}

}  // namespace tailrace::kafka
