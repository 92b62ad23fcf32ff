// The settings of a Kafka cluster (section `kafka`), bound to kafka::Settings. One cluster serves a pipeline's source or target.
#pragma once

#include <vector>

#include "config/binding.h"
#include "kafka/settings.h"

namespace tailrace::kafka {

const std::vector<config::Binding<Settings>>& settings_bindings();
// The same with the rules between them, for the loader.
config::Table settings_table();

}  // namespace tailrace::kafka
