// Well-known text of geometry and geography into SQL Server's bytes, and back.
// Long: two directions over one small model of figures and shapes.
#include "sim/tsql/spatial.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <vector>

namespace tailrace::sim::tsql {
namespace {
// Names as short as these must not meet those of other files.
namespace shapes {

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

constexpr std::string_view names[] = {"",
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

class TextReader {
 public:
  TextReader(std::string_view text, Model& model) : rest_(text), model_(model) {}

  bool read() {
    if (accept_word("SRID")) {
      double srid = 0;
      if (!accept('=') || !number(srid) || !accept(';')) return false;
      model_.srid = static_cast<std::int32_t>(srid);
    }
    if (!shape(-1)) return false;
    skip();
    if (!rest_.empty()) return false;
    if (model_.curved) {
      for (Figure& figure : model_.figures) {  // Rings are lines like others there.
        if (figure.attribute == exterior_ring || figure.attribute == interior_ring)
          figure.attribute = curve_line;
        else if (figure.attribute >= curves_from)
          figure.attribute = static_cast<std::uint8_t>(figure.attribute - curves_from);
      }
    }
    return true;
  }

 private:
  static constexpr std::uint8_t curves_from = 16;  // Marks version 2's attributes until the version is known.

  void skip() {
    while (!rest_.empty() && std::isspace(static_cast<unsigned char>(rest_.front())) != 0)
      rest_.remove_prefix(1);
  }
  bool accept(char c) {
    skip();
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool accept_word(std::string_view word) {
    skip();
    if (rest_.size() < word.size()) return false;
    for (std::size_t i = 0; i < word.size(); ++i) {
      if (std::toupper(static_cast<unsigned char>(rest_[i])) != word[i]) return false;
    }
    if (rest_.size() > word.size() && std::isalpha(static_cast<unsigned char>(rest_[word.size()])) != 0)
      return false;
    rest_.remove_prefix(word.size());
    return true;
  }
  bool number(double& out) {
    skip();
    if (!rest_.empty() && rest_.front() == '+') rest_.remove_prefix(1);
    const auto [end, code] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), out);
    if (code != std::errc()) return false;
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return true;
  }
  bool optional_number(double& out) {
    skip();
    if (rest_.empty() || rest_.front() == ',' || rest_.front() == ')') return true;
    return accept_word("NULL") || number(out);
  }
  bool position() {
    Position at;
    if (!number(at.x) || !number(at.y) || !optional_number(at.z) || !optional_number(at.m)) return false;
    model_.points.push_back(at);
    return true;
  }
  bool positions() {  // ( p, p, ... )
    if (!accept('(')) return false;
    do {
      if (!position()) return false;
    } while (accept(','));
    return accept(')');
  }
  void figure(std::uint8_t attribute) {
    model_.figures.push_back({attribute, static_cast<std::int32_t>(model_.points.size())});
  }
  bool figure_of(std::uint8_t attribute) {
    figure(attribute);
    return positions();
  }

  bool shape(std::int32_t parent) {
    for (std::uint8_t type = point; type <= full_globe; ++type) {
      if (accept_word(names[type])) return shape_of(static_cast<Shape>(type), parent);
    }
    return false;
  }
  bool shape_of(Shape type, std::int32_t parent) {
    const auto own = static_cast<std::int32_t>(model_.shapes.size());
    model_.shapes.push_back({parent, -1, type});
    if (type >= circular_string) model_.curved = true;
    if (type == full_globe || accept_word("EMPTY")) return true;
    const auto figures_before = static_cast<std::int32_t>(model_.figures.size());
    if (!body(type, own)) return false;
    if (static_cast<std::int32_t>(model_.figures.size()) > figures_before)
      model_.shapes[static_cast<std::size_t>(own)].figure = figures_before;
    return true;
  }
  bool body(Shape type, std::int32_t own) {
    switch (type) {
      case point: figure(curves_from + curve_point); return accept('(') && position() && accept(')');
      case line_string: return figure_of(stroke);
      case circular_string: return figure_of(curves_from + curve_arc);
      case compound_curve: return compound();
      case polygon:
      case curve_polygon: return rings(type);
      case multi_point: return children(own, [&] { return multi_point_part(own); });
      case multi_line_string: return children(own, [&] { return shape_of(line_string, own); });
      case multi_polygon: return children(own, [&] { return shape_of(polygon, own); });
      default: return children(own, [&] { return shape(own); });
    }
  }
  template <class Part>
  bool children(std::int32_t, const Part& part) {
    if (!accept('(')) return false;
    do {
      if (!part()) return false;
    } while (accept(','));
    return accept(')');
  }
  bool multi_point_part(std::int32_t own) {  // (1 2) or 1 2
    skip();
    if (!rest_.empty() &&
        (rest_.front() == '(' || std::isalpha(static_cast<unsigned char>(rest_.front())) != 0))
      return shape_of(point, own);
    model_.shapes.push_back({own, static_cast<std::int32_t>(model_.figures.size()), point});
    figure(curves_from + curve_point);
    return position();
  }
  bool rings(Shape type) {
    if (!accept('(')) return false;
    bool first = true;
    do {
      if (type == curve_polygon && accept_word("CIRCULARSTRING")) {
        if (!figure_of(curves_from + curve_arc)) return false;
      } else if (type == curve_polygon && accept_word("COMPOUNDCURVE")) {
        if (!compound()) return false;
      } else if (!figure_of(first ? exterior_ring : interior_ring)) {
        return false;
      }
      first = false;
    } while (accept(','));
    return accept(')');
  }
  // Parts share their ends; which part a point belongs to is told by segments.
  bool compound() {
    figure(curves_from + curve_compound);
    const std::size_t begin = model_.points.size();
    if (!accept('(')) return false;
    do {
      const bool is_arc = accept_word("CIRCULARSTRING");
      const std::size_t before = model_.points.size();
      if (!positions()) return false;
      if (before != begin) model_.points.erase(model_.points.begin() + static_cast<std::ptrdiff_t>(before));
      const std::size_t added = model_.points.size() - before - (before == begin ? 1 : 0);
      const std::size_t count = is_arc ? added / 2 : added;
      for (std::size_t i = 0; i < count; ++i) {
        model_.segments.push_back(is_arc ? (i == 0 ? first_arc : arc) : (i == 0 ? first_line : line));
      }
    } while (accept(','));
    return accept(')');
  }

  std::string_view rest_;
  Model& model_;
};

template <class Number>
void put(std::string& out, Number number) {
  out.append(reinterpret_cast<const char*>(&number), sizeof number);
}

void put_points(const Model& model, bool geography, std::uint8_t properties, std::string& out) {
  for (const Position& at : model.points) {
    put(out, geography ? at.y : at.x);  // A geography's bytes have the latitude first.
    put(out, geography ? at.x : at.y);
  }
  for (const Position& at : model.points) {
    if ((properties & has_z) != 0) put(out, at.z);
  }
  for (const Position& at : model.points) {
    if ((properties & has_m) != 0) put(out, at.m);
  }
}

std::string bytes_of(const Model& model, bool geography) {
  std::uint8_t properties = is_valid;
  if (model.any(&Position::z)) properties |= has_z;
  if (model.any(&Position::m)) properties |= has_m;
  const bool single = model.shapes.size() == 1 && !model.curved;
  if (single && model.shapes[0].type == point && model.points.size() == 1) properties |= is_point;
  if (single && model.shapes[0].type == line_string && model.points.size() == 2) properties |= is_line;
  std::string out;
  put(out, model.srid);
  put(out, static_cast<std::uint8_t>(model.curved ? 2 : 1));
  put(out, properties);
  if ((properties & (is_point | is_line)) != 0) {
    put_points(model, geography, properties, out);
    return out;
  }
  put(out, static_cast<std::int32_t>(model.points.size()));
  put_points(model, geography, properties, out);
  put(out, static_cast<std::int32_t>(model.figures.size()));
  for (const Figure& figure : model.figures) {
    put(out, figure.attribute);
    put(out, figure.point);
  }
  put(out, static_cast<std::int32_t>(model.shapes.size()));
  for (const ShapeRow& shape : model.shapes) {
    put(out, shape.parent);
    put(out, shape.figure);
    put(out, shape.type);
  }
  if (!model.segments.empty()) {
    put(out, static_cast<std::int32_t>(model.segments.size()));
    for (const std::uint8_t segment : model.segments)
      put(out, segment);
  }
  return out;
}

class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}
  template <class Number>
  bool take(Number& out) {
    if (rest_.size() < sizeof out) return false;
    std::memcpy(&out, rest_.data(), sizeof out);
    rest_.remove_prefix(sizeof out);
    return true;
  }
  bool count(std::size_t each, std::size_t& out) {
    std::int32_t number = 0;
    if (!take(number) || number < 0 || static_cast<std::size_t>(number) * each > rest_.size()) return false;
    out = static_cast<std::size_t>(number);
    return true;
  }
  bool at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

bool read_points(ByteReader& in, bool geography, std::uint8_t properties, std::size_t count, Model& model) {
  model.points.resize(count);
  for (Position& at : model.points) {
    if (!in.take(at.x) || !in.take(at.y)) return false;
    if (geography) std::swap(at.x, at.y);
  }
  for (Position& at : model.points) {
    if ((properties & has_z) != 0 && !in.take(at.z)) return false;
  }
  for (Position& at : model.points) {
    if ((properties & has_m) != 0 && !in.take(at.m)) return false;
  }
  return true;
}

bool read_bytes(std::string_view bytes, bool geography, Model& model) {
  ByteReader in(bytes);
  std::uint8_t version = 0;
  std::uint8_t properties = 0;
  if (!in.take(model.srid) || !in.take(version) || !in.take(properties)) return false;
  model.curved = version == 2;
  const auto simple = static_cast<std::uint8_t>(properties & (is_point | is_line));
  if (simple != 0) {
    model.figures = {{stroke, 0}};
    model.shapes = {{-1, 0, simple == is_point ? point : line_string}};
    return read_points(in, geography, properties, simple == is_point ? 1 : 2, model) && in.at_end();
  }
  std::size_t count = 0;
  if (!in.count(16, count) || !read_points(in, geography, properties, count, model)) return false;
  if (!in.count(5, count)) return false;
  model.figures.resize(count);
  for (Figure& figure : model.figures) {
    if (!in.take(figure.attribute) || !in.take(figure.point)) return false;
  }
  if (!in.count(9, count)) return false;
  model.shapes.resize(count);
  for (ShapeRow& shape : model.shapes) {
    if (!in.take(shape.parent) || !in.take(shape.figure) || !in.take(shape.type)) return false;
  }
  if (model.curved && !in.at_end()) {
    if (!in.count(1, count)) return false;
    model.segments.resize(count);
    for (std::uint8_t& segment : model.segments) {
      if (!in.take(segment)) return false;
    }
  }
  return in.at_end() && !model.shapes.empty();
}

class TextWriter {
 public:
  TextWriter(const Model& model, std::string& out) : model_(model), out_(out) {}
  bool write() {
    write_shape(0, /*named=*/true);
    return true;
  }

