// Making and ending handles; what they say; waiting.
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/log.h"
#include "kafka/client_internal.h"

namespace tailrace::kafka {
namespace {

using Clock = std::chrono::steady_clock;

// What librdkafka copes with by itself is news for those who ask; syslog's levels.
void on_log(const rd_kafka_t*, int level, const char* facility, const char* text) {
  constexpr int warning = 4;
  // Properties of a producer at a consumer and the like: one list serves all kinds of clients.
  const bool about_properties = std::string_view(facility) == "CONFWARN";
  log::write(level <= warning && !about_properties ? log::Level::warn : log::Level::debug, "kafka.client",
             {{"facility", facility}, {"text", text}});
}

bool needs_a_person(const Failure& failure) {
  const ErrorKind kind = kind_of(failure);
  return kind == ErrorKind::auth || kind == ErrorKind::config;
}

// librdkafka says which property failed, and OpenSSL that there is no such file; nobody says which file.
void check_file(const std::string& property, const std::string& path) {
  constexpr std::string_view ending = ".location";
  const bool names_a_file = property.rfind("ssl.", 0) == 0 && property.size() > ending.size() &&
                            property.compare(property.size() - ending.size(), ending.size(), ending) == 0;
  if (!names_a_file || path == "probe") return;  // librdkafka's word for looking for the system's.
  if (::access(path.c_str(), R_OK) == 0) return;
  throw Error(ErrorKind::config, fmt::format("{} cannot be read: {}", path, std::strerror(errno)))
      .with("property", property)
      .with("remedy", "correct the file's name or its rights (kafka.tls, kafka.properties)");
}

}  // namespace

Failure failure_of(const rd_kafka_error_t& error) {
  return {rd_kafka_error_code(&error), rd_kafka_error_string(&error), rd_kafka_error_is_fatal(&error) != 0,
          rd_kafka_error_is_retriable(&error) != 0, rd_kafka_error_txn_requires_abort(&error) != 0};
}

Failure failure_of(rd_kafka_resp_err_t code) {
  return {code, rd_kafka_err2str(code)};
}

std::optional<Failure> answer_of(rd_kafka_error_t* error) {
  const ErrorPtr owned(error);
  if (owned == nullptr) return std::nullopt;
  return failure_of(*owned);
}

void check(rd_kafka_error_t* error, std::string_view purpose, Resource resource) {
  if (const ErrorPtr owned(error); owned != nullptr) throw error_of(failure_of(*owned), purpose, resource);
}

void check(rd_kafka_resp_err_t code, std::string_view purpose, Resource resource) {
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) throw error_of(failure_of(code), purpose, resource);
}

