// What a pipeline keeps in its offsets topic: the keys and values of its records, as texts and as values.
//
// Shape    The position has Debezium's key and value, with members of ours (tailrace_...) that Debezium passes by. Everything else has keys
//          ["tailrace","<pipeline>",...]. A tombstone is a record that is not there.
// Errors   protocol: a record of ours that is no JSON of this form, with its offset.
// Threads  Values and pure functions.
// Source   docs/rules.md K2, K3; Debezium 3.6 SqlServerOffsetContext; Kafka Connect OffsetStorageWriter (compact JSON keys).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "debezium/event_stream.h"
#include "kafka/offsets_topic.h"
#include "pipeline/state.h"

namespace tailrace::kafka {

// Who writes this pipeline.
struct Claim {
  std::string instance = {};
  std::string runner = {};                // Host and process, for people.
  std::int64_t fence = 0;                 // Each claim one more.
  int writers = 0;                        // Numbered transactional ids that were ever used: 1 to this (K3a).
  std::int64_t beat_ms = 0;               // Since 1970, of the last sign of life; 0: ended, nobody lives.
  std::vector<std::string> deposed = {};  // Instances that were owners before, the newest first.
  bool operator==(const Claim&) const = default;
};

// Why a runner ended.
struct StoredFailure {
  std::string instance = {};
  std::string error = {};
};

// A commit of which a part is in the topics (K2): so many of its events, in the source's order.
struct SentPart {
  Lsn commit_lsn = {};
  std::uint64_t events = 0;
  bool operator==(const SentPart&) const = default;
};

struct StoredOffset {
  // Whole commits up to here are in the topics. Under `part` it is the LSN just below that commit.
  Position position = {};
  std::optional<SentPart> part = {};
  // Debezium's offset: where the last event lies. Without a change LSN: behind all of its commit.
  Lsn commit_lsn = {};
  std::optional<Lsn> change_lsn = {};
  std::int64_t event_serial_no = 0;
  // While tables of the first load are loaded, and until the first change is sent after it.
  bool snapshot = false;
  bool snapshot_completed = false;
  bool from_debezium = false;  // None of ours: a Debezium has written it.
};

// What is stored once `position` is durable: Debezium's offset is that of the last event, or where there was none in the newest
// commit, behind that commit.
StoredOffset offset_at(const Position& position, const debezium::EventPlace& last);
// In the middle of the commit of `last` (K2).
StoredOffset offset_within(const debezium::EventPlace& last);

struct StoredTable {
  TableProgress progress = {};
  std::string topic = {};
  std::string topic_id = {};  // Of the very topic that it was begun in. Empty: the broker has no such ids.
  // Of its own events alone, while that commit has not ended for it, in the stream or outside.
  std::optional<SentPart> part = {};
  std::string last_error = {};
  std::string shape = {};  // What was last said of its columns (debezium::shape_of); empty: nothing.
};

struct StoredRequest {
  TableRequest request = {};
  bool answered = false;
  std::string refusal = {};
};

struct StoredState {
  bool known = false;  // This pipeline has begun once.
  std::string source_identity = {};
  std::optional<Claim> claim = {};
  std::optional<StoredFailure> failure = {};
  std::optional<StoredOffset> offset = {};
  // The very bytes of its key, and where it lies: it is written back there (K6d).
  std::string offset_key = {};
  std::optional<std::int32_t> offset_partition = {};
  std::int64_t offset_written_ms = 0;
  std::map<TableName, StoredTable> tables = {};
  std::map<std::int64_t, StoredRequest> requests = {};
  std::map<std::string, std::string> memos = {};
};

// The keys of one pipeline's records.
class StateKeys {
 public:
  StateKeys(std::string pipeline, std::string connector, std::string server, std::string database);

  const std::string& pipeline() const { return pipeline_; }
  // Debezium's, as Connect writes it.
  std::string offset() const;
  std::string claim() const;
  std::string failure() const;
  std::string identity() const;
  std::string table(const TableName& table) const;
  std::string chunk(const TableName& table, std::uint32_t number) const;
  std::string request(std::int64_t id) const;
  std::string request_prefix() const;  // Of every request's key.
  std::string move(std::int64_t id) const;
  std::string memo(const std::string& name) const;

 private:
  friend class StateReader;
  std::string pipeline_;
  std::string connector_;
  std::string server_;
  std::string database_;
};

std::string value_of(const Claim& claim);
std::string value_of(const StoredFailure& failure);
std::string value_of(const StoredOffset& offset);
std::string value_of(const StoredTable& table);
std::string value_of(const ChunkProgress& chunk);
std::string value_of(const StoredRequest& request);
std::string identity_value(const std::string& source_identity);
std::string memo_value(const std::string& text);

// Records of others, which a topic that Kafka Connect shares has, are passed by.
StoredState read_state(const std::map<std::string, StoredRecord>& records, const StateKeys& keys);
// One record into the state, as if it had been read last; a tombstone has no value.
void apply_record(StoredState& state, const StateKeys& keys, const std::string& key,
                  const std::optional<StoredRecord>& record);

ResumeState resume_state_of(const StoredState& state);
std::vector<TableRequest> open_requests(const StoredState& state);

// The greatest LSN below.
Lsn just_below(const Lsn& lsn);
// 0000002a:000001c8:0003, as Debezium writes them.
std::string debezium_text(const Lsn& lsn);

}  // namespace tailrace::kafka
