// The loop between partitions and their sink: what becomes durable when, what is read again, and who waits for whom.
#include "pipeline/partition_runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <future>
#include <mutex>
#include <set>
#include <thread>

#include "base/error.h"

namespace tailrace {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const PartitionName a{"t", 0};
const PartitionName b{"t", 1};

SchemaPtr schema() {
  static const SchemaPtr made = [] {
    auto out = std::make_shared<TableSchema>();
    out->name = {"dbo", "t"};
    out->columns = {{"id", {TypeKind::int_}, false, ""}};
    out->key = {0};
    return out;
  }();
  return made;
}

// Rows with these numbers, one a record, up to offset `next`.
Stretch stretch(const PartitionName& where, const std::vector<std::int64_t>& rows, std::int64_t next,
                bool ends = true) {
  Stretch out;
  out.where = where;
  out.ends = ends;
  out.records = rows.size();
  out.transactions = ends ? 1 : 0;
  Lsn lsn;
  lsn.bytes[9] = static_cast<std::uint8_t>(next);
  out.upto = {next, next - 1, lsn, "id", 0};
  if (rows.empty()) return out;
  RowBatch& batch = out.rows.emplace_back(schema());
  for (const std::int64_t id : rows)
    batch.put(batch.add_row({Operation::insert, 0, {}, {}, 0}), 0).integer = id;
  return out;
}

// A target: what is durable in it, and what it says to the next writes.
struct Target {
  std::vector<std::int64_t> rows;
  std::map<PartitionName, PartitionClaim> stored;
  std::vector<std::string> calls;
  // Asked before each write with an end: nothing, or what becomes of it.
  std::function<std::optional<WriteEnd>(const std::vector<std::int64_t>& rows)> refusal;
  std::mutex mutex;

  std::vector<std::int64_t> now() {
    const std::lock_guard lock(mutex);
    return rows;
  }
};

class FakeSink : public PartitionSink {
 public:
  explicit FakeSink(Target& target) : target_(target) {}

  bool open(std::stop_token) override { return true; }
  SchemaPtr use_table(const TableSchema& proposed, bool) override {
    return std::make_shared<const TableSchema>(proposed);
  }
  std::optional<std::vector<PartitionClaim>> claim(const std::vector<PartitionName>& partitions,
                                                   std::stop_token) override {
    const std::lock_guard lock(target_.mutex);
    std::vector<PartitionClaim> out;
    for (const PartitionName& name : partitions) {
      PartitionClaim& claim = target_.stored.try_emplace(name, PartitionClaim{name, 0, {}}).first->second;
      ++claim.epoch;
      ours_[name] = claim;
      out.push_back(claim);
    }
    return out;
  }
  void release(const std::vector<PartitionName>& partitions) override {
    for (const PartitionName& name : partitions)
      ours_.erase(name);
  }
  void start(const std::vector<Stretch>& stretches, std::stop_token) override {
    EXPECT_EQ(started_, nullptr) << "one apply at a time";
    started_ = &stretches;
  }
  WriteResult finish(std::stop_token) override {
    const std::lock_guard lock(target_.mutex);
    take(*std::exchange(started_, nullptr));
    return end();
  }
  WriteResult write_part(const std::vector<Stretch>& stretches, std::stop_token) override {
    EXPECT_EQ(started_, nullptr);
    const std::lock_guard lock(target_.mutex);
    take(stretches);
    target_.calls.emplace_back("part");
    return {WriteEnd::open, {}};
  }
  void abandon() override { forget(); }
  std::vector<PartitionClaim> claims() override {
    const std::lock_guard lock(target_.mutex);
    std::vector<PartitionClaim> out;
    for (const auto& [name, claim] : target_.stored) {
      const auto found = ours_.find(name);
      if (found != ours_.end() && found->second.epoch == claim.epoch) out.push_back(claim);
    }
    return out;
  }
  std::map<PartitionName, PartitionPosition> positions() override {
    const std::lock_guard lock(target_.mutex);
    std::map<PartitionName, PartitionPosition> out;
    for (const auto& [name, claim] : target_.stored)
      out.emplace(name, claim.position);
    return out;
  }
  void close() override {}

