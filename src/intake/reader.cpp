// Records, read.
#include "intake/reader.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "intake/table_names.h"
#include "record/connect_json.h"
#include "record/wire_format.h"

namespace tailrace::intake {
namespace {

using record::List;
using record::SchemaType;
using record::Value;

constexpr std::int64_t ticks_per_millisecond = 10'000;
constexpr std::int64_t unix_epoch = 621'355'968'000'000'000;  // Ticks from 0001-01-01.

// Whatever is wrong with a record's bytes; what a registry answers instead of a schema is not.
template <class Work>
auto at_stage(const char* stage, ErrorKind also, Work work) {
  try {
    return work();
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::data && error.kind() != also) throw;
    throw Error(error).with("stage", stage);
  }
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
      .with("remedy",
            "give the table a key where the records are made (message.key.columns); name the column of a key "
            "that is "
            "one value alone (source.pk_fields); or take the row's key from elsewhere (source.pk_mode)")
      .with("stage", "TASK_PUT");
}

Lsn lsn_of(std::string_view text) {
  try {
    return Lsn::parse(text);
  } catch (const Error&) {
    throw Error(ErrorKind::data, "a record's LSN is none: " + std::string(text));
  }
}

}  // namespace

void Event::forget() {
  constexpr std::size_t most_kept_bytes = std::size_t{64} * 1024;
  if (bytes > most_kept_bytes) *this = {};
  static_cast<EventFacts&>(*this) = {};
}

Reader::Reader(Settings settings, std::unique_ptr<registry::Schemas> schemas, UseTable use_table)
    : settings_(std::move(settings)),
      schemas_(std::move(schemas)),
      use_table_(std::move(use_table)),
      schemaless_(settings_, use_table_) {
  TAILRACE_ASSERT(settings_.format == Format::json || schemas_ != nullptr);
  TAILRACE_ASSERT(settings_.pk_mode == PkMode::record_key || settings_.deletes == Deletes::ignore);
}

Reader::Topic& Reader::topic_of(std::string_view name) {
  if (latest_topic_ == nullptr || latest_topic_->first != name) {
    auto found = topics_.find(name);
    if (found == topics_.end()) found = topics_.emplace(name, Topic{}).first;
    latest_topic_ = &*found;
  }
  return latest_topic_->second;
}

const char* Reader::stage_of(Part part) {
  return part == Part::key ? "KEY_CONVERTER" : "VALUE_CONVERTER";
}

record::Framed Reader::framed(std::string_view bytes, Part part) {
  return at_stage(stage_of(part), ErrorKind::protocol, [&] { return record::parse_frame(bytes); });
}

const record::AvroDecoder& Reader::decoder_of(Topic& topic, const record::Framed& framed, Part part,
                                              const std::stop_token& stop) {
  Latest& latest = part == Part::key ? topic.latest_keys : topic.latest_values;
  if (latest.decoder == nullptr || latest.id != framed.schema_id) {
    latest.decoder = at_stage(stage_of(part), ErrorKind::data,
                              [&] { return schemas_->decoder_of(framed.schema_id, stop); });
    latest.id = framed.schema_id;
  }
  return *latest.decoder;
}

// Of a change that has a row behind it the row before is not read: a delete is read again.
void Reader::decode(const Topic& topic, const record::AvroDecoder& decoder, std::string_view bytes,
                    Value& into) {
  for (const std::unique_ptr<Form>& form : topic.forms) {
    if (form->value != decoder.schema() || !form->layout.is_envelope) continue;
    decoder.decode(bytes, &form->layout.wanted, into);
    const List* const fields = into.as<List>();
    if (fields == nullptr || !(*fields)[form->layout.after].is_null()) return;
    break;
  }
  decoder.decode(bytes, nullptr, into);
}

record::SchemaPtr Reader::parse(Topic& topic, const Incoming& record, Part part, const std::stop_token& stop,
                                Value& into) {
  const std::string_view bytes = part == Part::key ? *record.key : *record.value;
  if (settings_.format == Format::avro) {
    const record::Framed frame = framed(bytes, part);
    const record::AvroDecoder& decoder = decoder_of(topic, frame, part, stop);
    at_stage(stage_of(part), ErrorKind::protocol, [&] { decode(topic, decoder, frame.value, into); });
    return decoder.schema();
  }
  record::SchemaAndValue said =
      at_stage(stage_of(part), ErrorKind::protocol, [&] { return parse_json(topic, record, bytes, part); });
  into = std::move(said.value);
  // Each record brings its own; what is equal is one, so that it is compiled once.
  for (const record::SchemaPtr& known : topic.schemas) {
    if (*known == *said.schema) return known;
  }
  topic.schemas.push_back(said.schema);
  return said.schema;
}

