// Records, read.
#include "intake/reader.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "record/connect_json.h"
#include "record/wire_format.h"

namespace tailrace::intake {
namespace {

using record::List;
using record::SchemaType;

constexpr std::int64_t ticks_per_millisecond = 10'000;
constexpr std::int64_t unix_epoch = 621'355'968'000'000'000;  // Ticks from 0001-01-01.

// The last parts of prefix.database.schema.table.
std::array<std::string_view, 3> parts_of(std::string_view topic) {
  std::array<std::string_view, 3> out{};
  for (std::size_t i = out.size(); i-- > 0;) {
    const std::size_t dot = topic.rfind('.');
    if (dot == std::string_view::npos) {
      out[i] = topic;
      break;
    }
    out[i] = topic.substr(dot + 1);
    topic = topic.substr(0, dot);
  }
  return out;
}

void substitute(std::string& text, std::string_view name, std::string_view value) {
  const std::size_t at = text.find(name);
  if (at != std::string::npos) text.replace(at, name.size(), value);
}

const List& struct_of(const record::Value& value) {
  const List* const fields = value.as<List>();
  if (fields == nullptr) throw Error(ErrorKind::data, "a record's value is NULL within its frame");
  return *fields;
}

std::vector<std::string> names_of(const record::Schema& schema) {
  std::vector<std::string> out;
  for (const record::Field& field : schema.fields)
    out.push_back(field.name);
  return out;
}

void check_key(const record::SchemaPtr& key) {
  if (key != nullptr && key->type == SchemaType::struct_ && !key->fields.empty()) return;
  throw Error(ErrorKind::config, key == nullptr ? "a record has no key: which row it is of is not known"
                                                : "a record's key is no struct of the row's key columns")
      .with("remedy", "give the table a key where the records are made (message.key.columns)");
}

Lsn lsn_of(std::string_view text) {
  try {
    return Lsn::parse(text);
  } catch (const Error&) {
    throw Error(ErrorKind::data, "a record's LSN is none: " + std::string(text));
  }
}

}  // namespace

Reader::Reader(Settings settings, std::unique_ptr<registry::Schemas> schemas, UseTable use_table)
    : settings_(std::move(settings)), schemas_(std::move(schemas)), use_table_(std::move(use_table)) {
  TAILRACE_ASSERT(settings_.format == Format::json || schemas_ != nullptr);
}

Reader::Topic& Reader::topic_of(std::string_view name) {
  const auto found = topics_.find(name);
  return found != topics_.end() ? found->second : topics_.emplace(name, Topic{}).first->second;
}

Reader::Parsed Reader::parse(Topic& topic, std::string_view bytes, const std::stop_token& stop) {
  if (settings_.format == Format::avro) {
    const record::Framed framed = record::parse_frame(bytes);
    const registry::Schemas::Decoder decoder = schemas_->decoder_of(framed.schema_id, stop);
    return {decoder->schema(), decoder->decode(framed.value)};
  }
  record::SchemaAndValue said = record::parse_json_envelope(bytes);
  if (said.schema == nullptr)
    throw Error(ErrorKind::data, "a record does not say its schema")
        .with("remedy", "have JSON written with schemas (value.converter.schemas.enable), or Avro");
  // Each record brings its own; what is equal is one, so that it is compiled once.
  for (const record::SchemaPtr& known : topic.schemas) {
    if (*known == *said.schema) return {known, std::move(said.value)};
  }
  topic.schemas.push_back(said.schema);
  return {std::move(said.schema), std::move(said.value)};
}

record::SchemaPtr Reader::schema_of_key(Topic& topic, std::string_view bytes, const std::stop_token& stop) {
  if (settings_.format == Format::avro)
    return schemas_->decoder_of(record::parse_frame(bytes).schema_id, stop)->schema();
  return parse(topic, bytes, stop).schema;
}

Reader::Form& Reader::form_of(Topic& topic, const record::SchemaPtr& value, const record::SchemaPtr& key) {
  for (const std::unique_ptr<Form>& form : topic.forms) {
    if (form->value == value && form->key == key) return *form;
  }
  check_key(key);
  topic.forms.push_back(std::make_unique<Form>(Form{value, key, layout_of(*value), {}}));
  return *topic.forms.back();
}

TableName Reader::table_of(std::string_view topic, const Layout::Origin& origin, const List* source) const {
  std::array<std::string_view, 3> parts = parts_of(topic);
  if (source != nullptr) {
    const std::array<std::optional<std::size_t>, 3> places{origin.database, origin.schema, origin.table};
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (const std::string_view said = text_at(*source, places[i]); !said.empty()) parts[i] = said;
    }
  }
  const std::size_t dot = settings_.table_names.find('.');
  TableName out{settings_.table_names.substr(0, dot), settings_.table_names.substr(dot + 1)};
  for (std::string* const text : {&out.schema, &out.name}) {
    substitute(*text, "{database}", parts[0]);
    substitute(*text, "{schema}", parts[1]);
    substitute(*text, "{table}", parts[2]);
    substitute(*text, "{topic}", topic);
  }
  return out;
}

