// The settings of a Kafka target, bound to kafka::SinkSettings; how the cluster is reached is settings_table.h.
#pragma once

#include <vector>

#include "config/binding.h"
#include "kafka/sink_settings.h"

namespace tailrace::kafka {

const std::vector<config::Binding<SinkSettings>>& sink_settings_bindings();
// Of the events (target.events) and the registry (target.schema_registry) in them.
const std::vector<config::Binding<debezium::EventSettings>>& sink_event_bindings();
const std::vector<config::Binding<registry::Settings>>& sink_registry_bindings();
// Everything that a Kafka target has, the cluster's settings too, with the rules between them, for the loader.
config::Table sink_settings_table();

// Filled anew at each call: rotated secrets are seen.
SinkSettings sink_settings_of(const config::Document& document);

}  // namespace tailrace::kafka
