// Waves, and what becomes of the records in them.
#include "postgres/partition_isolator.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>

#include "model/key_text.h"
#include "postgres/partition_rounds.h"

namespace tailrace::postgres {
namespace {

const OriginalRecord& original_of(const Stretch& stretch, std::int64_t offset) {
  const auto found = std::lower_bound(
      stretch.originals.begin(), stretch.originals.end(), offset,
      [](const OriginalRecord& record, std::int64_t wanted) { return record.offset < wanted; });
  TAILRACE_ASSERT(found != stretch.originals.end() && found->offset == offset);
  return *found;
}

const Stretch& stretch_of(const std::vector<Stretch>& stretches, const RowBatch& rows) {
  for (const Stretch& stretch : stretches) {
    for (const RowBatch& each : stretch.rows) {
      if (&each == &rows) return stretch;
    }
  }
  throw Error(ErrorKind::internal, "rows of no stretch");
}

std::map<std::size_t, std::vector<RowFault>> faults_by_row(const RowBatch& rows) {
  std::map<std::size_t, std::vector<RowFault>> out;
  for (const RowFault& fault : rows.faults())
    out[fault.row].push_back(fault);
  return out;
}

bool is_unreadable(const std::vector<RowFault>& faults) {
  return std::any_of(faults.begin(), faults.end(),
                     [](const RowFault& fault) { return fault.code == RowFaultCode::unreadable; });
}

bool has_key(const TableSchema& table, const std::vector<RowFault>& faults) {
  return std::none_of(faults.begin(), faults.end(), [&](const RowFault& fault) {
    return fault.code != RowFaultCode::unreadable && table.is_key(fault.column);
  });
}

}  // namespace

bool may_pass(const Error& error) {
  const std::string_view state = error.context("sqlstate");
  return state == "23503" || state == "23505" || state == "23P01";
}

Error missing_row(const TablePlan& plan, const std::vector<std::string>& key) {
  return Error(ErrorKind::data,
               "source and target have diverged: a record leaves out what an update did not change, and the "
               "row is "
               "not in the target")
      .with("table", plan.schema->name.str())
      .with("target_table", plan.relation.str())
      .with("key", fmt::format("{}", fmt::join(key, ", ")))
      .with(
          "remedy",
          "find out who writes to the target beside tailrace, or whether the topic has lost the row's first "
          "record; then take the table again from the source (a snapshot into the topic)");
}

PartitionIsolator::PartitionIsolator(Connection& connection, Statements& statements, const Settings& settings,
                                     PlanOf plan_of)
    : connection_(connection),
      statements_(statements),
      settings_(settings),
      plan_of_(std::move(plan_of)),
      owner_{settings.pipeline, 0} {}

void PartitionIsolator::apply(const std::vector<Stretch>& stretches, int attempt) {
  attempt_ = attempt;
  for (const Stretch& stretch : stretches) {
    for (const UnreadableRecord& record : stretch.unreadable) {
      store_record_letter(connection_, owner_, record,
                          {.where = stretch.where,
                           .record = original_of(stretch, record.offset),
                           .stage = record.stage,
                           .error_kind = record.error_kind,
                           .waits = settings_.letters_wait});
      ++letters_[record.table];
    }
  }
  Rounds rounds(stretches);
  std::vector<std::vector<const RowBatch*>> round;
  while (rounds.next(round)) {
    for (const std::vector<const RowBatch*>& batches : round)
      apply_table(batches, stretches);
  }
}

void PartitionIsolator::apply_table(const std::vector<const RowBatch*>& batches,
                                    const std::vector<Stretch>& stretches) {
  const PlanPtr plan = plan_of_(*batches.front());
  for (const Wave& wave : waves_of(*plan, batches, stretches)) {
    if (!wave.rows.empty()) settings_.dead_letters ? apply_wave(plan, wave) : apply_strictly(plan, wave);
    list_lost(*plan, wave.lost);
  }
}

// A row goes into the wave behind the one that its key was in last.
std::vector<PartitionIsolator::Wave> PartitionIsolator::waves_of(
    const TablePlan& plan, const std::vector<const RowBatch*>& batches,
    const std::vector<Stretch>& stretches) const {
  std::vector<Wave> waves;
  std::unordered_map<std::string, std::size_t> next;  // By key.
  for (const RowBatch* const batch : batches) {
    const Stretch& stretch = stretch_of(stretches, *batch);
    const std::map<std::size_t, std::vector<RowFault>> faults = faults_by_row(*batch);
    for (std::size_t row = 0; row < batch->rows(); ++row) {
      const auto found = faults.find(row);
      const bool is_sound = found == faults.end();
      std::size_t at = 0;
      // A key that the target cannot hold has no order to keep.
      if (is_sound || has_key(batch->schema(), found->second))
        at = next[identity_of(plan, {batch, static_cast<std::uint32_t>(row)})]++;
      if (at == waves.size()) waves.emplace_back(batch->schema_ptr());
      Wave& wave = waves[at];
      if (!is_sound && is_unreadable(found->second)) {
        wave.lost.add_copy(*batch, row);
        continue;
      }
      const std::size_t added = wave.rows.add_copy(*batch, row);
      wave.places.push_back({&stretch, batch->header(row).record});
      if (is_sound) continue;
      for (RowFault fault : found->second) {
        fault.row = added;
        wave.rows.add_fault(std::move(fault));
      }
    }
  }
  return waves;
}

void PartitionIsolator::apply_wave(const PlanPtr& plan, const Wave& wave) {
  TableApply table(plan, /*streaming=*/false, settings_, Faults::keep);
  table.lose_missing();
  table.add(wave.rows);
  static const Isolation nothing_known;
  const LetterRules rules{
      .store = [&](const DeadLetter& letter, RowRef row) { store(letter, wave.places.at(row.row)); },
      .makes_letters = [](const Error& error) { return !may_pass(error); }};
  RowIsolator isolator(connection_, statements_, owner_, nothing_known, rules);
  isolator.apply(
      table, [] {}, [] {});
}

// errors.on_row was dead_letter before: keys that are whole again are listed no more.
void PartitionIsolator::apply_strictly(const PlanPtr& plan, const Wave& wave) {
  TableApply table(plan, /*streaming=*/false, settings_);
  table.add(wave.rows);
  look_up_diverged(connection_, owner_, table);
  refuse_unfit(table);
  table.arrange();
  connection_.begin_pipeline();
  table.send(connection_, statements_);
  connection_.finish_pipeline();
  table.check(connection_);
  if (const auto missing = table.missing_keys(); !missing.empty()) throw missing_row(*plan, missing.front());
  static_cast<void>(settle_diverged(connection_, owner_, table));
}

void PartitionIsolator::list_lost(const TablePlan& plan, const RowBatch& lost) {
  KeyList keys;
  for (std::size_t row = 0; row < lost.rows(); ++row) {
    keys.identities.push_back(identity_of(plan, {&lost, static_cast<std::uint32_t>(row)}));
    keys.keys.push_back(key_of(lost, row));
  }
  list_diverged(connection_, owner_, plan, keys);
}

void PartitionIsolator::store(const DeadLetter& letter, const Place& place) {
  store_record_letter(connection_, owner_, letter,
                      {.where = place.stretch->where,
                       .record = original_of(*place.stretch, place.offset),
                       .stage = put_stage,
                       .error_kind = std::string(name_of(ErrorKind::data)),
                       .attempt = attempt_,
                       .waits = settings_.letters_wait});
  ++letters_[letter.table];
}

std::set<TableName> tables_with_diverged_keys(Connection& connection, const std::string& pipeline) {
  const Result rows = connection.query(
      "SELECT DISTINCT source_schema, source_table FROM tailrace.diverged_key WHERE pipeline = $1",
      Params().text(pipeline));
  std::set<TableName> out;
  for (int at = 0; at < rows.rows(); ++at)
    out.insert({std::string(rows.text(at, 0)), std::string(rows.text(at, 1))});
  return out;
}

bool has_diverged_key(Connection& connection, const std::string& pipeline, const TablePlan& plan,
                      const RowBatch& rows) {
  std::vector<std::string> identities;
  const std::vector<std::size_t>& key = plan.schema->key;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    const bool is_sound = std::all_of(key.begin(), key.end(), [&](std::size_t column) {
      return rows.state(row, column) == CellState::value;
    });
    if (is_sound) identities.push_back(identity_of(plan, {&rows, static_cast<std::uint32_t>(row)}));
  }
  return !diverged_among(connection, Owner{pipeline, 0}, plan, identities).empty();
}

}  // namespace tailrace::postgres
