// Rows as bytes of the wire.
#include "sim/tds/row_encoder.h"

#include <cstring>

#include "base/error.h"
#include "sim/storage/code_page.h"
#include "sim/storage/variant.h"
#include "sim/tds/text.h"
#include "sim/tds/type_info.h"
#include "sim/tds/wire.h"

namespace tailrace::sim::tds {
namespace {

// No value of a fixed size takes more, with its length byte.
constexpr std::size_t largest_fixed_bytes = 24;

template <class Number>
char* put(char* at, Number number) {
  std::memcpy(at, &number, sizeof number);
  return at + sizeof number;
}

char* put_low_bytes(char* at, std::int64_t number, std::size_t bytes) {
  std::memcpy(at, &number, bytes);
  return at + bytes;
}

char* put_integer(char* at, std::int64_t number, std::uint8_t size) {
  switch (size) {
    case 1: return put(at, static_cast<std::uint8_t>(number));
    case 2: return put(at, static_cast<std::int16_t>(number));
    case 4: return put(at, static_cast<std::int32_t>(number));
    default: return put(at, number);
  }
}

char* put_decimal(char* at, int128 number, std::uint8_t size) {
  *at++ = number < 0 ? 0 : 1;
  const uint128 magnitude = number < 0 ? -static_cast<uint128>(number) : static_cast<uint128>(number);
  std::memcpy(at, &magnitude, size - 1u);
  return at + size - 1;
}

char* put_money(char* at, int128 number) {
  const auto whole = static_cast<std::int64_t>(number);
  at = put(at, static_cast<std::int32_t>(whole >> 32));
  return put(at, static_cast<std::uint32_t>(whole & 0xFFFFFFFF));
}

char* put_datetime(char* at, std::int64_t ticks) {
  std::int64_t days = ticks / datetime_ticks_a_day;
  std::int64_t rest = ticks % datetime_ticks_a_day;
  if (rest < 0) {
    rest += datetime_ticks_a_day;
    --days;
  }
  at = put(at, static_cast<std::int32_t>(days));
  return put(at, static_cast<std::uint32_t>(rest));
}

char* put_datetime2(char* at, std::int64_t ticks, const ColumnPlan& plan) {
  at = put_low_bytes(at, ticks % ticks_a_day / plan.divisor, plan.size);
  return put_low_bytes(at, ticks / ticks_a_day, 3);
}

// Every type whose values have one size.
char* put_fixed(char* at, const ColumnPlan& plan, const Cell& cell) {
  switch (plan.code) {
    case ValueCode::integer: return put_integer(at, cell.number, plan.size);
    case ValueCode::real4: return put(at, static_cast<float>(cell.real));
    case ValueCode::real8: return put(at, cell.real);
    case ValueCode::money4: return put(at, static_cast<std::int32_t>(cell.decimal));
    case ValueCode::money8: return put_money(at, cell.decimal);
    case ValueCode::decimal: return put_decimal(at, cell.decimal, plan.size);
    case ValueCode::date: return put_low_bytes(at, cell.number, 3);
    case ValueCode::time: return put_low_bytes(at, cell.number / plan.divisor, plan.size);
    case ValueCode::datetime2: return put_datetime2(at, cell.number, plan);
    case ValueCode::datetimeoffset:
      at = put_datetime2(at, cell.number, plan);
      return put(at, cell.offset_minutes);
    case ValueCode::smalldatetime:
      at = put(at, static_cast<std::uint16_t>(cell.number / 1440));
      return put(at, static_cast<std::uint16_t>(cell.number % 1440));
    case ValueCode::datetime: return put_datetime(at, cell.number);
    default:
      TAILRACE_ASSERT(cell.text.size() == 16);
      std::memcpy(at, cell.text.data(), 16);
      return at + 16;
  }
}

// Text of another code page is encoded beforehand, and goes as bytes.
ValueCode text_code_of(const ColumnPlan& plan) {
  if (plan.code_page != 0) return ValueCode::bytes;
  return plan.code == ValueCode::old_large ? plan.text_code : plan.code;
}

std::size_t encoded_bytes(const ColumnPlan& plan, std::string_view text) {
  switch (text_code_of(plan)) {
    case ValueCode::narrow_text:
    case ValueCode::narrow_text_max: return code_page_1252_bytes(text);
    case ValueCode::wide_text:
    case ValueCode::wide_text_max: return utf16_units(text) * 2;
    default: return text.size();
  }
}

char* put_encoded(char* at, const ColumnPlan& plan, std::string_view text) {
  switch (text_code_of(plan)) {
    case ValueCode::narrow_text:
    case ValueCode::narrow_text_max: return write_code_page_1252(at, text);
    case ValueCode::wide_text:
    case ValueCode::wide_text_max: return write_utf16le(at, text);
    default:
      if (!text.empty()) std::memcpy(at, text.data(), text.size());
      return at + text.size();
  }
}

void put_short_text(ByteBuffer& out, const ColumnPlan& plan, std::string_view text) {
  const std::size_t bytes = encoded_bytes(plan, text);
  TAILRACE_ASSERT(bytes <= plan.most_bytes);
  char* at = out.reserve(bytes + 2);
  at = put(at, static_cast<std::uint16_t>(bytes));
  out.commit(put_encoded(at, plan, text));
}

// The whole value as one chunk; an empty value has no chunk at all.
void put_large_text(ByteBuffer& out, const ColumnPlan& plan, std::string_view text) {
  const std::size_t bytes = encoded_bytes(plan, text);
  TAILRACE_ASSERT(bytes <= 0x7FFFFFFF);
  char* at = out.reserve(bytes + 16);
  at = put(at, static_cast<std::uint64_t>(bytes));
  if (bytes != 0) {
    at = put(at, static_cast<std::uint32_t>(bytes));
    at = put_encoded(at, plan, text);
  }
  out.commit(put(at, std::uint32_t{0}));
}

// A text pointer of 16 bytes, a timestamp of 8, the length, the value.
void put_old_large(ByteBuffer& out, const ColumnPlan& plan, std::string_view text) {
  constexpr std::size_t pointer_bytes = 16;
  constexpr std::size_t timestamp_bytes = 8;
  const std::size_t bytes = encoded_bytes(plan, text);
  TAILRACE_ASSERT(bytes <= 0x7FFFFFFF);
  char* at = out.reserve(1 + pointer_bytes + timestamp_bytes + 4 + bytes);
  at = put(at, static_cast<std::uint8_t>(pointer_bytes));
  std::memset(at, 1, pointer_bytes + timestamp_bytes);
  at = put(at + pointer_bytes + timestamp_bytes, static_cast<std::uint32_t>(bytes));
  out.commit(put_encoded(at, plan, text));
}

// The base type, its properties, the value without a length of its own.
void put_variant(ByteBuffer& out, std::string_view stored) {
  const Value value = variant_value(stored);
  ByteBuffer type;
  put_type_info(type, value.type, /*nullable=*/true);
  ByteBuffer body;
  put_cell(body, plan_column(value.type, /*nullable=*/true), cell_of(value));
  std::string_view info = type.view();
  std::string_view bytes = body.view();
  std::string head(1, info.front());
  switch (value.type.type) {
    case Type::char_:
    case Type::varchar:
    case Type::nchar:
    case Type::nvarchar:  // Collation, then the most bytes; the value has a length of two bytes.
      head += '\7';
      head += info.substr(3, 5);
      head += info.substr(1, 2);
      bytes.remove_prefix(2);
      break;
    case Type::binary:
    case Type::varbinary:
      head += '\2';
      head += info.substr(1, 2);
      bytes.remove_prefix(2);
      break;
    case Type::decimal:
      head += '\2';
      head += info.substr(2, 2);
      bytes.remove_prefix(1);
      break;
    case Type::time:
    case Type::datetime2:
    case Type::datetimeoffset:
      head += '\1';
      head += info.substr(1, 1);
      bytes.remove_prefix(1);
      break;
    case Type::date:
    case Type::uniqueidentifier:
      head += '\0';
      bytes.remove_prefix(1);
      break;
    default: {  // Types with a fixed form take that one.
      ByteBuffer fixed;
      put_type_info(fixed, value.type, /*nullable=*/false);
      head[0] = fixed.view().front();
      head += '\0';
      bytes.remove_prefix(1);
      break;
    }
  }
  out.u32(static_cast<std::uint32_t>(head.size() + bytes.size()));
  out.bytes(head);
  out.bytes(bytes);
}

void put_null(ByteBuffer& out, const ColumnPlan& plan) {
  TAILRACE_ASSERT(plan.nullable);
  const std::uint64_t null = plan.null_bytes == 1 || plan.null_bytes == 4 ? 0 : plp_null;
  char* at = out.reserve(sizeof null);
  std::memcpy(at, &null, sizeof null);
  out.commit(at + plan.null_bytes);
}

ColumnPlan fixed_plan(ValueCode code, std::uint8_t size, bool nullable) {
  return {.code = code, .length_prefix = nullable, .nullable = nullable, .size = size};
}

ColumnPlan time_plan(ValueCode code, const TypeInfo& type, bool nullable) {
  return {.code = code,
          .length_prefix = true,
          .nullable = nullable,
          .size = code == ValueCode::date ? std::uint8_t{3} : time_bytes(type.scale),
          .divisor = time_divisor(type.scale)};
}

ColumnPlan text_plan(ValueCode code, ValueCode max_code, const TypeInfo& type, bool nullable) {
  if (type.length < 0)
    return {.code = max_code, .nullable = nullable, .null_bytes = 8, .code_page = type.code_page};
  return {.code = code,
          .nullable = nullable,
          .null_bytes = 2,
          .most_bytes = static_cast<std::uint32_t>(type.length),
          .code_page = type.code_page};
}

std::uint8_t size_with_date(const ColumnPlan& plan) {
  const int more = plan.code == ValueCode::datetime2 ? 3 : plan.code == ValueCode::datetimeoffset ? 5 : 0;
  return static_cast<std::uint8_t>(plan.size + more);
}

}  // namespace

ColumnPlan plan_column(const TypeInfo& type, bool nullable) {
  switch (type.guise) {
    case Guise::text:
      return {.code = ValueCode::old_large,
              .nullable = nullable,
              .text_code = ValueCode::narrow_text_max,
              .code_page = type.code_page};
    case Guise::ntext:
      return {.code = ValueCode::old_large, .nullable = nullable, .text_code = ValueCode::wide_text_max};
    case Guise::image:
      return {.code = ValueCode::old_large, .nullable = nullable, .text_code = ValueCode::bytes_max};
    case Guise::sql_variant: return {.code = ValueCode::variant, .nullable = nullable, .null_bytes = 4};
    case Guise::hierarchyid: return {.code = ValueCode::bytes_max, .nullable = nullable, .null_bytes = 8};
    default: break;
  }
  switch (type.type) {
    case Type::bit:
    case Type::tinyint: return fixed_plan(ValueCode::integer, 1, nullable);
    case Type::smallint: return fixed_plan(ValueCode::integer, 2, nullable);
    case Type::int_: return fixed_plan(ValueCode::integer, 4, nullable);
    case Type::bigint: return fixed_plan(ValueCode::integer, 8, nullable);
    case Type::real: return fixed_plan(ValueCode::real4, 4, nullable);
    case Type::float_: return fixed_plan(ValueCode::real8, 8, nullable);
    case Type::smallmoney: return fixed_plan(ValueCode::money4, 4, nullable);
    case Type::money: return fixed_plan(ValueCode::money8, 8, nullable);
    case Type::smalldatetime: return fixed_plan(ValueCode::smalldatetime, 4, nullable);
    case Type::datetime: return fixed_plan(ValueCode::datetime, 8, nullable);
    case Type::decimal: {
      ColumnPlan plan = fixed_plan(ValueCode::decimal, decimal_bytes(type.precision), nullable);
      plan.length_prefix = true;
      return plan;
    }
    case Type::uniqueidentifier: {
      ColumnPlan plan = fixed_plan(ValueCode::guid, 16, nullable);
      plan.length_prefix = true;
      return plan;
    }
    case Type::date: return time_plan(ValueCode::date, type, nullable);
    case Type::time: return time_plan(ValueCode::time, type, nullable);
    case Type::datetime2: return time_plan(ValueCode::datetime2, type, nullable);
    case Type::datetimeoffset: return time_plan(ValueCode::datetimeoffset, type, nullable);
    case Type::char_:
    case Type::varchar: return text_plan(ValueCode::narrow_text, ValueCode::narrow_text_max, type, nullable);
    case Type::nchar:
    case Type::nvarchar: return text_plan(ValueCode::wide_text, ValueCode::wide_text_max, type, nullable);
    case Type::binary:
    case Type::varbinary: return text_plan(ValueCode::bytes, ValueCode::bytes_max, type, nullable);
  }
  TAILRACE_ASSERT(false);
  return {};
}

static void put_text_cell(ByteBuffer& out, const ColumnPlan& plan, std::string_view bytes) {
  if (plan.code == ValueCode::old_large) return put_old_large(out, plan, bytes);
  if (plan.code == ValueCode::narrow_text_max) return put_large_text(out, plan, bytes);
  put_short_text(out, plan, bytes);
}

void put_cell(ByteBuffer& out, const ColumnPlan& plan, const Cell& cell) {
  if (cell.null) return put_null(out, plan);
  if (plan.code_page != 0) {
    Cell encoded = cell;
    const std::string bytes = encode_code_page(cell.text, plan.code_page);
    encoded.text = bytes;
    return put_text_cell(out, plan, encoded.text);
  }
  switch (plan.code) {
    case ValueCode::old_large: return put_old_large(out, plan, cell.text);
    case ValueCode::variant: return put_variant(out, cell.text);
    case ValueCode::narrow_text:
    case ValueCode::wide_text:
    case ValueCode::bytes: return put_short_text(out, plan, cell.text);
    case ValueCode::narrow_text_max:
    case ValueCode::wide_text_max:
    case ValueCode::bytes_max: return put_large_text(out, plan, cell.text);
    default: {
      char* at = out.reserve(largest_fixed_bytes);
      if (plan.length_prefix) *at++ = static_cast<char>(size_with_date(plan));
      return out.commit(put_fixed(at, plan, cell));
    }
  }
}

void RowEncoder::set_columns(std::span<const ResultColumn> columns, bool allow_null_bitmap) {
  allow_null_bitmap_ = allow_null_bitmap;
  plan_.clear();
  plan_.reserve(columns.size());
  for (const ResultColumn& column : columns)
    plan_.push_back(plan_column(column.type, column.nullable));
}

void RowEncoder::put_row(ByteBuffer& out, std::span<const Cell> cells) const {
  TAILRACE_ASSERT(cells.size() == plan_.size());
  const std::size_t bitmap_bytes = (cells.size() + 7) / 8;
  std::size_t null_bytes = 0;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (cells[i].null) null_bytes += plan_[i].null_bytes;
  }
  if (null_bytes <= bitmap_bytes || !allow_null_bitmap_) {
    out.u8(token::row);
    for (std::size_t i = 0; i < cells.size(); ++i)
      put_cell(out, plan_[i], cells[i]);
    return;
  }
  out.u8(token::row_with_null_bitmap);
  char* bitmap = out.reserve(bitmap_bytes);
  std::memset(bitmap, 0, bitmap_bytes);
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (!cells[i].null) continue;
    TAILRACE_ASSERT(plan_[i].nullable);
    bitmap[i / 8] = static_cast<char>(bitmap[i / 8] | 1 << (i % 8));
  }
  out.commit(bitmap + bitmap_bytes);
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (!cells[i].null) put_cell(out, plan_[i], cells[i]);
  }
}

Cell cell_of(const Value& value) {
  Cell cell;
  cell.null = value.null;
  cell.offset_minutes = value.offset_minutes;
  switch (value.type.type) {
    case Type::real:
    case Type::float_: cell.real = value.real; break;
    case Type::decimal:
    case Type::smallmoney:
    case Type::money: cell.decimal = value.decimal; break;
    default: cell.number = value.number; break;
  }
  cell.text = value.text;
  return cell;
}

}  // namespace tailrace::sim::tds
