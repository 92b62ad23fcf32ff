// Is the target fit? Each thing that is not becomes a finding with the SQL that mends it.
//
// Source  docs/rules.md R10a.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "base/error.h"
#include "postgres/connection.h"
#include "postgres/inspect.h"
#include "postgres/state_schema.h"
#include "postgres/state_store.h"
#include "postgres/target_table.h"

namespace tailrace::postgres {
namespace {

class Check {
 public:
  Check(const Settings& settings, Connection& connection, std::vector<Finding>& findings)
      : settings_(settings), connection_(connection), findings_(findings) {}

  void server() {
    const Result row = connection_.exec(
        "SELECT current_setting('server_version'), current_database(), session_user,"
        "       has_database_privilege(current_database(), 'CREATE'),"
        "       current_setting('server_encoding'), pg_is_in_recovery(),"
        "       has_database_privilege(current_database(), 'TEMPORARY')");
    database_ = std::string(row.text(0, 1));
    user_ = std::string(row.text(0, 2));
    may_create_ = row.boolean(0, 3);
    add(FindingLevel::ok, "target.version", database_, "PostgreSQL " + std::string(row.text(0, 0)), "");
    encoding(row.text(0, 4));
    if (row.boolean(0, 5))
      add(FindingLevel::failure, "target.standby", database_,
          "the server is a standby, which takes no changes",
          "name all hosts in target.url, with target_session_attrs=read-write");
    // Keys that are exchanged across the parts of a transaction gather in a temporary table (R9c).
    if (!row.boolean(0, 6))
      add(FindingLevel::failure, "target.temporary_right", database_,
          fmt::format("{} may not make temporary tables", user_),
          fmt::format("GRANT TEMPORARY ON DATABASE {} TO {};", quote_name(database_), quote_name(user_)));
    state_schema();
  }

  void tables(const std::vector<SchemaPtr>& tables) {
    std::set<std::string> schemas;
    std::map<RelationName, TableName> taken;
    for (const SchemaPtr& table : tables) {
      const RelationName target = target_of(settings_, table->name);
      schemas.insert(target.schema);
      const auto [first, is_new] = taken.try_emplace(target, table->name);
      if (!is_new) collision(target, first->second, table->name);
    }
    for (const std::string& schema : schemas)
      right_on(schema);
    for (const SchemaPtr& each : tables) {
      try {
        table(*each);
      } catch (const Error& error) {
        add(FindingLevel::failure, "target.table", each->name.str(), error.message(),
            std::string(error.context("remedy")));
      }
    }
  }

 private:
  void add(FindingLevel level, std::string name, std::string subject, std::string reason,
           std::string remedy) {
    findings_.push_back({level, std::move(name), std::move(subject), std::move(reason), std::move(remedy)});
  }

  void encoding(std::string_view name) {
    if (name == "UTF8") return add(FindingLevel::ok, "target.encoding", database_, "UTF8", "");
    add(FindingLevel::warning, "target.encoding", database_,
        fmt::format("the database's encoding is {}: a row with a character that it does not hold stops the "
                    "pipeline",
                    name),
        fmt::format(
            "CREATE DATABASE {} ENCODING 'UTF8' LOCALE 'C.UTF-8' TEMPLATE template0;   -- and name it in "
            "target.url",
            quote_name(constraint_name(database_ + "_utf8"))));
  }

  void state_schema() {
    const int stored = stored_state_version(connection_);
    if (stored > state_version) {
      add(FindingLevel::failure, "target.state_schema", "tailrace",
          fmt::format("version {} is newer than this program's {}", stored, state_version),
          "run a newer tailrace");
    } else if (stored == 0 && !may_create_) {
      add(FindingLevel::failure, "target.state_schema", "tailrace",
          fmt::format("{} may not create schema tailrace", user_),
          fmt::format("GRANT CREATE ON DATABASE {} TO {};", quote_name(database_), quote_name(user_)));
    } else {
      add(FindingLevel::ok, "target.state_schema", "tailrace",
          stored == 0 ? "will be made" : fmt::format("version {}", stored), "");
    }
  }

  void collision(const RelationName& target, const TableName& first, const TableName& second) {
    add(FindingLevel::failure, "target.name_collision", target.str(),
        fmt::format("{} and {} both become {}", first.str(), second.str(), target.str()),
        fmt::format("target: {{ schemas: {{ {}: {}_source }} }}", second.schema, second.schema));
  }

