// Status, missing DDL, requests. Fitness is in check.cpp.
#include "postgres/inspect.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/error.h"
#include "base/wait.h"
#include "pipeline/runner_id.h"
#include "postgres/connection.h"
#include "postgres/ddl.h"
#include "postgres/letter_box.h"
#include "postgres/state_schema.h"
#include "postgres/target_table.h"

namespace tailrace::postgres {
namespace {

// 100 ns since 0001-01-01 of a timestamptz.
std::string ticks_sql(std::string_view expression) {
  return fmt::format("coalesce(((extract(epoch FROM {}) + 62135596800) * 10000000)::bigint, 0)", expression);
}

void read_runner(Connection& connection, const Settings& settings, PipelineStatus& status) {
  const Result row = connection.query(
      "SELECT host || ' process ' || process_id,"
      "       (extract(epoch FROM clock_timestamp() - heartbeat_at) * 1000)::bigint, last_error"
      "  FROM tailrace.runner WHERE pipeline = $1",
      Params().text(settings.pipeline));
  if (row.rows() == 0) return;
  status.last_error = std::string(row.text(0, 2));
  if (row.is_null(0, 1)) return;
  status.heartbeat_age = std::chrono::milliseconds(row.integer(0, 1));
  status.runner_alive = *status.heartbeat_age <= settings.heartbeat_stale;
  if (status.runner_alive) status.runner = std::string(row.text(0, 0));
}

void read_tables(Connection& connection, const Settings& settings, PipelineStatus& status) {
  const Result rows = connection.query(
      "SELECT t.source_schema, t.source_table, t.state, t.shadow_table IS NOT NULL AND (t.existing = "
      "'refuse' OR "
      "t.constraints_done) OR r.wanted = 'resnapshot',"
      "       greatest(coalesce(c.reltuples, 0), 0)::bigint,"
      "       coalesce(k.rows, 0)::bigint, coalesce(k.done, 0), coalesce(k.planned, 0), p.parked, "
      "t.last_error, t.outside, coalesce(r.wanted, ''), nullif(t.existing, 'refuse'),"
      "       t.compared_deleted, t.compared_updated, t.compared_inserted, t.compared_kept, t.instance_name, "
      "t.skipped"
      "  FROM tailrace.table_state t"
      "  LEFT JOIN tailrace.table_request r ON r.pipeline = t.pipeline AND r.answered_at IS NULL"
      "   AND r.source_schema = t.source_schema AND r.source_table = t.source_table"
      "  LEFT JOIN pg_namespace n ON n.nspname = t.target_schema"
      "  LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = t.target_table"
      "  LEFT JOIN LATERAL (SELECT sum(rows) AS rows, count(*) FILTER (WHERE done) AS done, count(*) AS "
      "planned"
      "         FROM tailrace.snapshot_chunk s WHERE s.pipeline = t.pipeline"
      "          AND s.source_schema = t.source_schema AND s.source_table = t.source_table) k ON true"
      " CROSS JOIN LATERAL (SELECT count(*) AS parked FROM tailrace.parked_key q WHERE q.pipeline = "
      "t.pipeline"
      "          AND q.source_schema = t.source_schema AND q.source_table = t.source_table) p"
      " WHERE t.pipeline = $1 ORDER BY t.source_schema, t.source_table",
      Params().text(settings.pipeline));
  for (int at = 0; at < rows.rows(); ++at) {
    TableStatus table;
    table.table = {std::string(rows.text(at, 0)), std::string(rows.text(at, 1))};
    table.state = table_state_of(rows.text(at, 2)).value_or(TableState::loading);
    table.resnapshot = !rows.is_null(at, 3) && rows.boolean(at, 3);
    table.rows = static_cast<std::uint64_t>(rows.integer(at, 4));
    table.snapshot_rows = static_cast<std::uint64_t>(rows.integer(at, 5));
    table.chunks_done = static_cast<std::uint32_t>(rows.integer(at, 6));
    table.chunks_planned = static_cast<std::uint32_t>(rows.integer(at, 7));
    table.parked_keys = static_cast<std::uint32_t>(rows.integer(at, 8));
    table.last_error = std::string(rows.text(at, 9));
    table.outside = rows.boolean(at, 10);
    table.wanted = parse_wanted(rows.text(at, 11));
    table.existing = std::string(rows.is_null(at, 12) ? "" : rows.text(at, 12));
    if (!rows.is_null(at, 13)) {
      const auto count = [&](int column) { return static_cast<std::uint64_t>(rows.integer(at, column)); };
      table.compared = ComparedRows{count(13), count(14), count(15), count(16)};
    }
    table.instance = std::string(rows.text(at, 17));
    table.skipped = rows.boolean(at, 18);
    status.tables.push_back(std::move(table));
  }
}

constexpr int first_version_with_waiting_letters = 7;

// The tables of a pipeline of partitions are listed where they have letters. Of a record that could not be read the topic is known alone.
TableStatus table_from_kafka(Connection& connection, const Settings& settings, const TableName& name) {
  TableStatus out;
  out.table = name.schema.empty() ? TableName{"?", name.name} : name;
  out.state = TableState::streaming;
  const RelationName target = target_of(settings, name);
  const Result rows = connection.query(
      "SELECT greatest(c.reltuples, 0)::bigint FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
      " WHERE n.nspname = $1 AND c.relname = $2",
      Params().text(target.schema).text(target.name));
  if (rows.rows() == 1) out.rows = static_cast<std::uint64_t>(rows.integer(0, 0));
  return out;
}

void read_dead_letters(Connection& connection, const Settings& settings, PipelineStatus& status) {
  if (connection.query("SELECT to_regclass('tailrace.dead_letter') IS NULL", {}).boolean(0, 0)) return;
  const Result rows = connection.query(
      "SELECT source_schema, source_table, sum(letters)::bigint, sum(diverged)::bigint FROM ("
      "  SELECT source_schema, source_table, count(*) AS letters, 0 AS diverged"
      "    FROM tailrace.dead_letter WHERE pipeline = $1 GROUP BY 1, 2"
      "  UNION ALL SELECT source_schema, source_table, 0, count(*)"
      "    FROM tailrace.diverged_key WHERE pipeline = $1 AND NOT in_shadow GROUP BY 1, 2) AS both_of_them"
      " GROUP BY 1, 2",
      Params().text(settings.pipeline));
  for (int at = 0; at < rows.rows(); ++at) {
    const TableName name{std::string(rows.text(at, 0)), std::string(rows.text(at, 1))};
    auto table = std::find_if(status.tables.begin(), status.tables.end(),
                              [&](const TableStatus& each) { return each.table == name; });
    if (table == status.tables.end() && status.partitions.empty()) continue;
    if (table == status.tables.end()) {
      status.tables.push_back(table_from_kafka(connection, settings, name));
      table = status.tables.end() - 1;
    }
    table->dead_letters = static_cast<std::uint64_t>(rows.integer(at, 2));
    table->diverged_keys = static_cast<std::uint64_t>(rows.integer(at, 3));
  }
  if (!status.partitions.empty() && stored_state_version(connection) >= first_version_with_waiting_letters)
    status.waiting_letters = waiting_letters(connection, settings.pipeline);
}

// What comes after the load, for the reader's eyes.
std::string later_sql(const TableSchema& table, const std::vector<SchemaPtr>& tables,
                      const Settings& settings) {
  std::string out = "--   " + primary_key_sql(table, target_of(settings, table.name)) + ";\n";
  std::vector<ConstraintSql> constraints = unique_constraints_sql(table, settings);
  for (ConstraintSql& foreign_key : foreign_keys_sql(table, tables, settings))
    constraints.push_back(std::move(foreign_key));
  for (const ConstraintSql& constraint : constraints) {
    if (!constraint.made()) {
      out += fmt::format("--   {} is not made: {}\n", constraint.name, constraint.reason);
      continue;
    }
    out += "--   " + constraint.add_sql(constraint.plain_name()) + ";\n";
    if (constraint.validate) out += "--   " + constraint.validate_sql(constraint.plain_name()) + ";\n";
  }
  return out;
}

std::string missing(Connection& connection, const Settings& settings, const std::vector<SchemaPtr>& tables) {
  std::set<std::string> schemas;
  std::string created;
  std::string later;
  for (const SchemaPtr& table : tables) {
    check_names(settings, *table);
    const RelationName target = target_of(settings, table->name);
    const TargetTable found = read_target(connection, target);
    if (found.exists()) {
      check_shape(*table, target, found, settings);
      continue;
    }
    if (connection.query("SELECT FROM pg_namespace WHERE nspname = $1", Params().text(target.schema))
            .rows() == 0)
      schemas.insert(target.schema);
    created += create_table_sql(*table, settings) + ";\n";
    later += later_sql(*table, tables, settings);
  }
  if (created.empty()) return {};
  std::string out;
  for (const std::string& schema : schemas)
    out += create_schema_sql(schema) + ";\n";
  return out + created + "-- After the load tailrace makes:\n" + later;
}

}  // namespace

namespace {

void read_partitions(Connection& connection, const Settings& settings, PipelineStatus& status) {
  constexpr int first_version = 6;
  if (stored_state_version(connection) < first_version) return;
  const Result rows = connection.query(
      fmt::format("SELECT p.topic, p.partition, p.next_offset, encode(p.commit_lsn, 'hex'), p.epoch,"
                  "       EXISTS (SELECT FROM pg_stat_activity a WHERE a.pid = p.owner_pid"
                  "         AND a.backend_start = p.owner_started), {}"
                  "  FROM tailrace.kafka_position p WHERE p.pipeline = $1 ORDER BY p.topic, p.partition",
                  ticks_sql("p.durable_at")),
      Params().text(settings.pipeline));
  for (int at = 0; at < rows.rows(); ++at) {
    PartitionStatus& each = status.partitions.emplace_back();
    each.partition = {std::string(rows.text(at, 0)), static_cast<std::int32_t>(rows.integer(at, 1))};
    if (!rows.is_null(at, 2)) each.next_offset = rows.integer(at, 2);
    if (!rows.is_null(at, 3)) each.commit_lsn = Lsn::parse(rows.text(at, 3));
    each.epoch = rows.integer(at, 4);
    each.owned = rows.boolean(at, 5);
    status.runner_alive = status.runner_alive || each.owned;
    each.written_utc = rows.integer(at, 6);
  }
}

}  // namespace

PipelineStatus read_status(const Settings& settings, std::stop_token stop) {
  PipelineStatus status;
  Connection connection(settings, "status", std::move(stop));
  if (stored_state_version(connection) == 0) return status;
  const Result row = connection.query(
      fmt::format("SELECT source_identity, encode(lsn, 'hex'), evidence, commit_time_utc, {}, fence, {}"
                  "  FROM tailrace.pipeline WHERE pipeline = $1",
                  ticks_sql("durable_at"), ticks_sql("clock_timestamp()")),
      Params().text(settings.pipeline));
  if (row.rows() == 0) return status;
  status.known = true;
  status.source_identity = std::string(row.text(0, 0));
  if (!row.is_null(0, 1))
    status.position = Position{Lsn::parse(row.text(0, 1)), std::string(row.text(0, 2)), row.integer(0, 3)};
  status.position_written_utc = row.integer(0, 4);
  status.fence = row.integer(0, 5);
  status.now_utc = row.integer(0, 6);
  read_runner(connection, settings, status);
  read_tables(connection, settings, status);
  read_partitions(connection, settings, status);
  read_dead_letters(connection, settings, status);
  return status;
}

std::string missing_schema(const Settings& settings, const std::vector<SchemaPtr>& tables,
                           std::stop_token stop) {
  Connection connection(settings, "schema", std::move(stop));
  return missing(connection, with_extensions(connection, settings), tables);
}

void apply_schema(const Settings& settings, const std::vector<SchemaPtr>& tables, std::stop_token stop) {
  Connection connection(settings, "schema", std::move(stop));
  Transaction transaction(connection);
  if (const std::string sql = missing(connection, with_extensions(connection, settings), tables);
      !sql.empty())
    connection.exec(sql);
  transaction.commit();
}

std::int64_t request_table(const Settings& settings, const TableName& table, Wanted wanted,
                           std::stop_token stop) {
  Connection connection(settings, "request", std::move(stop));
  const int stored = stored_state_version(connection);
  if (stored != state_version)
    throw Error(ErrorKind::config,
                fmt::format("schema tailrace has version {}, this program needs {}", stored, state_version))
        .with("remedy", "start `tailrace run` of this version once");
  Transaction transaction(connection);
  Params of_table;
  of_table.text(settings.pipeline).text(table.schema).text(table.name);
  const Result row = connection.query(
      "SELECT state FROM tailrace.table_state"
      " WHERE pipeline = $1 AND source_schema = $2 AND source_table = $3",
      of_table);
  const std::optional<TableState> state = row.rows() == 0 ? std::nullopt : table_state_of(row.text(0, 0));
  if (std::string reason = refusal_of(table, wanted, state); !reason.empty())
    throw Error(ErrorKind::config, reason).with("remedy", "see `tailrace table CONFIG list`");
  connection.query(
      "INSERT INTO tailrace.table_request (pipeline, source_schema, source_table, wanted)"
      " VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
      Params()
          .text(settings.pipeline)
          .text(table.schema)
          .text(table.name)
          .text(std::string(name_of(wanted))));
  const Result open = connection.query(
      "SELECT id, wanted FROM tailrace.table_request"
      " WHERE pipeline = $1 AND source_schema = $2 AND source_table = $3 AND answered_at IS NULL",
      of_table);
  if (open.text(0, 1) != name_of(wanted))
    throw Error(ErrorKind::config, fmt::format("{} is already asked to {}, which no runner has answered yet",
                                               table.str(), open.text(0, 1)))
        .with("remedy", "let `tailrace run` answer it first");
  transaction.commit();
  return open.integer(0, 0);
}

RequestAnswer await_answer(const Settings& settings, std::int64_t id, std::chrono::milliseconds time,
                           std::stop_token stop) {
  Connection connection(settings, "request", stop);
  const auto until = std::chrono::steady_clock::now() + time;
  for (;;) {
    const Result row = connection.query(
        "SELECT r.answered_at IS NOT NULL, r.refusal,"
        "       coalesce(clock_timestamp() - n.heartbeat_at < make_interval(secs => $2::float8), false)"
        "  FROM tailrace.table_request r LEFT JOIN tailrace.runner n ON n.pipeline = r.pipeline"
        " WHERE r.id = $1",
        Params().integer(id).text(
            fmt::format("{}", std::chrono::duration<double>(settings.heartbeat_stale).count())));
    if (row.rows() == 0) throw Error(ErrorKind::internal, "the request is gone");
    const RequestAnswer answer{row.boolean(0, 0), row.boolean(0, 2), std::string(row.text(0, 1))};
    if (answer.answered || !answer.runner_alive || std::chrono::steady_clock::now() >= until) return answer;
    if (!wait_for(std::chrono::milliseconds(50), stop)) return answer;
  }
}

void record_failure(const Settings& settings, const Error& error, std::stop_token stop) {
  Connection connection(settings, "last error", std::move(stop));
  if (stored_state_version(connection) == 0) return;
  const std::string& runner = settings.runner_id.empty() ? process_runner_id() : settings.runner_id;
  Transaction transaction(connection);
  const Result ours = connection.query(
      "UPDATE tailrace.runner SET last_error = $3, heartbeat_at = NULL WHERE pipeline = $1 AND runner_id = "
      "$2",
      Params().text(settings.pipeline).text(runner).text(error.what()));
  if (ours.affected() == 0) return;
  connection.query(
      "UPDATE tailrace.table_state SET last_error = $3"
      " WHERE pipeline = $1 AND source_schema || '.' || source_table = $2",
      Params().text(settings.pipeline).text(std::string(error.context("table"))).text(error.message()));
  transaction.commit();
}

}  // namespace tailrace::postgres
