// The fake sink: an open transaction is a copy of the stored world that replaces it at the commit.
#include <algorithm>
#include <chrono>
#include <utility>

#include "model/key_text.h"
#include "pipeline/testing/fake_database.h"

namespace tailrace::testing {
namespace {

void apply(FakeRows& rows, const RowBatch& batch, bool strict) {
  for (std::size_t row = 0; row < batch.rows(); ++row) {
    const std::int64_t key = batch.cell(row, 0).integer;
    if (batch.header(row).operation == Operation::delete_) {
      const bool was_there = rows.erase(key) == 1;
      if (strict && !was_there) throw Error(ErrorKind::data, "source and target have diverged");
    } else {
      rows[key] = batch.cell(row, 1).integer;
    }
  }
}

class FakeWriter : public ChunkWriter {
 public:
  explicit FakeWriter(FakeWorld& world) : world_(world) {}

  ChunkBegin begin(const SchemaPtr& table, const Chunk& chunk, std::stop_token stop) override {
    if (!world_.point("chunk.begin", stop)) return ChunkBegin::stopped;
    const std::lock_guard lock(world_.mutex);
    table_ = table->name;
    number_ = chunk.number;
    rows_.clear();
    const bool done = world_.stored.tables.at(table_).chunks.at(number_).done;
    return done ? ChunkBegin::done_before : ChunkBegin::begun;
  }
  bool write(const RowBatch& rows, std::stop_token stop) override {
    if (!world_.point("chunk.write", stop)) return false;
    apply(rows_, rows, false);
    return true;
  }
  std::optional<std::uint64_t> finish(std::stop_token stop) override {
    if (!world_.point("chunk.finish", stop)) return std::nullopt;
    {
      const std::lock_guard lock(world_.mutex);
      TableProgress& progress = world_.stored.tables.at(table_);
      FakeRows& target = progress.shadow ? world_.shadow_rows[table_] : world_.sink_rows[table_];
      for (const auto& [key, value] : rows_) {
        TAILRACE_ASSERT(target.emplace(key, value).second || progress.chunks.at(number_).done);
      }
      progress.chunks.at(number_).done = true;
    }
    world_.point("chunk.finished");  // The answer is lost: the rows are there.
    return rows_.size();
  }
  bool finish_table(const SchemaPtr& table, std::stop_token stop) override {
    if (!world_.point("chunk.finish_table " + table->name.name, stop)) return false;
    const std::lock_guard lock(world_.mutex);
    const std::vector<ChunkProgress>& chunks = world_.stored.tables.at(table->name).chunks;
    TAILRACE_ASSERT(!chunks.empty() && chunks.back().chunk.upto.empty());
    TAILRACE_ASSERT(std::all_of(chunks.begin(), chunks.end(), [](const auto& each) { return each.done; }));
    world_.keyed.insert(table->name);
    return true;
  }

 private:
  FakeWorld& world_;
  TableName table_;
  std::uint32_t number_ = 0;
  FakeRows rows_;
};

class FakeSink : public Sink {
 public:
  explicit FakeSink(FakeWorld& world, std::optional<TableName> only = std::nullopt)
      : world_(world), only_(std::move(only)) {}
  ~FakeSink() override {
    const std::lock_guard lock(world_.mutex);
    if (only_ && open_) world_.being_written.erase(*only_);
  }
  FakeSink(const FakeSink&) = delete;
  FakeSink& operator=(const FakeSink&) = delete;

