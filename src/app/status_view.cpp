// Rendering of a pipeline's status.
#include "app/status_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <nlohmann/json.hpp>

#include "app/terminal.h"
#include "app/text_table.h"
#include "pipeline/clock.h"

namespace tailrace::app {
namespace {

std::string ago(std::int64_t then, std::int64_t now) {
  if (then == 0 || now == 0) return "-";
  return short_duration(std::chrono::milliseconds(std::max<std::int64_t>(0, now - then) / 10'000)) + " ago";
}

std::string runner_text(const PipelineStatus& status, bool colour) {
  if (!status.runner_alive) return coloured("not running", Colour::yellow, colour);
  std::string out = coloured("running", Colour::green, colour);
  if (!status.runner.empty()) out += fmt::format(" ({})", status.runner);
  if (status.heartbeat_age) {
    out += fmt::format(", last sign of life {:.1f} s ago",
                       static_cast<double>(status.heartbeat_age->count()) / 1e3);
  }
  return out;
}

std::string position_text(const PipelineStatus& status) {
  if (!status.partitions.empty())
    return fmt::format("of {} partitions, each its own", status.partitions.size());
  if (!status.position) return "none yet";
  std::string out = status.position->lsn.hex();
  if (status.position->commit_time_utc != 0) {
    out += fmt::format(", transactions up to {}", time_text(status.position->commit_time_utc));
  }
  if (status.position_written_utc != 0) {
    out += fmt::format(", written {}", ago(status.position_written_utc, status.now_utc));
  }
  return out;
}

std::string chunks_text(const TableStatus& table) {
  if (table.state != TableState::loading) return "";
  return fmt::format("{}/{}", table.chunks_done, table.chunks_planned);
}

std::string compared_text(const ComparedRows& rows) {
  std::string out = fmt::format(", differed in {} rows", grouped(rows.differed()));
  if (rows.kept > 0) out += fmt::format(", {} others kept", grouped(rows.kept));
  return out;
}

nlohmann::ordered_json compared_json(const std::optional<ComparedRows>& rows) {
  if (!rows) return nullptr;
  return {{"deleted", rows->deleted},
          {"updated", rows->updated},
          {"inserted", rows->inserted},
          {"kept", rows->kept}};
}

std::string state_text(const TableStatus& table) {
  std::string out(name_of(table.state));
  if (table.resnapshot) out += ", taken again";
  const bool is_new = table.state == TableState::loading || table.state == TableState::catching_up;
  if (!table.existing.empty() && is_new && !table.resnapshot)
    out += fmt::format(", existing rows: {}", table.existing);
  if (table.outside && table.state != TableState::paused) out += ", joins later";
  if (table.wanted != Wanted::nothing) out += fmt::format(", asked to {}", name_of(table.wanted));
  if (table.compared) out += compared_text(*table.compared);
  if (table.parked_keys > 0) out += fmt::format(", {} parked keys", table.parked_keys);
  if (table.diverged_keys > 0) out += fmt::format(", diverged in {} keys", grouped(table.diverged_keys));
  if (table.dead_letters > 0) out += fmt::format(", {} dead letters", grouped(table.dead_letters));
  return out;
}

// Where the target is not a state that the source was in (invariant 2's exception).
std::string diverged_tables(const PipelineStatus& status) {
  std::string out;
  for (const TableStatus& table : status.tables) {
    if (!table.outside && !table.skipped && table.diverged_keys == 0) continue;
    out += (out.empty() ? "" : ", ") + table.table.str();
    if (table.outside) out += " (outside the stream)";
    if (table.skipped) out += " (changes were skipped)";
    if (table.diverged_keys != 0) out += fmt::format(" ({} keys)", grouped(table.diverged_keys));
  }
  return out;
}

nlohmann::ordered_json nullable(const std::string& text) {
  return text.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(text);
}

nlohmann::ordered_json time_json(std::int64_t utc) {
  return utc == 0 ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(time_text(utc));
}

std::string partitions_text(const PipelineStatus& status) {
  TextTable table;
  table.head = {"TOPIC", "PARTITION", "NEXT OFFSET", "COMMIT", "WRITTEN", "OWNED"};
  table.right = {false, true, true, false, false, false};
  for (const PartitionStatus& each : status.partitions) {
    table.rows.push_back({each.partition.topic, std::to_string(each.partition.number),
                          each.next_offset ? std::to_string(*each.next_offset) : "-",
                          each.commit_lsn ? each.commit_lsn->hex() : "-", time_text(each.written_utc),
                          each.owned ? "yes" : "no"});
  }
  return table.text();
}

nlohmann::ordered_json partitions_json(const PipelineStatus& status) {
  nlohmann::ordered_json out = nlohmann::ordered_json::array();
  for (const PartitionStatus& each : status.partitions) {
    out.push_back({{"topic", each.partition.topic},
                   {"partition", each.partition.number},
                   {"next_offset", each.next_offset ? nlohmann::ordered_json(*each.next_offset)
                                                    : nlohmann::ordered_json(nullptr)},
                   {"commit_lsn", nullable(each.commit_lsn ? each.commit_lsn->hex() : "")},
                   {"epoch", each.epoch},
                   {"written_at", time_json(each.written_utc)},
                   {"owned", each.owned}});
  }
  return out;
}

}  // namespace

std::string time_text(std::int64_t utc_100ns) {
  if (utc_100ns == 0) return "-";
  const std::int64_t since_epoch = utc_100ns - unix_epoch_ticks;
  const std::time_t seconds = since_epoch / 10'000'000;
  tm parts{};
  gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                     since_epoch % 10'000'000 / 10'000);
}

double lag_seconds(const PipelineStatus& status) {
  if (!status.position || status.position->commit_time_utc == 0 || status.position_written_utc == 0)
    return -1;
  return std::max(0.0,
                  static_cast<double>(status.position_written_utc - status.position->commit_time_utc) / 1e7);
}

std::string status_text(const std::string& pipeline, const PipelineStatus& status, bool colour) {
  if (!status.known) {
    return fmt::format(
        "pipeline {} has never run: the target holds nothing of it; start it with `tailrace run`\n",
        pipeline);
  }
  std::string out = fmt::format("pipeline  {}\nrunner    {}\nposition  {}\n", pipeline,
                                runner_text(status, colour), position_text(status));
  if (const double lag = lag_seconds(status); lag >= 0) out += fmt::format("lag       {:.1f} s\n", lag);
  if (!status.last_error.empty()) {
    out += fmt::format("stopped   {}\n", coloured(status.last_error, Colour::red, colour));
  }
  if (const std::string diverged = diverged_tables(status); !diverged.empty())
    out += fmt::format("diverged  {}\n", coloured(diverged, Colour::red, colour));
  if (status.waiting_letters > 0)
    out += fmt::format("letters   {} wait for their topic\n", grouped(status.waiting_letters));
  TextTable table;
  table.head = {"TABLE", "STATE", "ROWS", "LOADED", "CHUNKS", "LAST ERROR"};
  table.right = {false, false, true, true, true, false};
  for (const TableStatus& each : status.tables) {
    table.rows.push_back({each.table.str(), state_text(each), grouped(each.rows),
                          each.state == TableState::loading ? grouped(each.snapshot_rows) : "",
                          chunks_text(each), each.last_error});
  }
  if (!table.rows.empty()) out += "\n" + table.text();
  if (!status.partitions.empty()) out += "\n" + partitions_text(status);
  return out;
}

std::string status_json(const std::string& pipeline, const PipelineStatus& status) {
  nlohmann::ordered_json out;
  out["pipeline"] = pipeline;
  out["known"] = status.known;
  out["runner"] = {{"alive", status.runner_alive}, {"name", nullable(status.runner)}};
  out["runner"]["heartbeat_age_seconds"] =
      status.heartbeat_age ? nlohmann::ordered_json(static_cast<double>(status.heartbeat_age->count()) / 1e3)
                           : nlohmann::ordered_json(nullptr);
  out["position"] = nullptr;
  if (status.position) {
    out["position"] = {{"lsn", status.position->lsn.hex()},
                       {"commit_time", time_json(status.position->commit_time_utc)},
                       {"written_at", time_json(status.position_written_utc)}};
  }
  const double lag = lag_seconds(status);
  out["lag_seconds"] = lag < 0 ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(lag);
  out["last_error"] = nullable(status.last_error);
  out["diverged"] = !diverged_tables(status).empty();
  out["tables"] = nlohmann::ordered_json::array();
  for (const TableStatus& table : status.tables) {
    out["tables"].push_back({{"table", table.table.str()},
                             {"state", name_of(table.state)},
                             {"rows", table.rows},
                             {"snapshot_rows", table.snapshot_rows},
                             {"chunks_done", table.chunks_done},
                             {"chunks_planned", table.chunks_planned},
                             {"resnapshot", table.resnapshot},
                             {"outside", table.outside},
                             {"wanted", nullable(std::string(name_of(table.wanted)))},
                             {"existing", nullable(table.existing)},
                             {"compared", compared_json(table.compared)},
                             {"parked_keys", table.parked_keys},
                             {"diverged_keys", table.diverged_keys},
                             {"dead_letters", table.dead_letters},
                             {"skipped", table.skipped},
                             {"instance", nullable(table.instance)},
                             {"last_error", nullable(table.last_error)}});
  }
  if (status.partitions.empty()) return out.dump(2) + "\n";
  out["waiting_letters"] = status.waiting_letters;
  out["partitions"] = partitions_json(status);
  return out.dump(2) + "\n";
}

}  // namespace tailrace::app
