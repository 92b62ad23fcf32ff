// The PostgreSQL sink of partitions: rows and the positions of their partitions in one transaction.
//
// Shape    pipeline/partitions.h, PartitionSink. One connection applies, another claims and makes tables: a claim must not wait for our
//          own transaction. Rows are applied as those of a table that catches up (table_apply.h): whole rows are upserts.
// Errors   pipeline/partitions.h. After any error the instance is used up.
// Threads  Of one thread.
// Source   docs/rules.md K4, K5; docs/decisions/017.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "pipeline/partitions.h"
#include "postgres/connection.h"
#include "postgres/partition_isolator.h"
#include "postgres/partition_store.h"
#include "postgres/plan.h"
#include "postgres/settings.h"
#include "postgres/table_apply.h"

namespace tailrace::postgres {

class PostgresPartitions : public PartitionSink {
 public:
  explicit PostgresPartitions(Settings settings);

  bool open(std::stop_token stop) override;
  SchemaPtr use_table(const TableSchema& proposed, bool make) override;
  std::optional<std::vector<PartitionClaim>> claim(const std::vector<PartitionName>& partitions,
                                                   std::stop_token stop) override;
  void release(const std::vector<PartitionName>& partitions) override;
  void start(const std::vector<Stretch>& stretches, std::stop_token stop) override;
  WriteResult finish(std::stop_token stop) override;
  WriteResult write_part(const std::vector<Stretch>& stretches, std::stop_token stop) override;
  void abandon() override;
  std::map<TableName, std::uint64_t> take_dead_letters() override;
  std::vector<PartitionClaim> claims() override;
  std::map<PartitionName, PartitionPosition> positions() override;
  void close() override;

 private:
  void let_go_of_tables();
  void let_go_of(const RelationName& target);
  SchemaPtr described(const TableName& table, const RelationName& target);
  TargetFacts facts_of(const RelationName& target);
  void make_table(const TableSchema& proposed, const RelationName& target);
  [[noreturn]] void refuse_to_make(const TableSchema& proposed, const RelationName& target) const;
  bool add_columns(const TableSchema& proposed, const RelationName& target, const TargetTable& found);
  void keep_plan(const SchemaPtr& table, const RelationName& target, TargetFacts facts);

  void send(const std::vector<Stretch>& stretches, bool ends);
  void send_begin(const std::vector<Stretch>& stretches);
  void send_rows(const std::vector<Stretch>& stretches);
  void send_table(const std::vector<const RowBatch*>& batches);
  void send_end();
  void settle();
  void committed();
  std::optional<Error> met_own_key(const Error& error) const;
  std::optional<WriteResult> result_of(const Error& error, bool is_repeatable, const std::stop_token& stop);
  // partition_letters.cpp
  bool needs_care(const std::vector<Stretch>& stretches);
  void apply_carefully(const std::vector<Stretch>& stretches, bool ends, int attempt);
  bool makes_letters(const Error& error) const;
  void remember_careful();
  bool await_room_for_letters(const std::stop_token& stop);
  void look_up_diverged_tables();
  void count_letters();

  Settings settings_;
  std::unique_ptr<Connection> connection_;  // Applies.
  std::unique_ptr<Connection> beside_;      // Claims, tables, questions.
  std::stop_token stop_;
  Applier applier_;
  Statements statements_;
  // By schema: a table may come in several shapes. They live as long as the source that refers to them.
  std::map<const TableSchema*, PlanPtr> plans_;
  std::map<PartitionName, PartitionClaim> claims_;
  // Of the open transaction: its partitions, with the positions that they get.
  std::map<PartitionName, PartitionClaim> open_;
  bool in_transaction_ = false;
  std::set<RelationName> locked_;  // Tables that the open transaction has written to.
  // Of what was sent and not answered yet.
  const std::vector<Stretch>* sent_ = nullptr;
  std::list<TableApply> tables_;
  std::optional<Error> start_error_;     // What start() has come to.
  bool is_careful_ = false;              // What is to be finished is applied by a PartitionIsolator.
  bool is_whole_ = false;                // Nothing of its transaction was sent before.
  std::optional<WriteResult> finished_;  // Asked for before finish() was.
  bool succeeded_ = false;
  // K7. Tables of which keys have diverged, when the claims were taken or by what we have done since.
  std::set<TableName> diverged_;
  // Up to these offsets records are applied carefully: a commit in parts was refused, and comes again.
  std::map<PartitionName, std::int64_t> careful_until_;
  std::map<TableName, std::uint64_t> open_letters_;  // Of the open transaction.
  std::map<TableName, std::uint64_t> letters_;       // Durable, and not asked for yet.
};

}  // namespace tailrace::postgres
