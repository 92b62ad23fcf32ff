// The limit of what goes to Kafka: records that are ready bytes, given to librdkafka in transactions, compressed by lz4.
//
//   build/producer-limit BROKERS FILE PREFIX ROWS
//
// FILE holds records: number of the topic, length of the key, length of the value (-1: none), 4 bytes each in the machine's order, then
// key and value. Topic n is called PREFIX.n; each transaction has ROWS records, as a chunk of tailrace's snapshot has them.
#include <librdkafka/rdkafka.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

constexpr int patience_ms = 60'000;

void check(rd_kafka_error_t* error) {
  if (error == nullptr) return;
  const std::string text = rd_kafka_error_string(error);
  rd_kafka_error_destroy(error);
  throw std::runtime_error(text);
}

struct Destroy {
  void operator()(rd_kafka_t* client) const { rd_kafka_destroy(client); }
  void operator()(rd_kafka_topic_t* topic) const { rd_kafka_topic_destroy(topic); }
};
using Client = std::unique_ptr<rd_kafka_t, Destroy>;
using Topic = std::unique_ptr<rd_kafka_topic_t, Destroy>;

std::size_t undelivered = 0;

void delivered(rd_kafka_t* /*client*/, const rd_kafka_message_t* message, void* /*opaque*/) {
  if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) ++undelivered;
}

Client producer(const std::string& brokers, const std::string& id) {
  rd_kafka_conf_t* const conf = rd_kafka_conf_new();
  char text[512];
  const auto set = [&](const char* name, const std::string& value) {
    if (rd_kafka_conf_set(conf, name, value.c_str(), text, sizeof text) != RD_KAFKA_CONF_OK)
      throw std::runtime_error(text);
  };
  set("bootstrap.servers", brokers);
  set("transactional.id", id);
  set("compression.type", "lz4");
  rd_kafka_conf_set_dr_msg_cb(conf, delivered);
  Client client(rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text));
  if (client == nullptr) throw std::runtime_error(text);
  check(rd_kafka_init_transactions(client.get(), patience_ms));
  return client;
}

struct Record {
  std::int32_t topic, key_bytes, value_bytes;
  char* key;
  char* value;
};

// The records of the file's bytes, which they point into.
std::vector<Record> records_of(std::vector<char>& bytes) {
  std::vector<Record> out;
  for (std::size_t at = 0; at < bytes.size();) {
    std::int32_t head[3];
    if (bytes.size() - at < sizeof head) throw std::runtime_error("the file is cut");
    std::memcpy(head, bytes.data() + at, sizeof head);
    at += sizeof head;
    const std::size_t value_bytes = head[2] < 0 ? 0 : static_cast<std::size_t>(head[2]);
    const std::size_t length = static_cast<std::size_t>(head[1]) + value_bytes;
    if (bytes.size() - at < length) throw std::runtime_error("the file is cut");
    char* const key = bytes.data() + at;
    out.push_back({head[0], head[1], head[2], key, head[2] < 0 ? nullptr : key + head[1]});
    at += length;
  }
  return out;
}

void give(rd_kafka_t* client, rd_kafka_topic_t* topic, const Record& record) {
  while (rd_kafka_produce(topic, 0, RD_KAFKA_MSG_F_COPY, record.value,
                          record.value == nullptr ? 0 : static_cast<std::size_t>(record.value_bytes),
                          record.key, static_cast<std::size_t>(record.key_bytes), nullptr) != 0) {
    if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL)
      throw std::runtime_error(rd_kafka_err2str(rd_kafka_last_error()));
    rd_kafka_poll(client, 100);
  }
  rd_kafka_poll(client, 0);
}

void run(const std::string& brokers, const char* path, const std::string& prefix, std::size_t each) {
  std::ifstream file(path, std::ios::binary);
  std::vector<char> bytes((std::istreambuf_iterator<char>(file)), {});
  const std::vector<Record> records = records_of(bytes);
  if (records.empty()) throw std::runtime_error("the file is empty");
  const Client client = producer(brokers, prefix);
  std::map<std::int32_t, Topic> topics;
  for (std::size_t at = 0; at < records.size();) {
    check(rd_kafka_begin_transaction(client.get()));
    for (std::size_t n = 0; n < each && at < records.size(); ++n, ++at) {
      Topic& topic = topics[records[at].topic];
      if (topic == nullptr)
        topic.reset(rd_kafka_topic_new(client.get(),
                                       (prefix + "." + std::to_string(records[at].topic)).c_str(), nullptr));
      give(client.get(), topic.get(), records[at]);
    }
    check(rd_kafka_commit_transaction(client.get(), patience_ms));
  }
  if (undelivered != 0) throw std::runtime_error("records were not delivered");
}

}  // namespace

int main(int count, char** words) {
  try {
    if (count != 5) throw std::runtime_error("wants BROKERS FILE PREFIX ROWS");
    run(words[1], words[2], words[3], std::strtoull(words[4], nullptr, 10));
    return 0;
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "producer-limit: %s\n", failure.what());
    return 70;
  }
}
