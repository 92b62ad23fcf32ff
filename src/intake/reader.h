// From a record to a row of its table.
//
// Shape    read() says what a record is and where it stands in the source's order; put() makes a row of it. In between the caller
//          may end what came before. An event refers to its reader's tables and owns its values.
// Errors   Of one record, for the caller to name its place: protocol: bytes that are none of the format. data: an unknown schema id,
//          a value that is no change. config: a type that no column has, a record without a key. What is wrong with this record alone
//          has a `stage`, as Kafka Connect names it. What else UseTable and the registry throw passes through.
// Threads  Of one thread.
// Source   docs/decisions/017.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "intake/layout.h"
#include "intake/route.h"
#include "intake/schemaless.h"
#include "intake/settings.h"
#include "model/row_batch.h"
#include "pipeline/partitions.h"
#include "record/wire_format.h"
#include "registry/schemas.h"

namespace tailrace::intake {

struct Incoming {
  std::string_view topic = {};
  std::optional<std::string_view> key = {};
  std::optional<std::string_view> value = {};  // None: a tombstone.
  // Whether its header names the key that the row had before; asked of a new row alone, for headers are dear to read.
  std::function<bool()> has_old_key = {};
  std::int32_t partition = 0;
  std::int64_t offset = 0;
  bool asks_for_row = false;  // Of its key, whatever becomes of deletes.
};

// What is known of an event beside its values.
struct EventFacts {
  const Route* route = nullptr;  // Nothing: there is no row in it, or none that is wanted.
  Operation operation = Operation::read;
  bool is_tombstone = false;
  bool is_snapshot = false;
  bool may_be_partial = false;  // The placeholder stands for what an update left alone.
  std::optional<Lsn> commit_lsn = {};
  Lsn change_lsn = {};
  std::int64_t commit_time_utc = 0;        // 100 ns since 0001-01-01; 0: not known.
  std::optional<std::size_t> row_at = {};  // Where its row is in the value; nothing: it is the row.
  bool row_is_key = false;
  std::size_t bytes = 0;  // Of the record's value.
};

struct Event : EventFacts {
  record::Value value = {};       // Of the record, or of its key.
  record::Value key = {};         // Of the record, where the route reads it.
  record::List coordinates = {};  // Topic, partition, offset, where they are columns.

  // Nothing of it is said any more. The values keep their memory, but a large one's not for all the small ones behind it.
  void forget();
  const record::List& row() const {
    const record::List& fields = *value.as<record::List>();
    return row_at ? *fields[*row_at].as<record::List>() : fields;
  }
};

class Reader {
 public:
  Reader(Settings settings, std::unique_ptr<registry::Schemas> schemas, UseTable use_table);
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  // Into an event that may have been another record's: its values' memory is used again. Behind an error it means nothing.
  const Event& read(const Incoming& record, const std::stop_token& stop, Event& event);
  Event read(const Incoming& record, const std::stop_token& stop) {
    Event event;
    read(record, stop, event);
    return event;
  }
  // A row behind those of the batch, which is of the event's table; `place` is asked for, and said, where something is wrong with it.
  using Place = std::function<std::string()>;
  void put(const Event& event, RowBatch& batch, const Place& place) const;

 private:
  // Most records have the schema that the one before had.
  struct Latest {
    std::int32_t id = 0;
    registry::Schemas::Decoder decoder = nullptr;
  };
  // Of one pair of schemas.
  struct Form {
    record::SchemaPtr value;
    record::SchemaPtr key;
    Layout layout;
    std::map<TableName, Route> routes = {};
    // What the last record said of its table, and where that led.
    const Route* latest = nullptr;
    std::array<std::string, 3> latest_parts = {};
  };
  struct Topic {
    std::vector<std::unique_ptr<Form>> forms;
    std::vector<record::SchemaPtr> schemas;  // Of JSON: equal ones are one.
    Latest latest_keys = {};
    Latest latest_values = {};
    std::map<record::SchemaPtr, record::SchemaPtr>
        named_keys;  // Of keys that are one value alone: with a name.
    bool told_of_deletes = false;
    TableName table;  // Of the last value that said no schema.
    const Route* latest = nullptr;
    record::SchemaPtr latest_key;
    std::map<std::vector<std::string>, std::unique_ptr<Route>>
        of_keys;  // By the key's columns; where nothing but tombstones came.
  };

  Topic& topic_of(std::string_view name);
  enum class Part { key, value };
  static const char* stage_of(Part part);
  static record::Framed framed(std::string_view bytes, Part part);
  const record::AvroDecoder& decoder_of(Topic& topic, const record::Framed& framed, Part part,
                                        const std::stop_token& stop);
  record::SchemaPtr parse(Topic& topic, const Incoming& record, Part part, const std::stop_token& stop,
                          record::Value& into);
  record::SchemaAndValue parse_json(Topic& topic, const Incoming& record, std::string_view bytes, Part part);
  record::SchemaPtr schema_of_key(Topic& topic, const Incoming& record, const std::stop_token& stop);
  record::SchemaPtr parse_key(Topic& topic, const Incoming& record, const std::stop_token& stop,
                              record::Value& into);
  record::SchemaPtr named(Topic& topic, const record::SchemaPtr& key) const;
  Form& form_of(Topic& topic, const record::SchemaPtr& value, const record::SchemaPtr& key);
  const Route& route_of(Form& form, std::string_view topic, const Layout::Origin& origin,
                        const record::List* source);
  static void decode(const Topic& topic, const record::AvroDecoder& decoder, std::string_view bytes,
                     record::Value& into);
  const Route* route_of_tombstone(std::string_view name, Topic& topic, const record::SchemaPtr& key);
  bool passes_over(Topic& topic, std::string_view name, const Event& event) const;
  void add_row(Event& event, Topic& topic, const Incoming& record, const Layout& layout,
               const std::stop_token& stop);
  void read_tombstone(const Incoming& record, Topic& topic, const std::stop_token& stop, Event& event);
  void refuse_to_guess(const Event& event, const std::string& column) const;
  void read_operation(const Form& form, const record::List& fields, const Incoming& record,
                      Event& event) const;
  static void read_origin(const Layout& layout, const record::List& fields, Event& event);

  Settings settings_;
  std::unique_ptr<registry::Schemas> schemas_;  // Of Avro.
  UseTable use_table_;
  Schemaless schemaless_;
  std::map<std::string, Topic, std::less<>> topics_;
  std::pair<const std::string, Topic>* latest_topic_ = nullptr;  // Of those.
};

}  // namespace tailrace::intake
