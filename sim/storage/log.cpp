// The log of a transaction: the functions by which triggers write it, what its end tells.
#include "sim/storage/log.h"

#include <sqlite3.h>

#include <algorithm>
#include <bit>

#include "base/error.h"
#include "sim/storage/clock.h"
#include "sim/storage/connection.h"

namespace tailrace::sim {
namespace {

constexpr std::int64_t first_position = 64 * 16;
constexpr int mask_bits_per_argument = 60;

}  // namespace

void create_log(Connection& connection) {
  connection.execute(
      "CREATE TABLE log_state(id INTEGER PRIMARY KEY, next_position INTEGER NOT NULL);"
      "CREATE TABLE log_transactions(commit_position INTEGER PRIMARY KEY, transaction_position INTEGER NOT "
      "NULL,"
      "  begin_time INTEGER NOT NULL, end_time INTEGER NOT NULL);");
  connection.prepare("INSERT INTO log_state VALUES(1, ?)").bind(1, first_position).run();
}

struct LogFunctions {
  static LogWriter& writer(sqlite3_context* context) {
    return *static_cast<LogWriter*>(sqlite3_user_data(context));
  }

  static void position(sqlite3_context* context, int, sqlite3_value** arguments) {
    LogWriter& log = writer(context);
    if (!log.loaded_) log.load();
    log.logged_ = true;
    const std::int64_t taken = log.next_++;
    const int operation = sqlite3_value_int(arguments[0]);
    if (operation != 4 && !(operation == 2 && log.repeat_)) log.seqval_ = taken;
    sqlite3_result_int64(context, taken);
  }

  static void seqval(sqlite3_context* context, int, sqlite3_value** arguments) {
    const LogWriter& log = writer(context);
    const int operation = sqlite3_value_int(arguments[0]);
    if (operation == 4 || (operation == 2 && log.repeat_)) {
      sqlite3_result_int64(context, log.seqval_);
    } else {
      sqlite3_result_null(context);
    }
  }

  static void command(sqlite3_context* context, int, sqlite3_value**) {
    sqlite3_result_int64(context, writer(context).command_);
  }

  static void transaction(sqlite3_context* context, int, sqlite3_value**) {
    LogWriter& log = writer(context);
    if (!log.loaded_) log.load();
    sqlite3_result_int64(context, log.transaction_);
  }

  static void changed(sqlite3_context* context, int count, sqlite3_value** arguments) {
    LogWriter& log = writer(context);
    const auto columns = static_cast<std::size_t>(sqlite3_value_int64(arguments[0]));
    log.mask_.assign((columns + 7) / 8, '\0');
    bool any = false;
    for (int i = 1; i < count; ++i) {
      auto bits = static_cast<std::uint64_t>(sqlite3_value_int64(arguments[i]));
      any = any || bits != 0;
      for (std::size_t at = static_cast<std::size_t>(i - 1) * mask_bits_per_argument; bits != 0;
           ++at, bits >>= 1) {
        if ((bits & 1) != 0) log.mask_[log.mask_.size() - 1 - at / 8] |= static_cast<char>(1 << at % 8);
      }
    }
    sqlite3_result_int(context, any ? 1 : 0);
  }

  static void mask(sqlite3_context* context, int, sqlite3_value**) {
    const std::string& mask = writer(context).mask_;
    sqlite3_result_blob64(context, mask.data(), mask.size(), SQLITE_TRANSIENT);
  }

  static void float_differs(sqlite3_context* context, int, sqlite3_value** arguments) {
    const bool left_null = sqlite3_value_type(arguments[0]) == SQLITE_NULL;
    const bool right_null = sqlite3_value_type(arguments[1]) == SQLITE_NULL;
    bool differs = left_null != right_null;
    if (!left_null && !right_null) {
      const double left = sqlite3_value_double(arguments[0]);
      const double right = sqlite3_value_double(arguments[1]);
      differs = std::bit_cast<std::uint64_t>(left) != std::bit_cast<std::uint64_t>(right);
    }
    sqlite3_result_int(context, differs ? 1 : 0);
  }
};

LogWriter::LogWriter(Connection& connection) : connection_(connection) {
  using Function = void (*)(sqlite3_context*, int, sqlite3_value**);
  const auto add = [&](const char* name, int arguments, Function function, int flags) {
    TAILRACE_ASSERT(sqlite3_create_function_v2(connection.handle(), name, arguments, SQLITE_UTF8 | flags,
                                               this, function, nullptr, nullptr, nullptr) == SQLITE_OK);
  };
  add("log_position", 1, LogFunctions::position, 0);
  add("log_seqval", 1, LogFunctions::seqval, 0);
  add("log_command", 0, LogFunctions::command, 0);
  add("log_transaction", 0, LogFunctions::transaction, 0);
  add("log_changed", -1, LogFunctions::changed, 0);
  add("log_mask", 0, LogFunctions::mask, 0);
  add("log_float_differs", 2, LogFunctions::float_differs, SQLITE_DETERMINISTIC);
}

void LogWriter::begin(std::int64_t begin_time) {
  loaded_ = logged_ = repeat_ = jobs_ = false;
  command_ = 1;
  begin_time_ = begin_time;
}

void LogWriter::load() {
  next_ = connection_.single_number("SELECT next_position FROM log_state");
  transaction_ = next_++;
  loaded_ = true;
}

void LogWriter::next_command() {
  ++command_;
  repeat_ = false;
}

std::int64_t LogWriter::take_position() {
  if (!loaded_) load();
  return next_++;
}

std::int64_t LogWriter::log_event() {
  logged_ = true;
  return take_position();
}

std::int64_t LogWriter::transaction() {
  if (!loaded_) load();
  return transaction_;
}

LogNews LogWriter::commit() {
  if (loaded_) {
    const std::int64_t commit_position = next_++;
    connection_.prepare("UPDATE log_state SET next_position = ?").bind(1, next_).run();
    if (logged_) {
      connection_.prepare("INSERT INTO log_transactions VALUES(?, ?, ?, ?)")
          .bind(1, commit_position)
          .bind(2, transaction_)
          .bind(3, begin_time_)
          .bind(4, std::max(begin_time_, local_datetime_now()))
          .run();
    }
  }
  const LogNews news{.changes = logged_, .jobs = jobs_};
  rollback();
  return news;
}

void LogWriter::rollback() {
  loaded_ = logged_ = repeat_ = jobs_ = false;
}

}  // namespace tailrace::sim
