// Tables outside the stream (R12): the sink of one table, leaving, joining, and foreign keys that stand aside meanwhile.
#include <fmt/format.h>

#include <algorithm>

#include "base/crash_point.h"
#include "base/error.h"
#include "base/log.h"
#include "postgres/constraints.h"
#include "postgres/ddl.h"
#include "postgres/dead_letter.h"
#include "postgres/sink.h"

namespace tailrace::postgres {

// A foreign key that stands aside.
struct KeyAside {
  RelationName child;
  std::string name;
  std::string definition;
};

namespace {

Params of_table(const Owner& owner, const TableName& table) {
  return Params().text(owner.pipeline).text(table.schema).text(table.name);
}

// Foreign keys between this target table and other replicated ones; one to itself is as right outside as inside.
constexpr const char* keys_between_sql =
    "SELECT cn.nspname, c.relname, k.conname, pn.nspname, p.relname, pg_get_constraintdef(k.oid)"
    "  FROM pg_constraint k"
    "  JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace cn ON cn.oid = c.relnamespace"
    "  JOIN pg_class p ON p.oid = k.confrelid JOIN pg_namespace pn ON pn.oid = p.relnamespace"
    "  JOIN tailrace.table_state ct ON ct.pipeline = $1"
    "   AND ct.target_schema = cn.nspname AND ct.target_table = c.relname"
    "  JOIN tailrace.table_state pt ON pt.pipeline = $1"
    "   AND pt.target_schema = pn.nspname AND pt.target_table = p.relname"
    " WHERE k.contype = 'f' AND k.conparentid = 0"
    "   AND (ct.source_schema, ct.source_table) <> (pt.source_schema, pt.source_table)"
    "   AND ((ct.source_schema = $2 AND ct.source_table = $3) OR (pt.source_schema = $2 AND pt.source_table "
    "= $3))"
    " ORDER BY 1, 2, 3";

// Both tables stream. Behind it: which of them.
constexpr const char* keys_to_restore_sql =
    "SELECT a.target_schema, a.target_table, a.constraint_name, a.definition FROM tailrace.key_aside a"
    " WHERE a.pipeline = $1"
    "   AND (SELECT count(*) FROM tailrace.table_state t"
    "         WHERE t.pipeline = a.pipeline AND t.state = 'streaming' AND NOT t.leaving"
    "           AND ((t.target_schema = a.target_schema AND t.target_table = a.target_table)"
    "             OR (t.target_schema = a.parent_schema AND t.target_table = a.parent_table))) = 2";

std::string alter(const KeyAside& key, std::string_view what) {
  return fmt::format("ALTER TABLE {} {} {}", key.child.quoted(), what, quote_name(key.name));
}

}  // namespace

PostgresSink::PostgresSink(const PostgresSink& stream, TableName only)
    : settings_(stream.settings_),
      owner_(stream.owner_),
      only_(std::move(only)),
      plans_(stream.plans_),
      durable_letters_(stream.durable_letters_) {}

std::unique_ptr<Sink> PostgresSink::outside(const TableName& table) {
  TAILRACE_ASSERT(!only_ && owner_.fence != 0);
  return std::unique_ptr<Sink>(new PostgresSink(*this, table));
}

ResumeState PostgresSink::open_outside(std::stop_token stop) {
  if (connection_ == nullptr) connection_ = std::make_unique<Connection>(settings_, "table", stop);
  Transaction transaction(*connection_);
  // An older backend of ours may still be committing: it holds this row (R6b).
  connection_->query(
      "SELECT FROM tailrace.table_state WHERE pipeline = $1 AND source_schema = $2 AND source_table = $3"
      " FOR UPDATE",
      of_table(owner_, *only_));
  assert_fence();
  stored_ = read_pipeline(*connection_, owner_.pipeline);
  transaction.commit();
  std::erase_if(stored_.tables, [&](const StoredTable& row) { return row.progress.table != *only_; });
  std::erase_if(stored_.requests, [&](const TableRequest& request) { return request.table != *only_; });
  stored_.position.reset();
  lsn_.reset();
  entries_.clear();
  if (!stored_.tables.empty()) {
    lsn_ = stored_.tables.front().progress.low;
    stored_.position = Position{*lsn_, "", 0};
  }
  ResumeState state = resume_state_of(stored_);
  state.only = only_;
  return state;
}

void PostgresSink::assert_fence() {
  connection_->query("SELECT tailrace.assert_fence($1, $2)",
                     Params().text(owner_.pipeline).integer(owner_.fence));
}

void PostgresSink::assert_ours() {
  if (!only_) return assert_owner(*connection_, owner_, lsn_);
  if (!lsn_) return assert_fence();  // The table has no row yet.
  connection_->query(assert_table_sql, assert_table_params(owner_, *only_, *lsn_));
}

void PostgresSink::send_assert_ours() {
  if (only_) {
    connection_->send_query(assert_table_sql, assert_table_params(owner_, *only_, *lsn_), {});
  } else {
    connection_->send_query(assert_owner_sql, owner_params(owner_, lsn_), {});
  }
}

void PostgresSink::send_position(const Position& position) {
  if (only_) {
    connection_->send_query(store_low_sql, low_params(owner_, *only_, position.lsn), expect_one_row);
  } else {
    connection_->send_query(store_position_sql, position_params(owner_, position), expect_one_row);
  }
}

void PostgresSink::store_end(const Position& position) {
  if (!only_) return store_position(*connection_, owner_, position);
  expect_one_row(connection_->query(store_low_sql, low_params(owner_, *only_, position.lsn)));
}

void PostgresSink::answer(const TableRequest& request, const std::string& refusal) {
  Transaction transaction(*connection_);
  assert_fence();
  connection_->query(
      "UPDATE tailrace.table_request SET answered_at = clock_timestamp(), refusal = $3"
      " WHERE pipeline = $1 AND id = $2 AND answered_at IS NULL",
      Params().text(owner_.pipeline).integer(request.id).text(refusal));
  transaction.commit();
}

void PostgresSink::rejoin() {
  TAILRACE_ASSERT(only_.has_value());
  Transaction transaction(*connection_);
  assert_ours();
  store_state(*connection_, owner_, *only_, TableState::joining, std::nullopt);
  answer_request(*connection_, owner_, *only_, "");
  transaction.commit();
  stored_.tables.front().progress.state = TableState::joining;
  if (const auto entry = entries_.find(*only_); entry != entries_.end())
    entry->second.state = TableState::joining;
}

void PostgresSink::record_error(const std::string& error) {
  TAILRACE_ASSERT(only_.has_value());
  Transaction transaction(*connection_);
  assert_fence();
  connection_->query(
      "UPDATE tailrace.table_state SET last_error = $4"
      " WHERE pipeline = $1 AND source_schema = $2 AND source_table = $3 AND last_error <> $4",
      of_table(owner_, *only_).text(error));
  transaction.commit();
}

void PostgresSink::leave(const std::vector<TableName>& tables) {
  TAILRACE_ASSERT(!only_ && lsn_ && !in_commit_point_);
  Transaction transaction(*connection_);
  assert_ours();
  for (const TableName& table : tables)
    store_left(*connection_, owner_, table, *lsn_);
  transaction.commit();
  for (const TableName& table : tables)
    entries_.erase(table);
}

// Its own sink has put the plan into the registry, which says where its rows go: the shadow, or the target.
void PostgresSink::announce(const std::vector<SchemaPtr>& tables) {
  for (const SchemaPtr& table : tables) {
    TAILRACE_ASSERT(!only_);
    Entry entry;
    entry.plan = plans_->find(table->name);
    entry.state = TableState::joining;
    TAILRACE_ASSERT(entry.plan != nullptr && entry.plan->schema->columns == table->columns);
    entry.existing = entry.plan->keeps_rows ? ExistingRows::append : ExistingRows::refuse;
    entry.has_diverged = has_diverged(*connection_, owner_, table->name);
    entries_[table->name] = std::move(entry);
    joining_.push_back(table->name);
  }
}

// A foreign key takes locks on two tables, and readers and the stream lock the same two in their own order. Who finds a
// deadlock ends its own statement, a second after it began to wait (deadlock_timeout): before that we have given up.
void PostgresSink::step_back_first() {
  connection_->exec("SET LOCAL lock_timeout = 300");
}

void PostgresSink::take_keys_aside(const TableName& table) {
  const Result rows = connection_->query(keys_between_sql, of_table(owner_, table));
  if (rows.rows() != 0) step_back_first();
  for (int at = 0; at < rows.rows(); ++at) {
    const KeyAside key{{std::string(rows.text(at, 0)), std::string(rows.text(at, 1))},
                       std::string(rows.text(at, 2)),
                       std::string(rows.text(at, 5))};
    connection_->query(
        "INSERT INTO tailrace.key_aside VALUES ($1, $2, $3, $4, $5, $6, $7)"
        // It came back and was not validated yet: what it was before counts.
        " ON CONFLICT DO NOTHING",
        Params()
            .text(owner_.pipeline)
            .text(key.child.schema)
            .text(key.child.name)
            .text(key.name)
            .text(std::string(rows.text(at, 3)))
            .text(std::string(rows.text(at, 4)))
            .text(key.definition));
    connection_->exec(alter(key, "DROP CONSTRAINT"));
    log::info("sink.foreign_key.aside", {{"table", key.child.str()}, {"constraint", key.name}});
  }
}

bool PostgresSink::set_keys_aside(const TableName& table, std::stop_token stop) {
  return with_lock_timeout(*connection_, settings_, stop, [&] {
    step_back_first();
    assert_fence();
    lock_constraints();
    take_keys_aside(table);
    connection_->query(
        "UPDATE tailrace.table_state SET leaving = true"
        " WHERE pipeline = $1 AND source_schema = $2 AND source_table = $3 AND NOT leaving",
        of_table(owner_, table));
  });
}

// Who makes a foreign key and who takes it aside, the stream's thread and the joiner's, decide one after the other.
void PostgresSink::lock_constraints() {
  connection_->query("SELECT pg_advisory_xact_lock(hashtextextended('tailrace.constraint.' || $1, 0))",
                     Params().text(owner_.pipeline));
}

// Nobody will bring this table back: what stands aside because of it is the operator's to make again.
void PostgresSink::give_up_keys(const StoredTable& table) {
  const Result keys = connection_->query(
      "DELETE FROM tailrace.key_aside WHERE pipeline = $1"
      "   AND ((target_schema = $2 AND target_table = $3) OR (parent_schema = $2 AND parent_table = $3))"
      " RETURNING target_schema, target_table, constraint_name, definition",
      Params().text(owner_.pipeline).text(table.target.schema).text(table.target.name));
  for (int at = 0; at < keys.rows(); ++at) {
    const RelationName child{std::string(keys.text(at, 0)), std::string(keys.text(at, 1))};
    log::warn("sink.foreign_key.given_up",
              {{"table", child.str()}, {"constraint", keys.text(at, 2)}, {"definition", keys.text(at, 3)}});
  }
}

bool PostgresSink::restore_keys(const std::stop_token& stop) {
  const Result rows = connection_->query(std::string(keys_to_restore_sql) + " ORDER BY 1, 2, 3",
                                         Params().text(owner_.pipeline));
  for (int at = 0; at < rows.rows(); ++at) {
    const KeyAside key{{std::string(rows.text(at, 0)), std::string(rows.text(at, 1))},
                       std::string(rows.text(at, 2)),
                       std::string(rows.text(at, 3))};
    if (!restore_key(key, stop)) return false;
  }
  return true;
}

// Under the lock: neither of its tables has begun to leave since it was looked for.
bool PostgresSink::is_to_restore(const KeyAside& key) {
  lock_constraints();
  const std::string sql = std::string(keys_to_restore_sql) +
                          " AND a.target_schema = $2 AND a.target_table = $3 AND a.constraint_name = $4";
  return connection_
             ->query(
                 sql,
                 Params().text(owner_.pipeline).text(key.child.schema).text(key.child.name).text(key.name))
             .rows() == 1;
}

bool PostgresSink::restore_key(const KeyAside& key, const std::stop_token& stop) {
  const bool was_valid = key.definition.find(" NOT VALID") == std::string::npos;
  const auto add = [&] {
    step_back_first();
    assert_fence();
    if (!is_to_restore(key)) return;
    const bool exists =
        connection_
            ->query(
                "SELECT EXISTS (SELECT FROM pg_constraint WHERE conrelid = $1::regclass AND conname = $2)",
                Params().text(key.child.quoted()).text(key.name))
            .boolean(0, 0);
    if (exists) return;
    connection_->exec(
        fmt::format("{} {}{}", alter(key, "ADD CONSTRAINT"), key.definition, was_valid ? " NOT VALID" : ""));
  };
  const auto validate = [&] {
    assert_fence();
    if (!is_to_restore(key)) return;
    if (was_valid) connection_->exec(alter(key, "VALIDATE CONSTRAINT"));
    connection_->query(
        "DELETE FROM tailrace.key_aside WHERE pipeline = $1 AND target_schema = $2 AND target_table = $3"
        "   AND constraint_name = $4",
        Params().text(owner_.pipeline).text(key.child.schema).text(key.child.name).text(key.name));
  };
  if (!with_lock_timeout(*connection_, settings_, stop, add)) return false;
  crash_point("join.before_validate");
  return with_lock_timeout(*connection_, settings_, stop, validate);
}

// In the stream an index would be built while everybody waits.
bool PostgresSink::make_unique_constraints(const std::stop_token& stop) {
  const Entry& entry = entry_of(*only_);
  if (entry.plan->shadow()) return true;  // The target has them.
  return make_constraints(*entry.plan->schema, unique_constraints_sql(*entry.plan->schema, settings_),
                          stop) != Made::stopped;
}

}  // namespace tailrace::postgres
