// Reading, cutting, and what is asked of topics.
#include "kafka/source.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/error.h"
#include "base/log.h"

namespace tailrace::kafka {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

TopicPartition place_of(const PartitionName& name) {
  return {name.topic, name.number};
}

PartitionName name_of(const TopicPartition& where) {
  return {where.topic, where.partition};
}

std::vector<TopicPartition> places_of(const std::vector<PartitionName>& names) {
  std::vector<TopicPartition> out;
  for (const PartitionName& name : names)
    out.push_back(place_of(name));
  return out;
}

AssignmentChange::Kind kind_of(RebalanceKind kind) {
  switch (kind) {
    case RebalanceKind::assigned: return AssignmentChange::Kind::assigned;
    case RebalanceKind::revoked: return AssignmentChange::Kind::revoked;
    case RebalanceKind::lost: break;
  }
  return AssignmentChange::Kind::lost;
}

// What lies behind goes over there.
template <class Item>
void cut_off(std::vector<Item>& items, std::size_t from, std::vector<Item>& rest) {
  std::move(items.begin() + static_cast<std::ptrdiff_t>(from), items.end(), std::back_inserter(rest));
  items.resize(from);
}

bool is_unknown_topic(const Error& error) {
  const std::string_view code = error.context("kafka");
  return code == "UNKNOWN_TOPIC_OR_PART" || code == "_UNKNOWN_TOPIC" || code == "_UNKNOWN_PARTITION";
}

std::size_t partitions_of_all(const std::map<std::string, TopicInfo>& topics) {
  std::size_t out = 0;
  for (const auto& [name, info] : topics)
    out += info.partitions.size();
  return out;
}

}  // namespace

KafkaSource::KafkaSource(SourceSettings settings) : settings_(std::move(settings)) {}

void KafkaSource::open(UseTable use_table, const std::map<PartitionName, PartitionPosition>& stored,
                       std::stop_token stop) {
  for (const auto& [name, position] : stored) {
    if (!position.next_offset) continue;
    applied_.insert(name.topic);
    if (!position.topic_id.empty()) topic_ids_[name.topic] = position.topic_id;
  }
  std::unique_ptr<registry::Schemas> schemas;
  if (settings_.intake.format == intake::Format::avro)
    schemas = std::make_unique<registry::Schemas>(settings_.registry);
  use_table_ = std::move(use_table);
  reader_ = std::make_unique<intake::Reader>(
      settings_.intake, std::move(schemas),
      [this](const TableSchema& proposed, bool make) { return this->use_table(proposed, make); });
  admin_ = std::make_unique<Admin>(settings_.cluster);
  topics_ = settings_.topics;
  to_subscribe_ = !topics_.empty();
  look_at_topics(stop);
  consumer_ = std::make_unique<Consumer>(
      settings_.cluster, ConsumerOptions{.group_id = settings_.group_id,
                                         .session_timeout = settings_.session_timeout,
                                         .partitions = partitions_of_all(admin_->topics(topics_, stop))});
  if (topics_.empty())
    log::warn("kafka.topics.none",
              {{"pattern", settings_.topics_pattern}, {"reason", "no topic matches yet"}});
}

// What is stored is a boundary.
void KafkaSource::read_from(const PartitionClaim& claim, PartitionPosition start) {
  Reading reading;
  reading.at_boundary = claim.position.next_offset.has_value();
  reading.upto = std::move(start);
  reading.stretch.where = claim.where;
  readings_.insert_or_assign(claim.where, std::move(reading));
}

void KafkaSource::begin(const AssignmentChange& change, const std::vector<PartitionClaim>& claims,
                        std::stop_token stop) {
  TAILRACE_ASSERT(due_ && change.kind == AssignmentChange::Kind::assigned);
  look_at_topics(stop);
  std::vector<PartitionOffset> starts;
  for (const PartitionClaim& claim : claims) {
    PartitionPosition start = start_of(claim, stop);
    starts.push_back({place_of(claim.where), *start.next_offset});
    read_from(claim, std::move(start));
  }
  consumer_->accept(*due_, starts);
  due_.reset();
}

void KafkaSource::release(const AssignmentChange& change) {
  TAILRACE_ASSERT(due_ && change.kind != AssignmentChange::Kind::assigned);
  for (const PartitionName& name : change.partitions) {
    readings_.erase(name);
    paused_.erase(name);
  }
  consumer_->release(*due_);
  due_.reset();
}

