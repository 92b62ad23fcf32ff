// Kafka as a source: what a group's member is given of some topics, as rows.
//
// Shape    pipeline/partitions.h, PartitionSource. Records are read at offsets of ours (consumer.h), made rows by intake, and cut into
//          stretches: a boundary lies between records of different commits, behind each record of a snapshot, and at
//          the end of a partition.
// Errors   pipeline/partitions.h. unavailable: a partition gives nothing though it has more; a new source reads on. gap: an offset that is gone; a topic that is gone, or made anew (by its id, by the last record
//          that was applied, by a commit that lies before it).
// Threads  Of one thread.
// Source   docs/rules.md K4.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "intake/reader.h"
#include "kafka/admin.h"
#include "kafka/consumer.h"
#include "kafka/source_settings.h"
#include "kafka/standstill.h"
#include "pipeline/partitions.h"

namespace tailrace::kafka {

class KafkaSource : public PartitionSource {
 public:
  explicit KafkaSource(SourceSettings settings);

  void open(UseTable use_table, const std::map<PartitionName, PartitionPosition>& stored,
            std::stop_token stop) override;
  PartitionBatch next(std::chrono::milliseconds wait, std::stop_token stop) override;
  void begin(const AssignmentChange& change, const std::vector<PartitionClaim>& claims,
             std::stop_token stop) override;
  void release(const AssignmentChange& change) override;
  void go_back(const std::vector<PartitionClaim>& claims, std::stop_token stop) override;
  void pause(const std::vector<PartitionName>& partitions) override;
  void resume(const std::vector<PartitionName>& partitions) override;
  void durable(const std::vector<std::pair<PartitionName, std::int64_t>>& next_offsets) override;
  std::map<PartitionName, std::int64_t> ends(Ends which, std::stop_token stop) override;
  void close(std::stop_token stop) override;

 private:
  // A partition as it is read.
  struct Reading {
    PartitionPosition upto;  // Behind the last record or end that was read.
    // The last record was one of a snapshot, or said no commit: a boundary lies behind it.
    bool stands_alone = true;
    bool at_boundary =
        false;  // Nothing was read behind the last one; of a partition without a position there is none yet.
    std::string last_deleted = {};  // The key of the record before, where that was a delete.

    bool has_records = false;  // Behind the last boundary.

    // Since the last next():
    Stretch stretch = {};
    std::vector<std::size_t> mark = {};  // Rows of each batch up to the last boundary;
    PartitionPosition mark_upto = {};    // where that is; meaningful with has_mark.
    std::uint64_t mark_records = 0;
    std::uint64_t mark_transactions = 0;
    std::size_t mark_originals = 0;
    std::size_t mark_unreadable = 0;
    bool has_mark = false;
  };

  void find_topics(const std::stop_token& stop);
  void look_at_topics(const std::stop_token& stop);
  void check_topic(const std::string& topic, const TopicInfo* info);
  void look_at_standing(const std::stop_token& stop);
  void read_from(const PartitionClaim& claim, PartitionPosition start);
  PartitionPosition start_of(const PartitionClaim& claim, const std::stop_token& stop);
  void check_last_record(const PartitionClaim& claim, const std::stop_token& stop);
  void poll(std::chrono::milliseconds wait, const std::stop_token& stop);
  void take_records(const std::stop_token& stop);
  void take(Reading& reading, const InRecord& record, const std::stop_token& stop);
  static void passed(Reading& reading, const InRecord& record);
  void put_row(Reading& reading, const intake::Event& event, const InRecord& record,
               const std::stop_token& stop);
  // source_letters.cpp
  SchemaPtr use_table(const TableSchema& proposed, bool make);
  bool passes_over(const Error& error);
  void keep_original(Reading& reading, const InRecord& record) const;
  void pass_over(Reading& reading, const InRecord& record, const Error& error, const std::stop_token& stop);
  bool put_lost_key(Reading& reading, const InRecord& record, UnreadableRecord& said,
                    const std::stop_token& stop);
  void check_order(const Reading& reading, const intake::Event& event) const;
  static void mark_boundary(Reading& reading);
  static RowBatch& batch_for(Reading& reading, const SchemaPtr& table);
  static void give(Reading& reading, PartitionBatch& out);

  SourceSettings settings_;
  UseTable use_table_;
  bool in_use_table_ = false;  // What is thrown comes from there.
  std::unique_ptr<intake::Reader> reader_;
  intake::Event event_;  // The last one that was read: its memory is the next one's.
  std::unique_ptr<Admin> admin_;
  std::unique_ptr<Consumer> consumer_;
  std::unique_ptr<Consumer> everything_;  // Asked for ends, committed or not.
  Batch batch_;
  std::map<PartitionName, Reading> readings_;
  std::vector<std::string> topics_;  // Those of the settings, or those that match now.
  bool to_subscribe_ = false;        // They are others than the group was told.
  std::map<std::string, std::string> topic_ids_;
  std::set<std::string>
      applied_;  // Topics of which something was applied before: if one is gone, it is a gap.
  std::optional<Rebalance> due_;  // To be answered.
  std::optional<Error> pending_;  // Of the record behind what next() gave.
  std::chrono::steady_clock::time_point next_look_{};
  std::set<PartitionName> paused_;
  Standstill standstill_;
  std::chrono::steady_clock::time_point next_look_at_standing_{};
};

}  // namespace tailrace::kafka
