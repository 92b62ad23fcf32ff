// The stored records: read as they were written, and as Debezium and Connect write theirs.
#include "kafka/stored_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tailrace::kafka {
namespace {

using ::testing::ElementsAre;
using ::testing::Eq;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const StateKeys keys("shop", "inventory", "server1", "testDB");

Lsn lsn(std::uint8_t number) {
  Lsn out;
  out.bytes[9] = number;
  return out;
}

StoredState read(const std::map<std::string, std::string>& records) {
  std::map<std::string, StoredRecord> stored;
  for (const auto& [key, value] : records)
    stored.emplace(key, StoredRecord{value, 3, 17, 1000});
  return read_state(stored, keys);
}

// A Debezium of this connector finds it under this very key.
TEST(K6d_StoredOffset, HasTheKeyThatConnectWrites) {
  EXPECT_EQ(keys.offset(), R"(["inventory",{"server":"server1","database":"testDB"}])");
}

TEST(K6d_StoredOffset, HasTheValueThatDebeziumWrites) {
  debezium::EventPlace last{lsn(5), lsn(7), 2, 4};
  EXPECT_EQ(
      value_of(offset_at(Position{lsn(5), "", 0}, last)),
      R"({"commit_lsn":"00000000:00000000:0005","change_lsn":"00000000:00000000:0007","event_serial_no":2,)"
      R"("tailrace_lsn":"00000000000000000005"})");
}

// The last event's own place would let a Debezium take the commits in between for gone once cleanup has run.
TEST(K6d_StoredOffset, IsBehindCommitsThatHadNoEvents) {
  const StoredOffset offset = offset_at(Position{lsn(9), "", 0}, debezium::EventPlace{lsn(5), lsn(7), 2, 4});
  EXPECT_EQ(offset.commit_lsn, lsn(9));
  EXPECT_EQ(offset.change_lsn, std::nullopt);
}

TEST(K6d_StoredOffset, ReadsADebeziumsAsAPlaceInItsCommit) {
  const StoredState state = read(
      {{R"(["inventory",{"database":"testDB","server":"server1"}])",
        R"({"commit_lsn":"00000000:00000000:0005","change_lsn":"00000000:00000000:0007","event_serial_no":2})"}});
  ASSERT_TRUE(state.offset.has_value());
  EXPECT_TRUE(state.offset->from_debezium);
  EXPECT_EQ(state.offset->position.lsn, lsn(4));
  EXPECT_EQ(state.offset->change_lsn, lsn(7));
  EXPECT_EQ(state.offset->event_serial_no, 2);
  EXPECT_EQ(state.offset_partition, 3);
  EXPECT_TRUE(resume_state_of(state).adopted);
}

TEST(K6d_StoredOffset, OfAnotherConnectorOrDatabaseIsNotOurs) {
  const std::string value =
      R"({"commit_lsn":"00000000:00000000:0005","change_lsn":"NULL","event_serial_no":1})";
  EXPECT_FALSE(read({{R"(["other",{"server":"server1","database":"testDB"}])", value},
                     {R"(["inventory",{"server":"server2","database":"testDB"}])", value},
                     {R"(["inventory",{"server":"server1","database":"other"}])", value},
                     {"no JSON at all", value},
                     {R"({"an":"object"})", value}})
                   .offset.has_value());
}

// Versions that knew one database alone wrote none; the newer form wins where both are there.
TEST(K6d_StoredOffset, TheFormWithoutADatabaseIsReadWhereNothingNewerIs) {
  const std::string old_key = R"(["inventory",{"server":"server1"}])";
  const std::string old =
      R"({"commit_lsn":"00000000:00000000:0003","change_lsn":"NULL","event_serial_no":1})";
  EXPECT_EQ(read({{old_key, old}}).offset->commit_lsn, lsn(3));
  EXPECT_EQ(read({{old_key, old},
                  {keys.offset(), R"({"commit_lsn":"00000000:00000000:0005","change_lsn":"NULL"})"}})
                .offset->commit_lsn,
            lsn(5));
}

TEST(K2_StoredOffset, OfACutCommitIsReadAgain) {
  const StoredOffset written = offset_within(debezium::EventPlace{lsn(5), lsn(7), 2, 4});
  const StoredState state = read({{keys.offset(), value_of(written)}});
  EXPECT_EQ(state.offset->part, (SentPart{lsn(5), 4}));
  EXPECT_EQ(state.offset->position.lsn, lsn(4));
  EXPECT_FALSE(state.offset->from_debezium);
}

TEST(K2_StoredOffset, JustBelowBorrows) {
  EXPECT_EQ(just_below(Lsn::parse("00000000000100000000")), Lsn::parse("000000000000ffffffff"));
  EXPECT_EQ(just_below(Lsn{}), Lsn{});
}

TEST(K3e_StoredState, IsReadAsItWasWritten) {
  StoredTable table;
  table.progress.table = {"dbo", "a \"quoted\" one"};
  table.progress.state = TableState::loading;
  table.progress.outside = true;
  table.progress.low = lsn(3);
  table.progress.instance = {"dbo_a", 42, "2026-11-23T00:00:00", lsn(1)};
  table.progress.high_mark = HighMark{"mark"};
  table.topic = "t";
  table.part = SentPart{lsn(4), 9};
  table.last_error = "what it said";
  table.shape = "0123456789abcdef";
  const TableName& name = table.progress.table;
  const ChunkProgress second{{name, 10, {"5"}, {}, 7}, false, 0};
  const ChunkProgress first{{name, 2, {}, {"5"}, 7}, true, 6};
  const StoredRequest request{{77, name, Wanted::pause}, true, "no"};
  const Claim claim{"i", "host, process 1", 4, 6, 123, {"older"}};
  const StoredState state = read({{keys.table(name), value_of(table)},
                                  {keys.chunk(name, 10), value_of(second)},
                                  {keys.chunk(name, 2), value_of(first)},
                                  {keys.request(77), value_of(request)},
                                  {keys.claim(), value_of(claim)},
                                  {keys.identity(), identity_value("the source")}});
  EXPECT_TRUE(state.known);
  EXPECT_EQ(state.source_identity, "the source");
  EXPECT_EQ(state.claim, claim);
  const StoredTable& read_table = state.tables.at(name);
  EXPECT_EQ(value_of(read_table), value_of(table));
  ASSERT_THAT(read_table.progress.chunks, SizeIs(2));
  EXPECT_EQ(read_table.progress.chunks[0].chunk.number, 2U);
  EXPECT_TRUE(read_table.progress.chunks[0].done);
  EXPECT_EQ(read_table.progress.chunks[0].rows, 6U);
  EXPECT_THAT(read_table.progress.chunks[1].chunk.after, ElementsAre("5"));
  EXPECT_THAT(read_table.progress.chunks[1].chunk.upto, IsEmpty());
  EXPECT_TRUE(state.requests.at(77).answered);
  EXPECT_EQ(state.requests.at(77).refusal, "no");
  EXPECT_THAT(resume_state_of(state).requests, IsEmpty());
}

// Whatever Connect keeps beside it in a topic that is shared.
TEST(K3e_StoredState, OfAnotherPipelineIsPassedBy) {
  const StateKeys other("other", "inventory", "server1", "testDB");
  const StoredState state =
      read({{other.identity(), identity_value("theirs")}, {other.claim(), value_of(Claim{})}});
  EXPECT_FALSE(state.known);
  EXPECT_THAT(state.claim, Eq(std::nullopt));
}

TEST(K3e_StoredState, WhatCannotBeReadIsNamed) {
  try {
    static_cast<void>(read({{keys.claim(), "{}"}}));
    ADD_FAILURE() << "it was read";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::protocol);
    EXPECT_EQ(error.context("offset"), "17");
  }
}

// How far an incremental snapshot is, and which signals were taken, is what the pipeline says, whatever letters that has.
TEST(K3e_StoredState, MemosAreReadAsTheyWereWritten) {
  const std::string text = "{\"after\":[\"\u00e4\\n\"]}";
  StoredState state = read({{keys.memo("incremental_snapshot"), memo_value(text)}});
  EXPECT_EQ(resume_state_of(state).memos.at("incremental_snapshot"), text);
  apply_record(state, keys, keys.memo("incremental_snapshot"), std::nullopt);
  EXPECT_TRUE(resume_state_of(state).memos.empty());
}

}  // namespace
}  // namespace tailrace::kafka
