// Asking a Schema Registry.
#include "registry/client.h"

#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "record/json_tree.h"

namespace tailrace::registry {
namespace {

using record::Json;

constexpr std::string_view media_type = "application/vnd.schemaregistry.v1+json";
constexpr std::size_t max_words = 600;

// Worth another try, here or at another URL.
bool is_passing(int status) {
  return status == 408 || status == 429 || status >= 500;
}

// What the registry says about it: {"error_code":409,"message":"..."}; in one line, and not all of it.
std::string words_of(const net::HttpAnswer& answer) {
  std::string words;
  try {
    const Json json = record::parse_json(answer.body);
    if (const std::string* const message = json.find_string("message")) words = *message;
  } catch (const Error&) {
    words = "an answer that is no JSON";  // A proxy's page: nobody reads that in a log.
  }
  for (char& c : words) {
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  }
  if (words.size() > max_words) words = words.substr(0, max_words) + "...";
  return words.empty() ? "HTTP status " + std::to_string(answer.status)
                       : "HTTP status " + std::to_string(answer.status) + ": " + words;
}

[[noreturn]] void refuse(ErrorKind kind, const std::string& what, const net::HttpAnswer& answer,
                         std::string_view remedy) {
  throw Error(kind, what + ": " + words_of(answer)).with("remedy", remedy);
}

constexpr std::string_view correct_login =
    "correct user, password and certificate of schema_registry, or give that user the right to read "
    "schemas and, where they are registered, to write them";
constexpr std::string_view see_its_words = "see the registry's words, and its log";

[[noreturn]] void not_a_registry(const std::string& what) {
  throw Error(ErrorKind::protocol, "The answer is none of a Schema Registry: " + what)
      .with("remedy", "correct the URL of schema_registry, with its path");
}

Json json_of(const net::HttpAnswer& answer) {
  try {
    return record::parse_json(answer.body);
  } catch (const Error&) {
    not_a_registry("no JSON");
  }
}

Json object_of(const net::HttpAnswer& answer) {
  Json json = json_of(answer);
  if (!json.is_object()) not_a_registry("no object");
  return json;
}

std::int32_t number_in(const Json& json, std::string_view name) {
  const Json* const found = json.find(name);
  const auto number = found != nullptr ? found->integer() : std::nullopt;
  if (!number || *number < 0 || *number > std::numeric_limits<std::int32_t>::max()) {
    not_a_registry("no " + std::string(name));
  }
  return static_cast<std::int32_t>(*number);
}

// Avro is what is meant where no type is said.
std::string document_in(const Json& json) {
  const std::string* const type = json.find_string("schemaType");
  if (type != nullptr && *type != "AVRO") {
    throw Error(ErrorKind::data, "A schema is of type " + *type + ", and Avro alone is read.");
  }
  const Json* const references = json.find("references");
  if (references != nullptr && !references->items.empty()) {
    throw Error(ErrorKind::data, "A schema refers to schemas of other subjects, which is not read.");
  }
  const std::string* const document = json.find_string("schema");
  if (document == nullptr) not_a_registry("no schema");
  return *document;
}

// 404 of what was asked for (40401 to 40499), not of the path: a wrong URL must not look like schemas that are gone.
bool is_missing(const net::HttpAnswer& answer) {
  if (answer.status != 404) return false;
  const Json json = object_of(answer);
  const Json* const code = json.find("error_code");
  const std::int64_t number = code != nullptr ? code->integer().value_or(0) : 0;
  if (number <= 40400 || number >= 40500) not_a_registry(words_of(answer));
  return true;
}

std::string body_of(const std::string& member, const std::string& value) {
  // What is no UTF-8 is no schema, and the registry says so.
  nlohmann::json body;
  body[member] = value;
  return body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string path_of(const std::string& subject) {
  return "/subjects/" + net::escaped_for_url(subject);
}

Registered registered_in(const net::HttpAnswer& answer) {
  const Json json = object_of(answer);
  return {number_in(json, "id"), number_in(json, "version"), document_in(json)};
}

}  // namespace

std::string_view name_of(Compatibility compatibility) {
  switch (compatibility) {
    case Compatibility::forward_transitive: return "FORWARD_TRANSITIVE";
    case Compatibility::forward: return "FORWARD";
    case Compatibility::backward: return "BACKWARD";
    case Compatibility::backward_transitive: return "BACKWARD_TRANSITIVE";
    case Compatibility::full: return "FULL";
    case Compatibility::full_transitive: return "FULL_TRANSITIVE";
    case Compatibility::none: return "NONE";
    case Compatibility::leave: break;
  }
  return "";
}

net::HttpSettings Settings::http() const {
  return {.user = user,
          .password = password,
          .ca_file = ca_file,
          .verify = verify,
          .certificate_file = certificate_file,
          .key_file = key_file,
          .key_password = key_password,
          .connect_timeout = connect_timeout,
          .timeout = request_timeout};
}

Client::Client(Settings settings) : settings_(std::move(settings)), http_(settings_.http()) {
  TAILRACE_ASSERT(!settings_.urls.empty());
  for (std::string& url : settings_.urls) {
    while (url.ends_with('/'))
      url.pop_back();
  }
}

net::HttpAnswer Client::ask(net::HttpRequest request, const std::string& path, const std::stop_token& stop) {
  request.headers.push_back("Accept: " + std::string(media_type) + ", application/json");
  std::string reasons;
  for (std::size_t tried = 0; tried < settings_.urls.size(); ++tried) {
    const std::string& url = settings_.urls[current_];
    request.url = url + path;
    std::string reason;
    try {
      net::HttpAnswer answer = http_.send(request, stop);
      if (answer.status == 401 || answer.status == 403)
        refuse(ErrorKind::auth, "The Schema Registry " + url + " refuses us", answer, correct_login);
      if (!is_passing(answer.status)) return answer;
      reason = url + ": " + words_of(answer);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::unavailable) throw;
      reason = error.message();
    }
    reasons += (reasons.empty() ? "" : "; ") + reason;
    current_ = (current_ + 1) % settings_.urls.size();
  }
  throw Error(ErrorKind::unavailable, "The Schema Registry does not answer. " + reasons);
}

net::HttpAnswer Client::get(const std::string& path, const std::stop_token& stop) {
  return ask({.method = "GET"}, path, stop);
}

net::HttpAnswer Client::send(const std::string& method, const std::string& path, std::string body,
                             const std::stop_token& stop) {
  net::HttpRequest request{.method = method, .body = std::move(body)};
  request.headers.push_back("Content-Type: " + std::string(media_type));
  return ask(std::move(request), path, stop);
}

std::int32_t Client::register_schema(const std::string& subject, const std::string& document,
                                     const std::stop_token& stop) {
  const net::HttpAnswer answer =
      send("POST", path_of(subject) + "/versions", body_of("schema", document), stop);
  if (answer.status == 200) return number_in(object_of(answer), "id");
  if (answer.status == 409) {
    refuse(ErrorKind::config, "The schema of subject " + subject + " is not compatible with those before it",
           answer,
           "consumers that read by the older ones could not read it: see what changed in the table, and set "
           "the subject's compatibility if it is meant");
  }
  refuse(ErrorKind::config, "The schema of subject " + subject + " was refused", answer, see_its_words);
}

std::optional<Registered> Client::find(const std::string& subject, const std::string& document,
                                       const std::stop_token& stop) {
  const net::HttpAnswer answer = send("POST", path_of(subject), body_of("schema", document), stop);
  if (answer.status == 200) return registered_in(answer);
  if (is_missing(answer)) return {};
  refuse(ErrorKind::config, "The schema of subject " + subject + " was not looked up", answer, see_its_words);
}

std::optional<Registered> Client::latest(const std::string& subject, const std::stop_token& stop) {
  const net::HttpAnswer answer = get(path_of(subject) + "/versions/latest", stop);
  if (answer.status == 200) return registered_in(answer);
  if (is_missing(answer)) return {};
  refuse(ErrorKind::config, "The latest schema of subject " + subject + " was not given", answer,
         see_its_words);
}

std::vector<std::int32_t> Client::versions(const std::string& subject, const std::stop_token& stop) {
  const net::HttpAnswer answer = get(path_of(subject) + "/versions", stop);
  if (is_missing(answer)) return {};
  if (answer.status != 200)
    refuse(ErrorKind::config, "The versions of subject " + subject + " were not given", answer,
           see_its_words);
  const Json json = json_of(answer);
  if (!json.is_array()) not_a_registry("no list of versions");
  std::vector<std::int32_t> found;
  for (const Json& version : json.items)
    found.push_back(static_cast<std::int32_t>(version.integer().value_or(0)));
  return found;
}

std::string Client::document(std::int32_t id, const std::stop_token& stop) {
  const net::HttpAnswer answer = get("/schemas/ids/" + std::to_string(id), stop);
  if (answer.status == 200) return document_in(object_of(answer));
  if (is_missing(answer)) {
    refuse(ErrorKind::data, "The Schema Registry has no schema " + std::to_string(id), answer,
           "give the registry that the record was written with, or bring back the schema if it was deleted");
  }
  refuse(ErrorKind::config, "Schema " + std::to_string(id) + " was not given", answer, see_its_words);
}

std::optional<std::string> Client::compatibility(const std::string& subject, const std::stop_token& stop) {
  const net::HttpAnswer answer = get("/config/" + net::escaped_for_url(subject), stop);
  if (is_missing(answer)) return {};
  if (answer.status != 200)
    refuse(ErrorKind::config, "The compatibility of subject " + subject + " was not given", answer,
           see_its_words);
  const Json json = object_of(answer);
  const std::string* const level = json.find_string("compatibilityLevel");
  if (level == nullptr) not_a_registry("no compatibilityLevel");
  return *level;
}

bool Client::set_compatibility(const std::string& subject, std::string_view level,
                               const std::stop_token& stop) {
  const net::HttpAnswer answer = send("PUT", "/config/" + net::escaped_for_url(subject),
                                      body_of("compatibility", std::string(level)), stop);
  if (is_missing(answer)) return false;
  if (answer.status != 200)
    refuse(ErrorKind::config, "The compatibility of subject " + subject + " was not set", answer,
           see_its_words);
  return true;
}

}  // namespace tailrace::registry
