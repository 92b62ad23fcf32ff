// Aliases and refusals, as tables.
#include "kafka/property_names.h"

#include <algorithm>
#include <array>
#include <utility>

namespace tailrace::kafka {
namespace {

using Pair = std::pair<std::string_view, std::string_view>;

// Kafka's name or librdkafka's alias, and librdkafka's own.
constexpr std::array property_aliases{
    Pair{"metadata.broker.list", "bootstrap.servers"},
    Pair{"sasl.mechanism", "sasl.mechanisms"},
    Pair{"linger.ms", "queue.buffering.max.ms"},
    Pair{"retries", "message.send.max.retries"},
    Pair{"compression.type", "compression.codec"},
    Pair{"acks", "request.required.acks"},
    Pair{"delivery.timeout.ms", "message.timeout.ms"},
    Pair{"max.in.flight", "max.in.flight.requests.per.connection"},
    Pair{"max.request.size", "message.max.bytes"},
    Pair{"max.partition.fetch.bytes", "fetch.message.max.bytes"},
    Pair{"fetch.max.wait.ms", "fetch.wait.max.ms"},
    Pair{"send.buffer.bytes", "socket.send.buffer.bytes"},
    Pair{"receive.buffer.bytes", "socket.receive.buffer.bytes"},
    Pair{"auto.commit.enable", "enable.auto.commit"},
    Pair{"buffer.memory", "queue.buffering.max.kbytes"},
};

constexpr std::string_view rests_on_it = "tailrace sets it: exactly-once rests on it; take it out";
constexpr std::string_view decides_reading =
    "tailrace sets it: what is read, and from where, rests on it; take it out";
constexpr std::string_view is_bounded =
    "it is bounded by kafka.producer_memory and kafka.consumer_memory; set those";
constexpr std::string_view loads_code = "it would load code or replace a part of the client; take it out";
constexpr std::string_view no_kerberos =
    "Kerberos (GSSAPI) is not offered; use SCRAM, PLAIN or a client certificate";
constexpr std::string_view no_tokens = "OAUTHBEARER is not offered; use SCRAM, PLAIN or a client certificate";

constexpr std::array refused_names{
    Pair{"transactional.id", rests_on_it},
    Pair{"transaction.timeout.ms", rests_on_it},
    Pair{"enable.idempotence", rests_on_it},
    Pair{"enable.gapless.guarantee", rests_on_it},
    Pair{"request.required.acks", rests_on_it},
    Pair{"max.in.flight.requests.per.connection", rests_on_it},
    Pair{"message.send.max.retries", rests_on_it},
    Pair{"message.timeout.ms", rests_on_it},
    Pair{"message.max.bytes", "the longest record follows from stream.max_value_bytes; set that"},
    Pair{"batch.size", "tailrace sets it: a batch must fit into its topic; take it out"},
    Pair{"partitioner", "keys go where Java's clients put them (murmur2_random); take it out"},
    Pair{"delivery.report.only.error", rests_on_it},
    Pair{"produce.offset.report", rests_on_it},
    Pair{"queuing.strategy", rests_on_it},
    Pair{"group.id", "it has a setting of its own; take it out"},
    Pair{"group.protocol", decides_reading},
    Pair{"group.protocol.type", decides_reading},
    Pair{"group.remote.assignor", decides_reading},
    Pair{"group.instance.id", decides_reading},
    Pair{"partition.assignment.strategy", decides_reading},
    Pair{"enable.auto.commit", decides_reading},
    Pair{"auto.commit.interval.ms", decides_reading},
    Pair{"enable.auto.offset.store", decides_reading},
    Pair{"auto.offset.reset", decides_reading},
    Pair{"offset.store.method", decides_reading},
    Pair{"offset.store.path", decides_reading},
    Pair{"isolation.level", decides_reading},
    Pair{"enable.partition.eof", decides_reading},
    Pair{"allow.auto.create.topics", decides_reading},
    Pair{"topic.blacklist", decides_reading},
    Pair{"check.crcs", decides_reading},
    Pair{"queue.buffering.max.kbytes", is_bounded},
    Pair{"queue.buffering.max.messages", is_bounded},
    Pair{"queued.max.messages.kbytes", is_bounded},
    Pair{"queued.min.messages", is_bounded},
    Pair{"fetch.max.bytes", is_bounded},
    Pair{"fetch.message.max.bytes", is_bounded},
    Pair{"plugin.library.paths", loads_code},
    Pair{"ssl.providers", loads_code},
    Pair{"ssl.engine.location", loads_code},
    Pair{"ssl.engine.id", loads_code},
    Pair{"interceptors", loads_code},
    Pair{"builtin.features", loads_code},
    Pair{"enabled_events", loads_code},
    Pair{"opaque", loads_code},
    Pair{"default_topic_conf", loads_code},
    Pair{"log.queue", loads_code},
    Pair{"internal.termination.signal", loads_code},
    Pair{"enable.sasl.oauthbearer.unsecure.jwt", no_tokens},
    Pair{"ssl.enabled.protocols", "the client offers TLS 1.2 and 1.3; take it out"},
    Pair{"ssl.protocol", "the client offers TLS 1.2 and 1.3; take it out"},
};

// Whole families.
constexpr std::array refused_beginnings{
    Pair{"sasl.kerberos.", no_kerberos},
    Pair{"sasl.oauthbearer.", no_tokens},
    Pair{"test.", "it makes a broker of the client's own; take it out"},
};

constexpr std::array sensitive_names{
    std::string_view{"sasl.password"},       std::string_view{"sasl.username"},
    std::string_view{"sasl.jaas.config"},    std::string_view{"ssl.key.password"},
    std::string_view{"ssl.key.pem"},         std::string_view{"ssl.keystore.password"},
    std::string_view{"ssl.keystore.key"},    std::string_view{"ssl.truststore.password"},
    std::string_view{"ssl.certificate.pem"}, std::string_view{"ssl.ca.pem"},
};

template <class Pairs>
std::string_view find_pair(const Pairs& pairs, std::string_view name) {
  const auto found =
      std::find_if(pairs.begin(), pairs.end(), [&](const Pair& each) { return each.first == name; });
  return found == pairs.end() ? std::string_view{} : found->second;
}

}  // namespace

std::string_view canonical_name(std::string_view name) {
  const std::string_view other = find_pair(property_aliases, name);
  return other.empty() ? name : other;
}

std::string_view refusal_of(std::string_view canonical) {
  if (const std::string_view reason = find_pair(refused_names, canonical); !reason.empty()) return reason;
  for (const auto& [beginning, reason] : refused_beginnings) {
    if (canonical.substr(0, beginning.size()) == beginning) return reason;
  }
  constexpr std::string_view callback = "_cb";
  const bool is_callback =
      canonical.size() > callback.size() && canonical.substr(canonical.size() - callback.size()) == callback;
  return is_callback ? loads_code : std::string_view{};
}

bool is_sensitive(std::string_view canonical) {
  return std::find(sensitive_names.begin(), sensitive_names.end(), canonical) != sensitive_names.end();
}

}  // namespace tailrace::kafka
