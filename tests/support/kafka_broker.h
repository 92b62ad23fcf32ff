// A private Kafka broker for the tests of one executable: tests/support/kafka_console.py in a process of its own.
//
// Errors   std::runtime_error: a test cannot go on without it. Where the JVM parts could not be had, why() says so and the
//          tests skip.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

namespace tailrace::testing {

class KafkaBroker {
 public:
  static KafkaBroker& shared();
  ~KafkaBroker();
  KafkaBroker(const KafkaBroker&) = delete;
  KafkaBroker& operator=(const KafkaBroker&) = delete;

  const std::string& why_not() const { return why_not_; }  // Empty: it is there.
  const std::string& address() const { return address_; }
  const std::string& sasl_address() const { return sasl_address_; }
  const std::string& mtls_address() const { return mtls_address_; }
  std::string certificate(const std::string& name) const { return certificates_ + "/" + name; }

  void halt() { order(R"(["halt"])"); }
  void start() { order(R"(["start"])"); }
  // A topic of a name that no other test has.
  std::string create_topic(int partitions = 1, const std::string& config_json = "{}");
  void create_topic_named(const std::string& name, int partitions, const std::string& config_json = "{}");
  void delete_topic(const std::string& name);
  void trim(const std::string& topic, int partition, long offset);
  // What a reader of committed records sees in the topic's only partition.
  std::vector<std::string> values(const std::string& topic);
  long committed_offset(const std::string& group, const std::string& topic, int partition);
  void deny(const std::string& user, const std::string& operation, const std::string& topic);
  std::vector<int> java_partitions(const std::string& topic, const std::string& file);

 private:
  KafkaBroker();
  // The answer, as JSON.
  std::string order(const std::string& words);
  std::string line();

  int process_ = 0;
  std::FILE* to_ = nullptr;
  std::FILE* from_ = nullptr;
  int topics_ = 0;
  std::string why_not_;
  std::string address_;
  std::string sasl_address_;
  std::string mtls_address_;
  std::string certificates_;
};

}  // namespace tailrace::testing