 private:
  void take(const std::vector<Stretch>& stretches) {
    for (const Stretch& each : stretches) {
      for (const RowBatch& batch : each.rows) {
        for (std::size_t row = 0; row < batch.rows(); ++row)
          open_.push_back(batch.cell(row, 0).integer);
      }
      upto_[each.where] = {each.upto, each.ends};
    }
  }
  WriteResult end() {
    const std::optional<WriteEnd> refused = target_.refusal ? target_.refusal(open_) : std::nullopt;
    if (refused) {
      forget();
      return {*refused, *refused == WriteEnd::waits
                            ? std::optional(Error(ErrorKind::data, "refused").with("sqlstate", "23503"))
                            : std::nullopt};
    }
    for (const auto& [name, place] : upto_) {
      if (target_.stored.at(name).epoch != ours_.at(name).epoch) {
        forget();
        return {WriteEnd::lost, {}};
      }
      // Invariant 3.
      EXPECT_TRUE(place.second) << name.str() << " is committed amid a source transaction";
    }
    for (const auto& [name, place] : upto_)
      target_.stored.at(name).position = place.first;
    target_.rows.insert(target_.rows.end(), open_.begin(), open_.end());
    target_.calls.emplace_back("commit");
    forget();
    return {WriteEnd::durable, {}};
  }
  void forget() {
    open_.clear();
    upto_.clear();
  }
  Target& target_;
  const std::vector<Stretch>* started_ = nullptr;
  std::map<PartitionName, PartitionClaim> ours_;
  std::vector<std::int64_t> open_;
  std::map<PartitionName, std::pair<PartitionPosition, bool>> upto_;
};

// A cluster: what comes next, and what was asked of it.
struct Cluster {
  std::deque<PartitionBatch> coming;
  std::optional<Error> last;  // Behind all of it.
  std::map<PartitionName, std::int64_t> ends;
  std::vector<std::string> calls;
  std::set<PartitionName> paused;
  std::mutex mutex;

  void give(std::vector<Stretch> stretches) {
    const std::lock_guard lock(mutex);
    PartitionBatch batch;
    batch.stretches = std::move(stretches);
    coming.push_back(std::move(batch));
  }
  void change(AssignmentChange::Kind kind, std::vector<PartitionName> partitions) {
    const std::lock_guard lock(mutex);
    PartitionBatch batch;
    batch.change = AssignmentChange{kind, std::move(partitions)};
    coming.push_back(std::move(batch));
  }
  bool is_paused(const PartitionName& name) {
    const std::lock_guard lock(mutex);
    return paused.contains(name);
  }
  std::vector<std::string> asked() {
    const std::lock_guard lock(mutex);
    return calls;
  }
};

class FakeSource : public PartitionSource {
 public:
  explicit FakeSource(Cluster& cluster) : cluster_(cluster) {}

  void open(UseTable, const std::map<PartitionName, PartitionPosition>&, std::stop_token) override {}
  PartitionBatch next(milliseconds wait, std::stop_token stop) override {
    EXPECT_FALSE(due_) << "a change was not answered";
    {
      // Whether there is time for it or not: it lies behind what was given.
      const std::lock_guard lock(cluster_.mutex);
      if (cluster_.coming.empty() && cluster_.last) throw Error(*cluster_.last);
    }
    const auto until = std::chrono::steady_clock::now() + std::min(wait, milliseconds(5));
    while (std::chrono::steady_clock::now() < until && !stop.stop_requested()) {
      const std::lock_guard lock(cluster_.mutex);
      if (cluster_.coming.empty()) continue;
      // What is paused does not come.
      const std::vector<Stretch>& next = cluster_.coming.front().stretches;
      if (std::any_of(next.begin(), next.end(),
                      [&](const Stretch& each) { return cluster_.paused.contains(each.where); }))
        break;
      PartitionBatch out = std::move(cluster_.coming.front());
      cluster_.coming.pop_front();
      due_ = out.change.has_value();
      return out;
    }
    return {};
  }
  void begin(const AssignmentChange&, const std::vector<PartitionClaim>& claims, std::stop_token) override {
    due_ = false;
    note("begin", claims);
  }
  void release(const AssignmentChange&) override {
    due_ = false;
    note("release", {});
  }
  void go_back(const std::vector<PartitionClaim>& claims, std::stop_token) override {
    if (!claims.empty()) note("back", claims);
  }
  void pause(const std::vector<PartitionName>& partitions) override {
    const std::lock_guard lock(cluster_.mutex);
    cluster_.paused.insert(partitions.begin(), partitions.end());
  }
  void resume(const std::vector<PartitionName>& partitions) override {
    const std::lock_guard lock(cluster_.mutex);
    for (const PartitionName& name : partitions)
      cluster_.paused.erase(name);
  }
  void durable(const std::vector<std::pair<PartitionName, std::int64_t>>&) override {}
  std::map<PartitionName, std::int64_t> ends(Ends, std::stop_token) override {
    const std::lock_guard lock(cluster_.mutex);
    return cluster_.ends;
  }
  void close(std::stop_token) override {}