void KafkaSource::go_back(const std::vector<PartitionClaim>& claims, std::stop_token stop) {
  std::vector<PartitionOffset> places;
  for (const PartitionClaim& claim : claims) {
    PartitionPosition start = start_of(claim, stop);
    places.push_back({place_of(claim.where), *start.next_offset});
    read_from(claim, std::move(start));
  }
  consumer_->seek(places);
}

void KafkaSource::pause(const std::vector<PartitionName>& partitions) {
  consumer_->pause(places_of(partitions));
  paused_.insert(partitions.begin(), partitions.end());
}

void KafkaSource::resume(const std::vector<PartitionName>& partitions) {
  consumer_->resume(places_of(partitions));
  for (const PartitionName& name : partitions)
    paused_.erase(name);
}

void KafkaSource::durable(const std::vector<std::pair<PartitionName, std::int64_t>>& next_offsets) {
  std::vector<PartitionOffset> offsets;
  for (const auto& [name, offset] : next_offsets) {
    applied_.insert(name.topic);
    offsets.push_back({place_of(name), offset});
  }
  consumer_->publish_offsets(offsets);
}

std::map<PartitionName, std::int64_t> KafkaSource::ends(Ends which, std::stop_token stop) {
  if (which == Ends::all && everything_ == nullptr)
    everything_ = std::make_unique<Consumer>(settings_.cluster,
                                             ConsumerOptions{.isolation = Isolation::read_uncommitted});
  Consumer& asked = which == Ends::all ? *everything_ : *consumer_;
  std::map<PartitionName, std::int64_t> out;
  for (const auto& [topic, info] : admin_->topics(topics_, stop)) {
    for (const PartitionInfo& partition : info.partitions) {
      const std::optional<Watermarks> marks = asked.watermarks({topic, partition.partition}, stop);
      if (!marks) throw Error(ErrorKind::abandoned, "stopped while partitions were looked at");
      out[{topic, partition.partition}] = marks->high;
    }
  }
  return out;
}

void KafkaSource::close(std::stop_token stop) {
  if (consumer_ == nullptr) return;
  batch_ = {};  // It must not outlive its consumer.
  if (!consumer_->close(settings_.session_timeout, stop))
    log::warn("kafka.group.not_left", {{"group", settings_.group_id}});
  consumer_.reset();
}

void KafkaSource::poll(milliseconds wait, const std::stop_token& stop) {
  try {
    consumer_->poll(batch_,
                    {.wait = wait, .records = settings_.batch_records, .bytes = settings_.batch_bytes}, stop);
  } catch (const Error& error) {
    if (!is_unknown_topic(error)) throw;
    // Gone, or made anew: the look says which. Else a broker that is behind the others, and it passes.
    look_at_topics(stop);
    log::warn("kafka.topic.unknown_for_now", {{"reason", error.what()}});
  }
}

PartitionBatch KafkaSource::next(milliseconds wait, std::stop_token stop) {
  TAILRACE_ASSERT(!due_);
  if (pending_) {
    const Error error = std::move(*pending_);
    pending_.reset();
    throw Error(error);
  }
  if (steady_clock::now() >= next_look_ && !stop.stop_requested()) look_at_topics(stop);
  if (steady_clock::now() >= next_look_at_standing_ && !stop.stop_requested()) look_at_standing(stop);
  if (std::exchange(to_subscribe_, false)) consumer_->subscribe(topics_);
  poll(wait, stop);
  standstill_.polled();
  PartitionBatch out;
  out.more = batch_.records().size() >= settings_.batch_records || batch_.bytes() >= settings_.batch_bytes;
  take_records(stop);
  for (auto& [name, reading] : readings_)
    give(reading, out);
  if (const std::optional<Rebalance>& rebalance = batch_.rebalance()) {
    due_ = rebalance;
    out.change = AssignmentChange{kind_of(rebalance->kind), {}};
    for (const TopicPartition& each : rebalance->partitions)
      out.change->partitions.push_back(name_of(each));
  }
  return out;
}

