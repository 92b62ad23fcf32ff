// Avro documents, read.
#include "record/avro_type.h"

#include <algorithm>
#include <map>
#include <unordered_set>

#include "base/error.h"
#include "record/avro_schema.h"

namespace tailrace::record {
namespace {

[[noreturn]] void refuse_avro(const std::string& why) {
  throw Error(ErrorKind::protocol, "Not an Avro schema: " + why + ".");
}

std::optional<AvroKind> primitive_named(std::string_view name) {
  constexpr AvroKind primitives[] = {AvroKind::null,   AvroKind::boolean, AvroKind::int_,  AvroKind::long_,
                                     AvroKind::float_, AvroKind::double_, AvroKind::bytes, AvroKind::string};
  for (const AvroKind kind : primitives) {
    if (name_of(kind) == name) return kind;
  }
  return {};
}

const Json& avro_member(const Json& object, std::string_view name) {
  const Json* const found = object.find(name);
  if (found == nullptr) refuse_avro("\"" + std::string(name) + "\" is missing");
  return *found;
}

const std::string& text_member(const Json& object, std::string_view name) {
  const Json& found = avro_member(object, name);
  if (!found.is_string()) refuse_avro("\"" + std::string(name) + "\" is no string");
  return found.text;
}

const std::vector<Json>& list_member(const Json& object, std::string_view name) {
  const Json& found = avro_member(object, name);
  if (!found.is_array()) refuse_avro("\"" + std::string(name) + "\" is no list");
  return found.items;
}

std::string text_or_nothing(const Json& object, std::string_view name) {
  const std::string* const found = object.find_string(name);
  return found != nullptr ? *found : std::string();
}

class AvroParser {
 public:
  AvroTypePtr type(const Json& json, const std::string& space, std::size_t depth) {
    // Records, unions and arrays of Connect's depth have at most three of Avro's levels each.
    if (depth > 3 * max_schema_depth) too_large("nests too deep");
    if (json.is_string()) return named(json.text, space);
    if (json.is_array()) return union_of(json.items, space, depth);
    if (!json.is_object()) refuse_avro("a type is a name, a list or an object");
    const Json& kind = avro_member(json, "type");
    if (!kind.is_string()) return with_properties(type(kind, space, depth + 1), json);
    return declared(kind.text, json, space, depth);
  }

 private:
  [[noreturn]] static void too_large(std::string_view why) {
    throw Error(ErrorKind::data, "The Avro schema " + std::string(why) + ".");
  }

  static AvroTypePtr finish(AvroType type) {
    for (const AvroTypePtr& branch : type.branches)
      type.nodes += branch->nodes;
    for (const AvroField& field : type.fields)
      type.nodes += field.type->nodes;
    if (type.nodes > max_avro_nodes) too_large("is too large");
    return std::make_shared<const AvroType>(std::move(type));
  }

  // {"type": {"type": "string"}, ...}: what stands outside belongs to the type inside.
  static AvroTypePtr with_properties(const AvroTypePtr& inner, const Json& outer) {
    AvroType type = *inner;
    type.properties.kind = Json::Kind::object;
    for (const auto& [name, value] : outer.members) {
      if (name != "type") type.properties.members.emplace_back(name, value);
    }
    return std::make_shared<const AvroType>(std::move(type));
  }

  static AvroType with_kind(AvroKind kind, const Json& json) {
    AvroType type;
    type.kind = kind;
    type.properties.kind = Json::Kind::object;
    for (const auto& [name, value] : json.members) {
      if (name != "type" && name != "fields" && name != "items" && name != "values" && name != "symbols") {
        type.properties.members.emplace_back(name, value);
      }
    }
    return type;
  }

  AvroTypePtr named(const std::string& name, const std::string& space) {
    if (const auto kind = primitive_named(name)) return finish({.kind = *kind});
    const bool is_full = name.find('.') != std::string::npos || space.empty();
    auto found = names_.find(is_full ? name : space + "." + name);
    if (found == names_.end()) found = names_.find(name);
    if (found == names_.end()) refuse_avro("the type " + name + " is not declared before it is used");
    if (!found->second) too_large("has the record " + name + " inside itself");
    return found->second;
  }

  AvroTypePtr union_of(const std::vector<Json>& branches, const std::string& space, std::size_t depth) {
    AvroType type{.kind = AvroKind::union_};
    std::unordered_set<std::string> kinds;
    for (const Json& branch : branches) {
      type.branches.push_back(this->type(branch, space, depth + 1));
      const AvroType& one = *type.branches.back();
      if (one.kind == AvroKind::union_) refuse_avro("a union directly in a union");
      if (!kinds.insert(one.name.empty() ? std::string(name_of(one.kind)) : one.name).second) {
        refuse_avro("a union that has " + (one.name.empty() ? std::string(name_of(one.kind)) : one.name) +
                    " twice");
      }
    }
    if (type.branches.empty()) refuse_avro("a union of nothing");
    return finish(std::move(type));
  }

