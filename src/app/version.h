// The version as `tailrace version` says it.
#pragma once

#include <string>

namespace tailrace::app {

// tailrace 0.1.0
std::string version_text();

}  // namespace tailrace::app
