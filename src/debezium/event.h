// An event on its way out: what it is about, and the records that it becomes.
//
// Units   Moments are nanoseconds since 1970-01-01 UTC.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "model/lsn.h"
#include "record/schema.h"

namespace tailrace::debezium {

// `snapshot` of the source block; `none` is Debezium's "false".
enum class SnapshotMarker : std::uint8_t {
  none,
  first,
  first_in_data_collection,
  middle,  // "true"
  last_in_data_collection,
  last,
  incremental
};

// The transaction block of an event (provide.transaction.metadata).
struct TransactionPlace {
  std::int64_t total_order = 0;            // Of the event in its transaction, from 1.
  std::int64_t data_collection_order = 0;  // Among those of its table, from 1.
};

// What an event says that is not in its row.
struct EventContext {
  SnapshotMarker snapshot = SnapshotMarker::none;
  // Of a row of the stream its commit LSN, of a snapshot's the position that it was read at; zero: not known.
  Lsn commit_lsn = {};
  Lsn change_lsn = {};                               // Not of a snapshot's row.
  std::optional<std::int64_t> event_serial_no = {};  // Not of a snapshot's row.
  std::int64_t source_time = 0;  // When the source committed it, or read it for a snapshot.
  std::int64_t now = 0;
  std::optional<TransactionPlace> transaction = {};
};

struct EventHeader {
  std::string_view name;
  std::string_view value;
};

// A record to be sent. Everything is borrowed, until the taker returns.
struct EventRecord {
  std::string_view topic;
  std::optional<std::string_view> key;    // None: the table has no key.
  std::optional<std::string_view> value;  // None: a tombstone.
  std::span<const EventHeader> headers = {};
};

class RecordTaker {
 public:
  virtual ~RecordTaker() = default;
  // False: no more, please; the encoder gives nothing after it and answers false itself.
  [[nodiscard]] virtual bool take(const EventRecord& record) = 0;
};

enum class RecordPart : std::uint8_t { key, value };

// Where the ids of Avro schemas come from: a Schema Registry.
class SchemaIds {
 public:
  virtual ~SchemaIds() = default;
  // `document` is the Avro document of `schema`.
  virtual std::int32_t id_of(const std::string& topic, RecordPart part, const record::Schema& schema,
                             const std::string& document) = 0;
};

}  // namespace tailrace::debezium
