// Names of table states, as they are stored and shown.
#include "pipeline/state.h"

namespace tailrace {

std::string_view name_of(TableState state) {
  switch (state) {
    case TableState::loading: return "loading";
    case TableState::catching_up: return "catching_up";
    case TableState::streaming: return "streaming";
  }
  return "loading";
}

}  // namespace tailrace