 private:
  void note(std::string what, const std::vector<PartitionClaim>& claims) {
    for (const PartitionClaim& claim : claims)
      what += " " + claim.where.str() + "@" +
              (claim.position.next_offset ? std::to_string(*claim.position.next_offset) : "none");
    const std::lock_guard lock(cluster_.mutex);
    cluster_.calls.push_back(std::move(what));
  }
  Cluster& cluster_;
  bool due_ = false;
};

class PartitionRunnerTest : public ::testing::Test {
 protected:
  void start() {
    run_ = std::async(std::launch::async, [this] {
      return run_partitions(
          settings_, [this] { return std::make_unique<FakeSource>(cluster_); },
          [this] { return std::make_unique<FakeSink>(target_); }, progress_, drain_.get_token(),
          abandon_.get_token());
    });
  }
  void TearDown() override {
    abandon_.request_stop();
    if (run_.valid()) run_.wait();
  }
  RunEnd drain() {
    drain_.request_stop();
    return run_.get();
  }
  void until(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition()) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline);
      std::this_thread::yield();
    }
  }
  void assign(const std::vector<PartitionName>& partitions) {
    cluster_.change(AssignmentChange::Kind::assigned, partitions);
  }

  RunSettings settings_;
  Cluster cluster_;
  Target target_;
  Progress progress_;
  std::stop_source drain_;
  std::stop_source abandon_;
  std::future<RunEnd> run_;
};

using K4_Runner = PartitionRunnerTest;
using K4b_Runner = PartitionRunnerTest;
using K5_Runner = PartitionRunnerTest;
using K7_Runner = PartitionRunnerTest;

TEST_F(K4_Runner, CommitsAtBoundariesOnly) {
  assign({a});
  cluster_.give({stretch(a, {1}, 1), stretch(a, {2}, 2, /*ends=*/false)});
  cluster_.give({stretch(a, {3}, 3)});
  start();
  until([&] { return target_.now().size() == 3; });
  EXPECT_EQ(drain(), RunEnd::drained);
  EXPECT_THAT(target_.rows, ElementsAre(1, 2, 3));
  EXPECT_EQ(target_.stored.at(a).position.next_offset, 3);
  EXPECT_EQ(progress_.tables().at(0).inserts, 3U);
}

// Counted once they are durable, and not before (R16).
TEST_F(K4_Runner, WhatIsNotAtABoundaryIsDroppedByADrain) {
  assign({a});
  cluster_.give({stretch(a, {1}, 1), stretch(a, {2}, 2, /*ends=*/false)});
  start();
  until([&] { return target_.now().size() == 1; });
  EXPECT_EQ(drain(), RunEnd::drained);
  EXPECT_THAT(target_.rows, ElementsAre(1));
  EXPECT_EQ(progress_.tables().at(0).inserts, 1U);
}

