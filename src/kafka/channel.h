// One transactional id at work: events and the pipeline's own records go into its transactions.
//
// Shape    A transaction begins with its first record. What is sent before a failure is gone with it: the channel is of no more use after
//          an error, a new one begins at the stored position.
// Errors   As Producer and EventStream. fenced is judged: thrown as `fenced` where another runner has taken over, as `conflict` where the
//          broker ended a transaction of ours that was too old (K3b).
// Threads  One thread.
// Source   docs/rules.md K1, K2, K3b.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "debezium/event_stream.h"
#include "kafka/producer.h"
#include "kafka/registry_ids.h"
#include "kafka/sink_shared.h"

namespace tailrace::kafka {

class Channel : private debezium::RecordTaker, private debezium::UnfitRows {
 public:
  // Called between two events once time demands it, with where the last of them lies: makes what was sent durable. False if stopped.
  using Cut = std::function<bool(const debezium::EventPlace& last)>;

  // The producer is initialised.
  Channel(std::shared_ptr<SinkShared> shared, std::unique_ptr<Producer> producer);

  // Events of a table that are in its topic already.
  void skip(const TableName& table, const SentPart& part) {
    events_.skip(table, part.commit_lsn, part.events);
  }
  // The same of a position that a Debezium has stored.
  void skip(const StoredOffset& offset);
  // Those commits are through.
  void skip_nothing() { events_.skip_nothing(); }
  // All false if stopped first.
  [[nodiscard]] bool send(const ChangeBatch& batch, const std::stop_token& stop, const Cut& cut);
  [[nodiscard]] bool send_read(const RowBatch& rows, std::size_t row, const debezium::EventContext& context,
                               const std::stop_token& stop);
  [[nodiscard]] bool send_notice(const Notice& notice, const std::stop_token& stop);
  // For those who watch the topics, also while nothing changes.
  [[nodiscard]] bool send_heartbeat(const std::stop_token& stop);
  // What a table looks like from here on.
  [[nodiscard]] bool send_schema_change(const debezium::SchemaChange& change, const std::stop_token& stop);
  // A record of the pipeline's own topic; nothing: it goes away.
  [[nodiscard]] bool put(const std::string& key, const std::optional<std::string>& value,
                         const std::stop_token& stop, std::optional<std::int32_t> partition = {});
  [[nodiscard]] bool commit(const std::stop_token& stop);

  bool in_transaction() const { return producer_->in_transaction(); }
  std::uint64_t records() const { return records_; }  // Of the open transaction.
  // Two thirds of the time that the broker gives a transaction are over (K2).
  bool is_due() const;
  // Where the last event that was sent lies.
  const debezium::EventPlace& place() const { return events_.place(); }
  // Of its commit: events of each table.
  std::vector<std::pair<TableName, std::uint64_t>> sent_of_tables() const { return events_.sent_of_tables(); }

 private:
  [[nodiscard]] bool take(const debezium::EventRecord& record) override;
  std::optional<Error> refusal_of(const debezium::EventRecord& record) override;
  [[nodiscard]] bool pass_over(const RowBatch& rows, std::size_t row, const Error& why) override;
  OutRecord out_record(const debezium::EventRecord& record);
  [[nodiscard]] bool produce(const OutRecord& record, const std::stop_token& stop);
  std::int32_t partitions_of(std::string_view topic);
  std::optional<std::int32_t> partition_of(std::string_view topic);
  Error judged(const Error& fenced) const;
  // Runs the work; what it throws as fenced is judged.
  template <class Work>
  bool guarded(Work work);

  std::shared_ptr<SinkShared> shared_;
  const std::string offsets_topic_;
  std::unique_ptr<Producer> producer_;
  RegistryIds ids_;
  debezium::EventStream events_;
  std::uint64_t records_ = 0;
  // Of the call at hand.
  const Cut* cut_ = nullptr;
  std::stop_token stop_;
  std::map<std::string, std::int32_t, std::less<>> partitions_;  // Of the topics that were written to.
  debezium::EventPlace before_;
  std::map<TableName, std::uint64_t> letters_;  // Of the open transaction.
};

}  // namespace tailrace::kafka
