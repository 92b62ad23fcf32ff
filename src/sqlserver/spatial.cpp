// The figures and shapes of a spatial value, read into tables and written as EWKB.
#include "sqlserver/spatial.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

namespace tailrace::sqlserver {
namespace {
// Names as short as these must not meet those of other files.
namespace spatial {

enum Property : std::uint8_t { has_z = 1, has_m = 2, is_point = 8, is_line = 16 };
enum ShapeType : std::uint8_t {
  point = 1,
  line_string = 2,
  polygon = 3,
  multi_point = 4,
  multi_line_string = 5,
  multi_polygon = 6,
  collection = 7,
  circular_string = 8,
  compound_curve = 9,
  curve_polygon = 10,
  full_globe = 11
};
enum Curve : std::uint8_t { curve_line = 1, curve_arc = 2, curve_compound = 3 };
enum Segment : std::uint8_t { line = 0, arc = 1, first_line = 2, first_arc = 3 };

constexpr std::uint32_t ewkb_z = 0x80000000;
constexpr std::uint32_t ewkb_m = 0x40000000;
constexpr std::uint32_t ewkb_srid = 0x20000000;
constexpr std::uint32_t ewkb_full_globe = 126;
constexpr int deepest = 64;  // Of collections in collections.
constexpr std::size_t none = std::numeric_limits<std::size_t>::max();

struct Figure {
  std::uint8_t attribute = 0;
  std::size_t begin = 0;  // Points.
  std::size_t end = 0;
  std::size_t first_segment = 0;
};
struct Shape {
  std::uint8_t type = 0;
  std::size_t begin = none;  // Figures; none: empty.
  std::size_t end = none;
  std::size_t first_child = none;
  std::size_t next_sibling = none;
};

class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : rest_(bytes) {}
  template <class Number>
  bool take(Number& out) {
    if (rest_.size() < sizeof out) return false;
    std::memcpy(&out, rest_.data(), sizeof out);
    rest_ = rest_.subspan(sizeof out);
    return true;
  }
  // A count of things of so many bytes each; none that the bytes cannot hold.
  bool take_count(std::size_t each, std::size_t& out) {
    std::int32_t number = 0;
    if (!take(number) || number < 0) return false;
    out = static_cast<std::size_t>(number);
    return out <= rest_.size() / each;
  }
  bool take_block(std::size_t size, std::span<const std::byte>& out) {
    if (rest_.size() < size) return false;
    out = rest_.first(size);
    rest_ = rest_.subspan(size);
    return true;
  }
  bool at_end() const { return rest_.empty(); }

 private:
  std::span<const std::byte> rest_;
};

class Value {
 public:
  bool read(std::span<const std::byte> bytes) {
    Reader in(bytes);
    if (!in.take(srid_) || !in.take(version_) || !in.take(properties_)) return false;
    if (version_ != 1 && version_ != 2) return false;
    const bool single = (properties_ & (is_point | is_line)) != 0;
    if (single) {
      const bool one = (properties_ & is_point) != 0;
      if (!read_points(in, one ? 1 : 2)) return false;
      figures_ = {{curve_line, 0, points_, 0}};
      shapes_ = {{one ? point : line_string, 0, 1, none, none}};
      return in.at_end();
    }
    std::size_t points = 0;
    if (!in.take_count(16, points) || !read_points(in, points)) return false;
    if (!read_figures(in) || !read_shapes(in) || !read_segments(in)) return false;
    return in.at_end() && assign_segments();
  }

  bool write(std::string& out, bool geography) const { return write_shape(out, 0, geography, 0); }

