// Opening, loading and closing. Commit points are in sink_write.cpp, tables outside the stream in sink_outside.cpp.
#include "kafka/sink.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/crash_point.h"
#include "base/error.h"
#include "base/log.h"
#include "kafka/chunk_writer.h"
#include "kafka/topics.h"
#include "pipeline/clock.h"
#include "registry/client.h"

namespace tailrace::kafka {
namespace {

using std::chrono::steady_clock;

// Two tables, or a table and what is tailrace's own, in one topic: no reader could tell them apart.
void check_topics_apart(const SinkSettings& settings, const std::map<TableName, SchemaPtr>& schemas) {
  std::map<std::string, std::string> taken{{settings.offsets_topic_name(), "target.offsets_topic"}};
  for (const std::string& name : further_topics(settings))
    taken.emplace(name, "the events' own topics");
  for (const auto& [name, schema] : schemas) {
    const std::string topic = settings.events.topic_of(name.schema, name.name);
    const auto [other, fresh] = taken.emplace(topic, name.str());
    if (fresh) continue;
    throw Error(ErrorKind::config,
                fmt::format("{} and {} would both go to topic {}", other->second, name.str(), topic))
        .with("table", name.str())
        .with("remedy", "say how topics are called: target.events.topic_format");
  }
}

// Nobody can tell from its position how a Debezium ended.
void say_taken_over(const StoredOffset& offset) {
  log::warn(
      "kafka.debezium.taken_over",
      {{"commit_lsn", offset.commit_lsn.hex()},
       {"change_lsn", offset.change_lsn ? offset.change_lsn->hex() : "all of it"},
       {"event_serial_no", offset.event_serial_no},
       {"reason",
        "it goes on behind this event. What the connector has sent behind it comes again: nothing after a "
        "clean stop or with Connect's exactly-once support, else up to its offset.flush.interval.ms"}});
}

}  // namespace

KafkaSink::KafkaSink(SinkSettings settings) : shared_(std::make_shared<SinkShared>(std::move(settings))) {}

KafkaSink::~KafkaSink() = default;

std::string KafkaSink::topic_of(const TableName& table) const {
  return shared_->settings().events.topic_of(table.schema, table.name);
}

StoredTable KafkaSink::stored_table(const TableName& table) {
  return shared_->with([&](const SharedState& state) {
    const auto found = state.stored.tables.find(table);
    if (found != state.stored.tables.end()) return found->second;
    throw Error(ErrorKind::internal, "a table that was never begun is written").with("table", table.str());
  });
}

ResumeState KafkaSink::open(bool take_over, std::stop_token stop) {
  static_cast<void>(take_over);  // The newer runner takes over always: transactional ids know no other way.
  if (only_) return open_outside(std::move(stop));
  const SinkSettings& settings = shared_->settings();
  shared_->set_ending(stop);
  admin_ = std::make_unique<Admin>(settings.kafka);
  shared_->set_transaction_timeout(allowed_timeout(settings, *admin_, stop));
  // What turns out to be unfit stays as it is: nothing is written before the first begin_load().
  if (admin_->topics({settings.offsets_topic_name()}, stop).empty()) {
    // Nor is it begun where no event could be written: that the registry is named wrong shows at the first start.
    if (settings.events.converter == debezium::Converter::avro)
      static_cast<void>(registry::Client(settings.registry).versions(settings.offsets_topic_name(), stop));
    return {};
  }
  claim(stop);
  StoredState stored = shared_->with([](const SharedState& state) { return state.stored; });
  ResumeState state = resume_state_of(stored);
  if (state.position) {
    lsn_ = state.position->lsn;
    if (stored.offset->from_debezium) say_taken_over(*stored.offset);
    channel_->skip(*stored.offset);
    if (stored.offset->position.lsn < stored.offset->commit_lsn) unfinished_ = stored.offset;
    for (const auto& [name, table] : stored.tables) {
      if (!table.progress.outside) pass_over(name, table.part);
    }
  }
  return state;
}

void KafkaSink::claim(const std::stop_token& stop) {
  const SinkSettings& settings = shared_->settings();
  const OffsetsTopic topic(settings.kafka, settings.offsets_topic_name());
  topic.ensure(*admin_, offsets_copies(settings), stop);
  wait_for_topics(settings, *admin_, {topic.name()}, stop);
  const std::map<std::string, TopicInfo> found = admin_->topics({topic.name()}, stop);
  // Another broker than the one that was asked before may not know of it yet.
  if (!found.contains(topic.name()))
    throw Error(ErrorKind::unavailable, "the topic was made and is not there yet")
        .with("topic", topic.name());
  const std::vector<PartitionOffset> ends = ends_of(settings.kafka, found.at(topic.name()), stop);
  Ownership owned = take_ownership(shared_->claimant(), *admin_, stop);
  shared_->with([&](SharedState& state) { state.stored = std::move(owned.state); });
  channel_ = std::make_unique<Channel>(shared_, std::move(owned.producer));
  requests_ = std::make_unique<RequestTail>(shared_, ends);
  last_sign_ = steady_clock::now();
}

void KafkaSink::learn_topics(const std::vector<std::string>& names) {
  TopicFactsByName facts = ensure_topics(shared_->settings(), *admin_, names, {});
  shared_->with([&](SharedState& state) {
    for (auto& [name, fact] : facts)
      state.topics.insert_or_assign(name, fact);
  });
}

void KafkaSink::use_tables(const std::vector<SchemaPtr>& tables) {
  std::map<TableName, StoredTable> stored;
  std::set<TableName> anew;
  shared_->with([&](SharedState& state) {
    for (const SchemaPtr& table : tables)
      state.schemas.insert_or_assign(table->name, table);
    check_topics_apart(shared_->settings(), state.schemas);
    stored = state.stored.tables;
    for (const TableRequest& request : open_requests(state.stored)) {
      if (request.wanted == Wanted::resnapshot) anew.insert(request.table);
    }
    if (only_) return;
    for (const auto& [name, table] : stored) {
      if (table.progress.state == TableState::loading && !table.progress.outside) state.loading.insert(name);
    }
  });
  std::vector<std::string> names;
  for (const SchemaPtr& table : tables) {
    const auto known = stored.find(table->name);
    if (known == stored.end()) continue;
    const std::string topic = topic_of(table->name);
    if (known->second.topic != topic)
      throw Error(ErrorKind::config, fmt::format("{} was sent to topic {}, the configuration now says {}",
                                                 table->name.str(), known->second.topic, topic))
          .with("remedy", "set target.events back, or use a new pipeline name");
    names.push_back(topic);
  }
  if (names.empty()) return;
  const std::map<std::string, TopicInfo> there = admin_->topics(names, {});
  for (const SchemaPtr& table : tables) {
    const auto known = stored.find(table->name);
    if (known == stored.end() || (known->second.progress.outside && !only_)) continue;
    // What is asked for anew is no loss.
    if (!anew.contains(table->name)) check_same_topic(known->second, there);
  }
  const std::vector<std::string> further = further_topics(shared_->settings());
  names.insert(names.end(), further.begin(), further.end());
  learn_topics(names);
  if (shared_->settings().events.schema_changes) tell_other_shapes(tables);
}

void KafkaSink::forget(const std::vector<TableName>& tables) {
  TAILRACE_ASSERT(!only_ && channel_ != nullptr);
  StateChanges changes(*shared_);
  for (const TableName& table : tables) {
    log::warn("sink.table_left_out", {{"table", table.str()},
                                      {"topic", topic_of(table)},
                                      {"reason", "not configured any more: the topic stays as it is"}});
    changes.forget(table);
    parts_.erase(table);
  }
  commit_all(changes);
}

void KafkaSink::start_table(const TableStart& start, StateChanges& changes) {
  TAILRACE_ASSERT(only_ || !start.shadow);  // In the stream nobody may wait for a load.
  const TableName& name = start.schema->name;
  StoredTable table;
  table.progress.table = name;
  table.progress.outside = only_.has_value();
  table.progress.low = start.low;
  table.progress.instance = start.schema->instance;
  table.topic = topic_of(name);
  shared_->with([&](const SharedState& state) {
    table.topic_id = state.topics.find(table.topic)->second.id;
    // What was sent of a commit that was cut follows the rows of a load no second time.
    const auto known = state.stored.tables.find(name);
    if (lsn_ && known != state.stored.tables.end() && known->second.part &&
        known->second.part->commit_lsn > start.low)
      table.part = known->second.part;
  });
  changes.drop_chunks(name);
  // Of a table that is loaded again everything is said again.
  tell_shape(*start.schema, table, start.loads);
  changes.set(table);
  // So that no later run takes what is not to be read for what has not been read yet.
  if (!start.loads) changes.set(name, {Chunk{name, 0, {}, {}, 0}, /*done=*/true, 0});
  changes.answer(name, std::nullopt, "");
}

void KafkaSink::begin_load(const std::string& source_identity, const std::vector<TableStart>& tables,
                           const Position& first_position) {
  if (channel_ == nullptr) {
    TAILRACE_ASSERT(!only_);
    claim({});
    if (shared_->with([](const SharedState& state) { return state.stored.known; }))
      throw Error(ErrorKind::conflict, "this pipeline was begun in the meantime");
  }
  std::vector<std::string> names = further_topics(shared_->settings());
  for (const TableStart& table : tables)
    names.push_back(topic_of(table.schema->name));
  learn_topics(names);
  StateChanges changes(*shared_);
  for (const TableStart& table : tables)
    start_table(table, changes);
  if (!only_) changes.set_identity(source_identity);
  if (!only_ && !lsn_) {
    StoredOffset offset = offset_at(first_position, {});
    offset.snapshot = true;
    changes.set(offset);
  }
  crash_point("load.before_begin");
  if (!only_) {
    told_start_ = true;
    static_cast<void>(tell_initial("STARTED", {}, {}));  // Nobody stops it.
  }
  commit_all(changes);
  if (only_) {
    lsn_ = tables.front().low;
    return;
  }
  if (!lsn_) lsn_ = first_position.lsn;
  shared_->with([&](SharedState& state) {
    for (const TableStart& table : tables)
      state.loading.insert(table.schema->name);
  });
}

void KafkaSink::begin_again(const std::string& source_identity, const std::vector<TableStart>& tables,
                            const Position& first_position) {
  TAILRACE_ASSERT(!only_ && channel_ != nullptr);
  lsn_.reset();
  held_.reset();
  unfinished_.reset();
  parts_.clear();
  channel_->skip_nothing();
  begin_load(source_identity, tables, first_position);
}

void KafkaSink::add_chunks(const std::vector<Chunk>& chunks) {
  StateChanges changes(*shared_);
  for (const Chunk& chunk : chunks)
    changes.set(chunk.table, {chunk, /*done=*/false, 0});
  commit_all(changes);
}

std::unique_ptr<ChunkWriter> KafkaSink::chunk_writer() {
  TAILRACE_ASSERT(channel_ != nullptr);
  return std::make_unique<KafkaChunkWriter>(shared_);
}

bool KafkaSink::finish_load(const std::vector<SchemaPtr>& tables, const HighMark& mark,
                            std::stop_token stop) {
  crash_point("load.before_finish");
  StateChanges changes(*shared_);
  std::vector<StoredTable> loaded;
  for (const SchemaPtr& schema : tables) {
    StoredTable table = stored_table(schema->name);
    if (table.progress.state != TableState::loading) continue;  // By a call before this one.
    loaded.push_back(table);
    changes.drop_chunks(schema->name);
    table.progress.state = TableState::catching_up;
    table.progress.high_mark = mark;
    changes.set(table);
  }
  if (!only_) {
    std::optional<StoredOffset> offset =
        shared_->with([](const SharedState& state) { return state.stored.offset; });
    if (offset && offset->snapshot) {
      offset->snapshot_completed = true;
      changes.set(*offset);
    }
    told_start_ = true;
    if (!loaded.empty() && !tell_loaded(loaded, stop)) return false;
  }
  if (!commit(changes, stop)) return false;
  crash_point("load.after_finish");
  return true;
}

bool KafkaSink::move_position(const PositionMove& move, std::stop_token stop) {
  TAILRACE_ASSERT(!only_ && lsn_);
  StateChanges changes(*shared_);
  changes.set(offset_at(move.to, {}));
  const auto tables = shared_->with([](const SharedState& state) { return state.stored.tables; });
  for (const auto& [name, stored] : tables) {
    if (stored.progress.outside || (!move.replay_until && !stored.part)) continue;
    StoredTable table = stored;
    table.part.reset();  // Going back, all of its commit is sent again.
    if (move.replay_until) {
      table.progress.state = TableState::catching_up;
      table.progress.low = move.to.lsn;
      table.progress.high_mark = move.replay_until;
    }
    changes.set(table);
  }
  nlohmann::ordered_json note{
      {"by", move.by}, {"reason", move.reason}, {"from", lsn_->hex()}, {"to", move.to.lsn.hex()}};
  for (const auto& [table, count] : move.skipped) {
    note["skipped"][table.str()] = count ? nlohmann::ordered_json(*count) : nlohmann::ordered_json(nullptr);
  }
  changes.add(shared_->keys().move(now_unix_ms()),
              note.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
  if (!commit(changes, stop)) return false;
  log::warn("sink.position.moved",
            {{"from", lsn_->hex()}, {"to", move.to.lsn.hex()}, {"reason", move.reason}});
  lsn_ = move.to.lsn;
  parts_.clear();
  return true;
}

// A fenced producer commits an empty transaction with success: what proves that we own the pipeline is a record (K3c).
std::vector<TableRequest> KafkaSink::heartbeat() {
  if (channel_ == nullptr || only_) return {};  // Nothing was begun; a table's requests are the stream's.
  const bool beats = is_heartbeat_due();
  if (beats && !channel_->send_heartbeat({})) return {};
  // What the sink holds is committed in a moment, and the sign of life with it.
  if (!held_ && (beats || steady_clock::now() - last_sign_ >= shared_->settings().claim_interval)) {
    StateChanges changes(*shared_);
    commit_all(changes);
  }
  if (steady_clock::now() - last_look_ >= shared_->settings().claim_interval) look_at_topics();
  requests_->look({});
  return shared_->with([](const SharedState& state) { return open_requests(state.stored); });
}

// A topic that is made anew under a producer takes what comes next without a word.
void KafkaSink::look_at_topics() {
  last_look_ = steady_clock::now();
  std::vector<StoredTable> tables;
  shared_->with([&](const SharedState& state) {
    for (const auto& [name, table] : state.stored.tables) {
      if (!table.progress.outside && !table.topic_id.empty()) tables.push_back(table);
    }
  });
  std::vector<std::string> names;
  for (const StoredTable& table : tables)
    names.push_back(table.topic);
  const std::map<std::string, TopicInfo> there = admin_->topics(names, {});
  for (const StoredTable& table : tables) {
    if (there.contains(table.topic)) {
      check_same_topic(table, there);
    } else {
      // The next attempt looks again, and stops where it is gone indeed.
      throw Error(ErrorKind::unavailable, fmt::format("topic {} is not there any more", table.topic))
          .with("table", table.progress.table.str())
          .with("topic", table.topic);
    }
  }
}

bool KafkaSink::is_heartbeat_due() {
  const std::chrono::milliseconds interval = shared_->settings().heartbeat_interval;
  const auto now = steady_clock::now();
  // Behind the first load's begin alone its topic is there.
  if (interval.count() == 0 || !lsn_ || now - last_heartbeat_ < interval) return false;
  last_heartbeat_ = now;
  return true;
}

void KafkaSink::settle_parked(const ParkedKeys& parked, const RowBatch& rows, const HighMark& mark) {
  static_cast<void>(rows);
  static_cast<void>(mark);
  throw Error(ErrorKind::internal, "keys are never parked: an event carries what the source said")
      .with("table", parked.schema->name.str());
}

bool KafkaSink::finish_constraints(std::stop_token stop) {
  static_cast<void>(stop);
  return true;  // A topic has none.
}

void KafkaSink::close() {
  if (channel_ == nullptr) return;
  if (!only_) {
    StateChanges changes(*shared_);
    std::optional<Claim> claim = shared_->with([](const SharedState& state) { return state.stored.claim; });
    TAILRACE_ASSERT(claim.has_value());
    claim->beat_ms = 0;
    changes.set(*claim);
    last_sign_ = steady_clock::now();
    commit_all(changes);
  }
  requests_.reset();
  channel_.reset();
}

}  // namespace tailrace::kafka