  // Schemas whose names PostgreSQL, or tailrace, keeps for itself.
  bool is_reserved(const std::string& schema) const {
    return schema == "tailrace" || schema == "information_schema" || schema.starts_with("pg_");
  }

  void right_on(const std::string& schema) {
    if (is_reserved(schema)) {
      add(FindingLevel::failure, "target.schema_name", schema,
          schema == "tailrace" ? "tailrace keeps its own state in a schema of that name"
                               : "PostgreSQL keeps that name for itself",
          fmt::format("target: {{ schemas: {{ {}: {}_source }} }}", schema, schema));
      return;
    }
    const Result row = connection_.query(
        "SELECT has_schema_privilege(n.oid, 'CREATE') AND has_schema_privilege(n.oid, 'USAGE')"
        "  FROM pg_namespace n WHERE n.nspname = $1",
        Params().text(schema));
    if (row.rows() == 0 && !may_create_) {
      add(FindingLevel::failure, "target.schema_right", schema,
          fmt::format("the schema does not exist and {} may not create it", user_),
          fmt::format("CREATE SCHEMA {} AUTHORIZATION {};", quote_name(schema), quote_name(user_)));
    } else if (row.rows() == 1 && !row.boolean(0, 0)) {
      add(FindingLevel::failure, "target.schema_right", schema,
          fmt::format("{} may not create tables in it", user_),
          fmt::format("GRANT CREATE, USAGE ON SCHEMA {} TO {};", quote_name(schema), quote_name(user_)));
    } else {
      add(FindingLevel::ok, "target.schema_right", schema, "", "");
    }
  }

  bool is_ours(const TableName& name) {
    return stored_state_version(connection_) != 0 &&
           connection_
                   .query(
                       "SELECT FROM tailrace.table_state"
                       " WHERE pipeline = $1 AND source_schema = $2 AND source_table = $3",
                       Params().text(settings_.pipeline).text(name.schema).text(name.name))
                   .rows() == 1;
  }

  void table(const TableSchema& table) {
    check_names(settings_, table);
    const RelationName target = target_of(settings_, table.name);
    system_columns(table);
    for (const std::size_t column : table.key) {
      if (loses_digits(table.columns[column].type))
        add(FindingLevel::failure, "target.key_digits", table.name.str() + "." + table.columns[column].name,
            "the key loses its seventh digit: two source keys could become one",
            fmt::format("tables: {{ exclude: [{}] }}", table.name.str()));
    }
    const TargetFacts facts = read_targets(connection_, {target}).at(target);
    const TargetTable& found = facts.table;
    if (!found.exists()) {
      add(FindingLevel::ok, "target.table", target.str(), "will be made", "");
      return;
    }
    const std::size_t before = findings_.size();
    shape(table, target, found);
    storage(table, target, found);
    meddlers(target, facts);
    if (findings_.size() == before) add(FindingLevel::ok, "target.table", target.str(), "fits", "");
  }

  void shape(const TableSchema& table, const RelationName& target, const TargetTable& found) {
    for (Difference& difference : differences(table, target, found, settings_))
      add(FindingLevel::failure, "target.shape", target.str(), std::move(difference.text),
          std::move(difference.remedy));
    if (found.kind != 'r' && found.kind != 'p') return;
    if (!is_ours(table.name) && has_rows(connection_, target)) rows(target);
    const Result rights = connection_.query(
        "SELECT pg_has_role(c.relowner, 'USAGE'),"
        "       has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT') AND"
        "       has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE')"
        "  FROM pg_class c WHERE c.oid = $1",
        Params().integer(found.oid));
    if (!rights.boolean(0, 1))
      add(FindingLevel::failure, "target.table_right", target.str(),
          fmt::format("{} may not write it", user_),
          fmt::format("GRANT SELECT, INSERT, UPDATE, DELETE ON {} TO {};", target.quoted(),
                      quote_name(user_)));
    if (!rights.boolean(0, 0))
      add(FindingLevel::failure, "target.table_owner", target.str(),
          fmt::format("{} does not own the table and cannot give it keys", user_),
          fmt::format("ALTER TABLE {} OWNER TO {};", target.quoted(), quote_name(user_)));
  }

