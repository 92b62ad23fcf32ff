// Where to read, which tables, how much at once: names, defaults, bounds, and what contradicts what.
#include "sqlserver/settings_table.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/units.h"
#include "sqlserver/connect_string.h"
#include "sqlserver/pattern.h"

namespace tailrace::sqlserver {
namespace {

using config::bind;
using config::Binding;
using config::Complaint;
using config::Document;
using config::Entry;
using config::mebibyte;
using config::minute_ms;
using config::Setting;
using config::SettingType;

std::vector<Binding<Settings>> connection() {
  return {
      bind<Settings>(
          {.name = "source.host",
           .help = "Name or address of the SQL Server.",
           .example = "sql01.example.com",
           .required = true},
          [](Settings & s) -> auto& { return s.host; }),
      bind<Settings>(
          {.name = "source.port",
           .type = SettingType::integer,
           .help = "TCP port.",
           .fallback = "1433",
           .minimum = 1,
           .maximum = 65535},
          [](Settings & s) -> auto& { return s.port; }),
      bind<Settings>(
          {.name = "source.instance",
           .help = "A named instance, asked of the server's browser service instead of `source.port`.",
           .example = "SQLEXPRESS"},
          [](Settings & s) -> auto& { return s.instance; }),
      {{.name = "source.databases",
        .type = SettingType::list,
        .help =
            "The database to replicate. This version takes one; a pipeline has one stream and one position.",
        .example = "[shop]",
        .required = true},
       [](Settings& s, const std::string&, const config::Value& value) { s.database = value.items.front(); }},
      bind<Settings>(
          {.name = "source.user",
           .help = "SQL login. It needs SELECT on the tables and on schema cdc; `tailrace check` says more. "
                   "Not with "
                   "integrated authentication.",
           .example = "${env:SHOP_READER}"},
          [](Settings & s) -> auto& { return s.user; }),
      bind<Settings>(
          {.name = "source.password",
           .help = "Its password, as a reference; it is read again at every attempt to connect.",
           .example = "${file:/run/secrets/shop_reader}",
           .secret = true},
          [](Settings & s) -> auto& { return s.password; }),
      bind<Settings>(
          {.name = "source.authentication",
           .type = SettingType::choice,
           .help = "password: `source.user` and `source.password`; integrated: Kerberos, as whoever this "
                   "process is (a "
                   "ticket from kinit, or a keytab by KRB5_CLIENT_KTNAME).",
           .fallback = "password",
           .choices = {"password", "integrated"}},
          [](Settings & s) -> auto& { return s.authentication; }),
      bind<Settings>(
          {.name = "source.server_spn",
           .help = "The server's principal for integrated authentication, where it is not the usual one.",
           .example = "MSSQLSvc/sql01.example.com:1433"},
          [](Settings & s) -> auto& { return s.server_spn; }),
      bind<Settings>(
          {.name = "source.encrypt.mode",
           .type = SettingType::choice,
           .help = "off: nothing is encrypted; require: encrypted, the certificate is not checked; verify: "
                   "encrypted, and the certificate must be trusted and bear the host's name; strict: as "
                   "verify, by TDS "
                   "8.0 (SQL Server 2022 and later; not with FreeTDS).",
           .fallback = "verify",
           .choices = {"off", "require", "verify", "strict"}},
          [](Settings & s) -> auto& { return s.encrypt; }),
      bind<Settings>(
          {.name = "source.encrypt.ca_file",
           .help = "Certificates that may sign the server's, in PEM; the system's authorities otherwise.",
           .example = "/etc/ssl/corp-ca.pem"},
          [](Settings & s) -> auto& { return s.ca_file; }),
      bind<Settings>(
          {.name = "source.encrypt.host_name_in_certificate",
           .help = "The name that the certificate must bear, where it is not `source.host` (a FreeTDS "
                   "before 1.5 goes on asking for the host's own).",
           .example = "sql.example.com"},
          [](Settings & s) -> auto& { return s.host_name_in_certificate; }),
      bind<Settings>(
          {.name = "source.application_intent",
           .type = SettingType::choice,
           .help = "read_only: an availability group's listener leads to a readable secondary. The end of a "
                   "load's "
                   "catch-up is then found by later transactions or markers alone.",
           .fallback = "read_write",
           .choices = {"read_write", "read_only"}},
          [](Settings & s) -> auto& { return s.application_intent; }),
      bind<Settings>(
          {.name = "source.multi_subnet_failover",
           .type = SettingType::boolean,
           .help = "Tries all addresses of a listener at once (not with FreeTDS).",
           .fallback = "false"},
          [](Settings & s) -> auto& { return s.multi_subnet_failover; }),
      bind<Settings>(
          {.name = "source.driver",
           .help =
               "Who speaks with the server. tds: tailrace itself; else an ODBC driver, by the path of its "
               "library (FreeTDS' is /usr/lib/x86_64-linux-gnu/odbc/libtdsodbc.so) or by its name in "
               "odbcinst.ini. "
               "Integrated authentication goes through ODBC: FreeTDS, where no driver is named.",
           .fallback = "tds",
           .example = "ODBC Driver 18 for SQL Server"},
          [](Settings & s) -> auto& { return s.driver; }),
      bind<Settings>(
          {.name = "source.login_timeout",
           .type = SettingType::duration,
           .help = "How long one attempt to connect may take.",
           .fallback = "15s",
           .minimum = 1'000,
           .maximum = 10 * minute_ms},
          [](Settings & s) -> auto& { return s.login_timeout; }),
      bind<Settings>(
          {.name = "source.keepalive",
           .type = SettingType::duration,
           .help = "How long a connection may be silent before the server is asked whether it still lives "
                   "(TCP keep-alive; "
                   "three questions without an answer end it).",
           .fallback = "30s",
           .minimum = 1'000,
           .maximum = 60 * minute_ms},
          [](Settings & s) -> auto& { return s.keepalive; }),
      bind<Settings>(
          {.name = "source.query_timeout",
           .type = SettingType::duration,
           .help = "How long one statement may take.",
           .fallback = "10m",
           .minimum = 1'000,
           .maximum = 24 * 60 * minute_ms},
          [](Settings & s) -> auto& { return s.query_timeout; }),
      bind<Settings>(
          {.name = "source.lock_timeout",
           .type = SettingType::duration,
           .help = "How long a read waits for a lock before it steps back and tries again.",
           .fallback = "10s",
           .minimum = 0,
           .maximum = 10 * minute_ms},
          [](Settings & s) -> auto& { return s.lock_timeout; }),
      bind<Settings>(
          {.name = "source.expected_outage",
           .type = SettingType::duration,
           .help = "How long the pipeline may have to stand still; `tailrace check` wants changes to be kept "
                   "at the "
                   "source for longer than this and a load.",
           .fallback = "1d",
           .minimum = 1'000,
           .maximum = std::int64_t{365} * 24 * 60 * minute_ms},
          [](Settings & s) -> auto& { return s.expected_outage; }),
      bind<Settings>(
          {.name = "source.expected_rate",
           .type = SettingType::bytes,
           .help = "Bytes a second by which `tailrace check` reckons how long a load takes; of a run of your "
                   "own, if "
                   "you have one.",
           .fallback = "10MiB",
           .minimum = 1024,
           .maximum = 1024 * 1024 * mebibyte},
          [](Settings & s) -> auto& { return s.expected_rate; }),
  };
}

std::vector<Binding<Settings>> selection() {
  return {
      bind<Settings>(
          {.name = "tables.include",
           .type = SettingType::list,
           .help = "Which tables, as schema.name with * and ? (which YAML wants in quotes). Without it: "
                   "every table with a capture "
                   "instance.",
           .example = "[dbo.*, sales.order_*]"},
          [](Settings & s) -> auto& { return s.include; }),
      bind<Settings>(
          {.name = "tables.exclude",
           .type = SettingType::list,
           .help = "Which of them not.",
           .example = "[dbo.audit_log]"},
          [](Settings & s) -> auto& { return s.exclude; }),
      bind<Settings>(
          {.name = "tables.settings.*.columns.exclude",
           .type = SettingType::list,
           .help = "Columns of this table (schema.name) that are not replicated.",
           .example = "[ssn]"},
          [](Settings & s, const std::string& table) -> auto& { return s.tables[table].exclude_columns; }),
      bind<Settings>(
          {.name = "tables.settings.*.text.strip",
           .type = SettingType::list,
           .help =
               "Columns of this table whose U+0000 and lone surrogates, which PostgreSQL's text cannot hold, "
               "are left out. In all other columns they are an error of the row. Refused in keys.",
           .example = "[note]"},
          [](Settings & s, const std::string& table) -> auto& { return s.tables[table].text_strip; }),
      bind<Settings>(
          {.name = "tables.settings.*.text.replace",
           .type = SettingType::list,
           .help = "Columns of this table in which U+FFFD takes their place. Refused in keys.",
           .example = "[comment]"},
          [](Settings & s, const std::string& table) -> auto& { return s.tables[table].text_replace; }),
      bind<Settings>(
          {.name = "tables.settings.*.key",
           .type = SettingType::list,
           .help = "Key of this table instead of its primary key: columns of a unique index, none of them "
                   "nullable.",
           .example = "[customer_no]"},
          [](Settings & s, const std::string& table) -> auto& { return s.tables[table].key; }),
      bind<Settings>(
          {.name = "tables.settings.*.snapshot_filter",
           .help =
               "A condition in T-SQL: a snapshot of this table takes the rows alone for which it is true "
               "(snapshot.select.statement.overrides); changes come of all rows. With target.type: kafka.",
           .example = "\"deleted = 0 AND created >= '2024-01-01'\""},
          [](Settings & s, const std::string& table) -> auto& { return s.tables[table].snapshot_filter; }),
  };
}

std::vector<Binding<Settings>> amounts() {
  return {
      bind<Settings>(
          {.name = "snapshot.batch_bytes",
           .type = SettingType::bytes,
           .help =
               "Rows of a chunk travel in batches of about this size. The default fits a processor's cache.",
           .fallback = "512KiB",
           .minimum = 64 * 1024,
           .maximum = 256 * mebibyte},
          [](Settings & s) -> auto& { return s.snapshot_batch_bytes; }),
      bind<Settings>(
          {.name = "stream.poll_interval",
           .type = SettingType::duration,
           .help = "How often an idle source is asked for changes; a busy one is asked without a pause.",
           .fallback = "500ms",
           .minimum = 1,
           .maximum = minute_ms},
          [](Settings & s) -> auto& { return s.poll_interval; }),
      bind<Settings>(
          {.name = "stream.commit_rows",
           .type = SettingType::integer,
           .help = "Rows that a commit in the target aims at under backlog; where they are of more than "
                   "1,000 tables, a thousandth of it for each of them. A transaction is never cut by a "
                   "commit, so "
                   "one may hold more.",
           .fallback = "1000000",
           .minimum = 1,
           .maximum = 100'000'000},
          [](Settings & s) -> auto& { return s.commit_rows; }),
      bind<Settings>(
          {.name = "stream.commit_transactions",
           .type = SettingType::integer,
           .help = "Source transactions in one commit, at most.",
           .fallback = "10000",
           .minimum = 1,
           .maximum = 1'000'000},
          [](Settings & s) -> auto& { return s.commit_transactions; }),
      bind<Settings>(
          {.name = "stream.commit_bytes",
           .type = SettingType::bytes,
           .help = "Memory for changes on their way. A commit goes in parts of an eighth of it, all in one "
                   "transaction of the target.",
           .fallback = "32MiB",
           .minimum = mebibyte,
           .maximum = 1024 * mebibyte},
          [](Settings & s) -> auto& { return s.commit_bytes; }),
      bind<Settings>(
          {.name = "stream.max_value_bytes",
           .type = SettingType::bytes,
           .help = "The longest value that is taken; a longer one stops the pipeline and names its table.",
           .fallback = "16MiB",
           .minimum = 8'000,
           .maximum = 1024 * mebibyte},
          [](Settings & s) -> auto& { return s.max_value_bytes; }),
  };
}

void one_database(const Document& document, std::vector<Complaint>& complaints) {
  const std::string name = "source.databases";
  if (!document.has(name)) return;
  const std::vector<std::string> databases = document.read(name).items;
  if (databases.size() < 2) return;
  complaints.push_back(
      {name,
       fmt::format("names {} databases ({}); this version takes one a file, because positions are per "
                   "database: write one file for each",
                   databases.size(), fmt::join(databases, ", ")),
       nullptr});
}

void connection_keys(const Document& document, std::vector<Complaint>& complaints) {
  if (document.has("source.instance") && document.has("source.port")) {
    complaints.push_back(
        {"source.port",
         "contradicts source.instance: a named instance is found by its name; keep one of them", nullptr});
  }
  const std::string mode = document.read("source.encrypt.mode").text;
  for (const char* name : {"source.encrypt.ca_file", "source.encrypt.host_name_in_certificate"}) {
    if (!document.has(name) || mode == "verify" || mode == "strict") continue;
    complaints.push_back({name,
                          fmt::format("contradicts source.encrypt.mode: {}, which checks no certificate; use "
                                      "verify, or take this out",
                                      mode),
                          nullptr});
  }
}

// What a driver does not have is not left out silently.
void driver_keys(const Document& document, std::vector<Complaint>& complaints) {
  const std::string driver = document.read("source.driver").text;
  const bool is_integrated = document.read("source.authentication").text == "integrated";
  if (document.has("source.driver") && driver == native_driver && is_integrated)
    complaints.push_back({"source.driver",
                          "is tds, which knows logins of SQL Server alone: take it out, and integrated "
                          "authentication goes through ODBC",
                          nullptr});
  if (!is_freetds(driver) && !(driver == native_driver && is_integrated)) return;
  if (document.read("source.encrypt.mode").text == "strict")
    complaints.push_back(
        {"source.encrypt.mode",
         "is strict, which FreeTDS does not speak; use verify, or another driver (source.driver)", nullptr});
  if (document.read("source.multi_subnet_failover").number != 0)
    complaints.push_back(
        {"source.multi_subnet_failover",
         "is not known to FreeTDS, which tries one address after the other; take it out, or use "
         "another driver (source.driver)",
         nullptr});
}

void login_keys(const Document& document, std::vector<Complaint>& complaints) {
  const bool is_integrated = document.read("source.authentication").text == "integrated";
  for (const char* name : {"source.user", "source.password"}) {
    if (document.mentions(name) && is_integrated) {
      complaints.push_back(
          {name, "contradicts source.authentication: integrated, which takes no login; keep one of them",
           nullptr});
    } else if (!document.mentions(name) && !is_integrated) {
      complaints.push_back(
          {name, "is missing; expected a login of SQL Server, or source.authentication: integrated",
           nullptr});
    }
  }
  if (document.has("source.server_spn") && !is_integrated)
    complaints.push_back(
        {"source.server_spn", "belongs to source.authentication: integrated; take it out", nullptr});
}

void patterns(const Document& document, std::vector<Complaint>& complaints) {
  for (const char* name : {"tables.include", "tables.exclude"}) {
    if (!document.has(name)) continue;
    for (const std::string& pattern : document.read(name).items) {
      if (pattern.find('.') == std::string::npos) {
        complaints.push_back(
            {name, fmt::format("'{}' has no schema; expected schema.name, such as dbo.{}", pattern, pattern),
             nullptr});
      }
    }
  }
  if (!document.has("tables.include") || !document.has("tables.exclude")) return;
  const std::vector<std::string> excluded = document.read("tables.exclude").items;
  for (const std::string& pattern : document.read("tables.include").items) {
    if (std::find(excluded.begin(), excluded.end(), pattern) != excluded.end()) {
      complaints.push_back(
          {"tables.exclude", fmt::format("'{}' is in tables.include as well; keep one", pattern), nullptr});
    }
  }
}

bool selected(const Document& document, const std::string& table) {
  const auto any = [&](const char* name) {
    const std::vector<std::string> items =
        document.has(name) ? document.read(name).items : std::vector<std::string>{};
    return std::any_of(items.begin(), items.end(), [&](const std::string& each) {
      return glob_matches(each, table, /*case_sensitive=*/false);
    });
  };
  const bool included = !document.has("tables.include") || any("tables.include");
  return included && !any("tables.exclude");
}

void table_settings(const Document& document, std::vector<Complaint>& complaints) {
  std::map<std::string, std::vector<std::string>> excluded;
  for (const Entry* entry : document.find("tables.settings.*.columns.exclude"))
    excluded[entry->chosen_key()] = document.read(*entry).items;
  for (const char* name :
       {"tables.settings.*.columns.exclude", "tables.settings.*.text.strip", "tables.settings.*.text.replace",
        "tables.settings.*.key", "tables.settings.*.snapshot_filter"}) {
    for (const Entry* entry : document.find(name)) {
      if (selected(document, entry->chosen_key())) continue;
      complaints.push_back(
          {name, "belongs to a table that tables.include and tables.exclude leave out", entry});
    }
  }
  std::map<std::string, std::vector<std::string>> stripped;
  for (const Entry* entry : document.find("tables.settings.*.text.strip"))
    stripped[entry->chosen_key()] = document.read(*entry).items;
  for (const Entry* entry : document.find("tables.settings.*.text.replace")) {
    const std::vector<std::string>& other = stripped[entry->chosen_key()];
    for (const std::string& column : document.read(*entry).items) {
      if (std::find(other.begin(), other.end(), column) == other.end()) continue;
      complaints.push_back(
          {entry->setting->name,
           fmt::format("names column '{}', which text.strip names as well; keep one", column), entry});
    }
  }
  for (const Entry* entry : document.find("tables.settings.*.key")) {
    const std::vector<std::string> key = document.read(*entry).items;
    if (key.empty())
      complaints.push_back({entry->setting->name, "is empty; expected at least one column", entry});
    for (const std::string& column : key) {
      const std::vector<std::string>& out = excluded[entry->chosen_key()];
      if (std::find(out.begin(), out.end(), column) != out.end()) {
        complaints.push_back({entry->setting->name,
                              fmt::format("names column '{}', which columns.exclude leaves out", column),
                              entry});
      }
    }
  }
}

void sizes(const Document& document, std::vector<Complaint>& complaints) {
  const std::int64_t value = document.read("stream.max_value_bytes").number;
  const std::int64_t part = document.read("stream.commit_bytes").number;
  if (value <= part) return;
  complaints.push_back(
      {document.has("stream.max_value_bytes") ? "stream.max_value_bytes" : "stream.commit_bytes",
       "stream.max_value_bytes is larger than stream.commit_bytes: one value would not fit into a "
       "part; raise stream.commit_bytes",
       nullptr});
}

}  // namespace

const std::vector<Binding<Settings>>& settings_bindings() {
  static const std::vector<Binding<Settings>> all = [] {
    std::vector<Binding<Settings>> out = connection();
    for (const std::vector<Binding<Settings>>& more : {selection(), amounts()})
      out.insert(out.end(), more.begin(), more.end());
    return out;
  }();
  return all;
}

config::Table settings_table() {
  return config::table_of(settings_bindings(), {one_database, connection_keys, driver_keys, login_keys,
                                                patterns, table_settings, sizes});
}

}  // namespace tailrace::sqlserver
