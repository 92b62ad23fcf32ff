// Applying stretches.
#include "postgres/partitions.h"

#include <algorithm>
#include <utility>

#include "base/crash_point.h"
#include "base/error.h"
#include "base/log.h"
#include "base/wait.h"
#include "postgres/constraints.h"
#include "postgres/partition_rounds.h"
#include "postgres/sql_error.h"
#include "postgres/state_schema.h"

namespace tailrace::postgres {
namespace {

constexpr int apply_attempts = 5;
// K4a: so long a claim waits for an apply that has the partition.
constexpr std::chrono::milliseconds claim_patience{5'000};

void refuse_missing(const TableApply& table) {
  if (const std::vector<std::vector<std::string>> missing = table.missing_keys(); !missing.empty())
    throw missing_row(table.plan(), missing.front());
}

void begin_pipeline_of_ours(Connection& connection, const Settings& settings) {
  Transaction transaction(connection);
  connection.query("INSERT INTO tailrace.pipeline (pipeline) VALUES ($1) ON CONFLICT DO NOTHING",
                   Params().text(settings.pipeline));
  const Result row = connection.query("SELECT lsn IS NOT NULL FROM tailrace.pipeline WHERE pipeline = $1",
                                      Params().text(settings.pipeline));
  if (row.boolean(0, 0))
    throw Error(ErrorKind::config,
                "pipeline " + settings.pipeline + " reads a database, by what the target holds of it")
        .with("remedy", "give the pipeline that reads Kafka a name of its own");
  transaction.commit();
}

}  // namespace

PostgresPartitions::PostgresPartitions(Settings settings) : settings_(std::move(settings)) {}

bool PostgresPartitions::open(std::stop_token stop) {
  stop_ = stop;
  connection_ = std::make_unique<Connection>(settings_, "partitions", stop);
  beside_ = std::make_unique<Connection>(settings_, "claims", stop);
  settings_ = with_extensions(*beside_, std::move(settings_));
  migrate_state_schema(*beside_);
  begin_pipeline_of_ours(*beside_, settings_);
  applier_ = applier_of(*connection_);
  succeeded_ = beside_
                   ->query("SELECT succeeded FROM tailrace.pipeline WHERE pipeline = $1",
                           Params().text(settings_.pipeline))
                   .boolean(0, 0);
  return succeeded_;
}

std::optional<std::vector<PartitionClaim>> PostgresPartitions::claim(
    const std::vector<PartitionName>& partitions, std::stop_token stop) {
  std::vector<PartitionName> sorted = partitions;
  std::sort(sorted.begin(), sorted.end());
  for (const PartitionName& where : sorted) {
    std::optional<PartitionClaim> claim =
        claim_partition(*beside_, settings_, where, applier_, claim_patience, stop);
    if (!claim) return std::nullopt;
    claims_.insert_or_assign(where, std::move(*claim));
  }
  look_up_diverged_tables();
  std::vector<PartitionClaim> out;
  for (const PartitionName& where : partitions)
    out.push_back(claims_.at(where));
  return out;
}

void PostgresPartitions::release(const std::vector<PartitionName>& partitions) {
  for (const PartitionName& where : partitions)
    claims_.erase(where);
}

std::vector<PartitionClaim> PostgresPartitions::claims() {
  std::vector<PartitionClaim> out;
  for (PartitionClaim& stored : read_claims(*beside_, settings_.pipeline)) {
    const auto ours = claims_.find(stored.where);
    if (ours == claims_.end()) continue;
    if (ours->second.epoch != stored.epoch) {
      claims_.erase(ours);
      continue;
    }
    ours->second = stored;
    out.push_back(std::move(stored));
  }
  return out;
}

std::map<PartitionName, PartitionPosition> PostgresPartitions::positions() {
  std::map<PartitionName, PartitionPosition> out;
  for (PartitionClaim& stored : read_claims(*beside_, settings_.pipeline))
    out.emplace(std::move(stored.where), std::move(stored.position));
  return out;
}

// The first statement of every apply, and in the server (K4b).
void PostgresPartitions::send_begin(const std::vector<Stretch>& stretches) {
  std::vector<PartitionClaim> fresh;
  for (const Stretch& stretch : stretches) {
    const PartitionClaim& claim = claims_.at(stretch.where);
    const auto [place, is_new] = open_.try_emplace(stretch.where, claim);
    if (is_new) fresh.push_back(claim);
    place->second.position = stretch.upto;
  }
  if (!in_transaction_) connection_->send_query("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", {}, {});
  in_transaction_ = true;
  if (!fresh.empty())
    connection_->send_query(assert_partitions_sql, assert_partitions_params(settings_.pipeline, fresh), {});
}

void PostgresPartitions::send_rows(const std::vector<Stretch>& stretches) {
  Rounds rounds(stretches);
  std::vector<std::vector<const RowBatch*>> round;
  while (rounds.next(round)) {
    for (const std::vector<const RowBatch*>& batches : round)
      send_table(batches);
  }
}

// Rows of one shape; several applies where a key's changes must meet each other in the target.
void PostgresPartitions::send_table(const std::vector<const RowBatch*>& batches) {
  const PlanPtr& plan = plans_.at(&batches.front()->schema());
  const auto begin = [&] { return &tables_.emplace_back(plan, /*streaming=*/false, settings_); };
  const auto send = [&](TableApply& table) {
    table.arrange();
    table.send(*connection_, statements_);
    connection_->flush();
  };
  locked_.insert(plan->relation);
  TableApply* table = begin();
  for (const RowBatch* const rows : batches) {
    for (std::size_t row = table->add_some(*rows, 0); row != rows->rows();
         row = table->add_some(*rows, row)) {
      send(*table);
      table = begin();
    }
  }
  send(*table);
}

void PostgresPartitions::send_end() {
  connection_->send_query(check_constraints_sql, {}, {});
  std::vector<PartitionClaim> moved;
  for (const auto& [where, claim] : open_)
    moved.push_back(claim);
  connection_->send_query(store_positions_sql, store_positions_params(settings_.pipeline, moved),
                          [wanted = moved.size()](const Result& found) {
                            if (found.affected() == wanted) return;
                            throw Error(ErrorKind::internal,
                                        "the position of a partition that is ours is gone");
                          });
}

// Reads the answers. A partial row needs the row that it is a part of, and nobody can be asked for it.
void PostgresPartitions::settle() {
  connection_->finish_pipeline();
  for (TableApply& table : tables_) {
    table.check(*connection_);
    refuse_missing(table);
  }
  tables_.clear();
}

void PostgresPartitions::committed() {
  in_transaction_ = false;
  locked_.clear();
  for (auto& [where, claim] : open_)
    claims_.at(where).position = std::move(claim.position);
  open_.clear();
  count_letters();
  if (std::exchange(succeeded_, true)) return;
  beside_->query(
      "UPDATE tailrace.pipeline SET succeeded = true, durable_at = clock_timestamp() WHERE pipeline = $1",
      Params().text(settings_.pipeline));
}

void PostgresPartitions::send(const std::vector<Stretch>& stretches, bool ends) {
  if (statements_.are_many(plans_.size())) statements_.forget(*connection_);
  tables_.clear();
  connection_->begin_pipeline();
  send_begin(stretches);
  send_rows(stretches);
  crash_point("partitions.in_apply");
  if (ends) send_end();
  connection_->flush();
}

// An insert of a row that is there already: no other partition makes it pass. The server says the key as (id)=(7), in a sentence of
// its language.
std::optional<Error> PostgresPartitions::met_own_key(const Error& error) const {
  if (settings_.insert_mode != InsertMode::insert || error.context("sqlstate") != "23505")
    return std::nullopt;
  const std::string_view constraint = error.context("constraint");
  for (const auto& [schema, plan] : plans_) {
    if (constraint.empty() || plan->key_name != constraint ||
        plan->relation.str() != error.context("target_table"))
      continue;
    Error out(
        ErrorKind::data,
        "a record is to be inserted, and its row is in the target already (target.insert_mode: insert)");
    out.with("table", plan->schema->name.str()).with("target_table", plan->relation.str());
    const std::string detail(error.context("detail"));
    const std::size_t begin = detail.find('(');
    const std::size_t end = detail.rfind(')');
    if (begin < end && end != std::string::npos) out.with("key", detail.substr(begin, end + 1 - begin));
    out.with("sqlstate", "23505")
        .with("remedy",
              "target.insert_mode: upsert writes over it; else find out who wrote the row, or why its record "
              "comes again");
    return out;
  }
  return std::nullopt;
}

// What the failure of an apply means; nothing: it is to be done again, by itself or carefully.
std::optional<WriteResult> PostgresPartitions::result_of(const Error& error, bool is_repeatable,
                                                         const std::stop_token& stop) {
  const bool to_isolate = !is_careful_ && makes_letters(error);
  if (to_isolate && !is_repeatable) remember_careful();
  in_transaction_ = false;
  locked_.clear();
  open_.clear();
  open_letters_.clear();
  tables_.clear();
  if (!connection_->reset()) throw Error(error);
  // Those that stood behind the failure were never prepared.
  statements_.forget(*connection_);
  if (error.context("sqlstate") == claimed_sqlstate) return WriteResult{WriteEnd::lost, {}};
  if (const std::optional<Error> own = met_own_key(error)) throw Error(*own);
  if (may_pass(error)) return WriteResult{WriteEnd::waits, error};
  if (to_isolate) {
    if (stop.stop_requested()) return WriteResult{WriteEnd::stopped, {}};
    log::warn("sink.isolating", {{"reason", error.what()}});
    if (!is_repeatable) return WriteResult{WriteEnd::again, {}};
    is_careful_ = true;
    return std::nullopt;
  }
  if (error.kind() != ErrorKind::conflict) throw Error(error);
  if (stop.stop_requested()) return WriteResult{WriteEnd::stopped, {}};
  if (!is_repeatable) throw Error(error);
  log::warn("sink.write.retry", {{"reason", error.what()}});
  return std::nullopt;
}

void PostgresPartitions::start(const std::vector<Stretch>& stretches, std::stop_token stop) {
  sent_ = &stretches;
  is_whole_ = !in_transaction_;
  start_error_.reset();
  if (stop.stop_requested()) return;
  is_careful_ = needs_care(stretches);
  if (is_careful_) return;
  try {
    send(stretches, /*ends=*/true);
  } catch (const Error& error) {
    if (!makes_letters(error)) throw;
    start_error_ = error;
  }
}

// An apply that is under way has locks on tables that are to be altered.
void PostgresPartitions::let_go_of_tables() {
  if (sent_ != nullptr) finished_ = finish(stop_);
}

// A transaction that stays open keeps the table, and would wait for itself. Whoever begins again gets here before it.
void PostgresPartitions::let_go_of(const RelationName& target) {
  let_go_of_tables();
  if (!in_transaction_ || !locked_.contains(target)) return;
  throw Error(ErrorKind::conflict, "a table is to be altered that a commit in parts has written to")
      .with("target_table", target.str());
}

WriteResult PostgresPartitions::finish(std::stop_token stop) {
  if (finished_) return *std::exchange(finished_, std::nullopt);
  const std::vector<Stretch>& stretches = *std::exchange(sent_, nullptr);
  for (int attempt = 1;; ++attempt) {
    if (stop.stop_requested()) {
      abandon();
      return {WriteEnd::stopped, {}};
    }
    try {
      if (start_error_) throw Error(*std::exchange(start_error_, std::nullopt));
      if (is_careful_ && !await_room_for_letters(stop)) continue;
      const CancelOnStop cancel(*connection_, stop);
      if (is_careful_) {
        apply_carefully(stretches, /*ends=*/true, attempt);
      } else {
        if (!in_transaction_) send(stretches, /*ends=*/true);
        settle();
      }
      crash_point("partitions.before_commit");
      connection_->exec("COMMIT");
      crash_point("partitions.after_commit");
      committed();
      return {WriteEnd::durable, {}};
    } catch (const Error& error) {
      const bool is_repeatable = is_whole_ && attempt != apply_attempts;
      if (std::optional<WriteResult> result = result_of(error, is_repeatable, stop))
        return std::move(*result);
    }
    if (!wait_for(std::chrono::milliseconds(20) * attempt, stop)) return {WriteEnd::stopped, {}};
  }
}

WriteResult PostgresPartitions::write_part(const std::vector<Stretch>& stretches, std::stop_token stop) {
  const bool is_whole = !in_transaction_;
  is_careful_ = needs_care(stretches);
  for (int attempt = 1;; ++attempt) {
    if (stop.stop_requested()) return {WriteEnd::stopped, {}};
    try {
      if (is_careful_ && !await_room_for_letters(stop)) continue;
      const CancelOnStop cancel(*connection_, stop);
      if (is_careful_) {
        apply_carefully(stretches, /*ends=*/false, attempt);
      } else {
        send(stretches, /*ends=*/false);
        settle();
      }
      return {WriteEnd::open, {}};
    } catch (const Error& error) {
      const bool is_repeatable = is_whole && attempt != apply_attempts;
      if (std::optional<WriteResult> result = result_of(error, is_repeatable, stop))
        return std::move(*result);
    }
    if (!wait_for(std::chrono::milliseconds(20) * attempt, stop)) return {WriteEnd::stopped, {}};
  }
}

void PostgresPartitions::abandon() {
  if (connection_ == nullptr || !in_transaction_) return;
  in_transaction_ = false;
  locked_.clear();
  open_.clear();
  open_letters_.clear();
  if (!connection_->reset())
    throw Error(ErrorKind::unavailable, "the connection to PostgreSQL was lost (partitions)");
  statements_.forget(*connection_);
}

void PostgresPartitions::close() {
  connection_.reset();
  beside_.reset();
}

}  // namespace tailrace::postgres
