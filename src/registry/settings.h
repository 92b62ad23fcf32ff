// What the client of a Schema Registry needs to know; the settings table of the configuration fills it.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/secret.h"
#include "net/http_client.h"
#include "registry/subject.h"

namespace tailrace::registry {

// Confluent's levels; `leave`: none is set.
enum class Compatibility {
  forward_transitive,
  forward,
  backward,
  backward_transitive,
  full,
  full_transitive,
  none,
  leave
};

struct Settings {
  std::vector<std::string> urls;  // Of one registry; the next is asked where one does not answer.
  std::string user;
  Secret password;
  std::string ca_file;  // Empty: the system's.
  bool verify = true;
  std::string certificate_file;
  std::string key_file;
  Secret key_password;
  std::chrono::milliseconds connect_timeout{10'000};
  std::chrono::milliseconds request_timeout{30'000};

  bool auto_register = true;
  // Of a subject that we were the first to register a schema in.
  Compatibility compatibility = Compatibility::forward_transitive;
  SubjectStrategy key_subject = SubjectStrategy::topic;
  SubjectStrategy value_subject = SubjectStrategy::topic;

  net::HttpSettings http() const;
};

}  // namespace tailrace::registry
