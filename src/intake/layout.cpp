// Telling envelopes from flat rows.
#include "intake/layout.h"

#include <array>
#include <memory>
#include <string>

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
  return out;
}

// The fields that stand beside a row, without what is in front of their names.
struct Beside {
  std::string_view name;
  std::optional<std::size_t>& (*place)(Layout&);
};
const std::array<Beside, 9> besides{{{"db", [](Layout& of) -> auto& {return of.origin.database;
}  // namespace
}  // namespace tailrace::intake
, {"schema", [](Layout& of) -> auto& {return of.origin.schema;
}
}
, {"table", [](Layout& of) -> auto& {return of.origin.table;
}
}
, {"commit_lsn", [](Layout& of) -> auto& {return of.origin.commit_lsn;
}
}
, {"change_lsn", [](Layout& of) -> auto& {return of.origin.change_lsn;
}
}
, {"ts_ms", [](Layout& of) -> auto& {return of.origin.milliseconds;
}
}
, {"snapshot", [](Layout& of) -> auto& {return of.origin.snapshot;
}
}
, {"op", [](Layout& of) -> auto& {return of.op;
}
}
, {"deleted", [](Layout& of) -> auto& {return of.deleted;
}
}
,
}
}
;

// add.fields: `table` and `source.table` name the same. Nothing: it is a column.
const Beside* beside_of(std::string_view name, bool& of_source) {
  if (!name.starts_with("__")) return nullptr;
  name.remove_prefix(2);
  of_source = name.starts_with("source_");
  if (of_source) name.remove_prefix(std::string_view("source_").size());
  for (const Beside& each : besides) {
    if (each.name == name) return &each;
  }
  return nullptr;
}

Layout flat_of(const Schema& value) {
  Layout out;
  out.row = std::make_shared<const Schema>(value);
  for (std::size_t i = 0; i < value.fields.size(); ++i) {
    bool of_source = false;
    const Beside* const beside = beside_of(value.fields[i].name, of_source);
    if (beside == nullptr) {
      out.fields.push_back(i);
      continue;
    }
    // Of the two times the source's is the commit's.
    std::optional<std::size_t>& place = beside->place(out);
    if (!place || of_source) place = i;
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
  bool of_source = false;
  return beside_of(name, of_source) != nullptr;
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
