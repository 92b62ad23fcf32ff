// What a real Debezium made of rows (testdata/README.md), and the rows, for tests.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "debezium/event.h"
#include "debezium/settings.h"
#include "model/change_batch.h"
#include "model/row_batch.h"
#include "record/json_tree.h"

namespace tailrace::debezium::testing {

// A record as it was sent. Key and value with their schemas, as JsonConverter wrote them.
struct RecordedRecord {
  std::string topic = {};
  std::optional<std::string> key = {};
  std::optional<std::string> value = {};
  std::vector<std::pair<std::string, std::string>> headers = {};
  bool operator==(const RecordedRecord&) const = default;
};

struct Recording {
  EventSettings settings;
  std::map<std::string, RowBatch> snapshot;  // By schema.table; as the table was read.
  // All changes in one batch, in the source's order.
  ChangeBatch changes;
  std::map<std::string, std::vector<RecordedRecord>> records;  // By topic, in its order.
  SchemaPtr altered;                                           // A table as it became at the end, or nullptr.

  const RowBatch* changes_of(const std::string& table) const;
};

// `name` is a file of the folder, without its ending.
Recording read_recording(const std::string& name);

// Every record, as it came.
class Collector : public RecordTaker {
 public:
  bool take(const EventRecord& record) override;
  std::vector<RecordedRecord> records;
};

// The columns of a table as SQL declares them, for tests: "decimal(10,2)", "nvarchar(max)".
ColumnType type_named(std::string_view declaration);
// A value as its text (model/key_text.h) into a cell.
void put_value(RowBatch& batch, std::size_t row, std::size_t column, const std::string& text);

// Ids as they come: 1, 2, ...; each document once.
class CountedIds : public SchemaIds {
 public:
  std::int32_t id_of(const std::string& topic, RecordPart part, const record::Schema& schema,
                     const std::string& document) override;
  std::map<std::pair<std::string, std::string>, std::int32_t> ids;  // By subject and document.
};

}  // namespace tailrace::debezium::testing
