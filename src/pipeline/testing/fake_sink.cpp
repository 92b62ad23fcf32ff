// The fake sink: an open transaction is a copy of the stored world that replaces it at the commit.
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

 private:
  FakeWorld& world_;
  TableName table_;
  std::uint32_t number_ = 0;
  FakeRows rows_;
};

class FakeSink : public Sink {
 public:
  explicit FakeSink(FakeWorld& world) : world_(world) {}

  ResumeState open(bool take_over, std::stop_token) override {
    world_.point("sink.open");
    const std::lock_guard lock(world_.mutex);
    ++world_.opens;
    world_.take_overs += take_over ? 1 : 0;
    world_.closed_cleanly = false;
    return world_.stored;
  }
  void use_tables(const std::vector<SchemaPtr>&) override {}
  void begin_load(const std::string& identity, const std::vector<TableStart>& tables,
                  const Position& first) override {
    const std::lock_guard lock(world_.mutex);
    world_.stored.first_run = false;
    world_.stored.source_identity = identity;
    if (!world_.stored.position) world_.stored.position = first;
    for (const TableStart& start : tables) {
      TableProgress& progress = world_.stored.tables[start.schema->name];
      progress = {};
      progress.table = start.schema->name;
      progress.low = start.low;
      progress.shadow = start.shadow;
      // What an earlier load left there is dropped.
      (start.shadow ? world_.shadow_rows : world_.sink_rows)[start.schema->name].clear();
    }
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
      progress.chunks.clear();
      progress.state = TableState::catching_up;
      progress.high_mark = mark;
    }
    return true;
  }
  bool write(const ChangeBatch& batch, std::stop_token stop) override {
    world_.point("sink.write");
    if (stop.stop_requested()) return false;
    {
      const std::lock_guard lock(world_.mutex);
      if (!open_) open_.emplace(Open{world_.stored, world_.sink_rows, world_.shadow_rows});
      for (const RowBatch& rows : batch.tables) {
        const TableProgress& progress = open_->stored.tables.at(rows.schema().name);
        FakeRows& target = progress.shadow ? open_->shadow[progress.table] : open_->rows[progress.table];
        apply(target, rows, progress.state == TableState::streaming);
      }
      if (!batch.end) return true;
      TAILRACE_ASSERT(batch.end->lsn >= open_->stored.position->lsn);
      open_->stored.position = batch.end;
      open_->stored.succeeded_before = true;
      for (const TableName& table : batch.caught_up)
        join(table);
      world_.stored = open_->stored;
      world_.sink_rows = open_->rows;
      world_.shadow_rows = open_->shadow;
      open_.reset();
    }
    world_.point("sink.committed");  // The answer is lost: everything is durable.
    return true;
  }
  bool finish_constraints(std::stop_token stop) override {
    return world_.point("sink.finish_constraints", stop);
  }
  std::vector<ParkedKeys> parked_keys() override {
    const std::lock_guard lock(world_.mutex);
    std::vector<ParkedKeys> out;
    for (const SchemaPtr& schema : world_.schemas) {
      if (!world_.parked[schema->name].empty()) out.push_back({schema, world_.parked[schema->name]});
    }
    return out;
  }
  void settle_parked(const ParkedKeys& parked, const RowBatch& rows, const HighMark& mark) override {
    world_.point("sink.settle_parked");
    const std::lock_guard lock(world_.mutex);
    apply(world_.sink_rows[parked.schema->name], rows, false);
    world_.most_keys_settled = std::max(world_.most_keys_settled, parked.keys.size());
    std::vector<std::vector<std::string>>& left = world_.parked[parked.schema->name];
    for (const std::vector<std::string>& key : parked.keys)
      TAILRACE_ASSERT(std::erase(left, key) == 1);
    TableProgress& progress = world_.stored.tables.at(parked.schema->name);
    TAILRACE_ASSERT(progress.state == TableState::catching_up);
    progress.high_mark = mark;
  }
  std::vector<TableName> heartbeat() override {
    world_.point("sink.heartbeat");
    const std::lock_guard lock(world_.mutex);
    std::vector<TableName> asked;
    for (const auto& [name, progress] : world_.stored.tables) {
      if (progress.desired == "resnapshot") asked.push_back(name);
    }
    return asked;
  }
  void close() override {
    const std::lock_guard lock(world_.mutex);
    world_.closed_cleanly = true;
  }

 private:
  struct Open {
    ResumeState stored;
    std::map<TableName, FakeRows> rows;
    std::map<TableName, FakeRows> shadow;
  };

  void join(const TableName& table) {
    TableProgress& progress = open_->stored.tables.at(table);
    progress.state = TableState::streaming;
    progress.high_mark.reset();
    if (progress.shadow) open_->rows[table] = open_->shadow[table];
    open_->shadow.erase(table);
    progress.shadow = false;
  }

  FakeWorld& world_;
  std::optional<Open> open_;
};

}  // namespace

std::unique_ptr<Sink> make_fake_sink(FakeWorld& world) {
  return std::make_unique<FakeSink>(world);
}

}  // namespace tailrace::testing
