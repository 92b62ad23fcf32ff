// The statements.
#include "postgres/letter_box.h"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "postgres/state_schema.h"

namespace tailrace::postgres {
namespace {

// The version of the state schema that has letters of records first.
constexpr int first_version = 7;
// Of the letters that are taken at once, where one alone is not larger.
constexpr std::int64_t most_bytes = std::int64_t{8} << 20;

int number_from(std::string_view bytes, std::size_t at) {
  std::uint32_t out = 0;
  for (std::size_t i = 0; i < sizeof out; ++i)
    out = out << 8U | static_cast<unsigned char>(bytes.at(at + i));
  return static_cast<int>(out);
}

// A binary bytea[] of one dimension; NULL elements are nothing.
std::vector<OptionalBytes> elements_of(std::string_view array) {
  constexpr std::size_t word = 4;
  std::vector<OptionalBytes> out;
  if (number_from(array, 0) == 0) return out;  // Dimensions.
  const int count = number_from(array, 3 * word);
  std::size_t at = 5 * word;
  for (int i = 0; i < count; ++i) {
    const int length = number_from(array, at);
    at += word;
    if (length < 0) {
      out.emplace_back();
      continue;
    }
    out.emplace_back(std::string(array.substr(at, static_cast<std::size_t>(length))));
    at += static_cast<std::size_t>(length);
  }
  return out;
}

OptionalBytes bytes_at(const Result& rows, int row, int column) {
  if (rows.is_null(row, column)) return std::nullopt;
  return std::string(rows.text(row, column));
}

// Columns of text that stand beside the record, under these names.
constexpr std::array<const char*, 11> context_names{"table", "key",     "reason",     "sqlstate",
                                                    "error", "column",  "constraint", "stage",
                                                    "kind",  "attempt", "detail"};
constexpr int first_context = 8;

constexpr const char* waiting_sql =
    "SELECT letter::text, record_topic, record_partition::text, record_offset::text, record_time_ms::text,"
    "       record_key, record_value, record_headers,"
    "       CASE WHEN source_schema = '' THEN NULL ELSE source_schema || '.' || source_table END,"
    "       CASE WHEN key = '{}' THEN NULL ELSE to_json(key)::text END, reason, sqlstate, error, column_name,"
    "       constraint_name, stage, error_kind, attempt::text, detail"
    "  FROM (SELECT *, sum(coalesce(octet_length(record_key), 0) + coalesce(octet_length(record_value), 0))"
    "                    OVER (ORDER BY id) AS bytes, row_number() OVER (ORDER BY id) AS n"
    "          FROM (SELECT * FROM tailrace.dead_letter WHERE pipeline = $1 AND waits ORDER BY id LIMIT "
    "$2::bigint) AS o"
    "       ) AS l"
    " WHERE n = 1 OR bytes <= $3::bigint ORDER BY id";

}  // namespace

PostgresLetterBox::PostgresLetterBox(Settings settings)
    : settings_(std::move(settings)), connection_(settings_, "dead letters", {}) {}

bool PostgresLetterBox::take_turn() {
  if (is_ours_) return true;
  if (stored_state_version(connection_) < first_version) return false;  // There is no letter yet.
  is_ours_ = lock();
  if (!is_ours_) end_who_stands_still();
  return is_ours_;
}

bool PostgresLetterBox::lock() {
  return connection_
      .query("SELECT pg_try_advisory_lock(hashtextextended('tailrace.letters.' || $1, 0))",
             Params().text(settings_.pipeline))
      .boolean(0, 0);
}

// Whoever lives looks into the box again and again. A bigint is two halves in pg_locks. The lock is free a moment after the session's end: it is asked for again soon.
void PostgresLetterBox::end_who_stands_still() {
  const Result ended = connection_.query(
      "SELECT l.pid, pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid"
      " WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND l.pid <> pg_backend_pid()"
      "   AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
      "   AND (l.classid::bigint << 32 | l.objid::bigint) = hashtextextended('tailrace.letters.' || $1, 0)"
      "   AND a.state_change < clock_timestamp() - make_interval(secs => $2::float8)"
      "   AND EXISTS (SELECT FROM tailrace.dead_letter WHERE pipeline = $1 AND waits)",
      Params()
          .text(settings_.pipeline)
          .text(fmt::format("{}", std::chrono::duration<double>(settings_.turn_patience).count())));
  for (int row = 0; row < ended.rows(); ++row)
    log::warn("letters.turn_taken", {{"pid", ended.text(row, 0)}});
}

std::vector<WaitingLetter> PostgresLetterBox::waiting(std::size_t most) {
  const Result rows = connection_.query(
      waiting_sql,
      Params().text(settings_.pipeline).integer(static_cast<std::int64_t>(most)).integer(most_bytes),
      /*binary_results=*/true);
  std::vector<WaitingLetter> out;
  for (int at = 0; at < rows.rows(); ++at) {
    WaitingLetter& letter = out.emplace_back();
    letter.id = std::string(rows.text(at, 0));
    letter.topic = std::string(rows.text(at, 1));
    letter.partition = static_cast<std::int32_t>(rows.integer(at, 2));
    letter.record.offset = rows.integer(at, 3);
    if (!rows.is_null(at, 4)) letter.record.timestamp_ms = rows.integer(at, 4);
    letter.record.key = bytes_at(rows, at, 5);
    letter.record.value = bytes_at(rows, at, 6);
    const std::vector<OptionalBytes> headers = elements_of(rows.text(at, 7));
    for (std::size_t i = 0; i + 1 < headers.size(); i += 2)
      letter.record.headers.emplace_back(headers[i].value_or(""), headers[i + 1]);
    for (std::size_t i = 0; i < context_names.size(); ++i) {
      const int column = first_context + static_cast<int>(i);
      if (!rows.is_null(at, column))
        letter.context.emplace_back(context_names.at(i), std::string(rows.text(at, column)));
    }
  }
  return out;
}

void PostgresLetterBox::sent(const std::vector<std::string>& ids) {
  if (ids.empty()) return;
  connection_.query(
      "DELETE FROM tailrace.dead_letter WHERE pipeline = $1 AND waits AND letter = ANY($2::uuid[])",
      Params().text(settings_.pipeline).texts(ids));
}

void PostgresLetterBox::refused(const std::string& id, const std::string& why) {
  connection_.query(
      "UPDATE tailrace.dead_letter SET waits = false, send_error = $3 WHERE pipeline = $1 AND letter = "
      "$2::uuid",
      Params().text(settings_.pipeline).text(id).text(why));
}

std::uint64_t waiting_letters(Connection& connection, const std::string& pipeline) {
  return static_cast<std::uint64_t>(
      connection
          .query("SELECT count(*) FROM tailrace.dead_letter WHERE pipeline = $1 AND waits",
                 Params().text(pipeline))
          .integer(0, 0));
}

}  // namespace tailrace::postgres
