// The state of tables and requests, positions that are moved, and a Debezium's position taken over and given back.
#include <nlohmann/json.hpp>

#include "kafka/claim.h"
#include "kafka/inspect.h"
#include "tests/integration/kafka_sink/sink_case.h"

namespace tailrace::kafka {
namespace {

using tailrace::testing::lsn;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class K3e_State : public SinkCase {};
class R12_OutsideAKafkaStream : public SinkCase {};
class K6d_Debezium : public SinkCase {
 protected:
  void put(const std::string& key, const std::string& value, std::optional<std::int32_t> partition = {}) {
    const std::unique_ptr<Producer> writer = make_producer(settings(), pipeline() + "-debezium", 60s);
    ASSERT_TRUE(writer->init(never_));
    writer->begin();
    const std::string name = offsets_topic();
    OutRecord record;
    record.topic = name;
    record.partition = partition;
    record.key = key;
    record.value = value;
    ASSERT_TRUE(writer->produce(record, never_));
    ASSERT_TRUE(writer->commit(never_));
  }
  // As Connect of another order of members would write it.
  std::string key() const {
    return R"([")" + pipeline() + R"(",{"database":"shop","server":")" + pipeline() + R"("}])";
  }
};

TEST_F(K3e_State, IsReadAsItWasWritten) {
  {
    const std::unique_ptr<KafkaSink> sink = streaming();
    ChangeBatch end = tailrace::testing::ending_at(lsn(7), {});
    CaptureInstance newer = table_->instance;
    newer.name = "dbo_items_2";
    newer.object_id = 99;
    end.switched.push_back({table_->name, newer, lsn(9)});  // Nothing lies between the end and this.
    ASSERT_TRUE(sink->write(end, never_));
    sink->close();
  }
  ResumeState state;
  const std::unique_ptr<KafkaSink> next = reopened(settings(), &state);
  EXPECT_EQ(state.source_identity, "source");
  EXPECT_TRUE(state.succeeded_before);
  const TableProgress& table = state.tables.at(table_->name);
  EXPECT_EQ(table.state, TableState::streaming);
  EXPECT_EQ(table.instance.name, "dbo_items_2");
  EXPECT_EQ(table.instance.object_id, 99);
  EXPECT_EQ(table.low, lsn(9));
  EXPECT_FALSE(table.outside);
}

// A table that leaves at the end that its new instance was stored with: what it needs still begins where that was said to be.
TEST_F(K3e_State, ATableThatLeavesKeepsTheLowOfItsSwitch) {
  {
    const std::unique_ptr<KafkaSink> sink = streaming();
    ChangeBatch end = tailrace::testing::ending_at(lsn(7), {});
    CaptureInstance newer = table_->instance;
    newer.name = "dbo_items_2";
    end.switched.push_back({table_->name, newer, lsn(9)});
    ASSERT_TRUE(sink->write(end, never_));
    ChangeBatch leaves = tailrace::testing::ending_at(lsn(7), {});
    leaves.left.push_back(table_->name);
    ASSERT_TRUE(sink->write(leaves, never_));
    sink->close();
  }
  ResumeState state;
  const std::unique_ptr<KafkaSink> next = reopened(settings(), &state);
  EXPECT_TRUE(state.tables.at(table_->name).outside);
  EXPECT_EQ(state.tables.at(table_->name).low, lsn(9));
}

// Its own sink, where an end at the same position follows (a mark that is reached there).
TEST_F(K3e_State, ATableOutsideKeepsTheLowOfItsSwitch) {
  {
    const std::unique_ptr<KafkaSink> sink = streaming();
    sink->leave({table_->name});
    const std::unique_ptr<Sink> own = sink->outside(table_->name);
    static_cast<void>(own->open(false, never_));
    own->use_tables({table_});
    const Lsn at = lsn(20);
    ChangeBatch end = tailrace::testing::ending_at(at, {});
    CaptureInstance newer = table_->instance;
    newer.name = "dbo_items_2";
    end.switched.push_back({table_->name, newer, lsn(30)});
    ASSERT_TRUE(own->write(end, never_));
    ChangeBatch marked = tailrace::testing::ending_at(at, {});
    marked.caught_up.push_back(table_->name);
    ASSERT_TRUE(own->write(marked, never_));
    own->close();
    sink->close();
  }
  ResumeState state;
  const std::unique_ptr<KafkaSink> next = reopened(settings(), &state);
  EXPECT_EQ(state.tables.at(table_->name).low, lsn(30));
}

// A pipeline whose source turns out to be unfit leaves nothing behind.
TEST_F(K3e_State, NothingIsWrittenBeforeTheFirstLoad) {
  KafkaSink sink(settings());
  EXPECT_TRUE(sink.open(false, never_).first_run);
  sink.use_tables({table_});
  Admin admin(cluster());
  EXPECT_THAT(admin.topics({offsets_topic(), topic()}, never_), IsEmpty());
}

TEST_F(K3e_State, AForgottenTableIsLoadedLikeANewOne) {
  const std::unique_ptr<KafkaSink> sink = streaming();
  sink->forget({table_->name});
  EXPECT_THAT(stored().tables, IsEmpty());
}

// Back: what lies behind is sent again, and the tables catch up to a mark that is taken then.
TEST_F(K3e_State, APositionIsMovedWithItsNote) {
  const std::unique_ptr<KafkaSink> sink = streaming();
  ASSERT_TRUE(write(*sink, commit_point(6, {{1, "a"}})));
  ASSERT_TRUE(
      sink->move_position({Position{lsn(4), "e", 0}, "a test", "somebody", HighMark{"later"}, {}}, never_));
  const StoredState state = stored();
  EXPECT_EQ(state.offset->position.lsn, lsn(4));
  EXPECT_EQ(state.tables.at(table_->name).progress.state, TableState::catching_up);
  EXPECT_EQ(state.tables.at(table_->name).progress.high_mark->text, "later");
}

TEST_F(K3e_State, StatusReadsItWithoutTouchingTheRunner) {
  const std::unique_ptr<KafkaSink> sink = streaming();
  ASSERT_TRUE(write(*sink, open_part(5, {{1, "a"}})));
  const PipelineStatus status = read_status(settings(), never_);
  EXPECT_TRUE(status.known);
  EXPECT_TRUE(status.runner_alive);
  EXPECT_EQ(status.position->lsn, lsn(2));
  ASSERT_THAT(status.tables, SizeIs(1));
  EXPECT_EQ(status.tables.front().state, TableState::streaming);
  ASSERT_TRUE(write(*sink, commit_point(5, {{2, "b"}}, 2)));
}

// A command's record is no writer's of the pipeline: it fences nobody.
TEST_F(R12_OutsideAKafkaStream, ARequestReachesTheRunner) {
  const std::unique_ptr<KafkaSink> sink = streaming();
  const std::int64_t id = request_table(settings(), table_->name, Wanted::pause, never_);
  std::vector<TableRequest> requests;
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (requests.empty() && std::chrono::steady_clock::now() < deadline)
    requests = sink->heartbeat();
  ASSERT_THAT(requests, SizeIs(1));
  EXPECT_EQ(requests.front().id, id);
  ChangeBatch end = commit_point(5, {{1, "a"}});
  end.left = {table_->name};
  ASSERT_TRUE(sink->write(end, never_));
  const RequestAnswer answer = await_answer(settings(), id, 20s, never_);
  EXPECT_TRUE(answer.answered);
  EXPECT_EQ(answer.refusal, "");
  const StoredState state = stored();
  EXPECT_EQ(state.tables.at(table_->name).progress.state, TableState::paused);
  EXPECT_TRUE(state.tables.at(table_->name).progress.outside);
  EXPECT_EQ(state.tables.at(table_->name).progress.low, lsn(5));
}

// It replays by itself, from its own position, and joins with a commit point.
TEST_F(R12_OutsideAKafkaStream, ATableComesBackAtItsOwnPosition) {
  const std::unique_ptr<KafkaSink> sink = streaming();
  ChangeBatch leaving = tailrace::testing::ending_at(lsn(5), {});
  leaving.left = {table_->name};
  ASSERT_TRUE(sink->write(leaving, never_));
  ChangeBatch on = tailrace::testing::ending_at(lsn(9), {});
  ASSERT_TRUE(sink->write(on, never_));
  {
    const std::unique_ptr<Sink> alone = sink->outside(table_->name);
    const ResumeState state = alone->open(false, never_);
    EXPECT_EQ(state.position->lsn, lsn(5));
    alone->use_tables({table_});
    alone->rejoin();
    ChangeBatch behind = commit_point(7, {{1, "a"}});
    ASSERT_TRUE(alone->write(behind, never_));
  }
  EXPECT_EQ(stored().tables.at(table_->name).progress.low, lsn(7));
  ChangeBatch joins = commit_point(11, {{2, "b"}});
  joins.joining = {table_};
  ASSERT_TRUE(sink->write(joins, never_));
  EXPECT_THAT(texts(), ElementsAre("c a", "c b"));
  EXPECT_EQ(stored().tables.at(table_->name).progress.state, TableState::streaming);
  EXPECT_FALSE(stored().tables.at(table_->name).progress.outside);
}

// Whatever an attempt before has left open, under whichever number, is ended before the table is read again.
TEST_F(R12_OutsideAKafkaStream, AnAttemptThatFailedIsInNobodysWay) {
  const std::unique_ptr<KafkaSink> sink = streaming();
  ChangeBatch leaving = tailrace::testing::ending_at(lsn(5), {});
  leaving.left = {table_->name};
  ASSERT_TRUE(sink->write(leaving, never_));
  const std::unique_ptr<Producer> left = make_producer(settings(), helper_id(settings(), 3), 60s);
  ASSERT_TRUE(left->init(never_));
  left->begin();
  const std::string name = offsets_topic();
  OutRecord record;
  record.topic = name;
  record.key = R"(["somebody","else"])";
  record.value = "{}";
  ASSERT_TRUE(left->produce(record, never_));
  while (left->in_flight() > 0)
    left->check();
  const std::unique_ptr<Sink> alone = sink->outside(table_->name);
  EXPECT_EQ(alone->open(false, never_).position->lsn, lsn(5));
}

// A Debezium that was stopped behind a whole commit: nothing is loaded, and the first change is the next one.
TEST_F(K6d_Debezium, IsTakenOverAtItsPosition) {
  broker().create_topic_named(offsets_topic(), 3, R"({"cleanup.policy": "compact"})");
  put(key(), R"({"commit_lsn":"00000000:00000000:0005","change_lsn":"NULL","event_serial_no":1})", 2);
  KafkaSink sink(settings());
  const ResumeState state = sink.open(false, never_);
  EXPECT_TRUE(state.adopted);
  EXPECT_EQ(state.position->lsn, lsn(5));
  sink.use_tables({table_});
  sink.begin_load("source", {TableStart{table_, lsn(5), false, /*loads=*/false}}, *state.position);
  ASSERT_TRUE(sink.finish_load({table_}, HighMark{"mark"}, never_));
  ASSERT_TRUE(write(sink, commit_point(6, {{1, "a"}})));
  // Under the very bytes, and where it was: Connect reads that record and no other.
  Admin admin(cluster());
  const auto records = OffsetsTopic(cluster(), offsets_topic()).read(admin, never_);
  ASSERT_TRUE(records.contains(key()));
  EXPECT_EQ(records.at(key()).partition, 2);
  const nlohmann::json given = nlohmann::json::parse(records.at(key()).value);
  EXPECT_EQ(given.at("commit_lsn"), "00000000:00000000:0006");
  EXPECT_EQ(given.at("change_lsn"), "00000000:00000000:0106");
  EXPECT_EQ(given.at("event_serial_no"), 1);
  EXPECT_FALSE(given.contains("snapshot"));
}

// Stopped in the middle of a commit: exactly its events are passed over, none of the rest.
TEST_F(K6d_Debezium, IsTakenOverInTheMiddleOfACommit) {
  broker().create_topic_named(offsets_topic(), 1, R"({"cleanup.policy": "compact"})");
  put(key(),
      R"({"commit_lsn":"00000000:00000000:0005","change_lsn":"00000000:00000000:0205","event_serial_no":1})");
  KafkaSink sink(settings());
  const ResumeState state = sink.open(false, never_);
  EXPECT_EQ(state.position->lsn, lsn(4));
  sink.use_tables({table_});
  sink.begin_load("source", {TableStart{table_, lsn(4), false, /*loads=*/false}}, *state.position);
  ASSERT_TRUE(sink.finish_load({table_}, HighMark{"mark"}, never_));
  ASSERT_TRUE(write(sink, commit_point(5, {{1, "a"}, {2, "b"}, {3, "c"}})));
  EXPECT_THAT(texts(), ElementsAre("c c"));
}

// Its snapshot has not ended: what it has sent is not known, so everything is loaded.
TEST_F(K6d_Debezium, IsNotTakenOverInTheMiddleOfItsSnapshot) {
  broker().create_topic_named(offsets_topic(), 1, R"({"cleanup.policy": "compact"})");
  put(key(),
      R"({"snapshot":"INITIAL","snapshot_completed":false,"commit_lsn":"00000000:00000000:0005","change_lsn":"NULL","event_serial_no":1})");
  KafkaSink sink(settings());
  const ResumeState state = sink.open(false, never_);
  EXPECT_FALSE(state.adopted);
  EXPECT_EQ(state.position, std::nullopt);
  EXPECT_TRUE(state.first_run);
}

}  // namespace
}  // namespace tailrace::kafka
