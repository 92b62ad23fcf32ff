// Chunks of a snapshot: their rows and their progress are one, and each row is marked as Debezium marks it.
#include <thread>

#include "tests/integration/kafka_sink/sink_case.h"

namespace tailrace::kafka {
namespace {

using tailrace::testing::lsn;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

class K3e_Chunks : public SinkCase {
 protected:
  std::unique_ptr<KafkaSink> loading(const SinkSettings& settings) {
    auto sink = std::make_unique<KafkaSink>(settings);
    EXPECT_TRUE(sink->open(false, never_).first_run);
    sink->use_tables({table_});
    sink->begin_load("source", {TableStart{table_, lsn(3)}}, Position{lsn(3), "", 0});
    return sink;
  }
  bool send(ChunkWriter& writer, const Chunk& chunk, const std::vector<Change>& read) {
    if (writer.begin(table_, chunk, never_) != ChunkBegin::begun) return false;
    RowBatch batch = rows(0, read);
    return writer.write(batch, never_) && writer.finish(never_).has_value();
  }
  const Chunk first_{table_->name, 0, {}, {"2"}, 2};
  const Chunk last_{table_->name, 1, {"2"}, {}, 2};
};

Change read(int id, const std::string& text) {
  return {id, text, Operation::read};
}

TEST_F(K3e_Chunks, AreLoadedOnceAcrossACrash) {
  {
    const std::unique_ptr<KafkaSink> sink = loading(settings());
    sink->add_chunks({first_});
    sink->add_chunks({last_});
    const std::unique_ptr<ChunkWriter> writer = sink->chunk_writer();
    ASSERT_TRUE(send(*writer, first_, {read(1, "a"), read(2, "b")}));
    // The other one is killed in its middle.
    ASSERT_EQ(writer->begin(table_, last_, never_), ChunkBegin::begun);
    RowBatch half = rows(0, {read(3, "c")});
    ASSERT_TRUE(writer->write(half, never_));
  }
  ResumeState state;
  const std::unique_ptr<KafkaSink> next = reopened(settings(), &state);
  EXPECT_THAT(texts(), ElementsAre("r a", "r b"));
  const std::vector<ChunkProgress>& chunks = state.tables.at(table_->name).chunks;
  ASSERT_THAT(chunks, SizeIs(2));
  EXPECT_TRUE(chunks[0].done);
  EXPECT_EQ(chunks[0].rows, 2U);
  EXPECT_FALSE(chunks[1].done);
  EXPECT_THAT(chunks[1].chunk.after, ElementsAre("2"));
  const std::unique_ptr<ChunkWriter> writer = next->chunk_writer();
  ASSERT_EQ(writer->begin(table_, chunks[0].chunk, never_), ChunkBegin::done_before);
  ASSERT_TRUE(send(*writer, chunks[1].chunk, {read(3, "c"), read(4, "d")}));
  ASSERT_TRUE(next->finish_load({table_}, HighMark{"mark"}, never_));
  EXPECT_THAT(texts(), ElementsAre("r a", "r b", "r c", "r d"));
  const StoredState stored_now = stored();
  EXPECT_EQ(stored_now.tables.at(table_->name).progress.state, TableState::catching_up);
  EXPECT_THAT(stored_now.tables.at(table_->name).progress.chunks, IsEmpty());
  EXPECT_TRUE(stored_now.offset->snapshot_completed);
}

// Writers work beside each other, each in a transaction of its own.
TEST_F(K3e_Chunks, AreWrittenBesideEachOther) {
  SinkSettings two = settings();
  two.writers = 2;
  const std::unique_ptr<KafkaSink> sink = loading(two);
  sink->add_chunks({first_, last_});
  const std::unique_ptr<ChunkWriter> one = sink->chunk_writer();
  const std::unique_ptr<ChunkWriter> other = sink->chunk_writer();
  ASSERT_EQ(one->begin(table_, first_, never_), ChunkBegin::begun);
  ASSERT_EQ(other->begin(table_, last_, never_), ChunkBegin::begun);
  RowBatch head = rows(0, {read(1, "a")});
  RowBatch tail = rows(0, {read(3, "c")});
  ASSERT_TRUE(one->write(head, never_));
  ASSERT_TRUE(other->write(tail, never_));
  ASSERT_EQ(other->finish(never_), 1U);
  ASSERT_EQ(one->finish(never_), 1U);
  EXPECT_THAT(texts(), UnorderedElementsAre("r a", "r c"));
}

// Cut by time, what is left begins behind the last row's key, whatever lies in front of it by then.
TEST_F(K3e_Chunks, AChunkThatTakesLongGoesOnBehindItsLastKey) {
  SinkSettings quick = settings();
  quick.transaction_timeout = 3s;
  {
    const std::unique_ptr<KafkaSink> sink = loading(quick);
    sink->add_chunks({first_});
    const std::unique_ptr<ChunkWriter> writer = sink->chunk_writer();
    ASSERT_EQ(writer->begin(table_, first_, never_), ChunkBegin::begun);
    RowBatch head = rows(0, {read(1, "a")});
    ASSERT_TRUE(writer->write(head, never_));
    std::this_thread::sleep_for(quick.transaction_timeout * 2 / 3 +
                                50ms);  // The clock is what this is about.
    RowBatch more = rows(0, {read(2, "b")});
    ASSERT_TRUE(writer->write(more, never_));
    EXPECT_THAT(texts(), ElementsAre("r a", "r b"));
  }
  ResumeState state;
  const std::unique_ptr<KafkaSink> next = reopened(quick, &state);
  const ChunkProgress& chunk = state.tables.at(table_->name).chunks.front();
  EXPECT_FALSE(chunk.done);
  EXPECT_EQ(chunk.rows, 2U);
  EXPECT_THAT(chunk.chunk.after, ElementsAre("2"));
}

// A load that begins anew forgets the chunks of the one before: with them it would leave rows out.
TEST_F(K3e_Chunks, OfALoadThatBeginsAnewAreGone) {
  const std::unique_ptr<KafkaSink> sink = loading(settings());
  sink->add_chunks({first_, last_});
  sink->begin_load("source", {TableStart{table_, lsn(4)}}, Position{lsn(3), "", 0});
  const StoredState state = stored();
  EXPECT_THAT(state.tables.at(table_->name).progress.chunks, IsEmpty());
  EXPECT_EQ(state.tables.at(table_->name).progress.low, lsn(4));
  EXPECT_EQ(state.offset->position.lsn, lsn(3));
}

}  // namespace
}  // namespace tailrace::kafka
