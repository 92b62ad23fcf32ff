// The state schema's statements, one entry per version, and their application under a lock.
#include "postgres/state_schema.h"

#include <fmt/format.h>

#include <array>

#include "base/error.h"

namespace tailrace::postgres {
namespace {

constexpr const char* version_1 = R"sql(
CREATE SCHEMA IF NOT EXISTS tailrace;

CREATE TABLE tailrace.state_version (version integer NOT NULL);
INSERT INTO tailrace.state_version VALUES (1);

CREATE TABLE tailrace.pipeline (
  pipeline        text   PRIMARY KEY,
  fence           bigint NOT NULL DEFAULT 0,
  source_identity text   NOT NULL DEFAULT '',
  lsn             bytea  CHECK (octet_length(lsn) = 10),
  evidence        text   NOT NULL DEFAULT '',
  commit_time_utc bigint NOT NULL DEFAULT 0,
  succeeded       boolean NOT NULL DEFAULT false,
  durable_at      timestamptz
);
COMMENT ON TABLE tailrace.pipeline IS 'One row a pipeline: who may write (fence) and the position that is durable with the rows.';

CREATE TABLE tailrace.runner (
  pipeline     text PRIMARY KEY REFERENCES tailrace.pipeline,
  runner_id    text NOT NULL,
  fence        bigint NOT NULL,
  host         text NOT NULL,
  process_id   integer NOT NULL,
  started_at   timestamptz NOT NULL,
  heartbeat_at timestamptz,
  last_error   text NOT NULL DEFAULT ''
);
COMMENT ON TABLE tailrace.runner IS 'The runner that took a pipeline last; heartbeat_at is NULL after a clean end.';

CREATE TABLE tailrace.table_state (
  pipeline             text NOT NULL REFERENCES tailrace.pipeline,
  source_schema        text NOT NULL,
  source_table         text NOT NULL,
  target_schema        text NOT NULL,
  target_table         text NOT NULL,
  state                text NOT NULL CHECK (state IN ('loading', 'catching_up', 'streaming')),
  shadow_table         text,
  low                  bytea NOT NULL,
  high_mark            text,
  instance_name        text NOT NULL,
  instance_object_id   integer NOT NULL,
  instance_create_date text NOT NULL,
  instance_start_lsn   bytea NOT NULL,
  loaded_rows          bigint NOT NULL DEFAULT 0,
  constraints_done     boolean NOT NULL DEFAULT false,
  desired              text NOT NULL DEFAULT '',
  last_error           text NOT NULL DEFAULT '',
  changed_at           timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (pipeline, source_schema, source_table)
);
COMMENT ON COLUMN tailrace.table_state.desired IS 'What a command asks of the running pipeline: resnapshot, or empty.';

CREATE SEQUENCE tailrace.shadow_number;

CREATE TABLE tailrace.snapshot_chunk (
  pipeline       text NOT NULL,
  source_schema  text NOT NULL,
  source_table   text NOT NULL,
  number         integer NOT NULL,
  after          text[] NOT NULL,
  upto           text[] NOT NULL,
  estimated_rows bigint NOT NULL,
  done           boolean NOT NULL DEFAULT false,
  rows           bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (pipeline, source_schema, source_table, number),
  FOREIGN KEY (pipeline, source_schema, source_table) REFERENCES tailrace.table_state ON DELETE CASCADE
);

CREATE TABLE tailrace.parked_key (
  pipeline       text NOT NULL,
  source_schema  text NOT NULL,
  source_table   text NOT NULL,
  key            text[] NOT NULL,
  PRIMARY KEY (pipeline, source_schema, source_table, key),
  FOREIGN KEY (pipeline, source_schema, source_table) REFERENCES tailrace.table_state ON DELETE CASCADE
);
COMMENT ON TABLE tailrace.parked_key IS 'Keys that were updated in part before their row had come; read again from the source at the high mark.';

-- Fails unless this runner still owns the pipeline and nobody else moved its position.
CREATE FUNCTION tailrace.assert_owner(wanted text, own_fence bigint, own_lsn bytea) RETURNS void
LANGUAGE plpgsql AS $body$
DECLARE
  found_fence bigint;
  found_lsn bytea;
BEGIN
  SELECT p.fence, p.lsn INTO found_fence, found_lsn
    FROM tailrace.pipeline p WHERE p.pipeline = wanted FOR NO KEY UPDATE;
  IF found_fence IS DISTINCT FROM own_fence THEN
    RAISE EXCEPTION 'another runner took over pipeline % (fence %, ours was %)', wanted, found_fence, own_fence
      USING ERRCODE = 'TR001';
  END IF;
  IF found_lsn IS DISTINCT FROM own_lsn THEN
    RAISE EXCEPTION 'the position of pipeline % was moved by somebody else', wanted USING ERRCODE = 'TR002';
  END IF;
END
$body$;

-- The same for chunk writers, which share: they do not wait for each other, a takeover waits for them.
CREATE FUNCTION tailrace.assert_fence(wanted text, own_fence bigint) RETURNS void
LANGUAGE plpgsql AS $body$
DECLARE
  found_fence bigint;
BEGIN
  SELECT p.fence INTO found_fence FROM tailrace.pipeline p WHERE p.pipeline = wanted FOR KEY SHARE;
  IF found_fence IS DISTINCT FROM own_fence THEN
    RAISE EXCEPTION 'another runner took over pipeline % (fence %, ours was %)', wanted, found_fence, own_fence
      USING ERRCODE = 'TR001';
  END IF;
END
$body$;
)sql";

// R11: what the target refused, and which of its keys therefore do not show what the source has.
constexpr const char* version_2 = R"sql(
CREATE TABLE tailrace.dead_letter (
  id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  pipeline        text  NOT NULL REFERENCES tailrace.pipeline,
  source_schema   text  NOT NULL,
  source_table    text  NOT NULL,
  key             text[] NOT NULL,
  operation       text  NOT NULL CHECK (operation IN ('read', 'insert', 'update', 'delete')),
  row_values      jsonb NOT NULL,
  reason          text  NOT NULL CHECK (reason IN ('value', 'refused', 'constraint', 'missing', 'diverged')),
  sqlstate        text,
  error           text  NOT NULL,
  detail          text,
  constraint_name text,
  column_name     text,
  lsn             bytea,
  commit_time     timestamp,
  recorded_at     timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX ON tailrace.dead_letter (pipeline, source_schema, source_table);
COMMENT ON TABLE tailrace.dead_letter IS 'Changes that the target refused (errors.on_row: dead_letter), stored in the transaction that passed them over.';
COMMENT ON COLUMN tailrace.dead_letter.row_values IS 'Column to value as text; columns that the change did not say, and the one whose value cannot be held, are left out.';
COMMENT ON COLUMN tailrace.dead_letter.commit_time IS 'Of the source transaction, in the source''s local time.';

CREATE TABLE tailrace.diverged_key (
  pipeline       text    NOT NULL,
  source_schema  text    NOT NULL,
  source_table   text    NOT NULL,
  identity       bytea   NOT NULL,
  in_shadow      boolean NOT NULL,
  key            text[]  NOT NULL,
  since          timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (pipeline, source_schema, source_table, identity, in_shadow),
  FOREIGN KEY (pipeline, source_schema, source_table) REFERENCES tailrace.table_state ON DELETE CASCADE
);
COMMENT ON TABLE tailrace.diverged_key IS 'Keys whose target row is not what the source has, because a change of theirs is a dead letter; identity is a hash of the key as the target compares it.';

ALTER TABLE tailrace.pipeline ADD COLUMN careful_until bytea CHECK (octet_length(careful_until) = 10);
COMMENT ON COLUMN tailrace.pipeline.careful_until IS 'Up to this LSN changes are applied so that a row which is refused can be told from the others.';

CREATE TABLE tailrace.rejected_key (
  pipeline        text  NOT NULL REFERENCES tailrace.pipeline,
  source_schema   text  NOT NULL,
  source_table    text  NOT NULL,
  identity        bytea NOT NULL,
  upto            bytea NOT NULL,
  sqlstate        text  NOT NULL,
  error           text  NOT NULL,
  detail          text  NOT NULL,
  constraint_name text  NOT NULL,
  column_name     text  NOT NULL
);
COMMENT ON TABLE tailrace.rejected_key IS 'Between two attempts at a large transaction: keys whose changes up to an LSN break a constraint that is checked at its end.';
)sql";

// R12: tables outside the stream, and requests with their answers.
constexpr const char* version_3 = R"sql(
CREATE TABLE tailrace.table_request (
  id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  pipeline      text NOT NULL REFERENCES tailrace.pipeline,
  source_schema text NOT NULL,
  source_table  text NOT NULL,
  wanted        text NOT NULL CHECK (wanted IN ('add', 'pause', 'resume', 'resnapshot')),
  asked_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
  answered_at   timestamptz,
  refusal       text NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX ON tailrace.table_request (pipeline, source_schema, source_table) WHERE answered_at IS NULL;
COMMENT ON TABLE tailrace.table_request IS 'What commands ask of the running pipeline for a table, and its answer: refusal is empty where it is done.';
INSERT INTO tailrace.table_request (pipeline, source_schema, source_table, wanted)
  SELECT pipeline, source_schema, source_table, desired FROM tailrace.table_state WHERE desired = 'resnapshot';

ALTER TABLE tailrace.table_state
  DROP COLUMN desired,
  DROP CONSTRAINT table_state_state_check,
  ADD CHECK (state IN ('loading', 'catching_up', 'joining', 'streaming', 'paused')),
  ADD COLUMN outside boolean NOT NULL DEFAULT false,
  ADD COLUMN leaving boolean NOT NULL DEFAULT false;
UPDATE tailrace.table_state SET outside = true WHERE shadow_table IS NOT NULL;
COMMENT ON COLUMN tailrace.table_state.outside IS 'The table is not in the stream; low is its own position.';
COMMENT ON COLUMN tailrace.table_state.leaving IS 'Its foreign keys are set aside, until it streams again.';

CREATE TABLE tailrace.key_aside (
  pipeline        text NOT NULL REFERENCES tailrace.pipeline,
  target_schema   text NOT NULL,
  target_table    text NOT NULL,
  constraint_name text NOT NULL,
  parent_schema   text NOT NULL,
  parent_table    text NOT NULL,
  definition      text NOT NULL,
  PRIMARY KEY (pipeline, target_schema, target_table, constraint_name)
);
COMMENT ON TABLE tailrace.key_aside IS 'Foreign keys that were taken away while one of their tables is outside the stream.';

-- Fails unless this runner still owns the pipeline and the table is outside the stream where it was left. Waits for an
-- older backend of ours that is still committing.
CREATE FUNCTION tailrace.assert_table(wanted text, own_fence bigint, wanted_schema text, wanted_table text,
                                      own_low bytea) RETURNS void
LANGUAGE plpgsql AS $body$
DECLARE
  found_low bytea;
BEGIN
  SELECT t.low INTO found_low FROM tailrace.table_state t
   WHERE t.pipeline = wanted AND t.source_schema = wanted_schema AND t.source_table = wanted_table AND t.outside
     FOR UPDATE;
  PERFORM tailrace.assert_fence(wanted, own_fence);
  IF found_low IS DISTINCT FROM own_low THEN
    RAISE EXCEPTION 'the position of table %.% was moved in the meantime', wanted_schema, wanted_table
      USING ERRCODE = '40001';
  END IF;
END
$body$;
)sql";

// R10c: rows that were in a target before its first load, and what a comparison found.
constexpr const char* version_4 = R"sql(
ALTER TABLE tailrace.table_state
  ADD COLUMN existing text NOT NULL DEFAULT 'refuse' CHECK (existing IN ('refuse', 'truncate', 'append', 'adopt')),
  ADD COLUMN compared_deleted  bigint,
  ADD COLUMN compared_updated  bigint,
  ADD COLUMN compared_inserted bigint,
  ADD COLUMN compared_kept     bigint;
COMMENT ON COLUMN tailrace.table_state.existing IS 'What becomes of rows that were in the target before the first load; refuse: there were none.';
COMMENT ON COLUMN tailrace.table_state.compared_kept IS 'Rows whose keys the source does not have (append). The other counts: what the last comparison with the source has changed.';
)sql";

