// Interning, and the glue between SQLite's function interface and operations.
#include "sim/tsql/operations/operations.h"

#include <sqlite3.h>

#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <tuple>

#include "base/error.h"
#include "sim/storage/codec.h"

namespace tailrace::sim::tsql {
namespace {

std::string type_key(const TypeInfo& type) {
  return std::to_string(static_cast<int>(type.type)) + "." + std::to_string(type.length) + "." +
         std::to_string(type.precision) + "." + std::to_string(type.scale) + (type.numeric ? "n" : "") +
         (type.guise == Guise::none ? "" : "g" + std::to_string(static_cast<int>(type.guise))) +
         (type.code_page == 0 ? "" : "p" + std::to_string(type.code_page));
}

std::string key_of(const Operation& operation) {
  std::string key = std::to_string(reinterpret_cast<std::uintptr_t>(operation.body)) + "|" +
                    type_key(operation.result) + "|" + std::to_string(operation.style) +
                    (operation.strict ? "s" : "") + (operation.try_ ? "t" : "") + "|" + operation.text;
  for (const TypeInfo& type : operation.args)
    key += "|" + type_key(type);
  return key;
}

constexpr std::size_t max_args = 6;

const Operation& operation_of(sqlite3_value* value) {
  return *reinterpret_cast<const Operation*>(static_cast<std::uintptr_t>(sqlite3_value_int64(value)));
}

void call_operation(sqlite3_context* sqlite, int count, sqlite3_value** values) {
  auto& context = *static_cast<FunctionContext*>(sqlite3_user_data(sqlite));
  const Operation& operation = operation_of(values[0]);
  const std::size_t args = static_cast<std::size_t>(count) - 1;
  std::array<Cell, max_args> few;
  std::array<CodecScratch, max_args> few_scratch;
  std::vector<Cell> many;
  std::vector<CodecScratch> many_scratch;
  Cell* cells = few.data();
  CodecScratch* scratch = few_scratch.data();
  if (args > max_args) {
    many.resize(args);
    many_scratch.resize(args);
    cells = many.data();
    scratch = many_scratch.data();
  }
  for (std::size_t i = 0; i < args; ++i) {
    if (sqlite3_value_type(values[i + 1]) == SQLITE_NULL) {
      if (operation.strict) return;  // The result is NULL already.
      cells[i].null = true;
      continue;
    }
    decode(values[i + 1], operation.args[i], scratch[i], cells[i]);
  }
  Value out;
  out.type = operation.result;
  out.null = false;
  OperationCall call{operation, {cells, args}, out, context};
  if (!operation.body(call)) {
    if (operation.try_) return;
    sqlite3_result_error(sqlite, context.error.text.c_str(), static_cast<int>(context.error.text.size()));
    return;
  }
  if (!out.null) encode_result(sqlite, operation.result, cell_of(out));
}

}  // namespace

bool OperationCall::fail(std::int32_t number, std::string text) const {
  context.error.number = number;
  context.error.text = std::move(text);
  return false;
}

bool OperationCall::null() const {
  out.null = true;
  return true;
}

const Operation* intern(Operation operation) {
  // Kept for the life of the process: prepared statements carry their addresses, and the number of different
  // operations is bounded by the statements' texts that differ in types.
  static std::mutex mutex;
  static std::map<std::string, std::unique_ptr<const Operation>> operations;
  const std::string key = key_of(operation);
  const std::lock_guard lock(mutex);
  auto& slot = operations[key];
  if (!slot) slot = std::make_unique<const Operation>(std::move(operation));
  return slot.get();
}

std::string call_sql(const Operation* operation, std::span<const std::string> args, bool is_volatile) {
  std::string out = is_volatile ? "tsv(" : "ts(";
  out += std::to_string(reinterpret_cast<std::uintptr_t>(operation));
  for (const std::string& arg : args) {
    out += ",";
    out += arg;
  }
  return out + ")";
}

void register_aggregates(sqlite3* connection, FunctionContext& context);  // aggregates.cpp

void register_operations(sqlite3* connection, FunctionContext& context) {
  const int deterministic = SQLITE_UTF8 | SQLITE_DETERMINISTIC;
  TAILRACE_ASSERT(sqlite3_create_function_v2(connection, "ts", -1, deterministic, &context, call_operation,
                                             nullptr, nullptr, nullptr) == SQLITE_OK);
  TAILRACE_ASSERT(sqlite3_create_function_v2(connection, "tsv", -1, SQLITE_UTF8, &context, call_operation,
                                             nullptr, nullptr, nullptr) == SQLITE_OK);
  register_aggregates(connection, context);
}

}  // namespace tailrace::sim::tsql
