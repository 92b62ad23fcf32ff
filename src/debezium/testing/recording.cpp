// Reading recordings.
#include "debezium/testing/recording.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <stdexcept>

#include "debezium/moment.h"

namespace tailrace::debezium::testing {
namespace {

using record::Json;

const std::map<std::string_view, TypeKind>& kinds() {
  static const std::map<std::string_view, TypeKind> all{
      {"bit", TypeKind::bit},
      {"tinyint", TypeKind::tinyint},
      {"smallint", TypeKind::smallint},
      {"int", TypeKind::int_},
      {"bigint", TypeKind::bigint},
      {"decimal", TypeKind::decimal},
      {"numeric", TypeKind::decimal},
      {"money", TypeKind::money},
      {"smallmoney", TypeKind::smallmoney},
      {"real", TypeKind::real},
      {"float", TypeKind::float_},
      {"date", TypeKind::date},
      {"time", TypeKind::time},
      {"smalldatetime", TypeKind::smalldatetime},
      {"datetime", TypeKind::datetime},
      {"datetime2", TypeKind::datetime2},
      {"datetimeoffset", TypeKind::datetimeoffset},
      {"char", TypeKind::char_},
      {"varchar", TypeKind::varchar},
      {"nchar", TypeKind::nchar},
      {"nvarchar", TypeKind::nvarchar},
      {"sysname", TypeKind::nvarchar},
      {"text", TypeKind::text},
      {"ntext", TypeKind::ntext},
      {"xml", TypeKind::xml},
      {"binary", TypeKind::binary},
      {"varbinary", TypeKind::varbinary},
      {"image", TypeKind::image},
      {"timestamp", TypeKind::rowversion},
      {"rowversion", TypeKind::rowversion},
      {"uniqueidentifier", TypeKind::uniqueidentifier},
      {"geometry", TypeKind::geometry},
      {"geography", TypeKind::geography},
      {"hierarchyid", TypeKind::hierarchyid},
      {"sql_variant", TypeKind::sql_variant},
  };
  return all;
}

std::int64_t number_of(std::string_view text) {
  std::int64_t number = 0;
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc{}) throw std::runtime_error("no number: " + std::string(text));
  return number;
}

std::int64_t days_of(std::string_view text) {
  using namespace std::chrono;
  const year_month_day date{year{static_cast<int>(number_of(text.substr(0, 4)))},
                            month{static_cast<unsigned>(number_of(text.substr(5, 2)))},
                            day{static_cast<unsigned>(number_of(text.substr(8, 2)))}};
  return sys_days{date}.time_since_epoch().count() + days_to_1970;
}

// hh:mm:ss[.fffffff]
std::int64_t time_of(std::string_view text) {
  const std::int64_t seconds =
      number_of(text.substr(0, 2)) * 3600 + number_of(text.substr(3, 2)) * 60 + number_of(text.substr(6, 2));
  std::string fraction(text.size() > 9 ? text.substr(9, 7) : "");
  fraction.resize(7, '0');
  return seconds * ticks_a_second + number_of(fraction);
}

std::int64_t timestamp_of(std::string_view text) {
  return days_of(text) * ticks_a_day + time_of(text.substr(11));
}

int128 unscaled_of(std::string_view text, int scale) {
  int128 number = 0;
  int behind = -1;
  for (const char letter : text) {
    if (letter == '.') behind = 0;
    if (letter < '0' || letter > '9') continue;
    number = number * 10 + (letter - '0');
    if (behind >= 0) ++behind;
  }
  for (int i = std::max(behind, 0); i < scale; ++i)
    number *= 10;
  return text.starts_with('-') ? -number : number;
}

std::string bytes_of_hex(std::string_view digits) {
  std::string bytes;
  for (std::size_t i = 2; i + 1 < digits.size(); i += 2)
    bytes += static_cast<char>(std::stoi(std::string(digits.substr(i, 2)), nullptr, 16));
  return bytes;
}

void put_offset_time(Cell& cell, std::string_view text) {
  const std::size_t sign = text.find_first_of("+-Z", 11);
  const std::string_view offset = text.substr(std::min(sign, text.size()));
  int minutes = 0;
  if (offset.size() >= 6) {
    minutes = static_cast<int>(number_of(offset.substr(1, 2)) * 60 + number_of(offset.substr(4, 2)));
    if (offset.front() == '-') minutes = -minutes;
  }
  const std::string_view local = text.substr(0, std::min(sign, text.size()));
  cell.offset_time = {timestamp_of(local) - minutes * 60 * ticks_a_second,
                      static_cast<std::int16_t>(minutes)};
}

void put_uuid(Cell& cell, std::string_view text) {
  std::string digits(text);
  std::erase(digits, '-');
  const std::string bytes = bytes_of_hex("0x" + digits);
  for (std::size_t i = 0; i < 16; ++i)
    cell.uuid[i] = static_cast<std::uint8_t>(bytes.at(i));
}

// What Debezium takes for bytes, whatever they mean.
ColumnType as_debezium_reads_it(ColumnType type) {
  switch (type.kind) {
    case TypeKind::geometry:
    case TypeKind::geography:
    case TypeKind::hierarchyid: type.raw = true; return type;
    default: return type;
  }
}

const std::string& text_at(const Json& json, std::string_view name) {
  const std::string* const text = json.find_string(name);
  if (text == nullptr) throw std::runtime_error("a recording without " + std::string(name));
  return *text;
}

std::int64_t number_at(const Json& json, std::string_view name) {
  return json.find(name)->integer().value();
}

ColumnType column_type(const Json& column) {
  const TypeKind kind = kinds().at(text_at(column, "type"));
  ColumnType type{kind, static_cast<std::int32_t>(number_at(column, "length")),
                  static_cast<std::uint8_t>(number_at(column, "precision")),
                  static_cast<std::uint8_t>(number_at(column, "scale"))};
  if (kind == TypeKind::text || kind == TypeKind::ntext || kind == TypeKind::image) type.length = -1;
  if ((kind == TypeKind::nchar || kind == TypeKind::nvarchar) && type.length > 0) type.length /= 2;
  return as_debezium_reads_it(type);
}

SchemaPtr table_of(const Json& json) {
  auto table = std::make_shared<TableSchema>();
  table->name = {text_at(json, "schema"), text_at(json, "name")};
  for (const Json& column : json.find("columns")->items) {
    Column made{.name = text_at(column, "name"),
                .type = column_type(column),
                .nullable = column.find("nullable")->truth,
                .declared = text_at(column, "type")};
    if (column.find("identity") != nullptr) made.declared += " identity";
    if (const std::string* const fallback = column.find_string("default")) made.fallback = *fallback;
    table->columns.push_back(std::move(made));
  }
  for (const Json& name : json.find("key")->items)
    table->key.push_back(table->find_column(name.text).value());
  return table;
}

template <class Choice>
void choose(const Json& settings, std::string_view name, Choice& member,
            const std::vector<std::pair<std::string_view, Choice>>& choices) {
  const std::string* const text = settings.find_string(name);
  if (text == nullptr) return;
  const auto found =
      std::find_if(choices.begin(), choices.end(), [&](const auto& each) { return each.first == *text; });
  if (found == choices.end()) throw std::runtime_error("unknown setting " + *text);
  member = found->second;
}

// As Debezium splits a list of regular expressions.
std::vector<std::string> split(std::string_view list) {
  std::vector<std::string> out;
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    out.emplace_back(list.substr(0, comma));
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return out;
}

void put_column_setting(EventSettings& settings, std::string_view name, const std::string& columns) {
  const auto rest_of = [&](std::string_view prefix) -> std::optional<std::string> {
    if (!name.starts_with(prefix)) return {};
    return std::string(name.substr(prefix.size()));
  };
  for (const std::string& each : split(columns)) {
    if (const auto mask = rest_of("column.mask.with."))
      settings.masked.push_back({each, std::stoi(*mask)});
    else if (const auto most = rest_of("column.truncate.to."))
      settings.truncated.push_back({each, std::stoi(*most)});
    else if (name == "column.propagate.source.type")
      settings.typed_columns.push_back(each);
    else if (name == "datatype.propagate.source.type")
      settings.typed_data_types.push_back(each);
  }
  if (const auto hash = rest_of("column.mask.hash.")) {
    const bool is_v2 = hash->starts_with("v2.");
    const std::string said = is_v2 ? hash->substr(3) : *hash;
    constexpr std::string_view salt = ".with.salt.";
    const std::size_t at = said.find(salt);
    settings.hashed[std::string(name)] = {.columns = split(columns),
                                          .algorithm = said.substr(0, at),
                                          .salt = Secret(said.substr(at + salt.size())),
                                          .form = is_v2 ? HashForm::v2 : HashForm::v1};
  }
}

EventSettings settings_of(const Json& json) {
  EventSettings settings;
  settings.converter = Converter::json;
  // As JsonConverter does where nothing is set.
  settings.nulls = record::NullPolicy::replace_by_default;
  settings.topic_prefix = text_at(json, "topic.prefix");
  settings.database = text_at(json, "database");
  choose<DecimalMode>(json, "decimal.handling.mode", settings.decimals,
                      {{"string", DecimalMode::string}, {"double", DecimalMode::double_}});
  choose<TimePrecision>(json, "time.precision.mode", settings.times,
                        {{"adaptive_time_microseconds", TimePrecision::adaptive_time_microseconds},
                         {"connect", TimePrecision::connect},
                         {"isostring", TimePrecision::isostring},
                         {"microseconds", TimePrecision::microseconds},
                         {"nanoseconds", TimePrecision::nanoseconds}});
  choose<BinaryMode>(json, "binary.handling.mode", settings.binary,
                     {{"base64", BinaryMode::base64},
                      {"base64-url-safe", BinaryMode::base64_url_safe},
                      {"hex", BinaryMode::hex}});
  const std::vector<std::pair<std::string_view, NameAdjustment>> adjustments{
      {"avro", NameAdjustment::avro}, {"avro_unicode", NameAdjustment::avro_unicode}};
  choose(json, "schema.name.adjustment.mode", settings.schema_names, adjustments);
  choose(json, "field.name.adjustment.mode", settings.field_names, adjustments);
  if (const std::string* const key = json.find_string("message.key.columns")) {
    const std::size_t colon = key->find(':');
    settings.key_columns = {{key->substr(0, colon), {key->substr(colon + 1)}}};
  }
  if (const std::string* const skipped = json.find_string("skipped.operations")) {
    settings.skipped.update = skipped->find('u') != std::string::npos;
    settings.skipped.delete_ = skipped->find('d') != std::string::npos;
  }
  for (const auto& [name, value] : json.members)
    put_column_setting(settings, name, value.text);
  settings.transaction_metadata = json.find("provide.transaction.metadata") != nullptr;
  settings.tombstones = json.find("tombstones.on.delete") == nullptr;
  return settings;
}

// Of an unchanged value Debezium 3.6 knows nothing where its type is a (max) one or spatial (docs/debezium-compatibility.md).
bool is_known_as_unavailable(TypeKind kind) {
  return kind == TypeKind::text || kind == TypeKind::ntext || kind == TypeKind::image ||
         kind == TypeKind::xml;
}

void put_row(RowBatch& batch, std::size_t row, const std::vector<Json>& values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i].is_string())
      put_value(batch, row, i, values[i].text);
    else if (values[i].kind == Json::Kind::boolean &&
             is_known_as_unavailable(batch.schema().columns[i].type.kind))
      batch.set_absent(row, i);
  }
}

