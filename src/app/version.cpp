// The version, as the build knows it.
#include "app/version.h"

namespace tailrace::app {

std::string version_text() {
  return "tailrace " TAILRACE_VERSION;
}

}  // namespace tailrace::app
