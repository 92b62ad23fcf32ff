// The order of a take-over.
#include "kafka/claim.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <numeric>
#include <thread>

#include "base/crash_point.h"
#include "base/log.h"
#include "pipeline/clock.h"
#include "pipeline/first_error.h"

namespace tailrace::kafka {
namespace {

constexpr std::size_t deposed_kept = 16;
// Producers that are initialised at the same time: each has threads and connections of its own.
constexpr std::size_t inits_at_once = 8;

Error stopped() {
  return Error(ErrorKind::abandoned, "taking the pipeline over: stopped");
}

OffsetsTopic topic_of(const SinkSettings& settings) {
  return OffsetsTopic(settings.kafka, settings.offsets_topic_name());
}

bool is_deposed(const std::optional<Claim>& claim, const std::string& instance) {
  return claim && claim->instance != instance &&
         std::find(claim->deposed.begin(), claim->deposed.end(), instance) != claim->deposed.end();
}

Claim next_claim(const Claimant& claimant, const std::optional<Claim>& before) {
  Claim out;
  out.instance = claimant.instance;
  out.runner = runner_name();
  out.fence = 1;
  // Of the load: its writers; beside the stream: one table at a time, with as many. A crash in between leaves one more.
  out.writers = claimant.settings.writers + 2;
  out.beat_ms = now_unix_ms();
  if (!before) return out;
  out.fence = before->fence + 1;
  out.writers = std::max(out.writers, before->writers);
  out.deposed = before->deposed;
  std::erase(out.deposed, claimant.instance);
  if (before->instance != claimant.instance) out.deposed.insert(out.deposed.begin(), before->instance);
  if (out.deposed.size() > deposed_kept) out.deposed.resize(deposed_kept);
  return out;
}

void commit_claim(const Claimant& claimant, Producer& producer, const Claim& claim,
                  const std::stop_token& stop) {
  const std::string topic = claimant.settings.offsets_topic_name();
  const std::string key = claimant.keys.claim();
  const std::string value = value_of(claim);
  OutRecord record;
  record.topic = topic;
  record.key = key;
  record.value = value;
  producer.limit(topic, {.record_bytes = 0, .compacted = true});
  producer.begin();
  if (!producer.produce(record, stop) || !producer.commit(stop)) throw stopped();
}

Ownership take(const Claimant& claimant, Admin& admin, const std::stop_token& stop) {
  const SinkSettings& settings = claimant.settings;
  // Whoever was deposed and opens anew would depose in its turn.
  if (const std::optional<Claim> claim = newest_claim(claimant, admin, stop);
      is_deposed(claim, claimant.instance))
    throw fenced_by(settings, claim);
  Ownership out;
  out.producer = make_producer(settings, settings.main_id(), claimant.transaction_timeout);
  if (!out.producer->init(stop)) throw stopped();
  crash_point("kafka.after_init");
  // From here on nobody else claims: the numbers that were ever used are known. Committed or not, they were used.
  const std::optional<Claim> before = newest_claim(claimant, admin, stop);
  std::vector<int> numbers(static_cast<std::size_t>(before ? before->writers : 0));
  std::iota(numbers.begin(), numbers.end(), 1);
  end_transactions(claimant, numbers, stop);
  const Claim claim = next_claim(claimant, before);
  commit_claim(claimant, *out.producer, claim, stop);
  crash_point("kafka.after_claim");
  out.state = read_state(topic_of(settings).read(admin, stop), claimant.keys);
  if (!out.state.claim || out.state.claim->instance != claimant.instance)
    throw fenced_by(settings, out.state.claim);
  log::info("kafka.claimed", {{"topic", settings.offsets_topic_name()},
                              {"transactional_id", settings.main_id()},
                              {"fence", claim.fence},
                              {"before", before ? before->runner : "nobody"}});
  return out;
}

}  // namespace

void end_transactions(const Claimant& claimant, const std::vector<int>& numbers,
                      const std::stop_token& stop) {
  FirstError error;
  for (std::size_t begin = 0; begin < numbers.size(); begin += inits_at_once) {
    std::vector<std::jthread> threads;
    for (std::size_t i = begin; i < std::min(numbers.size(), begin + inits_at_once); ++i) {
      threads.emplace_back([&, id = helper_id(claimant.settings, numbers[i])] {
        try {
          if (!make_producer(claimant.settings, id, claimant.transaction_timeout)->init(stop))
            throw stopped();
        } catch (...) {
          error.set_current();
        }
      });
    }
  }
  error.rethrow();
}

std::unique_ptr<Producer> make_producer(const SinkSettings& settings, const std::string& id,
                                        std::chrono::milliseconds transaction_timeout) {
  return std::make_unique<Producer>(settings.kafka,
                                    ProducerOptions{.transactional_id = id,
                                                    .transaction_timeout = transaction_timeout,
                                                    .record_bytes = settings.record_bytes()});
}

std::string helper_id(const SinkSettings& settings, int number) {
  return fmt::format("{}-{}", settings.main_id(), number);
}

std::chrono::milliseconds allowed_timeout(const SinkSettings& settings, Admin& admin,
                                          const std::stop_token& stop) {
  const ClusterInfo cluster = admin.cluster(stop);
  if (cluster.brokers.empty()) return settings.transaction_timeout;
  std::map<std::string, std::string> config;
  try {
    config = admin.broker_config(cluster.brokers.front().id, stop);
  } catch (const Error& error) {
    // Who may not see it learns it from the first transaction, which says what to do.
    if (error.kind() != ErrorKind::config) throw;
  }
  const auto limit = config.find("transaction.max.timeout.ms");
  if (limit == config.end()) return settings.transaction_timeout;
  std::int64_t allowed = 0;
  const std::string& text = limit->second;
  if (std::from_chars(text.data(), text.data() + text.size(), allowed).ec != std::errc{} || allowed <= 0)
    return settings.transaction_timeout;
  return std::min(settings.transaction_timeout, std::chrono::milliseconds(allowed));
}

std::string runner_name() {
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) != 0) return fmt::format("process {}", getpid());
  return fmt::format("{}, process {}", host.data(), getpid());
}

std::optional<Claim> newest_claim(const Claimant& claimant, Admin& admin, const std::stop_token& stop) {
  return read_state(topic_of(claimant.settings).read(admin, stop, View::uncommitted), claimant.keys).claim;
}

Error fenced_by(const SinkSettings& settings, const std::optional<Claim>& claim) {
  Error error(ErrorKind::fenced,
              fmt::format("another runner took over pipeline {}: nothing is written by this one any more",
                          settings.pipeline));
  error.with("transactional_id", settings.main_id());
  if (claim) error.with("runner", claim->runner);
  error.with("remedy", "let one runner have the pipeline: two of one name fence each other");
  return error;
}

// Whoever comes while we are at it fences us before anything of ours is older than a moment: it is no timeout of the broker's.
Ownership take_ownership(const Claimant& claimant, Admin& admin, const std::stop_token& stop) {
  try {
    return take(claimant, admin, stop);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::fenced) throw;
    throw fenced_by(claimant.settings, newest_claim(claimant, admin, stop));
  }
}

}  // namespace tailrace::kafka
