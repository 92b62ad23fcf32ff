// Where a record's value says what: Debezium's envelope, or a flat row (ExtractNewRecordState) with some of it in fields beside the
// columns.
//
// Errors   data: a value that is neither.
// Threads  A value.
// Source   Debezium 3.6, SQL Server connector, "Data change events"; "New Record State Extraction", add.fields with its default
//          prefix.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "record/avro_decoder.h"
#include "record/schema.h"
#include "record/value.h"

namespace tailrace::intake {

struct Layout {
  // Where the fields are that stand beside a row: of the envelope's source block, or of the flat row itself.
  struct Origin {
    std::optional<std::size_t> database = {};
    std::optional<std::size_t> schema = {};
    std::optional<std::size_t> table = {};
    std::optional<std::size_t> commit_lsn = {};
    std::optional<std::size_t> change_lsn = {};
    std::optional<std::size_t> milliseconds = {};
    std::optional<std::size_t> snapshot = {};
  };

  bool is_envelope = false;
  record::SchemaPtr row = {};            // A struct.
  std::vector<std::size_t> fields = {};  // Of the row: its columns.
  Origin origin = {};
  std::optional<std::size_t> op = {};
  // Of an envelope.
  std::size_t before = 0;
  std::size_t after = 0;
  std::optional<std::size_t> source = {};
  // Of a flat row.
  std::optional<std::size_t> deleted = {};

  // What is read of a change with a row behind it; of a flat row all is.
  record::Wanted wanted = {};
};

Layout layout_of(const record::Schema& value);
// Of a flat row: a field that is no column.
bool is_beside_a_row(std::string_view name);

// The text of a field, or "" where it is not there or NULL.
std::string_view text_at(const record::List& fields, std::optional<std::size_t> at);
std::optional<std::int64_t> number_at(const record::List& fields, std::optional<std::size_t> at);

}  // namespace tailrace::intake
