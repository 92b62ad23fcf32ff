// Decoding rows.
#include "sqlserver/tds_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "sqlserver/code_page.h"
#include "sqlserver/row_decoder.h"
#include "sqlserver/tds_driver.h"
#include "sqlserver/values.h"
#include "tds/response.h"
#include "tds/values.h"

namespace tailrace::sqlserver {
namespace {

using tds::LengthForm;
using tds::TypeInfo;
using tds::WireType;

[[noreturn]] void refuse_value(const Column& column) {
  throw Error(ErrorKind::protocol, fmt::format("SQL Server sends a value of column {} that is no {}",
                                               column.name, column.type.sql_name()));
}

int scale_of(const ColumnType& type) {
  return type.kind == TypeKind::decimal ? type.scale : 4;
}

// The way, where the type fits the column's kind; its place and limits are the caller's.
std::optional<CellWay> way_of(const TypeInfo& type, const ColumnType& column) {
  const bool is_wide = type.length == 8;
  const CellKind kind = column.cell_kind();
  const auto only = [&](CellKind wanted, CellWay way) {
    return kind == wanted ? std::optional(way) : std::nullopt;
  };
  switch (type.type) {
    case WireType::bit:
    case WireType::bit_n: return only(CellKind::boolean, CellWay::integer);
    case WireType::int1:
    case WireType::int2:
    case WireType::int4:
    case WireType::int8:
    case WireType::int_n: return only(CellKind::integer, CellWay::integer);
    case WireType::decimal_n:
    case WireType::numeric_n:
      return only(CellKind::decimal,
                  type.scale == scale_of(column) ? CellWay::decimal : CellWay::decimal_scaled);
    case WireType::money:
    case WireType::money4:
    case WireType::money_n:
      if (scale_of(column) != 4) return std::nullopt;
      return only(CellKind::decimal, is_wide ? CellWay::money : CellWay::small_money);
    case WireType::float4:
    case WireType::float8:
    case WireType::float_n:
      if (kind == CellKind::float64) return is_wide ? CellWay::float64 : CellWay::float64_of_32;
      return is_wide ? std::nullopt : only(CellKind::float32, CellWay::float32);
    case WireType::date_n: return only(CellKind::date, CellWay::date);
    case WireType::time_n: return only(CellKind::time, CellWay::time);
    case WireType::datetime:
    case WireType::datetime4:
    case WireType::datetime_n:
      return only(CellKind::timestamp, is_wide ? CellWay::datetime : CellWay::small_datetime);
    case WireType::datetime2_n: return only(CellKind::timestamp, CellWay::datetime2);
    case WireType::datetimeoffset_n: return only(CellKind::timestamp_offset, CellWay::datetimeoffset);
    case WireType::guid: return only(CellKind::uuid, CellWay::uuid);
    case WireType::nvarchar:
    case WireType::nchar:
    case WireType::ntext: return only(CellKind::text, CellWay::text);
    case WireType::varchar:
    case WireType::char_:
      // Asked for as it is, because its collation's name says so (statements.h).
      if (column.kind == TypeKind::varchar || column.kind == TypeKind::char_)
        return is_western(type.collation) ? std::optional(CellWay::western_text) : std::nullopt;
      return only(CellKind::bytes, CellWay::bytes);
    case WireType::varbinary:
    case WireType::binary:
    case WireType::image:
      if (kind == CellKind::spatial) return CellWay::spatial;
      return only(CellKind::bytes, CellWay::bytes);
    default: return std::nullopt;
  }
}

bool has_any_length(CellWay way) {
  return way == CellWay::decimal || way == CellWay::decimal_scaled || way == CellWay::bytes ||
         way == CellWay::text || way == CellWay::western_text || way == CellWay::spatial;
}

// The unscaled number of `scale` digits, where it was one of `from`.
int128 with_scale(int128 value, int from, int scale, const Column& column) {
  for (; from < scale; ++from) {
    if (__builtin_mul_overflow(value, int128{10}, &value)) refuse_value(column);
  }
  for (; from > scale; --from) {
    if (value % 10 != 0) refuse_value(column);
    value /= 10;
  }
  return value;
}

constexpr int128 most_decimal = [] {
  int128 value = 1;
  for (int i = 0; i < 38; ++i)
    value *= 10;
  return value;
}();

int128 checked_decimal(const CellPlan& plan, std::span<const std::byte> value, const Column& column) {
  if (value.size() < 2 || value.size() > 17) refuse_value(column);
  int128 number = tds::decimal_of(value.data(), value.size());
  if (number <= -most_decimal || number >= most_decimal) refuse_value(column);
  if (plan.way == CellWay::decimal) return number;
  number = with_scale(number, plan.scale, scale_of(column.type), column);
  if (number <= -most_decimal || number >= most_decimal) refuse_value(column);
  return number;
}

// Days and a time behind `time_bytes` of time.
std::int64_t checked_ticks(const std::byte* at, std::size_t time_bytes, const CellPlan& plan,
                           const Column& column) {
  const std::int64_t time = tds::time_of(at, time_bytes, plan.scale);
  const std::int64_t days = tds::days_of(at + time_bytes);
  if (!tds::valid_time(time) || !tds::valid_day(days)) refuse_value(column);
  return days * tds::ticks_per_day + time;
}

std::int64_t checked_datetime(const std::byte* at, const Column& column) {
  if (!tds::valid_datetime(at)) refuse_value(column);
  return tds::datetime_of(at);
}

std::int64_t checked_smalldatetime(const std::byte* at, const Column& column) {
  if (!tds::valid_smalldatetime(at)) refuse_value(column);
  return tds::smalldatetime_of(at);
}

}  // namespace

CellPlan plan_of(const TypeInfo& type, const Column& column) {
  const std::optional<CellWay> way = way_of(type, column.type);
  if (!way) {
    const bool is_narrow = type.type == WireType::varchar || type.type == WireType::char_;
    throw Error(ErrorKind::schema, fmt::format("column {} is read as {}, and has become {} at the server",
                                               column.name, column.type.sql_name(), tds::name_of(type.type)) +
                                       (is_narrow ? ", or its collation another one" : ""))
        .with("column", column.name)
        .with("remedy", "take the table again once its change is known: tailrace table CONFIG resnapshot");
  }
  CellPlan out;
  out.way = *way;
  out.form = type.form;
  out.scale = type.scale;
  out.length = type.length;
  out.has_exact_length = !has_any_length(*way);
  out.is_long = fetch_column_of(column.type).form == FetchForm::long_value;
  return out;
}

void put_value(const CellPlan& plan, std::span<const std::byte> value, const Column& column, RowBatch& batch,
               std::size_t row) {
  const std::byte* at = value.data();
  Cell& cell = batch.cells(row)[plan.column];
  switch (plan.way) {
    case CellWay::integer: cell.integer = tds::integer_of(at, value.size()); break;
    case CellWay::decimal:
    case CellWay::decimal_scaled: cell.decimal = checked_decimal(plan, value, column); break;
    case CellWay::money: cell.decimal = tds::money_of(at); break;
    case CellWay::small_money: cell.decimal = tds::load<std::int32_t>(at); break;
    case CellWay::float32: cell.float32 = tds::load<float>(at); break;
    case CellWay::float64: cell.float64 = tds::load<double>(at); break;
    case CellWay::float64_of_32: cell.float64 = double{tds::load<float>(at)}; break;
    case CellWay::date: {
      const std::int64_t days = tds::days_of(at);
      if (!tds::valid_day(days)) refuse_value(column);
      cell.integer = days;
      break;
    }
    case CellWay::time: {
      const std::int64_t ticks = tds::time_of(at, value.size(), plan.scale);
      if (!tds::valid_time(ticks)) refuse_value(column);
      cell.integer = ticks;
      break;
    }
    case CellWay::datetime: cell.integer = checked_datetime(at, column); break;
    case CellWay::small_datetime: cell.integer = checked_smalldatetime(at, column); break;
    case CellWay::datetime2: cell.integer = checked_ticks(at, value.size() - 3, plan, column); break;
    case CellWay::datetimeoffset: {
      const std::int64_t ticks = checked_ticks(at, value.size() - 5, plan, column);
      const auto minutes = tds::load<std::int16_t>(at + value.size() - 2);
      if (minutes < -14 * 60 || minutes > 14 * 60) refuse_value(column);
      cell.offset_time = {ticks, minutes};
      break;
    }
    case CellWay::uuid: uuid_of(value, cell.uuid); break;
    case CellWay::bytes: return batch.put_text(row, plan.column, tds::as_text(value));
    case CellWay::text: return put_text(value, column, batch, row, plan.column);
    case CellWay::western_text: return put_western_text(value, column, batch, row, plan.column);
    case CellWay::spatial: return put_bytes(value, column, batch, row, plan.column);
  }
  batch.states(row)[plan.column] = CellState::value;
}

TdsRowDecoder::TdsRowDecoder(const std::vector<tds::Column>& columns, const RowPlan& plan)
    : schema_(plan.schema),
      limit_{plan.max_value_bytes, plan.long_value_is_fault},
      result_columns_(columns.size()) {
  const std::vector<std::size_t> order = select_order(schema_);
  if (columns.size() != plan.leading.size() + order.size())
    throw Error(ErrorKind::protocol, "SQL Server answers with other columns than were asked for")
        .with("table", schema_.name.str());
  for (std::size_t i = 0; i < order.size(); ++i) {
    const std::size_t at = plan.leading.size() + i;
    CellPlan cell = plan_of(columns[at].type, schema_.columns[order[i]]);
    cell.at = at;
    cell.column = order[i];
    cell.is_key = schema_.is_key(order[i]);
    plans_.push_back(cell);
  }
}

template <bool only_key>
void TdsRowDecoder::decode(tds::Response& response, RowBatch& batch, std::size_t row) {
  tds::Inbox& inbox = response.inbox();
  for (const CellPlan& plan : plans_) {
    if (response.is_left_out(plan.at)) continue;
    std::size_t head = 0;
    std::size_t size = plan.length;
    switch (plan.form) {
      case LengthForm::fixed: break;
      case LengthForm::byte_length:
        inbox.need(1);
        head = 1;
        size = tds::load<std::uint8_t>(inbox.position());
        if (size == 0) {
          inbox.advance(1);
          continue;
        }
        break;
      case LengthForm::short_length:
        inbox.need(2);
        head = 2;
        size = tds::load<std::uint16_t>(inbox.position());
        if (size == 0xFFFF) {
          inbox.advance(2);
          continue;
        }
        break;
      default:
        response.set_row_at(plan.at);
        if (only_key && !plan.is_key) {
          response.skip_to(plan.at + 1);
        } else {
          decode_long(response, plan, batch, row);
        }
        continue;
    }
    if (size > plan.length || (plan.has_exact_length && size != plan.length))
      refuse_value(schema_.columns[plan.column]);
    inbox.need(head + size);
    const std::span<const std::byte> value(inbox.position() + head, size);
    inbox.advance(head + size);
    if (only_key && !plan.is_key) continue;
    if (plan.is_long && size > limit_.bytes) {
      put_too_long(limit_, batch, row, plan.column);
    } else {
      put_value(plan, value, schema_.columns[plan.column], batch, row);
    }
  }
  response.set_row_at(result_columns_);
}

void TdsRowDecoder::decode_long(tds::Response& response, const CellPlan& plan, RowBatch& batch,
                                std::size_t row) {
  const std::optional<std::span<const std::byte>> value =
      response.take_value(plan.at, scratch_, limit_.bytes);
  if (!value) return;
  if (value->size() > limit_.bytes) return put_too_long(limit_, batch, row, plan.column);
  put_value(plan, *value, schema_.columns[plan.column], batch, row);
}

template void TdsRowDecoder::decode<false>(tds::Response&, RowBatch&, std::size_t);
template void TdsRowDecoder::decode<true>(tds::Response&, RowBatch&, std::size_t);

TdsRowReader::TdsRowReader(TdsStatement& statement, const RowPlan& plan)
    : statement_(statement), decoder_(statement.response().columns(), plan) {
  for (const LeadingColumn& column : plan.leading)
    leading_.push_back({column.form, true, 0, 0, std::vector<std::byte>(column.width)});
}

bool TdsRowReader::next() {
  if (!statement_.fetch()) return false;
  if (!leading_.empty()) statement_.reading([&] { read_leading(); });
  return true;
}

void TdsRowReader::read_leading() {
  tds::Response& response = statement_.response();
  for (std::size_t i = 0; i < leading_.size(); ++i) {
    Leading& leading = leading_[i];
    const std::optional<std::span<const std::byte>> value = response.take_value(i, scratch_);
    leading.is_null = !value;
    if (!value) continue;
    if (leading.form == LeadingColumn::Form::integer) {
      const WireType type = response.columns()[i].type.type;
      const bool is_integer = type == WireType::int_n || type == WireType::int1 || type == WireType::int2 ||
                              type == WireType::int4 || type == WireType::int8;
      if (!is_integer)
        throw Error(ErrorKind::protocol, "SQL Server answers with something that is no integer");
      leading.number = tds::integer_of(value->data(), value->size());
      continue;
    }
    if (value->size() > leading.bytes.size())
      throw Error(ErrorKind::protocol, "SQL Server answers with a value longer than was asked for");
    std::copy(value->begin(), value->end(), leading.bytes.begin());
    leading.size = value->size();
  }
}

std::span<const std::byte> TdsRowReader::bytes(std::size_t leading) const {
  return std::span(leading_[leading].bytes).first(leading_[leading].size);
}

void TdsRowReader::decode(RowBatch& batch, std::size_t row) {
  statement_.reading([&] { decoder_.decode(statement_.response(), batch, row); });
}

void TdsRowReader::decode_key(RowBatch& batch, std::size_t row) {
  statement_.reading([&] { decoder_.decode_key(statement_.response(), batch, row); });
}

}  // namespace tailrace::sqlserver
