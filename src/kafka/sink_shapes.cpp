// What tables look like, in the topic of schema changes: with the first of a table's events, or before the first that look otherwise.
#include "base/error.h"
#include "kafka/sink.h"

namespace tailrace::kafka {

// All of a run's events of a table look alike: before the first of them, and behind all of the run before, is where a change belongs.
void KafkaSink::tell_shape(const TableSchema& table, StoredTable& stored, bool is_loaded) {
  if (!shared_->settings().events.schema_changes) return;
  std::string shape = debezium::shape_of(table);
  if (stored.shape == shape) return;
  debezium::SchemaChange change{.table = table, .is_new = stored.shape.empty()};
  change.context.snapshot = is_loaded ? debezium::SnapshotMarker::middle : debezium::SnapshotMarker::none;
  change.context.commit_lsn = is_loaded || !lsn_ ? stored.progress.low : *lsn_;
  const bool is_sent = channel_->send_schema_change(change, {});
  TAILRACE_ASSERT(is_sent);  // Nobody stops it.
  stored.shape = std::move(shape);
}

void KafkaSink::tell_other_shapes(const std::vector<SchemaPtr>& tables) {
  const std::map<TableName, StoredTable> known =
      shared_->with([](const SharedState& state) { return state.stored.tables; });
  StateChanges changes(*shared_);
  for (const SchemaPtr& table : tables) {
    const auto found = known.find(table->name);
    // A table has one owner at a time.
    if (found == known.end() || found->second.progress.outside != only_.has_value()) continue;
    StoredTable stored = found->second;
    tell_shape(*table, stored, /*is_loaded=*/false);
    if (stored.shape != found->second.shape) changes.set(stored);
  }
  if (!changes.empty()) commit_all(changes);
}

}  // namespace tailrace::kafka
