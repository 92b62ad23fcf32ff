// Where the Schema Registry is and how it is used: names, defaults, bounds.
#include "registry/settings_table.h"

#include <fmt/format.h>

#include "config/units.h"

namespace tailrace::registry {
namespace {

using config::bind;
using config::Binding;
using config::Complaint;
using config::Document;
using config::minute_ms;
using config::SettingType;

std::vector<Binding<Settings>> address(const std::string& prefix) {
  return {
      bind<Settings>(
          {.name = prefix + ".urls",
           .type = SettingType::list,
           .help = "Addresses of one Schema Registry, with its path if it has one; the next is asked where "
                   "one does not "
                   "answer. Credentials have settings of their own.",
           .example = "[https://registry.example.com:8081]"},
          [](Settings & s) -> auto& { return s.urls; }),
      bind<Settings>(
          {.name = prefix + ".user",
           .help = "For basic authentication; without it there is none.",
           .example = "tailrace"},
          [](Settings & s) -> auto& { return s.user; }),
      bind<Settings>(
          {.name = prefix + ".password",
           .help = "Its password, as a reference.",
           .example = "${env:REGISTRY_PASSWORD}",
           .secret = true},
          [](Settings & s) -> auto& { return s.password; }),
      bind<Settings>(
          {.name = prefix + ".connect_timeout",
           .type = SettingType::duration,
           .help = "How long one attempt to connect may take.",
           .fallback = "10s",
           .minimum = 100,
           .maximum = 10 * minute_ms},
          [](Settings & s) -> auto& { return s.connect_timeout; }),
      bind<Settings>(
          {.name = prefix + ".request_timeout",
           .type = SettingType::duration,
           .help = "How long one request may take, with its answer.",
           .fallback = "30s",
           .minimum = 100,
           .maximum = 10 * minute_ms},
          [](Settings & s) -> auto& { return s.request_timeout; }),
  };
}

std::vector<Binding<Settings>> tls(const std::string& prefix) {
  return {
      bind<Settings>(
          {.name = prefix + ".ca_file",
           .help =
               "Certificates of the authorities that may vouch for the registry, in PEM; else the system's.",
           .example = "/etc/ssl/corp-ca.pem"},
          [](Settings & s) -> auto& { return s.ca_file; }),
      bind<Settings>(
          {.name = prefix + ".verify",
           .type = SettingType::boolean,
           .help = "Whether the registry must prove that it is the server of its URL.",
           .fallback = "true"},
          [](Settings & s) -> auto& { return s.verify; }),
      bind<Settings>(
          {.name = prefix + ".certificate_file",
           .help = "Our own certificate, in PEM, where the registry asks for one.",
           .example = "/run/secrets/registry.pem"},
          [](Settings & s) -> auto& { return s.certificate_file; }),
      bind<Settings>(
          {.name = prefix + ".key_file",
           .help = "The key of that certificate, in PEM.",
           .example = "/run/secrets/registry.key"},
          [](Settings & s) -> auto& { return s.key_file; }),
      bind<Settings>(
          {.name = prefix + ".key_password",
           .help = "The password of that key, as a reference.",
           .example = "${file:/run/secrets/registry_key_password}",
           .secret = true},
          [](Settings & s) -> auto& { return s.key_password; }),
  };
}

std::vector<Binding<Settings>> subjects(const std::string& prefix) {
  const std::vector<std::string> strategies{"topic", "record", "topic_record"};
  const std::string help =
      " are registered under: the topic's name with -key or -value, the record's name, or both joined by a "
      "hyphen "
      "(TopicNameStrategy, RecordNameStrategy, TopicRecordNameStrategy).";
  return {
      bind<Settings>(
          {.name = prefix + ".auto_register",
           .type = SettingType::boolean,
           .help = "Schemas that are not in the registry are put there; else that is an error.",
           .fallback = "true"},
          [](Settings & s) -> auto& { return s.auto_register; }),
      bind<Settings>(
          {.name = prefix + ".compatibility",
           .type = SettingType::choice,
           .help = "The compatibility level of a subject whose first schema tailrace has registered; leave: "
                   "the registry's own.",
           .fallback = "FORWARD_TRANSITIVE",
           .choices = {"FORWARD_TRANSITIVE", "FORWARD", "BACKWARD", "BACKWARD_TRANSITIVE", "FULL",
                       "FULL_TRANSITIVE", "NONE", "leave"}},
          [](Settings & s) -> auto& { return s.compatibility; }),
      bind<Settings>(
          {.name = prefix + ".key_subject",
           .type = SettingType::choice,
           .help = "What keys' schemas" + help,
           .fallback = "topic",
           .choices = strategies},
          [](Settings & s) -> auto& { return s.key_subject; }),
      bind<Settings>(
          {.name = prefix + ".value_subject",
           .type = SettingType::choice,
           .help = "What values' schemas" + help,
           .fallback = "topic",
           .choices = strategies},
          [](Settings & s) -> auto& { return s.value_subject; }),
  };
}

void check_urls(const std::string& prefix, const Document& document, std::vector<Complaint>& complaints) {
  if (!document.has(prefix + ".urls")) return;
  for (const std::string& url : document.read(prefix + ".urls").items) {
    const std::string fault = net::fault_of_url(url);
    // Not the URL itself: there may be a password in it.
    if (!fault.empty())
      complaints.push_back({prefix + ".urls", fmt::format("an address does not do: {}", fault), nullptr});
  }
}

void check_pairs(const std::string& prefix, const Document& document, std::vector<Complaint>& complaints) {
  const auto needs = [&](const std::string& one, const std::string& other) {
    if (!document.has(prefix + "." + one) || document.has(prefix + "." + other)) return;
    complaints.push_back(
        {prefix + "." + one, fmt::format("is of no use without {}.{}", prefix, other), nullptr});
  };
  needs("password", "user");
  needs("key_file", "certificate_file");
  needs("certificate_file", "key_file");
  needs("key_password", "key_file");
}

}  // namespace

std::vector<Binding<Settings>> settings_bindings(const std::string& prefix) {
  std::vector<Binding<Settings>> all = address(prefix);
  for (const auto& more : {tls(prefix), subjects(prefix)})
    all.insert(all.end(), more.begin(), more.end());
  return all;
}

std::vector<config::Rule> settings_rules(const std::string& prefix) {
  return {
      [prefix](const Document& document, std::vector<Complaint>& complaints) {
        check_urls(prefix, document, complaints);
      },
      [prefix](const Document& document, std::vector<Complaint>& complaints) {
        check_pairs(prefix, document, complaints);
      },
  };
}

}  // namespace tailrace::registry
