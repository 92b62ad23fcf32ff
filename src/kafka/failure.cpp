// Codes to kinds, as one table in words.
#include "kafka/failure.h"

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>

namespace tailrace::kafka {
namespace {

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// One code for all that TLS can meet; OpenSSL's reason tells whose fault it is.
ErrorKind kind_of_tls(std::string_view text) {
  if (has(text, "certificate verify failed"))
    return ErrorKind::config;  // kafka.tls.ca_file, or another server.
  if (has(text, "alert certificate required") || has(text, "alert bad certificate") ||
      has(text, "alert unknown ca") || has(text, "alert certificate unknown"))
    return ErrorKind::auth;       // The broker does not take ours.
  return ErrorKind::unavailable;  // Cut off; a broker that speaks no TLS.
}

// A broker that goes away in the middle of a login is no refusal.
ErrorKind kind_of_login(std::string_view text) {
  const bool lost = has(text, rd_kafka_err2str(RD_KAFKA_RESP_ERR__TRANSPORT)) ||
                    has(text, rd_kafka_err2str(RD_KAFKA_RESP_ERR__TIMED_OUT)) || has(text, "Disconnected");
  return lost ? ErrorKind::unavailable : ErrorKind::auth;
}

bool is_missing_right(int code) {
  switch (code) {
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED: return true;
    default: return false;
  }
}

bool is_refused_record(int code) {
  switch (code) {
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE:
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
    case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP: return true;
    default: return false;
  }
}

bool is_fence(int code) {
  switch (code) {
    case RD_KAFKA_RESP_ERR__FENCED:
    case RD_KAFKA_RESP_ERR_PRODUCER_FENCED:
    case RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH:
    case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID: return true;
    default: return false;
  }
}

bool is_gap(int code) {
  switch (code) {
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR__LOG_TRUNCATION:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_ID: return true;
    default: return false;
  }
}

// What only a person can mend: a name, a number, a topic, a version.
bool is_config(int code) {
  switch (code) {
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
    case RD_KAFKA_RESP_ERR_INVALID_GROUP_ID:
    case RD_KAFKA_RESP_ERR_INCONSISTENT_GROUP_PROTOCOL:
    case RD_KAFKA_RESP_ERR_INVALID_SESSION_TIMEOUT:
    case RD_KAFKA_RESP_ERR_GROUP_MAX_SIZE_REACHED:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM:
    case RD_KAFKA_RESP_ERR_ILLEGAL_SASL_STATE:
    case RD_KAFKA_RESP_ERR_SECURITY_DISABLED:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_FOR_MESSAGE_FORMAT:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_COMPRESSION_TYPE:
    case RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS:
    case RD_KAFKA_RESP_ERR_INVALID_PARTITIONS:
    case RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR:
    case RD_KAFKA_RESP_ERR_INVALID_REPLICA_ASSIGNMENT:
    case RD_KAFKA_RESP_ERR_INVALID_CONFIG:
    case RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT:
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION: return true;
    default: return false;
  }
}

// It comes right by doing it again from the stored position: a rebalance, a producer that the broker has forgotten.
bool is_conflict(int code) {
  switch (code) {
    case RD_KAFKA_RESP_ERR__ASSIGNMENT_LOST:
    case RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED:
    case RD_KAFKA_RESP_ERR__INCONSISTENT:
    case RD_KAFKA_RESP_ERR__GAPLESS_GUARANTEE:
    case RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID:
    case RD_KAFKA_RESP_ERR_FENCED_MEMBER_EPOCH:
    case RD_KAFKA_RESP_ERR_STALE_MEMBER_EPOCH:
    case RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER:
    case RD_KAFKA_RESP_ERR_DUPLICATE_SEQUENCE_NUMBER:
    case RD_KAFKA_RESP_ERR_UNKNOWN_PRODUCER_ID:
    case RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING:
    case RD_KAFKA_RESP_ERR_INVALID_TXN_STATE: return true;
    default: return false;
  }
}

bool is_protocol(int code) {
  switch (code) {
    case RD_KAFKA_RESP_ERR__BAD_MSG:
    case RD_KAFKA_RESP_ERR__BAD_COMPRESSION:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PROTOCOL:
    case RD_KAFKA_RESP_ERR__UNDERFLOW: return true;
    default: return false;
  }
}

// Calls that this program should not have made.
bool is_internal(int code) {
  switch (code) {
    case RD_KAFKA_RESP_ERR__INVALID_ARG:
    case RD_KAFKA_RESP_ERR__STATE:
    case RD_KAFKA_RESP_ERR__CONFLICT:
    case RD_KAFKA_RESP_ERR__NOT_CONFIGURED:
    case RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED:
    case RD_KAFKA_RESP_ERR__EXISTING_SUBSCRIPTION:
    case RD_KAFKA_RESP_ERR__READ_ONLY:
    case RD_KAFKA_RESP_ERR__INVALID_TYPE:
    case RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE:
    case RD_KAFKA_RESP_ERR_INVALID_REQUIRED_ACKS:
    case RD_KAFKA_RESP_ERR_INVALID_REQUEST: return true;
    default: return false;
  }
}

// Of "a, b": kafka-acls.sh takes several.
std::string topic_words(std::string_view names) {
  std::string out = "--topic ";
  for (std::size_t at = names.find(", "); at != std::string_view::npos; at = names.find(", ")) {
    out += names.substr(0, at);
    out += " --topic ";
    names.remove_prefix(at + 2);
  }
  return out.append(names);
}

// Brokers do not say which right is missing: the call knows what it needs.
std::string grant_of(int code, const Resource& resource) {
  const auto right = [&](std::string_view usual) { return resource.right.empty() ? usual : resource.right; };
  std::string words;
  switch (code) {
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
      words = fmt::format("--operation {} {}", right("Describe"), topic_words(resource.name));
      break;
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
      words = fmt::format("--operation {} --group {}", right("Read"), resource.name);
      break;
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
      words = fmt::format("--operation Write --operation Describe --transactional-id {}", resource.name);
      break;
    default: words = fmt::format("--operation {} --cluster", right("IdempotentWrite"));
  }
  return grant_remedy(words);
}

std::string_view remedy_of(int code) {
  switch (code) {
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART: return "create the topic, or correct its name";
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE: return "raise the topic's max.message.bytes";
    case RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT:
      return "raise the broker's transaction.max.timeout.ms";
    default: return {};
  }
}

std::string flags_of(const Failure& failure) {
  std::string out;
  const auto add = [&out](bool is_set, std::string_view name) {
    if (!is_set) return;
    if (!out.empty()) out += ',';
    out += name;
  };
  add(failure.fatal, "fatal");
  add(failure.retriable, "retriable");
  add(failure.abortable, "abortable");
  return out;
}

}  // namespace

std::string name_of(int code) {
  return rd_kafka_err2name(static_cast<rd_kafka_resp_err_t>(code));
}

ErrorKind kind_of(const Failure& failure) {
  const int code = failure.code;
  if (is_refused_record(code)) return ErrorKind::data;
  if (is_missing_right(code)) return ErrorKind::config;
  if (is_fence(code)) return ErrorKind::fenced;
  if (failure.abortable) return ErrorKind::conflict;
  if (code == RD_KAFKA_RESP_ERR__AUTHENTICATION) return kind_of_login(failure.text);
  if (code == RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED) return ErrorKind::auth;
  // TLS 1.3 refuses a client's certificate when the first answer is read, which is no matter of TLS to librdkafka.
  if (code == RD_KAFKA_RESP_ERR__SSL ||
      (code == RD_KAFKA_RESP_ERR__TRANSPORT && has(failure.text, "SSL routines")))
    return kind_of_tls(failure.text);
  if (is_gap(code)) return ErrorKind::gap;
  if (is_config(code)) return ErrorKind::config;
  if (is_conflict(code)) return ErrorKind::conflict;
  if (is_protocol(code)) return ErrorKind::protocol;
  if (is_internal(code)) return ErrorKind::internal;
  // Brokers away, leaders and coordinators on the move, time that ran out, and codes that newer brokers may send: all may
  // be well later, and trying again loses nothing.
  return ErrorKind::unavailable;
}

Error error_of(const Failure& failure, std::string_view purpose, Resource resource) {
  Error error(kind_of(failure), fmt::format("{}: {}", purpose, failure.text));
  error.with("kafka", name_of(failure.code));
  if (!resource.type.empty()) error.with(resource.type, resource.name);
  if (const std::string flags = flags_of(failure); !flags.empty()) error.with("flags", flags);
  if (is_missing_right(failure.code)) {
    error.with("remedy", grant_of(failure.code, resource));
  } else if (const std::string_view remedy = remedy_of(failure.code); !remedy.empty()) {
    error.with("remedy", remedy);
  } else if (error.kind() == ErrorKind::auth && has(failure.text, "certificate")) {
    error.with(
        "remedy",
        "set kafka.tls.certificate_file and kafka.tls.key_file to a certificate that the brokers take");
  } else if (error.kind() == ErrorKind::config && has(failure.text, "certificate verify failed")) {
    error.with(
        "remedy",
        "correct kafka.tls.ca_file, or the address: a broker's certificate carries the names that it is "
        "reached by");
  }
  return error;
}

std::string reason_of(const Error& error) {
  std::string out = error.message();
  for (const auto& [key, value] : error.context()) {
    const bool is_said = error.message().find(value) != std::string::npos;
    if (key != "remedy" && !is_said) out += fmt::format("; {}: {}", key, value);
  }
  return out;
}

std::string grant_remedy(std::string_view words) {
  return fmt::format(
      "give the login the right: kafka-acls.sh --add --allow-principal User:... {}; `tailrace schema CONFIG "
      "--grants` prints all that it needs",
      words);
}

bool is_abortable(const Error& error) {
  return has(error.context("flags"), "abortable");
}

bool is_fatal(const Error& error) {
  return has(error.context("flags"), "fatal");
}

}  // namespace tailrace::kafka
