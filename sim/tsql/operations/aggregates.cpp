// SUM, AVG and STRING_AGG as SQLite aggregates and window functions.
#include <sqlite3.h>

#include <cstdint>
#include <new>

#include "base/error.h"
#include "sim/storage/codec.h"
#include "sim/tsql/operations/operations.h"
#include "sim/tsql/values/numbers.h"
#include "sim/tsql/values/types.h"

namespace tailrace::sim::tsql {
namespace {

struct Total {
  const Operation* operation;
  int128 exact;
  double real;
  std::int64_t count;
  bool overflow;
};

// SQLite's memory for an aggregate is aligned to 8 bytes, a Total needs 16.
Total* total_of(sqlite3_context* sqlite, bool make) {
  void* memory = sqlite3_aggregate_context(sqlite, make ? sizeof(Total) + alignof(Total) : 0);
  if (memory == nullptr) return nullptr;
  const auto address = reinterpret_cast<std::uintptr_t>(memory);
  return reinterpret_cast<Total*>((address + alignof(Total) - 1) & ~(alignof(Total) - 1));
}

const Operation& aggregate_of(sqlite3_value* value) {
  return *reinterpret_cast<const Operation*>(static_cast<std::uintptr_t>(sqlite3_value_int64(value)));
}

void add(sqlite3_context* sqlite, sqlite3_value** values, int sign) {
  Total* total = total_of(sqlite, /*make=*/true);
  if (total == nullptr) {
    sqlite3_result_error_nomem(sqlite);
    return;
  }
  total->operation = &aggregate_of(values[0]);
  if (sqlite3_value_type(values[1]) == SQLITE_NULL) return;
  const TypeInfo& type = total->operation->args[0];
  CodecScratch scratch;
  Cell cell;
  decode(values[1], type, scratch, cell);
  total->count += sign;
  if (is_float(type.type)) {
    total->real += sign * cell.real;
  } else if (is_integer(type.type)) {
    total->exact += sign * cell.number;
  } else {
    total->exact += sign * cell.decimal;
    if (!fits_precision(total->exact, 38)) total->overflow = true;
  }
}

void step(sqlite3_context* sqlite, int, sqlite3_value** values) {
  add(sqlite, values, 1);
}
void inverse(sqlite3_context* sqlite, int, sqlite3_value** values) {
  add(sqlite, values, -1);
}

void overflow(sqlite3_context* sqlite, const TypeInfo& type) {
  auto& context = *static_cast<FunctionContext*>(sqlite3_user_data(sqlite));
  context.error.number = 8115;
  context.error.text = "Arithmetic overflow error converting expression to data type " +
                       std::string(type.type == Type::decimal ? "numeric" : type_name(type)) + ".";
  sqlite3_result_error(sqlite, context.error.text.c_str(), -1);
}

// The exact total at `scale`, as the result's type.
void answer_exact(sqlite3_context* sqlite, const TypeInfo& result, int128 value) {
  Cell cell;
  cell.null = false;
  if (is_integer(result.type)) {
    const bool fits = result.type == Type::bigint ? value == static_cast<std::int64_t>(value)
                                                  : value == static_cast<std::int32_t>(value);
    if (!fits) return overflow(sqlite, result);
    cell.number = static_cast<std::int64_t>(value);
  } else {
    if (is_money(result.type) ? value != static_cast<std::int64_t>(value)
                              : !fits_precision(value, result.precision))
      return overflow(sqlite, result);
    cell.decimal = value;
  }
  encode_result(sqlite, result, cell);
}

void finish_sum(sqlite3_context* sqlite) {
  const Total* total = total_of(sqlite, /*make=*/false);
  if (total == nullptr || total->count == 0) return;
  const TypeInfo& result = total->operation->result;
  if (total->overflow) return overflow(sqlite, result);
  if (is_float(result.type)) return sqlite3_result_double(sqlite, total->real);
  answer_exact(sqlite, result, total->exact);
}

void finish_average(sqlite3_context* sqlite) {
  const Total* total = total_of(sqlite, /*make=*/false);
  if (total == nullptr || total->count == 0) return;
  const TypeInfo& result = total->operation->result;
  if (total->overflow) return overflow(sqlite, result);
  if (is_float(result.type))
    return sqlite3_result_double(sqlite, total->real / static_cast<double>(total->count));
  if (is_integer(result.type)) return answer_exact(sqlite, result, total->exact / total->count);
  const int scale = is_money(result.type) ? 4 : total->operation->args[0].scale;
  int128 value = 0;
  if (!divide(total->exact, scale, total->count, 0, is_money(result.type) ? 4 : result.scale, value))
    return overflow(sqlite, result);
  answer_exact(sqlite, result, value);
}

struct Joined {
  std::string* text;
};

void join_step(sqlite3_context* sqlite, int, sqlite3_value** values) {
  auto* state = static_cast<Joined*>(sqlite3_aggregate_context(sqlite, sizeof(Joined)));
  if (state == nullptr || sqlite3_value_type(values[1]) == SQLITE_NULL) return;
  const auto text_of = [](sqlite3_value* value) {
    const auto* text = reinterpret_cast<const char*>(sqlite3_value_text(value));
    return std::string_view(text == nullptr ? "" : text,
                            static_cast<std::size_t>(sqlite3_value_bytes(value)));
  };
  if (state->text == nullptr) {
    state->text = new std::string(text_of(values[1]));
  } else {
    state->text->append(text_of(values[2]));
    state->text->append(text_of(values[1]));
  }
}

void join_finish(sqlite3_context* sqlite) {
  auto* state = static_cast<Joined*>(sqlite3_aggregate_context(sqlite, 0));
  if (state == nullptr || state->text == nullptr) return;
  sqlite3_result_text64(sqlite, state->text->data(), state->text->size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  delete state->text;
  state->text = nullptr;
}

}  // namespace

void register_aggregates(sqlite3* connection, FunctionContext& context) {
  TAILRACE_ASSERT(sqlite3_create_window_function(connection, "ts_sum", 2, SQLITE_UTF8, &context, step,
                                                 finish_sum, finish_sum, inverse, nullptr) == SQLITE_OK);
  TAILRACE_ASSERT(sqlite3_create_window_function(connection, "ts_avg", 2, SQLITE_UTF8, &context, step,
                                                 finish_average, finish_average, inverse,
                                                 nullptr) == SQLITE_OK);
  TAILRACE_ASSERT(sqlite3_create_function_v2(connection, "ts_string_agg", 3, SQLITE_UTF8, &context, nullptr,
                                             join_step, join_finish, nullptr) == SQLITE_OK);
}

}  // namespace tailrace::sim::tsql