const Route& Reader::route_of(Form& form, const TableName& name) {
  const auto known = form.routes.find(name);
  if (known != form.routes.end()) return known->second;
  const record::Schema& row = *form.layout.row;
  TableSchema proposed;
  proposed.name = name;
  for (const std::size_t field : form.layout.fields) {
    const record::Field& each = row.fields[field];
    proposed.columns.push_back(
        propose_column(each.name, *each.schema, form.key->position(each.name).has_value()));
  }
  Route route;
  for (std::size_t i = 0; i < form.key->fields.size(); ++i) {
    const record::Field& field = form.key->fields[i];
    const std::optional<std::size_t> column = proposed.find_column(field.name);
    if (!column)
      throw Error(ErrorKind::data, "a record's key has a column that its row does not have")
          .with("column", field.name);
    proposed.key.push_back(*column);
    route.key_fields.push_back(i);
  }
  route.table = use_table_(proposed, /*make=*/true);
  TAILRACE_ASSERT(route.table != nullptr && route.table->columns.size() == proposed.columns.size());
  route.fields = form.layout.fields;
  for (std::size_t i = 0; i < route.fields.size(); ++i) {
    const record::Field& field = row.fields[route.fields[i]];
    route.writers.emplace_back(meaning_of(field.name, *field.schema), route.table->columns[i]);
  }
  for (const record::Field& field : form.key->fields)
    route.key_writers.emplace_back(meaning_of(field.name, *field.schema),
                                   route.table->columns[*route.table->find_column(field.name)]);
  return form.routes.emplace(name, std::move(route)).first->second;
}

// The row may be known by other records of the topic; else the key's columns are all that is needed.
const Route* Reader::route_of_tombstone(std::string_view name, Topic& topic, const record::SchemaPtr& key) {
  if (topic.latest != nullptr && topic.latest_key == key) return topic.latest;
  const auto [place, is_new] = topic.of_keys.try_emplace(names_of(*key));
  if (!is_new) return place->second.get();
  TableSchema proposed;
  proposed.name = table_of(name, {}, nullptr);
  for (const record::Field& field : key->fields) {
    proposed.key.push_back(proposed.columns.size());
    proposed.columns.push_back(propose_column(field.name, *field.schema, /*is_key=*/true));
  }
  const tailrace::SchemaPtr table = use_table_(proposed, /*make=*/false);
  if (table == nullptr) {
    log::warn(
        "intake.tombstone.no_table",
        {{"topic", name}, {"table", proposed.name.str()}, {"reason", "there is nothing to delete from"}});
    return nullptr;
  }
  auto route = std::make_unique<Route>();
  route->table = table;
  for (std::size_t i = 0; i < key->fields.size(); ++i) {
    route->key_fields.push_back(i);
    route->key_writers.emplace_back(meaning_of(key->fields[i].name, *key->fields[i].schema),
                                    table->columns[i]);
  }
  place->second = std::move(route);
  return place->second.get();
}

Event Reader::read_tombstone(const Incoming& record, Topic& topic, const std::stop_token& stop) {
  Event event;
  event.is_tombstone = true;
  event.operation = Operation::delete_;
  if (!record.key) check_key(nullptr);
  Parsed key = parse(topic, *record.key, stop);
  check_key(key.schema);
  event.route = route_of_tombstone(record.topic, topic, key.schema);
  event.value = std::move(key.value);
  static_cast<void>(struct_of(event.value));
  event.row_is_key = true;
  return event;
}

void Reader::read_origin(const Layout& layout, const List& fields, Event& event) {
  const List* source = &fields;
  if (layout.is_envelope) {
    if (!layout.source) return;
    source = fields[*layout.source].as<List>();
    if (source == nullptr) return;
  }
  if (const std::string_view lsn = text_at(*source, layout.origin.commit_lsn); !lsn.empty())
    event.commit_lsn = lsn_of(lsn);
  // "NULL" in records of a snapshot.
  const std::string_view change = text_at(*source, layout.origin.change_lsn);
  if (!change.empty() && change != "NULL") event.change_lsn = lsn_of(change);
  const std::string_view snapshot = text_at(*source, layout.origin.snapshot);
  event.is_snapshot = !snapshot.empty() && snapshot != "false";
  if (const std::optional<std::int64_t> at = number_at(*source, layout.origin.milliseconds); at && *at > 0)
    event.commit_time_utc = *at * ticks_per_millisecond + unix_epoch;
}

