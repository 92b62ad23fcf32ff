// Rows of the state schema, in and out.
#include "postgres/state_store.h"

#include <map>

#include "base/error.h"

namespace tailrace::postgres {
namespace {

TableState state_of(std::string_view name) {
  if (const std::optional<TableState> state = table_state_of(name)) return *state;
  throw Error(ErrorKind::config, "table_state holds an unknown state: " + std::string(name));
}

StoredTable table_of(const Result& row, int at) {
  StoredTable table;
  table.progress.table = {std::string(row.text(at, 0)), std::string(row.text(at, 1))};
  table.target = {std::string(row.text(at, 2)), std::string(row.text(at, 3))};
  table.progress.state = state_of(row.text(at, 4));
  if (!row.is_null(at, 5)) table.shadow_table = std::string(row.text(at, 5));
  table.progress.shadow = table.shadow_table.has_value();
  table.progress.low = Lsn::parse(row.text(at, 6));
  if (!row.is_null(at, 7)) table.progress.high_mark = HighMark{std::string(row.text(at, 7))};
  table.progress.instance.name = std::string(row.text(at, 8));
  table.progress.instance.object_id = static_cast<std::int32_t>(row.integer(at, 9));
  table.progress.instance.create_date = std::string(row.text(at, 10));
  table.progress.instance.start_lsn = Lsn::parse(row.text(at, 11));
  table.constraints_done = row.boolean(at, 12);
  table.progress.outside = row.boolean(at, 13);
  table.loaded_rows = static_cast<std::uint64_t>(row.integer(at, 14));
  table.existing = parse_existing(row.text(at, 15));
  return table;
}

void read_chunks(Connection& connection, const std::string& pipeline, std::vector<StoredTable>& tables) {
  std::map<TableName, StoredTable*> by_name;
  for (StoredTable& table : tables)
    by_name[table.progress.table] = &table;
  const Result rows = connection.query(
      "SELECT source_schema, source_table, number, after, upto, estimated_rows, done, rows"
      "  FROM tailrace.snapshot_chunk WHERE pipeline = $1 ORDER BY source_schema, source_table, number",
      Params().text(pipeline));
  for (int at = 0; at < rows.rows(); ++at) {
    ChunkProgress chunk;
    chunk.chunk.table = {std::string(rows.text(at, 0)), std::string(rows.text(at, 1))};
    chunk.chunk.number = static_cast<std::uint32_t>(rows.integer(at, 2));
    chunk.chunk.after = parse_text_array(rows.text(at, 3));
    chunk.chunk.upto = parse_text_array(rows.text(at, 4));
    chunk.chunk.estimated_rows = static_cast<std::uint64_t>(rows.integer(at, 5));
    chunk.done = rows.boolean(at, 6);
    chunk.rows = static_cast<std::uint64_t>(rows.integer(at, 7));
    by_name.at(chunk.chunk.table)->progress.chunks.push_back(std::move(chunk));
  }
}

Params of_table(const Owner& owner, const TableName& table) {
  Params params;
  params.text(owner.pipeline).text(table.schema).text(table.name);
  return params;
}

void expect_one(const Result& result, std::string_view what) {
  if (result.affected() == 1) return;
  throw Error(ErrorKind::internal, "the pipeline's state has no row to update: " + std::string(what));
}

}  // namespace

std::string bytea_text(const Lsn& lsn) {
  return "\\x" + lsn.hex();
}

bool is_known(Connection& connection, const std::string& pipeline) {
  if (!connection.query("SELECT to_regclass('tailrace.pipeline') IS NOT NULL", {}).boolean(0, 0))
    return false;
  return connection
      .query("SELECT EXISTS (SELECT FROM tailrace.pipeline WHERE pipeline = $1)", Params().text(pipeline))
      .boolean(0, 0);
}

StoredPipeline read_pipeline(Connection& connection, const std::string& pipeline) {
  StoredPipeline stored;
  const Result row = connection.query(
      "SELECT succeeded, source_identity, encode(lsn, 'hex'), evidence, commit_time_utc"
      "  FROM tailrace.pipeline WHERE pipeline = $1",
      Params().text(pipeline));
  if (row.rows() == 0) return stored;
  stored.exists = true;
  stored.succeeded = row.boolean(0, 0);
  stored.source_identity = std::string(row.text(0, 1));
  if (!row.is_null(0, 2))
    stored.position = Position{Lsn::parse(row.text(0, 2)), std::string(row.text(0, 3)), row.integer(0, 4)};
  const Result tables = connection.query(
      "SELECT source_schema, source_table, target_schema, target_table, state, shadow_table,"
      "       encode(low, 'hex'), high_mark, instance_name, instance_object_id, instance_create_date,"
      "       encode(instance_start_lsn, 'hex'), constraints_done, outside, loaded_rows,"
      "       existing"
      "  FROM tailrace.table_state WHERE pipeline = $1 ORDER BY source_schema, source_table",
      Params().text(pipeline));
  for (int at = 0; at < tables.rows(); ++at)
    stored.tables.push_back(table_of(tables, at));
  read_chunks(connection, pipeline, stored.tables);
  stored.requests = read_requests(connection, pipeline);
  return stored;
}

ResumeState resume_state_of(const StoredPipeline& stored) {
  ResumeState state;
  state.first_run = !stored.position.has_value() && stored.tables.empty();
  state.succeeded_before = stored.succeeded;
  state.source_identity = stored.source_identity;
  state.position = stored.position;
  for (const StoredTable& table : stored.tables)
    state.tables.emplace(table.progress.table, table.progress);
  state.requests = stored.requests;
  return state;
}

Params owner_params(const Owner& owner, const std::optional<Lsn>& lsn) {
  Params params;
  params.text(owner.pipeline).integer(owner.fence);
  lsn ? params.text(bytea_text(*lsn)) : params.null();
  return params;
}

void assert_owner(Connection& connection, const Owner& owner, const std::optional<Lsn>& lsn) {
  connection.query(assert_owner_sql, owner_params(owner, lsn));
}

void store_identity(Connection& connection, const Owner& owner, const std::string& source_identity) {
  expect_one(connection.query("UPDATE tailrace.pipeline SET source_identity = $2, succeeded = true"
                              " WHERE pipeline = $1",
                              Params().text(owner.pipeline).text(source_identity)),
             "identity");
}

const char* const store_position_sql =
    "UPDATE tailrace.pipeline SET lsn = $2::bytea, evidence = $3, commit_time_utc = $4, succeeded = true,"
    " durable_at = clock_timestamp() WHERE pipeline = $1";

Params position_params(const Owner& owner, const Position& position) {
  return Params()
      .text(owner.pipeline)
      .text(bytea_text(position.lsn))
      .text(position.evidence)
      .integer(position.commit_time_utc);
}

void expect_one_row(const Result& result) {
  expect_one(result, "position");
}

void store_position(Connection& connection, const Owner& owner, const Position& position) {
  expect_one_row(connection.query(store_position_sql, position_params(owner, position)));
}

void store_table(Connection& connection, const Owner& owner, const StoredTable& table) {
  const TableProgress& progress = table.progress;
  Params params = of_table(owner, progress.table);
  params.text(table.target.schema).text(table.target.name).text(std::string(name_of(progress.state)));
  table.shadow_table ? params.text(*table.shadow_table) : params.null();
  params.text(bytea_text(progress.low)).text(progress.instance.name);
  params.integer(progress.instance.object_id).text(progress.instance.create_date);
  params.text(bytea_text(progress.instance.start_lsn))
      .boolean(table.constraints_done)
      .boolean(progress.outside)
      .text(std::string(name_of(table.existing)));
  connection.query(
      "INSERT INTO tailrace.table_state (pipeline, source_schema, source_table, target_schema, target_table,"
      "   state, shadow_table, low, instance_name, instance_object_id, instance_create_date,"
      "   instance_start_lsn, constraints_done, outside, existing)"
      " VALUES ($1, $2, $3, $4, $5, $6, $7, $8::bytea, $9, $10, $11, $12::bytea, $13, $14, $15)"
      " ON CONFLICT (pipeline, source_schema, source_table) DO UPDATE SET"
      "   target_schema = EXCLUDED.target_schema, target_table = EXCLUDED.target_table,"
      "   state = EXCLUDED.state, shadow_table = EXCLUDED.shadow_table, low = EXCLUDED.low, high_mark = NULL,"
      "   instance_name = EXCLUDED.instance_name, instance_object_id = EXCLUDED.instance_object_id,"
      "   instance_create_date = EXCLUDED.instance_create_date,"
      "   instance_start_lsn = EXCLUDED.instance_start_lsn, loaded_rows = 0,"
      "   constraints_done = EXCLUDED.constraints_done, outside = EXCLUDED.outside,"
      "   skipped = false, existing = EXCLUDED.existing, compared_deleted = NULL, compared_updated = NULL,"
      "   compared_inserted = NULL, compared_kept = NULL, changed_at = clock_timestamp()",
      params);
  connection.query(
      "DELETE FROM tailrace.snapshot_chunk WHERE pipeline = $1 AND source_schema = $2 AND source_table = $3",
      of_table(owner, progress.table));
  connection.query(
      "DELETE FROM tailrace.parked_key WHERE pipeline = $1 AND source_schema = $2 AND source_table = $3",
      of_table(owner, progress.table));
}

void store_state(Connection& connection, const Owner& owner, const TableName& table, TableState state,
                 const std::optional<HighMark>& mark) {
  Params params = of_table(owner, table);
  params.text(std::string(name_of(state)));
  mark ? params.text(mark->text) : params.null();
  expect_one(connection.query("UPDATE tailrace.table_state SET state = $4, high_mark = $5,"
                              " changed_at = clock_timestamp()"
                              " WHERE pipeline = $1 AND source_schema = $2 AND source_table = $3",
                              params),
             table.str());
}

void store_instance(Connection& connection, const Owner& owner, const InstanceSwitch& change) {
  Params params = of_table(owner, change.table);
  params.text(change.instance.name).integer(change.instance.object_id).text(change.instance.create_date);
  params.text(bytea_text(change.instance.start_lsn));
  expect_one(connection.query("UPDATE tailrace.table_state SET instance_name = $4, instance_object_id = $5,"
                              "   instance_create_date = $6, instance_start_lsn = $7::bytea"
                              " WHERE pipeline = $1 AND source_schema = $2 AND source_table = $3",
                              params),
             change.table.str());
}

void store_left(Connection& connection, const Owner& owner, const TableName& table, const Lsn& low) {
  expect_one(
      connection.query(
          "UPDATE tailrace.table_state SET outside = true, low = $4::bytea, changed_at = clock_timestamp(),"
          "   state = CASE state WHEN 'streaming' THEN 'paused' ELSE state END"
          " WHERE pipeline = $1 AND source_schema = $2 AND source_table = $3 AND NOT outside",
          of_table(owner, table).text(bytea_text(low))),
      table.str());
  connection.query(
      "UPDATE tailrace.table_request SET answered_at = clock_timestamp()"
      " WHERE pipeline = $1 AND source_schema = $2 AND source_table = $3 AND answered_at IS NULL"
      "   AND wanted = 'pause'",
      of_table(owner, table));
}

void store_compared(Connection& connection, const Owner& owner, const TableName& table,
                    const ComparedRows& rows) {
  Params params = of_table(owner, table);
  for (const std::uint64_t count : {rows.deleted, rows.updated, rows.inserted, rows.kept})
    params.integer(static_cast<std::int64_t>(count));
  expect_one(connection.query("UPDATE tailrace.table_state SET shadow_table = NULL, compared_deleted = $4,"
                              "   compared_updated = $5, compared_inserted = $6, compared_kept = $7"
                              " WHERE pipeline = $1 AND source_schema = $2 AND source_table = $3",
                              params),
             table.str());
}

void store_joined(Connection& connection, const Owner& owner, const TableName& table) {
  expect_one(connection.query(
                 "UPDATE tailrace.table_state SET outside = false, leaving = false, state = 'streaming',"
                 "   high_mark = NULL, last_error = '', changed_at = clock_timestamp()"
                 " WHERE pipeline = $1 AND source_schema = $2 AND source_table = $3",
                 of_table(owner, table)),
             table.str());
}

std::vector<TableRequest> read_requests(Connection& connection, const std::string& pipeline) {
  const Result rows = connection.query(
      "SELECT id, source_schema, source_table, wanted FROM tailrace.table_request"
      " WHERE pipeline = $1 AND answered_at IS NULL ORDER BY id",
      Params().text(pipeline));
  std::vector<TableRequest> requests;
  for (int at = 0; at < rows.rows(); ++at) {
    requests.push_back({rows.integer(at, 0),
                        {std::string(rows.text(at, 1)), std::string(rows.text(at, 2))},
                        parse_wanted(rows.text(at, 3))});
  }
  return requests;
}

void answer_request(Connection& connection, const Owner& owner, const TableName& table,
                    const std::string& refusal) {
  connection.query(
      "UPDATE tailrace.table_request SET answered_at = clock_timestamp(), refusal = $4"
      " WHERE pipeline = $1 AND source_schema = $2 AND source_table = $3 AND answered_at IS NULL",
      of_table(owner, table).text(refusal));
}

Params assert_table_params(const Owner& owner, const TableName& table, const Lsn& low) {
  return Params()
      .text(owner.pipeline)
      .integer(owner.fence)
      .text(table.schema)
      .text(table.name)
      .text(bytea_text(low));
}

const char* const store_low_sql =
    "UPDATE tailrace.table_state SET low = $4::bytea"
    " WHERE pipeline = $1 AND source_schema = $2 AND source_table = $3 AND outside";

Params low_params(const Owner& owner, const TableName& table, const Lsn& low) {
  return of_table(owner, table).text(bytea_text(low));
}

void store_chunk(Connection& connection, const Owner& owner, const Chunk& chunk, bool done) {
  Params params = of_table(owner, chunk.table);
  params.integer(chunk.number).texts(chunk.after).texts(chunk.upto);
  params.integer(static_cast<std::int64_t>(chunk.estimated_rows)).boolean(done);
  connection.query(
      "INSERT INTO tailrace.snapshot_chunk (pipeline, source_schema, source_table, number, after, upto,"
      " estimated_rows, done) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
      params);
}

void forget_table(Connection& connection, const Owner& owner, const TableName& table) {
  connection.query(
      "DELETE FROM tailrace.diverged_key"
      " WHERE pipeline = $1 AND source_schema = $2 AND source_table = $3",
      of_table(owner, table));
  expect_one(connection.query("DELETE FROM tailrace.table_state"
                              " WHERE pipeline = $1 AND source_schema = $2 AND source_table = $3",
                              of_table(owner, table)),
             table.str());
}

void park_key(Connection& connection, const Owner& owner, const TableName& table,
              const std::vector<std::string>& key) {
  connection.query("INSERT INTO tailrace.parked_key VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
                   of_table(owner, table).texts(key));
}

void unpark_key(Connection& connection, const Owner& owner, const TableName& table,
                const std::vector<std::string>& key) {
  connection.query(
      "DELETE FROM tailrace.parked_key"
      " WHERE pipeline = $1 AND source_schema = $2 AND source_table = $3 AND key = $4",
      of_table(owner, table).texts(key));
}

Params& add_tables(Params& params, const std::vector<TableName>& tables) {
  std::vector<std::string> schemas;
  std::vector<std::string> names;
  for (const TableName& table : tables) {
    schemas.push_back(table.schema);
    names.push_back(table.name);
  }
  return params.texts(schemas).texts(names);
}

std::map<TableName, std::set<std::vector<std::string>>> read_parked(Connection& connection,
                                                                    const std::string& pipeline,
                                                                    const std::vector<TableName>& tables) {
  Params params;
  params.text(pipeline);
  const Result rows = connection.query_again(
      "SELECT p.source_schema, p.source_table, p.key"
      "  FROM unnest($2::text[], $3::text[]) AS w(source_schema, source_table)"
      "  JOIN tailrace.parked_key p USING (source_schema, source_table) WHERE p.pipeline = $1",
      add_tables(params, tables));
  std::map<TableName, std::set<std::vector<std::string>>> keys;
  for (int at = 0; at < rows.rows(); ++at)
    keys[{std::string(rows.text(at, 0)), std::string(rows.text(at, 1))}].insert(
        parse_text_array(rows.text(at, 2)));
  return keys;
}

}  // namespace tailrace::postgres
