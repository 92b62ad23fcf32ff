// Cells, written through any writer of records: AvroWriter, JsonWriter, HeaderWriter.
//
// Errors  data: a moment that nanoseconds of 64 bits do not reach. is_writable() asks before.
#pragma once

#include <charconv>
#include <cstddef>
#include <string_view>

#include "base/byte_buffer.h"
#include "base/error.h"
#include "debezium/binary_text.h"
#include "debezium/column_form.h"
#include "debezium/moment.h"
#include "model/key_text.h"
#include "model/row_batch.h"
#include "model/spatial_text.h"

namespace tailrace::debezium {

inline bool is_text_form(CellForm form) {
  return form == CellForm::text || form == CellForm::base64 || form == CellForm::base64_url ||
         form == CellForm::hex || form == CellForm::spatial_text;
}

// In milliseconds where it is a datetime, whatever the driver made of its thirds.
inline std::int64_t ticks_of(const ColumnPlan& plan, const Cell& cell) {
  constexpr std::int64_t millisecond = 10'000;
  return plan.is_datetime ? (cell.integer + millisecond / 2) / millisecond * millisecond : cell.integer;
}

// All that a cell of a row may not be: beyond the range of its form.
inline bool is_writable(const ColumnPlan& plan, const RowBatch& batch, std::size_t row) {
  return plan.form != CellForm::timestamp_ns || batch.state(row, plan.column) != CellState::value ||
         nanoseconds_of(ticks_of(plan, batch.cell(row, plan.column))).has_value();
}

template <class Writer>
void write_scalar(Writer& writer, const record::Schema& schema, const record::Value& value) {
  using record::SchemaType;
  switch (schema.type) {
    case SchemaType::boolean: return writer.boolean(*value.as<bool>());
    case SchemaType::float32: return writer.float32(*value.as<float>());
    case SchemaType::float64: return writer.float64(*value.as<double>());
    case SchemaType::string: return writer.text(*value.as<std::string>());
    case SchemaType::bytes: return writer.bytes(*value.as<std::string>());
    default: return writer.integer(*value.as<std::int64_t>());
  }
}

template <class Writer>
void write_without_value(Writer& writer, const ColumnPlan& plan, CellState state) {
  if (state == CellState::absent && is_text_form(plan.form)) return writer.text(plan.placeholder);
  if (state == CellState::absent && plan.form == CellForm::bytes) return writer.bytes(plan.placeholder);
  if (plan.null_value) return write_scalar(writer, *plan.schema, *plan.null_value);
  writer.null();
}

template <class Writer>
void write_decimal_double(Writer& writer, int128 unscaled, int scale) {
  const std::string text = decimal_text(unscaled, scale);
  double number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  writer.float64(number);
}

template <class Writer>
void write_uuid(Writer& writer, const std::uint8_t (&uuid)[16]) {
  constexpr char digits[] = "0123456789ABCDEF";
  char text[36];
  char* at = text;
  for (std::size_t i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) *at++ = '-';
    *at++ = digits[uuid[i] >> 4];
    *at++ = digits[uuid[i] & 15];
  }
  writer.text({text, sizeof text});
}

template <class Writer>
void write_binary_text(Writer& writer, CellForm form, std::string_view bytes, ByteBuffer& scratch) {
  scratch.clear();
  if (form == CellForm::hex)
    put_hex_text(scratch, bytes);
  else
    put_base64_text(scratch, bytes, form == CellForm::base64_url);
  writer.text(scratch.view());
}

inline std::int64_t checked_nanoseconds(std::int64_t ticks) {
  const auto nanoseconds = nanoseconds_of(ticks);
  if (!nanoseconds) throw Error(ErrorKind::data, "a timestamp is beyond what nanoseconds of 64 bits can say");
  return *nanoseconds;
}

// A writer of records for one cell, whose texts and bytes are changed.
template <class Writer>
class ChangedWriter {
 public:
  ChangedWriter(Writer& writer, const ColumnChange& change) : writer_(writer), change_(change) {}

