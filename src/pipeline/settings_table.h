// The settings of the runner, bound to RunSettings.
#pragma once

#include <vector>

#include "config/binding.h"
#include "pipeline/runner.h"

namespace tailrace {

const std::vector<config::Binding<RunSettings>>& run_settings_bindings();
config::Table run_settings_table();

}  // namespace tailrace
