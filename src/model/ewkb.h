// The numbers of EWKB, PostGIS's form of spatial values.
//
// Source   PostGIS, EWKB; OGC 06-103r4.
#pragma once

#include <cstdint>

namespace tailrace::ewkb {

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

// As texts have it; throws internal where there is none.
const char* name_of(std::uint32_t type);

}  // namespace tailrace::ewkb
