// librdkafka's properties of a client: what the settings say, in whichever spelling, and what tailrace itself insists on.
//
// Shape    Kafka's Java clients and librdkafka name the same things differently; both names are taken, and two that say
//          different things about one are a fault. What exactly-once rests on (idempotence, isolation, offsets,
//          partitioner, acks) is tailrace's: naming it is a fault as well.
// Errors   client_properties() throws config with the first fault.
// Source   librdkafka 2.12 CONFIGURATION.md; Kafka 4.3 documentation, 3.3-3.5; KIP-651 (PEM).
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "base/secret.h"
#include "kafka/settings.h"

namespace tailrace::kafka {

using Properties = std::vector<std::pair<std::string, Secret>>;

struct PropertyFault {
  std::string setting;  // At whose line it is reported: kafka.properties, kafka.user ...
  std::string message;  // Never with a value.
};

// Everything that is wrong, without asking a broker.
std::vector<PropertyFault> faults_of(const Settings& settings);

// Brokers, login, TLS and what the user adds, in librdkafka's spelling: of every kind of client.
Properties client_properties(const Settings& settings);

}  // namespace tailrace::kafka
