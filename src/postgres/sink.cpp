// Opening, loading and closing. Writing is in sink_write.cpp.
#include "postgres/sink.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/crash_point.h"
#include "base/error.h"
#include "base/log.h"
#include "pipeline/runner_id.h"
#include "postgres/chunk_writer.h"
#include "postgres/constraints.h"
#include "postgres/ddl.h"
#include "postgres/fence.h"
#include "postgres/shadow.h"
#include "postgres/state_schema.h"

namespace tailrace::postgres {

PostgresSink::PostgresSink(Settings settings)
    : settings_(std::move(settings)),
      runner_id_(settings_.runner_id.empty() ? process_runner_id() : settings_.runner_id),
      plans_(std::make_shared<PlanRegistry>()),
      durable_letters_(std::make_shared<LetterCounter>()) {}

PostgresSink::~PostgresSink() {
  abandon_sent();
}

ResumeState PostgresSink::open(bool take_over, std::stop_token stop) {
  if (only_) return open_outside(std::move(stop));
  connection_ = std::make_unique<Connection>(settings_, "stream", stop);
  settings_ = with_extensions(*connection_, std::move(settings_));
  liveness_ = std::make_unique<Liveness>(settings_, runner_id_, stop);
  try {
    if (!take_over && !liveness_->wait_until_free(stop))
      throw Error(ErrorKind::fenced, "another runner is alive and holds pipeline " + settings_.pipeline)
          .with("remedy", "stop it first, or start this one with --take-over");
    // A database that turns out to be unfit stays as it is: nothing is written before the first begin_load().
    if (is_known(*connection_, settings_.pipeline)) take_ownership(stop);
  } catch (const Error&) {
    liveness_.reset();  // Who did not come in must not hold the lock.
    throw;
  }
  return resume_state_of(stored_);
}

void PostgresSink::take_ownership(std::stop_token stop) {
  migrate_state_schema(*connection_);
  owner_ = raise_fence(*connection_, settings_, runner_id_, std::move(stop));
  liveness_->end_holders();
  liveness_->start(owner_);
  // Only now: until the fence was raised, an old backend could still have committed (R6b).
  stored_ = read_pipeline(*connection_, settings_.pipeline);
  if (stored_.position) lsn_ = stored_.position->lsn;
  isolation_ = read_isolation(*connection_, owner_);
}

void PostgresSink::check_unique_targets(const std::vector<SchemaPtr>& tables) const {
  std::map<RelationName, TableName> seen;
  for (const SchemaPtr& table : tables) {
    const auto [other, fresh] = seen.emplace(target_of(settings_, table->name), table->name);
    if (!fresh)
      throw Error(ErrorKind::config, fmt::format("{} and {} would both go to target table {}",
                                                 other->second.str(), table->name.str(), other->first.str()))
          .with("remedy", "map their schemas apart (target.schemas)");
    if (other->first.schema == "tailrace")
      throw Error(ErrorKind::config, "target schema tailrace is tailrace's own")
          .with("table", table->name.str())
          .with("remedy", "map the source schema to another name (target.schemas)");
  }
}

void PostgresSink::use_tables(const std::vector<SchemaPtr>& tables) {
  for (const SchemaPtr& table : tables)
    plans_->put_schema(table);
  check_unique_targets(plans_->schemas());
  for (const SchemaPtr& table : tables) {
    check_names(settings_, *table);
    check_key_columns(*table);
  }
  std::map<TableName, const StoredTable*> stored;
  for (const StoredTable& row : stored_.tables)
    stored[row.progress.table] = &row;
  const auto stored_row = [&](const TableName& name) {
    const auto found = stored.find(name);
    return found == stored.end() ? nullptr : found->second;
  };
  for (std::size_t begin = 0; begin < tables.size(); begin += targets_a_question) {
    const std::size_t end = std::min(begin + targets_a_question, tables.size());
    std::vector<RelationName> names;
    for (std::size_t i = begin; i < end; ++i) {
      const StoredTable* const row = stored_row(tables[i]->name);
      if (is_left_to_its_own_sink(row)) continue;
      names.push_back(target_of(settings_, tables[i]->name));
      if (row != nullptr && row->shadow_table) names.push_back({"tailrace", *row->shadow_table});
    }
    const TargetFactsByName targets = read_targets(*connection_, names);
    for (std::size_t i = begin; i < end; ++i)
      use_table(tables[i], stored_row(tables[i]->name), targets);
  }
  reload_parked();
}

bool PostgresSink::is_left_to_its_own_sink(const StoredTable* stored) const {
  return stored != nullptr && stored->progress.outside && !only_;
}

void PostgresSink::forget(const std::vector<TableName>& tables) {
  TAILRACE_ASSERT(!only_);
  const auto is_forgotten = [&](const StoredTable& row) {
    return std::find(tables.begin(), tables.end(), row.progress.table) != tables.end();
  };
  Transaction transaction(*connection_);
  assert_owner(*connection_, owner_, lsn_);
  for (const StoredTable& table : stored_.tables) {
    if (!is_forgotten(table)) continue;
    if (table.shadow_table) drop_shadow(*connection_, {"tailrace", *table.shadow_table});
    give_up_keys(table);
    forget_table(*connection_, owner_, table.progress.table);
  }
  transaction.commit();
  for (const StoredTable& table : stored_.tables) {
    if (!is_forgotten(table)) continue;
    log::warn("sink.table_left_out",
              {{"table", table.progress.table.str()},
               {"target", table.target.str()},
               {"reason", "not configured any more: the target table stays as it is"}});
  }
  std::erase_if(stored_.tables, is_forgotten);
}

// Rows that tailrace did not write are not touched unless the configuration says what becomes of them (R10c).
void PostgresSink::use_table(const SchemaPtr& table, const StoredTable* stored,
                             const TargetFactsByName& targets) {
  const RelationName target = target_of(settings_, table->name);
  if (stored == nullptr) {
    const TargetFacts& found = targets.at(target);
    if (!found.table.exists()) return;
    check_shape(*table, target, found.table, settings_);
    refuse_meddlers(*table, target, found);
    const bool is_first_start = !only_ && !stored_.position;
    if (is_first_start && !settings_.load_first) return;  // Somebody else has loaded it.
    if (settings_.existing == ExistingRows::refuse && has_rows(*connection_, target))
      refuse_existing(table->name, target);
    return;
  }
  if (stored->target != target)
    throw Error(ErrorKind::config, fmt::format("{} was replicated into {}, the configuration now says {}",
                                               table->name.str(), stored->target.str(), target.str()))
        .with("remedy", "set target.schemas back, or rename the target table and use a new pipeline name");
  if (is_left_to_its_own_sink(stored)) return;
  refuse_meddlers(*table, target, targets.at(target));
  Entry& entry = entries_[table->name];
  const RelationName relation =
      stored->shadow_table ? RelationName{"tailrace", *stored->shadow_table} : target;
  if (stored->shadow_table)
    check_shape(*table, target, targets.at(target).table, settings_, ErrorKind::schema);
  entry.existing = stored->existing;
  entry.plan = make_plan(settings_, table, relation, entry.existing == ExistingRows::append, targets);
  entry.state = stored->progress.state;
  entry.constraints_done = stored->constraints_done;
  plans_->put(entry.plan);
}

PostgresSink::Entry& PostgresSink::entry_of(const TableName& table) {
  const auto found = entries_.find(table);
  if (found != entries_.end()) return found->second;
  throw Error(ErrorKind::internal, "a table that was never begun is written").with("table", table.str());
}

// False where it was there already.
bool PostgresSink::create_target(const TableSchema& table, const RelationName& target) {
  const bool has_schema =
      connection_
          ->query("SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)", Params().text(target.schema))
          .boolean(0, 0);
  if (!has_schema) connection_->exec(create_schema_sql(target.schema));
  const bool is_missing =
      connection_->query("SELECT to_regclass($1) IS NULL", Params().text(target.quoted())).boolean(0, 0);
  if (is_missing) connection_->exec(create_table_sql(table, settings_));
  return is_missing;
}

// A table that the state does not know: what it holds is not ours. True: it is loaded into a shadow.
bool PostgresSink::find_existing(const SchemaPtr& table, StoredTable& row, FoundTables& found) {
  if (create_target(*table, row.target)) return false;
  found.tables.push_back(table->name);
  const bool holds_rows = has_rows(*connection_, row.target);
  if (holds_rows && settings_.existing == ExistingRows::refuse) refuse_existing(table->name, row.target);
  if (holds_rows) row.existing = settings_.existing;
  if (row.existing == ExistingRows::truncate) found.to_truncate.push_back(row.target);
  const bool is_compared = row.existing == ExistingRows::adopt || row.existing == ExistingRows::append;
  if (!is_compared && !meets_constraints(*connection_, row.target)) return false;
  found.to_key.push_back(table);
  return true;
}

// In the transaction that begins the load: a crash leaves all of it or nothing, and a load that goes on does it no more.
void PostgresSink::prepare_existing(const FoundTables& found) {
  for (const TableName& table : found.tables)
    take_keys_aside(table);
  if (!found.to_truncate.empty()) {
    step_back_first();
    truncate_existing(*connection_, found.to_truncate);
    for (const RelationName& table : found.to_truncate)
      log::warn("sink.table.truncated", {{"target", table.str()}});
  }
  for (const SchemaPtr& table : found.to_key)
    ensure_key_of_existing(*connection_, *table, target_of(settings_, table->name));
}

RelationName PostgresSink::start_table(const TableStart& start, FoundTables& found) {
  TAILRACE_ASSERT(only_ || !start.shadow);  // In the stream nobody may wait for a load.
  const TableName& name = start.schema->name;
  const auto known = entries_.find(name);
  StoredTable row;
  row.progress.table = name;
  row.progress.low = start.low;
  row.progress.instance = start.schema->instance;
  row.progress.outside = only_.has_value();
  row.target = target_of(settings_, name);
  bool shadow = false;
  if (known == entries_.end()) {
    TAILRACE_ASSERT(!start.shadow);
    if (start.loads) {
      shadow = find_existing(start.schema, row, found);
    } else {
      create_target(*start.schema, row.target);
    }
  } else {
    TAILRACE_ASSERT(start.loads);
    const bool had_shadow = known->second.plan->shadow();
    shadow = start.shadow || had_shadow;  // Also a first load into a shadow that begins anew.
    row.existing = known->second.existing;
    // What was kept so far goes where that is asked for, and not because a setting was forgotten.
    if (row.existing == ExistingRows::append && settings_.existing == ExistingRows::adopt)
      row.existing = ExistingRows::adopt;
    if (start.shadow) row.constraints_done = known->second.constraints_done;
    if (had_shadow) drop_shadow(*connection_, known->second.plan->relation);
    if (!shadow) {
      // What lies there is a part of an earlier load of ours.
      TAILRACE_ASSERT(known->second.state == TableState::loading);
      connection_->exec("TRUNCATE " + row.target.quoted());
    }
  }
  RelationName relation = row.target;
  if (shadow) {
    row.shadow_table = create_shadow(*connection_, *start.schema, row.target);
    relation = {"tailrace", *row.shadow_table};
  }
  store_table(*connection_, owner_, row);
  // So that no later run takes what is not to be read for what has not been read yet.
  if (!start.loads) store_chunk(*connection_, owner_, {name, 0, {}, {}, 0}, /*done=*/true);
  forget_diverged(*connection_, owner_, name, shadow);
  answer_request(*connection_, owner_, name, "");
  Entry& entry = entries_[name];
  entry.existing = row.existing;
  entry.state = TableState::loading;
  entry.constraints_done = row.constraints_done;
  entry.parked.clear();
  return relation;
}

// `relations`: where the rows of each table go.
void PostgresSink::plan_tables(const std::vector<TableStart>& tables,
                               const std::vector<RelationName>& relations) {
  for (std::size_t begin = 0; begin < tables.size(); begin += targets_a_question) {
    const std::size_t end = std::min(begin + targets_a_question, tables.size());
    std::vector<RelationName> names(relations.begin() + static_cast<std::ptrdiff_t>(begin),
                                    relations.begin() + static_cast<std::ptrdiff_t>(end));
    for (std::size_t i = begin; i < end; ++i)
      names.push_back(target_of(settings_, tables[i].schema->name));
    const TargetFactsByName targets = read_targets(*connection_, names);
    for (std::size_t i = begin; i < end; ++i) {
      Entry& entry = entry_of(tables[i].schema->name);
      entry.plan = make_plan(settings_, tables[i].schema, relations[i],
                             entry.existing == ExistingRows::append, targets);
    }
  }
}

void PostgresSink::begin_load(const std::string& source_identity, const std::vector<TableStart>& tables,
                              const Position& first_position) {
  refuse_if_fenced();
  if (!only_ && owner_.fence == 0) {
    take_ownership({});
    if (stored_.position)
      throw Error(ErrorKind::conflict, "another runner began this pipeline in the meantime");
  }
  Transaction transaction(*connection_);
  assert_ours();
  connection_->exec(fmt::format("SET LOCAL lock_timeout = {}", settings_.ddl_lock_timeout.count()));
  if (!only_) store_identity(*connection_, owner_, source_identity);
  FoundTables found;
  std::vector<RelationName> relations;
  for (const TableStart& table : tables)
    relations.push_back(start_table(table, found));
  plan_tables(tables, relations);
  prepare_existing(found);
  crash_point("load.before_begin");
  const bool first = !only_ && !lsn_;
  if (first) store_position(*connection_, owner_, first_position);
  transaction.commit();
  if (first) lsn_ = first_position.lsn;
  if (only_) lsn_ = tables.front().low;
  for (const TableStart& table : tables)
    plans_->put(entry_of(table.schema->name).plan);
}

void PostgresSink::add_chunks(const std::vector<Chunk>& chunks) {
  refuse_if_fenced();
  Transaction transaction(*connection_);
  assert_ours();
  for (const Chunk& chunk : chunks)
    store_chunk(*connection_, owner_, chunk);
  transaction.commit();
}

std::unique_ptr<ChunkWriter> PostgresSink::chunk_writer() {
  return std::make_unique<PostgresChunkWriter>(settings_, owner_, *plans_, durable_letters_);
}

// One transaction a table.
bool PostgresSink::finish_table(const SchemaPtr& table, const HighMark& mark, const std::stop_token& stop) {
  Entry& entry = entry_of(table->name);
  const auto finish = [&] {
    assert_ours();
    const Result open = connection_->query(
        "SELECT count(*) FILTER (WHERE NOT done), coalesce(sum(rows), 0)::bigint FROM tailrace.snapshot_chunk"
        " WHERE pipeline = $1 AND source_schema = $2 AND source_table = $3",
        Params().text(owner_.pipeline).text(table->name.schema).text(table->name.name));
    if (open.integer(0, 0) != 0)
      throw Error(ErrorKind::internal, "a load is finished while chunks are open")
          .with("table", table->name.str());
    if (read_target(*connection_, entry.plan->relation).key.empty())
      throw Error(ErrorKind::internal, "a load is finished while a key is missing")
          .with("table", table->name.str());
    if (entry.state == TableState::loading)
      connection_->query(
          "UPDATE tailrace.table_state SET loaded_rows = $4"
          " WHERE pipeline = $1 AND source_schema = $2 AND source_table = $3",
          Params()
              .text(owner_.pipeline)
              .text(table->name.schema)
              .text(table->name.name)
              .integer(open.integer(0, 1)));
    connection_->query(
        "DELETE FROM tailrace.snapshot_chunk"
        " WHERE pipeline = $1 AND source_schema = $2 AND source_table = $3",
        Params().text(owner_.pipeline).text(table->name.schema).text(table->name.name));
    store_state(*connection_, owner_, table->name, TableState::catching_up, mark);
    entry.has_diverged = has_diverged(*connection_, owner_, table->name);  // Of its chunks.
  };
  if (!with_lock_timeout(*connection_, settings_, stop, finish)) return false;
  entry.state = TableState::catching_up;
  return true;
}

bool PostgresSink::finish_load(const std::vector<SchemaPtr>& tables, const HighMark& mark,
                               std::stop_token stop) {
  refuse_if_fenced();
  crash_point("load.before_finish");
  for (const SchemaPtr& table : tables) {
    if (!finish_table(table, mark, stop)) return false;
    crash_point("load.after_finish");
  }
  return true;
}

void PostgresSink::refuse_if_fenced() const {
  if (liveness_ != nullptr && liveness_->fenced())
    throw Error(ErrorKind::fenced, "another runner took over pipeline " + settings_.pipeline);
}

std::vector<TableRequest> PostgresSink::heartbeat() {
  refuse_if_fenced();
  if (owner_.fence == 0 || only_) return {};  // Nothing was begun; requests are the stream's.
  const auto now = std::chrono::steady_clock::now();
  if (now - last_heartbeat_ < settings_.heartbeat_interval) return {};
  last_heartbeat_ = now;
  const Result row = connection_->query("SELECT fence FROM tailrace.pipeline WHERE pipeline = $1",
                                        Params().text(owner_.pipeline));
  if (row.rows() == 0 || row.integer(0, 0) != owner_.fence)
    throw Error(ErrorKind::fenced, "another runner took over pipeline " + settings_.pipeline);
  return read_requests(*connection_, owner_.pipeline);
}

void PostgresSink::close() {
  if (connection_ == nullptr) return;
  abandon_sent();
  connection_->reset();
  if (liveness_ != nullptr) liveness_->stop(/*clean=*/true);
  liveness_.reset();
  connection_.reset();
}

}  // namespace tailrace::postgres
