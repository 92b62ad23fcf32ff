// Records there and back: keys and partitions, null and empty, headers, times.
#include <fstream>
#include <map>
#include <random>

#include "tests/integration/kafka/kafka_case.h"

namespace tailrace::kafka {
namespace {

using ::testing::ElementsAre;

class K1a_Partitioner : public KafkaCase {};
class Records : public KafkaCase {};

std::string hex(const std::string& bytes) {
  constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (const unsigned char byte : bytes) {
    out += digits[byte >> 4U];
    out += digits[byte & 15U];
  }
  return out;
}

std::vector<std::string> some_keys() {
  std::vector<std::string> out{
      "",           std::string(1, '\0'),  "a", "ab", "abc", "abcd", "abcde", "\xc3\xbc",
      "{\"id\":1}", std::string(1000, 'x')};
  std::mt19937 random(20240611);
  while (out.size() < 2000) {
    std::string key(random() % 40, '\0');
    for (char& c : key)
      c = static_cast<char>(random());
    out.push_back(std::move(key));
  }
  return out;
}

// A topic that a Java producer began and tailrace continues must keep each key in its partition: across two, its order is lost.
TEST_F(K1a_Partitioner, PutsEveryKeyWhereKafkasJavaProducerPutsIt) {
  constexpr int partitions = 7;
  const std::string topic = broker().create_topic(partitions);
  const std::vector<std::string> keys = some_keys();
  const std::string file = ::testing::TempDir() + "/tailrace-keys-" + topic;
  {
    std::ofstream out(file);
    for (const std::string& key : keys)
      out << hex(key) << '\n';
  }
  const std::vector<int> java = broker().java_partitions(topic, file);
  ASSERT_EQ(java.size(), keys.size());
  const std::unique_ptr<Producer> writer = producer("partitioner");
  writer->begin();
  for (std::size_t i = 0; i < keys.size(); ++i) {
    EXPECT_EQ(partition_of_key(keys[i], partitions), java[i]) << hex(keys[i]);
    put(*writer, topic, keys[i], keys[i]);
  }
  ASSERT_TRUE(writer->commit(never_));

  // Each key twice in one partition: once from Java, once from us.
  Consumer consumer(settings(), {});
  std::vector<PartitionOffset> starts;
  for (int i = 0; i < partitions; ++i)
    starts.push_back({{topic, i}, 0});
  consumer.assign(starts);
  std::map<std::pair<std::string, int>, int> seen;
  std::size_t count = 0;
  Batch batch;
  const auto deadline = std::chrono::steady_clock::now() + 60s;
  while (count < 2 * keys.size() && std::chrono::steady_clock::now() < deadline) {
    consumer.poll(batch, {.wait = 100ms}, never_);
    for (const InRecord& record : batch.records()) {
      ASSERT_TRUE(record.key().has_value());
      ++seen[{std::string(*record.key()), record.partition()}];
      ++count;
    }
  }
  std::map<std::string, int> wanted;
  for (const std::string& key : keys)
    wanted[key] += 2;
  for (const auto& [key, times] : wanted)
    EXPECT_EQ((seen[{key, partition_of_key(key, partitions)}]), times) << hex(key);
}

// Absent and empty are different things in a table; a tombstone that became empty text, or the other way round, is a lost delete.
TEST_F(Records, KeepNullAndEmptyApart) {
  const std::string topic = broker().create_topic();
  const std::unique_ptr<Producer> writer = producer("null-and-empty");
  writer->begin();
  const std::string bytes("a\0b", 3);
  for (const auto& [key, value] :
       std::vector<std::pair<std::optional<std::string_view>, std::optional<std::string_view>>>{
           {std::nullopt, std::nullopt},
           {"", ""},
           {std::string_view(), std::string_view()},
           {"k", std::nullopt},
           {bytes, bytes}}) {
    OutRecord record;
    record.topic = topic;
    record.key = key;
    record.value = value;
    ASSERT_TRUE(writer->produce(record, never_));
  }
  ASSERT_TRUE(writer->commit(never_));
  Consumer consumer(settings(), {});
  consumer.assign({{{topic, 0}, 0}});
  std::vector<std::string> seen;
  Batch batch;
  const auto deadline = std::chrono::steady_clock::now() + 30s;
  const auto text = [](std::optional<std::string_view> bytes_or_none) {
    return bytes_or_none ? "'" + std::string(*bytes_or_none) + "'" : std::string("NULL");
  };
  while (seen.size() < 5 && std::chrono::steady_clock::now() < deadline) {
    consumer.poll(batch, {.wait = 100ms}, never_);
    for (const InRecord& record : batch.records())
      seen.push_back(text(record.key()) + "=" + text(record.value()));
  }
  EXPECT_THAT(seen,
              ElementsAre("NULL=NULL", "''=''", "''=''", "'k'=NULL", "'" + bytes + "'='" + bytes + "'"));
}

TEST_F(Records, CarryHeadersTimeAndPlace) {
  const std::string topic = broker().create_topic(3);
  const std::unique_ptr<Producer> writer = producer("headers");
  writer->begin();
  OutRecord record;
  record.topic = topic;
  record.partition = 2;
  record.key = "k";
  record.value = "v";
  record.timestamp_ms = 1'700'000'000'123;
  record.headers = {{"a", "1"}, {"none", std::nullopt}, {"empty", ""}, {"a", "2"}};
  ASSERT_TRUE(writer->produce(record, never_));
  ASSERT_TRUE(writer->commit(never_));
  Consumer consumer(settings(), {});
  consumer.assign({{{topic, 2}, 0}});
  Batch batch;
  const auto deadline = std::chrono::steady_clock::now() + 30s;
  while (batch.records().empty() && std::chrono::steady_clock::now() < deadline)
    consumer.poll(batch, {.wait = 100ms}, never_);
  ASSERT_EQ(batch.records().size(), 1u);
  const InRecord& got = batch.records().front();
  EXPECT_EQ(got.topic(), topic);
  EXPECT_EQ(got.partition(), 2);
  EXPECT_EQ(got.offset(), 0);
  EXPECT_GE(got.leader_epoch(), 0);
  EXPECT_EQ(got.timestamp_ms(), 1'700'000'000'123);
  std::vector<std::string> headers;
  for (const Header& header : got.headers())
    headers.push_back(std::string(header.name) + "=" + std::string(header.value.value_or("NULL")));
  EXPECT_THAT(headers, ElementsAre("a=1", "none=NULL", "empty=", "a=2"));
}

}  // namespace
}  // namespace tailrace::kafka