 private:
  bool read_points(Reader& in, std::size_t count) {
    points_ = count;
    if (!in.take_block(count * 16, xy_)) return false;
    if ((properties_ & has_z) != 0 && !in.take_block(count * 8, z_)) return false;
    return (properties_ & has_m) == 0 || in.take_block(count * 8, m_);
  }
  bool read_figures(Reader& in) {
    std::size_t count = 0;
    if (!in.take_count(5, count)) return false;
    figures_.resize(count);
    std::size_t last = 0;
    for (std::size_t i = 0; i < count; ++i) {
      std::int32_t offset = 0;
      if (!in.take(figures_[i].attribute) || !in.take(offset) || offset < 0) return false;
      figures_[i].begin = static_cast<std::size_t>(offset);
      if (figures_[i].begin < last || figures_[i].begin > points_) return false;
      last = figures_[i].begin;
      if (i != 0) figures_[i - 1].end = last;
    }
    if (count != 0) figures_.back().end = points_;
    return true;
  }
  bool read_shapes(Reader& in) {
    std::size_t count = 0;
    if (!in.take_count(9, count) || count == 0) return false;
    shapes_.resize(count);
    std::vector<std::size_t> last_child(count, none);
    for (std::size_t i = 0; i < count; ++i) {
      std::int32_t parent = 0;
      std::int32_t figure = 0;
      if (!in.take(parent) || !in.take(figure) || !in.take(shapes_[i].type)) return false;
      if (shapes_[i].type < point || shapes_[i].type > full_globe) return false;
      if (figure >= 0) shapes_[i].begin = static_cast<std::size_t>(figure);
      if (figure >= 0 && shapes_[i].begin >= figures_.size()) return false;
      if (i == 0 ? parent != -1 : (parent < 0 || static_cast<std::size_t>(parent) >= i)) return false;
      if (i == 0) continue;
      const auto owner = static_cast<std::size_t>(parent);
      (last_child[owner] == none ? shapes_[owner].first_child : shapes_[last_child[owner]].next_sibling) = i;
      last_child[owner] = i;
    }
    // A shape's figures end where those of the next shape begin.
    std::size_t end = figures_.size();
    for (std::size_t i = count; i-- > 0;) {
      if (shapes_[i].begin == none) continue;
      shapes_[i].end = end;
      if (shapes_[i].begin > end) return false;
      end = shapes_[i].begin;
    }
    return true;
  }
  bool read_segments(Reader& in) {
    if (version_ != 2 || in.at_end()) return true;
    std::size_t count = 0;
    if (!in.take_count(1, count)) return false;
    segments_.resize(count);
    return std::all_of(segments_.begin(), segments_.end(),
                       [&](std::uint8_t& segment) { return in.take(segment) && segment <= first_arc; });
  }
  // Segments stand in the order of the figures that are compound.
  bool assign_segments() {
    std::size_t at = 0;
    for (Figure& figure : figures_) {
      if (version_ != 2 || figure.attribute != curve_compound) continue;
      figure.first_segment = at;
      std::size_t reached = figure.begin;
      while (reached + 1 < figure.end) {
        if (at == segments_.size()) return false;
        const bool is_arc = segments_[at] == arc || segments_[at] == first_arc;
        const bool is_first = segments_[at] == first_line || segments_[at] == first_arc;
        if (reached == figure.begin && !is_first) return false;
        reached += is_arc ? 2 : 1;
        ++at;
      }
      if (reached + 1 != figure.end) return false;
    }
    return true;
  }

  template <class Number>
  static void put(std::string& out, Number number) {
    out.append(reinterpret_cast<const char*>(&number), sizeof number);
  }
  void put_count(std::string& out, std::size_t count) const { put(out, static_cast<std::uint32_t>(count)); }
  void put_head(std::string& out, std::uint32_t type, bool top) const {
    put(out, std::uint8_t{1});
    if ((properties_ & has_z) != 0) type |= ewkb_z;
    if ((properties_ & has_m) != 0) type |= ewkb_m;
    const bool with_srid = top && srid_ != 0;
    put(out, with_srid ? type | ewkb_srid : type);
    if (with_srid) put(out, srid_);
  }
  static void put_double(std::string& out, std::span<const std::byte> block, std::size_t at) {
    out.append(reinterpret_cast<const char*>(block.data()) + at * 8, 8);
  }
  void put_point(std::string& out, std::size_t at, bool geography) const {
    put_double(out, xy_, 2 * at + (geography ? 1 : 0));  // A geography's bytes have the latitude first.
    put_double(out, xy_, 2 * at + (geography ? 0 : 1));
    if ((properties_ & has_z) != 0) put_double(out, z_, at);
    if ((properties_ & has_m) != 0) put_double(out, m_, at);
  }
  void put_points(std::string& out, std::size_t begin, std::size_t end, bool geography) const {
    put_count(out, end - begin);
    for (std::size_t at = begin; at < end; ++at)
      put_point(out, at, geography);
  }
  void put_no_point(std::string& out) const {
    const int numbers = 2 + ((properties_ & has_z) != 0 ? 1 : 0) + ((properties_ & has_m) != 0 ? 1 : 0);
    for (int i = 0; i < numbers; ++i)
      put(out, std::numeric_limits<double>::quiet_NaN());
  }
  void put_compound(std::string& out, const Figure& figure, bool geography) const {
    const std::size_t count_at = out.size();
    put_count(out, 0);
    std::uint32_t parts = 0;
    std::size_t begin = figure.begin;
    std::size_t segment = figure.first_segment;
    while (begin + 1 < figure.end) {
      const bool is_arc = segments_[segment] == first_arc;
      std::size_t end = begin;
      do {
        end += is_arc ? 2 : 1;
        ++segment;
      } while (end + 1 < figure.end && segments_[segment] == (is_arc ? arc : line));
      put_head(out, is_arc ? circular_string : line_string, false);
      put_points(out, begin, end + 1, geography);
      begin = end;
      ++parts;
    }
    std::memcpy(out.data() + count_at, &parts, sizeof parts);
  }
  // A ring of a curve polygon is a geometry of its own.
  void put_curve(std::string& out, const Figure& figure, bool geography) const {
    if (figure.attribute == curve_compound) {
      put_head(out, compound_curve, false);
      return put_compound(out, figure, geography);
    }
    put_head(out, figure.attribute == curve_arc ? circular_string : line_string, false);
    put_points(out, figure.begin, figure.end, geography);
  }