// Where no schema is said the table's columns are one.
record::SchemaAndValue Reader::parse_json(Topic& topic, const Incoming& record, std::string_view bytes,
                                          Part part) {
  const record::Json json = record::parse_json(bytes);
  const record::Json* const schema = json.find("schema");
  const record::Json* const payload = json.find("payload");
  const bool is_envelope = json.members.size() == 2 && schema != nullptr && payload != nullptr;
  if (record::SchemaPtr said = is_envelope ? record::parse_json_schema(*schema) : nullptr) {
    record::Value value = record::value_of_json(*said, *payload);
    return {std::move(said), std::move(value)};
  }
  const record::Json& plain = is_envelope ? *payload : json;
  if (part == Part::key) {
    if (!record.value) topic.table = table_of(settings_.table_names, record.topic, {}, nullptr);
    return schemaless_.key(topic.table, plain);
  }
  Schemaless::Said value = schemaless_.value(record.topic, plain);
  topic.table = std::move(value.table);
  return {std::move(value.schema), std::move(value.value)};
}

record::SchemaPtr Reader::schema_of_key(Topic& topic, const Incoming& record, const std::stop_token& stop) {
  if (settings_.format == Format::avro)
    return named(topic, decoder_of(topic, framed(*record.key, Part::key), Part::key, stop).schema());
  Value unused;
  return named(topic, parse(topic, record, Part::key, stop, unused));
}

// A key that is one value alone has the name that the settings give it.
record::SchemaPtr Reader::named(Topic& topic, const record::SchemaPtr& key) const {
  const bool is_one_value =
      key->type != SchemaType::struct_ && key->type != SchemaType::array && key->type != SchemaType::map;
  if (!is_one_value || settings_.pk_fields.size() != 1) return key;
  record::SchemaPtr& out = topic.named_keys[key];
  if (out == nullptr) out = record::struct_of("", {{settings_.pk_fields.front(), key}});
  return out;
}

record::SchemaPtr Reader::parse_key(Topic& topic, const Incoming& record, const std::stop_token& stop,
                                    Value& into) {
  const record::SchemaPtr said = parse(topic, record, Part::key, stop, into);
  record::SchemaPtr schema = named(topic, said);
  check_key(schema);
  if (schema != said) {
    into = Value::list({std::move(into)});
  } else {
    static_cast<void>(struct_of(into));
  }
  return schema;
}

Reader::Form& Reader::form_of(Topic& topic, const record::SchemaPtr& value, const record::SchemaPtr& key) {
  for (const std::unique_ptr<Form>& form : topic.forms) {
    if (form->value == value && form->key == key) return *form;
  }
  if (settings_.pk_mode == PkMode::record_key) check_key(key);
  topic.forms.push_back(std::make_unique<Form>(Form{value, key, layout_of(*value), {}}));
  return *topic.forms.back();
}

// Most records of a form are of the table that the last one was of.
const Route& Reader::route_of(Form& form, std::string_view topic, const Layout::Origin& origin,
                              const List* source) {
  const auto said = [&](std::optional<std::size_t> place) {
    return source == nullptr ? std::string_view() : text_at(*source, place);
  };
  const std::array<std::string_view, 3> parts{said(origin.database), said(origin.schema), said(origin.table)};
  if (form.latest != nullptr && std::equal(parts.begin(), parts.end(), form.latest_parts.begin()))
    return *form.latest;
  const TableName name = table_of(settings_.table_names, topic, origin, source);
  auto known = form.routes.find(name);
  if (known == form.routes.end()) {
    Route route = make_route(settings_, topic, name, form.layout, form.key.get(), use_table_);
    known = form.routes.emplace(name, std::move(route)).first;
  }
  form.latest = &known->second;
  std::copy(parts.begin(), parts.end(), form.latest_parts.begin());
  return known->second;
}

// The row may be known by other records of the topic; else the key's columns are all that is needed.
const Route* Reader::route_of_tombstone(std::string_view name, Topic& topic, const record::SchemaPtr& key) {
  if (topic.latest != nullptr && topic.latest_key == key) return topic.latest;
  const auto [place, is_new] = topic.of_keys.try_emplace(names_of(*key));
  if (!is_new) return place->second.get();
  const TableName table = table_of(settings_.table_names, name, {}, nullptr);
  std::optional<Route> route = make_key_route(settings_, table, *key, use_table_);
  if (!route) {
    log::warn("intake.tombstone.no_table",
              {{"topic", name}, {"table", table.str()}, {"reason", "there is nothing to delete from"}});
    return nullptr;
  }
  place->second = std::make_unique<Route>(std::move(*route));
  return place->second.get();
}

bool Reader::passes_over(Topic& topic, std::string_view name, const Event& event) const {
  if (event.operation != Operation::delete_ || settings_.deletes == Deletes::apply) return false;
  if (!std::exchange(topic.told_of_deletes, true))
    log::warn("intake.deletes.passed_over", {{"topic", name}, {"reason", "source.deletes: ignore"}});
  return true;
}

