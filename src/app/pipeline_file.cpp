// The settings that belong to no module, and the choice of connectors.
#include "app/pipeline_file.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "kafka/settings_table.h"
#include "pipeline/settings_table.h"

namespace tailrace::app {
namespace {

using config::Complaint;
using config::Document;
using config::Setting;
using config::SettingType;

// The name stands in advisory locks, application names and file names.
constexpr std::size_t name_limit = 48;

template <class Connector>
Setting type_setting(const char* name, const char* help, const std::vector<Connector>& connectors,
                     std::vector<std::pair<std::string, std::string>> refused = {}) {
  Setting out{.name = name, .type = SettingType::choice, .help = help, .required = true};
  for (const Connector& connector : connectors)
    out.choices.push_back(connector.type);
  out.refused = std::move(refused);
  return out;
}

void plain_name(const Document& document, std::vector<Complaint>& complaints) {
  if (!document.has("pipeline")) return;
  const std::string name = document.read("pipeline").text;
  const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
  });
  if (plain && name.size() <= name_limit) return;
  complaints.push_back(
      {"pipeline",
       fmt::format("expected at most {} letters, digits, '_', '-' or '.', got '{}'", name_limit, name),
       nullptr});
}

// What a topic holds is applied from its beginning.
void partitions_need(const Document& document, std::vector<Complaint>& complaints) {
  if (!document.has("source.type") || document.read("source.type").text != "kafka") return;
  for (const config::Entry& entry : document.entries()) {
    const std::string& name = entry.setting->name;
    if (name.rfind("snapshot.", 0) == 0 || name.rfind("start.", 0) == 0)
      complaints.push_back({name, "has no meaning with source.type: kafka; take it out", nullptr});
  }
  if (document.has("target.type") && document.read("target.type").text == "kafka")
    complaints.push_back(
        {"target.type", "cannot be kafka with source.type: kafka; expected postgres", nullptr});
  if (!document.has("kafka.bootstrap_servers"))
    complaints.push_back(
        {"kafka.bootstrap_servers", "is missing; expected a list of brokers, host:port", nullptr});
}

// What a record does to its row needs the key that its source gives it.
void rows_fit_their_keys(const Document& document, std::vector<Complaint>& complaints) {
  if (!document.has("source.type") || !document.has("target.type") ||
      document.read("target.type").text != "postgres")
    return;
  if (document.read("source.type").text != "kafka") {
    for (const char* const name : {"target.insert_mode", "target.new_tables"}) {
      if (document.has(name))
        complaints.push_back({name, "has no meaning without source.type: kafka", nullptr});
    }
    return;
  }
  const std::string mode = document.read("target.insert_mode").text;
  const std::string key = document.read("source.pk_mode").text;
  // A row of a key that has a letter replaces what is there, or is left out: an insert must not, and without the record's
  // key nobody knows whose change is lost.
  if (document.read("errors.on_row").text == "dead_letter" && (mode != "upsert" || key != "record_key"))
    complaints.push_back(
        {"errors.on_row",
         "dead_letter is served with target.insert_mode: upsert and source.pk_mode: record_key alone; "
         "expected stop",
         nullptr});
  if (key == "none" && mode != "insert")
    complaints.push_back({"target.insert_mode",
                          fmt::format("cannot be {} with source.pk_mode: none: rows without a key can be "
                                      "inserted alone; expected insert",
                                      mode),
                          nullptr});
  if (key == "kafka" && mode == "update")
    complaints.push_back(
        {"target.insert_mode",
         "cannot be update with source.pk_mode: kafka: no record is of a row that is there; expected "
         "upsert or insert",
         nullptr});
}

// A change of a row that was never loaded has no place in a table, and one compared with its source would lose what is left out.
void filters_need_events(const Document& document, std::vector<Complaint>& complaints) {
  if (document.has("target.type") && document.read("target.type").text == "kafka") return;
  for (const config::Entry* entry : document.find("tables.settings.*.snapshot_filter")) {
    complaints.push_back(
        {entry->setting->name,
         "is served with target.type: kafka alone: of a table that holds a part of the rows, changes of "
         "the others cannot be applied, and it cannot be compared with its source; take it out",
         entry});
  }
}

// The settings and rules of a connector, for files that choose it.
config::Table of_choice(config::Table table, const std::string& setting, const std::string& value) {
  for (Setting& each : table.settings)
    each.belongs_to = {setting, value};
  for (config::Rule& rule : table.rules) {
    rule = [rule, setting, value](const Document& document, std::vector<Complaint>& complaints) {
      if (document.has(setting) && document.read(setting).text == value) rule(document, complaints);
    };
  }
  return table;
}