  ResumeState open(bool take_over, std::stop_token) override {
    world_.point(only_ ? "outside.open" : "sink.open");
    const std::lock_guard lock(world_.mutex);
    if (only_) return open_outside();
    ++world_.opens;
    world_.take_overs += take_over ? 1 : 0;
    world_.closed_cleanly = false;
    return world_.stored;
  }
  void use_tables(const std::vector<SchemaPtr>&) override {}
  void forget(const std::vector<TableName>& tables) override {
    TAILRACE_ASSERT(!only_);
    const std::lock_guard lock(world_.mutex);
    for (const TableName& table : tables) {
      TAILRACE_ASSERT(world_.stored.tables.erase(table) == 1);
      world_.shadow_rows.erase(table);
      world_.keys_aside.erase(table);
    }
  }
  void begin_load(const std::string& identity, const std::vector<TableStart>& tables,
                  const Position& first) override {
    const std::lock_guard lock(world_.mutex);
    if (!only_) {
      world_.stored.first_run = false;
      world_.stored.adopted = false;
      world_.stored.source_identity = identity;
      if (!world_.stored.position) world_.stored.position = first;
    }
    for (const TableStart& start : tables) {
      TAILRACE_ASSERT(!only_ || *only_ == start.schema->name);
      TAILRACE_ASSERT(!start.shadow || only_);
      answer_all(start.schema->name);
      TableProgress& progress = world_.stored.tables[start.schema->name];
      progress = {};
      progress.table = start.schema->name;
      progress.low = start.low;
      progress.shadow = start.shadow;
      progress.outside = only_.has_value();
      if (!start.loads) {
        progress.chunks = {{Chunk{progress.table, 0, {}, {}, 0}, /*done=*/true, 0}};
        continue;
      }
      // What an earlier load left there is dropped.
      (start.shadow ? world_.shadow_rows : world_.sink_rows)[start.schema->name].clear();
      world_.keyed.erase(start.schema->name);
    }
  }
  void begin_again(const std::string& identity, const std::vector<TableStart>& tables,
                   const Position& first) override {
    world_.point("sink.begin_again");
    {
      const std::lock_guard lock(world_.mutex);
      TAILRACE_ASSERT(!only_ && !held_);
      world_.stored.position.reset();
      world_.stored.tables.clear();
    }
    begin_load(identity, tables, first);
  }
  void add_chunks(const std::vector<Chunk>& chunks) override {
    world_.point("sink.add_chunks");
    const std::lock_guard lock(world_.mutex);
    for (const Chunk& chunk : chunks) {
      auto& known = world_.stored.tables.at(chunk.table).chunks;
      TAILRACE_ASSERT(known.size() == chunk.number);
      known.push_back({chunk, false, 0});
    }
  }
  std::unique_ptr<ChunkWriter> chunk_writer() override { return std::make_unique<FakeWriter>(world_); }
  bool finish_load(const std::vector<SchemaPtr>& tables, const HighMark& mark,
                   std::stop_token stop) override {
    if (!world_.point("sink.finish_load", stop)) return false;
    const std::lock_guard lock(world_.mutex);
    for (const SchemaPtr& table : tables) {
      TableProgress& progress = world_.stored.tables.at(table->name);
      for (const ChunkProgress& chunk : progress.chunks)
        TAILRACE_ASSERT(chunk.done);
      TAILRACE_ASSERT(!progress.chunks.empty() && progress.chunks.back().chunk.upto.empty());
      TAILRACE_ASSERT(world_.keyed.contains(table->name));
      progress.chunks.clear();
      progress.state = TableState::catching_up;
      progress.high_mark = mark;
    }
    return true;
  }
  using Sink::write;
  bool write(ChangeBatch& batch, std::stop_token stop) override {
    if (only_) return write_outside(batch, stop);
    world_.point("sink.write");
    if (stop.stop_requested()) return false;
    {
      const std::lock_guard lock(world_.mutex);
      if (!open_) open_.emplace();
      for (const SchemaPtr& schema : batch.joining) {
        const TableProgress& progress = world_.stored.tables.at(schema->name);
        TAILRACE_ASSERT(progress.outside && progress.state == TableState::joining);
        open_->joining.insert(schema->name);
      }
      for (const RowBatch& rows : batch.tables)
        apply(open_->rows_of(world_, rows.schema().name), rows, is_strict(rows.schema().name));
      TAILRACE_ASSERT(batch.end || (batch.reads.empty() && batch.memos.empty() && batch.notices.empty()));
      if (!batch.end) return true;
      TAILRACE_ASSERT(batch.end->lsn >= world_.stored.position->lsn);
      for (const RowBatch& rows : batch.reads) {
        FakeRows& target = open_->rows_of(world_, rows.schema().name);
        for (std::size_t row = 0; row < rows.rows(); ++row) {
          const auto found = target.find(rows.cell(row, 0).integer);
          const bool is_same = found != target.end() && found->second == rows.cell(row, 1).integer;
          world_.rows_out_of_place += is_same ? 0 : 1;
        }
        apply(target, rows, false);
      }
      if (!held_) held_until_ = std::chrono::steady_clock::now() + world_.hold;
      held_ = batch.end;
      const bool means_more = !batch.caught_up.empty() || !open_->joining.empty() || !batch.left.empty() ||
                              !batch.switched.empty() || batch.run_mark_reached || !batch.memos.empty() ||
                              !batch.notices.empty();
      const bool is_first = !std::exchange(has_written_, true);
      const bool may_hold = world_.hold.count() != 0 && (world_.holds_first || !is_first);
      if (may_hold && !means_more) return true;
      world_.stored.position = std::exchange(held_, std::nullopt);
      for (const Memo& memo : batch.memos)
        world_.stored.memos[memo.name] = memo.text;
      for (const RowBatch& rows : batch.reads)
        world_.rows_read_beside += rows.rows();
      world_.notices.insert(world_.notices.end(), batch.notices.begin(), batch.notices.end());
      store_switches(batch);
      world_.stored.succeeded_before = true;
      commit_rows();
      for (const TableName& table : batch.caught_up)
        let_in(table);
      for (const TableName& table : open_->joining) {
        TAILRACE_ASSERT(world_.is_all_read(number_of(batch.end->lsn), world_.stored.tables.at(table).low));
        let_in(table);
      }
      for (const TableName& table : batch.left)
        let_out(table);
      open_.reset();
    }
    world_.point("sink.committed");  // The answer is lost: everything is durable.
    return true;
  }
  std::optional<std::chrono::steady_clock::time_point> holds_until() const override {
    if (!held_) return std::nullopt;
    return held_until_;
  }
  bool flush(std::stop_token stop) override {
    if (!held_) return true;
    if (!world_.point("sink.flush", stop)) return false;
    const std::lock_guard lock(world_.mutex);
    world_.stored.position = std::exchange(held_, std::nullopt);
    world_.stored.succeeded_before = true;
    commit_rows();
    open_.reset();
    return true;
  }
  bool finish_constraints(std::stop_token stop) override {
    return world_.point(only_ ? "outside.finish_constraints" : "sink.finish_constraints", stop);
  }
  bool move_position(const PositionMove& move, std::stop_token stop) override {
    if (!world_.point("sink.move_position", stop)) return false;
    const std::lock_guard lock(world_.mutex);
    world_.stored.position = move.to;
    world_.moves.push_back(move);
    for (auto& [name, progress] : world_.stored.tables) {
      if (progress.outside || !move.replay_until) continue;
      progress.state = TableState::catching_up;
      progress.low = move.to.lsn;
      progress.high_mark = move.replay_until;
    }
    return true;
  }
  std::vector<ParkedKeys> parked_keys() override {
    const std::lock_guard lock(world_.mutex);
    std::vector<ParkedKeys> out;
    for (const SchemaPtr& schema : world_.schemas) {
      const auto known = world_.stored.tables.find(schema->name);
      if (known == world_.stored.tables.end()) continue;
      if (only_ ? *only_ != schema->name : known->second.outside) continue;
      if (!world_.parked[schema->name].empty()) out.push_back({schema, world_.parked[schema->name]});
    }
    return out;
  }
  void settle_parked(const ParkedKeys& parked, const RowBatch& rows, const HighMark& mark) override {
    world_.point("sink.settle_parked");
    const std::lock_guard lock(world_.mutex);
    const bool shadow = world_.stored.tables.at(parked.schema->name).shadow;
    apply((shadow ? world_.shadow_rows : world_.sink_rows)[parked.schema->name], rows, false);
    world_.most_keys_settled = std::max(world_.most_keys_settled, parked.keys.size());
    std::vector<std::vector<std::string>>& left = world_.parked[parked.schema->name];
    for (const std::vector<std::string>& key : parked.keys)
      TAILRACE_ASSERT(std::erase(left, key) == 1);
    TableProgress& progress = world_.stored.tables.at(parked.schema->name);
    TAILRACE_ASSERT(progress.state == TableState::catching_up);
    progress.high_mark = mark;
  }
  std::vector<TableRequest> heartbeat() override {
    world_.point("sink.heartbeat");
    const std::lock_guard lock(world_.mutex);
    return only_ ? std::vector<TableRequest>{} : world_.stored.requests;
  }
  bool is_log() const override { return world_.is_log; }
  std::optional<SignalSettings> signal_settings() const override {
    const std::lock_guard lock(world_.mutex);
    return world_.signal_settings;
  }
  ChannelSignals take_signals() override {
    const std::lock_guard lock(world_.mutex);
    if (!channel_at_) {
      const std::string& stored = world_.stored.memos["channel"];
      channel_at_ = stored.empty() ? 0 : std::stoul(stored);
    }
    ChannelSignals out;
    if (*channel_at_ == world_.channel.size()) return out;
    out.signals.assign(world_.channel.begin() + static_cast<std::ptrdiff_t>(*channel_at_),
                       world_.channel.end());
    channel_at_ = world_.channel.size();
    out.taken = Memo{"channel", std::to_string(*channel_at_)};
    return out;
  }
  void answer(const TableRequest& request, const std::string& refusal) override {
    const std::lock_guard lock(world_.mutex);
    TAILRACE_ASSERT(std::erase_if(world_.stored.requests,
                                  [&](const TableRequest& each) { return each.id == request.id; }) == 1);
    world_.answers[request.id] = refusal;
  }
  std::unique_ptr<Sink> outside(const TableName& table) override {
    TAILRACE_ASSERT(!only_);
    return std::make_unique<FakeSink>(world_, table);
  }
  bool set_keys_aside(const TableName& table, std::stop_token stop) override {
    if (!world_.point("sink.set_keys_aside", stop)) return false;
    const std::lock_guard lock(world_.mutex);
    world_.keys_aside.insert(table);
    return true;
  }
  void leave(const std::vector<TableName>& tables) override {
    TAILRACE_ASSERT(!only_);
    const std::lock_guard lock(world_.mutex);
    for (const TableName& table : tables)
      let_out(table);
  }
  void rejoin() override {
    const std::lock_guard lock(world_.mutex);
    TableProgress& progress = world_.stored.tables.at(*only_);
    TAILRACE_ASSERT(progress.outside && progress.state == TableState::paused);
    progress.state = TableState::joining;
    answer_all(*only_);
  }
  void record_error(const std::string& error) override {
    const std::lock_guard lock(world_.mutex);
    world_.errors[*only_] = error;
  }
  void close() override {
    const std::lock_guard lock(world_.mutex);
    world_.closed_cleanly = true;
  }