void Reader::read_tombstone(const Incoming& record, Topic& topic, const std::stop_token& stop, Event& event) {
  event.is_tombstone = true;
  event.operation = Operation::delete_;
  const bool is_passed = !record.asks_for_row && passes_over(topic, record.topic, event);
  if (is_passed || settings_.pk_mode != PkMode::record_key) return;
  if (!record.key) check_key(nullptr);
  event.route = route_of_tombstone(record.topic, topic, parse_key(topic, record, stop, event.value));
  event.row_is_key = true;
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

const Event& Reader::read(const Incoming& record, const std::stop_token& stop, Event& event) {
  event.forget();
  Topic& topic = topic_of(record.topic);
  if (!record.value) {
    read_tombstone(record, topic, stop, event);
    return event;
  }
  event.bytes = record.value->size();
  const bool has_key = settings_.pk_mode == PkMode::record_key;
  if (has_key && !record.key) check_key(nullptr);
  const record::SchemaPtr value_schema = parse(topic, record, Part::value, stop, event.value);
  const record::SchemaPtr key_schema = has_key ? schema_of_key(topic, record, stop) : nullptr;
  Form& form = form_of(topic, value_schema, key_schema);
  const Layout& layout = form.layout;
  const List& fields = struct_of(event.value);
  read_origin(layout, fields, event);
  read_operation(form, fields, record, event);
  if (passes_over(topic, record.topic, event)) return event;
  const List* const source = !layout.is_envelope ? &fields
                             : layout.source     ? fields[*layout.source].as<List>()
                                                 : nullptr;
  event.route = &route_of(form, record.topic, layout.origin, source);
  topic.latest = event.route;
  topic.latest_key = key_schema;
  add_row(event, topic, record, layout, stop);
  return event;
}

// Where its row is, and what of its columns is elsewhere.
void Reader::add_row(Event& event, Topic& topic, const Incoming& record, const Layout& layout,
                     const std::stop_token& stop) {
  if (event.route->reads_key) parse_key(topic, record, stop, event.key);
  if (settings_.pk_mode == PkMode::kafka)
    event.coordinates = {Value::text(std::string(record.topic)), Value::integer(record.partition),
                         Value::integer(record.offset)};
  if (!layout.is_envelope) return;
  event.row_at = event.operation == Operation::delete_ ? layout.before : layout.after;
  const List& fields = *event.value.as<List>();
  if (fields[*event.row_at].as<List>() != nullptr) return;
  if (event.operation != Operation::delete_)
    throw Error(ErrorKind::data, "a record of a change has no row after it");
  // Nothing is said of the row that went but its key.
  parse_key(topic, record, stop, event.value);
  event.row_at.reset();
  event.row_is_key = true;
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

void Reader::put(const Event& event, RowBatch& batch, const Place& place) const {
  const Route& route = *event.route;
  const List& fields = event.row();
  const RowHeader header{event.operation, 0, event.commit_lsn.value_or(Lsn{}), event.change_lsn, 0};
  const std::size_t row = batch.add_row(header);
  const auto value_of = [&](std::size_t column) -> const Value& {
    const ColumnPlace& where = route.places[column];
    switch (where.from) {
      case ColumnPlace::From::key: return (*event.key.as<List>())[where.at];
      case ColumnPlace::From::coordinates: return event.coordinates[where.at];
      case ColumnPlace::From::row: break;
    }
    return fields[where.at];
  };
  const auto put_cell = [&](const CellWriter& writer, std::size_t column, const Value& value) {
    const std::optional<RowFaultCode> fault = writer.put(batch, row, column, value);
    if (!fault) return;
    batch.add_fault({row, column, *fault,
                     "column " + route.table->columns[column].name + " " + std::string(words_of(*fault)) +
                         " (record " + place() + ")"});
  };
  const auto put_key = [&](std::size_t column, const CellWriter& writer, const Value& value) {
    if (value.is_null())
      throw Error(ErrorKind::data, "a column of a row's key is NULL")
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
      put_key(column, route.writers[column], value_of(column));
    return;
  }
  for (std::size_t column = 0; column < route.writers.size(); ++column) {
    const Value& value = value_of(column);
    const CellWriter& writer = route.writers[column];
    if (value.is_null()) {
      if (route.table->is_key(column)) put_key(column, writer, value);
      continue;
    }
    if (event.may_be_partial && is_placeholder(writer, value, settings_.unavailable_value)) {
      refuse_to_guess(event, route.table->columns[column].name);
      batch.set_absent(row, column);
      continue;
    }
    put_cell(writer, column, value);
  }
}

// Which row could lend what the record leaves out is known to nobody here: it may be in another partition, or gone.
void Reader::refuse_to_guess(const Event& event, const std::string& column) const {
  const bool stands_alone = settings_.pk_mode == PkMode::kafka || settings_.pk_mode == PkMode::none;
  if (event.operation == Operation::update && !stands_alone) return;
  Error error(ErrorKind::data,
              stands_alone ? "a record leaves out what did not change, and becomes a row of its own"
                           : "a row has got another key, and its record leaves out what did not change");
  error.with("column", column);
  if (stands_alone)
    error.with("remedy",
               "leave the column out (source.exclude_fields), or have the placeholder written as it is: name "
               "a text in source.unavailable_value that no record has");
  throw Error(error);
}

}  // namespace tailrace::intake
