// One runner writes a pipeline: the newer one. What the older one left open is ended before anything is read.
#include <thread>

#include "kafka/claim.h"
#include "tests/integration/kafka_sink/sink_case.h"

namespace tailrace::kafka {
namespace {

using tailrace::testing::lsn;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::IsEmpty;

class K3a_TakeOver : public SinkCase {
 protected:
  // A helper of a runner that was killed: its transaction stays open, in front of what was committed behind it.
  std::unique_ptr<Producer> open_helper(int number, const std::string& key) {
    std::unique_ptr<Producer> helper = make_producer(settings(), helper_id(settings(), number), 60s);
    EXPECT_TRUE(helper->init(never_));
    helper->begin();
    OutRecord record;
    const std::string name = offsets_topic();
    record.topic = name;
    record.key = key;
    record.value = "{}";
    EXPECT_TRUE(helper->produce(record, never_));
    while (helper->in_flight() > 0)
      helper->check();
    return helper;
  }
};
class K3b_SinkFencing : public SinkCase {
 protected:
  // Until so many offsets of the topic are taken, whoever's transactions they belong to.
  void await_end(std::int64_t wanted) {
    Consumer looker(cluster(), {.isolation = Isolation::read_uncommitted});
    const auto deadline = std::chrono::steady_clock::now() + 60s;
    while (looker.watermarks({topic(), 0}, never_)->high < wanted) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "the broker did not end the transaction";
      std::this_thread::sleep_for(50ms);
    }
  }
};
class K3c_IdleSink : public SinkCase {};

// Read before it, the topic ends with an old position: events come again.
TEST_F(K3a_TakeOver, EndsWhatHelpersLeftOpen) {
  std::unique_ptr<Producer> helper;
  {
    const std::unique_ptr<KafkaSink> sink = streaming();
    helper = open_helper(2, R"(["somebody","else"])");
    ASSERT_TRUE(write(*sink, commit_point(5, {{1, "a"}})));
  }
  const auto begun = std::chrono::steady_clock::now();
  ResumeState state;
  const std::unique_ptr<KafkaSink> next = reopened(settings(), &state);
  EXPECT_EQ(state.position->lsn, lsn(5));
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 15s) << "it has waited for the transaction";
}

// A runner with fewer readers still ends what those of one with more have left.
TEST_F(K3a_TakeOver, KnowsEveryNumberThatWasEverUsed) {
  std::unique_ptr<Producer> helper;
  {
    SinkSettings many = settings();
    many.writers = 5;
    const std::unique_ptr<KafkaSink> sink = streaming(many);
    helper = open_helper(7, R"(["somebody","else"])");
    ASSERT_TRUE(write(*sink, commit_point(5, {{1, "a"}})));
  }
  ResumeState state;
  const std::unique_ptr<KafkaSink> next = reopened(settings(), &state);
  EXPECT_EQ(state.position->lsn, lsn(5));
  EXPECT_EQ(stored().claim->writers, 7);
}

// A number that no claim names is fenced by nobody.
TEST_F(K3a_TakeOver, NumbersAreClaimedBeforeTheyAreUsed) {
  const std::unique_ptr<KafkaSink> sink = streaming();
  EXPECT_THAT(stored().claim->writers, Ge(settings().writers + 1));
  const std::unique_ptr<ChunkWriter> first = sink->chunk_writer();
  const std::unique_ptr<ChunkWriter> second = sink->chunk_writer();
  const std::unique_ptr<ChunkWriter> third = sink->chunk_writer();
  EXPECT_EQ(thrown_by([&] { static_cast<void>(sink->chunk_writer()); }).kind(), ErrorKind::internal);
}

// Both would send the same changes, each with a position of its own.
TEST_F(K3b_SinkFencing, ANewerRunnerEndsABusyOne) {
  const std::unique_ptr<KafkaSink> older = streaming(settings_of("older"));
  ASSERT_TRUE(write(*older, open_part(5, {{1, "older"}})));
  const std::unique_ptr<KafkaSink> newer = reopened(settings_of("newer"));
  const Error error = thrown_by([&] {
    static_cast<void>(write(*older, open_part(5, {{2, "older"}}, 2)));
    static_cast<void>(write(*older, commit_point(5, {{3, "older"}}, 3)));
  });
  EXPECT_EQ(error.kind(), ErrorKind::fenced) << error.what();
  ASSERT_TRUE(write(*newer, commit_point(5, {{1, "newer"}})));
  EXPECT_THAT(texts(), ElementsAre("c newer"));
  EXPECT_EQ(stored().claim->instance, "newer");
  EXPECT_THAT(stored().claim->deposed, ElementsAre("older"));
}

