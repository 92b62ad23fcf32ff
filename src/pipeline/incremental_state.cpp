// The stored form of an incremental snapshot.
#include "pipeline/incremental_state.h"

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace tailrace {

using nlohmann::json;
using nlohmann::ordered_json;

std::string text_of(const IncrementalState& state) {
  if (!state.running()) return "";
  ordered_json tables = ordered_json::array();
  for (const IncrementalTable& table : state.tables) {
    ordered_json each{{"schema", table.table.schema}, {"table", table.table.name}};
    if (!table.filter.empty()) each["filter"] = table.filter;
    if (!table.after.empty()) each["after"] = table.after;
    each["chunks"] = table.chunks;
    each["rows"] = table.rows;
    tables.push_back(std::move(each));
  }
  const ordered_json out{{"id", state.id}, {"paused", state.paused}, {"tables", std::move(tables)}};
  return out.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

IncrementalState incremental_state_of(const std::string& text) {
  IncrementalState out;
  if (text.empty()) return out;
  try {
    const json parsed = json::parse(text);
    out.id = parsed.at("id").get<std::string>();
    out.paused = parsed.at("paused").get<bool>();
    for (const json& each : parsed.at("tables")) {
      IncrementalTable table;
      table.table = {each.at("schema").get<std::string>(), each.at("table").get<std::string>()};
      table.filter = each.value("filter", "");
      if (each.contains("after")) table.after = each.at("after").get<std::vector<std::string>>();
      table.chunks = each.at("chunks").get<std::uint32_t>();
      table.rows = each.at("rows").get<std::uint64_t>();
      out.tables.push_back(std::move(table));
    }
  } catch (const json::exception& error) {
    throw Error(ErrorKind::protocol,
                std::string("the stored state of an incremental snapshot cannot be read: ") + error.what());
  }
  return out;
}

}  // namespace tailrace
