// RowStore.
#include "sim/tsql/rows/row_store.h"

#include <sqlite3.h>

namespace tailrace::sim::tsql {

void RowStore::append(const sim::Statement& statement, int first_column, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    const int column = first_column + static_cast<int>(i);
    sqlite3_stmt* handle = statement.handle();
    Slot slot;
    switch (sqlite3_column_type(handle, column)) {
      case SQLITE_INTEGER:
        slot.kind = integer_kind;
        slot.number = sqlite3_column_int64(handle, column);
        break;
      case SQLITE_FLOAT:
        slot.kind = real_kind;
        slot.real = sqlite3_column_double(handle, column);
        break;
      case SQLITE_TEXT:
      case SQLITE_BLOB: {
        const bool text = sqlite3_column_type(handle, column) == SQLITE_TEXT;
        slot.kind = text ? text_kind : blob_kind;
        const void* data = text ? static_cast<const void*>(sqlite3_column_text(handle, column))
                                : sqlite3_column_blob(handle, column);
        slot.length = static_cast<std::uint32_t>(sqlite3_column_bytes(handle, column));
        slot.offset = arena_.size();
        if (slot.length != 0) arena_.append(static_cast<const char*>(data), slot.length);
        break;
      }
      default: break;
    }
    slots_.push_back(slot);
  }
}

void RowStore::append_null() {
  slots_.emplace_back();
}

void RowStore::append(std::int64_t number) {
  Slot slot;
  slot.kind = integer_kind;
  slot.number = number;
  slots_.push_back(slot);
}

void RowStore::append_bytes(std::string_view data) {
  Slot slot;
  slot.kind = blob_kind;
  slot.length = static_cast<std::uint32_t>(data.size());
  slot.offset = arena_.size();
  arena_.append(data);
  slots_.push_back(slot);
}

void RowStore::append_copy(const RowStore& from, std::size_t row, std::size_t column) {
  Slot slot = from.slot(row, column);
  if (slot.kind >= text_kind) {
    const std::string_view data = from.bytes(slot);
    const std::uint64_t offset = arena_.size();
    arena_.append(data);
    slot.offset = offset;
  }
  slots_.push_back(slot);
}

bool RowStore::same(std::size_t row, std::size_t column, const RowStore& other, std::size_t other_row,
                    std::size_t other_column) const {
  const Slot& a = slot(row, column);
  const Slot& b = other.slot(other_row, other_column);
  if (a.kind != b.kind) return false;
  switch (a.kind) {
    case null_kind: return true;
    case integer_kind:
    case real_kind: return a.number == b.number;
    default: return bytes(a) == other.bytes(b);
  }
}

void RowStore::bind(sim::Statement& statement, int index, std::size_t row, std::size_t column) const {
  const Slot& slot = this->slot(row, column);
  switch (slot.kind) {
    case integer_kind: statement.bind(index, slot.number); break;
    case real_kind: statement.bind(index, slot.real); break;
    case text_kind: statement.bind(index, bytes(slot)); break;
    case blob_kind: statement.bind_blob(index, bytes(slot)); break;
    default: statement.bind_null(index); break;
  }
}

}  // namespace tailrace::sim::tsql
