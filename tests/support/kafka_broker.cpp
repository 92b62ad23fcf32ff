// The other end of kafka_console.py.
#include "tests/support/kafka_broker.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace tailrace::testing {
namespace {

using nlohmann::json;

void set_up_pipe(std::array<int, 2>& ends) {
  if (pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2 failed");
}

}  // namespace

KafkaBroker& KafkaBroker::shared() {
  static KafkaBroker broker;
  return broker;
}

KafkaBroker::KafkaBroker() {
  std::array<int, 2> in{};
  std::array<int, 2> out{};
  set_up_pipe(in);
  set_up_pipe(out);
  process_ = fork();
  if (process_ < 0) throw std::runtime_error("fork failed");
  if (process_ == 0) {
    dup2(in[0], STDIN_FILENO);
    dup2(out[1], STDOUT_FILENO);
    if (chdir(TAILRACE_TEST_ROOT) == 0)
      execl(TAILRACE_TEST_PYTHON, TAILRACE_TEST_PYTHON, "-B", "-m", "tests.support.kafka_console", nullptr);
    _exit(127);
  }
  close(in[0]);
  close(out[1]);
  to_ = fdopen(in[1], "w");
  from_ = fdopen(out[0], "r");
  const json place = json::parse(line());
  if (place.contains("skip")) {
    why_not_ = place.at("skip").get<std::string>();
    return;
  }
  address_ = place.at("address").get<std::string>();
  sasl_address_ = place.at("sasl_address").get<std::string>();
  mtls_address_ = place.at("mtls_address").get<std::string>();
  certificates_ = place.at("certificates").get<std::string>();
}

// The end of its input ends it; it takes the broker along.
KafkaBroker::~KafkaBroker() {
  std::fclose(to_);
  waitpid(process_, nullptr, 0);
  std::fclose(from_);
}

std::string KafkaBroker::line() {
  std::string out;
  for (int c = std::fgetc(from_); c != '\n'; c = std::fgetc(from_)) {
    if (c == EOF) throw std::runtime_error("the broker's console ended: " + out);
    out += static_cast<char>(c);
  }
  return out;
}

std::string KafkaBroker::order(const std::string& words) {
  if (std::fputs((words + "\n").c_str(), to_) < 0 || std::fflush(to_) != 0)
    throw std::runtime_error("the broker's console takes no orders");
  const json reply = json::parse(line());
  if (reply.contains("error")) throw std::runtime_error(words + ": " + reply.at("error").get<std::string>());
  return reply.at("answer").dump();
}

std::string KafkaBroker::create_topic(int partitions, const std::string& config_json) {
  std::string name = "test-" + std::to_string(++topics_);
  create_topic_named(name, partitions, config_json);
  return name;
}

void KafkaBroker::create_topic_named(const std::string& name, int partitions,
                                     const std::string& config_json) {
  order(json::array({"create", name, partitions, json::parse(config_json)}).dump());
}

void KafkaBroker::delete_topic(const std::string& name) {
  order(json::array({"delete", name}).dump());
}

void KafkaBroker::trim(const std::string& topic, int partition, long offset) {
  order(json::array({"trim", topic, partition, offset}).dump());
}

std::vector<std::string> KafkaBroker::values(const std::string& topic) {
  std::vector<std::string> out;
  for (const json& each : json::parse(order(json::array({"values", topic}).dump())))
    out.push_back(each.is_null() ? "NULL" : each.get<std::string>());
  return out;
}

long KafkaBroker::committed_offset(const std::string& group, const std::string& topic, int partition) {
  return json::parse(order(json::array({"committed", group, topic, partition}).dump())).get<long>();
}

void KafkaBroker::deny(const std::string& user, const std::string& operation, const std::string& topic) {
  order(json::array({"deny", user, operation, topic}).dump());
}

std::vector<int> KafkaBroker::java_partitions(const std::string& topic, const std::string& file) {
  return json::parse(order(json::array({"java", topic, file}).dump())).get<std::vector<int>>();
}

}  // namespace tailrace::testing