  // R10c.
  void rows(const RelationName& target) {
    if (!settings_.load_first && !is_known(connection_, settings_.pipeline))
      return add(
          FindingLevel::ok, "target.rows", target.str(),
          "the table holds rows: they stay, as what the source had at the start (snapshot.mode: no_data)",
          "");
    switch (settings_.existing) {
      case ExistingRows::refuse:
        add(FindingLevel::failure, "target.rows", target.str(),
            "the table holds rows that this pipeline did not write",
            fmt::format(
                "TRUNCATE {}; -- or set snapshot.existing (adopt, append, truncate), or rename it, or "
                "exclude the source table",
                target.quoted()));
        break;
      case ExistingRows::truncate:
        add(FindingLevel::warning, "target.rows", target.str(),
            "the table holds rows that this pipeline did not write: they will be removed "
            "(snapshot.existing: truncate)",
            "snapshot: { existing: adopt }   # keeps them in view until the source's are complete");
        break;
      case ExistingRows::append:
        add(FindingLevel::ok, "target.rows", target.str(),
            "the table holds rows: those whose keys the source does not have stay", "");
        break;
      case ExistingRows::adopt:
        add(FindingLevel::ok, "target.rows", target.str(),
            "the table holds rows: they will be compared with the source's, and what differs is mended", "");
        break;
    }
  }

  // What PostgreSQL itself does to rows of such tables.
  void storage(const TableSchema& table, const RelationName& target, const TargetTable& found) {
    if (found.unlogged)
      add(FindingLevel::failure, "target.unlogged", target.str(),
          "PostgreSQL empties an unlogged table after a crash of the server, and the position goes on",
          fmt::format("ALTER TABLE {} SET LOGGED;", target.quoted()));
    if (found.kind != 'p') return;
    for (const std::string& column : found.partition_key) {
      const std::optional<std::size_t> at = table.find_column(column);
      if (at && table.is_key(*at)) continue;
      add(FindingLevel::failure, "target.partition_key", target.str(),
          fmt::format(
              "it is partitioned by {}, which is not in the replication key: PostgreSQL cannot give it "
              "its primary key",
              column.empty() ? "an expression" : column),
          fmt::format("DROP TABLE {};   -- tailrace makes a plain one", target.quoted()));
    }
    if (!found.has_default_partition)
      add(FindingLevel::warning, "target.partition_default", target.str(),
          "it has no default partition: a row for which there is no partition stops the pipeline",
          fmt::format("CREATE TABLE {} PARTITION OF {} DEFAULT;",
                      RelationName{target.schema, constraint_name(target.name + "_default")}.quoted(),
                      target.quoted()));
  }

  // Every table of PostgreSQL has these.
  void system_columns(const TableSchema& table) {
    static constexpr std::array<std::string_view, 6> reserved{"tableoid", "xmin", "cmin",
                                                              "xmax",     "cmax", "ctid"};
    for (const Column& column : table.columns) {
      if (std::find(reserved.begin(), reserved.end(), column.name) == reserved.end()) continue;
      add(FindingLevel::failure, "target.column_name", table.name.str() + "." + column.name,
          "every table of PostgreSQL has a system column of that name",
          fmt::format("tables: {{ settings: {{ {}: {{ columns: {{ exclude: [{}] }} }} }} }}",
                      table.name.str(), column.name));
    }
  }

  void meddlers(const RelationName& target, const TargetFacts& facts) {
    for (const Meddler& meddler : facts.meddlers)
      add(FindingLevel::failure, "target." + meddler.kind, target.str() + " " + meddler.name, meddler.reason,
          meddler.remedy);
  }

  const Settings& settings_;
  Connection& connection_;
  std::vector<Finding>& findings_;
  std::string database_;
  std::string user_;
  bool may_create_ = false;
};

std::string name_of_refusal(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::auth: return "target.login";
    case ErrorKind::config: return "target.fit";
    default: return "target.reachable";
  }
}

}  // namespace

std::vector<Finding> check(const Settings& settings, const std::vector<SchemaPtr>& tables,
                           std::stop_token stop) {
  std::vector<Finding> findings;
  try {
    Connection connection(settings, "check", std::move(stop));
    findings.push_back({FindingLevel::ok, "target.reachable", "target.url", "connected", ""});
    const Settings found = with_extensions(connection, settings);
    Check check(found, connection, findings);
    check.server();
    check.tables(tables);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::abandoned) throw;
    findings.push_back({FindingLevel::failure, name_of_refusal(error.kind()), "target.url", error.message(),
                        std::string(error.context("remedy"))});
  }
  return findings;
}

}  // namespace tailrace::postgres
