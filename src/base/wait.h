// Waiting for a time that a stop may end.
#pragma once

#include <chrono>
#include <stop_token>

namespace tailrace {

// False if stopped first, or before.
bool wait_for(std::chrono::milliseconds time, const std::stop_token& stop);

}  // namespace tailrace
