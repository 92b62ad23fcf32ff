// All changes of one table in one part, reduced to one net change per key.
//
// Shape    Keys are compared by the target's equality (their encoded form, R7d). R7b: insert + partial = full;
//          partial + partial = union; delete then insert = full replacement; delete wins. An update_before row with
//          another key makes the change a delete of the old key and a new row under the new one, whose absent columns
//          come from the old target row, along chains too (R7e).
//          A table without a key: each row is a change of its own.
//          With Faults::keep a row with a fault is a change like others: who applies it asks fault_of(). A row whose
//          key has the fault is kept apart.
// Errors   data: a row with a fault, with table, column and key.  internal: a row that breaks the model.
// Source   docs/rules.md R7.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/row_batch.h"
#include "postgres/plan.h"

namespace tailrace::postgres {

struct RowRef {
  const RowBatch* batch = nullptr;
  std::uint32_t row = 0;
};

struct NetChange {
  enum class Kind : std::uint8_t {
    none,     // Not decided yet.
    delete_,  // The row ends.
    full,     // Every column is known.
    partial,  // Some columns are absent: the target keeps them.
  };
  Kind kind = Kind::none;
  // A row that has got a new key by a statement which may go on in the next part; it is in no slot.
  bool waits = false;
  bool was_there = false;  // The part's first change of this key needs the row to exist. A delete of a row
                           // that was not there came and went within the part.
  RowRef latest;           // The newest row of this key; its key columns are the key.
  // Where a column of `latest` is absent: the newest row that has it, per column; empty: nothing to add.
  std::vector<RowRef> merged;
  bool unlent =
      false;  // A partial row that came from a key which could not be in the target: nothing lends the
              // absent columns.
  std::int64_t carried_from = -1;  // Index of the change whose key this row had in the target (a key change).

  bool carried() const { return carried_from >= 0; }
  RowRef source_of(std::size_t column) const {
    if (merged.empty() || merged[column].batch == nullptr) return latest;
    return merged[column];
  }
  bool present(std::size_t column) const {
    const RowRef ref = source_of(column);
    return ref.batch->state(ref.row, column) != CellState::absent;
  }
};

// id=5, region=eu: for messages about a row that must not be passed over.
std::string readable_key(const RowBatch& batch, std::size_t row);

// Throws data for the first fault of the batch (faults_of).
void refuse_faults(const TablePlan& plan, const RowBatch& batch);

enum class Faults { refuse, keep };

class Coalescer {
 public:
  explicit Coalescer(const TablePlan& plan, Faults faults = Faults::refuse) : plan_(plan), keep_(faults) {}
  Coalescer(const Coalescer&) = delete;
  Coalescer& operator=(const Coalescer&) = delete;

  // Batches in the source's order; they must outlive this.
  void add(const RowBatch& batch) { add(batch, 0, batch.rows(), /*goes_on=*/false); }
  // Rows [begin, end). With `goes_on` their last statement may: rows that it has given new keys are changes that wait.
  void add(const RowBatch& batch, std::size_t begin, std::size_t end, bool goes_on);
  // Rows from there on, up to the first that must meet what those before it have made of its key; answers that. See
  // TablePlan::insert_mode.
  std::size_t add_some(const RowBatch& batch, std::size_t begin);
  // In the order in which the keys first came.
  const std::vector<NetChange>& changes() const { return changes_; }

  // Encoded, by change: for order alone.
  std::string_view key(std::size_t change) const { return keys_[change]; }

  // Rows whose key cannot be expressed: the target never had them and cannot take them.
  const std::vector<RowRef>& keyless() const { return keyless_; }
  // nullptr: the cell is sound.
  const RowFault* fault_of(RowRef row, std::size_t column) const;
  // Of a cell that the change would write.
  const RowFault* fault_of(const NetChange& change) const;
  const RowFault* key_fault_of(RowRef row) const;

 private:
  struct Hash {
    std::size_t operator()(std::string_view key) const noexcept { return std::hash<std::string_view>()(key); }
  };
  void expect(std::size_t rows);
  std::size_t slot_of(RowRef ref, bool expects_row, bool& fresh);
  void encode_key(RowRef ref);
  bool must_wait(RowRef ref);
  void add_keyless(RowRef ref);
  void check_is_whole(RowRef ref) const;
  void add_row(const RowBatch& batch, std::size_t row);
  void apply_delete(NetChange& change, RowRef ref);
  void apply_insert(NetChange& change, RowRef ref);
  void apply_update(NetChange& change, RowRef ref, bool fresh);
  struct Moved {
    NetChange row;
    RowRef after;
    bool known = false;
  };
  Moved take_row(std::size_t from, RowRef before, RowRef after);
  void put_row(Moved moved);
  bool same_key(RowRef before, RowRef after);
  std::size_t add_pair(const RowBatch& batch, std::size_t row);
  std::size_t add_faulty_pair(RowRef before, RowRef after);
  void index_faults(const RowBatch& batch);
  void take_faults(const RowBatch& batch);
  void finish_moves();
  void keep_moves();
  bool has_absent(RowRef ref) const;

  const TablePlan& plan_;
  Faults keep_;
  std::deque<std::vector<RowFault>> found_;  // Owners of the map's faults, one of each batch.
  std::map<std::pair<const RowBatch*, std::size_t>, std::vector<const RowFault*>> faults_;
  std::vector<RowRef> keyless_;
  std::vector<NetChange> changes_;
  std::unordered_map<std::string_view, std::size_t, Hash> slots_;
  std::deque<std::string> keys_;  // By change; owners of the map's keys.
  WireBuffer key_;
  WireBuffer other_key_;
  // Key changes of one statement: all its rows leave their old keys before the first takes its new one,
  // because a statement may exchange keys.
  std::vector<Moved> moving_;
  Lsn moving_lsn_;
  std::int32_t moving_command_ = 0;
};

}  // namespace tailrace::postgres
