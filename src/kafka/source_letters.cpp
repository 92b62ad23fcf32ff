// Records that no row can be made of, where they are passed over (K7).
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "kafka/source.h"
#include "model/key_text.h"

namespace tailrace::kafka {
namespace {

std::optional<std::string> copy_of(const std::optional<std::string_view>& bytes) {
  if (!bytes) return std::nullopt;
  return std::string(*bytes);
}

}  // namespace

// What comes out of there is no fault of the record at hand.
SchemaPtr KafkaSource::use_table(const TableSchema& proposed, bool make) {
  in_use_table_ = true;
  SchemaPtr table = use_table_(proposed, make);
  in_use_table_ = false;
  return table;
}

// The brokers, the registry and the target have kinds of their own; a registry that answers, and has no such schema, is the record's.
bool KafkaSource::passes_over(const Error& error) {
  const bool is_of_table = std::exchange(in_use_table_, false);
  if (!settings_.passes_over || is_of_table) return false;
  return error.kind() == ErrorKind::data || !error.context("stage").empty();
}

void KafkaSource::keep_original(Reading& reading, const InRecord& record) const {
  if (!settings_.passes_over) return;
  OriginalRecord& kept = reading.stretch.originals.emplace_back();
  kept.offset = record.offset();
  kept.timestamp_ms = record.timestamp_ms();
  kept.key = copy_of(record.key());
  kept.value = copy_of(record.value());
  for (const Header& header : record.headers())
    kept.headers.emplace_back(std::string(header.name), copy_of(header.value));
}

void KafkaSource::pass_over(Reading& reading, const InRecord& record, const Error& error,
                            const std::stop_token& stop) {
  UnreadableRecord said;
  said.offset = record.offset();
  said.stage = error.context("stage").empty() ? "TASK_PUT" : std::string(error.context("stage"));
  said.error_kind = std::string(name_of(error.kind()));
  said.error = error.message();
  if (!put_lost_key(reading, record, said, stop)) said.table = {"", std::string(record.topic())};
  log::warn("kafka.record.passed_over", {{"topic", record.topic()},
                                         {"partition", record.partition()},
                                         {"offset", record.offset()},
                                         {"stage", said.stage},
                                         {"reason", error.message()}});
  keep_original(reading, record);
  reading.stretch.unreadable.push_back(std::move(said));
}

// A change of this row is lost: what later changes leave out is not known any more. False where the record does not say which row.
bool KafkaSource::put_lost_key(Reading& reading, const InRecord& record, UnreadableRecord& said,
                               const std::stop_token& stop) {
  if (!record.key()) return false;
  RowBatch* rows = nullptr;
  std::size_t before = 0;
  try {
    intake::Incoming incoming{record.topic(), record.key(), std::nullopt};
    incoming.asks_for_row = true;
    const intake::Event key = reader_->read(incoming, stop);
    if (key.route == nullptr) return false;
    rows = &batch_for(reading, key.route->table);
    before = rows->rows();
    reader_->put(key, *rows, [] { return std::string(); });
  } catch (const Error& error) {
    if (rows != nullptr) static_cast<void>(rows->split(before));
    if (!passes_over(error)) throw;
    return false;
  }
  said.table = rows->schema().name;
  const bool is_sound = rows->faults().empty() || rows->faults().back().row != before;
  if (!is_sound) {
    static_cast<void>(rows->split(before));
    return true;
  }
  for (const std::string& text : key_of(*rows, before))
    said.key.emplace_back(text);
  rows->header(before).record = record.offset();
  rows->add_fault({before, rows->schema().key.front(), RowFaultCode::unreadable, said.error});
  return true;
}

}  // namespace tailrace::kafka