  bool write_shape(std::string& out, std::size_t index, bool geography, int depth) const {
    const Shape& shape = shapes_[index];
    if (depth > deepest) return false;
    put_head(out, shape.type == full_globe ? ewkb_full_globe : shape.type, depth == 0);
    switch (shape.type) {
      case point: return write_point(out, shape, geography);
      case line_string:
      case circular_string:
      case compound_curve: return write_line(out, shape, geography);
      case polygon:
      case curve_polygon: return write_rings(out, shape, geography);
      case full_globe: return true;
      default: return write_children(out, shape, geography, depth);
    }
  }
  bool write_point(std::string& out, const Shape& shape, bool geography) const {
    if (shape.begin == none) {
      put_no_point(out);
      return true;
    }
    const Figure& figure = figures_[shape.begin];
    if (figure.end != figure.begin + 1) return false;
    put_point(out, figure.begin, geography);
    return true;
  }
  bool write_line(std::string& out, const Shape& shape, bool geography) const {
    if (shape.begin == none) {
      put_count(out, 0);
      return true;
    }
    const Figure& figure = figures_[shape.begin];
    if (shape.type == compound_curve) {
      if (figure.attribute != curve_compound || version_ != 2) return false;
      put_compound(out, figure, geography);
    } else {
      put_points(out, figure.begin, figure.end, geography);
    }
    return true;
  }
  bool write_rings(std::string& out, const Shape& shape, bool geography) const {
    const std::size_t count = shape.begin == none ? 0 : shape.end - shape.begin;
    put_count(out, count);
    for (std::size_t i = 0; i < count; ++i) {
      const Figure& figure = figures_[shape.begin + i];
      if (shape.type == curve_polygon)
        put_curve(out, figure, geography);
      else
        put_points(out, figure.begin, figure.end, geography);
    }
    return true;
  }
  bool write_children(std::string& out, const Shape& shape, bool geography, int depth) const {
    std::size_t count = 0;
    for (std::size_t child = shape.first_child; child != none; child = shapes_[child].next_sibling)
      ++count;
    put_count(out, count);
    for (std::size_t child = shape.first_child; child != none; child = shapes_[child].next_sibling) {
      if (!write_shape(out, child, geography, depth + 1)) return false;
    }
    return true;
  }

  std::int32_t srid_ = 0;
  std::uint8_t version_ = 0;
  std::uint8_t properties_ = 0;
  std::size_t points_ = 0;
  std::span<const std::byte> xy_;
  std::span<const std::byte> z_;
  std::span<const std::byte> m_;
  std::vector<Figure> figures_;
  std::vector<Shape> shapes_;
  std::vector<std::uint8_t> segments_;
};

}  // namespace spatial
}  // namespace

bool append_ewkb(std::string& out, std::span<const std::byte> bytes, bool geography) {
  spatial::Value value;
  return value.read(bytes) && value.write(out, geography);
}

}  // namespace tailrace::sqlserver
