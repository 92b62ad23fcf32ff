// One list out of the settings of the file and what the user adds in either spelling.
#include "kafka/properties.h"

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <memory>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "kafka/jaas.h"
#include "kafka/property_names.h"

namespace tailrace::kafka {
namespace {

constexpr const char* properties_setting = "kafka.properties";

struct DestroyConf {
  void operator()(rd_kafka_conf_t* conf) const { rd_kafka_conf_destroy(conf); }
};

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

const char* name_of(SecurityProtocol protocol) {
  constexpr std::array names{"plaintext", "ssl", "sasl_plaintext", "sasl_ssl"};
  return names.at(static_cast<std::size_t>(protocol));
}

const char* name_of(SaslMechanism mechanism) {
  constexpr std::array names{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"};
  return names.at(static_cast<std::size_t>(mechanism));
}

const char* name_of(Compression compression) {
  constexpr std::array names{"lz4", "zstd", "snappy", "gzip", "none"};
  return names.at(static_cast<std::size_t>(compression));
}

// Puts the list together and keeps what is wrong.
class Merge {
 public:
  explicit Merge(const Settings& settings) : settings_(settings) {
    from_the_file();
    for (const auto& [name, value] : settings.properties)
      from_the_user(name, value);
    key_store();
    trust_store();
    defaults();
    login();
  }

  std::vector<PropertyFault>& faults() { return faults_; }
  const std::map<std::string, Secret, std::less<>>& values() const { return values_; }

 private:
  void complain(std::string setting, std::string message) {
    faults_.push_back({std::move(setting), std::move(message)});
  }
  void complain(std::string message) { complain(properties_setting, std::move(message)); }

  std::string value(std::string_view name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? std::string() : found->second.reveal();
  }

  // Two spellings, or a setting and a property, may say one thing twice; never two things.
  void put(std::string_view name, const Secret& value, std::string_view said_by) {
    const auto [place, fresh] = values_.emplace(name, value);
    if (fresh) {
      origins_.emplace(name, said_by);
    } else if (place->second.reveal() != value.reveal()) {
      complain(fmt::format("{} contradicts {}; keep one of them", said_by, origins_.find(name)->second));
    }
  }

  void from_the_file() {
    std::string servers;
    for (const std::string& server : settings_.bootstrap_servers)
      servers += (servers.empty() ? "" : ",") + server;
    if (!servers.empty()) put("bootstrap.servers", Secret(servers), "kafka.bootstrap_servers");
    if (settings_.security_protocol)
      put("security.protocol", Secret(name_of(*settings_.security_protocol)), "kafka.security_protocol");
    if (settings_.sasl_mechanism)
      put("sasl.mechanisms", Secret(name_of(*settings_.sasl_mechanism)), "kafka.sasl_mechanism");
    if (!settings_.user.empty()) put("sasl.username", Secret(settings_.user), "kafka.user");
    if (!settings_.password.empty()) put("sasl.password", settings_.password, "kafka.password");
    if (!settings_.ca_file.empty()) put("ssl.ca.location", Secret(settings_.ca_file), "kafka.tls.ca_file");
    if (!settings_.certificate_file.empty())
      put("ssl.certificate.location", Secret(settings_.certificate_file), "kafka.tls.certificate_file");
    if (!settings_.key_file.empty())
      put("ssl.key.location", Secret(settings_.key_file), "kafka.tls.key_file");
    if (!settings_.key_password.empty())
      put("ssl.key.password", settings_.key_password, "kafka.tls.key_password");
  }

  void from_the_user(const std::string& name, const Secret& value) {
    const std::string canonical(canonical_name(name));
    if (const std::string_view reason = refusal_of(canonical); !reason.empty()) {
      complain(fmt::format("{}: {}", name, reason));
    } else if (name == "sasl.jaas.config") {
      jaas(value);
    } else if (name == "ssl.keystore.certificate.chain") {
      put("ssl.certificate.pem", value, name);
    } else if (name == "ssl.keystore.key") {
      put("ssl.key.pem", value, name);
    } else if (name == "ssl.truststore.certificates") {
      put("ssl.ca.pem", value, name);
    } else if (name.rfind("ssl.keystore.", 0) == 0 || name.rfind("ssl.truststore.", 0) == 0) {
      stores_.emplace(name, value);
    } else if (canonical == "security.protocol") {
      put(canonical, Secret(lower(value.reveal())), name);
    } else if (canonical == "ssl.endpoint.identification.algorithm" && value.empty()) {
      put(canonical, Secret("none"), name);  // Kafka's way to say so.
    } else {
      put(canonical, value, name);
    }
  }

  void jaas(const Secret& value) {
    const std::optional<JaasLogin> login = parse_jaas(value.reveal());
    if (!login) {
      complain(
          "sasl.jaas.config: expected PlainLoginModule or ScramLoginModule of Kafka, `required`, and "
          "username=\"...\" password=\"...\"; with an end by ';'");
      return;
    }
    put("sasl.username", Secret(login->user), "sasl.jaas.config");
    put("sasl.password", login->password, "sasl.jaas.config");
    jaas_is_plain_ = login->plain;
  }

  std::string store(std::string_view name) const {
    const auto found = stores_.find(name);
    return found == stores_.end() ? std::string() : found->second.reveal();
  }

  // Java keeps key and certificate in one file; of its formats librdkafka reads PEM and PKCS #12.
  void key_store() {
    const std::string type = lower(store("ssl.keystore.type"));
    const std::string location = store("ssl.keystore.location");
    if (!type.empty() && type != "pem" && type != "pkcs12") {
      complain(
          "ssl.keystore.type: expected PEM or PKCS12; convert the store (keytool -importkeystore "
          "-deststoretype PKCS12)");
    } else if (type == "pem" && !location.empty()) {
      put("ssl.certificate.location", Secret(location), "ssl.keystore.location");
      put("ssl.key.location", Secret(location), "ssl.keystore.location");
    } else if (!location.empty()) {
      put("ssl.keystore.location", Secret(location), "ssl.keystore.location");
      put("ssl.keystore.password", Secret(store("ssl.keystore.password")), "ssl.keystore.password");
    }
  }

  void trust_store() {
    const std::string type = lower(store("ssl.truststore.type"));
    const std::string location = store("ssl.truststore.location");
    if (location.empty() && (type.empty() || type == "pem")) return;
    if (type != "pem") {
      complain(
          "ssl.truststore.type: expected PEM; convert the store (keytool -exportcert -rfc) and name the file "
          "in "
          "kafka.tls.ca_file");
      return;
    }
    put("ssl.ca.location", Secret(location), "ssl.truststore.location");
  }

  void defaults() {
    values_.try_emplace("client.id", Secret("tailrace"));
    values_.try_emplace("compression.codec", Secret(name_of(settings_.compression)));
    if (!settings_.verify_host) {
      put("ssl.endpoint.identification.algorithm", Secret("none"), "kafka.tls.verify_host");
    }
    // The end of what is committed is known when a request waits in vain: it is all that rows of the last transaction wait for.
    values_.try_emplace("fetch.wait.max.ms", Secret("100"));
    // A partition whose queue was full is read on when there is room again, not a second later.
    values_.try_emplace("fetch.queue.backoff.ms", Secret("20"));
    // Clusters may ask clients for their metrics; nobody here has agreed to that.
    values_.try_emplace("enable.metrics.push", Secret("false"));
    // A login that is not found out is one that is sent in the clear by mistake: nothing is guessed but plaintext.
    values_.try_emplace("security.protocol", Secret("plaintext"));
  }

  void login() {
    if (value("bootstrap.servers").empty())
      complain("kafka.bootstrap_servers", "is missing; name at least one broker as host:port");
    const std::string protocol = value("security.protocol");
    const bool sasl = protocol.rfind("sasl_", 0) == 0;
    const bool tls = protocol == "ssl" || protocol == "sasl_ssl";
    const std::string mechanism = value("sasl.mechanisms");
    const bool named = !value("sasl.username").empty();
    if (sasl && !named)
      complain("kafka.security_protocol",
               fmt::format("{} needs a login: set kafka.user and kafka.password", protocol));
    if (sasl && named && value("sasl.password").empty())
      complain("kafka.password", "is missing beside kafka.user");
    if (sasl && mechanism.empty()) {
      complain("kafka.sasl_mechanism", "is missing; expected one of plain, scram-sha-256, scram-sha-512");
    } else if (sasl && mechanism != "PLAIN" && mechanism != "SCRAM-SHA-256" && mechanism != "SCRAM-SHA-512") {
      complain("kafka.sasl_mechanism", "expected one of plain, scram-sha-256, scram-sha-512");
    } else if (sasl && jaas_is_plain_ && *jaas_is_plain_ != (mechanism == "PLAIN")) {
      complain("sasl.jaas.config names a login module of another mechanism than sasl.mechanism");
    }
    if (!sasl && named) {
      complain("kafka.security_protocol",
               fmt::format("{} has no login, and one is set; expected sasl_ssl or sasl_plaintext", protocol));
    }
    const bool certificates = std::any_of(values_.begin(), values_.end(), [](const auto& each) {
      return each.first == "ssl.ca.location" || each.first == "ssl.ca.pem" ||
             each.first == "ssl.certificate.location" || each.first == "ssl.certificate.pem" ||
             each.first == "ssl.keystore.location";
    });
    if (!tls && certificates) {
      complain("kafka.security_protocol",
               fmt::format("{} uses no TLS, and certificates are set; expected ssl or sasl_ssl", protocol));
    }
    if (value("ssl.certificate.location").empty() != value("ssl.key.location").empty())
      complain("kafka.tls.certificate_file",
               "a certificate and its key go together; set kafka.tls.key_file too");
  }

  const Settings& settings_;
  std::map<std::string, Secret, std::less<>> values_;
  std::map<std::string, std::string, std::less<>> origins_;
  std::map<std::string, Secret, std::less<>> stores_;
  std::optional<bool> jaas_is_plain_;
  std::vector<PropertyFault> faults_;
};

// librdkafka knows its properties and their values best.
void try_on_a_client(const Merge& merged, std::vector<PropertyFault>& faults) {
  const std::unique_ptr<rd_kafka_conf_t, DestroyConf> conf(rd_kafka_conf_new());
  for (const auto& [name, value] : merged.values()) {
    std::array<char, 512> said{};
    switch (rd_kafka_conf_set(conf.get(), name.c_str(), value.reveal().c_str(), said.data(), said.size())) {
      case RD_KAFKA_CONF_OK: break;
      case RD_KAFKA_CONF_UNKNOWN:
        faults.push_back({properties_setting,
                          fmt::format("{}: neither Kafka's clients nor librdkafka have it, or it is one "
                                      "of Java's alone; take it out",
                                      name)});
        break;
      case RD_KAFKA_CONF_INVALID:
        faults.push_back({properties_setting, is_sensitive(name)
                                                  ? fmt::format("{}: its value is not fit for it", name)
                                                  : fmt::format("{}: {}", name, said.data())});
        break;
    }
  }
}

}  // namespace

std::vector<PropertyFault> faults_of(const Settings& settings) {
  Merge merged(settings);
  std::vector<PropertyFault> out = std::move(merged.faults());
  try_on_a_client(merged, out);
  return out;
}

Properties client_properties(const Settings& settings) {
  const std::vector<PropertyFault> faults = faults_of(settings);
  if (!faults.empty()) {
    throw Error(ErrorKind::config, fmt::format("{}: {}", faults.front().setting, faults.front().message))
        .with("setting", faults.front().setting);
  }
  const Merge merged(settings);
  Properties out;
  out.reserve(merged.values().size());
  for (const auto& [name, value] : merged.values())
    out.emplace_back(name, value);
  return out;
}

}  // namespace tailrace::kafka
