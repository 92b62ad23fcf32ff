// How much at once, how long to try, what to do with a bad row.
#include "pipeline/settings_table.h"

#include "config/units.h"

namespace tailrace {
namespace {

using config::bind;
using config::Binding;
using config::mebibyte;
using config::SettingType;
using config::unbound;

}  // namespace

const std::vector<Binding<RunSettings>>& run_settings_bindings() {
  static const std::vector<Binding<RunSettings>> all{
      unbound<RunSettings>(
          {.name = "snapshot.mode",
           .type = SettingType::choice,
           .help = "initial: tables that are not loaded yet are loaded, then the stream follows.",
           .fallback = "initial",
           .choices = {"initial"}}),
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
  };
  return all;
}

config::Table run_settings_table() {
  return config::table_of(run_settings_bindings());
}

}  // namespace tailrace