config::Table own_settings() {
  config::Table out;
  out.settings = {
      {.name = "pipeline",
       .help = "Name of the pipeline; its state in the target is kept under it.",
       .example = "shop",
       .required = true},
      type_setting("source.type", "What the source is.", source_connectors()),
      type_setting("target.type", "What the target is.", target_connectors()),
  };
  out.rules = {plain_name, partitions_need, rows_fit_their_keys, filters_need_events};
  return out;
}

config::Table observability_settings() {
  config::Table out;
  out.settings = {
      {.name = "observability.log_format",
       .type = SettingType::choice,
       .help = "Log lines as text (`time level event key=value`) or as one JSON object a line.",
       .fallback = "text",
       .choices = {"text", "json"}},
      {.name = "observability.log_level",
       .type = SettingType::choice,
       .help = "The least severe lines shown by `tailrace run`; other commands show warn and above.",
       .fallback = "info",
       .choices = {"debug", "info", "warn", "error"}},
      {.name = "observability.metrics_listen", .refusal = "it has no metrics endpoint; take the line out"},
  };
  return out;
}

template <class Connector>
const Connector* find_connector(const std::vector<Connector>& connectors, const std::string& type) {
  const auto found = std::find_if(connectors.begin(), connectors.end(),
                                  [&](const Connector& each) { return each.type == type; });
  TAILRACE_ASSERT(found != connectors.end());
  return &*found;
}

log::Level level_of(const std::string& name) {
  if (name == "debug") return log::Level::debug;
  if (name == "warn") return log::Level::warn;
  if (name == "error") return log::Level::error;
  return log::Level::info;
}

}  // namespace

config::Table all_settings() {
  config::Table out = own_settings();
  for (const SourceConnector& connector : source_connectors())
    out.add(of_choice(connector.settings(), "source.type", connector.type));
  for (const TargetConnector& connector : target_connectors())
    out.add(of_choice(connector.settings(), "target.type", connector.type));
  out.add(kafka::settings_table());
  out.add(run_settings_table());
  out.add(observability_settings());
  return out;
}

void configure_log(const std::string& format, const std::string& level) {
  log::configure(level_of(level), format == "json" ? log::Format::json : log::Format::text);
}

PipelineFile load_pipeline(const Invocation& invocation, std::string_view usual_level) {
  PipelineFile out;
  out.document = std::make_shared<const Document>(config::load_file(invocation.config, all_settings()));
  const Document& document = *out.document;
  std::string format = invocation.value("log-format");
  if (format.empty()) format = document.read("observability.log_format").text;
  std::string level = invocation.value("log-level");
  if (level.empty()) {
    level =
        document.has("observability.log_level") ? document.read("observability.log_level").text : usual_level;
  }
  configure_log(format, level);
  out.name = document.read("pipeline").text;
  out.source = find_connector(source_connectors(), document.read("source.type").text);
  out.target = find_connector(target_connectors(), document.read("target.type").text);
  config::fill(out.run, run_settings_bindings(), document);
  return out;
}

PipelineStatus known_status(const PipelineFile& pipeline) {
  PipelineStatus status = pipeline.target->status(*pipeline.document, {});
  if (!status.known) {
    throw Error(ErrorKind::config,
                fmt::format("pipeline {} has never run: the target holds nothing of it", pipeline.name))
        .with("remedy", "start it with `tailrace run`");
  }
  return status;
}

SourceFactory PipelineFile::source_factory() const {
  return [document = document, make = source->make] { return make(*document); };
}

PartitionSourceFactory PipelineFile::partition_source_factory() const {
  return [document = document, make = source->make_partitions] { return make(*document); };
}

PartitionSinkFactory PipelineFile::partition_sink_factory() const {
  return [document = document, make = target->make_partitions] { return make(*document); };
}

void refuse_partitions(const PipelineFile& pipeline, std::string_view command) {
  if (!pipeline.of_partitions()) return;
  throw Error(ErrorKind::config,
              fmt::format("`tailrace {}` is about one stream and its position; pipeline {} reads partitions, "
                          "each with a position of its own",
                          command, pipeline.name))
      .with("remedy", "see tailrace.kafka_position in the target");
}

std::unique_ptr<LetterForwarder> PipelineFile::letter_forwarder() const {
  if (!of_partitions() || !document->has("errors.dead_letter_topic")) return nullptr;
  return std::make_unique<LetterForwarder>(
      [document = document, make = target->make_letter_box] { return make(*document); },
      [document = document, make = source->make_letter_post] { return make(*document); });
}

SinkFactory PipelineFile::sink_factory() const {
  return [document = document, make = target->make] { return make(*document); };
}

}  // namespace tailrace::app
