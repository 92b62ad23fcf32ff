// Operands: literals, columns, variables and session values.
#include <algorithm>

#include "sim/storage/codec.h"
#include "sim/tsql/bind/binder.h"
#include "sim/tsql/errors.h"
#include "sim/tsql/values/numbers.h"
#include "sim/tsql/values/types.h"

namespace tailrace::sim::tsql {

Typed Binder::constant_value(const Value& value) {
  Typed out;
  out.type = value.type;
  out.nullable = value.null;
  out.sql = value.null ? "NULL" : sqlite_literal(value.type, cell_of(value));
  out.constant = value;
  return out;
}

Typed Binder::null_value(const TypeInfo& type) {
  Typed out;
  out.sql = "NULL";
  out.type = type;
  return out;
}

Typed Binder::literal(const Expr& expr) {
  Value value;
  value.null = false;
  std::string_view text = expr.text;
  const bool negative =
      text.starts_with('-') && expr.token_kind != TokenKind::string && expr.token_kind != TokenKind::nstring;
  std::string_view digits = negative ? text.substr(1) : text;
  switch (expr.token_kind) {
    case TokenKind::integer: {
      while (digits.size() > 1 && digits.front() == '0')
        digits.remove_prefix(1);
      int128 number = 0;
      if (digits.size() > 38 || parse_decimal(digits, 38, 0, number) != ParseResult::ok) {
        raise(1007,
              "The number '" + std::string(digits) +
                  "' is out of the range for numeric representation (maximum precision 38).",
              expr.line, 1, 15);
      }
      if (negative) number = -number;
      if (number == static_cast<std::int32_t>(number)) {
        value.type = int_type();
        value.number = static_cast<std::int64_t>(number);
      } else {
        value.type = decimal_type(static_cast<int>(digits.size()), 0);
        value.decimal = number;
      }
      break;
    }
    case TokenKind::decimal: {
      const std::size_t point = digits.find('.');
      std::string_view whole = digits.substr(0, point);
      while (!whole.empty() && whole.front() == '0')
        whole.remove_prefix(1);
      const int scale = static_cast<int>(digits.size() - point - 1);
      const int precision = std::max(static_cast<int>(whole.size()) + scale, 1);
      if (precision > 38)
        raise(1007,
              "The number '" + std::string(digits) +
                  "' is out of the range for numeric representation (maximum precision 38).",
              expr.line, 1, 15);
      value.type = decimal_type(precision, scale);
      if (parse_decimal(digits, 38, scale, value.decimal) != ParseResult::ok)
        value.decimal = 0;  // "." alone is 0.
      if (negative) value.decimal = -value.decimal;
      break;
    }
    case TokenKind::float_:
      value.type = make_type(Type::float_);
      value.real = std::strtod(std::string(text).c_str(), nullptr);
      break;
    case TokenKind::money:
      value.type = make_type(Type::money);
      if (parse_decimal(digits, 19, 4, value.decimal) != ParseResult::ok)
        raise(102, "Incorrect syntax near '" + std::string(text) + "'.", expr.line);
      if (negative) value.decimal = -value.decimal;
      break;
    case TokenKind::binary: {
      std::string hex(text);
      if (hex.size() % 2 != 0) hex.insert(hex.begin(), '0');
      for (std::size_t i = 0; i < hex.size(); i += 2) {
        value.text.push_back(static_cast<char>(std::strtoul(hex.substr(i, 2).c_str(), nullptr, 16)));
      }
      value.type = text_type(Type::varbinary, static_cast<std::int64_t>(value.text.size()));
      break;
    }
    default:
      value.text = expr.text;
      if (expr.token_kind == TokenKind::string) make_code_page_text(value.text);
      value.type = text_type(expr.token_kind == TokenKind::string ? Type::varchar : Type::nvarchar,
                             utf16_length(value.text));
      break;
  }
  Typed out = constant_value(value);
  out.collation = environment_.collation();
  return out;
}

Typed Binder::column(const Expr& expr) {
  const std::vector<std::string>& parts = expr.parts;
  const std::string& name = parts.back();
  if (parts.size() > 4) raise(4104, "The multi-part identifier could not be bound.", expr.line);
  for (Block* block = block_; block != nullptr; block = block->outer) {
    const SourceColumn* found = nullptr;
    for (const SourceTable& table : block->tables) {
      if (parts.size() >= 2 && !same(table.alias, parts[parts.size() - 2])) continue;
      if (parts.size() >= 3 && !same(table.schema, parts[parts.size() - 3])) continue;
      for (const SourceColumn& column : table.columns) {
        const CollationKind names = table.table ? table.table->identifiers : environment_.names();
        if (!same_name(names, column.name, name)) continue;
        if (found != nullptr) raise(209, "Ambiguous column name '" + name + "'.", expr.line);
        found = &column;
      }
    }
    if (found == nullptr) {
      // A named table without that column: the name does not reach further out.
      const bool table_known =
          parts.size() >= 2 &&
          std::any_of(block->tables.begin(), block->tables.end(),
                      [&](const SourceTable& table) { return same(table.alias, parts[parts.size() - 2]); });
      if (table_known) raise(207, "Invalid column name '" + name + "'.", expr.line);
      continue;
    }
    if (block->grouped && block->aggregate_depth == 0) {
      const bool is_group =
          std::find(block->groups.begin(), block->groups.end(), found->value.sql) != block->groups.end();
      std::string full = name;
      if (!is_group) {
        for (const SourceTable& table : block->tables) {
          for (const SourceColumn& column : table.columns) {
            if (&column == found) full = table.alias + "." + column.name;
          }
        }
        block->violations.push_back({full, expr.line});
      }
    }
    return found->value;
  }
  if (parts.size() >= 2) {
    std::string full;
    for (const std::string& part : parts)
      full += (full.empty() ? "" : ".") + part;
    raise(4104, "The multi-part identifier \"" + full + "\" could not be bound.", expr.line);
  }
  raise(207, "Invalid column name '" + name + "'.", expr.line);
}

std::string Binder::parameter(const std::string& name) {
  std::string key = upper(name);
  const auto found = std::find(parameters_.begin(), parameters_.end(), key);
  const std::size_t index = static_cast<std::size_t>(found - parameters_.begin());
  if (found == parameters_.end()) parameters_.push_back(std::move(key));
  return "?" + std::to_string(index + 1);
}

Typed Binder::variable(const Expr& expr) {
  const TypeInfo* type = environment_.variable_type(expr.text);
  if (type == nullptr)
    raise(137, "Must declare the scalar variable \"" + expr.text + "\".", expr.line, 2, 15);
  Typed out;
  out.sql = parameter(expr.text);
  out.type = *type;
  out.collation = environment_.collation();
  return out;
}

Typed Binder::session_value(const std::string& name) {
  const SessionValueType* type = find_session_value(name);
  Typed out;
  out.sql = parameter(name);
  out.type = type->type;
  out.nullable = type->nullable;
  out.collation = environment_.collation();
  return out;
}

Typed Binder::system_variable(const Expr& expr) {
  const std::string name = upper(expr.text);
  if (find_session_value(name) == nullptr)
    raise(137, "Must declare the scalar variable \"" + expr.text + "\".", expr.line, 2, 15);
  return session_value(name);
}

}  // namespace tailrace::sim::tsql