Operation operation_numbered(std::int64_t number) {
  constexpr Operation all[] = {Operation::read, Operation::delete_, Operation::insert,
                               Operation::update_before, Operation::update};
  return all[number];
}

class Reading {
 public:
  void take(const Json& line) {
    if (const Json* const settings = line.find("settings"))
      recording_.settings = settings_of(*settings);
    else if (line.find("table") != nullptr)
      take_table(line);
    else if (line.find("altered") != nullptr)
      recording_.altered = table_of(line);
    else if (const Json* const row = line.find("row"))
      take_row(row->items);
    else if (const Json* const record = line.find("record"))
      records_.push_back(record->items);
    else
      take_topic(line);
  }
  Recording finish() { return std::move(recording_); }

 private:
  void take_table(const Json& line) {
    const std::string& name = text_at(line, "table");
    const SchemaPtr table = table_of(line);
    recording_.snapshot.emplace(name, RowBatch(table));
    numbers_[name] = static_cast<std::uint32_t>(recording_.changes.tables.size());
    recording_.changes.tables.emplace_back(table);
  }

  void take_row(const std::vector<Json>& words) {
    const std::string& table = words[0].text;
    RowHeader header{.operation = operation_numbered(words[1].integer().value())};
    if (header.operation == Operation::read) {
      RowBatch& batch = recording_.snapshot.at(table);
      return put_row(batch, batch.add_row(header), words[5].items);
    }
    header.commit_lsn = Lsn::parse(words[2].text);
    header.seqval = Lsn::parse(words[3].text);
    const std::uint32_t number = numbers_.at(table);
    RowBatch& batch = recording_.changes.tables[number];
    const std::size_t row = batch.add_row(header);
    put_row(batch, row, words[5].items);
    std::vector<TransactionTimes>& times = recording_.changes.times;
    if (times.empty() || times.back().lsn != header.commit_lsn)
      times.push_back({header.commit_lsn, timestamp_of(words[4].text), 0});
    if (header.operation != Operation::update_before)
      recording_.changes.order.push_back({number, static_cast<std::uint32_t>(row)});
  }

