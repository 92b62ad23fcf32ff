// Applying stretches so that the records which the target refuses can be told from the others, and become dead letters (R11, K7).
//
// Shape    Slower than an apply of PostgresPartitions, and only where one has failed, where a record could not be read or converted, or
//          where a key has diverged before. Rows go in waves in which no key comes twice: each change is one record then, and a
//          record is a letter exactly where it is refused behind those before it. Within a wave RowIsolator looks for them.
// Errors   data: with errors.on_row: stop, a partial update of a key that diverged while letters were allowed. What other partitions
//          may still mend (K5) passes through, as everything that is no row's fault.
// Threads  The connection's.
// Source   docs/rules.md K7; docs/decisions/018.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <vector>

#include "pipeline/partitions.h"
#include "postgres/isolate.h"
#include "postgres/record_letter.h"

namespace tailrace::postgres {

// What another partition may still bring: a parent, or the row that gives a value up (K5).
bool may_pass(const Error& error);

// A partial row needs the row that it is a part of, and nobody can be asked for it.
Error missing_row(const TablePlan& plan, const std::vector<std::string>& key);

class PartitionIsolator {
 public:
  using PlanOf = std::function<PlanPtr(const RowBatch& rows)>;

  PartitionIsolator(Connection& connection, Statements& statements, const Settings& settings, PlanOf plan_of);

  // In the caller's transaction. `attempt`: how often they have been tried, this time included.
  void apply(const std::vector<Stretch>& stretches, int attempt);
  // Of the calls so far.
  const std::map<TableName, std::uint64_t>& letters() const { return letters_; }

 private:
  struct Place {
    const Stretch* stretch = nullptr;
    std::int64_t offset = 0;
  };
  // Changes of different keys.
  struct Wave {
    explicit Wave(SchemaPtr schema) : rows(std::move(schema)), lost(rows.schema_ptr()) {}
    RowBatch rows;
    std::vector<Place> places;  // By row.
    RowBatch lost;              // Keys of records that could not be read.
  };
  void apply_table(const std::vector<const RowBatch*>& batches, const std::vector<Stretch>& stretches);
  std::vector<Wave> waves_of(const TablePlan& plan, const std::vector<const RowBatch*>& batches,
                             const std::vector<Stretch>& stretches) const;
  void apply_wave(const PlanPtr& plan, const Wave& wave);
  void apply_strictly(const PlanPtr& plan, const Wave& wave);
  void list_lost(const TablePlan& plan, const RowBatch& lost);
  void store(const DeadLetter& letter, const Place& place);

  Connection& connection_;
  Statements& statements_;
  const Settings& settings_;
  const PlanOf plan_of_;
  const Owner owner_;
  int attempt_ = 1;
  std::map<TableName, std::uint64_t> letters_;
};

// The tables of which keys have diverged.
std::set<TableName> tables_with_diverged_keys(Connection& connection, const std::string& pipeline);
// Whether one of the rows is of such a key.
bool has_diverged_key(Connection& connection, const std::string& pipeline, const TablePlan& plan,
                      const RowBatch& rows);

}  // namespace tailrace::postgres
