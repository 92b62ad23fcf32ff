// The Schema Registry's REST interface, one call after the other.
//
// Shape    Each call asks the URL that answered last, and the others in turn where one does not answer or answers that it cannot.
// Errors   unavailable: none of them answers. auth: refused (401, 403). config: a schema that is refused, with the registry's own
//          words. data: an id that is not there. protocol: answers that are none of a Schema Registry. abandoned: stopped.
// Threads  A client is of one thread; a stop may come from any.
// Source   Confluent Schema Registry, API Reference (7.x): Schemas, Subjects, Config; its error codes.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "net/http_client.h"
#include "registry/settings.h"

namespace tailrace::registry {

struct Registered {
  std::int32_t id = 0;
  std::int32_t version = 0;
  std::string document = {};
  bool operator==(const Registered&) const = default;
};

class Client {
 public:
  explicit Client(Settings settings);

  const Settings& settings() const { return settings_; }

  // The schema's id; the same document again is the same id.
  std::int32_t register_schema(const std::string& subject, const std::string& document,
                               const std::stop_token& stop);
  // A schema as it is registered under the subject; nothing where it, or the subject, is not there.
  std::optional<Registered> find(const std::string& subject, const std::string& document,
                                 const std::stop_token& stop);
  std::optional<Registered> latest(const std::string& subject, const std::stop_token& stop);
  // From 1; empty where the subject is not there.
  std::vector<std::int32_t> versions(const std::string& subject, const std::stop_token& stop);
  // Throws data where the id is not there.
  std::string document(std::int32_t id, const std::stop_token& stop);

  // The subject's own level, nothing where the registry's is in force: FORWARD_TRANSITIVE. Apicurio says the registry's for a subject
  // that has schemas and no level.
  std::optional<std::string> compatibility(const std::string& subject, const std::stop_token& stop);
  // False where the registry takes none before the subject has a schema.
  bool set_compatibility(const std::string& subject, std::string_view level, const std::stop_token& stop);

 private:
  net::HttpAnswer ask(net::HttpRequest request, const std::string& path, const std::stop_token& stop);
  net::HttpAnswer get(const std::string& path, const std::stop_token& stop);
  net::HttpAnswer send(const std::string& method, const std::string& path, std::string body,
                       const std::stop_token& stop);

  Settings settings_;
  net::HttpClient http_;
  std::size_t current_ = 0;  // The URL that answered last.
};

// As the registry writes it; "" for leave.
std::string_view name_of(Compatibility compatibility);

}  // namespace tailrace::registry
