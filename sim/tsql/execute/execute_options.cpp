// SET: the options of a session.
#include <algorithm>
#include <set>

#include "sim/tsql/session/session_core.h"
#include "sim/tsql/session/session_write.h"

namespace tailrace::sim::tsql {
namespace {

// LOW, NORMAL, HIGH, or -10 to 10.
int deadlock_priority(const SetOption& node, const Value& value) {
  if (node.value == "LOW") return -5;
  if (node.value == "NORMAL") return 0;
  if (node.value == "HIGH") return 5;
  const std::int64_t number = node.expr ? value.number : std::strtoll(node.value.c_str(), nullptr, 10);
  if (number < -10 || number > 10) not_supported("SET DEADLOCK_PRIORITY " + std::to_string(number));
  return static_cast<int>(number);
}

}  // namespace

void SessionCore::set_option(const SetOption& node) {
  static const std::set<std::string, std::less<>> harmless{"ANSI_NULLS",
                                                           "ANSI_PADDING",
                                                           "ANSI_WARNINGS",
                                                           "ANSI_NULL_DFLT_ON",
                                                           "ANSI_NULL_DFLT_OFF",
                                                           "ANSI_DEFAULTS",
                                                           "ARITHABORT",
                                                           "ARITHIGNORE",
                                                           "CONCAT_NULL_YIELDS_NULL",
                                                           "NUMERIC_ROUNDABORT",
                                                           "CURSOR_CLOSE_ON_COMMIT",
                                                           "LANGUAGE",
                                                           "DATEFIRST",
                                                           "CONTEXT_INFO",
                                                           "FMTONLY",
                                                           "FORCEPLAN",
                                                           "NOEXEC",
                                                           "PARSEONLY",
                                                           "SHOWPLAN_ALL",
                                                           "SHOWPLAN_TEXT",
                                                           "SHOWPLAN_XML",
                                                           "STATISTICS",
                                                           "QUERY_GOVERNOR_COST_LIMIT",
                                                           "REMOTE_PROC_TRANSACTIONS"};
  // Without these T-SQL means something else.
  static const std::set<std::string, std::less<>> meaning{
      "ANSI_NULLS",        "ANSI_PADDING", "ANSI_WARNINGS", "ANSI_DEFAULTS", "CONCAT_NULL_YIELDS_NULL",
      "NUMERIC_ROUNDABORT"};
  const bool on = node.value == "ON";
  for (const std::string& name : node.names) {
    if (name == "NOCOUNT") {
      options_.no_count = on;
    } else if (name == "XACT_ABORT") {
      options_.xact_abort = on;
    } else if (name == "IMPLICIT_TRANSACTIONS") {
      options_.implicit_transactions = on;
    } else if (name == "QUOTED_IDENTIFIER") {
      options_.quoted_identifier = on;
    } else if (name == "LOCK_TIMEOUT") {
      const std::int64_t ms =
          node.expr ? evaluate(*node.expr).number : std::strtoll(node.value.c_str(), nullptr, 10);
      options_.lock_timeout.reset();
      if (ms >= 0) options_.lock_timeout = std::chrono::milliseconds(ms);
    } else if (name == "DEADLOCK_PRIORITY") {
      gate_owner_.priority = deadlock_priority(node, node.expr ? evaluate(*node.expr) : Value{});
    } else if (name == "ROWCOUNT") {
      options_.row_limit =
          node.expr ? evaluate(*node.expr).number : std::strtoll(node.value.c_str(), nullptr, 10);
    } else if (name == "TEXTSIZE") {
      const std::int64_t bytes =
          node.expr ? evaluate(*node.expr).number : std::strtoll(node.value.c_str(), nullptr, 10);
      options_.text_size = static_cast<std::int32_t>(bytes <= 0 ? 2147483647 : bytes);
    } else if (name == "DATEFORMAT") {
      if (node.value != "MDY" && node.value != "mdy") not_supported("SET DATEFORMAT " + node.value);
    } else if (name == "TRANSACTION ISOLATION LEVEL") {
      if (node.value == "READ UNCOMMITTED")
        options_.isolation = Isolation::read_uncommitted;
      else if (node.value == "READ COMMITTED")
        options_.isolation = Isolation::read_committed;
      else if (node.value == "REPEATABLE READ")
        options_.isolation = Isolation::repeatable_read;
      else if (node.value == "SERIALIZABLE")
        options_.isolation = Isolation::serializable;
      else if (node.value == "SNAPSHOT")
        options_.isolation = Isolation::snapshot;
      else
        syntax_error(node.value, 0);
      if (tran_count_ > 0 && options_.isolation == Isolation::snapshot &&
          std::any_of(uses_.begin(), uses_.end(), [](const auto& item) { return item.second->begun; })) {
        raise(3951, "Transaction failed in database '" + current_->database->name +
                        "' because the statement was run under snapshot isolation but the transaction did "
                        "not start in snapshot isolation. You cannot change the isolation level of the "
                        "transaction to snapshot after the transaction has started unless the transaction "
                        "was originally started under snapshot isolation level.");
      }
    } else if (name == "IDENTITY_INSERT") {
      in_named_database([&] { set_identity_insert(node, on); });
    } else if (name == "FMTONLY" || name == "NOEXEC" || name == "PARSEONLY" || name == "SHOWPLAN_ALL" ||
               name == "SHOWPLAN_TEXT" || name == "SHOWPLAN_XML") {
      if (on) not_supported("SET " + name + " ON");
    } else if (name == "DATEFIRST") {
      if (node.value != "7") not_supported("SET DATEFIRST " + node.value);
    } else if (meaning.contains(name) && on == (name == "NUMERIC_ROUNDABORT")) {
      not_supported("SET " + name + " " + node.value);
    } else if (name == "LANGUAGE") {
      if (!same_word(node.value, "us_english") && !same_word(node.value, "english"))
        not_supported("SET LANGUAGE " + node.value);
    } else if (!harmless.contains(name) && node.names[0] != "STATISTICS") {
      raise(195, "'" + name + "' is not a recognized SET option.", 0, 5, 15);
    }
  }
}

void SessionCore::set_identity_insert(const SetOption& node, bool on) {
  active_->catalog.refresh();
  Binder binder(*this);
  const TablePtr table = binder.find_table(node.table, false);
  if (!table)
    raise(1088,
          "Cannot find the object \"" + node.table.text() +
              "\" because it does not exist or you do not have permissions.",
          node.table.line, 11);
  const bool has_identity = std::any_of(table->columns.begin(), table->columns.end(),
                                        [](const ColumnDef& column) { return column.identity.has_value(); });
  if (!has_identity)
    raise(8106,
          "Table '" + node.table.text() +
              "' does not have the identity property. Cannot perform SET operation.",
          node.table.line);
  const bool same =
      identity_insert_ == table->object_id && identity_insert_database_ == active_->database->id;
  if (on && identity_insert_ != 0 && !same) {
    const DatabasePtr where = state_.server.find(identity_insert_database_);
    const TablePtr other = where ? use(where).catalog.table(identity_insert_) : nullptr;
    raise(8107,
          "IDENTITY_INSERT is already ON for table '" + (where ? where->name : "") + "." +
              (other ? other->schema + "." + other->name : "") +
              "'. Cannot perform SET operation for table '" + node.table.text() + "'.",
          node.table.line);
  }
  if (on) {
    identity_insert_ = table->object_id;
    identity_insert_database_ = active_->database->id;
  } else if (same) {
    identity_insert_ = 0;
  }
}

}  // namespace tailrace::sim::tsql
