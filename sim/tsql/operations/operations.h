// Scalar operations that SQLite does not have: how translated SQL calls back into C++.
//
// Shape    An Operation says what is called with which types. intern() gives each distinct one an address for good,
//          and SQL carries the address: `ts(<address>, arguments...)`. tsv() is the same for operations whose result
//          differs between calls. Aggregates are ts_sum, ts_avg, ts_string_agg with the address first.
// Errors   An operation that fails leaves number and text in FunctionContext::error; SQLite's step fails, and the
//          executor raises that error.
// Threads  intern() from any; a FunctionContext belongs to its connection's thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "sim/storage/value.h"
#include "sim/tsql/operations/function_host.h"
#include "sim/tsql/values/convert.h"

struct sqlite3;

namespace tailrace::sim::tsql {

struct Operation;

struct OperationCall {
  const Operation& op;
  std::span<const Cell> args;
  Value& out;  // Not null, of the result's type, when the body begins.
  FunctionContext& context;

  bool fail(std::int32_t number, std::string text) const;
  bool null() const;  // Answers NULL.
};

using OperationBody = bool (*)(OperationCall& call);

struct Operation {
  OperationBody body = nullptr;
  std::vector<TypeInfo> args;
  TypeInfo result;
  int style = no_style;
  bool strict = true;  // NULL in, NULL out, without a call.
  bool try_ = false;   // A failure is NULL.
  std::string text;    // A date part, a function's name, a collation.
};

const Operation* intern(Operation operation);
std::string call_sql(const Operation* operation, std::span<const std::string> args, bool is_volatile = false);

// Registers ts, tsv and the aggregates on a connection; `context` must outlive it.
void register_operations(sqlite3* connection, FunctionContext& context);

// Bodies (operations_*.cpp).
bool op_convert(OperationCall& call);
bool op_add(OperationCall& call);
bool op_subtract(OperationCall& call);
bool op_multiply(OperationCall& call);
bool op_divide(OperationCall& call);
bool op_modulo(OperationCall& call);
bool op_negate(OperationCall& call);
bool op_concat(OperationCall& call);
bool op_bit(OperationCall& call);             // text: & | ^ ~
bool op_date_plus_days(OperationCall& call);  // datetime + number of days; text: + or -
bool op_like(OperationCall& call);
bool op_row_count(OperationCall& call);  // TOP, OFFSET, FETCH: text says which
bool op_math(OperationCall& call);       // text: ABS SIGN FLOOR CEILING SQRT POWER ROUND ...
bool op_text(OperationCall& call);       // text: the function
bool op_date(OperationCall& call);       // text: the function, style: the part
bool op_now(OperationCall& call);
bool op_meta(OperationCall& call);
bool op_cdc(OperationCall& call);
bool op_newid(OperationCall& call);
bool op_rand(OperationCall& call);
bool op_hashbytes(OperationCall& call);  // text: a digest's name in upper case
bool is_digest_name(std::string_view name);
bool op_parse(OperationCall& call);             // PARSE(text AS a date or time)
bool op_assign(OperationCall& call);            // Into a column: text names it.
bool op_variant_property(OperationCall& call);  // SQL_VARIANT_PROPERTY
bool op_variant_compare(OperationCall& call);   // <0, 0, >0 of two sql_variants
bool op_spatial(OperationCall& call);           // geometry::STGeomFromText(text, srid)

// As much of a text as its column takes, for the message of an assignment that would cut it (2628).
std::string cut_text(const std::string& text, const TypeInfo& type);

enum DatePart : int {
  part_none = -1,
  part_year,
  part_quarter,
  part_month,
  part_dayofyear,
  part_day,
  part_week,
  part_weekday,
  part_hour,
  part_minute,
  part_second,
  part_millisecond,
  part_microsecond,
  part_nanosecond,
  part_tzoffset,
  part_iso_week
};
DatePart date_part(std::string_view name);

}  // namespace tailrace::sim::tsql
