// The records beside the tables' topics: BEGIN and END of transactions, heartbeats, what tables look like, notifications.
//
// Threads  One thread.
// Source   Debezium 3.6: AbstractTransactionStructMaker, HeartbeatImpl, EventDispatcher.SchemaChangeEventReceiver,
//          SinkNotificationChannel.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "debezium/event.h"
#include "debezium/schema_change.h"
#include "debezium/settings.h"
#include "model/notice.h"

namespace tailrace::debezium {

class TopicWriter;

class TransactionTopic {
 public:
  TransactionTopic(const EventSettings& settings, SchemaIds* ids);
  ~TransactionTopic();

  [[nodiscard]] bool give_begin(const Lsn& commit_lsn, std::int64_t time, RecordTaker& taker);
  // `counts`: events of each table, by database.schema.table.
  [[nodiscard]] bool give_end(const Lsn& commit_lsn, std::int64_t time, std::int64_t events,
                              std::span<const std::pair<std::string, std::int64_t>> counts,
                              RecordTaker& taker);

 private:
  std::unique_ptr<TopicWriter> writer_;
};

class HeartbeatTopic {
 public:
  HeartbeatTopic(const EventSettings& settings, SchemaIds* ids);
  ~HeartbeatTopic();

  [[nodiscard]] bool give(std::int64_t now, RecordTaker& taker);

 private:
  std::string prefix_;
  std::unique_ptr<TopicWriter> writer_;
};

class SchemaChangeTopic {
 public:
  SchemaChangeTopic(const EventSettings& settings, SchemaIds* ids);
  ~SchemaChangeTopic();

  [[nodiscard]] bool give(const SchemaChange& change, RecordTaker& taker);

 private:
  EventSettings settings_;
  std::vector<std::pair<std::string, std::string>> headers_;
  std::unique_ptr<TopicWriter> writer_;
};

class NotificationTopic {
 public:
  NotificationTopic(const EventSettings& settings, const std::string& topic, SchemaIds* ids);
  ~NotificationTopic();

  [[nodiscard]] bool give(const Notice& notice, RecordTaker& taker);

 private:
  std::unique_ptr<TopicWriter> writer_;
};

}  // namespace tailrace::debezium
