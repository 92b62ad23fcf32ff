// How what is read is cut into stretches, and what becomes of a record that cannot be read.
#include "tests/integration/kafka_source/source_case.h"

namespace tailrace::kafka {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class K4_Boundaries : public SourceCase {};
class K4_Records : public SourceCase {};

// Invariant 3: a reader of the target sees no half of a source transaction in a partition.
TEST_F(K4_Boundaries, RowsOfOneCommitEndTogether) {
  const EventTable table = new_table();
  write(table, {{.op = "c", .after = row(1, "x"), .commit = 1},
                {.op = "c", .after = row(2, "x"), .commit = 2},
                {.op = "c", .after = row(3, "x"), .commit = 2},
                {.op = "c", .after = row(4, "x"), .commit = 2}});
  SourceSettings small = settings({table});
  small.batch_records = 3;
  Reading reading(small);
  reading.open();
  // Three of four records: the second commit goes on in the next batch.
  reading.until([&] { return !reading.open_rows().empty(); });
  EXPECT_THAT(reading.whole(), ElementsAre(1));
  EXPECT_THAT(reading.open_rows(), ElementsAre(2, 3));
  reading.until([&] { return reading.whole().size() == 4; });
  EXPECT_THAT(reading.open_rows(), IsEmpty());
}

// A snapshot of a large table would be one transaction of the target else: its rows have the LSN of its begin in common.
TEST_F(K4_Boundaries, EachRowOfASnapshotStandsAlone) {
  const EventTable table = new_table();
  write(table, {{.op = "r", .after = row(1, "x"), .commit = 5, .snapshot = "first"},
                {.op = "r", .after = row(2, "x"), .commit = 5, .snapshot = "true"},
                {.op = "r", .after = row(3, "x"), .commit = 5, .snapshot = "last"}});
  SourceSettings small = settings({table});
  small.batch_records = 2;
  Reading reading(small);
  reading.open();
  reading.until([&] { return reading.whole().size() + reading.open_rows().size() == 2; });
  EXPECT_THAT(reading.whole(), ElementsAre(1));
  reading.until([&] { return reading.whole().size() == 3; });
}

// The tombstone belongs to the delete before it, and says nothing new.
TEST_F(K4_Boundaries, ATombstoneEndsNothing) {
  const EventTable table = new_table();
  write(table,
        {{.op = "c", .after = row(1, "x"), .commit = 1}, {.op = "d", .before = row(1, "x"), .commit = 2}});
  write_tombstone(table, row(1, ""));
  write(table, {{.op = "c", .after = row(2, "x"), .commit = 2}});
  Reading reading(settings({table}));
  reading.open();
  reading.until([&] { return reading.whole().size() == 3; });
  EXPECT_THAT(reading.operations, ElementsAre(Operation::insert, Operation::delete_, Operation::insert));
}

// Of a topic that is compacted the delete itself may be gone.
TEST_F(K4_Records, ATombstoneAloneIsADelete) {
  const EventTable table = new_table();
  write(table, {{.op = "c", .after = row(1, "x"), .commit = 1}});
  write_tombstone(table, row(1, ""));
  Reading reading(settings({table}));
  reading.open();
  reading.until([&] { return reading.operations.size() == 2; });
  EXPECT_EQ(reading.operations[1], Operation::delete_);
}

// What lies before it must become durable, or no restart ever gets to it; and who has to mend it must find it.
TEST_F(K4_Records, APoisonRecordIsNamedBehindWhatLiesBeforeIt) {
  const EventTable table = new_table();
  write(table,
        {{.op = "c", .after = row(1, "x"), .commit = 1}, {.op = "c", .after = row(2, "x"), .commit = 2}});
  write_raw(table.topic, "key", "no JSON at all");
  Reading reading(settings({table}));
  reading.open();
  const Error error = thrown_by([&] { reading.until([] { return false; }); });
  EXPECT_THAT(reading.whole(), ElementsAre(1));
  EXPECT_EQ(error.kind(), ErrorKind::protocol);
  EXPECT_EQ(error.context("topic"), table.topic);
  EXPECT_EQ(error.context("partition"), "0");
  EXPECT_EQ(error.context("offset"), "3");  // The transaction's marker takes one, too.
}

// Records that are still in hand keep the client of Kafka from ending: the process would stand still at its end.
TEST_F(K4_Records, WhatIsInHandDoesNotKeepItFromClosing) {
  const EventTable table = new_table();
  write(table,
        {{.op = "c", .after = row(1, "x"), .commit = 1}, {.op = "c", .after = row(2, "x"), .commit = 2}});
  SourceSettings small = settings({table});
  small.batch_records = 1;
  Reading reading(small);
  reading.open();
  reading.until([&] { return !reading.open_rows().empty(); });
  reading.source.close({});
}

TEST_F(K4_Records, AFormatThatIsAnotherIsSaid) {
  const EventTable table = new_table();
  write(table, {{.op = "c", .after = row(1, "x")}});
  SourceSettings avro = settings({table});
  avro.intake.format = intake::Format::avro;
  avro.registry.urls = {"http://127.0.0.1:1"};
  Reading reading(avro);
  reading.open();
  const Error error = thrown_by([&] { reading.until([] { return false; }); });
  EXPECT_EQ(error.kind(), ErrorKind::protocol);
  EXPECT_THAT(error.what(), HasSubstr("was not written with a Schema Registry"));
}

}  // namespace
}  // namespace tailrace::kafka
