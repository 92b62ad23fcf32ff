// Well-known text of geometry and geography, read and written.
#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>

#include "sim/tsql/values/spatial_internal.h"

namespace tailrace::sim::tsql::shapes {
namespace {

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

class TextWriter {
 public:
  TextWriter(const Model& model, std::string& out) : model_(model), out_(out) {}
  void write() { write_shape(0, /*named=*/true); }

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

}  // namespace

bool read_text(std::string_view text, Model& model) {
  return TextReader(text, model).read();
}

void write_text(const Model& model, std::string& out) {
  TextWriter(model, out).write();
}

}  // namespace tailrace::sim::tsql::shapes
