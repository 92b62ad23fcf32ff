// sql_variant: a value together with its type, and the conversions of all opaque types.
#include "sim/storage/variant.h"
#include "sim/storage/codec.h"
#include "sim/tsql/values/convert_internal.h"
#include "sim/tsql/values/opaque.h"
#include "sim/tsql/values/spatial.h"
#include "sim/tsql/values/types.h"

namespace tailrace::sim::tsql {
namespace {

bool is_spatial(Guise guise) {
  return guise == Guise::geometry || guise == Guise::geography;
}

bool text_to_opaque(std::string_view text, const TypeInfo& to, Value& out, ConversionError& error) {
  if (to.guise == Guise::hierarchyid) {
    if (parse_hierarchy(text, out.text)) return true;
    return fail(error, 6522,
                "A .NET Framework error occurred during execution of user-defined routine or aggregate "
                "\"hierarchyid\": the input string '" +
                    std::string(text) + "' is not a valid string representation of a SqlHierarchyId node.");
  }
  std::string problem;
  const std::int32_t srid = to.guise == Guise::geography ? 4326 : 0;
  if (spatial_from_text(text, srid, to.guise == Guise::geography, out.text, problem)) return true;
  return fail(error, 6522,
              "A .NET Framework error occurred during execution of user-defined routine or aggregate \"" +
                  std::string(type_name(to)) + "\": " + problem);
}

}  // namespace

bool to_opaque(const TypeInfo& from, const Cell& in, const TypeInfo& to, Value& out, ConversionError& error) {
  if (to.guise == Guise::sql_variant) {
    Value value = value_of(from, in);
    value.offset_minutes = in.offset_minutes;
    out.text = variant_bytes(value);
    return true;
  }
  if (is_text(from.type)) return text_to_opaque(in.text, to, out, error);
  out.text.assign(in.text);
  return true;
}

bool from_opaque(const TypeInfo& from, const Cell& in, const TypeInfo& to, int style, Value& out,
                 ConversionError& error, ConversionUse use) {
  if (from.guise == Guise::sql_variant) {
    const Value value = variant_value(in.text);
    if (!conversion_allowed(value.type, to, /*implicit=*/false)) {
      return fail(error, 529,
                  "Explicit conversion from data type " + std::string(type_name(value.type)) + " to " +
                      std::string(type_name(to)) + " is not allowed.");
    }
    return convert(value.type, cell_of(value), to, style, out, error, use);
  }
  if (!is_text(to.type)) return to_bytes(text_type(Type::varbinary, -1), in, to, style, out, error, use);
  Value shown;
  shown.null = false;
  shown.type = nvarchar_type(-1);
  const bool good = is_spatial(from.guise)
                        ? spatial_to_text(in.text, from.guise == Guise::geography, shown.text)
                        : format_hierarchy(in.text, shown.text);
  if (!good) return fail(error, 6522, "The bytes are no value of " + std::string(type_name(from)) + ".");
  return to_text(shown.type, cell_of(shown), to, no_style, out, error, use);
}

}  // namespace tailrace::sim::tsql
