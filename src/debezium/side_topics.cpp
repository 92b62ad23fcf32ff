// Transactions, heartbeats, tables: values made as trees, for there are few of them.
#include "debezium/side_topics.h"

#include "debezium/envelope.h"
#include "debezium/output.h"
#include "debezium/schemas.h"
#include "record/write_value.h"

namespace tailrace::debezium {

using record::List;
using record::Value;

class TopicWriter {
 public:
  TopicWriter(std::string topic, record::SchemaPtr key, record::SchemaPtr value)
      : topic_(std::move(topic)), key_schema_(std::move(key)), value_schema_(std::move(value)) {}
  virtual ~TopicWriter() = default;

  [[nodiscard]] virtual bool give(const Value& key, const Value& value, RecordTaker& taker,
                                  std::span<const EventHeader> headers = {}) = 0;

 protected:
  std::string topic_;
  record::SchemaPtr key_schema_;
  record::SchemaPtr value_schema_;
};

namespace {

template <class Writer>
class TreeWriter : public TopicWriter {
 public:
  TreeWriter(const EventSettings& settings, SchemaIds* ids, std::string topic, record::SchemaPtr key,
             record::SchemaPtr value)
      : TopicWriter(std::move(topic), std::move(key), std::move(value)),
        key_(*key_schema_, {settings, topic_, RecordPart::key, ids}),
        value_(*value_schema_, {settings, topic_, RecordPart::value, ids}) {}

  bool give(const Value& key, const Value& value, RecordTaker& taker,
            std::span<const EventHeader> headers) override {
    record::write_value(key_.begin(), *key_schema_, key);
    record::write_value(value_.begin(), *value_schema_, value);
    return taker.take({topic_, key_.finish(), value_.finish(), headers});
  }

 private:
  Output<Writer> key_;
  Output<Writer> value_;
};

std::unique_ptr<TopicWriter> topic_writer(const EventSettings& settings, SchemaIds* ids, std::string topic,
                                          record::SchemaPtr key, record::SchemaPtr value) {
  if (settings.converter == Converter::avro) {
    return std::make_unique<TreeWriter<record::AvroWriter>>(settings, ids, std::move(topic), std::move(key),
                                                            std::move(value));
  }
  return std::make_unique<TreeWriter<record::JsonWriter>>(settings, ids, std::move(topic), std::move(key),
                                                          std::move(value));
}

Value text_value_of(std::string_view text) {
  return Value::text(std::string(text));
}

Value milliseconds_of(std::int64_t nanoseconds) {
  return Value::integer(floor_divide(nanoseconds, 1'000'000));
}

}  // namespace

TransactionTopic::TransactionTopic(const EventSettings& settings, SchemaIds* ids)
    : writer_(topic_writer(settings, ids, settings.transaction_topic(), transaction_key_schema(settings),
                           transaction_value_schema(settings))) {}
TransactionTopic::~TransactionTopic() = default;

bool TransactionTopic::give_begin(const Lsn& commit_lsn, std::int64_t time, RecordTaker& taker) {
  const Value id = text_value_of(LsnText(commit_lsn).view());
  return writer_->give(Value::list({id}),
                       Value::list({text_value_of("BEGIN"), id, Value(), Value(), milliseconds_of(time)}),
                       taker);
}

bool TransactionTopic::give_end(const Lsn& commit_lsn, std::int64_t time, std::int64_t events,
                                std::span<const std::pair<std::string, std::int64_t>> counts,
                                RecordTaker& taker) {
  const Value id = text_value_of(LsnText(commit_lsn).view());
  List tables;
  for (const auto& [name, count] : counts)
    tables.push_back(Value::list({Value::text(name), Value::integer(count)}));
  return writer_->give(Value::list({id}),
                       Value::list({text_value_of("END"), id, Value::integer(events),
                                    Value::list(std::move(tables)), milliseconds_of(time)}),
                       taker);
}

HeartbeatTopic::HeartbeatTopic(const EventSettings& settings, SchemaIds* ids)
    : prefix_(settings.prefix()),
      writer_(topic_writer(settings, ids, settings.heartbeat_topic(), heartbeat_key_schema(settings),
                           heartbeat_value_schema(settings))) {}
HeartbeatTopic::~HeartbeatTopic() = default;

bool HeartbeatTopic::give(std::int64_t now, RecordTaker& taker) {
  return writer_->give(Value::list({Value::text(prefix_)}), Value::list({milliseconds_of(now)}), taker);
}

SchemaChangeTopic::SchemaChangeTopic(const EventSettings& settings, SchemaIds* ids)
    : settings_(settings),
      headers_(settings.headers()),
      writer_(topic_writer(settings, ids, settings.schema_change_topic(), schema_change_key_schema(settings),
                           schema_change_value_schema(settings))) {}
SchemaChangeTopic::~SchemaChangeTopic() = default;

bool SchemaChangeTopic::give(const SchemaChange& change, RecordTaker& taker) {
  std::vector<EventHeader> headers;
  for (const auto& [name, value] : headers_)
    headers.push_back({name, value});
  return writer_->give(schema_change_key(settings_), schema_change_value(change, settings_), taker, headers);
}

NotificationTopic::NotificationTopic(const EventSettings& settings, const std::string& topic, SchemaIds* ids)
    : writer_(topic_writer(settings, ids, topic, notification_key_schema(), notification_value_schema())) {}
NotificationTopic::~NotificationTopic() = default;

bool NotificationTopic::give(const Notice& notice, RecordTaker& taker) {
  record::Entries data;
  for (const auto& [name, text] : notice.data)
    data.emplace_back(Value::text(name), Value::text(text));
  const Value id = Value::text(notice.id);
  return writer_->give(Value::list({id}),
                       Value::list({id, Value::text(notice.type), Value::text(notice.aggregate),
                                    Value::map(std::move(data)), Value::integer(notice.time_ms)}),
                       taker);
}

}  // namespace tailrace::debezium