void Client::Destroy::operator()(rd_kafka_t* handle) const {
  if (rd_kafka_type(handle) == RD_KAFKA_PRODUCER) {
    // Nothing is sent any more: what was not committed comes again.
    rd_kafka_purge(handle,
                   RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING);
  }
  // A member of a group has left it before (Consumer::leave).
  rd_kafka_destroy_flags(handle, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

Client::Client(rd_kafka_type_t type, const Settings& settings, const Properties& own,
               std::function<void(const rd_kafka_message_t&)> delivered)
    : servers_(fmt::format("{}", fmt::join(settings.bootstrap_servers, ", "))),
      said_(std::make_unique<Said>()) {
  said_->delivered = std::move(delivered);
  std::unique_ptr<rd_kafka_conf_t, decltype(&rd_kafka_conf_destroy)> conf(rd_kafka_conf_new(),
                                                                          rd_kafka_conf_destroy);
  Properties all = client_properties(settings);
  all.insert(all.end(), own.begin(), own.end());
  std::array<char, 512> text{};
  for (const auto& [name, value] : all) {
    check_file(name, value.reveal());
    if (rd_kafka_conf_set(conf.get(), name.c_str(), value.reveal().c_str(), text.data(), text.size()) !=
        RD_KAFKA_CONF_OK)
      throw Error(ErrorKind::config, fmt::format("Kafka's client does not take its property {}", name));
  }
  rd_kafka_conf_set_opaque(conf.get(), said_.get());
  rd_kafka_conf_set_log_cb(conf.get(), on_log);
  rd_kafka_conf_set_error_cb(conf.get(), [](rd_kafka_t*, int code, const char* reason, void* opaque) {
    note_in(*static_cast<Said*>(opaque), static_cast<rd_kafka_resp_err_t>(code), reason);
  });
  if (type == RD_KAFKA_PRODUCER) {
    rd_kafka_conf_set_dr_msg_cb(conf.get(), [](rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
      static_cast<Said*>(opaque)->delivered(*message);
    });
  } else {
    rd_kafka_conf_set_events(conf.get(), RD_KAFKA_EVENT_REBALANCE);
  }
  handle_.reset(rd_kafka_new(type, conf.get(), text.data(), text.size()));
  if (handle_ == nullptr) {
    // Files that cannot be read, keys that do not fit: librdkafka's words name them.
    throw Error(ErrorKind::config, fmt::format("Kafka's client cannot be made: {}", text.data()))
        .with("kafka", name_of(rd_kafka_last_error()));
  }
  static_cast<void>(conf.release());  // rd_kafka_new() took it.
}

// The producer dies before what its callbacks write to.
Client::~Client() {
  handle_.reset();
}

void Client::note_in(Said& said, rd_kafka_resp_err_t code, std::string text) {
  Failure failure{code, std::move(text)};
  if (code == RD_KAFKA_RESP_ERR__FATAL) return;  // fatal() has it.
  const std::lock_guard lock(said.mutex);
  // "All brokers down" follows on their reasons, a lost connection on a refused login: neither must hide them.
  if (said.last && code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) return;
  if (said.last && needs_a_person(*said.last) && !needs_a_person(failure)) return;
  said.last = std::move(failure);
}

std::optional<Failure> Client::said() const {
  const std::lock_guard lock(said_->mutex);
  return said_->last;
}

Error Client::error(const Failure& failure, std::string_view purpose, Resource resource) const {
  Error out = error_of(failure, purpose, resource);
  const bool is_unnamed =
      failure.code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || failure.code == RD_KAFKA_RESP_ERR__TIMED_OUT;
  if (is_unnamed && !servers_.empty()) out.with("brokers", servers_);
  return out;
}

void Client::forget() {
  const std::lock_guard lock(said_->mutex);
  said_->last.reset();
}

std::optional<Failure> Client::fatal() const {
  std::array<char, 512> text{};
  const rd_kafka_resp_err_t code = rd_kafka_fatal_error(handle(), text.data(), text.size());
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return std::nullopt;
  return Failure{code, text.data(), true};
}

void Client::judge(std::string_view purpose, Clock::time_point deadline, const Failure& otherwise,
                   Resource resource) const {
  const std::optional<Failure> cause = said();
  if (cause && needs_a_person(*cause)) throw error_of(*cause, purpose, resource);
  if (Clock::now() < deadline) return;
  throw error(cause.value_or(otherwise), purpose, resource);
}

bool Client::repeat(std::string_view purpose, std::chrono::milliseconds patience, const std::stop_token& stop,
                    const std::function<std::optional<Failure>(int timeout_ms)>& attempt, Resource resource) {
  const Clock::time_point deadline = Clock::now() + patience;
  while (!stop.stop_requested()) {
    const std::optional<Failure> failure = attempt(static_cast<int>(slice.count()));
    if (!failure) {
      forget();
      return true;
    }
    if (!failure->retriable) throw error_of(*failure, purpose, resource);
    rd_kafka_poll(handle(), 0);  // What the client has to say.
    judge(purpose, deadline, *failure, resource);
  }
  return false;
}

EventPtr Client::wait_for_event(rd_kafka_queue_t& queue, std::string_view purpose,
                                std::chrono::milliseconds patience, const std::stop_token& stop) {
  const Clock::time_point deadline = Clock::now() + patience;
  while (!stop.stop_requested()) {
    EventPtr event(rd_kafka_queue_poll(&queue, static_cast<int>(slice.count())));
    if (event != nullptr) return event;
    rd_kafka_poll(handle(), 0);
    judge(purpose, deadline, failure_of(RD_KAFKA_RESP_ERR__TIMED_OUT), {});
  }
  return nullptr;
}

}  // namespace tailrace::kafka
