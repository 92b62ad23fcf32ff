// The stream over all tables: numbers, transactions, going on in the middle of a commit.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "debezium/event_stream.h"
#include "debezium/testing/recording.h"
#include "record/json_tree.h"

namespace tailrace::debezium {
namespace {

using testing::Collector;
using ::testing::ElementsAre;
using testing::RecordedRecord;

const Lsn first_commit = Lsn::parse("00000027000000010001");
const Lsn second_commit = Lsn::parse("00000027000000020001");

struct Change {
  std::uint32_t table;
  Operation operation;
  int id;
  Lsn commit;
  int seqval;
};

ChangeBatch batch_of(const std::vector<Change>& changes, bool end) {
  ChangeBatch batch;
  for (const char* const name : {"a", "b"}) {
    auto table = std::make_shared<TableSchema>();
    table->name = {"dbo", name};
    table->columns.push_back({.name = "id", .type = {TypeKind::int_}, .nullable = false});
    table->key = {0};
    batch.tables.emplace_back(table);
  }
  for (const Change& change : changes) {
    RowBatch& rows = batch.tables[change.table];
    RowHeader header{.operation = change.operation, .commit_lsn = change.commit};
    header.seqval.bytes[9] = static_cast<std::uint8_t>(change.seqval);
    if (change.operation == Operation::update) {
      RowHeader before = header;
      before.operation = Operation::update_before;
      rows.put(rows.add_row(before), 0).integer = change.id;
    }
    const std::size_t row = rows.add_row(header);
    rows.put(row, 0).integer = change.id;
    batch.order.push_back({change.table, static_cast<std::uint32_t>(row)});
  }
  if (end) batch.end.emplace();
  return batch;
}

EventSettings settings_of(bool transactions) {
  EventSettings settings;
  settings.topic_prefix = "shop";
  settings.database = "Shop";
  settings.converter = Converter::json;
  settings.json_schemas = false;
  settings.extended_headers = false;
  settings.transaction_metadata = transactions;
  return settings;
}

EventStream stream_of(bool transactions) {
  return EventStream(settings_of(transactions), nullptr, [] { return 5'000'000; });
}

// `a c 1`: the table, the operation, and the serial number; with transactions its places too: `a c 1 (2, 1)`.
std::string line_of(const RecordedRecord& record) {
  if (!record.value) return "tombstone";
  const record::Json event = record::parse_json(*record.value);
  if (const std::string* const status = event.find_string("status")) {
    const record::Json* const count = event.find("event_count");
    std::string tables;
    for (const record::Json& table : event.find("data_collections")->items)
      tables += " " + *table.find_string("data_collection") + "=" + table.find("event_count")->text;
    return *status + (count->is_null() ? "" : " " + count->text) + tables;
  }
  std::string line = *event.find("source")->find_string("table") + " " + *event.find_string("op") + " " +
                     event.find("source")->find("event_serial_no")->text;
  const record::Json* const block = event.find("transaction");
  if (!block->is_null())
    line += " (" + block->find("total_order")->text + ", " + block->find("data_collection_order")->text + ")";
  return line;
}

std::vector<std::string> lines_of(const Collector& collector) {
  std::vector<std::string> lines;
  for (const RecordedRecord& record : collector.records)
    lines.push_back(line_of(record));
  return lines;
}

const std::vector<Change> two_commits{{0, Operation::insert, 1, first_commit, 1},
                                      {1, Operation::update, 1, first_commit, 2},
                                      {0, Operation::delete_, 2, first_commit, 3},
                                      {0, Operation::insert, 3, first_commit, 3},
                                      {1, Operation::insert, 9, second_commit, 1}};

// Debezium goes on behind a position by this number: one that does not count on sends events again, or leaves some out.
TEST(Stream, RowsThatLieAtOnePlaceCountOn) {
  EventStream stream = stream_of(false);
  Collector collector;
  ASSERT_TRUE(stream.send(batch_of(two_commits, true), collector));
  EXPECT_THAT(lines_of(collector), ElementsAre("a c 1", "b u 2", "a d 1", "tombstone", "a c 2", "b c 1"));
  EXPECT_EQ(stream.place().commit_lsn, second_commit);
  EXPECT_EQ(stream.place().events, 1U);
  EXPECT_EQ(stream.place().event_serial_no, 1);
}

TEST(Stream, SaysWhereTransactionsBeginAndEnd) {
  EventStream stream = stream_of(true);
  Collector collector;
  ASSERT_TRUE(stream.send(batch_of(two_commits, true), collector));
  EXPECT_THAT(lines_of(collector), ElementsAre("BEGIN", "a c 1 (1, 1)", "b u 2 (2, 1)", "a d 1 (3, 2)",
                                               "tombstone", "a c 2 (4, 3)", "END 4 Shop.dbo.a=3 Shop.dbo.b=1",
                                               "BEGIN", "b c 1 (1, 1)", "END 1 Shop.dbo.b=1"));
}

// Debezium does not read what it skips: its numbers have no gaps there.
TEST(Stream, SkippedRowsAreNotCounted) {
  EventSettings settings = settings_of(true);
  settings.skipped.delete_ = true;
  EventStream stream(settings, nullptr, [] { return 5'000'000; });
  Collector collector;
  ASSERT_TRUE(stream.send(batch_of(two_commits, true), collector));
  EXPECT_THAT(lines_of(collector),
              ElementsAre("BEGIN", "a c 1 (1, 1)", "b u 2 (2, 1)", "a c 1 (3, 2)",
                          "END 3 Shop.dbo.a=2 Shop.dbo.b=1", "BEGIN", "b c 1 (1, 1)", "END 1 Shop.dbo.b=1"));
}

// A commit that comes in parts is one transaction.
TEST(Stream, ACommitInPartsIsOneTransaction) {
  EventStream stream = stream_of(true);
  Collector collector;
  ASSERT_TRUE(stream.send(batch_of({two_commits[0]}, false), collector));
  EXPECT_EQ(stream.place().events, 1U);
  ASSERT_TRUE(stream.send(batch_of({two_commits[1]}, false), collector));
  ASSERT_TRUE(stream.send(batch_of({}, true), collector));
  EXPECT_THAT(lines_of(collector),
              ElementsAre("BEGIN", "a c 1 (1, 1)", "b u 2 (2, 1)", "END 2 Shop.dbo.a=1 Shop.dbo.b=1"));
}

// K2: a commit that was sent in part is read again from its start; what was sent must not come again, and the rest must have
// the numbers that it would have had.
TEST(K02_PartsOfCommits, WhatWasSentIsPassedOver) {
  EventStream whole = stream_of(true);
  Collector all;
  ASSERT_TRUE(whole.send(batch_of(two_commits, true), all));
  const std::size_t sent_records[] = {2, 3, 5, 6};  // Behind each event of the first commit.
  for (std::uint64_t sent = 1; sent <= 4; ++sent) {
    EventStream stream = stream_of(true);
    // Of the first commit's events: a, b, a, a.
    stream.skip({"dbo", "a"}, first_commit, sent == 1 ? 1 : sent - 1);
    stream.skip({"dbo", "b"}, first_commit, sent == 1 ? 0 : 1);
    Collector rest;
    ASSERT_TRUE(stream.send(batch_of(two_commits, true), rest));
    const std::vector<RecordedRecord> expected(
        all.records.begin() + static_cast<std::ptrdiff_t>(sent_records[sent - 1]), all.records.end());
    EXPECT_EQ(rest.records, expected) << sent;
  }
}

// A table may have left the stream until the commit comes again: counted over all of its tables, events of the others would be taken
// for those that it had sent, and be lost.
TEST(K02_PartsOfCommits, ATableThatIsMissingChangesNothingForTheOthers) {
  EventStream first = stream_of(false);
  Collector sent;
  ASSERT_TRUE(first.send(batch_of({two_commits[0], two_commits[1], two_commits[2]}, false), sent));
  const std::vector<std::pair<TableName, std::uint64_t>> parts = first.sent_of_tables();
  EXPECT_THAT(parts, ElementsAre(std::pair(TableName{"dbo", "a"}, 2U), std::pair(TableName{"dbo", "b"}, 1U)));
  EventStream without_a = stream_of(false);
  EventStream without_b = stream_of(false);
  for (const auto& [table, events] : parts) {
    without_a.skip(table, first_commit, events);
    without_b.skip(table, first_commit, events);
  }
  Collector of_b;
  ASSERT_TRUE(without_a.send(batch_of({two_commits[1], two_commits[4]}, true), of_b));
  EXPECT_THAT(lines_of(of_b), ElementsAre("b c 1"));
  Collector of_a;
  ASSERT_TRUE(without_b.send(batch_of({two_commits[0], two_commits[2], two_commits[3]}, true), of_a));
  EXPECT_THAT(lines_of(of_a), ElementsAre("a c 2"));
}

// Half of an event that counts as sent would be lost.
TEST(Stream, ThePlaceMovesBehindWholeEvents) {
  class OneOnly : public RecordTaker {
   public:
    bool take(const EventRecord&) override { return ++taken_ <= 1; }

   private:
    int taken_ = 0;
  };
  EventStream stream = stream_of(false);
  OneOnly taker;
  EXPECT_FALSE(stream.send(batch_of({{0, Operation::delete_, 1, first_commit, 1}}, true), taker));
  EXPECT_EQ(stream.place(), EventPlace{});
}

// The source's clock has an offset; the transaction's begin is Debezium's time.
TEST(Stream, TheTimeIsTheTransactionsInUtc) {
  ChangeBatch batch = batch_of({{0, Operation::insert, 1, first_commit, 1}}, true);
  batch.times = {
      {first_commit, 621'355'968'000'000'000 + 36'010'000'000, 621'355'968'000'000'000 + 36'020'000'000}};
  batch.utc_offset_minutes = 60;
  for (const auto& [time, expected] :
       {std::pair(SourceTime::began, "1000"), std::pair(SourceTime::committed, "2000")}) {
    EventSettings settings = settings_of(false);
    settings.source_time = time;
    EventStream stream(settings, nullptr, [] { return 5'000'000; });
    Collector collector;
    ASSERT_TRUE(stream.send(batch, collector));
    EXPECT_EQ(record::parse_json(*collector.records.at(0).value).find("source")->find("ts_ms")->text,
              expected);
  }
}

TEST(Stream, AHeartbeatSaysWhoAndWhen) {
  EventStream stream = stream_of(false);
  Collector collector;
  ASSERT_TRUE(stream.send_heartbeat(collector));
  EXPECT_EQ(collector.records.at(0),
            (RecordedRecord{"__debezium-heartbeat.shop", R"({"serverName":"shop"})", R"({"ts_ms":5})", {}}));
}

// A consumer of Debezium's notifications knows this form alone (SchemaFactory.notificationValueSchema).
TEST(Stream, ANoticeHasDebeziumsForm) {
  EventStream stream = stream_of(false);
  Collector collector;
  const Notice notice{"7", "Incremental Snapshot", "STARTED", {{"data_collections", "db.dbo.a"}}, 5};
  ASSERT_TRUE(stream.send_notice(notice, "notes", collector));
  EXPECT_EQ(
      collector.records.at(0),
      (RecordedRecord{
          "notes",
          R"({"id":"7"})",
          R"({"id":"7","type":"STARTED","aggregate_type":"Incremental Snapshot","additional_data":{"data_collections":"db.dbo.a"},"timestamp":5})",
          {}}));
}

}  // namespace
}  // namespace tailrace::debezium