  void null() { writer_.null(); }
  void boolean(bool value) { writer_.boolean(value); }
  void integer(std::int64_t value) { writer_.integer(value); }
  void float32(float value) { writer_.float32(value); }
  void float64(double value) { writer_.float64(value); }
  void text(std::string_view value) { writer_.text(change_.text(value)); }
  void bytes(std::string_view value) { writer_.bytes(change_.bytes(value)); }
  void decimal(int128 value) { writer_.decimal(value); }

 private:
  Writer& writer_;
  const ColumnChange& change_;
};

// `scratch` is memory for what is not written straight from the cell.
template <class Writer>
void write_unchanged_cell(Writer& writer, const ColumnPlan& plan, const RowBatch& batch, std::size_t row,
                          ByteBuffer& scratch) {
  const CellState state = batch.state(row, plan.column);
  if (state != CellState::value) return write_without_value(writer, plan, state);
  if (plan.null_where_beyond && !is_writable(plan, batch, row))
    return write_without_value(writer, plan, CellState::null);
  const Cell& cell = batch.cell(row, plan.column);
  switch (plan.form) {
    case CellForm::boolean: return writer.boolean(cell.integer != 0);
    case CellForm::integer: return writer.integer(cell.integer);
    case CellForm::float32: return writer.float32(cell.float32);
    case CellForm::float64: return writer.float64(cell.float64);
    case CellForm::decimal: return writer.decimal(cell.decimal);
    case CellForm::decimal_text: return writer.text(decimal_text(cell.decimal, plan.scale));
    case CellForm::decimal_double: return write_decimal_double(writer, cell.decimal, plan.scale);
    case CellForm::date: return writer.integer(cell.integer - days_to_1970);
    case CellForm::date_text: return writer.text(MomentText::date(cell.integer).view());
    case CellForm::time_ms: return writer.integer(cell.integer / 10'000);
    case CellForm::time_us: return writer.integer(cell.integer / 10);
    case CellForm::time_ns: return writer.integer(cell.integer * 100);
    case CellForm::time_text: return writer.text(MomentText::time(cell.integer).view());
    case CellForm::timestamp_ms:
      return writer.integer(floor_divide(ticks_of(plan, cell) - ticks_to_1970, 10'000));
    case CellForm::timestamp_us:
      return writer.integer(floor_divide(ticks_of(plan, cell) - ticks_to_1970, 10));
    case CellForm::timestamp_ns: return writer.integer(checked_nanoseconds(ticks_of(plan, cell)));
    case CellForm::timestamp_text: return writer.text(MomentText::timestamp(ticks_of(plan, cell)).view());
    case CellForm::offset_text:
      return writer.text(MomentText::timestamp(cell.offset_time.ticks, cell.offset_time.minutes).view());
    case CellForm::text: return writer.text(batch.text(row, plan.column));
    case CellForm::uuid: return write_uuid(writer, cell.uuid);
    case CellForm::bytes: return writer.bytes(batch.text(row, plan.column));
    case CellForm::base64:
    case CellForm::base64_url:
    case CellForm::hex: return write_binary_text(writer, plan.form, batch.text(row, plan.column), scratch);
    case CellForm::spatial_text: return writer.text(ewkt_of(batch.text(row, plan.column)));
  }
}

template <class Writer>
void write_cell(Writer& writer, const ColumnPlan& plan, const RowBatch& batch, std::size_t row,
                ByteBuffer& scratch) {
  if (!plan.change) return write_unchanged_cell(writer, plan, batch, row, scratch);
  const bool is_null = batch.state(row, plan.column) == CellState::null;
  if (is_null && plan.change->mask) return writer.text(*plan.change->mask);
  // A default that a converter puts in the place of NULL was never changed.
  if (is_null && !plan.change->null_is_changed)
    return write_unchanged_cell(writer, plan, batch, row, scratch);
  ChangedWriter<Writer> changed(writer, *plan.change);
  write_unchanged_cell(changed, plan, batch, row, scratch);
}

}  // namespace tailrace::debezium