 private:
  // An open transaction: copies of the tables that it writes.
  struct Open {
    std::map<TableName, FakeRows> rows;
    std::map<TableName, FakeRows> shadow;
    std::set<TableName> joining;

    FakeRows& rows_of(FakeWorld& world, const TableName& table) {
      const TableProgress& progress = world.stored.tables.at(table);
      TAILRACE_ASSERT(!progress.outside || joining.contains(table));
      return progress.shadow ? shadow.try_emplace(table, world.shadow_rows[table]).first->second
                             : rows.try_emplace(table, world.sink_rows[table]).first->second;
    }
  };

  // A table that has passed its mark has every row that a change is about.
  bool is_strict(const TableName& table) const {
    const TableState state = world_.stored.tables.at(table).state;
    return state == TableState::streaming || state == TableState::joining;
  }

  void commit_rows() {
    for (auto& [table, rows] : open_->rows)
      world_.sink_rows[table] = std::move(rows);
    for (auto& [table, rows] : open_->shadow)
      world_.shadow_rows[table] = std::move(rows);
  }

  void let_in(const TableName& table) {
    TableProgress& progress = world_.stored.tables.at(table);
    progress.state = TableState::streaming;
    progress.outside = false;
    progress.high_mark.reset();
    TAILRACE_ASSERT(!progress.shadow);  // The stream waits for no comparison.
    world_.keys_aside.erase(table);
    world_.errors[table].clear();
  }

