// Literals straight into a column's type: the common pairs by hand, the rest through convert().
#include "sim/tsql/rows/literals.h"

#include <algorithm>
#include <charconv>

#include "sim/storage/codec.h"
#include "sim/tsql/values/numbers.h"
#include "sim/tsql/values/types.h"

namespace tailrace::sim::tsql {
namespace {

void unquote(const ValueCell& literal, std::string& out) {
  out.clear();
  if (!literal.doubled) {
    out.assign(literal.text);
    return;
  }
  for (std::size_t i = 0; i < literal.text.size(); ++i) {
    out.push_back(literal.text[i]);
    if (literal.text[i] == '\'' && i + 1 < literal.text.size() && literal.text[i + 1] == '\'') ++i;
  }
}

int digit_of(char byte) {
  return byte >= '0' && byte <= '9'   ? byte - '0'
         : byte >= 'a' && byte <= 'f' ? byte - 'a' + 10
                                      : byte - 'A' + 10;
}

// The literal as a value of its own type.
void natural_value(const ValueCell& literal, Value& out) {
  out.null = false;
  std::string text;
  switch (literal.kind) {
    case TokenKind::integer:
    case TokenKind::decimal:
    case TokenKind::money: {
      const std::size_t point = literal.text.find('.');
      const int scale = literal.kind == TokenKind::money  ? 4
                        : point == std::string_view::npos ? 0
                                                          : static_cast<int>(literal.text.size() - point - 1);
      out.type =
          literal.kind == TokenKind::money ? make_type(Type::money) : decimal_type(38, std::min(scale, 38));
      if (parse_decimal(literal.text, 38, std::min(scale, 38), out.decimal) != ParseResult::ok)
        out.decimal = 0;
      if (literal.negative) out.decimal = -out.decimal;
      if (literal.kind == TokenKind::integer && out.decimal == static_cast<std::int32_t>(out.decimal)) {
        out.type = int_type();
        out.number = static_cast<std::int64_t>(out.decimal);
      }
      return;
    }
    case TokenKind::float_:
      out.type = make_type(Type::float_);
      out.real = std::strtod(std::string(literal.text).c_str(), nullptr);
      if (literal.negative) out.real = -out.real;
      return;
    case TokenKind::binary: {
      out.text.clear();
      std::size_t at = 0;
      if (literal.text.size() % 2 != 0) out.text.push_back(static_cast<char>(digit_of(literal.text[at++])));
      for (; at < literal.text.size(); at += 2)
        out.text.push_back(
            static_cast<char>(digit_of(literal.text[at]) * 16 + digit_of(literal.text[at + 1])));
      out.type = text_type(Type::varbinary, static_cast<std::int64_t>(out.text.size()));
      return;
    }
    default:
      unquote(literal, out.text);
      if (literal.kind == TokenKind::string) make_code_page_text(out.text);
      out.type = text_type(literal.kind == TokenKind::string ? Type::varchar : Type::nvarchar, -1);
      return;
  }
}

}  // namespace

bool literal_cell(const ValueCell& literal, const TypeInfo& type, Value& scratch, Cell& cell,
                  ConversionError& error) {
  if (literal.kind == TokenKind::word) {  // NULL
    cell = Cell{};
    return true;
  }
  if (literal.kind == TokenKind::integer && is_integer(type.type) && type.type != Type::bit &&
      literal.text.size() < 18) {
    std::int64_t number = 0;
    std::from_chars(literal.text.data(), literal.text.data() + literal.text.size(), number);
    if (literal.negative) number = -number;
    const bool fits = type.type == Type::bigint ||
                      (type.type == Type::int_ && number == static_cast<std::int32_t>(number)) ||
                      (type.type == Type::smallint && number == static_cast<std::int16_t>(number)) ||
                      (type.type == Type::tinyint && number >= 0 && number <= 255);
    if (fits) {
      cell = Cell{};
      cell.null = false;
      cell.number = number;
      return true;
    }
  }
  const bool exact = literal.kind == TokenKind::integer || literal.kind == TokenKind::decimal;
  if (exact && type.type == Type::decimal) {
    int128 value = 0;
    if (parse_decimal(literal.text, type.precision, type.scale, value) == ParseResult::ok) {
      cell = Cell{};
      cell.null = false;
      cell.decimal = literal.negative ? -value : value;
      return true;
    }
  }
  const bool text = literal.kind == TokenKind::string || literal.kind == TokenKind::nstring;
  if (text && !literal.doubled && (type.type == Type::nvarchar || type.type == Type::varchar)) {
    const bool ascii = std::all_of(literal.text.begin(), literal.text.end(),
                                   [](char byte) { return static_cast<unsigned char>(byte) < 0x80; });
    const std::int32_t units = units_of(type);
    const bool plain = (ascii || (type.type == Type::nvarchar && literal.kind == TokenKind::nstring)) &&
                       type.guise != Guise::xml;
    if (plain && (units < 0 || literal.text.size() <= static_cast<std::size_t>(units))) {
      cell = Cell{};
      cell.null = false;
      cell.text = literal.text;
      return true;
    }
  }
  thread_local Value natural;
  natural_value(literal, natural);
  if (!convert(natural.type, cell_of(natural), type, no_style, scratch, error, ConversionUse::assignment))
    return false;
  cell = cell_of(scratch);
  return true;
}

ExprPtr literal_expression(const ValueCell& literal) {
  auto expr = std::make_unique<Expr>();
  expr->kind = ExprKind::literal;
  expr->token_kind = literal.kind;
  if (literal.kind == TokenKind::string || literal.kind == TokenKind::nstring)
    unquote(literal, expr->text);
  else
    expr->text = (literal.negative ? "-" : "") + std::string(literal.text);
  return expr;
}

}  // namespace tailrace::sim::tsql