  // The records of a topic come before what is the same in all of them.
  void take_topic(const Json& line) {
    const std::vector<Json>& schemas = line.find("schemas")->items;
    std::vector<RecordedRecord>& records = recording_.records[text_at(line, "topic")];
    for (const std::vector<Json>& words : records_) {
      const auto whole = [&](std::size_t part) -> std::optional<std::string> {
        if (!words[part + 1].is_string()) return {};
        return R"({"schema":)" + schemas[part].text + R"(,"payload":)" + words[part + 1].text + "}";
      };
      RecordedRecord record{words[0].text, whole(0), whole(1), {}};
      for (const Json& header : words[3].items)
        record.headers.emplace_back(header.items[0].text, header.items[1].text);
      records.push_back(std::move(record));
    }
    records_.clear();
  }

  Recording recording_;
  std::map<std::string, std::uint32_t> numbers_;
  std::vector<std::vector<Json>> records_;  // Of the topic that is being read.
};

}  // namespace

ColumnType type_named(std::string_view declaration) {
  const std::size_t open = declaration.find('(');
  ColumnType type{kinds().at(declaration.substr(0, open))};
  if (open == std::string_view::npos) return type;
  const std::string_view inside = declaration.substr(open + 1, declaration.size() - open - 2);
  const std::size_t comma = inside.find(',');
  const int first = inside == "max" ? -1 : static_cast<int>(number_of(inside.substr(0, comma)));
  switch (type.kind) {
    case TypeKind::decimal:
      type.precision = static_cast<std::uint8_t>(first);
      if (comma != std::string_view::npos)
        type.scale = static_cast<std::uint8_t>(number_of(inside.substr(comma + 1)));
      break;
    case TypeKind::time:
    case TypeKind::datetime2:
    case TypeKind::datetimeoffset: type.scale = static_cast<std::uint8_t>(first); break;
    default: type.length = first;
  }
  return type;
}

