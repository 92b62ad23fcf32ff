// Well-known text of geometry and geography into SQL Server's bytes, and back.
#include "sim/tsql/values/spatial.h"

#include "sim/tsql/values/spatial_internal.h"

namespace tailrace::sim::tsql {

bool spatial_from_text(std::string_view text, std::int32_t srid, bool geography, std::string& bytes,
                       std::string& problem) {
  using namespace shapes;
  Model model;
  model.srid = srid;
  if (!read_text(text, model)) {
    problem = "System.FormatException: 24114: The label " + std::string(text) +
              " in the input well-known text (WKT) is not valid.";
    return false;
  }
  if (!model.curved) {
    for (Figure& figure : model.figures) {
      if (figure.attribute > exterior_ring) figure.attribute = stroke;
    }
  }
  bytes = bytes_of(model, geography);
  return true;
}

bool spatial_to_text(std::string_view bytes, bool geography, std::string& text) {
  using namespace shapes;
  Model model;
  if (!read_bytes(bytes, geography, model)) return false;
  text.clear();
  write_text(model, text);
  return true;
}

}  // namespace tailrace::sim::tsql
