// The settings of a Schema Registry, bound to registry::Settings, below whatever has one.
#pragma once

#include <string>
#include <vector>

#include "config/binding.h"
#include "registry/settings.h"

namespace tailrace::registry {

// `prefix` is the name of the group: target.schema_registry.
std::vector<config::Binding<Settings>> settings_bindings(const std::string& prefix);
// The rules between them, for the loader: what no server has an address for, a key without its certificate.
std::vector<config::Rule> settings_rules(const std::string& prefix);

}  // namespace tailrace::registry
