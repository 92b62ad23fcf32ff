// The Kafka sink: events, position and state in one transaction.
//
// Shape    One transactional id for the stream, a numbered one for each chunk writer and for a table outside the stream, whose sink is of
//          the same class and knows this table alone (R12). The state is records of the pipeline's own topic.
//          What a log has no answer for is nothing to do: unique constraints and foreign keys, shadows, parked keys (an event carries
//          what the source said), rows that exist before.
// Errors   See pipeline/sink.h. After any of them the instance is used up: a new one starts from open().
// Threads  One thread; chunk writers one thread each.
// Source   docs/rules.md K1 to K3; docs/decisions/016.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kafka/admin.h"
#include "kafka/channel.h"
#include "kafka/request_tail.h"
#include "kafka/signal_topic.h"
#include "kafka/sink_shared.h"
#include "kafka/state_changes.h"
#include "pipeline/sink.h"

namespace tailrace::kafka {

class KafkaSink : public Sink {
 public:
  explicit KafkaSink(SinkSettings settings);
  ~KafkaSink() override;

  ResumeState open(bool take_over, std::stop_token stop) override;
  void use_tables(const std::vector<SchemaPtr>& tables) override;
  void forget(const std::vector<TableName>& tables) override;
  void begin_load(const std::string& source_identity, const std::vector<TableStart>& tables,
                  const Position& first_position) override;
  void begin_again(const std::string& source_identity, const std::vector<TableStart>& tables,
                   const Position& first_position) override;
  void add_chunks(const std::vector<Chunk>& chunks) override;
  std::unique_ptr<ChunkWriter> chunk_writer() override;
  [[nodiscard]] bool finish_load(const std::vector<SchemaPtr>& tables, const HighMark& mark,
                                 std::stop_token stop) override;
  using Sink::write;
  [[nodiscard]] bool write(ChangeBatch& batch, std::stop_token stop) override;
  std::optional<std::chrono::steady_clock::time_point> holds_until() const override;
  [[nodiscard]] bool flush(std::stop_token stop) override;
  std::vector<ParkedKeys> parked_keys() override { return {}; }
  void settle_parked(const ParkedKeys& parked, const RowBatch& rows, const HighMark& mark) override;
  [[nodiscard]] bool finish_constraints(std::stop_token stop) override;
  [[nodiscard]] bool move_position(const PositionMove& move, std::stop_token stop) override;
  std::vector<TableRequest> heartbeat() override;
  bool is_log() const override { return true; }
  std::optional<SignalSettings> signal_settings() const override;
  ChannelSignals take_signals() override;
  void answer(const TableRequest& request, const std::string& refusal) override;
  std::unique_ptr<Sink> outside(const TableName& table) override;
  [[nodiscard]] bool set_keys_aside(const TableName& table, std::stop_token stop) override;
  void leave(const std::vector<TableName>& tables) override;
  void rejoin() override;
  void record_error(const std::string& error) override;
  std::map<TableName, std::uint64_t> take_dead_letters() override;
  void close() override;

 private:
  KafkaSink(std::shared_ptr<SinkShared> shared, TableName only);

  void claim(const std::stop_token& stop);
  ResumeState open_outside(std::stop_token stop);
  void end_free_helpers(const std::stop_token& stop);
  void learn_table(const StoredState& read);
  std::string topic_of(const TableName& table) const;
  StoredTable stored_table(const TableName& table);
  void learn_topics(const std::vector<std::string>& names);
  // Of the tables of the stream, now and then.
  void look_at_topics();
  void start_table(const TableStart& start, StateChanges& changes);
  // What its columns are is sent where it was not sent before.
  void tell_shape(const TableSchema& table, StoredTable& stored, bool is_loaded);
  void tell_other_shapes(const std::vector<SchemaPtr>& tables);
  void announce(const std::vector<SchemaPtr>& tables);
  // A commit that was sent in part is through with this end.
  bool ends_unfinished(const Lsn& end);
  // What is in the topics of a table's commit is not sent again, wherever that commit comes from.
  void pass_over(const TableName& table, const std::optional<SentPart>& part);
  // What the end means for the tables.
  void end_tables(const ChangeBatch& batch, StateChanges& changes);
  void leave_stream(const TableName& table, const Lsn& low, StateChanges& changes);
  [[nodiscard]] bool end_commit_point(const ChangeBatch& batch, const std::stop_token& stop);
  bool cut(const debezium::EventPlace& last, const std::stop_token& stop);
  // Rows of an incremental snapshot, memos and notices of an end.
  [[nodiscard]] bool send_beside(const ChangeBatch& batch, StateChanges& changes,
                                 const std::stop_token& stop);
  [[nodiscard]] bool tell(Notice notice, const std::stop_token& stop);
  void log_told();
  [[nodiscard]] bool tell_initial(const char* type, std::vector<std::pair<std::string, std::string>> data,
                                  const std::stop_token& stop);
  [[nodiscard]] bool tell_loaded(const std::vector<StoredTable>& tables, const std::stop_token& stop);
  // Everything that is sent, with these changes and whatever is due. False if stopped first.
  [[nodiscard]] bool commit(StateChanges& changes, const std::stop_token& stop);
  // Of calls that cannot be stopped.
  void commit_all(StateChanges& changes);
  void add_sign_of_life(StateChanges& changes);
  bool is_heartbeat_due();

  std::shared_ptr<SinkShared> shared_;
  const std::optional<TableName> only_;
  std::optional<HelperNumber> helper_;  // Of a sink of one table.
  std::unique_ptr<Admin> admin_;
  std::unique_ptr<Channel> channel_;
  std::unique_ptr<RequestTail> requests_;   // Of the stream's sink.
  std::unique_ptr<SignalTopic> signals_;    // The same, once somebody asks.
  std::vector<Notice> told_;                // To be logged once they are durable.
  bool told_start_ = false;                 // What this start does about the first snapshot.
  std::optional<Lsn> lsn_;                  // The newest end that was taken, held ones too.
  std::vector<TableName> joining_;          // With the open commit point.
  std::optional<StoredOffset> held_;        // Of commit points that are sent and not durable.
  std::optional<StoredOffset> unfinished_;  // In the middle of a commit, whose rest is still to come.
  std::map<TableName, SentPart> parts_;  // Of tables that come with the stream: commits that have not ended.
  std::chrono::steady_clock::time_point held_until_{};
  std::chrono::steady_clock::time_point last_commit_{};
  std::chrono::steady_clock::time_point last_sign_{};
  std::chrono::steady_clock::time_point last_heartbeat_{};
  std::chrono::steady_clock::time_point last_look_{};
};

}  // namespace tailrace::kafka
