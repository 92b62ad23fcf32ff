// Signals from a topic: records with the topic prefix as their key and {"id","type","data"} as their value.
//
// Shape    The topic has one partition, as Debezium's. Where the next record is comes from a memo of the pipeline's own topic, which
//          becomes durable with what a signal has led to: after a kill no signal is lost, and none is taken twice. Without a memo
//          from the beginning, as Debezium's consumer does.
// Errors   config: the topic has several partitions. As of Consumer else. What is wrong with a record is a warning.
// Threads  One thread.
// Source   Debezium 3.6 KafkaSignalChannel; docs/rules.md K8b.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "kafka/admin.h"
#include "kafka/consumer.h"
#include "kafka/sink_settings.h"
#include "pipeline/signal.h"

namespace tailrace::kafka {

// A record's value; nothing (and a warning) where it is none. Its data may be an object or the text of one.
std::optional<Signal> signal_of(std::string_view value);

class SignalTopic {
 public:
  static constexpr const char* memo_name = "signal_topic";

  // `memo` as take() gave it, or empty.
  SignalTopic(const SinkSettings& settings, Admin& admin, const std::string& memo);

  // What is there, without a wait.
  ChannelSignals take();

 private:
  std::string memo_text() const;

  const std::string topic_;
  const std::string prefix_;
  Consumer consumer_;
  Batch batch_;
  std::int64_t next_ = 0;
};

}  // namespace tailrace::kafka
