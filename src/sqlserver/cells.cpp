// Putting text and bytes into cells.
#include "sqlserver/cells.h"

#include <fmt/format.h>

#include "base/utf.h"
#include "model/key_text.h"
#include "sqlserver/code_page.h"
#include "sqlserver/spatial.h"

namespace tailrace::sqlserver {
namespace {

std::string key_of_row(const RowBatch& batch, std::size_t row) {
  std::string out;
  for (const std::size_t column : batch.schema().key) {
    if (batch.state(row, column) != CellState::value) continue;
    out += fmt::format("{}{}={}", out.empty() ? "" : ", ", batch.schema().columns[column].name,
                       key_text(batch, row, column));
  }
  return out;
}

RowFault text_fault(std::size_t row, std::size_t column, const Column& schema, const TextFaults& faults) {
  if (faults.lone_surrogate) {
    return {row, column, RowFaultCode::lone_surrogate,
            fmt::format("column {} holds half a surrogate pair, which UTF-8 cannot express", schema.name)};
  }
  if (faults.zero) {
    return {row, column, RowFaultCode::zero_in_text,
            fmt::format("column {} holds U+0000, which PostgreSQL's text cannot hold", schema.name)};
  }
  return {row, column, RowFaultCode::invalid_text,
          fmt::format("column {} ends in half a character", schema.name)};
}

// U+0000 is one zero byte, a lone surrogate its three WTF-8 bytes (ED A0..BF xx), which no other text has.
void mend_text(std::string& arena, std::size_t begin, TextPolicy policy) {
  const std::string_view instead = policy == TextPolicy::replace ? "\xEF\xBF\xBD" : "";
  std::string mended;
  for (std::size_t at = begin; at < arena.size();) {
    const bool surrogate = arena[at] == '\xED' && static_cast<unsigned char>(arena[at + 1]) >= 0xA0;
    if (arena[at] != '\0' && !surrogate) {
      mended += arena[at++];
      continue;
    }
    mended += instead;
    at += surrogate ? 3 : 1;
  }
  arena.resize(begin);
  arena += mended;
}

// The text is the arena from `begin` on.
void finish_text(TextFaults faults, std::size_t begin, const Column& column, RowBatch& batch, std::size_t row,
                 std::size_t at) {
  std::string& arena = batch.arena();
  if (!faults.lone_surrogate && !faults.zero && !faults.odd_length)
    return batch.put_arena_tail(row, at, begin);
  if (column.text_policy == TextPolicy::carry) {
    faults.zero = false;
  } else if ((faults.lone_surrogate || faults.zero) && column.text_policy != TextPolicy::error) {
    mend_text(arena, begin, column.text_policy);
    faults.lone_surrogate = faults.zero = false;
  }
  if (faults.lone_surrogate || faults.zero || faults.odd_length) {
    arena.resize(begin);
    batch.set_null(row, at);
    batch.add_fault(text_fault(row, at, column, faults));
    return;
  }
  batch.put_arena_tail(row, at, begin);
}

}  // namespace

void put_text(std::span<const std::byte> utf16, const Column& column, RowBatch& batch, std::size_t row,
              std::size_t at) {
  const std::size_t begin = batch.arena().size();
  const TextFaults faults = append_utf8_from_utf16le(batch.arena(), utf16);
  finish_text(faults, begin, column, batch, row, at);
}

void put_western_text(std::span<const std::byte> bytes, const Column& column, RowBatch& batch,
                      std::size_t row, std::size_t at) {
  const std::size_t begin = batch.arena().size();
  const TextFaults faults = append_utf8_from_western(batch.arena(), bytes);
  finish_text(faults, begin, column, batch, row, at);
}

void put_bytes(std::span<const std::byte> bytes, const Column& column, RowBatch& batch, std::size_t row,
               std::size_t at) {
  switch (column.type.cell_kind()) {
    case CellKind::bytes:
      return batch.put_text(row, at, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    case CellKind::spatial: break;
    default: return put_text(bytes, column, batch, row, at);
  }
  std::string& arena = batch.arena();
  const std::size_t begin = arena.size();
  if (append_ewkb(arena, bytes, column.type.kind == TypeKind::geography))
    return batch.put_arena_tail(row, at, begin);
  arena.resize(begin);
  batch.set_null(row, at);
  batch.add_fault({row, at, RowFaultCode::invalid_spatial,
                   fmt::format("column {} holds a spatial value of a form that is not known", column.name)});
}

void put_too_long(const ValueLimit& limit, RowBatch& batch, std::size_t row, std::size_t column) {
  const TableSchema& schema = batch.schema();
  if (limit.is_fault) {
    batch.set_null(row, column);
    batch.add_fault({row, column, RowFaultCode::too_large,
                     fmt::format("column {} is longer than stream.max_value_bytes ({} bytes)",
                                 schema.columns[column].name, limit.bytes)});
    return;
  }
  throw Error(ErrorKind::data,
              fmt::format("a value is longer than stream.max_value_bytes ({} bytes): raise it, "
                          "or leave the column out (columns.exclude)",
                          limit.bytes))
      .with("table", schema.name.str())
      .with("column", schema.columns[column].name)
      .with("key", key_of_row(batch, row));
}

}  // namespace tailrace::sqlserver