// Positions that somebody set by hand, and what that has passed over.
constexpr const char* version_5 = R"sql(
CREATE TABLE tailrace.position_change (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  pipeline   text  NOT NULL REFERENCES tailrace.pipeline,
  changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  changed_by text  NOT NULL,
  role       text  NOT NULL DEFAULT session_user,
  from_lsn   bytea NOT NULL CHECK (octet_length(from_lsn) = 10),
  to_lsn     bytea NOT NULL CHECK (octet_length(to_lsn) = 10),
  reason     text  NOT NULL,
  skipped    jsonb NOT NULL
);
COMMENT ON TABLE tailrace.position_change IS 'Positions set by hand (tailrace position set): who, when, from where to where, and why.';
COMMENT ON COLUMN tailrace.position_change.skipped IS 'Table to changes that were passed over; null: nobody knows how many.';

ALTER TABLE tailrace.table_state ADD COLUMN skipped boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN tailrace.table_state.skipped IS 'Changes of it were passed over by hand: until it is taken again it is not what the source has.';
)sql";

// K4: how far each partition of Kafka's topics is applied, and whose it is.
constexpr const char* version_6 = R"sql(
CREATE TABLE tailrace.kafka_position (
  pipeline      text    NOT NULL REFERENCES tailrace.pipeline,
  topic         text    NOT NULL,
  partition     integer NOT NULL,
  epoch         bigint  NOT NULL DEFAULT 0,
  owner_pid     integer,
  owner_started timestamptz,
  next_offset   bigint,
  last_offset   bigint,
  commit_lsn    bytea   CHECK (octet_length(commit_lsn) = 10),
  topic_id      text    NOT NULL DEFAULT '',
  leader_epoch  integer NOT NULL DEFAULT -1,
  durable_at    timestamptz,
  PRIMARY KEY (pipeline, topic, partition)
) WITH (fillfactor = 50);
COMMENT ON TABLE tailrace.kafka_position IS 'One row a partition: the offset that is read next, durable with the rows before it; who claims it raises the epoch.';
COMMENT ON COLUMN tailrace.kafka_position.owner_pid IS 'The backend that applies it, and since when that backend lives.';
COMMENT ON COLUMN tailrace.kafka_position.commit_lsn IS 'Of the newest commit that was applied, rows of snapshots apart; last_offset is where the last record lies.';