void Reader::read_operation(const Form& form, const List& fields, const Incoming& record,
                            Event& event) const {
  const Layout& layout = form.layout;
  const std::string_view op = text_at(fields, layout.op);
  const bool is_deleted = text_at(fields, layout.deleted) == "true";
  if (op == "d" || is_deleted) {
    event.operation = Operation::delete_;
  } else if (op == "c") {
    event.operation = Operation::insert;
  } else if (op == "r") {
    event.operation = Operation::read;
    event.is_snapshot = true;
  } else if (op == "u" || (op.empty() && !layout.is_envelope)) {
    event.operation = Operation::update;
  } else {
    throw Error(ErrorKind::data, "a record's operation is not known: '" + std::string(op) + "'");
  }
  event.may_be_partial = event.operation == Operation::update ||
                         (event.operation == Operation::insert && record.has_old_key && record.has_old_key());
}

Event Reader::read(const Incoming& record, const std::stop_token& stop) {
  Topic& topic = topic_of(record.topic);
  if (!record.value) return read_tombstone(record, topic, stop);
  if (!record.key) check_key(nullptr);
  Event event;
  const record::SchemaPtr key_schema = schema_of_key(topic, *record.key, stop);
  Parsed parsed = parse(topic, *record.value, stop);
  Form& form = form_of(topic, parsed.schema, key_schema);
  const Layout& layout = form.layout;
  event.value = std::move(parsed.value);
  const List& fields = struct_of(event.value);
  read_origin(layout, fields, event);
  read_operation(form, fields, record, event);
  const List* const source = !layout.is_envelope ? &fields
                             : layout.source     ? fields[*layout.source].as<List>()
                                                 : nullptr;
  event.route = &route_of(form, table_of(record.topic, layout.origin, source));
  topic.latest = event.route;
  topic.latest_key = key_schema;
  if (!layout.is_envelope) return event;
  event.row_at = event.operation == Operation::delete_ ? layout.before : layout.after;
  if (fields[*event.row_at].as<List>() != nullptr) return event;
  if (event.operation != Operation::delete_)
    throw Error(ErrorKind::data, "a record of a change has no row after it");
  // Nothing is said of the row that went but its key.
  event.value = parse(topic, *record.key, stop).value;
  static_cast<void>(struct_of(event.value));
  event.row_at.reset();
  event.row_is_key = true;
  return event;
}

namespace {

bool is_placeholder(const CellWriter& writer, const record::Value& value, const std::string& placeholder) {
  const Meaning meaning = writer.field().meaning;
  if (meaning != Meaning::text && meaning != Meaning::bytes) return false;
  const std::string* const text = value.as<std::string>();
  return text != nullptr && *text == placeholder;
}

std::string_view words_of(RowFaultCode code) {
  switch (code) {
    case RowFaultCode::zero_in_text: return "holds a zero character, which PostgreSQL's text cannot";
    case RowFaultCode::invalid_text: return "holds bytes that are no UTF-8";
    default: return "holds a value that its type does not hold without loss";
  }
}

}  // namespace

void Reader::put(const Event& event, RowBatch& batch, std::string_view place) const {
  const Route& route = *event.route;
  const List& fields = event.row();
  const RowHeader header{event.operation, 0, event.commit_lsn.value_or(Lsn{}), event.change_lsn, 0};
  const std::size_t row = batch.add_row(header);
  const auto put_cell = [&](const CellWriter& writer, std::size_t column, const record::Value& value) {
    const std::optional<RowFaultCode> fault = writer.put(batch, row, column, value);
    if (!fault) return;
    batch.add_fault({row, column, *fault,
                     "column " + route.table->columns[column].name + " " + std::string(words_of(*fault)) +
                         " (record " + std::string(place) + ")"});
  };
  const auto put_key = [&](std::size_t column, const CellWriter& writer, const record::Value& value) {
    if (value.is_null())
      throw Error(ErrorKind::data, "a column of a record's key is NULL")
          .with("column", route.table->columns[column].name);
    put_cell(writer, column, value);
  };
  if (event.row_is_key) {
    for (std::size_t i = 0; i < route.key_writers.size(); ++i)
      put_key(route.table->key[i], route.key_writers[i], fields[route.key_fields[i]]);
    return;
  }
  if (event.operation == Operation::delete_) {
    for (const std::size_t column : route.table->key)
      put_key(column, route.writers[column], fields[route.fields[column]]);
    return;
  }
  for (std::size_t column = 0; column < route.writers.size(); ++column) {
    const record::Value& value = fields[route.fields[column]];
    const CellWriter& writer = route.writers[column];
    if (value.is_null()) {
      if (route.table->is_key(column)) put_key(column, writer, value);
      continue;
    }
    if (event.may_be_partial && is_placeholder(writer, value, settings_.unavailable_value)) {
      // Which row could lend it is known to nobody here: it may be in another partition, or gone.
      if (event.operation != Operation::update)
        throw Error(ErrorKind::data,
                    "a row has got another key, and its record leaves out what did not change")
            .with("column", route.table->columns[column].name);
      batch.set_absent(row, column);
      continue;
    }
    put_cell(writer, column, value);
  }
}

}  // namespace tailrace::intake