void KafkaSource::take_records(const std::stop_token& stop) {
  // Records before an end that was reached are here or were in earlier batches; some behind it may be here as well.
  std::map<TopicPartition, std::vector<std::int64_t>> ends;
  for (const PartitionOffset& end : batch_.ends())
    ends[end.where].push_back(end.offset);
  const auto reach = [](Reading& reading, std::int64_t end) {
    if (end < *reading.upto.next_offset) return;
    if (end == *reading.upto.next_offset && reading.at_boundary) return;
    reading.upto.next_offset = end;
    mark_boundary(reading);
    reading.stands_alone = true;
  };
  Reading* last = nullptr;
  std::vector<std::int64_t>* last_ends = nullptr;
  for (const InRecord& record : batch_.records()) {
    if (last == nullptr || last->stretch.where.number != record.partition() ||
        last->stretch.where.topic != record.topic()) {
      const TopicPartition where{std::string(record.topic()), record.partition()};
      const auto found = readings_.find(name_of(where));
      if (found == readings_.end()) continue;
      last = &found->second;
      const auto of_it = ends.find(where);
      last_ends = of_it == ends.end() ? nullptr : &of_it->second;
    }
    if (record.offset() < *last->upto.next_offset) continue;  // Read ahead of a seek.
    if (last_ends != nullptr) {
      for (const std::int64_t end : *last_ends) {
        if (end <= record.offset()) reach(*last, end);
      }
    }
    try {
      take(*last, record, stop);
    } catch (const Error& error) {
      if (passes_over(error)) {
        pass_over(*last, record, error, stop);
        passed(*last, record);
        last->last_deleted.clear();
        continue;
      }
      // What stands alone needs no next record to be whole.
      if (last->stands_alone && last->has_records && !last->at_boundary) mark_boundary(*last);
      pending_ = Error(error)
                     .with("topic", record.topic())
                     .with("partition", std::to_string(record.partition()))
                     .with("offset", std::to_string(record.offset()));
      const bool is_of_the_record = error.kind() == ErrorKind::protocol || error.kind() == ErrorKind::data;
      if (is_of_the_record && error.context("remedy").empty())
        pending_->with(
            "remedy",
            "see who wrote this record, and whether source.format is right: nothing behind it is read");
      return;
    }
  }
  for (const auto& [where, offsets] : ends) {
    const auto found = readings_.find(name_of(where));
    if (found == readings_.end()) continue;
    for (const std::int64_t end : offsets)
      reach(found->second, end);
  }
}

// A commit that lies before one that was read means another topic, another source, or a writer that repeats itself. Rows of
// a snapshot have no place in the order of commits: what is streamed behind a snapshot that was asked for may lie before it.
void KafkaSource::check_order(const Reading& reading, const intake::Event& event) const {
  if (settings_.repeats == Repeats::apply || event.is_snapshot || !event.commit_lsn ||
      !reading.upto.last_lsn || *event.commit_lsn >= *reading.upto.last_lsn)
    return;
  throw Error(ErrorKind::gap, "a record's commit lies before one that was read already")
      .with("commit_lsn", event.commit_lsn->hex())
      .with("read_before", reading.upto.last_lsn->hex())
      .with("remedy",
            "where its writer repeats itself after a crash (a Debezium without exactly-once): "
            "source.repeated_records: apply; else the topic or its source is another one: begin again with a "
            "pipeline of another name");
}

void KafkaSource::passed(Reading& reading, const InRecord& record) {
  reading.upto.next_offset = record.offset() + 1;
  reading.upto.last_offset = record.offset();
  reading.upto.leader_epoch = record.leader_epoch();
  ++reading.stretch.records;
  reading.at_boundary = false;
  reading.has_records = true;
}

void KafkaSource::put_row(Reading& reading, const intake::Event& event, const InRecord& record,
                          const std::stop_token& stop) {
  RowBatch& rows = batch_for(reading, event.route->table);
  const std::size_t before = rows.rows();
  try {
    reader_->put(event, rows, [&record] {
      return fmt::format("{}[{}]@{}", record.topic(), record.partition(), record.offset());
    });
  } catch (const Error& error) {
    static_cast<void>(rows.split(before));
    if (!passes_over(error)) throw;
    return pass_over(reading, record, error, stop);
  }
  rows.header(before).record = record.offset();
  keep_original(reading, record);
}