// So does one in the middle of a load: its writers have ids of their own.
TEST_F(K3b_SinkFencing, ANewerRunnerEndsAChunkWriter) {
  const std::unique_ptr<KafkaSink> older = streaming(settings_of("older"));
  const Chunk chunk{table_->name, 0, {}, {"9"}, 1};
  older->add_chunks({chunk});
  const std::unique_ptr<ChunkWriter> writer = older->chunk_writer();
  ASSERT_EQ(writer->begin(table_, chunk, never_), ChunkBegin::begun);
  RowBatch batch = rows(0, {{1, "older", Operation::read}});
  ASSERT_TRUE(writer->write(batch, never_));
  const std::unique_ptr<KafkaSink> newer = reopened(settings_of("newer"));
  EXPECT_EQ(thrown_by([&] { static_cast<void>(writer->finish(never_)); }).kind(), ErrorKind::fenced);
  EXPECT_THAT(texts(), IsEmpty());
  EXPECT_FALSE(stored().tables.at(table_->name).progress.chunks.front().done);
}

// The broker's own timeout looks the same, and only a new producer at the stored position helps.
TEST_F(K3b_SinkFencing, TheBrokersTimeoutIsNoOtherRunner) {
  SinkSettings quick = settings_of("one");
  quick.transaction_timeout = 2s;
  {
    const std::unique_ptr<KafkaSink> sink = streaming(quick);
    ASSERT_TRUE(write(*sink, open_part(5, {{1, "a"}})));
    await_end(2);                                            // The event, and the broker's marker.
    std::this_thread::sleep_for(quick.transaction_timeout);  // By our own clock, too.
    const Error error = thrown_by([&] { static_cast<void>(write(*sink, commit_point(5, {{2, "b"}}, 2))); });
    EXPECT_EQ(error.kind(), ErrorKind::conflict) << error.what();
  }
  ResumeState state;
  const std::unique_ptr<KafkaSink> again = reopened(quick, &state);
  EXPECT_EQ(state.position->lsn, lsn(2));
  ASSERT_TRUE(write(*again, commit_point(5, {{1, "a"}, {2, "b"}})));
  EXPECT_THAT(texts(), ElementsAre("c a", "c b"));
}

// Too old, and another runner has come meanwhile: the claim tells.
TEST_F(K3b_SinkFencing, ATimeoutDoesNotHideAnotherRunner) {
  SinkSettings quick = settings_of("older");
  quick.transaction_timeout = 2s;
  const std::unique_ptr<KafkaSink> older = streaming(quick);
  ASSERT_TRUE(write(*older, open_part(5, {{1, "a"}})));
  const std::unique_ptr<KafkaSink> newer = reopened(settings_of("newer"));
  std::this_thread::sleep_for(quick.transaction_timeout);
  EXPECT_EQ(thrown_by([&] {
              static_cast<void>(write(*older, commit_point(5, {{2, "b"}}, 2)));
            }).kind(),
            ErrorKind::fenced);
}

// Two that open anew in turns would depose each other for ever.
TEST_F(K3b_SinkFencing, WhoWasDeposedDoesNotDepose) {
  static_cast<void>(streaming(settings_of("older")));
  const std::unique_ptr<KafkaSink> newer = reopened(settings_of("newer"));
  KafkaSink again(settings_of("older"));
  EXPECT_EQ(thrown_by([&] { static_cast<void>(again.open(false, never_)); }).kind(), ErrorKind::fenced);
  ASSERT_TRUE(write(*newer, commit_point(5, {{1, "newer"}})));
}

// An empty transaction commits with success whoever owns the id: an idle runner would never learn of the other.
TEST_F(K3c_IdleSink, LearnsThatItWasDeposed) {
  SinkSettings quick = settings_of("older");
  quick.claim_interval = 100ms;
  const std::unique_ptr<KafkaSink> older = streaming(quick);
  static_cast<void>(older->heartbeat());
  const std::unique_ptr<KafkaSink> newer = reopened(settings_of("newer"));
  std::this_thread::sleep_for(quick.claim_interval);
  EXPECT_EQ(thrown_by([&] { static_cast<void>(older->heartbeat()); }).kind(), ErrorKind::fenced);
}

// `tailrace status` tells a runner that lives from one that was killed.
TEST_F(K3c_IdleSink, ShowsThatItLives) {
  SinkSettings quick = settings();
  quick.claim_interval = 100ms;
  const std::unique_ptr<KafkaSink> sink = streaming(quick);
  const std::int64_t first = stored().claim->beat_ms;
  std::this_thread::sleep_for(quick.claim_interval);
  static_cast<void>(sink->heartbeat());
  EXPECT_GT(stored().claim->beat_ms, first);
  sink->close();
  EXPECT_EQ(stored().claim->beat_ms, 0);
}

// Whoever watches the topics is told that the pipeline lives, also while nothing changes.
TEST_F(K3c_IdleSink, WritesHeartbeatsWhereTheyAreWanted) {
  SinkSettings beating = settings();
  beating.heartbeat_interval = 50ms;
  const std::unique_ptr<KafkaSink> sink = streaming(beating);
  for (int beat = 0; beat < 2; ++beat) {
    std::this_thread::sleep_for(beating.heartbeat_interval);
    static_cast<void>(sink->heartbeat());
  }
  EXPECT_EQ(broker().values(beating.events.heartbeat_topic()).size(), 2U);
}

}  // namespace
}  // namespace tailrace::kafka
