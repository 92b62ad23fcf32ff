// Rows set aside in SQLite's own encoding: what an UPDATE has read before it writes, and the like.
//
// Shape    Fixed width; values keep their storage class. Text and bytes lie in one arena.
// Threads  Values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sim/storage/connection.h"

struct sqlite3_value;

namespace tailrace::sim::tsql {

class RowStore {
 public:
  explicit RowStore(std::size_t width) : width_(width) {}

  std::size_t width() const { return width_; }
  std::size_t rows() const { return width_ == 0 ? 0 : slots_.size() / width_; }
  void append(const sim::Statement& statement, int first_column, std::size_t count);  // Part of a row.
  void append_null();
  void append_copy(const RowStore& from, std::size_t row, std::size_t column);
  void append(std::int64_t number);
  void append_bytes(std::string_view bytes);

  bool is_null(std::size_t row, std::size_t column) const { return slot(row, column).kind == null_kind; }
  std::int64_t number(std::size_t row, std::size_t column) const { return slot(row, column).number; }
  // Text and bytes; empty for the other classes.
  std::string_view text(std::size_t row, std::size_t column) const {
    const Slot& at = slot(row, column);
    return at.kind == text_kind || at.kind == blob_kind ? bytes(at) : std::string_view();
  }
  // Equal bytes of the same class.
  bool same(std::size_t row, std::size_t column, const RowStore& other, std::size_t other_row,
            std::size_t other_column) const;
  void bind(sim::Statement& statement, int index, std::size_t row, std::size_t column) const;

 private:
  static constexpr std::uint8_t null_kind = 0, integer_kind = 1, real_kind = 2, text_kind = 3, blob_kind = 4;
  struct Slot {
    union {
      std::int64_t number;
      double real;
      std::uint64_t offset;
    };
    std::uint32_t length = 0;
    std::uint8_t kind = null_kind;
    Slot() : number(0) {}
  };
  const Slot& slot(std::size_t row, std::size_t column) const { return slots_[row * width_ + column]; }
  std::string_view bytes(const Slot& slot) const {
    return std::string_view(arena_).substr(slot.offset, slot.length);
  }

  std::size_t width_;
  std::vector<Slot> slots_;
  std::string arena_;
};

}  // namespace tailrace::sim::tsql
