// What to read: names, defaults, bounds.
#include "kafka/source_settings.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/units.h"
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
           .help = "Topics of tables' changes, by their whole names.",
           .example = "[shop.shop.dbo.orders, shop.shop.dbo.order_lines]",
           .required = true},
          [](SourceSettings & s) -> auto& { return s.topics; }),
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
                   "schemas beside the values.",
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
                   "record says or, where it does not, its topic's last parts; {topic}. `target.schemas` "
                   "then maps the schema.",
           .fallback = "{schema}.{table}",
           .example = "dbo.{topic}"},
          [](SourceSettings & s) -> auto& { return s.intake.table_names; }),
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
  const std::string names = document.read("source.table_names").text;
  if (std::count(names.begin(), names.end(), '.') == 1 && names.front() != '.' && names.back() != '.') return;
  complaints.push_back({"source.table_names",
                        "expected a schema and a name with a dot between them, such as {schema}.{table}",
                        nullptr});
}

void topics_are_plain(const Document& document, std::vector<Complaint>& complaints) {
  if (!document.has("source.topics")) return;
  const std::vector<std::string> topics = document.read("source.topics").items;
  if (topics.empty()) complaints.push_back({"source.topics", "names no topic", nullptr});
  for (const std::string& topic : topics) {
    if (topic.empty() || topic.front() == '^')
      complaints.push_back(
          {"source.topics", fmt::format("'{}' is no topic's name; patterns are not taken", topic), nullptr});
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
    for (const std::vector<Binding<SourceSettings>>& more : {records(), registry_bindings()})
      out.insert(out.end(), more.begin(), more.end());
    return out;
  }();
  return all;
}

config::Table source_settings_table() {
  std::vector<config::Rule> rules = registry::settings_rules(registry_prefix);
  rules.insert(rules.end(), {fits_format, names_have_two_parts, topics_are_plain});
  return config::table_of(source_settings_bindings(), std::move(rules));
}

}  // namespace tailrace::kafka