void KafkaSource::take(Reading& reading, const InRecord& record, const std::stop_token& stop) {
  const std::optional<std::string_view> key = record.key();
  const bool repeats_delete =
      !record.value() && key && !reading.last_deleted.empty() && *key == reading.last_deleted;
  // The tombstone behind a delete says nothing new; it belongs to the same commit.
  if (repeats_delete) return passed(reading, record);
  intake::Incoming incoming{record.topic(), key, record.value()};
  incoming.partition = record.partition();
  incoming.offset = record.offset();
  incoming.has_old_key = [&record] { return record.has_header("__debezium.oldkey"); };
  const intake::Event& event = reader_->read(incoming, stop, event_);
  check_order(reading, event);
  const bool is_same_commit =
      event.is_tombstone || (!reading.stands_alone && !event.is_snapshot && event.commit_lsn &&
                             event.commit_lsn == reading.upto.last_lsn);
  if (!is_same_commit && !reading.at_boundary && reading.has_records) mark_boundary(reading);
  if (event.route != nullptr) put_row(reading, event, record, stop);
  passed(reading, record);
  if (!event.is_tombstone) {
    reading.stands_alone = event.is_snapshot || !event.commit_lsn;
    if (event.commit_lsn && !event.is_snapshot) reading.upto.last_lsn = event.commit_lsn;
    if (event.commit_time_utc != 0) reading.stretch.commit_time_utc = event.commit_time_utc;
  }
  reading.last_deleted = event.operation == Operation::delete_ && key ? std::string(*key) : std::string();
}

void KafkaSource::mark_boundary(Reading& reading) {
  Stretch& stretch = reading.stretch;
  if (std::exchange(reading.has_records, false)) ++reading.mark_transactions;
  reading.at_boundary = true;
  reading.mark.clear();
  for (const RowBatch& rows : stretch.rows)
    reading.mark.push_back(rows.rows());
  reading.mark_upto = reading.upto;
  reading.mark_records = stretch.records;
  reading.mark_originals = stretch.originals.size();
  reading.mark_unreadable = stretch.unreadable.size();
  reading.has_mark = true;
}

// Rows of one table stay in order when its records change their schema.
RowBatch& KafkaSource::batch_for(Reading& reading, const SchemaPtr& table) {
  std::vector<RowBatch>& rows = reading.stretch.rows;
  for (auto batch = rows.rbegin(); batch != rows.rend(); ++batch) {
    if (batch->schema_ptr() == table) return *batch;
    if (batch->schema().name == table->name) break;
  }
  return rows.emplace_back(table);
}

// What lies behind the last boundary is a stretch of its own, which goes on.
void KafkaSource::give(Reading& reading, PartitionBatch& out) {
  Stretch& stretch = reading.stretch;
  const PartitionName where = stretch.where;
  if (reading.has_mark) {
    Stretch rest;
    rest.where = where;
    rest.records = stretch.records - reading.mark_records;
    rest.commit_time_utc = stretch.commit_time_utc;
    for (std::size_t i = 0; i < stretch.rows.size(); ++i) {
      const std::size_t row = i < reading.mark.size() ? reading.mark[i] : 0;
      if (row == stretch.rows[i].rows()) continue;
      rest.rows.push_back(row == 0 ? std::exchange(stretch.rows[i], RowBatch(stretch.rows[i].schema_ptr()))
                                   : stretch.rows[i].split(row));
    }
    std::erase_if(stretch.rows, [](const RowBatch& rows) { return rows.empty(); });
    cut_off(stretch.originals, reading.mark_originals, rest.originals);
    cut_off(stretch.unreadable, reading.mark_unreadable, rest.unreadable);
    stretch.ends = true;
    stretch.records = reading.mark_records;
    stretch.transactions = reading.mark_transactions;
    stretch.upto = reading.mark_upto;
    out.stretches.push_back(std::move(stretch));
    rest.upto = reading.upto;
    if (rest.records != 0) out.stretches.push_back(std::move(rest));
  } else if (stretch.records != 0) {
    stretch.upto = reading.upto;
    out.stretches.push_back(std::move(stretch));
  }
  stretch = {};
  stretch.where = where;
  reading.mark.clear();
  reading.mark_records = reading.mark_transactions = 0;
  reading.mark_originals = reading.mark_unreadable = 0;
  reading.has_mark = false;
}

}  // namespace tailrace::kafka
