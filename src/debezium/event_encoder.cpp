// Records of rows, through Avro's or JSON's writer.
#include "debezium/event_encoder.h"

#include <fmt/format.h>

#include <optional>
#include <set>
#include <vector>

#include "base/error.h"
#include "base/log.h"
#include "debezium/envelope.h"
#include "debezium/header_writer.h"
#include "debezium/output.h"
#include "debezium/schemas.h"

namespace tailrace::debezium {

namespace {

constexpr std::string_view beyond =
    "a timestamp is beyond what nanoseconds of 64 bits can say (1677-09-21 to 2262-04-11)";

}  // namespace

// Both kinds of it are below: which writer is used is decided once.
class RowEncoder {
 public:
  RowEncoder(const EventSettings& settings, tailrace::SchemaPtr of_table)
      : table(std::move(of_table)),
        plan(plan_table(*table, settings)),
        words{.version = settings.version.empty() ? std::string(debezium_version()) : settings.version,
              .prefix = settings.prefix(),
              .database = settings.database,
              .schema = table->name.schema,
              .table = table->name.name},
        tombstones(settings.tombstones),
        skipped(settings.skipped),
        headers_owned(settings.headers()) {
    for (const std::vector<ColumnPlan>* columns : {&plan.columns, &plan.key}) {
      for (const ColumnPlan& column : *columns) {
        if (column.form == CellForm::timestamp_ns) bounded.push_back(column);
      }
    }
    headers.resize(1);  // For a changed key.
    for (const auto& [name, value] : headers_owned)
      headers.push_back({name, value});
  }
  RowEncoder(const RowEncoder&) = delete;
  RowEncoder& operator=(const RowEncoder&) = delete;
  virtual ~RowEncoder() = default;

  virtual bool encode(const RowBatch& batch, std::size_t row, const EventContext& context,
                      RecordTaker& taker) = 0;

  void check(const RowBatch& batch, std::size_t row);
  void tell_lost(const RowBatch& batch, std::size_t row, std::size_t column);
  std::span<const EventHeader> plain_headers() const { return std::span(headers).subspan(1); }

  tailrace::SchemaPtr table;
  TablePlan plan;
  std::vector<ColumnPlan> bounded = {};  // Whose values may be beyond what their form can say.
  std::set<std::size_t> told = {};       // Columns of which a value was lost.
  EnvelopeWords words;
  bool tombstones;
  SkippedOperations skipped;
  std::vector<std::pair<std::string, std::string>> headers_owned;
  std::vector<EventHeader> headers;
  ByteBuffer header_text;
  ByteBuffer scratch;
  int events = 0;
};

// Once for a column: there may be as many as rows.
void RowEncoder::tell_lost(const RowBatch& batch, std::size_t row, std::size_t column) {
  if (!told.insert(column).second) return;
  log::warn(
      "events.value_lost",
      {{"table", table->name.str()},
       {"column", table->columns[column].name},
       {"lsn", batch.header(row).commit_lsn.hex()},
       {"reason", fmt::format("{}; it and all later ones of the column that are become NULL, or its default",
                              beyond)}});
}

void RowEncoder::check(const RowBatch& batch, std::size_t row) {
  const auto refuse = [&](std::string_view why, std::size_t column) {
    return Error(ErrorKind::data, std::string(why))
        .with("table", table->name.str())
        .with("column", table->columns[column].name)
        .with("lsn", batch.header(row).commit_lsn.hex());
  };
  for (const ColumnPlan& column : bounded) {
    if (is_writable(column, batch, row)) continue;
    if (column.null_where_beyond) {
      tell_lost(batch, row, column.column);
    } else {
      throw refuse(beyond, column.column)
          .with("remedy",
                "another target.events.times has no such limit; conversion_failures: warn makes it NULL");
    }
  }
  for (const RowFault& fault : batch.faults()) {
    if (fault.row == row) throw refuse(fault.text, fault.column);
  }
}

namespace {

template <class Writer>
class Encoder : public RowEncoder {
 public:
  Encoder(const EventSettings& settings, tailrace::SchemaPtr of_table, SchemaIds* ids)
      : RowEncoder(settings, std::move(of_table)),
        value_(*plan.envelope, {settings, plan.topic, RecordPart::value, ids}) {
    if (!plan.key_schema) return;
    key_.emplace(*plan.key_schema, OutputPlace{settings, plan.topic, RecordPart::key, ids});
    other_key_.emplace(*plan.key_schema, OutputPlace{settings, plan.topic, RecordPart::key, ids});
  }