  void compare(TableProgress& progress) {
    if (!progress.shadow) return;
    world_.sink_rows[progress.table] = world_.shadow_rows[progress.table];
    world_.shadow_rows.erase(progress.table);
    progress.shadow = false;
  }

  void let_out(const TableName& table) {
    TAILRACE_ASSERT(world_.keys_aside.erase(table) == 1);
    TableProgress& progress = world_.stored.tables.at(table);
    TAILRACE_ASSERT(!progress.outside);
    progress.outside = true;
    progress.low = std::max(progress.low, world_.stored.position->lsn);
    if (progress.state == TableState::streaming) progress.state = TableState::paused;
    if (wanted_of(world_.stored, table) == Wanted::pause) answer_all(table);
  }

  void answer_all(const TableName& table) {
    for (const TableRequest& request : world_.stored.requests) {
      if (request.table == table) world_.answers[request.id] = "";
    }
    std::erase_if(world_.stored.requests, [&](const TableRequest& each) { return each.table == table; });
  }

  ResumeState open_outside() {
    // A real one would wait for the row of the table until that transaction ends.
    TAILRACE_ASSERT(!world_.being_written.contains(*only_));
    ResumeState state = world_.stored;
    state.only = only_;
    std::erase_if(state.tables, [&](const auto& each) { return each.first != *only_; });
    std::erase_if(state.requests, [&](const TableRequest& each) { return each.table != *only_; });
    if (!state.tables.empty()) state.position = Position{state.tables.at(*only_).low, "", 0};
    return state;
  }

