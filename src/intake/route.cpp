// Columns and keys, chosen.
#include "intake/route.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/error.h"

namespace tailrace::intake {
namespace {

using record::SchemaType;

// Where a record lay, as the JDBC sinks name it.
constexpr std::array<std::string_view, 3> coordinates{"__connect_topic", "__connect_partition",
                                                      "__connect_offset"};

bool is_listed(const std::vector<std::string>& list, std::string_view topic, const std::string& field) {
  return std::any_of(list.begin(), list.end(), [&](const std::string& each) {
    if (each == field) return true;
    return each.size() == topic.size() + 1 + field.size() && each.starts_with(topic) &&
           each[topic.size()] == ':' && each.ends_with(field);
  });
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::size_t position_in_key(const record::Schema& key, const std::string& name) {
  const std::optional<std::size_t> at = key.position(name);
  if (at) return *at;
  throw Error(ErrorKind::config, "a record's key has no field " + name + ", which source.pk_fields names")
      .with("field", name);
}

// The columns of a table, and what each is made of, while they are collected.
struct Columns {
  TableSchema proposed;
  std::vector<ColumnPlace> places = {};
  std::vector<const record::Field*> fields = {};

  void add(const record::Field& field, ColumnPlace place, bool is_key) {
    proposed.columns.push_back(propose_column(field.name, *field.schema, is_key));
    places.push_back(place);
    fields.push_back(&field);
  }
};

class RouteMaker {
 public:
  RouteMaker(const Settings& settings, std::string_view topic, const Layout& layout,
             const record::Schema* key)
      : settings_(settings), topic_(topic), layout_(layout), key_(key), names_(key_names()) {}

  Route make(const TableName& table, const UseTable& use_table) {
    columns_.proposed.name = table;
    add_beside_the_row();
    add_row();
    if (columns_.proposed.columns.empty())
      throw Error(ErrorKind::config, "no field of the records is written")
          .with("table", table.str())
          .with("remedy", "correct source.include_fields or source.exclude_fields");
    Route route;
    for (const std::string& name : names_)
      columns_.proposed.key.push_back(column_of_key(name));
    route.table = use_table(columns_.proposed, /*make=*/true);
    TAILRACE_ASSERT(route.table != nullptr &&
                    route.table->columns.size() == columns_.proposed.columns.size());
    for (std::size_t i = 0; i < columns_.places.size(); ++i) {
      const record::Field& field = *columns_.fields[i];
      route.writers.emplace_back(meaning_of(field.name, *field.schema), route.table->columns[i]);
      route.reads_key = route.reads_key || columns_.places[i].from == ColumnPlace::From::key;
    }
    route.places = std::move(columns_.places);
    if (key_ == nullptr) return route;
    for (std::size_t i = 0; i < names_.size(); ++i) {
      const record::Field& field = key_->fields[position_in_key(*key_, names_[i])];
      route.key_fields.push_back(position_in_key(*key_, names_[i]));
      route.key_writers.emplace_back(meaning_of(field.name, *field.schema),
                                     route.table->columns[route.table->key[i]]);
    }
    return route;
  }

 private:
  std::vector<std::string> key_names() const {
    if (settings_.pk_mode == PkMode::none) return {};
    if (!settings_.pk_fields.empty()) return settings_.pk_fields;
    std::vector<std::string> out;
    if (settings_.pk_mode == PkMode::kafka) {
      out.assign(coordinates.begin(), coordinates.end());
    } else if (settings_.pk_mode == PkMode::record_key) {
      for (const record::Field& field : key_->fields)
        out.push_back(field.name);
    } else {
      for (const std::size_t field : layout_.fields)
        out.push_back(layout_.row->fields[field].name);
    }
    return out;
  }

  bool has_row_field(const std::string& name) const {
    return std::any_of(layout_.fields.begin(), layout_.fields.end(),
                       [&](std::size_t field) { return layout_.row->fields[field].name == name; });
  }

  void add_beside_the_row() {
    if (settings_.pk_mode == PkMode::kafka) {
      constexpr std::array<SchemaType, 3> types{SchemaType::string, SchemaType::int32, SchemaType::int64};
      for (std::size_t i = 0; i < types.size(); ++i) {
        if (has_row_field(names_[i]))
          throw Error(ErrorKind::config,
                      "the records' rows have a field of a name that source.pk_fields "
                      "gives to where a record lay")
              .with("field", names_[i]);
        made_.push_back({names_[i], record::schema_of(types[i])});
      }
      for (std::size_t i = 0; i < made_.size(); ++i)
        columns_.add(made_[i], {ColumnPlace::From::coordinates, i}, /*is_key=*/true);
    }
    if (key_ == nullptr) return;
    for (const std::string& name : names_) {
      const std::size_t at = position_in_key(*key_, name);
      if (!has_row_field(name)) columns_.add(key_->fields[at], {ColumnPlace::From::key, at}, true);
    }
  }

  void add_row() {
    for (const std::size_t at : layout_.fields) {
      const record::Field& field = layout_.row->fields[at];
      const bool is_key = contains(names_, field.name);
      const bool is_out = is_listed(settings_.exclude_fields, topic_, field.name);
      if (is_key && is_out)
        throw Error(ErrorKind::config, "source.exclude_fields leaves out a column of the key")
            .with("field", field.name)
            .with("table", columns_.proposed.name.str());
      const bool is_in =
          settings_.include_fields.empty() || is_listed(settings_.include_fields, topic_, field.name);
      if (is_key || (is_in && !is_out)) columns_.add(field, {ColumnPlace::From::row, at}, is_key);
    }
  }

  std::size_t column_of_key(const std::string& name) const {
    const std::optional<std::size_t> column = columns_.proposed.find_column(name);
    if (column) return *column;
    throw Error(ErrorKind::config,
                "the records' rows have no field " + name + ", which source.pk_fields names")
        .with("field", name)
        .with("table", columns_.proposed.name.str());
  }

  const Settings& settings_;
  std::string_view topic_;
  const Layout& layout_;
  const record::Schema* key_;
  std::vector<std::string> names_;   // Of the key's columns.
  std::vector<record::Field> made_;  // Of no record; complete before it is pointed to.
  Columns columns_;
};

}  // namespace

bool may_be_left_out(const Settings& settings, std::string_view topic, const std::string& field) {
  const bool may_be_key = contains(settings.pk_fields, field) ||
                          (settings.pk_mode == PkMode::record_value && settings.pk_fields.empty());
  if (may_be_key) return false;
  if (is_listed(settings.exclude_fields, topic, field)) return true;
  return !settings.include_fields.empty() && !is_listed(settings.include_fields, topic, field);
}

Route make_route(const Settings& settings, std::string_view topic, const TableName& table,
                 const Layout& layout, const record::Schema* key, const UseTable& use_table) {
  return RouteMaker(settings, topic, layout, key).make(table, use_table);
}

std::optional<Route> make_key_route(const Settings& settings, const TableName& table,
                                    const record::Schema& key, const UseTable& use_table) {
  Route route;
  TableSchema proposed;
  proposed.name = table;
  for (std::size_t at = 0; at < key.fields.size(); ++at) {
    const record::Field& field = key.fields[at];
    if (settings.pk_fields.empty() || contains(settings.pk_fields, field.name))
      route.key_fields.push_back(at);
  }
  for (const std::string& name : settings.pk_fields)
    static_cast<void>(position_in_key(key, name));
  for (const std::size_t at : route.key_fields) {
    proposed.key.push_back(proposed.columns.size());
    proposed.columns.push_back(propose_column(key.fields[at].name, *key.fields[at].schema, /*is_key=*/true));
  }
  route.table = use_table(proposed, /*make=*/false);
  if (route.table == nullptr) return std::nullopt;
  for (std::size_t i = 0; i < route.key_fields.size(); ++i) {
    const record::Field& field = key.fields[route.key_fields[i]];
    route.key_writers.emplace_back(meaning_of(field.name, *field.schema), route.table->columns[i]);
  }
  return route;
}

}  // namespace tailrace::intake