  bool encode(const RowBatch& batch, std::size_t row, const EventContext& context,
              RecordTaker& taker) override {
    events = 0;
    const Operation operation = batch.header(row).operation;
    if (operation == Operation::update_before || skipped.has(operation)) return true;
    check(batch, row);
    given_ = {&batch, &context, &taker};
    switch (operation) {
      case Operation::update: return encode_update(row);
      case Operation::delete_: return give_delete(row, key_of_row(key_, row), plain_headers());
      case Operation::read:
        return give({.operation = "r", .after = row}, key_of_row(key_, row), plain_headers());
      default: return give_create(row, key_of_row(key_, row), plain_headers());
    }
  }

 private:
  using Bytes = std::optional<std::string_view>;
  struct Given {
    const RowBatch* batch = nullptr;
    const EventContext* context = nullptr;
    RecordTaker* taker = nullptr;
  };

  Bytes key_of_row(std::optional<Output<Writer>>& output, std::size_t row) {
    if (!output) return {};
    write_columns(output->begin(), plan.key, *given_.batch, row, scratch);
    return output->finish();
  }

  bool encode_update(std::size_t row) {
    const Bytes key = key_of_row(key_, row);
    std::optional<std::size_t> before;
    if (row > 0 && given_.batch->header(row - 1).operation == Operation::update_before) before = row - 1;
    if (before) check(*given_.batch, *before);
    const Bytes old_key = before ? key_of_row(other_key_, *before) : key;
    if (key == old_key) {
      return give({.operation = "u", .before = before, .after = row}, key, plain_headers());
    }
    // Another key is another row to those who read the topic.
    return give_delete(*before, old_key, key_header("__debezium.newkey", row)) &&
           give_create(row, key, key_header("__debezium.oldkey", *before));
  }

  std::span<const EventHeader> key_header(std::string_view name, std::size_t row) {
    header_text.clear();
    HeaderWriter writer(*plan.key_schema, header_text);
    write_columns(writer, plan.key, *given_.batch, row, scratch);
    headers.front() = {name, header_text.view()};
    return headers;
  }

  bool give_create(std::size_t row, Bytes key, std::span<const EventHeader> with) {
    return skipped.create || give({.operation = "c", .after = row}, key, with);
  }

  bool give_delete(std::size_t row, Bytes key, std::span<const EventHeader> with) {
    if (skipped.delete_) return true;
    if (!give({.operation = "d", .before = row}, key, with)) return false;
    return !tombstones || given_.taker->take({plan.topic, key, std::nullopt, with});
  }

  bool give(const EventImages& images, Bytes key, std::span<const EventHeader> with) {
    write_envelope(value_.begin(), plan, words, *given_.batch, images, *given_.context, events, scratch);
    ++events;
    return given_.taker->take({plan.topic, key, value_.finish(), with});
  }

  Output<Writer> value_;
  std::optional<Output<Writer>> key_;
  std::optional<Output<Writer>> other_key_;
  Given given_;
};

}  // namespace

EventEncoder::EventEncoder(const EventSettings& settings, tailrace::SchemaPtr table, SchemaIds* ids) {
  if (settings.converter == Converter::avro)
    rows_ = std::make_unique<Encoder<record::AvroWriter>>(settings, std::move(table), ids);
  else
    rows_ = std::make_unique<Encoder<record::JsonWriter>>(settings, std::move(table), ids);
}

EventEncoder::~EventEncoder() = default;
EventEncoder::EventEncoder(EventEncoder&&) noexcept = default;
EventEncoder& EventEncoder::operator=(EventEncoder&&) noexcept = default;

const TableSchema& EventEncoder::table() const {
  return *rows_->table;
}

const std::string& EventEncoder::topic() const {
  return rows_->plan.topic;
}

const record::SchemaPtr& EventEncoder::key_schema() const {
  return rows_->plan.key_schema;
}

const record::SchemaPtr& EventEncoder::envelope_schema() const {
  return rows_->plan.envelope;
}

int EventEncoder::events() const {
  return rows_->events;
}

bool EventEncoder::encode(const RowBatch& batch, std::size_t row, const EventContext& context,
                          RecordTaker& taker) {
  TAILRACE_ASSERT(&batch.schema() == rows_->table.get());
  return rows_->encode(batch, row, context, taker);
}

}  // namespace tailrace::debezium
