// Ids of Avro schemas from a Schema Registry, for one thread's encoders.
#pragma once

#include <optional>
#include <stop_token>
#include <string>

#include "debezium/event.h"
#include "kafka/sink_settings.h"
#include "registry/schemas.h"

namespace tailrace::kafka {

class RegistryIds : public debezium::SchemaIds {
 public:
  explicit RegistryIds(const SinkSettings& settings);

  // Ends a request that waits.
  void set_stop(std::stop_token stop) { stop_ = std::move(stop); }
  std::int32_t id_of(const std::string& topic, debezium::RecordPart part, const record::Schema& schema,
                     const std::string& document) override;

 private:
  const registry::Settings settings_;
  std::optional<registry::Schemas> schemas_;  // None with JSON.
  std::stop_token stop_;
};

}  // namespace tailrace::kafka
