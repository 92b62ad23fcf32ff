// How a Kafka cluster is reached; the settings table of the configuration fills it.
//
// Units  sizes in bytes, durations are std::chrono.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/secret.h"

namespace tailrace::kafka {

enum class SecurityProtocol { plaintext, ssl, sasl_plaintext, sasl_ssl };
enum class SaslMechanism { plain, scram_sha_256, scram_sha_512 };
enum class Compression { lz4, zstd, snappy, gzip, none };

struct Settings {
  std::vector<std::string> bootstrap_servers;         // host:port
  std::optional<SecurityProtocol> security_protocol;  // None: as the properties say, else plaintext.
  std::optional<SaslMechanism> sasl_mechanism;
  std::string user;
  Secret password;

  std::string ca_file;           // PEM. Empty: the system's.
  std::string certificate_file;  // PEM, for brokers that ask for one.
  std::string key_file;          // PEM.
  Secret key_password;
  bool verify_host = true;  // The certificate's name is held against the broker's.

  Compression compression = Compression::lz4;
  // Records that a producer holds until the broker has them. 64 MiB cost 134 MB of memory in all (K1c).
  std::size_t producer_memory_bytes = std::size_t{16} << 20;
  // Records that a consumer holds ahead of its reader, of all its partitions together.
  std::size_t consumer_memory_bytes = std::size_t{16} << 20;
  // What is neither reached nor answered within this is `unavailable`.
  std::chrono::milliseconds patience{30'000};

  // Further properties of the client, in Kafka's spelling or in librdkafka's. Any may hold a secret.
  std::map<std::string, Secret> properties;
};

}  // namespace tailrace::kafka
