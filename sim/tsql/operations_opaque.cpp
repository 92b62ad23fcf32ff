// Functions of sql_variant and of spatial types.
#include "sim/storage/collation.h"
#include "sim/storage/variant.h"
#include "sim/tsql/opaque.h"
#include "sim/tsql/operations.h"
#include "sim/tsql/spatial.h"
#include "sim/tsql/types.h"

namespace tailrace::sim::tsql {

bool op_variant_property(OperationCall& call) {
  const Value value = variant_value(call.args[0].text);
  if (!same_name(call.args[1].text, "BaseType"))
    return call.fail(40517, "SQL_VARIANT_PROPERTY: only BaseType is simulated.");
  call.out.text = type_name(value.type);
  return true;
}

bool op_spatial(OperationCall& call) {
  std::string problem;
  const bool geography = call.op.result.guise == Guise::geography;
  const auto srid = static_cast<std::int32_t>(call.args[1].number);
  if (spatial_from_text(call.args[0].text, srid, geography, call.out.text, problem)) return true;
  return call.fail(
      6522, "A .NET Framework error occurred during execution of user-defined routine or aggregate \"" +
                std::string(type_name(call.op.result)) + "\": " + problem);
}

}  // namespace tailrace::sim::tsql
