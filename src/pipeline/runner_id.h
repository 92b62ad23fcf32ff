// The id of this process as a runner.
#pragma once

#include <string>

namespace tailrace {

// A random UUID, made once: a runner that connects anew is not another runner.
const std::string& process_runner_id();

}  // namespace tailrace
