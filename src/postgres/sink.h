// The PostgreSQL sink: rows and position in one transaction.
//
// Shape    One connection for the stream, one for the sign of life, one per chunk writer, one for a table outside the
//          stream: a sink of the same class that knows this table alone and shares fence and plans (R12).
// Errors   See pipeline/sink.h. After any but `data` of a refused batch the instance is used up: a new one
//          starts from open().
// Threads  One thread; chunk writers one thread each.
// Source   docs/rules.md R6 to R13.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "pipeline/sink.h"
#include "postgres/connection.h"
#include "postgres/dead_letter.h"
#include "postgres/existing.h"
#include "postgres/gather.h"
#include "postgres/liveness.h"
#include "postgres/plan.h"
#include "postgres/settings.h"
#include "postgres/state_store.h"
#include "postgres/table_apply.h"

namespace tailrace::postgres {

struct ConstraintSql;
struct KeyAside;

// Past its mark every row is there that a change is about.
inline bool is_exact(TableState state) {
  return state == TableState::streaming || state == TableState::joining;
}

class PostgresSink : public Sink {
 public:
  explicit PostgresSink(Settings settings);
  ~PostgresSink() override;

  ResumeState open(bool take_over, std::stop_token stop) override;
  void use_tables(const std::vector<SchemaPtr>& tables) override;
  void forget(const std::vector<TableName>& tables) override;
  void begin_load(const std::string& source_identity, const std::vector<TableStart>& tables,
                  const Position& first_position) override;
  void add_chunks(const std::vector<Chunk>& chunks) override;
  std::unique_ptr<ChunkWriter> chunk_writer() override;
  [[nodiscard]] bool finish_load(const std::vector<SchemaPtr>& tables, const HighMark& mark,
                                 std::stop_token stop) override;
  using Sink::write;
  [[nodiscard]] bool write(ChangeBatch& batch, std::stop_token stop) override;
  std::vector<ParkedKeys> parked_keys() override;
  void settle_parked(const ParkedKeys& parked, const RowBatch& rows, const HighMark& mark) override;
  [[nodiscard]] bool finish_constraints(std::stop_token stop) override;
  [[nodiscard]] bool move_position(const PositionMove& move, std::stop_token stop) override;
  std::vector<TableRequest> heartbeat() override;
  void answer(const TableRequest& request, const std::string& refusal) override;
  std::unique_ptr<Sink> outside(const TableName& table) override;
  [[nodiscard]] bool set_keys_aside(const TableName& table, std::stop_token stop) override;
  void leave(const std::vector<TableName>& tables) override;
  void rejoin() override;
  void record_error(const std::string& error) override;
  std::map<TableName, std::uint64_t> take_dead_letters() override;
  void close() override;

 private:
  // What outside() makes: it shares plans and the count of letters with the sink of the stream.
  PostgresSink(const PostgresSink& stream, TableName only);

  using Key = std::vector<std::string>;
  // What changes while the pipeline runs; the plan says where rows go.
  struct Entry {
    PlanPtr plan;
    TableState state = TableState::loading;
    ExistingRows existing = ExistingRows::refuse;
    bool constraints_done = false;
    bool has_diverged = false;  // Keys of it are listed as diverged; may be true when none is any more.
    std::set<Key> parked;
  };

  void take_ownership(std::stop_token stop);
  // R12: sink_outside.cpp.
  ResumeState open_outside(std::stop_token stop);
  void announce(const std::vector<SchemaPtr>& tables);
  void take_keys_aside(const TableName& table);
  void give_up_keys(const StoredTable& table);
  bool restore_keys(const std::stop_token& stop);
  bool restore_key(const KeyAside& key, const std::stop_token& stop);
  bool is_to_restore(const KeyAside& key);
  void step_back_first();
  void lock_constraints();
  bool make_unique_constraints(const std::stop_token& stop);
  // Fails in the server where the pipeline, or the table outside the stream, is not where this sink knows it.
  void assert_ours();
  void assert_fence();
  void send_assert_ours();
  void send_position(const Position& position);
  void store_end(const Position& position);

  void begin_replay(const TableName& name, const Entry& entry, const PositionMove& move);
  void check_unique_targets(const std::vector<SchemaPtr>& tables) const;
  void use_table(const SchemaPtr& table, const StoredTable* stored, const TargetFactsByName& targets);
  bool is_left_to_its_own_sink(const StoredTable* stored) const;
  RelationName start_table(const TableStart& start, FoundTables& found);
  void plan_tables(const std::vector<TableStart>& tables, const std::vector<RelationName>& relations);
  bool find_existing(const SchemaPtr& table, StoredTable& row, FoundTables& found);
  void prepare_existing(const FoundTables& found);
  bool create_target(const TableSchema& table, const RelationName& target);
  bool finish_table(const SchemaPtr& table, const HighMark& mark, const std::stop_token& stop);
  Entry& entry_of(const TableName& table);
  void refuse_if_fenced() const;

