// Records that are passed over (K7): when an apply has to be a careful one, and what it is then.
#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "base/crash_point.h"
#include "base/error.h"
#include "base/log.h"
#include "base/wait.h"
#include "postgres/constraints.h"
#include "postgres/letter_box.h"
#include "postgres/partitions.h"

namespace tailrace::postgres {

// What another partition may still mend is no letter: it waits (K5).
bool PostgresPartitions::makes_letters(const Error& error) const {
  return settings_.dead_letters && error.kind() == ErrorKind::data && !may_pass(error);
}

bool PostgresPartitions::needs_care(const std::vector<Stretch>& stretches) {
  // Keys that have diverged in the open transaction are seen by nobody else.
  bool found = !open_letters_.empty();
  for (const Stretch& stretch : stretches) {
    if (const auto until = careful_until_.find(stretch.where); until != careful_until_.end()) {
      found = true;
      if (*stretch.upto.next_offset >= until->second && stretch.ends) careful_until_.erase(until);
    }
    if (settings_.dead_letters && !stretch.unreadable.empty()) found = true;
    for (const RowBatch& rows : stretch.rows) {
      if (found) break;
      const bool has_fault = settings_.dead_letters && !rows.faults().empty();
      found = has_fault || (diverged_.contains(rows.schema().name) &&
                            has_diverged_key(*beside_, settings_.pipeline, *plans_.at(&rows.schema()), rows));
    }
  }
  return found;
}

// What was sent before the part that was refused is gone with the transaction.
void PostgresPartitions::remember_careful() {
  for (const auto& [where, claim] : open_)
    careful_until_[where] = std::max(careful_until_[where], *claim.position.next_offset);
}

void PostgresPartitions::apply_carefully(const std::vector<Stretch>& stretches, bool ends, int attempt) {
  const bool begins = !in_transaction_;
  connection_->begin_pipeline();
  send_begin(stretches);
  connection_->finish_pipeline();
  // A constraint may be deferrable and yet checked at once: one statement keeps it where several do not.
  if (begins) connection_->exec("SET CONSTRAINTS ALL DEFERRED");
  PartitionIsolator isolator(*connection_, statements_, settings_,
                             [this](const RowBatch& rows) { return plans_.at(&rows.schema()); });
  isolator.apply(stretches, attempt);
  crash_point("partitions.letters_stored");
  for (const auto& [table, letters] : isolator.letters())
    open_letters_[table] += letters;
  if (!ends) return;
  connection_->begin_pipeline();
  send_end();
  connection_->finish_pipeline();
}

void PostgresPartitions::look_up_diverged_tables() {
  diverged_ = tables_with_diverged_keys(*beside_, settings_.pipeline);
}

void PostgresPartitions::count_letters() {
  if (is_careful_ || !open_letters_.empty()) look_up_diverged_tables();
  for (const auto& [table, letters] : open_letters_) {
    letters_[table] += letters;
    log::warn("sink.dead_letters", {{"table", table.str()}, {"letters", letters}});
  }
  open_letters_.clear();
}

std::map<TableName, std::uint64_t> PostgresPartitions::take_dead_letters() {
  return std::exchange(letters_, {});
}

// Letters that their topic does not take wait here, up to a bound. False if stopped first.
bool PostgresPartitions::await_room_for_letters(const std::stop_token& stop) {
  if (!settings_.letters_wait || in_transaction_) return true;
  constexpr std::chrono::milliseconds look_every{100};
  std::uint64_t least = waiting_letters(*beside_, settings_.pipeline);
  auto last_news = std::chrono::steady_clock::now();
  for (std::uint64_t waiting = least; waiting >= settings_.most_waiting_letters;) {
    if (std::chrono::steady_clock::now() - last_news > settings_.letters_patience)
      throw Error(ErrorKind::data, "a record cannot be passed over: " + std::to_string(waiting) +
                                       " dead letters wait already for their topic, which does not take them")
          .with("remedy",
                "see the log for why (letters.wait); mend the topic, or raise errors.dead_letter_waiting");
    if (!wait_for(look_every, stop)) return false;
    waiting = waiting_letters(*beside_, settings_.pipeline);
    if (waiting >= least) continue;
    least = waiting;
    last_news = std::chrono::steady_clock::now();
  }
  return true;
}

}  // namespace tailrace::postgres
