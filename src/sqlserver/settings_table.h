// The settings of a SQL Server source, bound to sqlserver::Settings.
#pragma once

#include <vector>

#include "config/binding.h"
#include "sqlserver/settings.h"

namespace tailrace::sqlserver {

const std::vector<config::Binding<Settings>>& settings_bindings();
// The same with the rules between them, for the loader.
config::Table settings_table();

}  // namespace tailrace::sqlserver
