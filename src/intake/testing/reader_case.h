// A reader of JSON and a target that takes what is proposed, for the tests of records and of keys.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "base/error.h"
#include "intake/reader.h"
#include "intake/testing/events.h"

namespace tailrace::intake::testing {

inline constexpr const char* placeholder = "__debezium_unavailable_value";

inline List row(std::int64_t id, const std::string& note) {
  return {Value::integer(id), Value::text(note)};
}

class ReaderCase : public ::testing::Test {
 protected:
  // A target that takes whatever is proposed, and has what it was asked to make.
  SchemaPtr use(const TableSchema& proposed, bool make) {
    if (!make && existing_.empty()) return nullptr;
    asked_.push_back(proposed);
    return std::make_shared<const TableSchema>(proposed);
  }

  Reader& reader() {
    if (reader_ == nullptr)
      reader_ = std::make_unique<Reader>(
          settings_, nullptr, [this](const TableSchema& proposed, bool make) { return use(proposed, make); });
    return *reader_;
  }

  Event read(const EventTable& table, const Change& change, bool has_old_key = false) {
    const List& key_row = change.after ? *change.after : *change.before;
    key_ = json_of(*table.key_schema(), key_value(table, key_row));
    value_ = json_of(*table.envelope_schema(), envelope_value(table, change));
    return reader().read({table.topic, key_, value_, [has_old_key] { return has_old_key; }}, {});
  }
  Event tombstone(const EventTable& table, const List& key_row) {
    key_ = json_of(*table.key_schema(), key_value(table, key_row));
    return reader().read({table.topic, key_, std::nullopt}, {});
  }
  RowBatch put(const Event& event) {
    RowBatch batch(event.route->table);
    reader().put(event, batch, [] { return "topic[0]@7"; });
    return batch;
  }

  static Error thrown_by(const std::function<void()>& work) {
    try {
      work();
    } catch (const Error& error) {
      return error;
    }
    ADD_FAILURE() << "nothing was thrown";
    return Error(ErrorKind::internal, "nothing was thrown");
  }

  Settings settings_{.format = Format::json};
  std::vector<std::string> existing_;
  std::vector<TableSchema> asked_;
  std::unique_ptr<Reader> reader_;
  std::string key_;
  std::string value_;
};

}  // namespace tailrace::intake::testing
