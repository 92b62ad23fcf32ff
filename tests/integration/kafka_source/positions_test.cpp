// K4c, K4d: where a partition is begun, what its end is, and how a topic that is another one is told.
#include "tests/integration/kafka_source/source_case.h"

namespace tailrace::kafka {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class K4c_Start : public SourceCase {};
class K4c_Gap : public SourceCase {
 protected:
  // Reads what is there, and answers its position as a sink stores it.
  PartitionPosition read_all(const EventTable& table, std::size_t rows) {
    Reading reading(settings({table}));
    reading.open();
    reading.until([&] { return reading.whole().size() == rows; });
    const PartitionPosition position = reading.reached.at({table.topic, 0});
    reading.source.close({});
    return position;
  }
  // Goes on from there until it fails.
  Error go_on(const EventTable& table, const PartitionPosition& position) {
    Reading reading(settings({table}));
    reading.stored[{table.topic, 0}] = position;
    return thrown_by([&] {
      reading.open();
      reading.until([] { return false; });
    });
  }
};
class K4d_End : public SourceCase {};

std::vector<Change> inserts(std::int64_t from, std::int64_t to) {
  std::vector<Change> out;
  for (std::int64_t id = from; id <= to; ++id)
    out.push_back({.op = "c", .after = row(id, "x"), .commit = static_cast<std::uint64_t>(id)});
  return out;
}

TEST_F(K4c_Start, BeginsAtTheBeginningAndThenWhereItWas) {
  const EventTable table = new_table();
  write(table, inserts(1, 3));
  Reading all(settings({table}));
  all.open();
  all.until([&] { return all.whole().size() == 3; });
  EXPECT_THAT(all.whole(), ElementsAre(1, 2, 3));
  all.source.close({});
  Reading rest(settings({table}));
  rest.stored[{table.topic, 0}].next_offset = 1;
  rest.open();
  rest.until([&] { return rest.whole().size() == 2; });
  EXPECT_THAT(rest.whole(), ElementsAre(2, 3));
}

// The group's own offsets are for those who watch its lag: ours are in the target.
TEST_F(K4c_Start, OffsetsOfTheGroupAreNeverReadBack) {
  const EventTable table = new_table();
  write(table, inserts(1, 3));
  Reading first(settings({table}));
  first.open();
  first.until([&] { return first.whole().size() == 3; });
  first.source.durable({{{table.topic, 0}, *first.next_offset()}});
  first.until([&] {
    return broker().committed_offset("group-of-" + table.topic, table.topic, 0) == *first.next_offset();
  });
  first.source.close({});
  Reading again(settings({table}));
  again.open();
  again.until([&] { return again.whole().size() == 3; });
}

TEST_F(K4c_Start, ATopicThatIsNotThereIsAMistake) {
  EventTable table;
  table.topic = "nowhere";
  Reading reading(settings({table}));
  const Error error = thrown_by([&] { reading.open(); });
  EXPECT_EQ(error.kind(), ErrorKind::config);
  EXPECT_EQ(error.context("topic"), "nowhere");
}

// What retention has removed cannot be had from anywhere.
TEST_F(K4c_Gap, RecordsThatAreRemovedBeforeTheyAreRead) {
  const EventTable table = new_table();
  write(table, inserts(1, 5));
  broker().trim(table.topic, 0, 3);
  const Error error = go_on(table, {1, 0, {}, "", 0});
  EXPECT_EQ(error.kind(), ErrorKind::gap);
  EXPECT_EQ(error.context("topic"), table.topic);
  EXPECT_EQ(error.context("partition"), "0");
  EXPECT_THAT(error.what(), HasSubstr("those before 3"));
}

TEST_F(K4c_Gap, ATopicMadeAnewAndShorter) {
  const EventTable table = new_table();
  write(table, inserts(1, 5));
  PartitionPosition position = read_all(table, 5);
  position.topic_id.clear();  // As of a broker that has no ids.
  broker().delete_topic(table.topic);
  broker().create_topic_named(table.topic, 1);
  write(table, inserts(6, 7));
  const Error error = go_on(table, position);
  EXPECT_EQ(error.kind(), ErrorKind::gap);
  EXPECT_THAT(error.what(), HasSubstr("offset 6 is to be read next, and the partition ends at 3"));
}

// librdkafka reads on silently at our offset, amid other records.
TEST_F(K4c_Gap, ATopicMadeAnewAndLongerIsToldByItsId) {
  const EventTable table = new_table();
  write(table, inserts(1, 3));
  const PartitionPosition position = read_all(table, 3);
  EXPECT_FALSE(position.topic_id.empty());
  broker().delete_topic(table.topic);
  broker().create_topic_named(table.topic, 1);
  write(table, inserts(4, 14));
  const Error error = go_on(table, position);
  EXPECT_EQ(error.kind(), ErrorKind::gap);
  EXPECT_THAT(error.what(), HasSubstr("made anew"));
}

TEST_F(K4c_Gap, WithoutIdsItIsToldByTheLastRecord) {
  const EventTable table = new_table();
  write(table, inserts(1, 3));
  PartitionPosition position = read_all(table, 3);
  position.topic_id.clear();
  broker().delete_topic(table.topic);
  broker().create_topic_named(table.topic, 1);
  write(table, inserts(4, 14));
  const Error error = go_on(table, position);
  EXPECT_EQ(error.kind(), ErrorKind::gap);
  EXPECT_THAT(error.what(), HasSubstr("applied last"));
}

// And where it is the same one, nothing is wrong.
TEST_F(K4c_Gap, TheLastRecordWhereItLayIsNone) {
  const EventTable table = new_table();
  write(table, inserts(1, 3));
  PartitionPosition position = read_all(table, 3);
  position.topic_id.clear();
  write(table, inserts(4, 5));
  Reading reading(settings({table}));
  reading.stored[{table.topic, 0}] = position;
  reading.open();
  reading.until([&] { return reading.whole().size() == 2; });
  EXPECT_THAT(reading.whole(), ElementsAre(4, 5));
}

// Between two runs: no mistake of the settings, but records that are gone.
TEST_F(K4c_Gap, ATopicThatVanishesBetweenTwoRuns) {
  const EventTable table = new_table();
  write(table, inserts(1, 3));
  const PartitionPosition position = read_all(table, 3);
  broker().delete_topic(table.topic);
  const Error error = go_on(table, position);
  EXPECT_EQ(error.kind(), ErrorKind::gap);
  EXPECT_EQ(error.context("topic"), table.topic);
}

TEST_F(K4c_Gap, ATopicThatVanishesWhileItIsRead) {
  const EventTable table = new_table();
  write(table, inserts(1, 3));
  Reading reading(settings({table}));
  reading.open();
  reading.until([&] { return reading.whole().size() == 3; });
  reading.source.durable({{{table.topic, 0}, *reading.next_offset()}});
  broker().delete_topic(table.topic);
  const Error error = thrown_by([&] { reading.until([] { return false; }); });
  EXPECT_EQ(error.kind(), ErrorKind::gap);
  EXPECT_EQ(error.context("topic"), table.topic);
}

TEST_F(K4c_Gap, ATopicMadeAnewWhileItIsRead) {
  const EventTable table = new_table();
  write(table, inserts(1, 3));
  Reading reading(settings({table}));
  reading.open();
  reading.until([&] { return reading.whole().size() == 3; });
  reading.source.durable({{{table.topic, 0}, *reading.next_offset()}});
  broker().delete_topic(table.topic);
  broker().create_topic_named(table.topic, 1);
  write(table, inserts(4, 14));
  EXPECT_EQ(thrown_by([&] { reading.until([] { return false; }); }).kind(), ErrorKind::gap);
}

// A source that was restored from an older backup goes on from there, in the same topic.
TEST_F(K4c_Gap, ACommitThatGoesBackwards) {
  const EventTable table = new_table();
  write(table, inserts(1, 5));
  write(table, inserts(3, 6));
  Reading reading(settings({table}));
  reading.open();
  const Error error = thrown_by([&] { reading.until([] { return false; }); });
  EXPECT_EQ(error.kind(), ErrorKind::gap);
  EXPECT_EQ(error.context("offset"), "6");
  SourceSettings repeats = settings({table});
  repeats.group_id += "-2";
  repeats.repeats = Repeats::apply;
  Reading all(repeats);
  all.open();
  all.until([&] { return all.whole().size() == 9; });
}

// A snapshot that is asked for in the midst of the stream has a later LSN than what is streamed behind it.
TEST_F(K4c_Gap, RowsOfASnapshotHaveNoPlaceInTheOrder) {
  const EventTable table = new_table();
  write(table, inserts(1, 3));
  write(table, {{.op = "r", .after = row(3, "x"), .commit = 9, .snapshot = "incremental"}});
  write(table, inserts(4, 5));
  Reading reading(settings({table}));
  reading.open();
  reading.until([&] { return reading.whole().size() == 6; });
  EXPECT_EQ(reading.reached.at({table.topic, 0}).last_lsn->hex(), "00000000000000000005");
}

// Markers of transactions take offsets: a position behind the last record would show a lag of one for ever.
TEST_F(K4d_End, ThePositionIsTheEndAtTheEnd) {
  const EventTable table = new_table();
  write(table, inserts(1, 3));
  write(table, inserts(4, 4));
  Reading reading(settings({table}));
  reading.open();
  reading.until([&] { return reading.whole().size() == 4 && reading.next_offset() == 6; });
  EXPECT_EQ(reading.reached.at({table.topic, 0}).last_offset, 4);
  EXPECT_EQ(reading.source.ends(PartitionSource::Ends::committed, {}).at({table.topic, 0}), 6);
}

}  // namespace
}  // namespace tailrace::kafka
