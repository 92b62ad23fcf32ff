// Named places where the fault tests end the process as kill -9 would.
//
// `TAILRACE_CRASH_AT=name[:n]` ends the process by SIGKILL at the n-th pass (default 1) of that point.
// Built out with -DTAILRACE_CRASH_POINTS=OFF. The names are listed in tests/fault/README.md.
#pragma once

namespace tailrace {

void crash_point(const char* name);

}  // namespace tailrace
