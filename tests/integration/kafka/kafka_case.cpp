// Short ways to write and to read.
#include "tests/integration/kafka/kafka_case.h"

namespace tailrace::kafka {

void KafkaCase::SetUp() {
  if (!broker().why_not().empty()) GTEST_SKIP() << broker().why_not();
}

Settings KafkaCase::settings() {
  Settings out;
  out.bootstrap_servers = {broker().address()};
  return out;
}

std::unique_ptr<Producer> KafkaCase::producer(const std::string& id, std::chrono::milliseconds timeout) {
  auto out = std::make_unique<Producer>(
      settings(), ProducerOptions{.transactional_id = id, .transaction_timeout = timeout});
  EXPECT_TRUE(out->init(never_));
  return out;
}

void KafkaCase::put(Producer& producer, const std::string& topic, const std::string& key,
                    const std::string& value) {
  OutRecord record;
  record.topic = topic;
  record.key = key;
  record.value = value;
  ASSERT_TRUE(producer.produce(record, never_));
}

void KafkaCase::commit(const std::string& topic, const std::vector<std::string>& values) {
  const std::unique_ptr<Producer> writer = producer("writer-of-" + topic);
  writer->begin();
  for (const std::string& value : values)
    put(*writer, topic, value, value);
  ASSERT_TRUE(writer->commit(never_));
}

std::vector<std::string> KafkaCase::read(const std::string& topic, Isolation isolation) {
  Consumer consumer(settings(), {.isolation = isolation});
  const std::optional<Watermarks> marks = consumer.watermarks({topic, 0}, never_);
  std::vector<std::string> out;
  if (!marks || marks->low == marks->high) return out;
  consumer.assign({{{topic, 0}, marks->low}});
  Batch batch;
  std::int64_t end = marks->low;
  const auto deadline = std::chrono::steady_clock::now() + 30s;
  while (end < marks->high) {
    if (std::chrono::steady_clock::now() > deadline) {
      ADD_FAILURE() << topic << ": read to " << end << " of " << marks->high;
      break;
    }
    consumer.poll(batch, {.wait = 100ms}, never_);
    for (const InRecord& record : batch.records())
      out.emplace_back(record.value().value_or("NULL"));
    for (const PartitionOffset& each : batch.ends())
      end = each.offset;
  }
  return out;
}

Error thrown_by(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "nothing was thrown";
  return Error(ErrorKind::internal, "nothing was thrown");
}

}  // namespace tailrace::kafka
