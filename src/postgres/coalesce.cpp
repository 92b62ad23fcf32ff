// Reducing changes to one per key.
#include "postgres/coalesce.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "model/key_text.h"

namespace tailrace::postgres {
namespace {

std::string_view name_of_fault(RowFaultCode code) {
  switch (code) {
    case RowFaultCode::zero_in_text: return "zero_in_text";
    case RowFaultCode::lone_surrogate: return "lone_surrogate";
    case RowFaultCode::invalid_text: return "invalid_text";
    case RowFaultCode::too_large: return "too_large";
    case RowFaultCode::truncated: return "truncated";
    case RowFaultCode::invalid_spatial: return "invalid_spatial";
    case RowFaultCode::unfit_spatial: return "unfit_spatial";
    case RowFaultCode::unfit_value: return "unfit_value";
    case RowFaultCode::unreadable: return "unreadable";
  }
  return "fault";
}

}  // namespace

std::string readable_key(const RowBatch& batch, std::size_t row) {
  std::string out;
  for (const std::size_t column : batch.schema().key) {
    if (!out.empty()) out += ", ";
    out += batch.schema().columns[column].name + "=";
    out += batch.state(row, column) == CellState::value ? key_text(batch, row, column) : std::string("?");
  }
  return out;
}

void refuse_faults(const TablePlan& plan, const RowBatch& batch) {
  const std::vector<RowFault> faults = faults_of(plan, batch);
  if (faults.empty()) return;
  const RowFault& fault = faults.front();
  throw Error(ErrorKind::data, fmt::format("a row cannot be written to PostgreSQL: {}", fault.text))
      .with("table", batch.schema().name.str())
      .with("column", batch.schema().columns[fault.column].name)
      .with("key", readable_key(batch, fault.row))
      .with("fault", name_of_fault(fault.code))
      .with("remedy", "correct the row at the source, or exclude the column");
}

void Coalescer::index_faults(const RowBatch& batch) {
  for (const RowFault& fault : found_.emplace_back(faults_of(plan_, batch)))
    faults_[{&batch, fault.row}].push_back(&fault);
}

const RowFault* Coalescer::fault_of(RowRef row, std::size_t column) const {
  if (faults_.empty()) return nullptr;
  const auto found = faults_.find({row.batch, row.row});
  if (found == faults_.end()) return nullptr;
  for (const RowFault* const fault : found->second) {
    if (fault->column == column) return fault;
  }
  return nullptr;
}

const RowFault* Coalescer::fault_of(const NetChange& change) const {
  if (faults_.empty() || change.kind == NetChange::Kind::delete_) return nullptr;
  for (std::size_t column = 0; column < plan_.encoders.size(); ++column) {
    const RowFault* const fault = fault_of(change.source_of(column), column);
    if (fault != nullptr) return fault;
  }
  return nullptr;
}

const RowFault* Coalescer::key_fault_of(RowRef row) const {
  if (faults_.empty()) return nullptr;
  for (const std::size_t column : plan_.schema->key) {
    const RowFault* const fault = fault_of(row, column);
    if (fault != nullptr) return fault;
  }
  return nullptr;
}

bool Coalescer::has_absent(RowRef ref) const {
  for (std::size_t column = 0; column < plan_.encoders.size(); ++column) {
    if (ref.batch->state(ref.row, column) == CellState::absent) return true;
  }
  return false;
}

void Coalescer::encode_key(RowRef ref) {
  key_.clear();
  for (const std::size_t column : plan_.schema->key) {
    if (ref.batch->state(ref.row, column) != CellState::value)
      throw Error(ErrorKind::internal, "a changed row has no key value")
          .with("table", plan_.schema->name.str())
          .with("column", plan_.schema->columns[column].name);
    plan_.encoders[column].encode_key(key_, *ref.batch, ref.row, column);
  }
}

std::size_t Coalescer::slot_of(RowRef ref, bool expects_row, bool& fresh) {
  encode_key(ref);
  const auto found = slots_.find(key_.view());
  fresh = found == slots_.end();
  if (!fresh) return found->second;
  keys_.push_back(key_.str());
  slots_.emplace(keys_.back(), changes_.size());
  NetChange& change = changes_.emplace_back();
  change.was_there = expects_row;
  change.latest = ref;
  return changes_.size() - 1;
}

void Coalescer::apply_delete(NetChange& change, RowRef ref) {
  change.kind = NetChange::Kind::delete_;
  change.latest = ref;
  change.merged.clear();
  change.carried_from = -1;
}

void Coalescer::apply_insert(NetChange& change, RowRef ref) {
  if (has_absent(ref))
    throw Error(ErrorKind::internal, "an inserted row has an absent column")
        .with("table", plan_.schema->name.str())
        .with("key", readable_key(*ref.batch, ref.row));
  change.kind = NetChange::Kind::full;
  change.latest = ref;
  change.merged.clear();
  change.carried_from = -1;
}

void Coalescer::apply_update(NetChange& change, RowRef ref, bool fresh) {
  const bool known =
      !fresh && change.kind != NetChange::Kind::none && change.kind != NetChange::Kind::delete_;
  if (!has_absent(ref)) {
    change.kind = NetChange::Kind::full;
    change.latest = ref;
    change.merged.clear();
    change.carried_from = -1;
    return;
  }
  if (!known) {
    // After a delete within the part there is no row that could lend the absent columns.
    if (!fresh && change.kind == NetChange::Kind::delete_)
      throw Error(ErrorKind::data, "source and target have diverged: a deleted row is updated in part")
          .with("table", plan_.schema->name.str())
          .with("key", readable_key(*ref.batch, ref.row));
    change.kind = NetChange::Kind::partial;
    change.latest = ref;
    return;
  }
  std::vector<RowRef> merged(plan_.encoders.size());
  for (std::size_t column = 0; column < merged.size(); ++column) {
    if (ref.batch->state(ref.row, column) == CellState::absent && change.present(column))
      merged[column] = change.source_of(column);
  }
  change.latest = ref;
  change.merged = std::move(merged);
}

// The old key ends; what was known of its row goes on under the new key.
Coalescer::Moved Coalescer::take_row(std::size_t from, RowRef before, RowRef after) {
  Moved moved{changes_[from], after, false};
  NetChange& row = moved.row;
  if (row.kind == NetChange::Kind::delete_)
    throw Error(ErrorKind::data, "source and target have diverged: a deleted row changes its key")
        .with("table", plan_.schema->name.str())
        .with("key", readable_key(*before.batch, before.row));
  moved.known = row.kind != NetChange::Kind::none;
  if (row.kind != NetChange::Kind::full && !row.carried() && !row.unlent)
    row.carried_from = static_cast<std::int64_t>(from);
  apply_delete(changes_[from], before);
  return moved;
}

void Coalescer::put_row(Moved moved) {
  bool fresh = false;
  NetChange& to = changes_[slot_of(moved.after, /*expects_row=*/false, fresh)];
  moved.row.was_there = to.was_there;
  apply_update(moved.row, moved.after, /*fresh=*/!moved.known);
  to = std::move(moved.row);
}

void Coalescer::finish_moves() {
  for (Moved& moved : std::exchange(moving_, {}))
    put_row(std::move(moved));
}

bool Coalescer::same_key(RowRef before, RowRef after) {
  key_.clear();
  other_key_.clear();
  for (const std::size_t column : plan_.schema->key) {
    plan_.encoders[column].encode_key(key_, *before.batch, before.row, column);
    plan_.encoders[column].encode_key(other_key_, *after.batch, after.row, column);
  }
  return key_.view() == other_key_.view();
}

// Answers the row of the after image.
std::size_t Coalescer::add_pair(const RowBatch& batch, std::size_t row) {
  if (row + 1 >= batch.rows() || batch.header(row + 1).operation != Operation::update)
    throw Error(ErrorKind::internal, "a before image has no after image")
        .with("table", plan_.schema->name.str());
  const RowRef before{&batch, static_cast<std::uint32_t>(row)};
  const RowRef after{&batch, static_cast<std::uint32_t>(row + 1)};
  const RowHeader& header = batch.header(row);
  if (header.commit_lsn != moving_lsn_ || header.command_id != moving_command_) finish_moves();
  moving_lsn_ = header.commit_lsn;
  moving_command_ = header.command_id;
  if (key_fault_of(before) != nullptr || key_fault_of(after) != nullptr)
    return add_faulty_pair(before, after);
  bool fresh = false;
  const std::size_t from = slot_of(before, /*expects_row=*/true, fresh);
  if (same_key(before, after)) {
    apply_update(changes_[from], after, fresh);
  } else {
    moving_.push_back(take_row(from, before, after));
  }
  return row + 1;
}

// One of the keys cannot be in the target: what is left is a row that ends, or one that begins.
std::size_t Coalescer::add_faulty_pair(RowRef before, RowRef after) {
  if (key_fault_of(before) == nullptr) {
    bool fresh = false;
    apply_delete(changes_[slot_of(before, /*expects_row=*/true, fresh)], before);
  }
  if (key_fault_of(after) != nullptr) {
    keyless_.push_back(after);
  } else {
    NetChange begun;
    begun.unlent = has_absent(after);
    moving_.push_back({begun, after, false});
  }
  return after.row;
}

// Nobody can be asked for what an update has left alone where its row is made of the record.
void Coalescer::check_is_whole(RowRef ref) const {
  if (!has_absent(ref)) return;
  throw Error(
      ErrorKind::data,
      "a record leaves out what an update did not change, and is to be inserted (target.insert_mode: insert)")
      .with("table", plan_.schema->name.str())
      .with("key", readable_key(*ref.batch, ref.row))
      .with("remedy", "leave the column out (source.exclude_fields)");
}

void Coalescer::add_keyless(RowRef ref) {
  TAILRACE_ASSERT(ref.batch->header(ref.row).operation != Operation::delete_);
  check_is_whole(ref);
  keys_.emplace_back();
  NetChange& change = changes_.emplace_back();
  change.kind = NetChange::Kind::full;
  change.latest = ref;
}

// One net change would hide what the target has to say of each: an insert meets the row of the insert before it, or that of one that
// was there before a delete; an update behind a delete meets nothing.
bool Coalescer::must_wait(RowRef ref) {
  if (plan_.insert_mode == InsertMode::upsert || plan_.schema->key.empty() || key_fault_of(ref) != nullptr)
    return false;
  encode_key(ref);
  const auto found = slots_.find(key_.view());
  if (found == slots_.end()) return false;
  const bool was_deleted = changes_[found->second].kind == NetChange::Kind::delete_;
  const bool is_delete = ref.batch->header(ref.row).operation == Operation::delete_;
  if (plan_.insert_mode == InsertMode::insert) return !was_deleted || !is_delete;
  return was_deleted && !is_delete;
}

std::size_t Coalescer::add_some(const RowBatch& batch, std::size_t begin) {
  if (plan_.insert_mode == InsertMode::upsert) {
    add(batch, begin, batch.rows(), /*goes_on=*/false);
    return batch.rows();
  }
  take_faults(batch);
  if (begin == 0) expect(batch.rows());
  for (std::size_t row = begin; row < batch.rows(); ++row) {
    if (must_wait({&batch, static_cast<std::uint32_t>(row)})) return row;
    add_row(batch, row);
  }
  return batch.rows();
}

void Coalescer::add_row(const RowBatch& batch, std::size_t row) {
  const RowRef ref{&batch, static_cast<std::uint32_t>(row)};
  if (plan_.schema->key.empty()) return add_keyless(ref);
  if (key_fault_of(ref) != nullptr) {
    keyless_.push_back(ref);
    return;
  }
  bool fresh = false;
  Operation operation = batch.header(row).operation;
  if (plan_.insert_mode == InsertMode::insert && operation == Operation::update) {
    check_is_whole(ref);
    operation = Operation::insert;
  }
  switch (operation) {
    case Operation::delete_: apply_delete(changes_[slot_of(ref, /*expects_row=*/true, fresh)], ref); return;
    case Operation::read:
    case Operation::insert: apply_insert(changes_[slot_of(ref, /*expects_row=*/false, fresh)], ref); return;
    case Operation::update: {
      const std::size_t slot = slot_of(ref, /*expects_row=*/true, fresh);
      apply_update(changes_[slot], ref, fresh);
      return;
    }
    case Operation::update_before: break;
  }
  throw Error(ErrorKind::internal, "a before image stands alone").with("table", plan_.schema->name.str());
}

void Coalescer::keep_moves() {
  for (Moved& moved : std::exchange(moving_, {})) {
    moved.row.was_there = false;
    apply_update(moved.row, moved.after, /*fresh=*/!moved.known);
    moved.row.waits = true;
    changes_.push_back(std::move(moved.row));
  }
}

// At least twice the room at a time: a table may come in many small batches.
void Coalescer::expect(std::size_t rows) {
  const std::size_t wanted = changes_.size() + rows;
  if (wanted <= changes_.capacity()) return;
  const std::size_t room = std::max(wanted, 2 * changes_.capacity());
  changes_.reserve(room);
  slots_.reserve(room);
}

void Coalescer::take_faults(const RowBatch& batch) {
  if (keep_ == Faults::refuse) {
    refuse_faults(plan_, batch);
  } else {
    index_faults(batch);
  }
}

void Coalescer::add(const RowBatch& batch, std::size_t begin, std::size_t end, bool goes_on) {
  take_faults(batch);
  expect(end - begin);
  for (std::size_t row = begin; row < end; ++row) {
    if (batch.header(row).operation == Operation::update_before) {
      row = add_pair(batch, row);
    } else {
      finish_moves();
      add_row(batch, row);
    }
  }
  goes_on ? keep_moves() : finish_moves();
}

}  // namespace tailrace::postgres
