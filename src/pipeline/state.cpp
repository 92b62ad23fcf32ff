// Names of table states and requests, as they are stored and shown.
#include "pipeline/state.h"

namespace tailrace {

std::string_view name_of(TableState state) {
  switch (state) {
    case TableState::loading: return "loading";
    case TableState::catching_up: return "catching_up";
    case TableState::joining: return "joining";
    case TableState::streaming: return "streaming";
    case TableState::paused: return "paused";
  }
  return "loading";
}

std::optional<TableState> table_state_of(std::string_view name) {
  for (const TableState state : {TableState::loading, TableState::catching_up, TableState::joining,
                                 TableState::streaming, TableState::paused}) {
    if (name_of(state) == name) return state;
  }
  return std::nullopt;
}

std::string_view name_of(Wanted wanted) {
  switch (wanted) {
    case Wanted::nothing: return "";
    case Wanted::add: return "add";
    case Wanted::pause: return "pause";
    case Wanted::resume: return "resume";
    case Wanted::resnapshot: return "resnapshot";
  }
  return "";
}

Wanted parse_wanted(std::string_view name) {
  for (const Wanted wanted : {Wanted::add, Wanted::pause, Wanted::resume, Wanted::resnapshot}) {
    if (name_of(wanted) == name) return wanted;
  }
  return Wanted::nothing;
}

std::string refusal_of(const TableName& table, Wanted wanted, std::optional<TableState> state) {
  if (wanted == Wanted::nothing) return {};
  if (wanted == Wanted::add) return state ? table.str() + " is replicated already" : "";
  if (!state) return table.str() + " is not replicated";
  if (wanted == Wanted::resnapshot) return {};
  const std::string now = ", its state is " + std::string(name_of(*state));
  if (wanted == Wanted::resume)
    return *state == TableState::paused ? "" : table.str() + " is not paused" + now;
  if (*state == TableState::paused) return table.str() + " is paused already";
  return *state == TableState::streaming
             ? ""
             : table.str() + " does not stream yet" + now + ": pause it once it does";
}

Wanted wanted_of(const ResumeState& state, const TableName& table) {
  for (const TableRequest& request : state.requests) {
    if (request.table == table) return request.wanted;
  }
  return Wanted::nothing;
}

}  // namespace tailrace
