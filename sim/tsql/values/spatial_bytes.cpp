// SQL Server's own bytes of geometry and geography, read and written.
#include <cstring>

#include "sim/tsql/values/spatial_internal.h"

namespace tailrace::sim::tsql::shapes {
namespace {

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

}  // namespace

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

namespace {

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

}  // namespace

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

}  // namespace tailrace::sim::tsql::shapes