  AvroTypePtr declared(const std::string& kind, const Json& json, const std::string& space,
                       std::size_t depth) {
    if (const auto primitive = primitive_named(kind)) return finish(with_kind(*primitive, json));
    if (kind == "record" || kind == "error") return record(json, space, depth);
    if (kind == "enum") return enumeration(json, space);
    if (kind == "fixed") return fixed(json, space);
    if (kind == "array" || kind == "map") {
      AvroType type = with_kind(kind == "array" ? AvroKind::array : AvroKind::map, json);
      type.branches = {this->type(avro_member(json, kind == "array" ? "items" : "values"), space, depth + 1)};
      return finish(std::move(type));
    }
    return with_properties(named(kind, space), json);
  }

  // Its name in full, and the namespace for what is inside it.
  std::string full_name(const Json& json, const std::string& outer, std::string& space) {
    const std::string& name = text_member(json, "name");
    if (name.empty()) refuse_avro("an empty name");
    const std::size_t dot = name.rfind('.');
    if (dot != std::string::npos) {
      space = name.substr(0, dot);
      return name;
    }
    const Json* const given = json.find("namespace");
    space = given != nullptr && given->is_string() ? given->text : outer;
    return space.empty() ? name : space + "." + name;
  }

  void declare(const std::string& name, AvroTypePtr type) {
    const auto [at, is_new] = names_.try_emplace(name, std::move(type));
    if (!is_new) refuse_avro("the name " + name + " is declared twice");
  }

  AvroTypePtr record(const Json& json, const std::string& outer, std::size_t depth) {
    AvroType type = with_kind(AvroKind::record, json);
    std::string space;
    const std::string name = full_name(json, outer, space);
    type.name = name;
    type.doc = text_or_nothing(json, "doc");
    declare(name, nullptr);
    std::unordered_set<std::string_view> known;
    for (const Json& field : list_member(json, "fields")) {
      if (!field.is_object()) refuse_avro("a field that is no object");
      AvroField one{.name = text_member(field, "name"), .doc = text_or_nothing(field, "doc")};
      one.type = this->type(avro_member(field, "type"), space, depth + 1);
      if (const Json* fallback = field.find("default")) one.fallback = *fallback;
      if (!known.insert(text_member(field, "name")).second)
        refuse_avro("the field " + one.name + " comes twice");
      type.fields.push_back(std::move(one));
    }
    return names_[name] = finish(std::move(type));
  }

  AvroTypePtr enumeration(const Json& json, const std::string& outer) {
    AvroType type = with_kind(AvroKind::enum_, json);
    std::string space;
    type.name = full_name(json, outer, space);
    type.doc = text_or_nothing(json, "doc");
    type.enum_fallback = text_or_nothing(json, "default");
    for (const Json& symbol : list_member(json, "symbols")) {
      if (!symbol.is_string()) refuse_avro("a symbol that is no string");
      type.symbols.push_back(symbol.text);
    }
    AvroTypePtr finished = finish(std::move(type));
    declare(finished->name, finished);
    return finished;
  }

  AvroTypePtr fixed(const Json& json, const std::string& outer) {
    AvroType type = with_kind(AvroKind::fixed, json);
    std::string space;
    type.name = full_name(json, outer, space);
    const auto size = avro_member(json, "size").integer();
    if (!size || *size < 0 || *size > INT32_MAX) refuse_avro("the size of a fixed is no number of bytes");
    type.size = static_cast<std::size_t>(*size);
    AvroTypePtr finished = finish(std::move(type));
    declare(finished->name, finished);
    return finished;
  }

  std::map<std::string, AvroTypePtr> names_;  // Without a type: being declared.
};

}  // namespace

std::string_view name_of(AvroKind kind) {
  switch (kind) {
    case AvroKind::null: return "null";
    case AvroKind::boolean: return "boolean";
    case AvroKind::int_: return "int";
    case AvroKind::long_: return "long";
    case AvroKind::float_: return "float";
    case AvroKind::double_: return "double";
    case AvroKind::bytes: return "bytes";
    case AvroKind::string: return "string";
    case AvroKind::record: return "record";
    case AvroKind::enum_: return "enum";
    case AvroKind::fixed: return "fixed";
    case AvroKind::array: return "array";
    case AvroKind::map: return "map";
    case AvroKind::union_: return "union";
  }
  return "union";
}

std::string_view AvroType::simple_name() const {
  const std::size_t dot = name.rfind('.');
  return std::string_view(name).substr(dot == std::string::npos ? 0 : dot + 1);
}

const AvroTypePtr* AvroType::optional_branch() const {
  if (kind != AvroKind::union_ || branches.size() != 2) return nullptr;
  if (branches[0]->kind == AvroKind::null)
    return branches[1]->kind == AvroKind::null ? nullptr : &branches[1];
  return branches[1]->kind == AvroKind::null ? &branches[0] : nullptr;
}

bool AvroType::is_map_entries() const {
  if (kind != AvroKind::array || branches[0]->kind != AvroKind::record) return false;
  const AvroType& entry = *branches[0];
  const std::string* const mark = entry.properties.find_string("connect.internal.type");
  const bool is_marked = mark != nullptr && *mark == avro_map_entry_name;
  return (is_marked || entry.name == std::string(avro_namespace) + "." + std::string(avro_map_entry_name)) &&
         entry.fields.size() == 2 && entry.fields[0].name == "key" && entry.fields[1].name == "value";
}

AvroTypePtr parse_avro(std::string_view document) {
  return AvroParser().type(parse_json(document), "", 1);
}

}  // namespace tailrace::record
