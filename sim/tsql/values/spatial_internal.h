// Geometry and geography between their text and their bytes: figures and shapes as SQL Server's bytes have them.
//
// Source   [MS-SSCLRT] 2.1 (Geography and Geometry structures).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace tailrace::sim::tsql::shapes {

enum Property : std::uint8_t { has_z = 1, has_m = 2, is_valid = 4, is_point = 8, is_line = 16 };
enum Shape : std::uint8_t {
  point = 1,
  line_string,
  polygon,
  multi_point,
  multi_line_string,
  multi_polygon,
  collection,
  circular_string,
  compound_curve,
  curve_polygon,
  full_globe
};
// Of a figure; version 1 knows rings and strokes, version 2 kinds of curves.
enum Attribute : std::uint8_t { interior_ring = 0, stroke = 1, exterior_ring = 2 };
enum CurveAttribute : std::uint8_t { curve_point = 0, curve_line = 1, curve_arc = 2, curve_compound = 3 };
enum Segment : std::uint8_t { line = 0, arc = 1, first_line = 2, first_arc = 3 };

inline constexpr std::string_view names[] = {"",
                                             "POINT",
                                             "LINESTRING",
                                             "POLYGON",
                                             "MULTIPOINT",
                                             "MULTILINESTRING",
                                             "MULTIPOLYGON",
                                             "GEOMETRYCOLLECTION",
                                             "CIRCULARSTRING",
                                             "COMPOUNDCURVE",
                                             "CURVEPOLYGON",
                                             "FULLGLOBE"};

struct Figure {
  std::uint8_t attribute;
  std::int32_t point;
};
struct ShapeRow {
  std::int32_t parent;
  std::int32_t figure;
  std::uint8_t type;
};
struct Position {
  double x = 0, y = 0;
  double z = std::numeric_limits<double>::quiet_NaN();
  double m = std::numeric_limits<double>::quiet_NaN();
};

struct Model {
  std::int32_t srid = 0;
  bool curved = false;  // Version 2.
  std::vector<Position> points;
  std::vector<Figure> figures;
  std::vector<ShapeRow> shapes;
  std::vector<std::uint8_t> segments;

  bool any(double Position::*member) const {
    return std::any_of(points.begin(), points.end(),
                       [&](const Position& at) { return !std::isnan(at.*member); });
  }
};

bool read_text(std::string_view text, Model& model);  // False: not well-known text.
void write_text(const Model& model, std::string& out);
bool read_bytes(std::string_view bytes, bool geography, Model& model);  // False: not such bytes.
std::string bytes_of(const Model& model, bool geography);

}  // namespace tailrace::sim::tsql::shapes
