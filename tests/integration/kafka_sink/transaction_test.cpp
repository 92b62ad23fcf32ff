// What is in one transaction: events and position, whole commits unless time cuts them, several of them where they come fast.
#include <thread>

#include "kafka/failure.h"
#include "tests/integration/kafka_sink/sink_case.h"

namespace tailrace::kafka {
namespace {

using tailrace::testing::lsn;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class K1b_SinkRecords : public SinkCase {};
class K2_SourceTransactions : public SinkCase {
 protected:
  // Opens a part of a commit and lets two thirds of the transaction's time pass; the next event is then behind the cut.
  void cut_behind(KafkaSink& sink, std::uint8_t commit, const std::vector<Change>& first,
                  std::chrono::milliseconds timeout) {
    ASSERT_TRUE(write(sink, open_part(commit, first)));
    // The clock is what this is about.
    std::this_thread::sleep_for(timeout * 2 / 3 + 50ms);
  }
};
class K2_Filling : public SinkCase {};

// One without the other: events come again after a crash, or are never sent.
TEST_F(K2_SourceTransactions, EventsAndPositionAreOne) {
  const std::unique_ptr<KafkaSink> sink = streaming();
  ASSERT_TRUE(write(*sink, open_part(5, {{1, "a"}})));
  ASSERT_TRUE(write(*sink, open_part(5, {{2, "b"}}, 2)));
  EXPECT_THAT(visible(0), IsEmpty());
  ASSERT_TRUE(write(*sink, commit_point(5, {{3, "c"}}, 3)));
  EXPECT_THAT(texts(), ElementsAre("c a", "c b", "c c"));
  const StoredState state = stored();
  EXPECT_EQ(state.offset->position.lsn, lsn(5));
  EXPECT_EQ(state.offset->position.evidence, "evidence " + lsn(5).hex());
  EXPECT_EQ(state.offset->position.commit_time_utc, 42);
  EXPECT_EQ(state.offset->part, std::nullopt);
}

// A runner that ends in the middle leaves nothing of a commit; the next one begins at the end before it.
TEST_F(K2_SourceTransactions, HalfOfOneIsNeverSeen) {
  {
    const std::unique_ptr<KafkaSink> sink = streaming();
    ASSERT_TRUE(write(*sink, commit_point(5, {{1, "a"}})));
    ASSERT_TRUE(write(*sink, open_part(6, {{2, "b"}, {3, "c"}})));
  }
  ResumeState state;
  const std::unique_ptr<KafkaSink> next = reopened(settings(), &state);
  EXPECT_EQ(state.position->lsn, lsn(5));
  EXPECT_THAT(texts(), ElementsAre("c a"));
  ASSERT_TRUE(write(*next, commit_point(6, {{2, "b"}, {3, "c"}})));
  EXPECT_THAT(texts(), ElementsAre("c a", "c b", "c c"));
}

// A transaction that is open for too long is ended by the broker, and the next attempt would be, too: for ever.
TEST_F(K2_SourceTransactions, AreCutByTimeBetweenTwoEvents) {
  SinkSettings quick = settings();
  quick.transaction_timeout = 3s;
  const std::unique_ptr<KafkaSink> sink = streaming(quick);
  cut_behind(*sink, 5, {{1, "a"}, {2, "b"}}, quick.transaction_timeout);
  ASSERT_TRUE(write(*sink, open_part(5, {{3, "c"}, {4, "d"}}, 3)));
  EXPECT_THAT(visible(2), ElementsAre("c a", "c b"));
  const StoredState state = stored();
  EXPECT_EQ(state.offset->part, (SentPart{lsn(5), 2}));
  EXPECT_EQ(state.offset->position.lsn, just_below(lsn(5)));
  EXPECT_EQ(state.offset->commit_lsn, lsn(5));
  // A Debezium that takes over goes on behind this very event.
  EXPECT_THAT(stored_value(keys().offset()), HasSubstr("\"tailrace_events\":2"));
  ASSERT_TRUE(write(*sink, commit_point(5, {{5, "e"}}, 5)));
  EXPECT_THAT(texts(), ElementsAre("c a", "c b", "c c", "c d", "c e"));
  EXPECT_EQ(stored().offset->part, std::nullopt);
}

// What comes again of a commit that was cut is passed over: no event twice, none left out.
TEST_F(K2_SourceTransactions, GoOnBehindTheCutAfterACrash) {
  SinkSettings quick = settings();
  quick.transaction_timeout = 3s;
  {
    const std::unique_ptr<KafkaSink> sink = streaming(quick);
    ASSERT_TRUE(write(*sink, commit_point(4, {{9, "before"}})));
    cut_behind(*sink, 5, {{1, "a"}, {2, "b"}, {2, "b2", Operation::update}}, quick.transaction_timeout);
    ASSERT_TRUE(write(*sink, open_part(5, {{3, "c"}}, 4)));
  }
  ResumeState state;
  const std::unique_ptr<KafkaSink> next = reopened(quick, &state);
  EXPECT_EQ(state.position->lsn, just_below(lsn(5)));
  EXPECT_THAT(texts(), ElementsAre("c before", "c a", "c b", "u b2"));
  ASSERT_TRUE(write(*next, open_part(5, {{1, "a"}, {2, "b"}})));
  ASSERT_TRUE(write(*next, commit_point(5, {{2, "b2", Operation::update}, {3, "c"}}, 3)));
  EXPECT_THAT(texts(), ElementsAre("c before", "c a", "c b", "u b2", "c c"));
}

// The stream goes on just below the commit, and may end there with news of a table: what was sent of the commit is still sent.
TEST_F(K2_SourceTransactions, AnEndInFrontOfACutCommitForgetsNothing) {
  SinkSettings quick = settings();
  quick.transaction_timeout = 3s;
  {
    const std::unique_ptr<KafkaSink> sink = streaming(quick);
    cut_behind(*sink, 5, {{1, "a"}, {2, "b"}}, quick.transaction_timeout);
    ASSERT_TRUE(write(*sink, open_part(5, {{3, "c"}}, 3)));
  }
  {
    const std::unique_ptr<KafkaSink> sink = reopened(quick);
    ChangeBatch news = tailrace::testing::ending_at(just_below(lsn(5)), {});
    news.switched.push_back({table_->name, table_->instance});
    ASSERT_TRUE(sink->write(news, never_));
  }
  const std::unique_ptr<KafkaSink> sink = reopened(quick);
  ASSERT_TRUE(write(*sink, commit_point(5, {{1, "a"}, {2, "b"}, {3, "c"}})));
  EXPECT_THAT(texts(), ElementsAre("c a", "c b", "c c"));
}

// Paused in between, a table takes along what was sent of it, and brings the rest by itself; the others' events are counted without it.
TEST_F(K2_SourceTransactions, ATableThatLeavesBehindACutIsSentOnce) {
  SinkSettings quick = settings();
  quick.transaction_timeout = 3s;
  {
    const std::unique_ptr<KafkaSink> sink = streaming(quick);
    cut_behind(*sink, 5, {{1, "a"}, {2, "b"}}, quick.transaction_timeout);
    ASSERT_TRUE(write(*sink, open_part(5, {{3, "c"}}, 3)));
  }
  const std::unique_ptr<KafkaSink> sink = reopened(quick);
  sink->leave({table_->name});
  EXPECT_EQ(stored().tables.at(table_->name).part, (SentPart{lsn(5), 2}));
  // The stream goes on without it.
  ASSERT_TRUE(write(*sink, tailrace::testing::ending_at(lsn(9), {})));
  {
    const std::unique_ptr<Sink> alone = sink->outside(table_->name);
    EXPECT_EQ(alone->open(false, never_).position->lsn, just_below(lsn(5)));
    alone->use_tables({table_});
    alone->rejoin();
    ChangeBatch all = commit_point(5, {{1, "a"}, {2, "b"}, {3, "c"}, {4, "d"}});
    ASSERT_TRUE(alone->write(all, never_));
  }
  ChangeBatch joins = commit_point(11, {{5, "e"}});
  joins.joining = {table_};
  ASSERT_TRUE(sink->write(joins, never_));
  EXPECT_THAT(texts(), ElementsAre("c a", "c b", "c c", "c d", "c e"));
  EXPECT_EQ(stored().tables.at(table_->name).part, std::nullopt);
}

// It may come back at once: then the stream brings the rest, also when it crashes in between.
TEST_F(K2_SourceTransactions, ATableThatComesBackBehindACutIsSentOnce) {
  SinkSettings quick = settings();
  quick.transaction_timeout = 3s;
  {
    const std::unique_ptr<KafkaSink> sink = streaming(quick);
    cut_behind(*sink, 5, {{1, "a"}, {2, "b"}}, quick.transaction_timeout);
    ASSERT_TRUE(write(*sink, open_part(5, {{3, "c"}}, 3)));
  }
  {
    const std::unique_ptr<KafkaSink> sink = reopened(quick);
    sink->leave({table_->name});
    {
      const std::unique_ptr<Sink> alone = sink->outside(table_->name);
      ASSERT_TRUE(alone->open(false, never_).position.has_value());
      alone->use_tables({table_});
      alone->rejoin();
    }
    ChangeBatch joins = tailrace::testing::ending_at(just_below(lsn(5)), {});
    joins.joining = {table_};
    ASSERT_TRUE(sink->write(joins, never_));
    ASSERT_TRUE(write(*sink, open_part(5, {{1, "a"}, {2, "b"}, {3, "c"}})));
  }
  const std::unique_ptr<KafkaSink> sink = reopened(quick);
  ASSERT_TRUE(write(*sink, commit_point(5, {{1, "a"}, {2, "b"}, {3, "c"}})));
  EXPECT_THAT(texts(), ElementsAre("c a", "c b", "c c"));
}

// snapshot.mode: always loads it where it stands, and a crash in that load must not forget what was sent before.
TEST_F(K2_SourceTransactions, ATableThatIsLoadedAgainBehindACutIsSentOnce) {
  SinkSettings quick = settings();
  quick.transaction_timeout = 3s;
  {
    const std::unique_ptr<KafkaSink> sink = streaming(quick);
    cut_behind(*sink, 5, {{1, "a"}, {2, "b"}}, quick.transaction_timeout);
    ASSERT_TRUE(write(*sink, open_part(5, {{3, "c"}}, 3)));
  }
  const TableStart start{table_, just_below(lsn(5)), /*shadow=*/false, /*loads=*/true};
  reopened(quick)->begin_load("source", {start}, Position{start.low, "", 0});
  const std::unique_ptr<KafkaSink> sink = reopened(quick);
  ASSERT_TRUE(sink->finish_load({table_}, HighMark{"mark"}, never_));
  ASSERT_TRUE(write(*sink, commit_point(5, {{1, "a"}, {2, "b"}, {3, "c"}})));
  EXPECT_THAT(texts(), ElementsAre("c a", "c b", "c c"));
}

// The same of a table that is taken again outside of the stream: its changes since it left follow its rows.
TEST_F(K2_SourceTransactions, ATableThatIsTakenAgainBehindACutIsSentOnce) {
  SinkSettings quick = settings();
  quick.transaction_timeout = 3s;
  {
    const std::unique_ptr<KafkaSink> sink = streaming(quick);
    cut_behind(*sink, 5, {{1, "a"}, {2, "b"}}, quick.transaction_timeout);
    ASSERT_TRUE(write(*sink, open_part(5, {{3, "c"}}, 3)));
  }
  const std::unique_ptr<KafkaSink> sink = reopened(quick);
  sink->leave({table_->name});
  const TableStart start{table_, just_below(lsn(5)), /*shadow=*/false, /*loads=*/true};
  const auto alone = [&] {
    std::unique_ptr<Sink> out = sink->outside(table_->name);
    EXPECT_TRUE(out->open(false, never_).position.has_value());
    out->use_tables({table_});
    return out;
  };
  alone()->begin_load("source", {start}, Position{start.low, "", 0});
  const std::unique_ptr<Sink> again = alone();
  ASSERT_TRUE(again->finish_load({table_}, HighMark{"mark"}, never_));
  ChangeBatch all = commit_point(5, {{1, "a"}, {2, "b"}, {3, "c"}});
  ASSERT_TRUE(again->write(all, never_));
  EXPECT_THAT(texts(), ElementsAre("c a", "c b", "c c"));
}

// Where everything begins anew nothing of before means anything: a commit of the same number is another one.
TEST_F(K2_SourceTransactions, WhatBeginsAnewIsSentFromItsBeginning) {
  SinkSettings quick = settings();
  quick.transaction_timeout = 3s;
  {
    const std::unique_ptr<KafkaSink> sink = streaming(quick);
    cut_behind(*sink, 5, {{1, "a"}, {2, "b"}}, quick.transaction_timeout);
    ASSERT_TRUE(write(*sink, open_part(5, {{3, "c"}}, 3)));
  }
  const TableStart start{table_, lsn(4), /*shadow=*/false, /*loads=*/true};
  reopened(quick)->begin_again("another source", {start}, Position{start.low, "", 0});
  const std::unique_ptr<KafkaSink> sink = reopened(quick);
  ASSERT_TRUE(sink->finish_load({table_}, HighMark{"mark"}, never_));
  ASSERT_TRUE(write(*sink, commit_point(5, {{1, "x"}, {2, "y"}})));
  EXPECT_THAT(texts(), ElementsAre("c a", "c b", "c x", "c y"));
}

// And where the stream has gone on meanwhile, what lies between comes with the join.
TEST_F(K2_SourceTransactions, ATableThatComesBackBehindTheStreamIsSentOnce) {
  SinkSettings quick = settings();
  quick.transaction_timeout = 3s;
  {
    const std::unique_ptr<KafkaSink> sink = streaming(quick);
    cut_behind(*sink, 5, {{1, "a"}, {2, "b"}}, quick.transaction_timeout);
    ASSERT_TRUE(write(*sink, open_part(5, {{3, "c"}}, 3)));
  }
  const std::unique_ptr<KafkaSink> sink = reopened(quick);
  sink->leave({table_->name});
  {
    const std::unique_ptr<Sink> alone = sink->outside(table_->name);
    ASSERT_TRUE(alone->open(false, never_).position.has_value());
    alone->use_tables({table_});
    alone->rejoin();
  }
  ASSERT_TRUE(write(*sink, tailrace::testing::ending_at(lsn(9), {})));
  ChangeBatch joins = tailrace::testing::ending_at(lsn(11), {});
  ChangeBatch between = open_part(5, {{1, "a"}, {2, "b"}, {3, "c"}});
  joins.tables = std::move(between.tables);
  joins.order = std::move(between.order);
  joins.joining = {table_};
  ASSERT_TRUE(sink->write(joins, never_));
  EXPECT_THAT(texts(), ElementsAre("c a", "c b", "c c"));
  EXPECT_EQ(stored().tables.at(table_->name).part, std::nullopt);
}

// A cut comes in front of a delete, whose tombstone stays with it: cut between the two, the delete would come again.
TEST_F(K2_SourceTransactions, AreCutInFrontOfAnEvent) {
  SinkSettings quick = settings();
  quick.transaction_timeout = 3s;
  const std::unique_ptr<KafkaSink> sink = streaming(quick);
  cut_behind(*sink, 5, {{1, "a"}}, quick.transaction_timeout);
  ASSERT_TRUE(write(*sink, open_part(5, {{1, "a", Operation::delete_}}, 2)));
  EXPECT_THAT(visible(1), ElementsAre("c a"));
  ASSERT_TRUE(write(*sink, commit_point(5, {{2, "b"}}, 3)));
  EXPECT_EQ(texts().size(), 4U);
  EXPECT_THAT(texts()[2], "tombstone");
}

// A transaction for each little commit costs a broker more than its records do.
TEST_F(K2_Filling, CommitsThatComeFastAreMadeDurableTogether) {
  SinkSettings filling = settings();
  filling.fill_time = 30s;
  const std::unique_ptr<KafkaSink> sink = streaming(filling);
  ASSERT_TRUE(write(*sink, commit_point(5, {{1, "a"}})));
  ASSERT_TRUE(sink->holds_until().has_value());
  ASSERT_TRUE(write(*sink, commit_point(6, {{2, "b"}})));
  EXPECT_THAT(visible(0), IsEmpty());
  EXPECT_EQ(stored().offset->position.lsn, lsn(2));
  ASSERT_TRUE(sink->flush(never_));
  EXPECT_EQ(sink->holds_until(), std::nullopt);
  EXPECT_THAT(texts(), ElementsAre("c a", "c b"));
  EXPECT_EQ(stored().offset->position.lsn, lsn(6));
}

TEST_F(K2_Filling, AFullTransactionDoesNotWait) {
  SinkSettings filling = settings();
  filling.fill_time = 30s;
  filling.fill_events = 3;
  const std::unique_ptr<KafkaSink> sink = streaming(filling);
  ASSERT_TRUE(write(*sink, commit_point(5, {{1, "a"}, {2, "b"}})));
  EXPECT_THAT(visible(0), IsEmpty());
  ASSERT_TRUE(write(*sink, commit_point(6, {{3, "c"}})));
  EXPECT_EQ(sink->holds_until(), std::nullopt);
  EXPECT_THAT(texts(), SizeIs(3));
}

// What an end means for a table is awaited by somebody.
TEST_F(K2_Filling, AnEndThatMeansSomethingForATableDoesNotWait) {
  SinkSettings filling = settings();
  filling.fill_time = 30s;
  const std::unique_ptr<KafkaSink> sink = streaming(filling);
  ChangeBatch end = commit_point(5, {{1, "a"}});
  CaptureInstance newer = table_->instance;
  newer.name = "newer";
  end.switched.push_back({table_->name, newer});
  ASSERT_TRUE(sink->write(end, never_));
  EXPECT_EQ(sink->holds_until(), std::nullopt);
  EXPECT_EQ(stored().tables.at(table_->name).progress.instance.name, "newer");
}

// A commit answers that all is well after a record was refused: the others of its transaction would be there without it.
TEST_F(K1b_SinkRecords, OneThatDoesNotFitLeavesNothingOfItsTransaction) {
  broker().create_topic_named(topic(), 1, R"({"max.message.bytes": "2000"})");
  {
    const std::unique_ptr<KafkaSink> sink = streaming();
    ASSERT_TRUE(write(*sink, open_part(5, {{1, "a"}})));
    const Error error = thrown_by([&] {
      static_cast<void>(write(*sink, commit_point(5, {{2, std::string(3'000, 'x')}}, 2)));
    });
    EXPECT_EQ(error.kind(), ErrorKind::data) << error.what();
    EXPECT_EQ(error.context("topic"), topic());
  }
  ResumeState state;
  const std::unique_ptr<KafkaSink> next = reopened(settings(), &state);
  EXPECT_EQ(state.position->lsn, lsn(2));
  EXPECT_THAT(texts(), IsEmpty());
}

// A value that the source could not give: sent as NULL it would be a lie.
TEST_F(K1b_SinkRecords, AFaultyValueStopsByName) {
  const std::unique_ptr<KafkaSink> sink = streaming();
  ChangeBatch batch = commit_point(5, {{7, "a"}});
  batch.tables.front().add_fault({0, 1, RowFaultCode::invalid_text, "column text holds a lone surrogate"});
  const Error error = thrown_by([&] { static_cast<void>(sink->write(batch, never_)); });
  EXPECT_EQ(error.kind(), ErrorKind::data);
  EXPECT_EQ(error.context("key"), "7");
  EXPECT_EQ(error.context("column"), "text");
}

}  // namespace
}  // namespace tailrace::kafka
