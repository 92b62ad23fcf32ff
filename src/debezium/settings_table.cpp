// How events look: names, defaults, choices.
#include "debezium/settings_table.h"

#include <fmt/format.h>

#include <algorithm>

#include "debezium/settings_table_internal.h"

namespace tailrace::debezium {
namespace {

using config::bind;
using config::Binding;
using config::Complaint;
using config::Document;
using config::SettingType;

const std::vector<std::string> adjustments{"none", "avro", "avro_unicode"};

std::vector<Binding<EventSettings>> name_bindings(const std::string& prefix) {
  return {
      bind<EventSettings>(
          {.name = prefix + ".topic_prefix",
           .help = "What topics and the events' source begin with (topic.prefix); topics are then called "
                   "prefix.database.schema.table. Without it they are called sqlserver.schema.table.",
           .example = "shop"},
          [](EventSettings & s) -> auto& { return s.topic_prefix; }),
      bind<EventSettings>(
          {.name = prefix + ".topic_format",
           .help = "How a table's topic is called instead, of {prefix}, {database}, {schema} and {table}.",
           .example = "{database}.{table}"},
          [](EventSettings & s) -> auto& { return s.topic_format; }),
      bind<EventSettings>(
          {.name = prefix + ".schema_names",
           .type = SettingType::choice,
           .help =
               "What becomes of letters in schemas' names that Avro has not (schema.name.adjustment.mode): "
               "underscores, or their numbers.",
           .fallback = "none",
           .choices = adjustments},
          [](EventSettings & s) -> auto& { return s.schema_names; }),
      bind<EventSettings>(
          {.name = prefix + ".field_names",
           .type = SettingType::choice,
           .help = "The same of the names of columns (field.name.adjustment.mode).",
           .fallback = "none",
           .choices = adjustments},
          [](EventSettings & s) -> auto& { return s.field_names; }),
  };
}

std::vector<Binding<EventSettings>> value_bindings(const std::string& prefix) {
  return {
      bind<EventSettings>(
          {.name = prefix + ".decimals",
           .type = SettingType::choice,
           .help = "How decimal and money look (decimal.handling.mode).",
           .fallback = "precise",
           .choices = {"precise", "string", "double"}},
          [](EventSettings & s) -> auto& { return s.decimals; }),
      bind<EventSettings>(
          {.name = prefix + ".times",
           .type = SettingType::choice,
           .help =
               "How dates and times look (time.precision.mode). adaptive has datetime2(7) in nanoseconds, "
               "which reach from 1677 to 2262: of another one see conversion_failures.",
           .fallback = "adaptive",
           .choices = {"adaptive", "adaptive_time_microseconds", "connect", "isostring", "microseconds",
                       "nanoseconds"}},
          [](EventSettings & s) -> auto& { return s.times; }),
      bind<EventSettings>(
          {.name = prefix + ".conversion_failures",
           .type = SettingType::choice,
           .help =
               "What becomes of a moment that times cannot say: fail is an error of the row; warn makes it "
               "NULL, or "
               "the column's default where NULL may not be, and says so in the log "
               "(event.converting.failure.handling.mode, which is warn in Debezium). A value is lost then.",
           .fallback = "fail",
           .choices = {"fail", "warn"}},
          [](EventSettings & s) -> auto& { return s.conversion_failures; }),
      bind<EventSettings>(
          {.name = prefix + ".binary",
           .type = SettingType::choice,
           .help = "How bytes look (binary.handling.mode).",
           .fallback = "bytes",
           .choices = {"bytes", "base64", "base64-url-safe", "hex"}},
          [](EventSettings & s) -> auto& { return s.binary; }),
      bind<EventSettings>(
          {.name = prefix + ".objects",
           .type = SettingType::choice,
           .help =
               "How geometry, geography and hierarchyid look: as text (EWKT, /1/2/), or as SQL Server's own "
               "bytes, which is what Debezium sends.",
           .fallback = "text",
           .choices = {"text", "raw"}},
          [](EventSettings & s) -> auto& { return s.objects; }),
      bind<EventSettings>(
          {.name = prefix + ".unavailable_value",
           .help = "What stands for a large value that an update has not changed, and that the server "
                   "therefore does not say (unavailable.value.placeholder).",
           .fallback = "__debezium_unavailable_value"},
          [](EventSettings & s) -> auto& { return s.unavailable_value; }),
      bind<EventSettings>(
          {.name = prefix + ".nulls",
           .type = SettingType::choice,
           .help =
               "What a NULL becomes in a column with a default: NULL, or that default, as Kafka Connect's "
               "converters have it where nothing else is set (replace.null.with.default).",
           .fallback = "keep",
           .choices = {"keep", "replace_by_default"}},
          [](EventSettings & s) -> auto& { return s.nulls; }),
      bind<EventSettings>(
          {.name = prefix + ".source_time",
           .type = SettingType::choice,
           .help = "What an event's source says as its time: when its transaction began (data.query.mode "
                   "direct), or when it was committed (function).",
           .fallback = "began",
           .choices = {"began", "committed"}},
          [](EventSettings & s) -> auto& { return s.source_time; }),
  };
}

void put_key_columns(EventSettings& settings, const std::string&, const config::Value& value) {
  settings.key_columns.clear();
  for (const auto& [tables, columns] : value.pairs) {
    KeyColumns chosen{.tables = tables};
    std::size_t begin = 0;
    while (begin <= columns.size()) {
      const std::size_t comma = std::min(columns.find(',', begin), columns.size());
      std::string name = columns.substr(begin, comma - begin);
      while (name.starts_with(' '))
        name.erase(0, 1);
      while (name.ends_with(' '))
        name.pop_back();
      chosen.columns.push_back(std::move(name));
      begin = comma + 1;
    }
    settings.key_columns.push_back(std::move(chosen));
  }
}

void put_skipped(EventSettings& settings, const std::string&, const config::Value& value) {
  const auto has = [&](std::string_view operation) {
    return std::find(value.items.begin(), value.items.end(), operation) != value.items.end();
  };
  settings.skipped = {.create = has("c"), .update = has("u"), .delete_ = has("d")};
}

std::vector<Binding<EventSettings>> record_bindings(const std::string& prefix) {
  return {
      bind<EventSettings>(
          {.name = prefix + ".tombstones",
           .type = SettingType::boolean,
           .help =
               "A delete is followed by a record without a value, by which compacted topics forget the key "
               "(tombstones.on.delete).",
           .fallback = "true"},
          [](EventSettings & s) -> auto& { return s.tombstones; }),
      bind<EventSettings>(
          {.name = prefix + ".transaction_metadata",
           .type = SettingType::boolean,
           .help = "Events say their place in their transaction, and the topic prefix.transaction when each "
                   "begins and ends (provide.transaction.metadata).",
           .fallback = "false"},
          [](EventSettings & s) -> auto& { return s.transaction_metadata; }),
      bind<EventSettings>(
          {.name = prefix + ".schema_changes",
           .type = SettingType::boolean,
           .help =
               "The topic that is called as the prefix says what each table looks like: when it comes in, "
               "and "
               "whenever it looks otherwise than before (include.schema.changes, which is on in Debezium).",
           .fallback = "false"},
          [](EventSettings & s) -> auto& { return s.schema_changes; }),
      {{.name = prefix + ".key_columns",
        .type = SettingType::map,
        .help = "Columns that are the key instead of the table's own (message.key.columns): by a regular "
                "expression of schema.table, names with commas between them.",
        .example = "{ dbo.orders: \"customer,number\" }"},
       put_key_columns},
      {{.name = prefix + ".skipped_operations",
        .type = SettingType::list,
        .help = "Operations without events (skipped.operations): c, u, d.",
        .example = "[d]"},
       put_skipped},
      bind<EventSettings>(
          {.name = prefix + ".extended_headers",
           .type = SettingType::boolean,
           .help = "Every event has four headers that say who sent it (extended.headers.enabled).",
           .fallback = "true"},
          [](EventSettings & s) -> auto& { return s.extended_headers; }),
      bind<EventSettings>(
          {.name = prefix + ".format",
           .type = SettingType::choice,
           .help = "Avro with a Schema Registry, or Kafka Connect's JSON.",
           .fallback = "avro",
           .choices = {"avro", "json"}},
          [](EventSettings & s) -> auto& { return s.converter; }),
      bind<EventSettings>(
          {.name = prefix + ".json_schemas",
           .type = SettingType::boolean,
           .help = "Of JSON: the schema stands beside each value (schemas.enable).",
           .fallback = "true"},
          [](EventSettings & s) -> auto& { return s.json_schemas; }),
      bind<EventSettings>(
          {.name = prefix + ".json_decimals",
           .type = SettingType::choice,
           .help = "Of JSON: decimals are bytes in base64, or numbers (decimal.format).",
           .fallback = "base64",
           .choices = {"base64", "numeric"}},
          [](EventSettings & s) -> auto& { return s.json_decimals; }),
  };
}

void check_patterns(const std::string& prefix, const Document& document, std::vector<Complaint>& complaints) {
  if (!document.has(prefix + ".key_columns")) return;
  for (const auto& [tables, columns] : document.read(prefix + ".key_columns").pairs)
    check_pattern(prefix + ".key_columns", tables, nullptr, complaints);
}

void check_skipped(const std::string& prefix, const Document& document, std::vector<Complaint>& complaints) {
  if (!document.has(prefix + ".skipped_operations")) return;
  for (const std::string& operation : document.read(prefix + ".skipped_operations").items) {
    if (operation == "c" || operation == "u" || operation == "d") continue;
    complaints.push_back({prefix + ".skipped_operations",
                          fmt::format("\"{}\" is no operation: c, u or d", operation), nullptr});
  }
}

// Two tables in one topic would mix their keys.
void check_format(const std::string& prefix, const Document& document, std::vector<Complaint>& complaints) {
  if (!document.has(prefix + ".topic_format")) return;
  if (document.read(prefix + ".topic_format").text.find("{table}") == std::string::npos) {
    complaints.push_back(
        {prefix + ".topic_format", "has no {table} in it: all tables would be one topic", nullptr});
  }
}

}  // namespace

std::vector<Binding<EventSettings>> settings_bindings(const std::string& prefix) {
  std::vector<Binding<EventSettings>> all = name_bindings(prefix);
  for (const auto& more : {value_bindings(prefix), record_bindings(prefix), column_bindings(prefix)})
    all.insert(all.end(), more.begin(), more.end());
  return all;
}

std::vector<config::Rule> settings_rules(const std::string& prefix) {
  const auto rule = [&](auto check) {
    return [prefix, check](const Document& document, std::vector<Complaint>& complaints) {
      check(prefix, document, complaints);
    };
  };
  return {rule(check_patterns), rule(check_skipped), rule(check_format), rule(check_columns)};
}

}  // namespace tailrace::debezium
