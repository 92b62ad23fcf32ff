// JSON's tree, built from the events of nlohmann's parser: its own tree would round numbers.
#include "record/json_tree.h"

#include <charconv>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace tailrace::record {
namespace {

class JsonBuilder : public nlohmann::json_sax<nlohmann::json> {
 public:
  Json take() { return std::move(root_); }
  const std::string& complaint() const { return complaint_; }

  bool null() override { return put({}); }
  bool boolean(bool value) override { return put({.kind = Json::Kind::boolean, .truth = value}); }
  bool number_integer(number_integer_t value) override { return integer(std::to_string(value)); }
  bool number_unsigned(number_unsigned_t value) override { return integer(std::to_string(value)); }
  bool number_float(number_float_t, const string_t& text) override {
    // Whole numbers of more than 64 bits come here too.
    const bool whole = text.find_first_of(".eE") == std::string::npos;
    return put({.kind = whole ? Json::Kind::integer : Json::Kind::number, .text = text});
  }
  bool string(string_t& text) override { return put({.kind = Json::Kind::string, .text = std::move(text)}); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open({.kind = Json::Kind::object}); }
  bool start_array(std::size_t) override { return open({.kind = Json::Kind::array}); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(string_t& name) override {
    key_ = std::move(name);
    return true;
  }
  bool parse_error(std::size_t at, const std::string&, const nlohmann::detail::exception&) override {
    // Not the parser's own words: they quote what was read, which may be a row's value.
    if (complaint_.empty()) complaint_ = "not JSON at byte " + std::to_string(at);
    return false;
  }

 private:
  bool integer(std::string text) { return put({.kind = Json::Kind::integer, .text = std::move(text)}); }
  bool put(Json node) {
    place(std::move(node));
    return true;
  }
  bool open(Json node) {
    if (open_.size() == max_json_depth) {
      complaint_ = "nested deeper than " + std::to_string(max_json_depth);
      return false;
    }
    open_.push_back(place(std::move(node)));
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }
  // Nodes that are open do not move: only the innermost one grows.
  Json* place(Json node) {
    if (open_.empty()) {
      root_ = std::move(node);
      return &root_;
    }
    Json& parent = *open_.back();
    if (parent.kind == Json::Kind::array) return &parent.items.emplace_back(std::move(node));
    return &parent.members.emplace_back(std::move(key_), std::move(node)).second;
  }

  Json root_;
  std::vector<Json*> open_;
  std::string key_;
  std::string complaint_;
};

}  // namespace

const Json* Json::find(std::string_view name) const {
  for (auto member = members.rbegin(); member != members.rend(); ++member) {
    if (member->first == name) return &member->second;
  }
  return nullptr;
}

const std::string* Json::find_string(std::string_view name) const {
  const Json* const found = find(name);
  return found != nullptr && found->is_string() ? &found->text : nullptr;
}

std::optional<std::int64_t> Json::integer() const {
  std::int64_t value = 0;
  const char* const end = text.data() + text.size();
  if (kind != Kind::integer) return {};
  const auto [at, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || at != end) return {};
  return value;
}

std::optional<double> Json::number() const {
  double value = 0;
  if (!is_number()) return {};
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  // What is too small or too large is zero or infinity; it is no number that was meant.
  if (error != std::errc() || at != end) return {};
  return value;
}

Json parse_json(std::string_view text) {
  JsonBuilder builder;
  if (!nlohmann::json::sax_parse(text, &builder)) {
    throw Error(ErrorKind::protocol, "Bytes that should be JSON are not: " + builder.complaint() + ".");
  }
  return builder.take();
}

}  // namespace tailrace::record
