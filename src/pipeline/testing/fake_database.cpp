// The fakes' shared world, and the fake source.
#include "pipeline/testing/fake_database.h"

#include <algorithm>
#include <condition_variable>
#include <utility>

#include "base/wait.h"
#include "model/key_text.h"

namespace tailrace::testing {

Lsn lsn_of(std::uint64_t number) {
  Lsn lsn;
  for (int i = 9; i >= 2; --i) {
    lsn.bytes[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(number & 0xFF);
    number >>= 8;
  }
  return lsn;
}

std::uint64_t number_of(const Lsn& lsn) {
  std::uint64_t number = 0;
  for (std::size_t i = 2; i < 10; ++i)
    number = number << 8 | lsn.bytes[i];
  return number;
}

SchemaPtr make_table(const std::string& name) {
  auto schema = std::make_shared<TableSchema>();
  schema->name = {"dbo", name};
  schema->columns = {{"k", {TypeKind::bigint, 8}, false, ""}, {"v", {TypeKind::bigint, 8}, false, ""}};
  schema->key = {0};
  return schema;
}

void FakeWorld::commit(const std::vector<FakeChange>& changes) {
  const std::lock_guard lock(mutex);
  for (const FakeChange& change : changes) {
    FakeRows& rows = source_rows[change.table];
    if (change.operation == Operation::delete_) {
      TAILRACE_ASSERT(rows.erase(change.key) == 1);
    } else {
      rows[change.key] = change.value;
    }
  }
  log[next_lsn++] = changes;
}

std::int64_t FakeWorld::request(const TableName& table, Wanted wanted) {
  const std::lock_guard lock(mutex);
  const std::int64_t id = static_cast<std::int64_t>(answers.size() + stored.requests.size()) + 1;
  stored.requests.push_back({id, table, wanted});
  return id;
}

void FakeWorld::point(const std::string& name) {
  if (at) at(name);
  const std::lock_guard lock(mutex);
  ++passes[name];
  auto& planned = failures[name];
  if (!planned.empty()) {
    const std::optional<ErrorKind> kind = planned.front();
    planned.erase(planned.begin());
    if (kind) throw Error(*kind, "planned failure").with("point", name);
  }
  if (random_failures != 0 && random() % random_failures == 0) {
    throw Error(ErrorKind::unavailable, "random failure").with("point", name);
  }
}

bool FakeWorld::point(const std::string& name, const std::stop_token& stop) {
  point(name);
  {
    const std::lock_guard lock(mutex);
    int& waiting = waits[name];
    if (waiting == 0) return !stop.stop_requested();
    --waiting;
  }
  if (wait_for(std::chrono::seconds(20), stop))
    throw Error(ErrorKind::internal, "nobody stopped what waits").with("point", name);
  return false;
}

namespace {

void append(RowBatch& batch, Operation operation, std::uint64_t lsn, std::int64_t key, std::int64_t value) {
  RowHeader header;
  header.operation = operation;
  header.commit_lsn = lsn_of(lsn);
  const std::size_t row = batch.add_row(header);
  batch.put(row, 0).integer = key;
  batch.put(row, 1).integer = value;
}

class FakeReader : public SnapshotReader {
 public:
  explicit FakeReader(FakeWorld& world) : world_(world) {}

  std::optional<Chunk> plan_chunk(const TableSchema& table, const Chunk* last, std::uint64_t chunk_rows,
                                  std::stop_token stop) override {
    if (!world_.point("source.plan_chunk", stop)) return std::nullopt;
    const std::lock_guard lock(world_.mutex);
    Chunk chunk;
    chunk.table = table.name;
    if (last != nullptr) {
      chunk.number = last->number + 1;
      chunk.after = last->upto;
    }
    const FakeRows& rows = world_.source_rows[table.name];
    auto at = chunk.after.empty() ? rows.begin() : rows.upper_bound(std::stoll(chunk.after.front()));
    for (std::uint64_t i = 1; i < chunk_rows && at != rows.end(); ++i)
      ++at;
    if (at != rows.end()) chunk.upto = {std::to_string(at->first)};
    return chunk;
  }

  bool read_chunk(const SchemaPtr& table, const Chunk& chunk,
                  const std::function<bool(const RowBatch&)>& take, std::stop_token stop) override {
    if (world_.at) world_.at("source.read_chunk " + table->name.name);
    world_.point("source.read_chunk");
    RowBatch batch(table);
    {
      const std::lock_guard lock(world_.mutex);
      for (const auto& [key, value] : world_.source_rows[table->name]) {
        if (!chunk.after.empty() && key <= std::stoll(chunk.after.front())) continue;
        if (!chunk.upto.empty() && key > std::stoll(chunk.upto.front())) break;
        append(batch, Operation::read, 0, key, value);
        ++world_.rows_read;
      }
    }
    if (stop.stop_requested()) return false;
    return take(batch);
  }

  std::optional<RowBatch> read_keys(const SchemaPtr& table, std::span<const std::vector<std::string>> keys,
                                    std::stop_token stop) override {
    if (!world_.point("source.read_keys", stop)) return std::nullopt;
    RowBatch batch(table);
    const std::lock_guard lock(world_.mutex);
    for (const auto& key : keys) {
      const FakeRows& rows = world_.source_rows[table->name];
      const auto found = rows.find(std::stoll(key.front()));
      if (found != rows.end()) append(batch, Operation::read, 0, found->first, found->second);
    }
    return batch;
  }

 private:
  FakeWorld& world_;
};

class FakeSource : public Source {
 public:
  explicit FakeSource(FakeWorld& world) : world_(world) {}

  SourceInfo open(const ResumeState& resume, std::stop_token stop) override {
    const std::string point = resume.only ? "outside.source.open" : "source.open";
    if (!world_.point(point, stop)) throw Error(ErrorKind::abandoned, "stopped while opening");
    const std::lock_guard lock(world_.mutex);
    outside_ = resume.only.has_value();
    SourceInfo info{"fake", {}, {}};
    for (const SchemaPtr& schema : world_.schemas) {
      if (resume.only && schema->name != *resume.only) continue;
      if (!world_.unfit.contains(schema->name)) {
        info.tables.push_back(schema);
        continue;
      }
      const auto known = resume.tables.find(schema->name);
      if (resume.only || known == resume.tables.end() || !known->second.outside)
        throw Error(ErrorKind::config, schema->name.str() + " cannot be replicated");
      info.unfit.push_back(schema->name);
    }
    for (const auto& [name, progress] : resume.tables) {
      const Wanted wanted = wanted_of(resume, name);
      if (wanted == Wanted::resnapshot) continue;
      if (!resume.only && (progress.outside || wanted == Wanted::pause)) continue;
      check_cleanup(name, std::max(progress.low, resume.position->lsn));
    }
    return info;
  }

  std::vector<Lsn> take_low(const std::vector<SchemaPtr>& tables) override {
    const std::lock_guard lock(world_.mutex);
    return std::vector<Lsn>(tables.size(), lsn_of(world_.next_lsn - 1));
  }

  std::unique_ptr<SnapshotReader> snapshot_reader() override { return std::make_unique<FakeReader>(world_); }

  HighMark take_mark() override {
    const std::lock_guard lock(world_.mutex);
    return {std::to_string(world_.next_lsn - 1)};
  }

  Position position_at(const StartPoint& point, const std::vector<SchemaPtr>& tables) override {
    world_.point("source.position_at");
    const std::lock_guard lock(world_.mutex);
    const std::uint64_t at = point.lsn ? number_of(*point.lsn) : static_cast<std::uint64_t>(*point.time_utc);
    if (at >= world_.next_lsn) throw Error(ErrorKind::config, "the source has not come so far");
    for (const SchemaPtr& table : tables)
      check_cleanup(table->name, lsn_of(at));
    return {lsn_of(at), "", 0};
  }

  std::map<TableName, std::optional<std::uint64_t>> count_changes(const std::vector<SchemaPtr>& tables,
                                                                  const Lsn& after,
                                                                  const Lsn& upto) override {
    const std::lock_guard lock(world_.mutex);
    std::map<TableName, std::optional<std::uint64_t>> counts;
    for (const SchemaPtr& table : tables) {
      std::uint64_t& count = counts[table->name].emplace(0);
      for (auto at = world_.log.upper_bound(number_of(after)); at != world_.log.upper_bound(number_of(upto));
           ++at)
        count += static_cast<std::uint64_t>(
            std::count_if(at->second.begin(), at->second.end(),
                          [&](const FakeChange& change) { return change.table == table->name; }));
    }
    return counts;
  }

  void start_stream(const StreamPlan& plan) override {
    plan_ = plan;
    TAILRACE_ASSERT(plan.position.has_value());
    at_ = number_of(plan.position->lsn);
  }

  // One transaction a batch, in two parts when it has more than one change.
  std::optional<ChangeBatch> next(std::stop_token stop) override {
    world_.point(outside_ ? "outside.source.next" : "source.next");
    std::unique_lock lock(world_.mutex);
    std::condition_variable_any idle;
    if (stop.stop_requested() || has_ended_) return std::nullopt;
    if (part_ == 0 && !left_.empty()) return end_at(ChangeBatch{}, at_);
    if (part_ == 0 && joining_ && world_.is_all_read(at_, joining_->low)) return joining_batch();
    if (part_ == 0 && watch_number_ != 0 && std::stoull(watch_.text) <= at_)
      return end_at(ChangeBatch{}, at_);
    const auto found = world_.log.upper_bound(at_);
    if (found != world_.log.end()) {
      if (part_ == 0) {
        if (std::optional<ChangeBatch> end = end_of_columns(found->first)) return end;
      }
      return batch_of(found->first, found->second);
    }
    if (!idle_told_) {
      idle_told_ = true;
      return end_at(ChangeBatch{}, at_);
    }
    idle.wait_for(lock, stop, std::chrono::milliseconds(1), [] { return false; });
    return stop.stop_requested() ? std::nullopt : std::optional(ChangeBatch{});
  }

  void add_table(const StreamTable& table) override {
    world_.point("source.add_table");
    TAILRACE_ASSERT(part_ == 0 && !joining_ && !table.high_mark);
    const std::lock_guard lock(world_.mutex);
    check_cleanup(table.schema->name, table.low);
    for (const StreamTable& other : plan_.tables)
      TAILRACE_ASSERT(other.schema->name != table.schema->name);
    joining_ = table;
  }

  void watch(const HighMark& mark, std::uint64_t number) override {
    world_.point("source.watch");
    TAILRACE_ASSERT(part_ == 0 && number != 0);
    watch_ = mark;
    watch_number_ = number;
  }

  void remove_table(const TableName& table) override {
    world_.point("source.remove_table");
    TAILRACE_ASSERT(part_ == 0);
    TAILRACE_ASSERT(std::erase_if(plan_.tables,
                                  [&](const StreamTable& each) { return each.schema->name == table; }) == 1);
    left_.push_back(table);
  }

 private:
  void check_cleanup(const TableName& table, const Lsn& position) {
    if (number_of(position) >= world_.cleaned[table]) return;
    throw Error(ErrorKind::gap, "cleanup has overtaken " + table.str()).with("table", table.str());
  }

  std::string instance_at(const TableName& table, std::uint64_t lsn) const {
    const auto changes = world_.columns_change_at.find(table);
    if (changes == world_.columns_change_at.end()) return {};
    const auto next = changes->second.upper_bound(lsn);
    return next == changes->second.begin() ? std::string() : std::to_string(*std::prev(next));
  }

  // In front of a commit that a table's new columns begin with: the stream ends, and what is stored is the new instance.
  std::optional<ChangeBatch> end_of_columns(std::uint64_t next) {
    ChangeBatch batch;
    for (const StreamTable& table : plan_.tables) {
      const std::string instance = instance_at(table.schema->name, next);
      if (next <= number_of(table.low) || table.instance.name == instance) continue;
      batch.switched.push_back({table.schema->name, {instance, 0, {}, {}}, lsn_of(next - 1)});
    }
    if (batch.switched.empty()) return std::nullopt;
    has_ended_ = batch.ends_stream = true;
    ++world_.ends_of_streams;
    return end_at(std::move(batch), at_);
  }

  // What the table has between its own position and the stream's; from here on it is a table like the others.
  ChangeBatch joining_batch() {
    ChangeBatch batch;
    batch.joining.push_back(joining_->schema);
    for (auto at = world_.log.upper_bound(number_of(joining_->low));
         at != world_.log.end() && at->first <= at_; ++at) {
      for (const FakeChange& change : at->second) {
        if (change.table != joining_->schema->name) continue;
        batch.tables.emplace_back(joining_->schema);
        append(batch.tables.back(), change.operation, at->first, change.key, change.value);
      }
    }
    plan_.tables.push_back(*joining_);
    joining_.reset();
    return end_at(std::move(batch), at_);
  }

  ChangeBatch batch_of(std::uint64_t lsn, const std::vector<FakeChange>& changes) {
    ChangeBatch batch;
    while (part_ < changes.size()) {
      const FakeChange& change = changes[part_++];
      for (const StreamTable& table : plan_.tables) {
        if (table.schema->name != change.table || lsn <= number_of(table.low)) continue;
        TAILRACE_ASSERT(table.instance.name == instance_at(change.table, lsn));
        batch.tables.emplace_back(table.schema);
        append(batch.tables.back(), change.operation, lsn, change.key, change.value);
      }
      if (part_ < changes.size() && !batch.tables.empty()) return batch;
    }
    part_ = 0;
    at_ = lsn;
    return end_at(std::move(batch), lsn);
  }

  ChangeBatch end_at(ChangeBatch batch, std::uint64_t lsn) {
    std::vector<TableName> reached;
    for (StreamTable& table : plan_.tables) {
      if (table.high_mark && std::stoull(table.high_mark->text) <= lsn) reached.push_back(table.schema->name);
    }
    batch.left = std::exchange(left_, {});
    batch.end = Position{lsn_of(lsn), "", 0};
    batch.transactions = 1;
    batch.caught_up = reached;
    for (StreamTable& table : plan_.tables) {
      if (std::find(reached.begin(), reached.end(), table.schema->name) != reached.end())
        table.high_mark.reset();
    }
    if (watch_number_ != 0 && std::stoull(watch_.text) <= lsn)
      batch.watch_reached = std::exchange(watch_number_, 0);
    batch.run_mark_reached = plan_.run_mark && std::stoull(plan_.run_mark->text) <= lsn;
    return batch;
  }

  FakeWorld& world_;
  bool outside_ = false;
  StreamPlan plan_;
  std::optional<StreamTable> joining_;
  std::vector<TableName> left_;
  std::uint64_t at_ = 0;
  std::size_t part_ = 0;
  bool idle_told_ = false;
  bool has_ended_ = false;
  HighMark watch_;
  std::uint64_t watch_number_ = 0;
};

}  // namespace

std::unique_ptr<Source> make_fake_source(FakeWorld& world) {
  return std::make_unique<FakeSource>(world);
}

}  // namespace tailrace::testing