// Else no restart ever comes to that record: each reads what lies before it, and ends before that is durable.
TEST_F(K4_Runner, WhatLiesBeforeARecordThatCannotBeReadBecomesDurable) {
  assign({a});
  cluster_.give({stretch(a, {1}, 1), stretch(a, {2}, 2, /*ends=*/false)});
  cluster_.last = Error(ErrorKind::data, "no change");
  start();
  EXPECT_THROW(run_.get(), Error);
  EXPECT_THAT(target_.rows, ElementsAre(1));
  EXPECT_EQ(target_.stored.at(a).position.next_offset, 1);
}

// A commit of the source that is larger than the memory for it, in one partition while another goes on.
TEST_F(K4_Runner, ALargeCommitGoesInPartsAndEndsWithItsLast) {
  settings_.queue_bytes = 1;
  assign({a, b});
  cluster_.give({stretch(a, {1}, 1, false), stretch(b, {10}, 1)});
  cluster_.give({stretch(a, {2}, 2, false)});
  cluster_.give({stretch(a, {3}, 3)});
  cluster_.give({stretch(b, {11}, 2)});
  start();
  until([&] { return target_.now().size() == 5; });
  EXPECT_EQ(drain(), RunEnd::drained);
  EXPECT_EQ(target_.stored.at(a).position.next_offset, 3);
  EXPECT_EQ(target_.stored.at(b).position.next_offset, 2);
  EXPECT_GT(std::count(target_.calls.begin(), target_.calls.end(), "part"), 0);
}

// The transaction that is open is of partitions that go: it is dropped, and what stays is read again.
TEST_F(K4b_Runner, AChangeAmidALargeCommitReadsItAgain) {
  settings_.queue_bytes = 1;
  assign({a, b});
  cluster_.give({stretch(a, {1}, 1, false), stretch(b, {10}, 1, false)});
  cluster_.change(AssignmentChange::Kind::revoked, {b});
  start();
  until([&] {
    const std::vector<std::string> asked = cluster_.asked();
    return !asked.empty() && asked.back() == "back t[0]@none";
  });
  EXPECT_THAT(target_.now(), IsEmpty());
  cluster_.give({stretch(a, {1, 2}, 2)});
  until([&] { return target_.now().size() == 2; });
  EXPECT_THAT(target_.now(), ElementsAre(1, 2));
}

// Whole applies are rolled back; what is kept is read again from what is stored.
TEST_F(K4b_Runner, WhatIsLostIsLeftAndWhatIsKeptIsReadAgain) {
  assign({a, b});
  cluster_.give({stretch(a, {1}, 1), stretch(b, {10}, 1)});
  start();
  until([&] { return target_.now().size() == 2; });
  {
    const std::lock_guard lock(target_.mutex);
    ++target_.stored.at(b).epoch;
  }
  cluster_.give({stretch(a, {2}, 2), stretch(b, {11}, 2)});
  until([&] { return cluster_.asked().back() == "back t[0]@1"; });
  EXPECT_THAT(target_.now(), ElementsAre(1, 10));
  cluster_.give({stretch(a, {2}, 2)});
  until([&] { return target_.now().size() == 3; });
  cluster_.change(AssignmentChange::Kind::lost, {b});
  until([&] { return cluster_.asked().back() == "release"; });
  EXPECT_THAT(target_.now(), ElementsAre(1, 10, 2));
}

// A part of a large commit holds a bad record, and the parts before it are gone with their transaction: applied without them it
// would lose them.
TEST_F(K7_Runner, WhatIsRefusedInPartsIsReadAgain) {
  settings_.queue_bytes = 1;
  bool refuses = true;
  target_.refusal = [&](const std::vector<std::int64_t>& rows) -> std::optional<WriteEnd> {
    return rows.size() == 2 && std::exchange(refuses, false) ? std::optional(WriteEnd::again) : std::nullopt;
  };
  assign({a});
  cluster_.give({stretch(a, {1}, 1, false)});
  cluster_.give({stretch(a, {2}, 2)});
  start();
  until([&] {
    const std::vector<std::string> asked = cluster_.asked();
    return !asked.empty() && asked.back() == "back t[0]@none";
  });
  EXPECT_THAT(target_.now(), IsEmpty());
  cluster_.give({stretch(a, {1}, 1, false)});
  cluster_.give({stretch(a, {2}, 2)});
  until([&] { return target_.now().size() == 2; });
  EXPECT_EQ(drain(), RunEnd::drained);
  EXPECT_THAT(target_.rows, ElementsAre(1, 2));
}

