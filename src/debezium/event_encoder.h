// The rows of one table as Debezium's records: schemas compiled once, each row written straight from its cells.
//
// Shape    One row is none (update_before, which belongs to the update behind it; skipped operations), one or several records:
//            read, insert        r, c
//            update              u; where the key has changed: d of the old key with __debezium.newkey, a tombstone, c with
//                                __debezium.oldkey
//            delete_             d, a tombstone
//          The row before an update is its before image (RowBatch). An absent cell is the placeholder of unchanged values.
// Errors   config: the table cannot be said in the settings' terms (names that Avro has not, key columns that are not there).
//          data: a value that its mode cannot hold (a datetime2(7) beyond nanoseconds of 64 bits), or one that the batch calls a
//          fault, with table and column; nothing of the row was given away then. Whatever SchemaIds throws, from the constructor.
// Threads  One thread.
// Source   Debezium 3.6: TableSchemaBuilder, Envelope, RelationalChangeRecordEmitter, SqlServerSourceInfoStructMaker.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "debezium/event.h"
#include "debezium/settings.h"
#include "model/row_batch.h"
#include "record/schema.h"

namespace tailrace::debezium {

class RowEncoder;

class EventEncoder {
 public:
  // `ids` is asked here for the two ids, and may be nullptr with JSON.
  EventEncoder(const EventSettings& settings, tailrace::SchemaPtr table, SchemaIds* ids);
  ~EventEncoder();
  EventEncoder(EventEncoder&&) noexcept;
  EventEncoder& operator=(EventEncoder&&) noexcept;

  const TableSchema& table() const;
  const std::string& topic() const;
  const record::SchemaPtr& key_schema() const;  // nullptr: the table has no key.
  const record::SchemaPtr& envelope_schema() const;

  // `batch` is of this table's schema. False if the taker answered false.
  [[nodiscard]] bool encode(const RowBatch& batch, std::size_t row, const EventContext& context,
                            RecordTaker& taker);
  // Of the last row the events as transactions count them: its records without tombstones.
  int events() const;

 private:
  std::unique_ptr<RowEncoder> rows_;
};

}  // namespace tailrace::debezium
