// One scan cycle: from the log to the change tables, lsn_time_mapping and ddl_history, all in one transaction.
#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "sim/cdc/capture_internal.h"
#include "sim/storage/clock.h"

namespace tailrace::sim {

// SQL functions of the scanning connection.
struct ScanFunctions {
  static LogScanner& scanner(sqlite3_context* context) {
    return *static_cast<LogScanner*>(sqlite3_user_data(context));
  }

  static void blob(sqlite3_context* context, const std::string& bytes) {
    sqlite3_result_blob64(context, bytes.data(), bytes.size(), SQLITE_TRANSIENT);
  }

  // scan_commit(t): the commit LSN of a transaction of this scan; marks it as captured.
  static void commit(sqlite3_context* context, int, sqlite3_value** arguments) {
    LogScanner& self = scanner(context);
    const std::int64_t name = sqlite3_value_int64(arguments[0]);
    if (name != self.cached_name_) {
      const auto found = self.by_name_.find(name);
      if (found == self.by_name_.end()) {
        sqlite3_result_error(context, "a log row of no committed transaction", -1);
        return;
      }
      self.cached_name_ = name;
      self.cached_ = found->second;
      self.cached_->captured = true;
    }
    blob(context, self.cached_->commit_lsn);
  }

  // scan_peek(t): the same, without marking.
  static void peek(sqlite3_context* context, int, sqlite3_value** arguments) {
    const LogScanner& self = scanner(context);
    const auto found = self.by_name_.find(sqlite3_value_int64(arguments[0]));
    if (found == self.by_name_.end()) return sqlite3_result_null(context);
    blob(context, found->second->commit_lsn);
  }

  // scan_lsn(position)
  static void lsn(sqlite3_context* context, int, sqlite3_value** arguments) {
    blob(context, lsn_of_position(sqlite3_value_int64(arguments[0])));
  }

