// Ids of Avro schemas from a Schema Registry, for the encoders of a sink.
//
// Threads  Each thread has a RegistryIds of its own; they share what is known, and ask one after the other: two that make one subject at the
//          same time would both set its level.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "debezium/event.h"
#include "registry/schemas.h"

namespace tailrace::kafka {

// What all threads of a sink know of the registry.
struct KnownSchemas {
  std::mutex mutex;
  std::optional<registry::Schemas> schemas;  // None without a registry: JSON asks for no ids.
};

class RegistryIds : public debezium::SchemaIds {
 public:
  explicit RegistryIds(std::shared_ptr<KnownSchemas> known) : known_(std::move(known)) {}

  // Ends a request that waits.
  void set_stop(std::stop_token stop) { stop_ = std::move(stop); }
  std::int32_t id_of(const std::string& topic, debezium::RecordPart part, const record::Schema& schema,
                     const std::string& document) override;

 private:
  std::shared_ptr<KnownSchemas> known_;
  std::stop_token stop_;
};

}  // namespace tailrace::kafka
