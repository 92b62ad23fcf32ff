// Ids: of this process as a runner, and of anything else.
#pragma once

#include <string>

namespace tailrace {

std::string random_uuid();

// One of them, made once: a runner that connects anew is not another runner.
const std::string& process_runner_id();

}  // namespace tailrace
