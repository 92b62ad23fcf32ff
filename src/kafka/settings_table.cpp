// How the cluster is reached: names, defaults, bounds.
#include "kafka/settings_table.h"

#include <algorithm>

#include "config/units.h"
#include "kafka/properties.h"

namespace tailrace::kafka {
namespace {

using config::bind;
using config::Binding;
using config::Complaint;
using config::Document;
using config::mebibyte;
using config::minute_ms;
using config::SettingType;

std::vector<Binding<Settings>> login() {
  return {
      bind<Settings>(
          {.name = "kafka.bootstrap_servers",
           .type = SettingType::list,
           .help = "Brokers to begin with, host:port; the others are learned from them.",
           .example = "[kafka01.example.com:9092, kafka02.example.com:9092]"},
          [](Settings & s) -> auto& { return s.bootstrap_servers; }),
      bind<Settings>(
          {.name = "kafka.security_protocol",
           .type = SettingType::choice,
           .help = "Whether TLS (ssl) and a login (sasl) are used. Without it plaintext, unless "
                   "`kafka.properties` has security.protocol.",
           .choices = {"plaintext", "ssl", "sasl_plaintext", "sasl_ssl"}},
          [](Settings & s) -> auto& { return s.security_protocol; }),
      bind<Settings>(
          {.name = "kafka.sasl_mechanism",
           .type = SettingType::choice,
           .help = "How the login is proved.",
           .choices = {"plain", "scram-sha-256", "scram-sha-512"}},
          [](Settings & s) -> auto& { return s.sasl_mechanism; }),
      bind<Settings>(
          {.name = "kafka.user", .help = "Of the login (SASL).", .example = "tailrace"},
          [](Settings & s) -> auto& { return s.user; }),
      bind<Settings>(
          {.name = "kafka.password",
           .help = "Its password, as a reference; it is read again at every attempt to connect.",
           .example = "${env:KAFKA_PASSWORD}",
           .secret = true},
          [](Settings & s) -> auto& { return s.password; }),
  };
}

std::vector<Binding<Settings>> tls() {
  return {
      bind<Settings>(
          {.name = "kafka.tls.ca_file",
           .help = "Certificates (PEM) that brokers' are checked against; else the system's.",
           .example = "/etc/ssl/corp-ca.pem"},
          [](Settings & s) -> auto& { return s.ca_file; }),
      bind<Settings>(
          {.name = "kafka.tls.certificate_file",
           .help = "Certificate (PEM) of this client, for brokers that ask for one (mTLS)."},
          [](Settings & s) -> auto& { return s.certificate_file; }),
      bind<Settings>(
          {.name = "kafka.tls.key_file", .help = "Its private key (PEM)."},
          [](Settings & s) -> auto& { return s.key_file; }),
      bind<Settings>(
          {.name = "kafka.tls.key_password", .help = "Of that key, as a reference.", .secret = true},
          [](Settings & s) -> auto& { return s.key_password; }),
      bind<Settings>(
          {.name = "kafka.tls.verify_host",
           .type = SettingType::boolean,
           .help = "Whether a broker's certificate must carry the broker's name.",
           .fallback = "true"},
          [](Settings & s) -> auto& { return s.verify_host; }),
  };
}

std::vector<Binding<Settings>> rest() {
  return {
      bind<Settings>(
          {.name = "kafka.compression",
           .type = SettingType::choice,
           .help = "Of the records that are written.",
           .fallback = "lz4",
           .choices = {"lz4", "zstd", "snappy", "gzip", "none"}},
          [](Settings & s) -> auto& { return s.compression; }),
      bind<Settings>(
          {.name = "kafka.producer_memory",
           .type = SettingType::bytes,
           .help = "Records that a producer holds until the brokers have them.",
           .fallback = "16MiB",
           .minimum = 8 * mebibyte,
           .maximum = 1024 * mebibyte},
          [](Settings & s) -> auto& { return s.producer_memory_bytes; }),
      bind<Settings>(
          {.name = "kafka.consumer_memory",
           .type = SettingType::bytes,
           .help = "Records that a consumer reads ahead, of all its partitions together.",
           .fallback = "16MiB",
           .minimum = 1 * mebibyte,
           .maximum = 1024 * mebibyte},
          [](Settings & s) -> auto& { return s.consumer_memory_bytes; }),
      bind<Settings>(
          {.name = "kafka.patience",
           .type = SettingType::duration,
           .help = "How long an answer of the cluster is waited for before it counts as unavailable.",
           .fallback = "30s",
           .minimum = 1'000,
           .maximum = 10 * minute_ms},
          [](Settings & s) -> auto& { return s.patience; }),
      {{.name = "kafka.properties",
        .type = SettingType::map,
        .help = "Further properties of the client, named as Kafka's Java clients or as librdkafka name them. "
                "Those on "
                "which exactly-once rests are refused.",
        .example = "{ client.rack: eu-west-1a, socket.keepalive.enable: true }",
        .secret = true},
       [](Settings& s, const std::string&, const config::Value& value) {
         s.properties.clear();
         for (const auto& [name, text] : value.pairs)
           s.properties.insert_or_assign(name, Secret(text));
       }},
  };
}

// What contradicts itself, or would break what tailrace promises, is found before a broker is asked.
void fit_together(const Document& document, std::vector<Complaint>& complaints) {
  const std::vector<config::Entry>& entries = document.entries();
  const bool ours = std::any_of(entries.begin(), entries.end(), [](const config::Entry& entry) {
    return entry.setting->name.rfind("kafka.", 0) == 0;
  });
  if (!ours) return;
  const bool valid = std::all_of(entries.begin(), entries.end(), [](const config::Entry& entry) {
    return entry.valid || entry.setting->name.rfind("kafka.", 0) != 0;
  });
  if (!valid) return;  // What is wrong with one is said already.
  Settings settings;
  config::fill(settings, settings_bindings(), document);
  for (const PropertyFault& fault : faults_of(settings))
    complaints.push_back({fault.setting, fault.message, nullptr});
}

}  // namespace

const std::vector<Binding<Settings>>& settings_bindings() {
  static const std::vector<Binding<Settings>> all = [] {
    std::vector<Binding<Settings>> out = login();
    for (const std::vector<Binding<Settings>>& more : {tls(), rest()})
      out.insert(out.end(), more.begin(), more.end());
    return out;
  }();
  return all;
}

config::Table settings_table() {
  return config::table_of(settings_bindings(), {fit_together});
}

}  // namespace tailrace::kafka
