// The table of types, one line for each.
#include "sim/catalog/type_facts.h"

#include <fmt/format.h>

#include <array>
#include <charconv>

#include "base/error.h"

namespace tailrace::sim {
namespace {

struct Facts {
  Type type;
  std::string_view name;
  std::int32_t id;
  std::int32_t length;  // 0: depends on the declaration.
  std::int32_t precision;
  std::int32_t scale;
};

constexpr std::array<Facts, 23> all_facts{{
    {Type::bit, "bit", 104, 1, 1, 0},
    {Type::tinyint, "tinyint", 48, 1, 3, 0},
    {Type::smallint, "smallint", 52, 2, 5, 0},
    {Type::int_, "int", 56, 4, 10, 0},
    {Type::bigint, "bigint", 127, 8, 19, 0},
    {Type::decimal, "decimal", 106, 0, 0, 0},
    {Type::smallmoney, "smallmoney", 122, 4, 10, 4},
    {Type::money, "money", 60, 8, 19, 4},
    {Type::real, "real", 59, 4, 24, 0},
    {Type::float_, "float", 62, 8, 53, 0},
    {Type::date, "date", 40, 3, 10, 0},
    {Type::time, "time", 41, 0, 0, 0},
    {Type::smalldatetime, "smalldatetime", 58, 4, 16, 0},
    {Type::datetime, "datetime", 61, 8, 23, 3},
    {Type::datetime2, "datetime2", 42, 0, 0, 0},
    {Type::datetimeoffset, "datetimeoffset", 43, 0, 0, 0},
    {Type::char_, "char", 175, 0, 0, 0},
    {Type::varchar, "varchar", 167, 0, 0, 0},
    {Type::nchar, "nchar", 239, 0, 0, 0},
    {Type::nvarchar, "nvarchar", 231, 0, 0, 0},
    {Type::binary, "binary", 173, 0, 0, 0},
    {Type::varbinary, "varbinary", 165, 0, 0, 0},
    {Type::uniqueidentifier, "uniqueidentifier", 36, 16, 0, 0},
}};

struct GuiseFacts {
  Guise guise;
  std::string_view name;
  std::int32_t id;
  std::int32_t user_id;
  std::int32_t length;  // As sys.columns shows it.
  TypeInfo type;        // What is stored.
};

constexpr std::array<GuiseFacts, 9> guise_facts{{
    {Guise::text, "text", 35, 35, 16, {.type = Type::varchar, .length = -1}},
    {Guise::ntext, "ntext", 99, 99, 16, {.type = Type::nvarchar, .length = -1}},
    {Guise::image, "image", 34, 34, 16, {.type = Type::varbinary, .length = -1}},
    {Guise::xml, "xml", 241, 241, -1, {.type = Type::nvarchar, .length = -1}},
    {Guise::rowversion, "timestamp", 189, 189, 8, {.type = Type::binary, .length = 8}},
    {Guise::sql_variant, "sql_variant", 98, 98, 8016, {.type = Type::varbinary, .length = 8016}},
    {Guise::hierarchyid, "hierarchyid", 240, 128, 892, {.type = Type::varbinary, .length = 892}},
    {Guise::geometry, "geometry", 240, 129, -1, {.type = Type::varbinary, .length = -1}},
    {Guise::geography, "geography", 240, 130, -1, {.type = Type::varbinary, .length = -1}},
}};

const GuiseFacts& facts_of(Guise guise) {
  for (const GuiseFacts& facts : guise_facts) {
    if (facts.guise == guise) return facts;
  }
  throw Error(ErrorKind::internal, "a guise without facts");
}

const Facts& facts_of(Type type) {
  for (const Facts& facts : all_facts) {
    if (facts.type == type) return facts;
  }
  throw Error(ErrorKind::internal, "a type without facts");
}

// Bytes of the fraction of a time: none to two digits 3, up to four 4, up to seven 5.
std::int32_t time_bytes(std::uint8_t scale) {
  return scale <= 2 ? 3 : scale <= 4 ? 4 : 5;
}
std::int32_t fraction_width(std::uint8_t scale) {
  return scale == 0 ? 0 : scale + 1;
}

std::int32_t decimal_bytes(std::uint8_t precision) {
  return precision <= 9 ? 5 : precision <= 19 ? 9 : precision <= 28 ? 13 : 17;
}

}  // namespace

std::string_view type_name(const TypeInfo& type) {
  if (type.guise != Guise::none) return facts_of(type.guise).name;
  if (type.type == Type::decimal && type.numeric) return "numeric";
  return facts_of(type.type).name;
}

std::string type_declaration(const TypeInfo& type) {
  const std::string name(type_name(type));
  if (type.guise != Guise::none) return name;
  switch (type.type) {
    case Type::decimal: return fmt::format("{}({},{})", name, type.precision, type.scale);
    case Type::time:
    case Type::datetime2:
    case Type::datetimeoffset: return fmt::format("{}({})", name, type.scale);
    case Type::char_:
    case Type::varchar:
    case Type::binary:
    case Type::varbinary:
    case Type::nchar:
    case Type::nvarchar:
      if (type.length < 0) return name + "(max)";
      return fmt::format("{}({})", name, is_unicode(type) ? type.length / 2 : type.length);
    default: return name;
  }
}

std::int32_t user_type_id(const TypeInfo& type) {
  return type.guise == Guise::none ? system_type_id(type) : facts_of(type.guise).user_id;
}

std::int32_t system_type_id(const TypeInfo& type) {
  if (type.guise != Guise::none) return facts_of(type.guise).id;
  if (type.type == Type::decimal && type.numeric) return 108;
  return facts_of(type.type).id;
}

std::int32_t shown_length(const TypeInfo& type) {
  if (type.guise != Guise::none) return facts_of(type.guise).length;
  switch (type.type) {
    case Type::decimal: return decimal_bytes(type.precision);
    case Type::time: return time_bytes(type.scale);
    case Type::datetime2: return time_bytes(type.scale) + 3;
    case Type::datetimeoffset: return time_bytes(type.scale) + 5;
    default: {
      const Facts& facts = facts_of(type.type);
      return facts.length != 0 ? facts.length : type.length;
    }
  }
}

std::int32_t shown_precision(const TypeInfo& type) {
  switch (type.type) {
    case Type::decimal: return type.precision;
    case Type::time: return 8 + fraction_width(type.scale);
    case Type::datetime2: return 19 + fraction_width(type.scale);
    case Type::datetimeoffset: return 26 + fraction_width(type.scale);
    default: return facts_of(type.type).precision;
  }
}

std::int32_t shown_scale(const TypeInfo& type) {
  switch (type.type) {
    case Type::decimal:
    case Type::time:
    case Type::datetime2:
    case Type::datetimeoffset: return type.scale;
    default: return facts_of(type.type).scale;
  }
}

bool is_text(const TypeInfo& type) {
  return type.guise != Guise::xml &&
         (type.type == Type::char_ || type.type == Type::varchar || is_unicode(type));
}

bool is_unicode(const TypeInfo& type) {
  return type.type == Type::nchar || type.type == Type::nvarchar;
}

bool is_max(const TypeInfo& type) {
  return type.length < 0 &&
         (type.type == Type::varchar || type.type == Type::nvarchar || type.type == Type::varbinary);
}

bool is_integer(const TypeInfo& type) {
  return type.type == Type::tinyint || type.type == Type::smallint || type.type == Type::int_ ||
         type.type == Type::bigint;
}

std::optional<TypeInfo> parse_type(std::string_view declaration) {
  const std::size_t open = declaration.find('(');
  const std::string_view name = declaration.substr(0, open);
  if (name == "sysname") return TypeInfo{.type = Type::nvarchar, .length = 256};
  for (const GuiseFacts& facts : guise_facts) {
    if (facts.name != name) continue;
    TypeInfo type = facts.type;
    type.guise = facts.guise;
    return type;
  }
  int arguments[2] = {-2, 0};
  if (open != std::string_view::npos) {
    std::string_view rest = declaration.substr(open + 1);
    if (rest.starts_with("max")) {
      arguments[0] = -1;
    } else {
      const auto first = std::from_chars(rest.data(), rest.data() + rest.size(), arguments[0]);
      if (*first.ptr == ',') std::from_chars(first.ptr + 1, rest.data() + rest.size(), arguments[1]);
    }
  }
  for (const Facts& facts : all_facts) {
    if (facts.name != name && !(facts.type == Type::decimal && name == "numeric")) continue;
    TypeInfo type{.type = facts.type, .length = facts.length};
    switch (facts.type) {
      case Type::decimal:
        type.numeric = name == "numeric";
        type.precision = static_cast<std::uint8_t>(arguments[0]);
        type.scale = static_cast<std::uint8_t>(arguments[1]);
        break;
      case Type::time:
      case Type::datetime2:
      case Type::datetimeoffset:
        type.scale = static_cast<std::uint8_t>(arguments[0] == -2 ? 7 : arguments[0]);
        break;
      default:
        if (facts.length == 0) {
          type.length = arguments[0] == -2 ? 1 : arguments[0];
          if (is_unicode(type) && type.length > 0) type.length *= 2;
        }
        break;
    }
    if (type.length == 0) type.length = shown_length(type);
    return type;
  }
  return {};
}

}  // namespace tailrace::sim