  void store_switches(const ChangeBatch& batch) {
    for (const InstanceSwitch& change : batch.switched) {
      TableProgress& progress = world_.stored.tables.at(change.table);
      progress.instance = change.instance;
      progress.low = change.low.value_or(progress.low);
    }
  }

  bool write_outside(const ChangeBatch& batch, const std::stop_token& stop) {
    world_.point("outside.write");
    if (stop.stop_requested()) return false;
    {
      const std::lock_guard lock(world_.mutex);
      TableProgress& progress = world_.stored.tables.at(*only_);
      TAILRACE_ASSERT(progress.outside && batch.joining.empty() && batch.left.empty());
      if (!open_) open_.emplace(Open{{}, {}, {*only_}});
      world_.being_written.insert(*only_);
      for (const RowBatch& rows : batch.tables)
        apply(open_->rows_of(world_, rows.schema().name), rows, is_strict(*only_));
      if (!batch.end) return true;
      TAILRACE_ASSERT(batch.end->lsn >= progress.low);
      progress.low = batch.end->lsn;
      store_switches(batch);
      commit_rows();
      open_.reset();
      world_.being_written.erase(*only_);
      if (!batch.caught_up.empty() && world_.parked[*only_].empty()) {
        progress.state = TableState::joining;
        progress.high_mark.reset();
        compare(progress);
      }
    }
    world_.point("outside.committed");
    return true;
  }

  FakeWorld& world_;
  const std::optional<TableName> only_;
  std::optional<Open> open_;
  std::optional<Position> held_;  // Of commit points that are applied and not durable.
  std::chrono::steady_clock::time_point held_until_{};
  bool has_written_ = false;
  std::optional<std::size_t> channel_at_;
};

}  // namespace

std::unique_ptr<Sink> make_fake_sink(FakeWorld& world) {
  return std::make_unique<FakeSink>(world);
}

}  // namespace tailrace::testing
