// How much at once, how long to try, what to do with a bad row.
#include "pipeline/settings_table.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/error.h"
#include "config/units.h"
#include "model/instant.h"

namespace tailrace {
namespace {

using config::bind;
using config::Binding;
using config::mebibyte;
using config::SettingType;
using config::unbound;

bool loads_nothing(const config::Document& document) {
  return snapshot_mode_of(document.read("snapshot.mode").text) == SnapshotMode::no_data;
}

void start_is_a_point(const config::Document& document, std::vector<config::Complaint>& complaints) {
  const auto complain = [&](const char* setting, const std::string& text) {
    complaints.push_back({setting, text, nullptr});
  };
  for (const char* setting : {"start.lsn", "start.time"}) {
    if (!document.has(setting)) continue;
    if (!loads_nothing(document))
      complain(setting, "without snapshot.mode: no_data a first start begins with a snapshot");
    const std::string text = document.read(setting).text;
    try {
      if (setting == std::string_view("start.lsn")) {
        static_cast<void>(Lsn::parse(text));
      } else {
        static_cast<void>(parse_instant(text));
      }
    } catch (const Error& error) {
      complain(setting, error.message());
    }
  }
  if (document.has("start.lsn") && document.has("start.time"))
    complain("start.time", "start.lsn says where to begin already");
  if (loads_nothing(document) && document.read("snapshot.existing").text != "refuse")
    complain("snapshot.existing",
             "with snapshot.mode: no_data there is nothing to hold existing rows against");
}

}  // namespace

const std::vector<Binding<RunSettings>>& run_settings_bindings() {
  static const std::vector<Binding<RunSettings>> all{
      {{.name = "snapshot.mode",
        .type = SettingType::choice,
        .help =
            "initial: tables that are not loaded yet are loaded, then the stream follows. initial_only: "
            "without the stream; the run ends. no_data (older names: none, schema_only): a pipeline's "
            "first start loads "
            "nothing; its targets hold what the source had at the start, loaded by other means, or "
            "nothing, and the changes "
            "behind it follow. Tables that come later are loaded. never, recovery (schema_only_recovery): "
            "a first start, with nothing stored, is an error. when_needed: where changes behind the "
            "position are gone every table is loaded again instead of exit code 7. always: each start "
            "of the program loads every table again. The last two need a Kafka target.",
        .fallback = "initial",
        .choices = snapshot_mode_names()},
       [](RunSettings& s, const std::string&, const config::Value& value) {
         s.snapshot_mode = snapshot_mode_of(value.text);
       }},
      {{.name = "start.lsn",
        .help =
            "With snapshot.mode: no_data, where the first start begins: changes of transactions behind this "
            "LSN. 20 hex digits, "
            "or 8:8:4.",
        .example = "0000002a000001c80003"},
       [](RunSettings& s, const std::string&, const config::Value& value) {
         s.start.lsn = Lsn::parse(value.text);
       }},
      {{.name = "start.time",
        .help = "The same by the source's clock: changes committed after it. ISO 8601 with an offset. "
                "Without both of them: "
                "from where capture is.",
        .example = "2026-11-23T10:00:00+01:00"},
       [](RunSettings& s, const std::string&, const config::Value& value) {
         s.start.time_utc = parse_instant(value.text);
       }},
      bind<RunSettings>(
          {.name = "snapshot.readers",
           .type = SettingType::integer,
           .help = "Chunks read at the same time; each has a connection to both sides.",
           .fallback = "4",
           .minimum = 1,
           .maximum = 64},
          [](RunSettings & s) -> auto& { return s.readers; }),
      bind<RunSettings>(
          {.name = "snapshot.chunk_rows",
           .type = SettingType::integer,
           .help = "Rows of a chunk, about. A killed snapshot reads at most one chunk a reader again.",
           .fallback = "50000",
           .minimum = 100,
           .maximum = 10'000'000},
          [](RunSettings & s) -> auto& { return s.chunk_rows; }),
      unbound<RunSettings>({.name = "snapshot.existing",
                            .type = SettingType::choice,
                            .help = "A table that the target has already, with rows, before its first load. "
                                    "refuse: do not start. adopt: keep them in view, compare them with the "
                                    "source's, and mend what differs in one transaction. append: the same, "
                                    "but rows whose keys the source does not have stay. truncate: remove "
                                    "them before the load.",
                            .fallback = "refuse",
                            .choices = {"refuse", "truncate", "append", "adopt"}}),
      bind<RunSettings>(
          {.name = "stream.queue_bytes",
           .type = SettingType::bytes,
           .help = "Changes that are read ahead of the target. This bounds memory.",
           .fallback = "8MiB",
           .minimum = mebibyte,
           .maximum = 1024 * mebibyte},
          [](RunSettings & s) -> auto& { return s.queue_bytes; }),
      bind<RunSettings>(
          {.name = "retry.first_contact",
           .type = SettingType::duration,
           .help = "How long an unreachable side is tried before the pipeline has ever succeeded; later "
                   "it is tried for ever.",
           .fallback = "30s",
           .minimum = 0,
           .maximum = 3'600'000},
          [](RunSettings & s) -> auto& { return s.first_contact; }),
      unbound<RunSettings>(
          {.name = "errors.on_row",
           .type = SettingType::choice,
           .help =
               "A change that cannot be applied. stop: with nothing of its transaction applied. dead_letter: "
               "it goes to tailrace.dead_letter, its key counts as diverged, and everything else is applied.",
           .fallback = "stop",
           .choices = {"stop", "dead_letter"}}),
      unbound<RunSettings>(
          {.name = "errors.dead_letter_topic",
           .help = "With a Kafka source or target: the topic that dead letters go to "
                   "(errors.deadletterqueue.topic.name). From Kafka: the records as they came; without it "
                   "they stay "
                   "in tailrace.dead_letter. To Kafka it must be set: rows as JSON. Made if it is not there.",
           .example = "shop-dead-letters"}),
      unbound<RunSettings>(
          {.name = "errors.dead_letter_replication",
           .type = SettingType::integer,
           .help = "Replicas of that topic where it is made "
                   "(errors.deadletterqueue.topic.replication.factor). Without it the brokers' default.",
           .minimum = 1,
           .maximum = 100}),
      unbound<RunSettings>(
          {.name = "errors.dead_letter_headers",
           .type = SettingType::boolean,
           .help = "From Kafka: letters say in headers where they come from and what is wrong with them "
                   "(errors.deadletterqueue.context.headers.enable): __connect.errors... as Kafka Connect "
                   "does, and "
                   "tailrace...",
           .fallback = "true"}),
      unbound<RunSettings>(
          {.name = "errors.dead_letter_waiting",
           .type = SettingType::integer,
           .help =
               "From Kafka: while the topic does not take them so many letters wait in tailrace.dead_letter; "
               "then the pipeline stops.",
           .fallback = "10000",
           .minimum = 1,
           .maximum = 10'000'000}),
      unbound<RunSettings>(
          {.name = "errors.dead_letter_state_topic",
           .help =
               "From Kafka: the compacted topic that says which letters were sent last, so that none is sent "
               "twice. Without it tailrace-letters-PIPELINE.",
           .example = "shop-letters-state"}),
  };
  return all;
}

namespace {

void letters_have_a_use(const config::Document& document, std::vector<config::Complaint>& complaints) {
  const auto is_kafka = [&](const char* side) {
    return document.has(side) && document.read(side).text == "kafka";
  };
  const bool is_from_kafka = is_kafka("source.type");
  const bool has_kafka = is_from_kafka || is_kafka("target.type");
  const bool has_letters = document.read("errors.on_row").text == "dead_letter";
  for (const config::Entry& entry : document.entries()) {
    const std::string& name = entry.setting->name;
    if (name.rfind("errors.dead_letter_", 0) != 0) continue;
    const bool is_of_source = name != "errors.dead_letter_topic" && name != "errors.dead_letter_replication";
    if (!has_kafka) {
      complaints.push_back(
          {name, "has no meaning without Kafka: letters are in tailrace.dead_letter", nullptr});
    } else if (!has_letters) {
      complaints.push_back({name, "has no meaning with errors.on_row: stop", nullptr});
    } else if (is_of_source && !is_from_kafka) {
      complaints.push_back({name, "belongs to source.type: kafka", nullptr});
    } else if (!document.has("errors.dead_letter_topic") && name != "errors.dead_letter_topic") {
      complaints.push_back({name, "has no meaning without errors.dead_letter_topic", nullptr});
    }
  }
  if (has_letters && has_kafka && !is_from_kafka && !document.mentions("errors.dead_letter_topic"))
    complaints.push_back({"errors.dead_letter_topic", "is missing; where are letters to go?", nullptr});
  if (!document.has("errors.dead_letter_topic") || !document.has("source.topics")) return;
  const std::vector<std::string> topics = document.read("source.topics").items;
  const std::string letters = document.read("errors.dead_letter_topic").text;
  if (std::find(topics.begin(), topics.end(), letters) != topics.end())
    complaints.push_back({"errors.dead_letter_topic",
                          "is one of source.topics: letters would be read again, for ever", nullptr});
}

}  // namespace

config::Table run_settings_table() {
  return config::table_of(run_settings_bindings(), {start_is_a_point, letters_have_a_use});
}

}  // namespace tailrace
