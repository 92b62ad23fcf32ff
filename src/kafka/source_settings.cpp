// What to read: names, defaults, bounds.
#include "kafka/source_settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <regex>

#include "config/units.h"
#include "intake/table_names.h"
#include "registry/settings_table.h"

namespace tailrace::kafka {
namespace {

using config::bind;
using config::Binding;
using config::Complaint;
using config::Document;
using config::mebibyte;
using config::minute_ms;
using config::SettingType;

const std::string registry_prefix = "source.schema_registry";

std::vector<Binding<SourceSettings>> reading() {
  return {
      bind<SourceSettings>(
          {.name = "source.topics",
           .type = SettingType::list,
           .help = "Topics of tables' changes, by their whole names. This or `source.topics_pattern`.",
           .example = "[shop.shop.dbo.orders, shop.shop.dbo.order_lines]"},
          [](SourceSettings & s) -> auto& { return s.topics; }),
      bind<SourceSettings>(
          {.name = "source.topics_pattern",
           .help = "A regular expression (ECMAScript) that the whole names of topics match; those that are "
                   "made later "
                   "are taken when they come. Topics whose names begin with two underscores never are.",
           .example = R"(shop\.shop\.dbo\..*)"},
          [](SourceSettings & s) -> auto& { return s.topics_pattern; }),
      bind<SourceSettings>(
          {.name = "source.group_id",
           .help = "The consumer group; every process of this pipeline is a member. Without it "
                   "tailrace-PIPELINE.",
           .example = "tailrace-shop"},
          [](SourceSettings & s) -> auto& { return s.group_id; }),
      bind<SourceSettings>(
          {.name = "source.session_timeout",
           .type = SettingType::duration,
           .help = "A member without a sign of life for this long loses its partitions to the others.",
           .fallback = "10s",
           .minimum = 6'000,
           .maximum = 30 * minute_ms},
          [](SourceSettings & s) -> auto& { return s.session_timeout; }),
      bind<SourceSettings>(
          {.name = "source.batch_records",
           .type = SettingType::integer,
           .help = "Records that one transaction of the target takes at most, where the source's own are "
                   "smaller.",
           .fallback = "20000",
           .minimum = 1,
           .maximum = 1'000'000},
          [](SourceSettings & s) -> auto& { return s.batch_records; }),
      bind<SourceSettings>(
          {.name = "source.batch_bytes",
           .type = SettingType::bytes,
           .help = "The same in bytes of keys and values.",
           .fallback = "8MiB",
           .minimum = 64 * 1024,
           .maximum = 256 * mebibyte},
          [](SourceSettings & s) -> auto& { return s.batch_bytes; }),
      bind<SourceSettings>(
          {.name = "source.repeated_records",
           .type = SettingType::choice,
           .help =
               "Records of a commit that lies before one which was read already. stop: a gap, because the "
               "topic or its source may be another one. apply: they are, for their writer repeats "
               "itself after a crash (a Debezium without exactly-once).",
           .fallback = "stop",
           .choices = {"stop", "apply"}},
          [](SourceSettings & s) -> auto& { return s.repeats; }),
  };
}

std::vector<Binding<SourceSettings>> records() {
  return {
      bind<SourceSettings>(
          {.name = "source.format",
           .type = SettingType::choice,
           .help = "Of keys and values. avro: with the schemas of `source.schema_registry`. json: with the "
                   "schemas beside the values, or without, by the columns of a table that is there.",
           .fallback = "avro",
           .choices = {"avro", "json"}},
          [](SourceSettings & s) -> auto& { return s.intake.format; }),
      bind<SourceSettings>(
          {.name = "source.unavailable_value",
           .help = "What stands in a record for a large value that an update has left as it was; the target "
                   "keeps its own then.",
           .fallback = "__debezium_unavailable_value"},
          [](SourceSettings & s) -> auto& { return s.intake.unavailable_value; }),
      bind<SourceSettings>(
          {.name = "source.table_names",
           .help = "The table that a record is of, schema and name: {database}, {schema} and {table} as the "
                   "record says or, where it does not, its topic's last parts; {topic}, or "
                   "{underscored_topic} with "
                   "underscores for its dots. `target.schemas` then maps the schema.",
           .fallback = "{schema}.{table}",
           .example = "public.{underscored_topic}"},
          [](SourceSettings & s) -> auto& { return s.intake.table_names; }),
  };
}

std::vector<Binding<SourceSettings>> rows() {
  return {
      bind<SourceSettings>(
          {.name = "source.pk_mode",
           .type = SettingType::choice,
           .help = "Where a row's key comes from. record_key: fields of the record's key. record_value: "
                   "fields of its "
                   "row. kafka: columns for its topic, partition and offset. none: there is no key, and each "
                   "record "
                   "becomes a row.",
           .fallback = "record_key",
           .choices = {"record_key", "record_value", "kafka", "none"}},
          [](SourceSettings & s) -> auto& { return s.intake.pk_mode; }),
      bind<SourceSettings>(
          {.name = "source.pk_fields",
           .type = SettingType::list,
           .help = "The key's columns: those fields of the record's key or row (without it all of them); the "
                   "name of a "
                   "key that is one value alone; with kafka the three columns' names (without it "
                   "__connect_topic, "
                   "__connect_partition, __connect_offset).",
           .example = "[id]"},
          [](SourceSettings & s) -> auto& { return s.intake.pk_fields; }),
      bind<SourceSettings>(
          {.name = "source.deletes",
           .type = SettingType::choice,
           .help = "Deletes and tombstones. apply: by the record's key, which has to be the row's "
                   "(source.pk_mode: record_key). ignore: they are passed over.",
           .fallback = "apply",
           .choices = {"apply", "ignore"}},
          [](SourceSettings & s) -> auto& { return s.intake.deletes; }),
      bind<SourceSettings>(
          {.name = "source.include_fields",
           .type = SettingType::list,
           .help = "Fields of rows that are written, as FIELD or TOPIC:FIELD; a key's are always. Without it "
                   "all.",
           .example = "[id, note]"},
          [](SourceSettings & s) -> auto& { return s.intake.include_fields; }),
      bind<SourceSettings>(
          {.name = "source.exclude_fields",
           .type = SettingType::list,
           .help = "Fields of rows that are not written, as FIELD or TOPIC:FIELD; none of the key's.",
           .example = "['shop.shop.dbo.orders:secret']"},
          [](SourceSettings & s) -> auto& { return s.intake.exclude_fields; }),
  };
}

std::vector<Binding<SourceSettings>> registry_bindings() {
  std::vector<Binding<SourceSettings>> out;
  for (const Binding<registry::Settings>& each : registry::settings_bindings(registry_prefix)) {
    // What is written to a registry is no business of a reader.
    const std::string name = each.setting.name.substr(registry_prefix.size() + 1);
    if (name == "auto_register" || name == "compatibility" || name == "key_subject" ||
        name == "value_subject")
      continue;
    out.push_back(
        {each.setting, [put = each.put](SourceSettings& s, const std::string& key,
                                        const config::Value& value) { put(s.registry, key, value); }});
  }
  return out;
}

void fits_format(const Document& document, std::vector<Complaint>& complaints) {
  const bool is_avro = document.read("source.format").text == "avro";
  if (is_avro && !document.has(registry_prefix + ".urls"))
    complaints.push_back(
        {"source.format",
         fmt::format("Avro needs {}.urls, where the records' schemas are; or say json", registry_prefix),
         nullptr});
}

void names_have_two_parts(const Document& document, std::vector<Complaint>& complaints) {
  const std::string fault = intake::fault_of_table_names(document.read("source.table_names").text);
  if (!fault.empty()) complaints.push_back({"source.table_names", fault, nullptr});
}

void keys_make_sense(const Document& document, std::vector<Complaint>& complaints) {
  const std::string mode = document.read("source.pk_mode").text;
  if (mode != "record_key" && document.read("source.deletes").text == "apply")
    complaints.push_back(
        {"source.deletes",
         fmt::format("cannot be apply with source.pk_mode: {}: deletes say the record's key alone; "
                     "expected ignore, which passes them over",
                     mode),
         nullptr});
  if (!document.has("source.pk_fields")) return;
  const std::vector<std::string> fields = document.read("source.pk_fields").items;
  if (mode == "none")
    complaints.push_back({"source.pk_fields", "has no meaning with source.pk_mode: none", nullptr});
  if (mode == "kafka" && fields.size() != 3)
    complaints.push_back({"source.pk_fields",
                          "with source.pk_mode: kafka expected three names, for topic, partition and offset",
                          nullptr});
  if (fields.empty())
    complaints.push_back({"source.pk_fields", "names no field; take it out for all", nullptr});
  for (const std::string& field : fields) {
    if (std::count(fields.begin(), fields.end(), field) == 1) continue;
    complaints.push_back({"source.pk_fields", fmt::format("{} stands there twice", field), nullptr});
    return;
  }
}

void fields_make_sense(const Document& document, std::vector<Complaint>& complaints) {
  if (!document.has("source.exclude_fields")) return;
  if (document.has("source.include_fields"))
    complaints.push_back({"source.exclude_fields", "cannot stand beside source.include_fields", nullptr});
  if (!document.has("source.pk_fields")) return;
  const std::vector<std::string> keys = document.read("source.pk_fields").items;
  for (const std::string& field : document.read("source.exclude_fields").items) {
    if (std::count(keys.begin(), keys.end(), field) != 0)
      complaints.push_back({"source.exclude_fields",
                            fmt::format("leaves out {}, which source.pk_fields makes the key", field),
                            nullptr});
  }
}

void pattern_is_one(const Document& document, std::vector<Complaint>& complaints) {
  if (!document.has("source.topics_pattern")) return;
  if (document.mentions("source.topics"))
    complaints.push_back({"source.topics_pattern", "cannot stand beside source.topics", nullptr});
  try {
    const std::regex pattern(document.read("source.topics_pattern").text);
  } catch (const std::regex_error& error) {
    complaints.push_back(
        {"source.topics_pattern", fmt::format("is no regular expression: {}", error.what()), nullptr});
  }
}

void topics_are_plain(const Document& document, std::vector<Complaint>& complaints) {
  if (!document.mentions("source.topics") && !document.mentions("source.topics_pattern"))
    complaints.push_back(
        {"source.topics", "is missing; expected a list of topics, or source.topics_pattern", nullptr});
  if (!document.has("source.topics")) return;
  const std::vector<std::string> topics = document.read("source.topics").items;
  if (topics.empty()) complaints.push_back({"source.topics", "names no topic", nullptr});
  for (const std::string& topic : topics) {
    if (topic.empty() || topic.front() == '^')
      complaints.push_back({"source.topics",
                            fmt::format("'{}' is no topic's name; a pattern is source.topics_pattern", topic),
                            nullptr});
    if (std::count(topics.begin(), topics.end(), topic) > 1) {
      complaints.push_back({"source.topics", fmt::format("{} stands there twice", topic), nullptr});
      return;
    }
  }
}

}  // namespace

const std::vector<Binding<SourceSettings>>& source_settings_bindings() {
  static const std::vector<Binding<SourceSettings>> all = [] {
    std::vector<Binding<SourceSettings>> out = reading();
    for (const std::vector<Binding<SourceSettings>>& more : {records(), rows(), registry_bindings()})
      out.insert(out.end(), more.begin(), more.end());
    return out;
  }();
  return all;
}

config::Table source_settings_table() {
  std::vector<config::Rule> rules = registry::settings_rules(registry_prefix);
  rules.insert(rules.end(), {fits_format, names_have_two_parts, keys_make_sense, fields_make_sense,
                             topics_are_plain, pattern_is_one});
  return config::table_of(source_settings_bindings(), std::move(rules));
}

}  // namespace tailrace::kafka