-- Locks the rows of these partitions; fails unless each of them is still claimed by that epoch and was left at that offset.
CREATE FUNCTION tailrace.assert_partitions(wanted text, topics text[], partitions integer[], epochs bigint[],
                                           offsets bigint[]) RETURNS void
LANGUAGE plpgsql AS $body$
DECLARE
  held bigint;
BEGIN
  SELECT count(*) FILTER (WHERE l.epoch = l.own_epoch AND l.next_offset IS NOT DISTINCT FROM l.own_offset) INTO held
    FROM (SELECT p.epoch, p.next_offset, w.epoch AS own_epoch, w.next_offset AS own_offset
            FROM tailrace.kafka_position p
            JOIN unnest(topics, partitions, epochs, offsets) AS w(topic, partition, epoch, next_offset)
              ON p.topic = w.topic AND p.partition = w.partition
           WHERE p.pipeline = wanted
           ORDER BY p.topic, p.partition FOR NO KEY UPDATE OF p) AS l;
  IF held <> cardinality(topics) THEN
    RAISE EXCEPTION 'a partition of pipeline % was claimed by another process', wanted USING ERRCODE = 'TR003';
  END IF;
END
$body$;
)sql";

// K7: letters of records of Kafka, with the records; those that wait for their topic.
constexpr const char* version_7 = R"sql(
ALTER TABLE tailrace.dead_letter
  DROP CONSTRAINT dead_letter_reason_check,
  ADD CHECK (reason IN ('value', 'refused', 'constraint', 'missing', 'diverged', 'unreadable')),
  ALTER COLUMN operation DROP NOT NULL,
  ADD COLUMN letter           uuid NOT NULL DEFAULT gen_random_uuid(),
  ADD COLUMN record_topic     text,
  ADD COLUMN record_partition integer,
  ADD COLUMN record_offset    bigint,
  ADD COLUMN record_time_ms   bigint,
  ADD COLUMN record_key       bytea,
  ADD COLUMN record_value     bytea,
  ADD COLUMN record_headers   bytea[],
  ADD COLUMN stage            text,
  ADD COLUMN error_kind       text,
  ADD COLUMN attempt          integer,
  ADD COLUMN waits            boolean NOT NULL DEFAULT false,
  ADD COLUMN send_error       text;
