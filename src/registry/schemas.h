// What is known of a registry's schemas: ids of what is written, decoders of what is read; each is asked for once.
//
// Errors   As client.h; an id that is not there is not asked for again for a while, so that many such records are not many requests.
// Threads  Of one thread, as its client.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/error.h"
#include "record/avro_decoder.h"
#include "registry/client.h"

namespace tailrace::registry {

class Schemas {
 public:
  using Decoder = std::shared_ptr<const record::AvroDecoder>;
  using Clock = std::chrono::steady_clock;

  explicit Schemas(Settings settings) : client_(std::move(settings)) {}

  // Of a schema's Avro document under a subject: registered if it is not, or looked up where auto_register is off. A subject that
  // this makes gets the compatibility of the settings, unless it has one.
  std::int32_t id_of(const std::string& subject, const std::string& document, const std::stop_token& stop);
  Decoder decoder_of(std::int32_t id, const std::stop_token& stop);

  Client& client() { return client_; }

  // So long an unknown id stays unknown.
  static constexpr std::chrono::seconds unknown_for{10};
  // More than these are not kept: all are forgotten, and asked for again.
  static constexpr std::size_t max_kept = 10'000;

 private:
  std::int32_t ask_id(const std::string& subject, const std::string& document, const std::stop_token& stop);
  std::int32_t registered_id(const std::string& subject, const std::string& document,
                             const std::stop_token& stop);

  Client client_;
  std::map<std::pair<std::string, std::string>, std::int32_t> ids_;  // By subject and document.
  std::unordered_map<std::int32_t, Decoder> decoders_;
  std::unordered_map<std::int32_t, std::pair<Clock::time_point, Error>>
      unknown_;  // Until when, and what was said.
};

}  // namespace tailrace::registry
