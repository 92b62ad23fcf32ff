// One attempt of a pipeline of partitions, from open() to its end: what is held of each partition, and what becomes of it.
//
// Shape    The loop, what the group says, and applies are in partition_attempt.cpp; commits that are larger than memory in
//          partition_large.cpp (has_open_); rows that wait for other partitions in partition_waits.cpp (K5).
// Threads  The caller's.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <stop_token>
#include <utility>
#include <vector>

#include "pipeline/held_partition.h"
#include "pipeline/partitions.h"
#include "pipeline/pending.h"
#include "pipeline/progress.h"
#include "pipeline/retry.h"
#include "pipeline/runner.h"

namespace tailrace {

class PartitionAttempt {
 public:
  PartitionAttempt(const RunSettings& settings, std::unique_ptr<PartitionSource> source,
                   std::unique_ptr<PartitionSink> sink, Progress& progress, RetryPolicy& retry)
      : settings_(settings),
        source_(std::move(source)),
        sink_(std::move(sink)),
        progress_(progress),
        retry_(retry) {}

  RunEnd run(const std::stop_token& drain, const std::stop_token& abandon, const std::stop_token& ending);

 private:
  using Names = std::vector<PartitionName>;
  // Rows that wait for other partitions are tried again this often.
  static constexpr std::chrono::milliseconds try_again_every{100};

  PartitionBatch read(const std::stop_token& drain);
  RunEnd ended(RunEnd end);
  SchemaPtr use_table(const TableSchema& proposed, bool make);
  std::chrono::milliseconds wait() const;
  void take(std::vector<Stretch> stretches);
  void settle();
  std::size_t rest_bytes() const;
  Names ready_names() const;
  void write_ready();
  void take_off(const Names& names);
  bool land();
  bool write_ends(const Names& names);
  void became_durable(const std::vector<Stretch>& stretches);
  static void stored(HeldPartition& held, PartitionPosition upto,
                     std::vector<std::pair<PartitionName, std::int64_t>>& offsets);
  void tell_durable(const std::vector<std::pair<PartitionName, std::int64_t>>& offsets);

  // partition_large.cpp
  void begin_open();
  bool write_part(const std::vector<Stretch>& stretches, const Names& names);
  void go_on_open();
  void end_open(const std::vector<Stretch>& stretches, const Names& sent);
  void drop_open();

  void pause(const Names& names);
  void resume_paused();
  void on_lost();
  void claim_lost();
  void answer(const AssignmentChange& change);
  void assigned(const AssignmentChange& change);
  bool is_caught_up();

  // partition_waits.cpp
  bool has_waiting() const;
  void on_waits(const Names& names, const Error& error);
  static Error refused_at_last(const PartitionName& name, const Error& error);
  void wait_for_others(HeldPartition& held, const Error& error);
  bool others_have_passed(const Waiting& waiting,
                          const std::map<PartitionName, PartitionPosition>& positions) const;
  void try_waiting();
  void read_large_again(const std::map<PartitionName, PartitionPosition>& positions);
  static void tell_waiting(HeldPartition& held);

  const RunSettings& settings_;
  std::unique_ptr<PartitionSource> source_;
  std::unique_ptr<PartitionSink> sink_;
  Progress& progress_;
  RetryPolicy& retry_;
  std::stop_token abandon_;
  std::stop_token ending_;  // Drained or abandoned.
  std::map<PartitionName, HeldPartition> held_;
  std::map<PartitionName, std::int64_t> marks_;  // Of --until-caught-up.
  Pending pending_;
  std::vector<Stretch> flying_;  // What the sink has started with and not finished.
  bool has_open_ = false;        // The sink has a transaction open.
  std::int64_t commit_time_utc_ = 0;
  std::chrono::steady_clock::time_point next_ends_{};
  std::chrono::steady_clock::time_point next_try_{};
  std::chrono::steady_clock::time_point next_look_{};
};

}  // namespace tailrace