CREATE INDEX ON tailrace.dead_letter (pipeline, id) WHERE waits;
COMMENT ON COLUMN tailrace.dead_letter.record_headers IS 'Name and value of each header, one after the other.';
COMMENT ON COLUMN tailrace.dead_letter.waits IS 'To be sent to the dead-letter topic, and removed then.';
COMMENT ON COLUMN tailrace.dead_letter.send_error IS 'Why the dead-letter topic has refused it: it stays here.';

-- Tables that come from Kafka have no row in table_state.
DO $body$
DECLARE
  found name;
BEGIN
  SELECT conname INTO STRICT found FROM pg_constraint
   WHERE conrelid = 'tailrace.diverged_key'::regclass AND contype = 'f';
  EXECUTE format('ALTER TABLE tailrace.diverged_key DROP CONSTRAINT %I', found);
END
$body$;
)sql";

// Entry n brings version n to n + 1.
constexpr std::array<const char*, state_version> migrations{version_1, version_2, version_3, version_4,
                                                            version_5, version_6, version_7};

}  // namespace

int stored_state_version(Connection& connection) {
  if (connection.query("SELECT to_regclass('tailrace.state_version') IS NOT NULL", {}).boolean(0, 0))
    return static_cast<int>(connection.exec("SELECT version FROM tailrace.state_version").integer(0, 0));
  return 0;
}

void migrate_state_schema(Connection& connection) {
  const auto refuse_newer = [](int stored) {
    if (stored <= state_version) return;
    throw Error(ErrorKind::config, fmt::format("schema tailrace has version {}; this program knows up to {}",
                                               stored, state_version))
        .with("remedy", "run a newer tailrace");
  };
  const int seen = stored_state_version(connection);
  refuse_newer(seen);
  if (seen == state_version) return;
  Transaction transaction(connection);
  // Two pipelines may start on a fresh database at once.
  connection.exec("SELECT pg_advisory_xact_lock(hashtextextended('tailrace.state_version', 0))");
  const int stored = stored_state_version(connection);
  refuse_newer(stored);
  for (int version = stored; version < state_version; ++version)
    connection.exec(migrations[static_cast<std::size_t>(version)]);
  connection.exec(fmt::format("UPDATE tailrace.state_version SET version = {}", state_version));
  transaction.commit();
}

std::string state_schema_sql() {
  std::string out;
  for (const char* const sql : migrations)
    out += sql;
  return out;
}

}  // namespace tailrace::postgres
