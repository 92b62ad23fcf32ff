// Conversions: the choice by the kind of the target.
#include "sim/tsql/values/convert.h"

#include "sim/tsql/values/convert_internal.h"
#include "sim/tsql/values/opaque.h"
#include "sim/tsql/values/types.h"

namespace tailrace::sim::tsql {
namespace {

// What the simulator may keep as it is: SQL Server drops declarations and turns CDATA into text.
bool is_storable_xml(std::string_view text) {
  return text.find("<?xml") == std::string_view::npos && text.find("<!") == std::string_view::npos;
}

}  // namespace

bool fail(ConversionError& error, std::int32_t number, std::string text) {
  error.number = number;
  error.text = std::move(text);
  return false;
}

bool convert(const TypeInfo& from, const Cell& in, const TypeInfo& to, int style, Value& out,
             ConversionError& error, ConversionUse use) {
  out.type = to;
  out.null = in.null;
  out.offset_minutes = 0;
  if (in.null) {
    out.text.clear();
    return true;
  }
  if (is_opaque(from) != is_opaque(to)) {
    return is_opaque(to) ? to_opaque(from, in, to, out, error)
                         : from_opaque(from, in, to, style, out, error, use);
  }
  if (to.guise == Guise::xml && from.guise != Guise::xml && !is_storable_xml(in.text))
    return fail(error, 40517, "XML declarations, DOCTYPE and CDATA sections are not simulated.");
  switch (to.type) {
    case Type::bit:
    case Type::tinyint:
    case Type::smallint:
    case Type::int_:
    case Type::bigint: return to_integer(from, in, to, out, error);
    case Type::decimal:
    case Type::smallmoney:
    case Type::money: return to_exact(from, in, to, out, error);
    case Type::real:
    case Type::float_: return to_float(from, in, to, out, error);
    case Type::date:
    case Type::time:
    case Type::smalldatetime:
    case Type::datetime:
    case Type::datetime2:
    case Type::datetimeoffset: return to_moment(from, in, to, style, out, error);
    case Type::char_:
    case Type::varchar:
    case Type::nchar:
    case Type::nvarchar: return to_text(from, in, to, style, out, error, use);
    case Type::binary:
    case Type::varbinary: return to_bytes(from, in, to, style, out, error, use);
    case Type::uniqueidentifier:
      if (is_text(from.type)) {
        if (parse_guid(in.text, out.text)) return true;
        return fail(error, 8169,
                    "Conversion failed when converting from a character string to uniqueidentifier.");
      }
      out.text.assign(in.text.substr(0, 16));
      out.text.resize(16, '\0');
      return true;
  }
  return false;
}

}  // namespace tailrace::sim::tsql
