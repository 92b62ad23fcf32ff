// The settings of a PostgreSQL target, bound to postgres::Settings.
#pragma once

#include <vector>

#include "config/binding.h"
#include "postgres/settings.h"

namespace tailrace::postgres {

const std::vector<config::Binding<Settings>>& settings_bindings();
// The same with the rules between them, for the loader.
config::Table settings_table();

}  // namespace tailrace::postgres
