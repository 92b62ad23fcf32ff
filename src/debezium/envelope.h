// The envelope of one table's events, written through any writer of records.
//
// Source  Debezium 3.6: Envelope, AbstractSourceInfoStructMaker, SqlServerSourceInfoStructMaker, AbstractTransactionStructMaker.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/byte_buffer.h"
#include "debezium/event.h"
#include "debezium/schemas.h"
#include "debezium/settings.h"
#include "debezium/write_cell.h"
#include "model/row_batch.h"

namespace tailrace::debezium {

// As Debezium writes it: 00000027:00000ac0:0002.
class LsnText {
 public:
  explicit LsnText(const Lsn& lsn);
  std::string_view view() const { return {text_, sizeof text_}; }

 private:
  char text_[22];
};

std::string_view marker_text(SnapshotMarker marker);
// The version of the Debezium whose events these are.
std::string_view debezium_version();

// Which rows of a batch an event shows.
struct EventImages {
  std::string_view operation;  // c, u, d, r
  std::optional<std::size_t> before = {};
  std::optional<std::size_t> after = {};
};

struct EnvelopeWords {
  std::string version;
  std::string prefix;
  std::string database;
  std::string schema;
  std::string table;
};

template <class Writer>
void write_columns(Writer& writer, const std::vector<ColumnPlan>& columns, const RowBatch& batch,
                   std::size_t row, ByteBuffer& scratch) {
  writer.begin_record();
  for (const ColumnPlan& column : columns)
    write_cell(writer, column, batch, row, scratch);
}

template <class Writer>
void write_moment(Writer& writer, std::int64_t nanoseconds, bool middle_only) {
  if (!middle_only) writer.integer(floor_divide(nanoseconds, 1'000'000));
  writer.integer(floor_divide(nanoseconds, 1'000));
  writer.integer(nanoseconds);
}

template <class Writer>
void write_lsn(Writer& writer, const Lsn& lsn) {
  if (lsn.is_zero()) return writer.null();
  writer.text(LsnText(lsn).view());
}

template <class Writer>
void write_source(Writer& writer, const EnvelopeWords& words, const EventContext& context) {
  const std::int64_t time = context.source_time != 0 ? context.source_time : context.now;
  writer.begin_record();
  writer.text(words.version);
  writer.text("sqlserver");
  writer.text(words.prefix);
  writer.integer(floor_divide(time, 1'000'000));
  writer.text(marker_text(context.snapshot));
  writer.text(words.database);
  writer.null();  // sequence
  write_moment(writer, time, /*middle_only=*/true);
  writer.text(words.schema);
  writer.text(words.table);
  write_lsn(writer, context.change_lsn);
  write_lsn(writer, context.commit_lsn);
  if (context.event_serial_no)
    writer.integer(*context.event_serial_no);
  else
    writer.null();
}

template <class Writer>
void write_transaction(Writer& writer, const EventContext& context, int event) {
  if (!context.transaction) return writer.null();
  writer.begin_record();
  writer.text(LsnText(context.commit_lsn).view());
  writer.integer(context.transaction->total_order + event);
  writer.integer(context.transaction->data_collection_order + event);
}

// `event`: the number of this event among those of its row, from 0.
template <class Writer>
void write_envelope(Writer& writer, const TablePlan& plan, const EnvelopeWords& words, const RowBatch& batch,
                    const EventImages& images, const EventContext& context, int event, ByteBuffer& scratch) {
  writer.begin_record();
  for (const std::optional<std::size_t>& row : {images.before, images.after}) {
    if (row)
      write_columns(writer, plan.columns, batch, *row, scratch);
    else
      writer.null();
  }
  write_source(writer, words, context);
  write_transaction(writer, context, event);
  writer.text(images.operation);
  write_moment(writer, context.now, /*middle_only=*/false);
}

}  // namespace tailrace::debezium
