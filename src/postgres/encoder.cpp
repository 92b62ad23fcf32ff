// Binary encoders, one function per pair of cell kind and target type.
#include "postgres/encoder.h"

#include <fmt/format.h>

#include <array>

#include "base/error.h"
#include "model/spatial_text.h"
#include "postgres/shown_text.h"

namespace tailrace::postgres {
namespace {

using Format = FieldEncoder::Format;

constexpr std::int64_t days_before_2000 = 730'119;  // From 0001-01-01.
constexpr std::int64_t microseconds_per_day = 86'400'000'000;

template <class Integer>
void put_value(WireBuffer& out, Integer value) {
  char* const at = out.extend(4 + sizeof value);
  store_big_endian<std::int32_t>(at, sizeof value);
  store_big_endian(at + 4, value);
}

void encode_bool(WireBuffer& out, const RowBatch& batch, std::size_t row, std::size_t column, const Format&) {
  char* const at = out.extend(5);
  store_big_endian<std::int32_t>(at, 1);
  at[4] = batch.cell(row, column).integer != 0 ? 1 : 0;
}

template <class Integer>
void encode_integer(WireBuffer& out, const RowBatch& batch, std::size_t row, std::size_t column,
                    const Format&) {
  put_value(out, static_cast<Integer>(batch.cell(row, column).integer));
}

void encode_float4(WireBuffer& out, const RowBatch& batch, std::size_t row, std::size_t column,
                   const Format&) {
  put_value(out, std::bit_cast<std::uint32_t>(batch.cell(row, column).float32));
}

void encode_float4_as_8(WireBuffer& out, const RowBatch& batch, std::size_t row, std::size_t column,
                        const Format&) {
  put_value(out, std::bit_cast<std::uint64_t>(static_cast<double>(batch.cell(row, column).float32)));
}

void encode_float8(WireBuffer& out, const RowBatch& batch, std::size_t row, std::size_t column,
                   const Format&) {
  put_value(out, std::bit_cast<std::uint64_t>(batch.cell(row, column).float64));
}

// NumericVar on the wire: groups of four decimal digits, aligned at the point, none of them zero at the ends.
void put_numeric(WireBuffer& out, int128 unscaled, int scale) {
  constexpr std::uint16_t negative = 0x4000;
  const bool below_zero = unscaled < 0;
  uint128 rest = below_zero ? -static_cast<uint128>(unscaled) : static_cast<uint128>(unscaled);
  std::array<std::int16_t, 24> groups{};  // Least significant first.
  int count = 0;
  int exponent = -(scale + 3) / 4;  // Of the group, in powers of 10,000.
  // A scale that is no multiple of four leaves a last group of fewer digits, filled up with zeros.
  if (const int digits = scale % 4; digits != 0) {
    constexpr std::array<int, 4> power{1, 10, 100, 1000};
    const int cut = power[static_cast<std::size_t>(digits)];
    const int fill = power[static_cast<std::size_t>(4 - digits)];
    groups[0] = static_cast<std::int16_t>(static_cast<int>(rest % static_cast<unsigned>(cut)) * fill);
    rest /= static_cast<unsigned>(cut);
    count = 1;
  }
  for (; rest != 0; rest /= 10'000)
    groups[static_cast<std::size_t>(count++)] = static_cast<std::int16_t>(rest % 10'000);
  int first = 0;  // Trailing zero groups are not sent.
  while (first < count && groups[static_cast<std::size_t>(first)] == 0)
    ++first;
  while (count > first && groups[static_cast<std::size_t>(count - 1)] == 0)
    --count;
  const int sent = count - first;
  const int weight = sent == 0 ? 0 : exponent + count - 1;
  out.put<std::int32_t>(8 + 2 * sent);
  out.put(static_cast<std::int16_t>(sent));
  out.put(static_cast<std::int16_t>(weight));
  out.put<std::uint16_t>(below_zero ? negative : std::uint16_t{0});
  out.put(static_cast<std::int16_t>(scale));
  for (int i = count - 1; i >= first; --i)
    out.put(groups[static_cast<std::size_t>(i)]);
}

void encode_decimal(WireBuffer& out, const RowBatch& batch, std::size_t row, std::size_t column,
                    const Format& format) {
  put_numeric(out, batch.cell(row, column).decimal, format.scale);
}

void encode_integer_as_numeric(WireBuffer& out, const RowBatch& batch, std::size_t row, std::size_t column,
                               const Format&) {
  put_numeric(out, batch.cell(row, column).integer, 0);
}

void encode_date(WireBuffer& out, const RowBatch& batch, std::size_t row, std::size_t column, const Format&) {
  put_value(out, static_cast<std::int32_t>(batch.cell(row, column).integer - days_before_2000));
}

// Ticks count from 0001-01-01 (or midnight) and are never negative, so cutting is a plain division.
std::int64_t kept_microseconds(std::int64_t ticks, const Format& format) {
  const std::int64_t microseconds = format.milliseconds ? (ticks + 5'000) / 10'000 * 1'000 : ticks / 10;
  return microseconds - microseconds % format.keep_microseconds;
}

void encode_time(WireBuffer& out, const RowBatch& batch, std::size_t row, std::size_t column,
                 const Format& format) {
  put_value(out, kept_microseconds(batch.cell(row, column).integer, format));
}

void encode_timestamp(WireBuffer& out, const RowBatch& batch, std::size_t row, std::size_t column,
                      const Format& format) {
  put_value(out, kept_microseconds(batch.cell(row, column).integer, format) -
                     days_before_2000 * microseconds_per_day);
}

void encode_timestamptz(WireBuffer& out, const RowBatch& batch, std::size_t row, std::size_t column,
                        const Format& format) {
  // In UTC an offset can lead out of the years 1 to 9999 by hours; before year 1 cutting must still go down.
  const std::int64_t ticks = batch.cell(row, column).offset_time.ticks;
  constexpr std::int64_t day = 864'000'000'000;
  put_value(out, kept_microseconds(ticks + day, format) - (days_before_2000 + 1) * microseconds_per_day);
}

void encode_text(WireBuffer& out, const RowBatch& batch, std::size_t row, std::size_t column, const Format&) {
  const std::string_view text = batch.text(row, column);
  char* const at = out.extend(4 + text.size());
  store_big_endian(at, static_cast<std::int32_t>(text.size()));
  if (!text.empty()) std::memcpy(at + 4, text.data(), text.size());
}

void encode_uuid(WireBuffer& out, const RowBatch& batch, std::size_t row, std::size_t column, const Format&) {
  char* const at = out.extend(20);
  store_big_endian<std::int32_t>(at, 16);
  std::memcpy(at + 4, batch.cell(row, column).uuid, 16);
}

template <class Integer>
void encode_decimal_as_integer(WireBuffer& out, const RowBatch& batch, std::size_t row, std::size_t column,
                               const Format&) {
  put_value(out, static_cast<Integer>(batch.cell(row, column).decimal));
}

template <class Float, class Bits>
void encode_integer_as_float(WireBuffer& out, const RowBatch& batch, std::size_t row, std::size_t column,
                             const Format&) {
  put_value(out, std::bit_cast<Bits>(static_cast<Float>(batch.cell(row, column).integer)));
}

void encode_date_as_timestamp(WireBuffer& out, const RowBatch& batch, std::size_t row, std::size_t column,
                              const Format&) {
  put_value(out, (batch.cell(row, column).integer - days_before_2000) * microseconds_per_day);
}

void put_text_field(WireBuffer& out, std::string_view text) {
  out.put(static_cast<std::int32_t>(text.size()));
  out.put_bytes(text);
}

// As SQL Server shows it (style 121), with the digits that the column declares.
void encode_as_text(WireBuffer& out, const RowBatch& batch, std::size_t row, std::size_t column,
                    const Format& format) {
  put_text_field(out, shown_text(batch.cell(row, column), format.source));
}

void encode_ewkt(WireBuffer& out, const RowBatch& batch, std::size_t row, std::size_t column, const Format&) {
  put_text_field(out, ewkt_of(batch.text(row, column)));
}

FieldEncoder::Function integer_function(std::uint32_t target) {
  switch (target) {
    case oid_int2: return encode_integer<std::int16_t>;
    case oid_int4: return encode_integer<std::int32_t>;
    case oid_int8: return encode_integer<std::int64_t>;
    case oid_float4: return encode_integer_as_float<float, std::uint32_t>;
    case oid_float8: return encode_integer_as_float<double, std::uint64_t>;
    default: return encode_integer_as_numeric;
  }
}

FieldEncoder::Function decimal_function(std::uint32_t target) {
  switch (target) {
    case oid_int2: return encode_decimal_as_integer<std::int16_t>;
    case oid_int4: return encode_decimal_as_integer<std::int32_t>;
    case oid_int8: return encode_decimal_as_integer<std::int64_t>;
    default: return encode_decimal;
  }
}

FieldEncoder::Function function_of(CellKind kind, std::uint32_t target) {
  const bool to_text = target == oid_text || target == oid_varchar;
  if (to_text && kind == CellKind::spatial) return encode_ewkt;
  if (to_text && !is_in_arena(kind)) return encode_as_text;
  switch (kind) {
    case CellKind::boolean: return target == oid_bool ? encode_bool : integer_function(target);
    case CellKind::integer: return integer_function(target);
    case CellKind::decimal: return decimal_function(target);
    case CellKind::float32: return target == oid_float4 ? encode_float4 : encode_float4_as_8;
    case CellKind::float64: return encode_float8;
    case CellKind::date: return target == oid_date ? encode_date : encode_date_as_timestamp;
    case CellKind::time: return encode_time;
    case CellKind::timestamp: return encode_timestamp;
    case CellKind::timestamp_offset: return encode_timestamptz;
    case CellKind::text:
    case CellKind::bytes:
    case CellKind::spatial: return encode_text;  // PostGIS takes EWKB as it is.
    case CellKind::uuid: return encode_uuid;
  }
  return nullptr;
}

std::int64_t unit_of(int second_digits) {
  std::int64_t unit = 1;
  for (int digits = second_digits; digits < 6; ++digits)
    unit *= 10;
  return unit;
}

}  // namespace

FieldEncoder::FieldEncoder(const Column& column, const PgType& target)
    : target_(target), kind_(column.type.cell_kind()) {
  if (!takes(target, column.type))
    throw Error(ErrorKind::config, fmt::format("a column of type {} does not take values of {}", target.sql(),
                                               column.type.sql_name()))
        .with("column", column.name);
  const bool money = column.type.kind == TypeKind::money || column.type.kind == TypeKind::smallmoney;
  format_.scale = money ? 4 : column.type.scale;
  format_.milliseconds = column.type.kind == TypeKind::datetime;
  format_.source = column.type;
  if (kind_ == CellKind::time || kind_ == CellKind::timestamp || kind_ == CellKind::timestamp_offset)
    format_.keep_microseconds = unit_of(target.second_digits());
  function_ = function_of(kind_, target.oid);
}

void FieldEncoder::encode_key(WireBuffer& out, const RowBatch& batch, std::size_t row,
                              std::size_t column) const {
  if (batch.state(row, column) == CellState::value) {
    if (kind_ == CellKind::float32 && batch.cell(row, column).float32 == 0.0F) {
      put_value(out, std::uint64_t{0});
      return;
    }
    if (kind_ == CellKind::float64 && batch.cell(row, column).float64 == 0.0) {
      put_value(out, std::uint64_t{0});
      return;
    }
  }
  encode(out, batch, row, column);
}

void put_copy_header(WireBuffer& out) {
  constexpr std::string_view signature("PGCOPY\n\377\r\n\0", 11);
  out.put_bytes(signature);
  out.put<std::int32_t>(0);  // No flags,
  out.put<std::int32_t>(0);  // no extension.
}

void put_copy_row(WireBuffer& out, const std::vector<FieldEncoder>& encoders, const RowBatch& batch,
                  std::size_t row) {
  out.put(static_cast<std::int16_t>(encoders.size()));
  for (std::size_t column = 0; column < encoders.size(); ++column)
    encoders[column].encode(out, batch, row, column);
}

void put_copy_trailer(WireBuffer& out) {
  out.put<std::int16_t>(-1);
}

void put_array_header(WireBuffer& out, std::uint32_t element_oid, std::size_t count) {
  out.put<std::int32_t>(1);  // Dimensions.
  out.put<std::int32_t>(1);  // NULLs may follow.
  out.put(element_oid);
  out.put(static_cast<std::int32_t>(count));
  out.put<std::int32_t>(1);  // Lower bound.
}

}  // namespace tailrace::postgres
