// String functions.
#include <algorithm>
#include <array>
#include <cstdio>

#include "sim/storage/collation.h"
#include "sim/tsql/operations/operations.h"
#include "sim/tsql/operations/operations_text_internal.h"
#include "sim/tsql/values/types.h"

namespace tailrace::sim::tsql {
namespace {

// The part of a text from unit `begin` on, of `count` units.
std::string slice(std::string_view text, std::int64_t begin, std::int64_t count) {
  if (count <= 0) return {};
  if (is_ascii(text)) {
    if (begin >= static_cast<std::int64_t>(text.size())) return {};
    return std::string(text.substr(static_cast<std::size_t>(begin), static_cast<std::size_t>(count)));
  }
  const std::u16string units = to_utf16(text);
  if (begin >= static_cast<std::int64_t>(units.size())) return {};
  return from_utf16(
      std::u16string_view(units).substr(static_cast<std::size_t>(begin), static_cast<std::size_t>(count)));
}

std::string map_case(std::string_view text, bool to_upper) {
  std::u16string units = to_utf16(text);
  for (char16_t& unit : units) {
    const bool ascii = unit < 0x80;
    if (ascii) {
      if (to_upper && unit >= 'a' && unit <= 'z') unit = static_cast<char16_t>(unit - 32);
      if (!to_upper && unit >= 'A' && unit <= 'Z') unit = static_cast<char16_t>(unit + 32);
    } else if (!to_upper) {
      const char32_t folded = fold_case(unit);
      if (folded < 0x10000) unit = static_cast<char16_t>(folded);
    } else {
      // The inverse of folding for the scripts where case is a fixed distance.
      const bool latin1 = unit >= 0xE0 && unit <= 0xFE && unit != 0xF7;
      const bool greek = unit >= 0x3B1 && unit <= 0x3C9 && unit != 0x3C2;
      const bool cyrillic = unit >= 0x430 && unit <= 0x44F;
      const bool pairs = (unit >= 0x100 && unit <= 0x137) || (unit >= 0x14A && unit <= 0x177) ||
                         (unit >= 0x460 && unit <= 0x4FF);
      const bool odd_pairs = (unit >= 0x139 && unit <= 0x148) || (unit >= 0x179 && unit <= 0x17E);
      if (latin1 || greek || cyrillic)
        unit = static_cast<char16_t>(unit - 32);
      else if (unit >= 0x450 && unit <= 0x45F)
        unit = static_cast<char16_t>(unit - 80);
      else if (unit == 0xFF)
        unit = 0x178;
      else if ((pairs && unit != 0x131 && (unit & 1U) != 0) || (odd_pairs && (unit & 1U) == 0))
        unit = static_cast<char16_t>(unit - 1);
    }
  }
  return from_utf16(units);
}

std::int64_t find_units(std::string_view needle, std::string_view text, std::int64_t start,
                        CollationKind kind) {
  const std::u16string what = comparable(needle, kind);
  const std::u16string where = comparable(text, kind);
  const std::size_t from = start > 1 ? static_cast<std::size_t>(start - 1) : 0;
  if (what.empty() || from > where.size()) return 0;
  const std::size_t found = where.find(what, from);
  return found == std::u16string::npos ? 0 : static_cast<std::int64_t>(found) + 1;
}

std::string replace_all(const OperationCall& call) {
  const CollationKind kind = kind_of(call.op.text.substr(call.op.text.find(' ') + 1));
  const std::u16string text = to_utf16(call.args[0].text);
  const std::u16string folded = comparable(call.args[0].text, kind);
  const std::u16string what = comparable(call.args[1].text, kind);
  const std::u16string with = to_utf16(call.args[2].text);
  if (what.empty() || folded.size() != text.size()) return std::string(call.args[0].text);
  std::u16string out;
  std::size_t at = 0;
  while (true) {
    const std::size_t found = folded.find(what, at);
    if (found == std::u16string::npos) break;
    out.append(text, at, found - at);
    out.append(with);
    at = found + what.size();
  }
  out.append(text, at);
  return from_utf16(out);
}

bool trim(OperationCall& call, bool left, bool right) {
  std::string_view text = call.args[0].text;
  const std::string_view set = call.args.size() > 1 ? call.args[1].text : " ";
  while (left && !text.empty() && set.find(text.front()) != std::string_view::npos)
    text.remove_prefix(1);
  while (right && !text.empty() && set.find(text.back()) != std::string_view::npos)
    text.remove_suffix(1);
  call.out.text.assign(text);
  return true;
}

bool substring(OperationCall& call) {
  std::int64_t start = call.args[1].number;
  std::int64_t count = call.args[2].number;
  if (count < 0) return call.fail(537, "Invalid length parameter passed to the LEFT or SUBSTRING function.");
  if (start < 1) {
    count += start - 1;
    start = 1;
  }
  if (is_bytes(call.op.args[0].type)) {
    const std::string_view bytes = call.args[0].text;
    const auto begin =
        static_cast<std::size_t>(std::min<std::int64_t>(start - 1, static_cast<std::int64_t>(bytes.size())));
    call.out.text.assign(count <= 0 ? std::string_view()
                                    : bytes.substr(begin, static_cast<std::size_t>(count)));
  } else {
    call.out.text = slice(call.args[0].text, start - 1, count);
  }
  return true;
}

bool replicate(OperationCall& call) {
  const std::int64_t times = call.args[1].number;
  if (times < 0) return call.null();
  const std::int32_t limit = units_of(call.op.result);
  const std::int64_t units = std::max<std::int64_t>(utf16_length(call.args[0].text), 1);
  std::int64_t fitting = limit < 0 ? times : std::min<std::int64_t>(times, limit / units);
  call.out.text.reserve(static_cast<std::size_t>(fitting) * call.args[0].text.size());
  for (std::int64_t i = 0; i < fitting; ++i)
    call.out.text.append(call.args[0].text);
  if (limit >= 0 && fitting < times) call.out.text += slice(call.args[0].text, 0, limit - fitting * units);
  return true;
}

bool stuff(OperationCall& call) {
  if (call.args[0].null || call.args[1].null || call.args[2].null) return call.null();
  const std::u16string text = to_utf16(call.args[0].text);
  const std::int64_t start = call.args[1].number;
  const std::int64_t count = call.args[2].number;
  if (start < 1 || start > static_cast<std::int64_t>(text.size()) || count < 0) return call.null();
  std::u16string out = text.substr(0, static_cast<std::size_t>(start - 1));
  if (!call.args[3].null) out += to_utf16(call.args[3].text);
  const auto after = static_cast<std::size_t>(start - 1 + count);
  if (after < text.size()) out += text.substr(after);
  call.out.text = from_utf16(out);
  return true;
}

bool quote_name(OperationCall& call) {
  const char quote = call.args.size() > 1 && !call.args[1].text.empty() ? call.args[1].text[0] : '[';
  if (utf16_length(call.args[0].text) > 128) return call.null();
  const char open = quote == ']' ? '[' : quote;
  const char close = open == '[' ? ']' : open == '(' ? ')' : open == '{' ? '}' : open == '<' ? '>' : open;
  if (std::string_view("['\"({<`").find(open) == std::string_view::npos) return call.null();
  call.out.text = open;
  for (const char byte : call.args[0].text) {
    call.out.text.push_back(byte);
    if (byte == close) call.out.text.push_back(close);
  }
  call.out.text.push_back(close);
  return true;
}

bool concat(OperationCall& call, bool with_separator) {
  bool first = true;
  for (std::size_t i = with_separator ? 1 : 0; i < call.args.size(); ++i) {
    if (call.args[i].null) continue;
    if (with_separator && !first && !call.args[0].null) call.out.text.append(call.args[0].text);
    call.out.text.append(call.args[i].text);
    first = false;
  }
  return true;
}

bool character_codes(OperationCall& call, const std::string& name) {
  if (name == "CHAR" || name == "NCHAR") {
    const std::int64_t code = call.args[0].number;
    if (code < 0 || code > (name == "CHAR" ? 255 : 65535)) return call.null();
    call.out.text = name == "CHAR" ? from_code_page(std::string(1, static_cast<char>(code)))
                                   : from_utf16(std::u16string(1, static_cast<char16_t>(code)));
    return true;
  }
  const std::u16string units = to_utf16(call.args[0].text);
  if (units.empty()) return call.null();
  if (name == "UNICODE") {
    call.out.number = units[0];
  } else {
    const std::string bytes = to_code_page(from_utf16(units.substr(0, 1)));
    call.out.number = static_cast<unsigned char>(bytes[0]);
  }
  return true;
}

bool str_function(OperationCall& call) {
  const std::int64_t length = call.args.size() > 1 ? call.args[1].number : 10;
  const std::int64_t digits = call.args.size() > 2 ? std::clamp<std::int64_t>(call.args[2].number, 0, 16) : 0;
  if (length < 0 || length > 8000) return call.null();
  std::array<char, 512> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%.*f", static_cast<int>(digits), call.args[0].real);
  std::string text = buffer.data();
  if (static_cast<std::int64_t>(text.size()) > length) {
    const std::size_t point = text.find('.');
    const std::size_t whole = point == std::string::npos ? text.size() : point;
    if (static_cast<std::int64_t>(whole) > length) {
      text = std::string(static_cast<std::size_t>(length), '*');
    } else {
      text.resize(static_cast<std::size_t>(length));
      if (!text.empty() && text.back() == '.') text.pop_back();
    }
  }
  call.out.text = std::string(static_cast<std::size_t>(
                                  std::max<std::int64_t>(length - static_cast<std::int64_t>(text.size()), 0)),
                              ' ') +
                  text;
  return true;
}

}  // namespace

bool op_text(OperationCall& call) {
  const std::string name = call.op.text.substr(0, call.op.text.find(' '));
  const auto cell = [&](std::size_t i) { return call.args[i].text; };
  if (name == "LEN") {
    call.out.number = is_bytes(call.op.args[0].type) ? static_cast<std::int64_t>(cell(0).size())
                                                     : utf16_length(without_trailing_blanks(cell(0)));
    return true;
  }
  if (name == "DATALENGTH") {
    const Type type = call.op.args[0].type;
    call.out.number = is_wide_text(type) ? 2 * utf16_length(cell(0))
                      : is_text(type)    ? utf16_length(cell(0))
                      : is_bytes(type)   ? static_cast<std::int64_t>(cell(0).size())
                                         : call.op.args[0].length;
    return true;
  }
  if (name == "SUBSTRING") return substring(call);
  if (name == "LEFT" || name == "RIGHT") {
    const std::int64_t count = call.args[1].number;
    if (count < 0)
      return call.fail(name == "LEFT" ? 537 : 536,
                       "Invalid length parameter passed to the " + name + " function.");
    const std::int64_t length = utf16_length(cell(0));
    call.out.text = name == "LEFT" ? slice(cell(0), 0, count)
                                   : slice(cell(0), std::max<std::int64_t>(length - count, 0), count);
    return true;
  }
  if (name == "UPPER" || name == "LOWER") {
    call.out.text = map_case(cell(0), name == "UPPER");
    return true;
  }
  if (name == "LTRIM") return trim(call, true, false);
  if (name == "RTRIM") return trim(call, false, true);
  if (name == "TRIM") return trim(call, true, true);
  if (name == "REPLACE") {
    call.out.text = replace_all(call);
    return true;
  }
  if (name == "REPLICATE") return replicate(call);
  if (name == "SPACE") {
    if (call.args[0].number < 0) return call.null();
    call.out.text.assign(static_cast<std::size_t>(std::min<std::int64_t>(call.args[0].number, 8000)), ' ');
    return true;
  }
  if (name == "REVERSE") {
    std::u16string units = to_utf16(cell(0));
    std::reverse(units.begin(), units.end());
    call.out.text = from_utf16(units);
    return true;
  }
  if (name == "CHARINDEX") {
    const CollationKind kind = kind_of(call.op.text.substr(call.op.text.find(' ') + 1));
    call.out.number = find_units(cell(0), cell(1), call.args.size() > 2 ? call.args[2].number : 1, kind);
    return true;
  }
  if (name == "PATINDEX") {
    const CollationKind kind = kind_of(call.op.text.substr(call.op.text.find(' ') + 1));
    std::vector<PatternItem> items = compile_pattern(comparable(cell(0), kind), 0);
    const std::u16string text = comparable(cell(1), kind);
    const bool floating = !items.empty() && items.front().kind == PatternItem::many;
    if (floating) items.erase(items.begin());
    call.out.number = 0;
    for (std::size_t at = 0; at <= text.size() && call.out.number == 0; ++at) {
      if (like(text.substr(at), items)) call.out.number = static_cast<std::int64_t>(at) + 1;
      if (!floating) break;
    }
    return true;
  }
  if (name == "STUFF") return stuff(call);
  if (name == "QUOTENAME") return quote_name(call);
  if (name == "CONCAT") return concat(call, false);
  if (name == "CONCAT_WS") return concat(call, true);
  if (name == "STR") return str_function(call);
  if (name == "ISNUMERIC") {
    Value number;
    ConversionError ignored;
    const TypeInfo source = call.op.args[0];
    call.out.number =
        !call.args[0].null &&
                (is_numeric(source.type) ||
                 (is_text(source.type) && !without_trailing_blanks(cell(0)).empty() &&
                  (convert(source, call.args[0], make_type(Type::float_), no_style, number, ignored) ||
                   convert(source, call.args[0], make_type(Type::money), no_style, number, ignored))))
            ? 1
            : 0;
    return true;
  }
  if (name == "CHECKSUM") {
    // Not SQL Server's algorithm; equal values give equal numbers, which is all that it promises.
    std::uint32_t hash = 2166136261U;
    for (const Cell& part : call.args) {
      const std::string folded =
          part.null ? std::string("\1") : fold_text(without_trailing_blanks(part.text));
      for (const char byte : folded)
        hash = (hash ^ static_cast<unsigned char>(byte)) * 16777619U;
      hash = (hash << 5U) | (hash >> 27U);
    }
    call.out.number = static_cast<std::int32_t>(hash);
    return true;
  }
  return character_codes(call, name);
}

}  // namespace tailrace::sim::tsql