 private:
  std::size_t figure_end(std::size_t shape) const {
    for (std::size_t next = shape + 1; next < model_.shapes.size(); ++next) {
      if (model_.shapes[next].figure >= 0) return static_cast<std::size_t>(model_.shapes[next].figure);
    }
    return model_.figures.size();
  }
  void write_number(double value) {
    char buffer[32];
    const auto [end, code] = std::to_chars(buffer, buffer + sizeof buffer, value);
    (void)code;
    out_.append(buffer, end);
  }
  void write_position(const Position& at) {
    write_number(at.x);
    out_ += ' ';
    write_number(at.y);
    if (std::isnan(at.z) && std::isnan(at.m)) return;
    out_ += ' ';
    if (std::isnan(at.z))
      out_ += "NULL";
    else
      write_number(at.z);
    if (std::isnan(at.m)) return;
    out_ += ' ';
    write_number(at.m);
  }
  void write_points(std::size_t begin, std::size_t end) {
    out_ += '(';
    for (std::size_t i = begin; i < end; ++i) {
      if (i != begin) out_ += ", ";
      write_position(model_.points[i]);
    }
    out_ += ')';
  }
  std::size_t point_begin(std::size_t figure) const {
    return static_cast<std::size_t>(model_.figures[figure].point);
  }
  std::size_t point_end(std::size_t figure) const {
    return figure + 1 < model_.figures.size() ? point_begin(figure + 1) : model_.points.size();
  }
  void write_compound(std::size_t figure) {
    out_ += "COMPOUNDCURVE (";
    std::size_t at = point_begin(figure);
    const std::size_t end = point_end(figure);
    bool first = true;
    while (at + 1 < end && segment_ < model_.segments.size()) {
      const bool is_arc = model_.segments[segment_] == first_arc;
      std::size_t last = at;
      do {
        last += is_arc ? 2 : 1;
        ++segment_;
      } while (segment_ < model_.segments.size() && model_.segments[segment_] == (is_arc ? arc : line));
      if (!first) out_ += ", ";
      first = false;
      if (is_arc) out_ += "CIRCULARSTRING ";
      write_points(at, std::min(last + 1, end));
      at = last;
    }
    out_ += ')';
  }
  void write_figure(const ShapeRow& shape, std::size_t figure) {
    const std::uint8_t attribute = model_.figures[figure].attribute;
    if (shape.type == curve_polygon && attribute == curve_compound) return write_compound(figure);
    if (shape.type == curve_polygon && attribute == curve_arc) out_ += "CIRCULARSTRING ";
    write_points(point_begin(figure), point_end(figure));
  }
  void write_shape(std::size_t index, bool named) {
    const ShapeRow& shape = model_.shapes[index];
    if (shape.type == compound_curve && shape.figure >= 0)
      return write_compound(static_cast<std::size_t>(shape.figure));
    if (named) out_ += std::string(names[shape.type]) + (shape.type == full_globe ? "" : " ");
    if (shape.type == full_globe) return;
    const bool has_parts = shape.type >= multi_point && shape.type <= collection;
    if (shape.figure < 0 && !(has_parts && has_child(index))) {
      out_ += "EMPTY";
      return;
    }
    if (has_parts) return write_children(index, shape.type == collection);
    const auto begin = static_cast<std::size_t>(shape.figure);
    const bool rings = shape.type == polygon || shape.type == curve_polygon;
    const std::size_t end = rings ? figure_end(index) : begin + 1;
    if (rings) out_ += '(';
    for (std::size_t figure = begin; figure < end; ++figure) {
      if (figure != begin) out_ += ", ";
      write_figure(shape, figure);
    }
    if (rings) out_ += ')';
  }
  bool has_child(std::size_t index) const {
    return std::any_of(model_.shapes.begin(), model_.shapes.end(), [&](const ShapeRow& shape) {
      return shape.parent == static_cast<std::int32_t>(index);
    });
  }
  void write_children(std::size_t index, bool named) {
    out_ += '(';
    bool first = true;
    for (std::size_t child = index + 1; child < model_.shapes.size(); ++child) {
      if (model_.shapes[child].parent != static_cast<std::int32_t>(index)) continue;
      if (!first) out_ += ", ";
      first = false;
      write_shape(child, named);
    }
    out_ += ')';
  }

  const Model& model_;
  std::string& out_;
  std::size_t segment_ = 0;
};

}  // namespace shapes
}  // namespace

bool spatial_from_text(std::string_view text, std::int32_t srid, bool geography, std::string& bytes,
                       std::string& problem) {
  using namespace shapes;
  Model model;
  model.srid = srid;
  TextReader reader(text, model);
  if (!reader.read()) {
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
  return TextWriter(model, text).write();
}

}  // namespace tailrace::sim::tsql
