// Rows as JSON.
#include "kafka/row_letter.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "model/key_text.h"

namespace tailrace::kafka {
namespace {

using nlohmann::ordered_json;

// Shorter ones are never left out.
constexpr std::size_t short_bytes = 64;

std::string name_of_operation(Operation operation) {
  switch (operation) {
    case Operation::read: return "read";
    case Operation::insert: return "insert";
    case Operation::update_before:
    case Operation::update: return "update";
    case Operation::delete_: return "delete";
  }
  return "update";
}

ordered_json text_or_null(const std::optional<std::string>& text) {
  return text ? ordered_json(*text) : ordered_json(nullptr);
}

ordered_json text_or_null(const std::string& text) {
  return text.empty() ? ordered_json(nullptr) : ordered_json(text);
}

std::string dumped(const ordered_json& letter) {
  return letter.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace

std::string RowLetter::key() const {
  ordered_json out = ordered_json::array({table.str()});
  for (const std::optional<std::string>& part : row_key)
    out.push_back(text_or_null(part));
  return dumped(out);
}

std::string RowLetter::value() const {
  ordered_json out;
  out["pipeline"] = pipeline;
  out["table"] = table.str();
  out["key"] = ordered_json::array();
  for (const std::optional<std::string>& part : row_key)
    out["key"].push_back(text_or_null(part));
  out["operation"] = operation;
  out["row_values"] = ordered_json::object();
  for (const auto& [name, text] : values)
    out["row_values"][name] = text_or_null(text);
  out["omitted"] = omitted;
  out["reason"] = reason;
  out["column"] = text_or_null(column);
  out["error"] = error;
  out["lsn"] = text_or_null(lsn);
  out["commit_time"] = text_or_null(commit_time);
  return dumped(out);
}

bool RowLetter::omit_longest() {
  const auto size_of = [](const auto& each) { return each.second ? each.second->size() : 0; };
  const auto longest =
      std::max_element(values.begin(), values.end(),
                       [&](const auto& left, const auto& right) { return size_of(left) < size_of(right); });
  if (longest == values.end() || size_of(*longest) <= short_bytes) return false;
  omitted.push_back(longest->first);
  values.erase(longest);
  return true;
}

RowLetter row_letter(const std::string& pipeline, const RowBatch& rows, std::size_t row, const Error& why) {
  const TableSchema& table = rows.schema();
  const RowHeader& header = rows.header(row);
  RowLetter out;
  out.pipeline = pipeline;
  out.table = table.name;
  out.operation = name_of_operation(header.operation);
  out.column = std::string(why.context("column"));
  // A topic's refusal names it.
  out.reason = why.context("topic").empty() ? "value" : "too_large";
  out.error = why.message();
  if (header.commit_lsn != Lsn{}) out.lsn = header.commit_lsn.hex();
  if (header.commit_time != 0) out.commit_time = timestamp_text(header.commit_time);
  std::set<std::size_t> faulty;
  for (const RowFault& fault : rows.faults()) {
    if (fault.row == row) faulty.insert(fault.column);
  }
  const auto text_at = [&](std::size_t column) {
    return rows.state(row, column) == CellState::value ? std::optional(key_text(rows, row, column))
                                                       : std::nullopt;
  };
  for (const std::size_t column : table.key)
    out.row_key.push_back(text_at(column));
  for (std::size_t column = 0; column < rows.columns(); ++column) {
    if (faulty.contains(column) || rows.state(row, column) == CellState::absent) continue;
    out.values.emplace_back(table.columns[column].name, text_at(column));
  }
  return out;
}

}  // namespace tailrace::kafka
