// Where to write and how: names, defaults, bounds.
#include "postgres/settings_table.h"

#include <fmt/format.h>

#include "config/units.h"

namespace tailrace::postgres {
namespace {

using config::bind;
using config::Binding;
using config::Complaint;
using config::Document;
using config::mebibyte;
using config::minute_ms;
using config::SettingType;

std::vector<Binding<Settings>> connection() {
  return {
      bind<Settings>(
          {.name = "target.url",
           .help = "The database, as a libpq URI or keyword string; it may hold sslmode, sslrootcert and "
                   "several hosts. The password belongs into `target.password`.",
           .example = "postgresql://pg01.example.com/shop?sslmode=verify-full",
           .required = true},
          [](Settings & s) -> auto& { return s.url; }),
      bind<Settings>(
          {.name = "target.user", .help = "Role; else as the URL says.", .example = "tailrace"},
          [](Settings & s) -> auto& { return s.user; }),
      bind<Settings>(
          {.name = "target.password",
           .help = "Its password, as a reference; it is read again at every attempt to connect. Without it: "
                   "~/.pgpass or what the server asks for.",
           .example = "${env:SHOP_WRITER}",
           .secret = true},
          [](Settings & s) -> auto& { return s.password; }),
      bind<Settings>(
          {.name = "target.connect_timeout",
           .type = SettingType::duration,
           .help = "How long one attempt to connect may take.",
           .fallback = "10s",
           .minimum = 1'000,
           .maximum = 10 * minute_ms},
          [](Settings & s) -> auto& { return s.connect_timeout; }),
      bind<Settings>(
          {.name = "target.heartbeat_stale",
           .type = SettingType::duration,
           .help = "A runner without a sign of life for this long counts as gone, and another may take its "
                   "place.",
           .fallback = "10s",
           .minimum = 3'000,
           .maximum = 60 * minute_ms},
          [](Settings & s) -> auto& { return s.heartbeat_stale; }),
      bind<Settings>(
          {.name = "target.takeover_grace",
           .type = SettingType::duration,
           .help = "How long a take-over waits for a backend of the runner before, which may be committing, "
                   "before it is ended.",
           .fallback = "3s",
           .minimum = 0,
           .maximum = 10 * minute_ms},
          [](Settings & s) -> auto& { return s.takeover_grace; }),
      bind<Settings>(
          {.name = "target.ddl_lock_timeout",
           .type = SettingType::duration,
           .help = "How long DDL waits for a lock before it steps back and tries again.",
           .fallback = "5s",
           .minimum = 100,
           .maximum = 10 * minute_ms},
          [](Settings & s) -> auto& { return s.ddl_lock_timeout; }),
  };
}

std::vector<Binding<Settings>> shape() {
  return {
      {{.name = "target.schemas",
        .type = SettingType::map,
        .help = "Source schema to target schema. `dbo` becomes `public` unless it is named here; others keep "
                "their "
                "names.",
        .example = "{ dbo: public }"},
       [](Settings& s, const std::string&, const config::Value& value) {
         for (const auto& [source, target] : value.pairs)
           s.schemas[source] = target;
       }},
      bind<Settings>(
          {.name = "target.char_as_char",
           .type = SettingType::boolean,
           .help = "char(n) and nchar(n) become char(n) instead of text; PostgreSQL then forgets trailing "
                   "blanks.",
           .fallback = "false"},
          [](Settings & s) -> auto& { return s.char_as_char; }),
      bind<Settings>(
          {.name = "target.xml_as_text",
           .type = SettingType::boolean,
           .help = "xml becomes text instead of xml.",
           .fallback = "false"},
          [](Settings & s) -> auto& { return s.xml_as_text; }),
      bind<Settings>(
          {.name = "target.datetimeoffset_as_text",
           .type = SettingType::boolean,
           .help = "datetimeoffset becomes text, which keeps its offset and its seventh digit.",
           .fallback = "false"},
          [](Settings & s) -> auto& { return s.datetimeoffset_as_text; }),
      bind<Settings>(
          {.name = "target.spatial_as_text",
           .type = SettingType::boolean,
           .help = "geometry and geography become text (EWKT) also where the target has PostGIS.",
           .fallback = "false"},
          [](Settings & s) -> auto& { return s.spatial_as_text; }),
      {{.name = "target.new_columns",
        .type = SettingType::choice,
        .help = "With source.type: kafka, a column that the records have and the target table has not. stop: "
                "an error. "
                "add: it is added to the table, NULL in the rows that are there.",
        .fallback = "stop",
        .choices = {"stop", "add"}},
       [](Settings& s, const std::string&, const config::Value& value) {
         s.add_columns = value.text == "add";
       }},
      {{.name = "target.new_tables",
        .type = SettingType::choice,
        .help = "With source.type: kafka, a table that is not there. make: it is made, as the records say. "
                "stop: an "
                "error, with the DDL that would have made it.",
        .fallback = "make",
        .choices = {"make", "stop"}},
       [](Settings& s, const std::string&, const config::Value& value) {
         s.make_tables = value.text == "make";
       }},
      bind<Settings>(
          {.name = "target.insert_mode",
           .type = SettingType::choice,
           .help = "With source.type: kafka, what a record that is no delete does, whatever its operation "
                   "was. upsert: "
                   "its row is there as it says. insert: it is a new row; one that is there already is an "
                   "error. update: "
                   "the row becomes that where it is there; else nothing happens.",
           .fallback = "upsert",
           .choices = {"upsert", "insert", "update"}},
          [](Settings & s) -> auto& { return s.insert_mode; }),
      bind<Settings>(
          {.name = "target.fillfactor",
           .type = SettingType::integer,
           .help = "Of created tables, in percent: room for updates that need no new index entries.",
           .fallback = "90",
           .minimum = 10,
           .maximum = 100},
          [](Settings & s) -> auto& { return s.fillfactor; }),
      bind<Settings>(
          {.name = "target.statement_bytes",
           .type = SettingType::bytes,
           .help = "An apply statement carries at most this much.",
           .fallback = "8MiB",
           .minimum = 64 * 1024,
           .maximum = 256 * mebibyte},
          [](Settings & s) -> auto& { return s.statement_bytes; }),
      bind<Settings>(
          {.name = "target.statement_rows",
           .type = SettingType::integer,
           .help = "An apply statement carries at most so many rows.",
           .fallback = "20000",
           .minimum = 1,
           .maximum = 1'000'000},
          [](Settings & s) -> auto& { return s.statement_rows; }),
  };
}

// Where tailrace keeps its state nothing else may grow.
void own_schema(const Document& document, std::vector<Complaint>& complaints) {
  if (!document.has("target.schemas")) return;
  for (const auto& [source, target] : document.read("target.schemas").pairs) {
    if (target != "tailrace") continue;
    complaints.push_back(
        {"target.schemas",
         fmt::format("maps {} to schema tailrace, where tailrace keeps its state; choose another", source),
         nullptr});
  }
}

// A target of rows keeps what it shows while a table is taken again: that is a command for one table.
void loads_once(const Document& document, std::vector<Complaint>& complaints) {
  if (document.has("target.type") && document.read("target.type").text != "postgres") return;
  const std::string mode = document.read("snapshot.mode").text;
  if (mode != "always" && mode != "when_needed") return;
  complaints.push_back({"snapshot.mode",
                        fmt::format("{} is for a Kafka target; a PostgreSQL target takes tables again by "
                                    "`tailrace table CONFIG resnapshot --table NAME`",
                                    mode),
                        nullptr});
}

}  // namespace

const std::vector<Binding<Settings>>& settings_bindings() {
  static const std::vector<Binding<Settings>> all = [] {
    std::vector<Binding<Settings>> out = connection();
    const std::vector<Binding<Settings>> more = shape();
    out.insert(out.end(), more.begin(), more.end());
    return out;
  }();
  return all;
}

config::Table settings_table() {
  return config::table_of(settings_bindings(), {own_schema, loads_once});
}

}  // namespace tailrace::postgres
