// How events look, as settings, bound to debezium::EventSettings, below whatever sends them.
#pragma once

#include <string>
#include <vector>

#include "config/binding.h"
#include "debezium/settings.h"

namespace tailrace::debezium {

// `prefix` is the name of the group: target.events.
std::vector<config::Binding<EventSettings>> settings_bindings(const std::string& prefix);
// The rules between them, for the loader: patterns and placeholders that are none.
std::vector<config::Rule> settings_rules(const std::string& prefix);

}  // namespace tailrace::debezium
