// Telling envelopes from flat rows.
#include "intake/layout.h"

#include <array>
#include <memory>
#include <string>
#include <utility>

#include "base/error.h"

namespace tailrace::intake {
namespace {

using record::Schema;
using record::SchemaType;

const Schema& field_schema(const Schema& of, std::size_t at) {
  return *of.fields[at].schema;
}

bool is_struct(const Schema& of, std::optional<std::size_t> at) {
  return at && field_schema(of, *at).type == SchemaType::struct_;
}

// Half of most records are the row before, and what the source says of itself.
record::Wanted wanted_of(const Schema& value, const Layout& layout) {
  record::Wanted out;
  out.fields.assign(value.fields.size(), false);
  out.fields[layout.after] = true;
  out.fields[*layout.op] = true;
  if (!layout.source) return out;
  out.fields[*layout.source] = true;
  out.inside.resize(*layout.source + 1);
  std::vector<bool>& fields = out.inside.back().fields;
  fields.assign(field_schema(value, *layout.source).fields.size(), false);
  for (const auto& place :
       {layout.origin.database, layout.origin.schema, layout.origin.table, layout.origin.commit_lsn,
        layout.origin.change_lsn, layout.origin.milliseconds, layout.origin.snapshot}) {
    if (place) fields[*place] = true;
  }
  return out;
}

Layout envelope_of(const Schema& value) {
  Layout out;
  out.is_envelope = true;
  out.before = *value.position("before");
  out.after = *value.position("after");
  out.op = value.position("op");
  out.source = value.position("source");
  out.row = value.fields[out.after].schema;
  for (std::size_t i = 0; i < out.row->fields.size(); ++i)
    out.fields.push_back(i);
  if (!is_struct(value, out.source)) {
    out.source.reset();
    out.wanted = wanted_of(value, out);
    return out;
  }
  const Schema& source = field_schema(value, *out.source);
  out.origin = {.database = source.position("db"),
                .schema = source.position("schema"),
                .table = source.position("table"),
                .commit_lsn = source.position("commit_lsn"),
                .change_lsn = source.position("change_lsn"),
                .milliseconds = source.position("ts_ms"),
                .snapshot = source.position("snapshot")};
  out.wanted = wanted_of(value, out);
  return out;
}

// The place of a field that stands beside a row, by its name without what is in front. Nothing: it is a column.
std::optional<std::size_t>* place_of(std::string_view name, Layout& of) {
  const std::array<std::pair<std::string_view, std::optional<std::size_t>*>, 9> known{{
      {"db", &of.origin.database},
      {"schema", &of.origin.schema},
      {"table", &of.origin.table},
      {"commit_lsn", &of.origin.commit_lsn},
      {"change_lsn", &of.origin.change_lsn},
      {"ts_ms", &of.origin.milliseconds},
      {"snapshot", &of.origin.snapshot},
      {"op", &of.op},
      {"deleted", &of.deleted},
  }};
  for (const auto& [each, place] : known) {
    if (each == name) return place;
  }
  return nullptr;
}

// add.fields: `table` and `source.table` name the same.
std::optional<std::size_t>* beside_of(std::string_view name, Layout& of, bool& of_source) {
  if (!name.starts_with("__")) return nullptr;
  name.remove_prefix(2);
  of_source = name.starts_with("source_");
  if (of_source) name.remove_prefix(std::string_view("source_").size());
  return place_of(name, of);
}

Layout flat_of(const Schema& value) {
  Layout out;
  out.row = std::make_shared<const Schema>(value);
  for (std::size_t i = 0; i < value.fields.size(); ++i) {
    bool of_source = false;
    std::optional<std::size_t>* const place = beside_of(value.fields[i].name, out, of_source);
    if (place == nullptr) {
      out.fields.push_back(i);
      continue;
    }
    // Of the two times the source's is the commit's.
    if (!*place || of_source) *place = i;
  }
  return out;
}

}  // namespace

Layout layout_of(const Schema& value) {
  if (value.type != SchemaType::struct_)
    throw Error(ErrorKind::data,
                "a record's value is no struct but of type " + std::string(record::name_of(value.type)));
  const bool is_envelope = is_struct(value, value.position("before")) &&
                           is_struct(value, value.position("after")) && value.position("op");
  return is_envelope ? envelope_of(value) : flat_of(value);
}

bool is_beside_a_row(std::string_view name) {
  Layout layout;
  bool of_source = false;
  return beside_of(name, layout, of_source) != nullptr;
}

std::string_view text_at(const record::List& fields, std::optional<std::size_t> at) {
  if (!at) return {};
  const std::string* const text = fields[*at].as<std::string>();
  return text == nullptr ? std::string_view() : *text;
}

std::optional<std::int64_t> number_at(const record::List& fields, std::optional<std::size_t> at) {
  if (!at) return std::nullopt;
  const std::int64_t* const number = fields[*at].as<std::int64_t>();
  return number == nullptr ? std::nullopt : std::optional(*number);
}

}  // namespace tailrace::intake
