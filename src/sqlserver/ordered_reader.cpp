// Merging tables.
#include "sqlserver/ordered_reader.h"

#include <algorithm>
#include <functional>

namespace tailrace::sqlserver {
namespace {

// Less is not worth a statement.
constexpr std::size_t least_lane_bytes = 64u << 10;

bool is_before(const RowBatch& rows, std::size_t row) {
  return rows.header(row).operation == Operation::update_before;
}

void copy_faults(const RowBatch& from, std::size_t row, RowBatch& to, std::size_t added) {
  for (RowFault fault : from.faults()) {
    if (fault.row != row) continue;
    fault.row = added;
    to.add_fault(std::move(fault));
  }
}

}  // namespace

OrderedReader::OrderedReader(std::vector<TableCursor>& cursors, const std::vector<MappedTransaction>& earlier,
                             const std::vector<MappedTransaction>& mapped, std::size_t part_bytes)
    : earlier_(earlier), mapped_(mapped), part_bytes_(part_bytes) {
  std::uint64_t rows = 1;
  for (const TableCursor& cursor : cursors)
    rows += cursor.rows_counted();
  lanes_.reserve(cursors.size());
  for (TableCursor& cursor : cursors) {
    // By its rows, and a quarter more: rows are not of one size.
    const double share = 1.25 * static_cast<double>(cursor.rows_counted()) / static_cast<double>(rows);
    const auto bytes = static_cast<std::size_t>(share * static_cast<double>(part_bytes));
    lanes_.emplace_back(cursor, std::max(std::min(least_lane_bytes, part_bytes), bytes));
  }
}

// False: there is nothing left of the table.
bool OrderedReader::fill(Lane& lane) {
  if (lane.next < lane.rows.rows()) return true;
  lane.rows.clear();
  lane.next = 0;
  // A page may be empty, and something behind it.
  while (lane.rows.empty() && !lane.done)
    lane.done = lane.cursor->read(lane.rows, lane.bytes);
  return !lane.rows.empty();
}

void OrderedReader::push(std::size_t lane) {
  const RowHeader& header = lanes_[lane].rows.header(lanes_[lane].next);
  heads_.push_back({header.commit_lsn, header.seqval, lane});
  std::push_heap(heads_.begin(), heads_.end(), std::greater<>());
}

OrderedReader::Head OrderedReader::pop() {
  std::pop_heap(heads_.begin(), heads_.end(), std::greater<>());
  const Head head = heads_.back();
  heads_.pop_back();
  return head;
}

bool OrderedReader::read_part(ChangeBatch& out) {
  for (Lane& lane : lanes_)
    lane.batch.reset();
  if (!begun_) {
    begun_ = true;
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
      if (fill(lanes_[i])) push(i);
    }
    if (std::all_of(lanes_.begin(), lanes_.end(), [](const Lane& lane) { return lane.done; })) {
      give_all(out);
      return true;
    }
  }
  std::size_t held_bytes = out.bytes();
  while (!heads_.empty()) {
    const std::size_t number = pop().lane;
    Lane& lane = lanes_[number];
    held_bytes += copy_row(lane, out);
    if (fill(lane)) push(number);
    if (held_bytes >= part_bytes_) break;  // One row at least, however small a part is.
  }
  return heads_.empty();
}

// Everything is in memory: the batches go as they are.
void OrderedReader::give_all(ChangeBatch& out) {
  while (!heads_.empty()) {
    const std::size_t number = pop().lane;
    Lane& lane = lanes_[number];
    const std::uint32_t batch = batch_of(lane, out);  // Its place; the rows follow.
    if (is_before(lane.rows, lane.next)) ++lane.next;
    out.order.push_back({batch, static_cast<std::uint32_t>(lane.next)});
    add_time(out, lane.rows.header(lane.next).commit_lsn);
    if (++lane.next < lane.rows.rows()) push(number);
  }
  for (Lane& lane : lanes_) {
    if (lane.batch) out.tables[*lane.batch] = std::move(lane.rows);
  }
}

std::uint32_t OrderedReader::batch_of(Lane& lane, ChangeBatch& out) {
  if (!lane.batch) {
    lane.batch = static_cast<std::uint32_t>(out.tables.size());
    out.tables.emplace_back(lane.rows.schema_ptr());
  }
  return *lane.batch;
}

// The row that comes next, with its before image; answers their bytes.
std::size_t OrderedReader::copy_row(Lane& lane, ChangeBatch& out) {
  const std::uint32_t number = batch_of(lane, out);
  RowBatch& to = out.tables[number];
  const std::size_t bytes = to.bytes();
  bool with_before = false;
  do {
    with_before = is_before(lane.rows, lane.next);
    const std::size_t added = to.add_copy(lane.rows, lane.next);
    if (!lane.rows.faults().empty()) copy_faults(lane.rows, lane.next, to, added);
    ++lane.next;
  } while (with_before && lane.next < lane.rows.rows());
  const std::size_t row = to.rows() - 1;
  out.order.push_back({number, static_cast<std::uint32_t>(row)});
  add_time(out, to.header(row).commit_lsn);
  return to.bytes() - bytes;
}

void OrderedReader::add_time(ChangeBatch& out, const Lsn& lsn) {
  if (!out.times.empty() && out.times.back().lsn == lsn) return;
  for (const std::vector<MappedTransaction>* const rows : {&earlier_, &mapped_}) {
    const auto found =
        std::lower_bound(rows->begin(), rows->end(), lsn,
                         [](const MappedTransaction& row, const Lsn& wanted) { return row.lsn < wanted; });
    if (found == rows->end() || found->lsn != lsn) continue;
    out.times.push_back({lsn, found->begin_time, found->end_time});
    return;
  }
}

}  // namespace tailrace::sqlserver
