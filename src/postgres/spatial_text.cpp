// EWKB to EWKT.
#include "postgres/spatial_text.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <cstring>

#include "base/error.h"

namespace tailrace::postgres {
namespace {
// Names as short as these must not meet those of other files.
namespace spatial {

constexpr std::uint32_t with_z = 0x80000000;
constexpr std::uint32_t with_m = 0x40000000;
constexpr std::uint32_t with_srid = 0x20000000;
constexpr std::uint32_t type_bits = 0x1FFFFFFF;
constexpr std::uint32_t full_globe = 126;

enum Type : std::uint32_t {
  point = 1,
  line_string,
  polygon,
  multi_point,
  multi_line_string,
  multi_polygon,
  collection,
  circular_string,
  compound_curve,
  curve_polygon
};

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

class Writer {
 public:
  explicit Writer(std::string_view ewkb) : rest_(ewkb) {}

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

// Walks over the parts of a value.
class Walker {
 public:
  explicit Walker(std::string_view ewkb) : rest_(ewkb) {}

  std::string first_unfit(bool geography) {
    rest_.remove_prefix(1);
    const auto head = take();
    if ((head & with_srid) != 0) rest_.remove_prefix(4);
    const std::uint32_t type = head & type_bits;
    if (type == full_globe || (geography && type >= circular_string)) return name_of(type);
    const std::size_t position = 8 * (2U + ((head & with_z) != 0 ? 1 : 0) + ((head & with_m) != 0 ? 1 : 0));
    if (type == point) {
      rest_.remove_prefix(position);
      return {};
    }
    const auto count = take();
    for (std::uint32_t i = 0; i < count; ++i) {
      if (type == line_string || type == circular_string) {
        rest_.remove_prefix(position);
      } else if (type == polygon) {
        const std::size_t points = take();
        rest_.remove_prefix(position * points);
      } else if (std::string found = first_unfit(geography); !found.empty()) {
        return found;
      }
    }
    return {};
  }

 private:
  std::uint32_t take() {
    TAILRACE_ASSERT(rest_.size() >= 4);
    std::uint32_t number = 0;
    std::memcpy(&number, rest_.data(), sizeof number);
    rest_.remove_prefix(sizeof number);
    return number;
  }
  std::string_view rest_;
};

}  // namespace spatial
}  // namespace

std::string unfit_for_postgis(std::string_view ewkb, bool geography) {
  return spatial::Walker(ewkb).first_unfit(geography);
}

std::string ewkt_of(std::string_view ewkb) {
  return spatial::Writer(ewkb).write();
}

}  // namespace tailrace::postgres