  // scan_mask(mask over column ids): over the ordinals of the instance; NULL when no captured column changed.
  static void mask(sqlite3_context* context, int, sqlite3_value** arguments) {
    const LogScanner& self = scanner(context);
    const std::string_view source(static_cast<const char*>(sqlite3_value_blob(arguments[0])),
                                  static_cast<std::size_t>(sqlite3_value_bytes(arguments[0])));
    std::string out(self.mask_bytes_, '\0');
    bool any = false;
    for (const LogScanner::Bit& bit : self.bits_) {
      if (!mask_bit(source, bit.column_id)) continue;
      any = true;
      const auto at = static_cast<std::size_t>(bit.ordinal - 1);
      out[out.size() - 1 - at / 8] |= static_cast<char>(1 << at % 8);
    }
    if (any) {
      blob(context, out);
    } else {
      sqlite3_result_null(context);
    }
  }
};

LogScanner::LogScanner(Work& work) : work_(work) {
  using Function = void (*)(sqlite3_context*, int, sqlite3_value**);
  const auto add = [&](const char* name, Function function) {
    TAILRACE_ASSERT(sqlite3_create_function_v2(work_.connection().handle(), name, 1, SQLITE_UTF8, this,
                                               function, nullptr, nullptr, nullptr) == SQLITE_OK);
  };
  add("scan_commit", ScanFunctions::commit);
  add("scan_peek", ScanFunctions::peek);
  add("scan_lsn", ScanFunctions::lsn);
  add("scan_mask", ScanFunctions::mask);
}

std::vector<LoggedTransaction> LogScanner::pending(std::int64_t limit) {
  std::vector<LoggedTransaction> transactions;
  Statement rows = work_.connection().prepare(
      "SELECT commit_position, transaction_position, begin_time, end_time FROM log_transactions"
      " ORDER BY commit_position LIMIT ?");
  rows.bind(1, limit);
  while (rows.next()) {
    transactions.push_back({rows.number(0), rows.number(1), rows.number(2), rows.number(3),
                            lsn_of_position(rows.number(0)), false});
  }
  return transactions;
}

ScanReport LogScanner::scan(std::int64_t limit, const std::stop_token& stop) {
  ScanReport report;
  report.start_time = local_datetime_now();
  report.transactions = pending(limit);
  std::size_t interleaved = 0;  // Index of the first of the two, when both are there.
  bool both = false;
  if (interleave_after_) {
    const auto first = std::find_if(report.transactions.begin(), report.transactions.end(),
                                    [&](const auto& t) { return t.transaction >= *interleave_after_; });
    interleaved = static_cast<std::size_t>(first - report.transactions.begin());
    both = report.transactions.size() >= interleaved + 2;
    if (!both) report.transactions.resize(interleaved);  // The first one waits for the second.
  }
  if (report.transactions.empty()) {
    report.end_time = local_datetime_now();
    return report;
  }
  if (!begin(stop)) {
    report.transactions.clear();
    return report;
  }
  const std::int64_t last = report.transactions.back().commit_position;
  if (both) {
    interleave(report.transactions[interleaved], report.transactions[interleaved + 1]);
    interleave_after_.reset();
  }
  for (const LoggedTransaction& transaction : report.transactions) {
    if (insert_first_after_ && transaction.transaction >= *insert_first_after_ &&
        put_inserts_first(transaction))
      insert_first_after_.reset();
  }
  by_name_.clear();
  cached_name_ = -1;
  for (LoggedTransaction& transaction : report.transactions)
    by_name_[transaction.transaction] = &transaction;
  for (const CaptureInstance& instance : load_instances(work_.connection(), {}))
    copy_changes(report, instance, last);
  copy_history(report, last);
  write_mapping(report);
  delete_log(last);
  work_.commit();
  by_name_.clear();
  report.end_time = local_datetime_now();
  return report;
}

void LogScanner::copy_changes(ScanReport& report, const CaptureInstance& instance,
                              std::int64_t last_position) {
  // Computed columns are not in the log; those that were dropped are, for the changes before that.
  Connection& connection = work_.connection();
  const std::string log = log_table(instance.source_object_id);
  bits_.clear();
  cached_name_ = -1;  // Each instance marks its transactions itself.
  std::string targets;
  std::string sources;
  std::set<std::string, std::less<>> logged;
  Statement names = connection.prepare("SELECT name FROM pragma_table_info(?)");
  names.bind(1, log);
  while (names.next())
    logged.emplace(names.text(0));
  for (const CaptureInstance::Column& column : instance.columns) {
    if (!logged.contains(fmt::format("c{}", column.column_id))) continue;
    bits_.push_back({column.column_id, column.ordinal});
    targets += fmt::format(", c{}", column.ordinal + metadata_columns);
    sources += fmt::format(", c{}", column.column_id);
  }
  names.reset();
  const auto columns = static_cast<std::int32_t>(instance.columns.size());
  mask_bytes_ = static_cast<std::size_t>((columns + 7) / 8);
  // Changes committed before the instance was made are not its own.
  const bool command_id =
      connection.prepare("SELECT 1 FROM cat_columns WHERE object_id = ?1 AND column_id = ?2")
          .bind(1, std::int64_t{instance.object_id})
          .bind(2, std::int64_t{columns + metadata_columns + 1})
          .next();
  const bool all = !instance.start_lsn || report.transactions.front().commit_lsn >= *instance.start_lsn;
  Statement copy = connection.prepare(fmt::format(
      "INSERT INTO t{0}(c1, c2, c3, c4, c5{1}{2}) SELECT scan_commit(t), NULL, scan_lsn(ifnull(s, n)), o,"
      " CASE WHEN o < 3 THEN ?2 ELSE scan_mask(m) END{3}{6} FROM {4} WHERE n <= ?1 AND (o < 3 OR "
      "scan_mask(m) IS NOT NULL){5}"
      " ORDER BY n",
      instance.object_id, targets,
      command_id ? fmt::format(", c{}", columns + metadata_columns + 1) : std::string(), sources, log,
      all ? "" : " AND scan_peek(t) >= ?3", command_id ? ", k" : ""));
  copy.bind(1, last_position).bind_blob(2, full_mask(columns));
  if (!all) copy.bind_blob(3, *instance.start_lsn);
  copy.run();
  report.commands += connection.changes();
}

void LogScanner::copy_history(ScanReport& report, std::int64_t last_position) {
  Connection& connection = work_.connection();
  cached_name_ = -1;
  connection
      .prepare(
          "INSERT OR IGNORE INTO t1004 SELECT d.source_object_id, i.c1, d.required_update, d.command,"
          " scan_commit(d.t), d.time FROM log_ddl d JOIN t1001 i ON i.c3 = d.source_object_id"
          " WHERE d.position <= ? ORDER BY d.position")
      .bind(1, last_position)
      .run();
  report.schema_changes = connection.changes();
  connection.prepare("DELETE FROM log_ddl WHERE position <= ?").bind(1, last_position).run();
}

void LogScanner::write_mapping(const ScanReport& report) {
  Statement row = work_.connection().prepare("INSERT INTO t1005 VALUES(?, ?, ?, ?)");
  for (const LoggedTransaction& transaction : report.transactions) {
    if (!transaction.captured) continue;
    std::string id(6, '\0');
    for (std::size_t i = 0; i < id.size(); ++i) {
      id[i] = static_cast<char>(transaction.transaction >> (8 * (id.size() - 1 - i)) & 0xFF);
    }
    row.bind_blob(1, transaction.commit_lsn).bind(2, transaction.begin_time).bind(3, transaction.end_time);
    row.bind_blob(4, id).run();
  }
}

void LogScanner::delete_log(std::int64_t last_position) {
  Connection& connection = work_.connection();
  std::vector<std::string> logs{"log_transactions"};
  Statement sources = connection.prepare("SELECT DISTINCT c3 FROM t1001");
  while (sources.next())
    logs.push_back(log_table(static_cast<std::int32_t>(sources.number(0))));
  for (const std::string& log : logs) {
    const std::string_view key = log == "log_transactions" ? "commit_position" : "n";
    // Without WHERE SQLite drops whole pages instead of row by row.
    const bool more = connection.single_number(fmt::format("SELECT EXISTS(SELECT 1 FROM {} WHERE {} > {})",
                                                           log, key, last_position)) != 0;
    connection.execute(more ? fmt::format("DELETE FROM {} WHERE {} <= {}", log, key, last_position)
                            : fmt::format("DELETE FROM {}", log));
  }
}

bool LogScanner::begin(const std::stop_token& stop) {
  if (work_.before_write({}, stop)) return false;
  if (work_.connection().single_number("SELECT cdc_enabled FROM cat_state") != 0) return true;
  work_.rollback();
  return false;
}

void LogScanner::write_marker(const std::stop_token& stop) {
  if (!begin(stop)) return;
  if (work_.connection().single_number("SELECT EXISTS(SELECT 1 FROM log_transactions)") != 0) {
    work_.rollback();
    return;
  }
  const std::int64_t now = local_datetime_now();
  const Lsn lsn = lsn_of_position(work_.log().take_position());
  work_.connection()
      .prepare("INSERT INTO t1005 VALUES(?, ?, ?, x'00')")
      .bind_blob(1, lsn)
      .bind(2, now)
      .bind(3, now)
      .run();
  work_.commit();
}

std::int64_t LogScanner::data_version() {
  return work_.connection().single_number("PRAGMA data_version");
}

std::optional<std::int64_t> LogScanner::newest_mapping() {
  Statement row = work_.connection().prepare("SELECT c3 FROM t1005 ORDER BY c1 DESC LIMIT 1");
  if (!row.next()) return {};
  return row.number(0);
}

}  // namespace tailrace::sim
