// Reading change tables.
#include "sqlserver/change_reader.h"

#include "sqlserver/connection.h"

namespace tailrace::sqlserver {

void ChangeReader::begin(std::vector<TableWindow> tables, const Lsn& upper,
                         std::vector<MappedTransaction> mapped, std::vector<MappedTransaction> earlier) {
  tables_ = std::move(tables);
  mapped_ = std::move(mapped);
  earlier_ = std::move(earlier);
  upper_ = upper;
  at_ = 0;
  cursors_.clear();
  for (const TableWindow& window : tables_)
    cursors_.emplace_back(connection_, window, upper_, mapped_);
  ordered_.reset();
  if (connection_.settings().events)
    ordered_.emplace(cursors_, earlier_, mapped_, connection_.settings().part_bytes());
}

bool ChangeReader::read_part(ChangeBatch& out) {
  if (ordered_) return ordered_->read_part(out);
  const std::size_t limit = connection_.settings().part_bytes();
  std::size_t held_bytes = out.bytes();
  while (at_ < cursors_.size()) {
    RowBatch batch(cursors_[at_].table().schema);
    const bool is_done = cursors_[at_].read(batch, held_bytes < limit ? limit - held_bytes : 0);
    held_bytes += batch.bytes();
    if (!batch.empty()) out.tables.push_back(std::move(batch));
    if (!is_done) return false;
    ++at_;
  }
  return true;
}

std::vector<std::uint64_t> ChangeReader::rows_read() const {
  std::vector<std::uint64_t> read;
  for (const TableCursor& cursor : cursors_)
    read.push_back(cursor.rows_read());
  return read;
}

}  // namespace tailrace::sqlserver