TEST_F(K4b_Runner, RevokedPartitionsAreAppliedFirst) {
  assign({a});
  cluster_.give({stretch(a, {1}, 1)});
  cluster_.change(AssignmentChange::Kind::revoked, {a});
  cluster_.give({stretch(a, {2}, 2)});  // A message that is late.
  assign({});                           // Empty lists are answered, too.
  start();
  until([&] { return cluster_.asked().size() == 3; });
  EXPECT_EQ(drain(), RunEnd::drained);
  EXPECT_THAT(target_.rows, ElementsAre(1));
}

// One partition's rows wait for another's, which lies in the very same apply.
TEST_F(K5_Runner, EachPartitionIsTriedByItself) {
  cluster_.ends = {{a, 1}, {b, 1}};
  target_.refusal = [this](const std::vector<std::int64_t>& rows) -> std::optional<WriteEnd> {
    const bool has_child = std::count(rows.begin(), rows.end(), 1) != 0;
    const bool has_parent = std::count(target_.rows.begin(), target_.rows.end(), 10) != 0;
    return has_child && !has_parent ? std::optional(WriteEnd::waits) : std::nullopt;
  };
  assign({a, b});
  cluster_.give({stretch(a, {1}, 1), stretch(b, {10}, 1)});
  start();
  until([&] { return target_.now().size() == 2; });
  EXPECT_THAT(target_.now(), ElementsAre(10, 1));
}

// And while it waits the others go on.
TEST_F(K5_Runner, TheOthersGoOnMeanwhile) {
  cluster_.ends = {{a, 1}, {b, 3}};
  target_.refusal = [this](const std::vector<std::int64_t>& rows) -> std::optional<WriteEnd> {
    const bool has_child = std::count(rows.begin(), rows.end(), 1) != 0;
    const bool has_parent = std::count(target_.rows.begin(), target_.rows.end(), 12) != 0;
    return has_child && !has_parent ? std::optional(WriteEnd::waits) : std::nullopt;
  };
  assign({a, b});
  cluster_.give({stretch(a, {1}, 1)});
  start();
  for (const std::int64_t id : {10, 11, 12})
    cluster_.give({stretch(b, {id}, id - 9)});
  until([&] { return target_.now().size() == 4; });
  EXPECT_THAT(target_.now(), ElementsAre(10, 11, 12, 1));
}

// Two that wait for each other are tried together.
TEST_F(K5_Runner, TwoThatWaitForEachOtherAreTriedTogether) {
  cluster_.ends = {{a, 1}, {b, 1}};
  target_.refusal = [](const std::vector<std::int64_t>& rows) -> std::optional<WriteEnd> {
    return rows.size() == 1 ? std::optional(WriteEnd::waits) : std::nullopt;
  };
  assign({a, b});
  cluster_.give({stretch(a, {1}, 1)});
  start();
  until([&] { return cluster_.is_paused(a); });
  cluster_.give({stretch(b, {10}, 1)});
  until([&] { return target_.now().size() == 2; });
}

// Only once every other partition has passed the commit is a refusal the row's own.
TEST_F(K5_Runner, ARefusalIsFinalOnceTheOthersHavePassed) {
  cluster_.ends = {{a, 1}, {b, 5}};
  target_.refusal = [](const std::vector<std::int64_t>& rows) -> std::optional<WriteEnd> {
    return std::count(rows.begin(), rows.end(), 1) != 0 ? std::optional(WriteEnd::waits) : std::nullopt;
  };
  assign({a, b});
  cluster_.give({stretch(a, {1}, 1)});
  start();
  cluster_.give({stretch(b, {10}, 4)});
  until([&] { return target_.now().size() == 1; });
  // Its commit was 1, and the other is at 4: passed by its LSN already.
  try {
    run_.get();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::data);
    EXPECT_EQ(error.context("partition"), "t[0]");
  }
}

}  // namespace
}  // namespace tailrace
