// The commands of sp_sim_control, one line of the table for each.
#include "sim/faults/control.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <functional>

#include "base/error.h"
#include "sim/catalog/virtual_table.h"
#include "sim/storage/clock.h"

namespace tailrace::sim {
namespace {

using Arguments = std::vector<std::string>;

SqlError refused(std::string text) {
  return {50000, std::move(text), 16, 1};
}

std::optional<std::int64_t> number(const std::string& text) {
  std::int64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return {};
  return value;
}

// Argument `index` as a number; `fallback` when it is not given.
struct NumberArgument {
  std::int64_t value = 0;
  Outcome error;
};

NumberArgument number_at(const Arguments& arguments, std::size_t index,
                         std::optional<std::int64_t> fallback) {
  if (index >= arguments.size()) {
    if (fallback) return {*fallback, {}};
    return {0, refused(fmt::format("sp_sim_control: argument {} is missing.", index + 1))};
  }
  const auto value = number(arguments[index]);
  if (!value) return {0, refused(fmt::format("sp_sim_control: '{}' is not a number.", arguments[index]))};
  return {*value, {}};
}

std::string text_at(const Arguments& arguments, std::size_t index) {
  return index < arguments.size() ? arguments[index] : std::string();
}

void add_result(CdcResult& result, std::string_view name, std::int64_t value) {
  if (result.columns.empty()) {
    result.columns = {{"name", {.type = Type::nvarchar, .length = 800}, false},
                      {"value", {.type = Type::bigint, .length = 8}, false}};
  }
  result.rows.push_back({text_value(name), int_value(value, Type::bigint)});
}

Outcome agent(ControlContext& context, const Arguments& arguments, CdcResult&) {
  const std::string what = text_at(arguments, 0);
  if (!same_name(what, "start") && !same_name(what, "stop"))
    return refused("sp_sim_control agent: start or stop.");
  context.server.agent_running = same_name(what, "start");
  context.jobs.reconsider();
  return {};
}

Outcome scan(ControlContext& context, const Arguments&, CdcResult& result) {
  const CaptureJobs::ScanResult scanned = context.jobs.scan_now(*context.database);
  add_result(result, "transactions", scanned.transactions);
  add_result(result, "commands", scanned.commands);
  return {};
}

Outcome cleanup(ControlContext& context, const Arguments& arguments, CdcResult& result) {
  const std::string what = text_at(arguments, 0);
  std::optional<std::int64_t> retention;
  std::optional<std::string> mark;
  if (!what.empty()) {
    retention = number(what);
    if (!retention) {
      mark = lsn_from_text(what);
      if (mark->empty()) return refused("sp_sim_control cleanup: minutes, or an LSN.");
    }
  }
  add_result(result, "deleted", context.jobs.cleanup_now(*context.database, retention, mark));
  return {};
}

// All that the newest mapping row allows: what a reader has not read yet is gone.
Outcome cleanup_now(ControlContext& context, const Arguments& arguments, CdcResult& result) {
  return cleanup(context, arguments.empty() ? Arguments{"0"} : arguments, result);
}

Outcome reset_counters(ControlContext& context, const Arguments&, CdcResult&) {
  context.faults.reset_counters();
  return {};
}

Outcome marker(ControlContext& context, const Arguments&, CdcResult&) {
  context.jobs.marker_now(*context.database);
  return {};
}

Outcome marker_interval(ControlContext& context, const Arguments& arguments, CdcResult&) {
  const NumberArgument ms = number_at(arguments, 0, {});
  if (ms.error) return ms.error;
  context.jobs.set_marker_interval(std::chrono::milliseconds(ms.value));
  return {};
}

Outcome capture_interval(ControlContext& context, const Arguments& arguments, CdcResult&) {
  const NumberArgument ms = number_at(arguments, 0, {});
  if (ms.error) return ms.error;
  context.jobs.set_capture_interval(*context.database, std::chrono::milliseconds(ms.value));
  return {};
}

Outcome interleave(ControlContext& context, const Arguments&, CdcResult&) {
  context.jobs.interleave_next_two(*context.database);
  return {};
}

Outcome reset(ControlContext& context, const Arguments& arguments, CdcResult&) {
  const NumberArgument rows = number_at(arguments, 0, {});
  if (rows.error) return rows.error;
  const NumberArgument times = number_at(arguments, 2, 1);
  if (times.error) return times.error;
  context.faults.order_reset(static_cast<std::uint64_t>(rows.value), text_at(arguments, 1), times.value);
  return {};
}

Outcome reset_after(ControlContext& context, const Arguments& arguments, CdcResult&) {
  const NumberArgument times = number_at(arguments, 1, 1);
  if (times.error) return times.error;
  context.faults.order_reset_after_statement(text_at(arguments, 0), times.value);
  return {};
}

Outcome deadlock(ControlContext& context, const Arguments& arguments, CdcResult&) {
  const NumberArgument times = number_at(arguments, 0, 1);
  if (times.error) return times.error;
  const SqlError error{
      1205,
      "Transaction (Process ID 51) was deadlocked on lock resources with another process and has "
      "been chosen as the deadlock victim. Rerun the transaction.",
      13, 51};
  context.faults.order_error(error, text_at(arguments, 1), times.value);
  return {};
}

Outcome error(ControlContext& context, const Arguments& arguments, CdcResult&) {
  const NumberArgument code = number_at(arguments, 0, {});
  if (code.error) return code.error;
  const NumberArgument times = number_at(arguments, 2, 1);
  if (times.error) return times.error;
  const NumberArgument severity = number_at(arguments, 3, 16);
  if (severity.error) return severity.error;
  const SqlError ordered{static_cast<std::int32_t>(code.value),
                         fmt::format("Error {} was ordered by sp_sim_control.", code.value),
                         static_cast<std::uint8_t>(severity.value), 1};
  context.faults.order_error(ordered, text_at(arguments, 1), times.value);
  return {};
}

Outcome delay(ControlContext& context, const Arguments& arguments, CdcResult&) {
  const NumberArgument ms = number_at(arguments, 0, {});
  if (ms.error) return ms.error;
  const NumberArgument times = number_at(arguments, 2, 1);
  if (times.error) return times.error;
  context.faults.order_delay(std::chrono::milliseconds(ms.value), text_at(arguments, 1), times.value);
  return {};
}

// What another session does between two statements of a client: cleanup between two pages, an instance that comes or
// goes between two polls.
Outcome before(ControlContext& context, const Arguments& arguments, CdcResult&) {
  if (text_at(arguments, 0).empty() || text_at(arguments, 1).empty())
    return refused("sp_sim_control before: a text, and the SQL to run.");
  const NumberArgument times = number_at(arguments, 2, 1);
  if (times.error) return times.error;
  const NumberArgument skip = number_at(arguments, 3, 0);
  if (skip.error) return skip.error;
  context.faults.order_before(arguments[0], context.database->name, arguments[1], times.value, skip.value);
  return {};
}

Outcome disconnect(ControlContext& context, const Arguments&, CdcResult&) {
  context.faults.disconnect_others(context.session);
  return {};
}

Outcome insert_first(ControlContext& context, const Arguments&, CdcResult&) {
  context.jobs.insert_first_next(*context.database);
  return {};
}

Outcome command_id(ControlContext& context, const Arguments& arguments, CdcResult&) {
  const std::string what = text_at(arguments, 0);
  if (!same_name(what, "on") && !same_name(what, "off"))
    return refused("sp_sim_control command_id: on or off.");
  context.server.command_ids = same_name(what, "on");
  return {};
}

Outcome zone_shift(ControlContext&, const Arguments& arguments, CdcResult&) {
  const NumberArgument minutes = number_at(arguments, 0, {});
  if (minutes.error) return minutes.error;
  set_zone_shift_minutes(minutes.value);
  return {};
}

Outcome refuse_logins(ControlContext& context, const Arguments& arguments, CdcResult&) {
  const NumberArgument ms = number_at(arguments, 0, {});
  if (ms.error) return ms.error;
  context.faults.refuse_logins(text_at(arguments, 1), std::chrono::milliseconds(ms.value));
  return {};
}

Outcome clock_shift(ControlContext&, const Arguments& arguments, CdcResult&) {
  const NumberArgument ms = number_at(arguments, 0, {});
  if (ms.error) return ms.error;
  set_clock_shift_ms(ms.value);
  return {};
}

Outcome identity(ControlContext& context, const Arguments& arguments, CdcResult&) {
  const std::string what = text_at(arguments, 0);
  if (!same_name(what, "fork") && !same_name(what, "database")) {
    return refused("sp_sim_control identity: fork or database.");
  }
  context.server.change_identity(*context.database, same_name(what, "database"));
  return {};
}

Outcome clr_column(ControlContext& context, const Arguments& arguments, CdcResult&) {
  if (context.server.call_clr(*context.database, text_at(arguments, 0), text_at(arguments, 1))) return {};
  return refused("sp_sim_control clr_column: a table and its column.");
}

Outcome property(ControlContext& context, const Arguments& arguments, CdcResult&) {
  if (text_at(arguments, 0).empty()) return refused("sp_sim_control property: a name, and a value.");
  context.server.pose_property(text_at(arguments, 0), text_at(arguments, 1));
  return {};
}

Outcome partitions(ControlContext& context, const Arguments& arguments, CdcResult&) {
  const NumberArgument count = number_at(arguments, 1, {});
  if (count.error) return count.error;
  if (context.server.pose_partitions(*context.database, text_at(arguments, 0), count.value)) return {};
  return refused("sp_sim_control partitions: a table and a number.");
}

Outcome temporal(ControlContext& context, const Arguments& arguments, CdcResult&) {
  const NumberArgument type = number_at(arguments, 1, {});
  if (type.error) return type.error;
  if (context.server.pose_temporal(*context.database, text_at(arguments, 0), type.value)) return {};
  return refused("sp_sim_control temporal: a table and its temporal_type.");
}

Outcome tempdb(ControlContext& context, const Arguments& arguments, CdcResult&) {
  const NumberArgument free = number_at(arguments, 0, {});
  if (free.error) return free.error;
  const NumberArgument most = number_at(arguments, 1, -1);
  if (most.error) return most.error;
  context.server.tempdb_free_pages = free.value;
  context.server.tempdb_max_pages = most.value;
  return {};
}

Outcome backup(ControlContext& context, const Arguments& arguments, CdcResult&) {
  context.server.backup(*context.database, text_at(arguments, 0));
  return {};
}

Outcome restore(ControlContext& context, const Arguments& arguments, CdcResult&) {
  bool found = false;
  context.jobs.exclusively(*context.database,
                           [&] { found = context.server.restore(*context.database, text_at(arguments, 0)); });
  if (found) return {};
  return refused(fmt::format("sp_sim_control restore: there is no backup '{}'.", text_at(arguments, 0)));
}

Outcome clear(ControlContext& context, const Arguments&, CdcResult&) {
  context.faults.clear();
  context.server.command_ids = true;
  set_clock_shift_ms(0);
  set_zone_shift_minutes(0);
  return {};
}

Outcome counters(ControlContext& context, const Arguments&, CdcResult& result) {
  for (const Faults::Counter& counter : context.faults.counters()) {
    add_result(result, counter.name, static_cast<std::int64_t>(counter.value));
  }
  return {};
}

struct Command {
  std::string_view name;
  Outcome (*run)(ControlContext&, const Arguments&, CdcResult&);
};

constexpr Command commands[] = {
    {"agent", agent},
    {"scan", scan},
    {"cleanup", cleanup},
    {"cleanup_now", cleanup_now},
    {"marker", marker},
    {"marker_interval", marker_interval},
    {"capture_interval", capture_interval},
    {"interleave", interleave},
    {"insert_first", insert_first},
    {"command_id", command_id},
    {"before", before},
    {"disconnect", disconnect},
    {"reset", reset},
    {"reset_after", reset_after},
    {"deadlock", deadlock},
    {"error", error},
    {"delay", delay},
    {"refuse_logins", refuse_logins},
    {"clock_shift", clock_shift},
    {"zone_shift", zone_shift},
    {"identity", identity},
    {"property", property},
    {"partitions", partitions},
    {"temporal", temporal},
    {"tempdb", tempdb},
    {"clr_column", clr_column},
    {"backup", backup},
    {"restore", restore},
    {"clear", clear},
    {"counters", counters},
    {"reset_counters", reset_counters},
};

}  // namespace

Outcome run_control(ControlContext& context, std::string_view command,
                    const std::vector<std::string>& arguments, CdcResult& result) {
  for (const Command& known : commands) {
    if (!same_name(known.name, command)) continue;
    try {
      return known.run(context, arguments, result);
    } catch (const Error& failed) {
      if (failed.kind() != ErrorKind::config) throw;
      return refused(fmt::format("sp_sim_control {}: {}.", command, failed.message()));
    }
  }
  return refused(fmt::format("sp_sim_control: the command '{}' is not known.", command));
}

}  // namespace tailrace::sim