  bool write_once(ChangeBatch& batch, const std::stop_token& stop);
  void send_begin();
  void begin_commit_point();
  void open_pipeline();
  void drain();
  // Of each table that is not gathered, in order.
  using BatchesByTable = std::map<TableName, std::vector<const RowBatch*>>;
  using Tables = std::map<TableName, TableApply>;
  // A part whose answers were not read yet.
  struct SentPart {
    std::vector<RowBatch> rows;  // What the tables refer to.
    Tables tables;
  };
  BatchesByTable batches_by_table(const ChangeBatch& batch);
  TableApply& coalesce(Tables& tables, const TableName& name, const std::vector<const RowBatch*>& batches);
  void look_before(TableApply& table, const Entry& entry);
  void copy_new_rows(TableApply& table);
  void send_table(TableApply& table, const Entry& entry);
  void settle(Tables& tables);
  void settle_sent();
  void abandon_sent();
  bool is_settled_at_once() const;
  void refuse_step_back(const ChangeBatch& batch) const;
  void apply(ChangeBatch& batch);
  void settle_keys(TableApply& table, Entry& entry);
  void end_commit_point(const ChangeBatch& batch);
  void let_table_in(const TableName& name, std::vector<TableName>& exact);
  void check_constraints();
  bool ends_plainly(const ChangeBatch& batch) const;
  void come_in(const TableName& name, std::vector<TableName>& exact);
  void tell_compared(const TableName& name) const;
  void after_commit(const ChangeBatch& batch, const std::vector<TableName>& streaming);
  void reload_parked();
  // put_off: a table of the constraint is about to leave the stream.
  enum class Made { yes, put_off, stopped };
  Made make_constraints(const TableSchema& table, const std::vector<ConstraintSql>& wanted,
                        const std::stop_token& stop);
  Made add_constraints(const TableSchema& table, const std::vector<SchemaPtr>& parents,
                       const std::stop_token& stop);
  Made make_constraint(const ConstraintSql& constraint, const std::stop_token& stop);
  bool both_sides_stream(const ConstraintSql& constraint);
  // R9c: sink_gather.cpp.
  bool must_gather(const ChangeBatch& batch, const RowBatch& rows);
  void gather(const ChangeBatch& batch);
  void apply_gathered(Gather& gather, const RowBatch& rows, std::size_t begin, std::size_t end, bool goes_on);
  void finish_gathered(const Lsn& upto);
  // R11: sink_isolate.cpp.
  bool careful() const;
  bool isolate(const Error& error, const ChangeBatch& batch);
  void leave_to_its_own_sink(const Error& error, const ChangeBatch& batch) const;
  void repeat_from_the_source();
  void defer_constraints();
  void apply_carefully(const ChangeBatch& batch);
  void apply_isolated(TableApply& table, Entry& entry, Gather* gather = nullptr);
  void settle_letters(const TableApply& table, Entry& entry, std::uint64_t letters);
  void check_constraints_carefully(const Lsn& upto);

  Settings settings_;
  std::string runner_id_;
  std::unique_ptr<Connection> connection_;
  std::unique_ptr<Liveness> liveness_;
  Owner owner_;
  std::optional<Lsn> lsn_;  // As it is durable; of a sink of one table its `low`.
  const std::optional<TableName> only_;
  StoredPipeline stored_;
  std::map<TableName, Entry> entries_;
  std::shared_ptr<PlanRegistry> plans_;
  Statements statements_;
  // What the next commit points are applied with, after one was refused (R11).
  Isolation isolation_;
  bool rejected_more_ = false;                  // By the check at the end of the commit point at hand.
  std::map<TableName, std::uint64_t> letters_;  // Of the open transaction.
  std::shared_ptr<LetterCounter> durable_letters_;
  // Of the open transaction: tables whose changed rows come back at its end (R9c).
  std::map<TableName, Gather> gathering_;
  // Of the open commit point: the part that the server works on while the next one is made ready. At most one, because its
  // rows stay in memory.
  std::optional<SentPart> sent_;
  std::map<TableName, bool> takes_copy_;  // As the tables are since the open transaction has locked them.
  bool in_commit_point_ = false;
  std::uint64_t parts_ = 0;  // Of the open commit point, applied so far.
  // The batch at hand is its commit point's first: with earlier parts, which are gone with their transaction, it could
  // not be repeated.
  bool whole_ = false;
  std::vector<TableName> joining_;  // With the open commit point.
  std::vector<TableName> becoming_streaming_;
  std::map<TableName, ComparedRows> compared_;  // Of the open commit point.
  std::vector<RelationName> to_drop_;
  std::chrono::steady_clock::time_point last_heartbeat_{};
};

}  // namespace tailrace::postgres
