// EWKB to EWKT.
#include "model/spatial_text.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <cstring>

#include "base/error.h"
#include "model/ewkb.h"

namespace tailrace {
namespace ewkb {

const char* name_of(std::uint32_t type) {
  switch (type) {
    case point: return "POINT";
    case line_string: return "LINESTRING";
    case polygon: return "POLYGON";
    case multi_point: return "MULTIPOINT";
    case multi_line_string: return "MULTILINESTRING";
    case multi_polygon: return "MULTIPOLYGON";
    case collection: return "GEOMETRYCOLLECTION";
    case circular_string: return "CIRCULARSTRING";
    case compound_curve: return "COMPOUNDCURVE";
    case curve_polygon: return "CURVEPOLYGON";
    case full_globe: return "FULLGLOBE";
    default: break;
  }
  throw Error(ErrorKind::internal, fmt::format("spatial type {} is not known", type));
}

namespace {

class EwktWriter {
 public:
  explicit EwktWriter(std::string_view bytes) : rest_(bytes) {}

  std::string write() {
    write_geometry(Naming::full);
    TAILRACE_ASSERT(rest_.empty());
    return std::move(out_);
  }

 private:
  // The parts of a MULTI... have no name of their own; lines within a curve need none.
  enum class Naming { full, none, curves_only };

  template <class Number>
  Number take() {
    TAILRACE_ASSERT(rest_.size() >= sizeof(Number));
    Number number;
    std::memcpy(&number, rest_.data(), sizeof number);
    rest_.remove_prefix(sizeof number);
    return number;
  }

  void write_geometry(Naming naming) {
    TAILRACE_ASSERT(take<std::uint8_t>() == 1);
    const auto head = take<std::uint32_t>();
    if ((head & with_srid) != 0) out_ += fmt::format("SRID={};", take<std::int32_t>());
    const std::uint32_t type = head & type_bits;
    numbers_ = 2 + ((head & with_z) != 0 ? 1 : 0) + ((head & with_m) != 0 ? 1 : 0);
    const bool named = naming == Naming::full || (naming == Naming::curves_only && type != line_string);
    if (named) {
      out_ += name_of(type);
      if (type == full_globe) return;
      const bool z = (head & with_z) != 0;
      const bool m = (head & with_m) != 0;
      out_ += z && m ? " ZM " : z ? " Z " : m ? " M " : " ";
    }
    write_body(type);
  }

  void write_body(std::uint32_t type) {
    if (type == point) return write_point();
    const auto count = take<std::uint32_t>();
    if (count == 0) {
      out_ += "EMPTY";
      return;
    }
    const Naming parts = type == collection                                ? Naming::full
                         : type == compound_curve || type == curve_polygon ? Naming::curves_only
                                                                           : Naming::none;
    out_ += '(';
    for (std::uint32_t i = 0; i < count; ++i) {
      if (i != 0) out_ += ", ";
      if (type == line_string || type == circular_string)
        write_position();
      else if (type == polygon)
        write_body(line_string);
      else
        write_geometry(parts);
    }
    out_ += ')';
  }

  void write_point() {
    double x = 0;
    std::memcpy(&x, rest_.data(), sizeof x);
    if (std::isnan(x)) {
      for (int i = 0; i < numbers_; ++i)
        take<double>();
      out_ += "EMPTY";
      return;
    }
    out_ += '(';
    write_position();
    out_ += ')';
  }

  void write_position() {
    for (int i = 0; i < numbers_; ++i) {
      const auto number = take<double>();
      out_ += i == 0 ? "" : " ";
      out_ += std::isnan(number) ? std::string("NaN") : fmt::format("{}", number);
    }
  }

  std::string_view rest_;
  std::string out_;
  int numbers_ = 2;
};

}  // namespace
}  // namespace ewkb

std::string ewkt_of(std::string_view bytes) {
  return ewkb::EwktWriter(bytes).write();
}

}  // namespace tailrace
