// Header texts.
#include "debezium/header_writer.h"

#include "base/error.h"
#include "debezium/moment.h"
#include "record/decimal.h"
#include "record/json_text.h"

namespace tailrace::debezium {
namespace {

constexpr std::int64_t milliseconds_a_day = 86'400'000;

// Quotes and backslashes alone are escaped.
void put_quoted(ByteBuffer& out, std::string_view text) {
  out.put_byte('"');
  for (const char letter : text) {
    if (letter == '"' || letter == '\\') out.put_byte('\\');
    out.put_byte(letter);
  }
  out.put_byte('"');
}

// A java.util.Date: which of three forms it has depends on its number alone. yyyy-MM-dd, or with 'T'HH:mm:ss.SSS'Z', or the time.
void put_java_date(ByteBuffer& out, std::int64_t milliseconds) {
  const std::int64_t ticks = ticks_to_1970 + milliseconds * 10'000;
  const std::int64_t days = floor_divide(ticks, ticks_a_day);
  const bool with_date = milliseconds >= milliseconds_a_day;
  if (with_date) out.put_bytes(MomentText::date(days).view().substr(0, 10));
  if (with_date && milliseconds % milliseconds_a_day == 0) return;
  if (with_date) out.put_byte('T');
  const std::int64_t of_day = (ticks - days * ticks_a_day) / 10'000;
  const MomentText time = MomentText::time(of_day / 1000 * ticks_a_second);
  out.put_bytes(time.view().substr(0, 8));
  out.put_byte('.');
  for (const std::int64_t unit : {100, 10, 1})
    out.put_byte(static_cast<char>('0' + of_day / unit % 10));
  out.put_byte('Z');
}

}  // namespace

const record::Schema& HeaderWriter::start() {
  TAILRACE_ASSERT(at_ < schema_.fields.size());
  const record::Field& field = schema_.fields[at_];
  if (at_ != 0) out_.put_byte(',');
  put_quoted(out_, field.name);
  out_.put_byte(':');
  return *field.schema;
}

void HeaderWriter::finish() {
  if (++at_ == schema_.fields.size()) out_.put_byte('}');
}

void HeaderWriter::begin_record() {
  at_ = 0;
  out_.put_byte('{');
  if (schema_.fields.empty()) out_.put_byte('}');
}

void HeaderWriter::null() {
  start();
  out_.put_bytes("null");
  finish();
}

void HeaderWriter::boolean(bool value) {
  start();
  out_.put_bytes(value ? "true" : "false");
  finish();
}

void HeaderWriter::integer(std::int64_t value) {
  const record::Schema& schema = start();
  if (schema.name == record::date_name)
    put_java_date(out_, value * milliseconds_a_day);
  else if (schema.name == record::time_name || schema.name == record::timestamp_name)
    put_java_date(out_, value);
  else
    record::put_integer(out_, value);
  finish();
}

void HeaderWriter::float32(float value) {
  start();
  record::put_float(out_, value);
  finish();
}

void HeaderWriter::float64(double value) {
  start();
  record::put_double(out_, value);
  finish();
}

void HeaderWriter::text(std::string_view value) {
  start();
  put_quoted(out_, value);
  finish();
}

void HeaderWriter::bytes(std::string_view value) {
  const record::Schema& schema = start();
  if (record::is_decimal(schema)) {
    out_.put_bytes(record::decimal_text(value, record::decimal_scale(schema)));
  } else {
    out_.put_byte('"');
    record::put_base64(out_, value);
    out_.put_byte('"');
  }
  finish();
}

void HeaderWriter::decimal(int128 unscaled) {
  bytes(record::decimal_bytes(unscaled));
}

}  // namespace tailrace::debezium