void put_value(RowBatch& batch, std::size_t row, std::size_t column, const std::string& text) {
  const ColumnType& type = batch.schema().columns[column].type;
  switch (type.cell_kind()) {
    case CellKind::boolean:
    case CellKind::integer: batch.put(row, column).integer = number_of(text); return;
    case CellKind::decimal:
      batch.put(row, column).decimal = unscaled_of(text, type.kind == TypeKind::decimal ? type.scale : 4);
      return;
    case CellKind::float32: batch.put(row, column).float32 = std::strtof(text.c_str(), nullptr); return;
    case CellKind::float64: batch.put(row, column).float64 = std::strtod(text.c_str(), nullptr); return;
    case CellKind::date: batch.put(row, column).integer = days_of(text); return;
    case CellKind::time: batch.put(row, column).integer = time_of(text); return;
    case CellKind::timestamp: batch.put(row, column).integer = timestamp_of(text); return;
    case CellKind::timestamp_offset: return put_offset_time(batch.put(row, column), text);
    case CellKind::text: return batch.put_text(row, column, text);
    case CellKind::bytes:
    case CellKind::spatial: return batch.put_text(row, column, bytes_of_hex(text));
    case CellKind::uuid: return put_uuid(batch.put(row, column), text);
  }
}

const RowBatch* Recording::changes_of(const std::string& table) const {
  for (const RowBatch& batch : changes.tables) {
    if (batch.schema().name.str() == table) return &batch;
  }
  return nullptr;
}

Recording read_recording(const std::string& name) {
  const std::string path = std::string(TAILRACE_DEBEZIUM_TESTDATA "/") + name + ".jsonl";
  std::ifstream file(path);
  if (!file) throw std::runtime_error("no recording " + path);
  Reading reading;
  for (std::string line; std::getline(file, line);)
    reading.take(record::parse_json(line));
  return reading.finish();
}

bool Collector::take(const EventRecord& record) {
  RecordedRecord made{std::string(record.topic), {}, {}, {}};
  if (record.key) made.key = std::string(*record.key);
  if (record.value) made.value = std::string(*record.value);
  for (const EventHeader& header : record.headers)
    made.headers.emplace_back(header.name, header.value);
  records.push_back(std::move(made));
  return true;
}

std::int32_t CountedIds::id_of(const std::string& topic, RecordPart part, const record::Schema&,
                               const std::string& document) {
  const std::string subject = topic + (part == RecordPart::key ? "-key" : "-value");
  return ids.emplace(std::pair(subject, document), static_cast<std::int32_t>(ids.size() + 1)).first->second;
}

}  // namespace tailrace::debezium::testing
