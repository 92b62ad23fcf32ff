// The table of commands: names, options, help, exit codes.
#include "app/commands.h"

namespace tailrace::app {
namespace {

const Option format_option{
    .name = "format", .value = "text|json", .fallback = "text", .help = "Format of the answer on stdout."};

const Option table_option{
    .name = "table", .value = "SCHEMA.NAME", .help = "Only this table of the source.", .repeat = true};

// Whatever looks at both databases may end so.
const std::vector<ExitCode> looking{ExitCode::done, ExitCode::config, ExitCode::auth, ExitCode::unavailable};

Command check_command() {
  return {.name = "check",
          .summary =
              "Can it run? Looks at both databases and names what is missing, each with its remedy as SQL.",
          .details =
              "Nothing is changed. `ok`, `warning`, `failure` and `unknown` (what the login may not see) are "
              "told apart; failures alone, a side that cannot be reached among them, make the answer 'no'. "
              "JSON: pipeline, fit, findings[] of level, check, "
              "subject, reason, remedy.",
          .options = {format_option},
          .exit_codes = {ExitCode::done, ExitCode::no, ExitCode::config},
          .run = run_check};
}

Command schema_command() {
  return {.name = "schema",
          .summary = "The target's DDL that a run would create, as far as it is missing.",
          .details =
              "Prints SQL: schemas and tables that are missing and, as comments, the keys and constraints "
              "that `tailrace "
              "run` makes after the load. --apply makes the schemas and tables.",
          .options = {{.name = "apply", .help = "Create what is missing, and print it."},
                      {.name = "grants", .help = "Print the rights that both logins need instead."}},
          .exit_codes = looking,
          .run = run_schema};
}

Command run_command() {
  return {
      .name = "run",
      .summary = "Load what is not loaded yet, then follow the changes, until stopped.",
      .details =
          "SIGTERM or SIGINT drains: what is read is applied, then the program ends with 0. A second signal "
          "abandons what is in flight and ends with 130; nothing is lost or doubled either way.",
      .options = {{.name = "until-caught-up",
                   .help =
                       "End once everything committed before the start is applied and every table streams."},
                  {.name = "snapshot-only", .help = "End once every table is loaded; a later run streams."},
                  {.name = "take-over", .help = "Depose another runner of this pipeline, even a live one."}},
      .exit_codes = {ExitCode::done, ExitCode::config, ExitCode::auth, ExitCode::unavailable, ExitCode::data,
                     ExitCode::schema, ExitCode::gap, ExitCode::protocol, ExitCode::fenced,
                     ExitCode::internal, ExitCode::abandoned},
      .run = run_run};
}

Command status_command() {
  return {
      .name = "status",
      .summary = "Position, lag and tables of a pipeline, as the target keeps them.",
      .details =
          "A pipeline that has never run is answered with 1. JSON: pipeline, known, runner {alive, name, "
          "heartbeat_age_seconds}, position {lsn, commit_time, written_at} or null, lag_seconds (from commit "
          "at the source to durable in the target, of the newest transaction applied) or null, last_error or "
          "null, tables[] of table, state (loading, catching_up, joining, streaming, paused), rows (estimate "
          "of the target), "
          "snapshot_rows, chunks_done, chunks_planned, resnapshot, outside, wanted, existing (truncate, "
          "append, adopt, or null: no rows "
          "were there before), compared {deleted, updated, inserted, kept} (how the target differed when it "
          "was compared with the source last) or null, parked_keys, diverged_keys, dead_letters, skipped, "
          "instance "
          "(the "
          "capture instance that is read), last_error. From Kafka tables[] are those with letters, and there "
          "are "
          "waiting_letters (that their topic has not taken yet) and partitions[].",
      .options = {format_option, {.name = "watch", .help = "Again every second, until interrupted."}},
      .exit_codes = {ExitCode::done, ExitCode::no, ExitCode::config, ExitCode::auth, ExitCode::unavailable},
      .run = run_status};
}

Command position_command() {
  return {.name = "position",
          .summary = "The position up to which everything is applied: show it, or set it by hand.",
          .details =
              "set is refused while a runner lives (9). Back: the tables replay what lies behind the new "
              "position, and show older states until "
              "they have come to now again; what is gone at the source is refused (7). Forward: refused "
              "without --skip; what "
              "lies in between is counted, named, and never applied, and `status` lists those tables as "
              "diverged until they are taken "
              "again. Tables outside the stream stay where they are. Each change is kept in "
              "tailrace.position_change. JSON of set: "
              "pipeline, moved (nowhere, back, forward), from {lsn, commit_time}, to, replayed[], skipped "
              "{table: changes or null}.",
          .actions = {{"show", "Print it."}, {"set", "Move it, with a reason."}},
          .options = {format_option,
                      {.name = "lsn",
                       .value = "LSN",
                       .help = "set: to this LSN, 20 hex digits or 8:8:4; what lies behind it follows."},
                      {.name = "time",
                       .value = "TIME",
                       .help = "set: to the last transaction at this time or before, by the source's clock; "
                               "ISO 8601 with an offset."},
                      {.name = "reason", .value = "TEXT", .help = "set: why; it is kept."},
                      {.name = "skip",
                       .help = "set: allow to move forward, over changes that will never be applied."}},
          .exit_codes = {ExitCode::done, ExitCode::no, ExitCode::config, ExitCode::auth,
                         ExitCode::unavailable, ExitCode::gap, ExitCode::fenced},
          .run = run_position};
}

Command table_command() {
  return {
      .name = "table",
      .summary = "The tables of a pipeline: list them, add, pause, resume, or take one again.",
      .details =
          "The other tables go on meanwhile. A request is recorded and answered by the live runner within "
          "moments, else the "
          "next run does it. A refusal is answered with 1. JSON of a request: one line a table with table, "
          "asked, answer "
          "(done, refused, recorded), runner_alive, reason.",
      .actions =
          {{"list", "Tables and their states."},
           {"add",
            "Load a table that the configuration includes and that was enabled for CDC after the run began; "
            "it joins "
            "the stream when it has caught up."},
           {"pause", "Leave the table out of the stream; the target keeps showing it as it is."},
           {"resume",
            "Replay what has changed since the pause; the table joins the stream when it has caught up."},
           {"resnapshot",
            "Load the table again; the target keeps showing what it has until the new state joins in one "
            "transaction. A live runner begins at once, else the next one."}},
      .options = {table_option, format_option},
      .exit_codes = {ExitCode::done, ExitCode::no, ExitCode::config, ExitCode::auth, ExitCode::unavailable},
      .run = run_table};
}

std::vector<Command> make_commands() {
  return {check_command(),
          schema_command(),
          run_command(),
          status_command(),
          position_command(),
          table_command(),
          {.name = "docs",
           .summary = "Print a generated document.",
           .takes_config = false,
           .actions = {{"configuration", "docs/configuration.md"},
                       {"cli", "docs/cli.md"},
                       {"types", "docs/types.md"}},
           .exit_codes = {ExitCode::done, ExitCode::config},
           .hidden = true,
           .run = run_docs},
          {.name = "completion",
           .summary = "Print a shell's completion script.",
           .takes_config = false,
           .actions = {{"bash", "For bash."}, {"zsh", "For zsh."}, {"fish", "For fish."}},
           .exit_codes = {ExitCode::done, ExitCode::config},
           .run = run_completion},
          {.name = "version",
           .summary = "Print the version.",
           .takes_config = false,
           .exit_codes = {ExitCode::done},
           .run = run_version}};
}

}  // namespace

const std::vector<Command>& commands() {
  static const std::vector<Command> all = make_commands();
  return all;
}

}  // namespace tailrace::app
