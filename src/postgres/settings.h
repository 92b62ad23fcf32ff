// What the PostgreSQL side needs to know; the settings table of the configuration fills it.
//
// Units  durations are std::chrono, sizes in rows or bytes as the name says.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/secret.h"

namespace tailrace::postgres {

// What becomes of rows that a target table has before its first load (R10c).
enum class ExistingRows {
  refuse,    // They are not touched: the pipeline does not start.
  truncate,  // They go before the load begins.
  append,    // The source's rows come to them, over those of the same key; the others stay.
  adopt,     // They are compared with the source's rows, and what differs is mended.
};

std::string_view name_of(ExistingRows existing);
ExistingRows parse_existing(std::string_view name);  // refuse where it is none of them.

// From Kafka: what a record that is no delete does, whatever its operation was at the source.
enum class InsertMode {
  upsert,  // Its row is there as the record has it.
  insert,  // It is a new row; one that is there already is an error.
  update,  // The row becomes that where it is there; else nothing happens.
};

struct Settings {
  std::string pipeline;  // The name under which state is kept.
  std::string url;       // A libpq URI or keyword string; may hold sslmode, sslrootcert, several hosts ...
  std::string user;      // Empty: as the URL says.
  Secret password;       // Empty: as the URL, ~/.pgpass or the server's method says.

  // Source schema -> target schema; a schema that is not named keeps its name.
  std::map<std::string, std::string> schemas{{"dbo", "public"}};
  // char(n) and nchar(n) become char(n) instead of text (the default keeps trailing blanks).
  bool char_as_char = false;
  bool xml_as_text = false;             // xml becomes text instead of xml.
  bool datetimeoffset_as_text = false;  // datetimeoffset becomes text, which keeps offset and seventh digit.
  bool spatial_as_text = false;         // Text also where PostGIS is there.
  // Of the extension in the target: found there when it is opened, not configured. Empty: spatial values become text.
  std::string postgis_schema;

  // From Kafka: a column that records have and the target has not is added to it; else that is an error.
  bool add_columns = false;
  bool make_tables = true;  // Else a table that is not there is an error.
  InsertMode insert_mode = InsertMode::upsert;

  // errors.on_row: a row that cannot be written goes to the dead-letter store instead of stopping the pipeline (R11).
  bool dead_letters = false;
  // From Kafka: letters wait in the store for a topic (errors.dead_letter_topic), at most about so many.
  bool letters_wait = false;
  std::uint64_t most_waiting_letters = 10'000;
  // While so many wait, and none of them goes for this long, the pipeline stops.
  std::chrono::milliseconds letters_patience{30'000};
  // Who has the turn to send letters and asks nothing for so long, though some wait, is taken for frozen. Longer than a
  // transaction of letters may take.
  std::chrono::milliseconds turn_patience{180'000};
  ExistingRows existing = ExistingRows::refuse;
  bool load_first = true;  // Else what the targets of a first start hold stays (snapshot.mode: no_data).

  // One per process: a reconnect of the same runner does not count as another runner. Empty: made by
  // process_runner_id().
  std::string runner_id;

  std::chrono::milliseconds connect_timeout{10'000};
  // Without a sign of life from another runner that still holds the lock, it counts as gone after this time.
  std::chrono::milliseconds heartbeat_stale{10'000};
  std::chrono::milliseconds heartbeat_interval{1'000};
  // How long a takeover waits for an old backend that is still committing before it is ended.
  std::chrono::milliseconds takeover_grace{3'000};
  // DDL waits this long for locks, then steps back and tries again (R9d).
  std::chrono::milliseconds ddl_lock_timeout{5'000};
  int ddl_attempts = 12;
  int fillfactor = 90;  // Of created tables: room for HOT updates.
  // An apply statement carries at most this much; a part is cut into several.
  std::size_t statement_bytes = 8u << 20;
  std::size_t statement_rows = 20'000;
  // New rows of a streaming table come by COPY where they are at least so many: it costs two round trips more.
  std::size_t copy_rows = 1'000;
};

}  // namespace tailrace::postgres
