// What a SQL Server source is told: where to connect, which tables, how much at once.
//
// Units   Durations are std::chrono; byte limits count bytes as SQL Server stores them (text: UTF-16).
// Threads A value, copied into the source.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"

namespace tailrace::sqlserver {

enum class EncryptMode {
  off,
  require,  // Encrypted; the certificate is not checked.
  verify,   // Encrypted; the certificate must be signed by `ca_file` and bear the host's name.
  strict,   // TDS 8.0: encrypted from the first byte, the certificate is checked. Not with FreeTDS.
};

enum class Authentication {
  password,    // A login of SQL Server.
  integrated,  // Kerberos: whoever this process is, by the ticket cache or a keytab.
};

// What the listener of an availability group routes by.
enum class ApplicationIntent { read_write, read_only };

// Values of Settings::driver.
constexpr std::string_view native_driver = "tds";
constexpr std::string_view freetds_driver = "/usr/lib/x86_64-linux-gnu/odbc/libtdsodbc.so";

struct TableSettings {
  std::vector<std::string> exclude_columns;
  std::vector<std::string> text_strip;    // Columns whose U+0000 and lone surrogates are left out,
  std::vector<std::string> text_replace;  // or become U+FFFD; those of all others are an error.
  std::vector<std::string> key;      // Instead of the primary key; columns of a unique index, none nullable.
  std::string snapshot_filter = {};  // T-SQL of the rows that a snapshot takes.
};

struct Settings {
  std::string host = "localhost";
  std::uint16_t port = 1433;
  std::string instance;  // A named instance is looked up by its name; then `port` is not used.
  std::string database;
  Authentication authentication = Authentication::password;
  std::string user;  // Empty with integrated authentication, as is the password.
  Secret password;
  std::string server_spn;  // With integrated authentication; empty: the driver's own guess.

  EncryptMode encrypt = EncryptMode::verify;
  std::string ca_file;                   // For verify; empty: the system's authorities.
  std::string host_name_in_certificate;  // Empty: `host`.
  ApplicationIntent application_intent = ApplicationIntent::read_write;
  bool multi_subnet_failover = false;  // All addresses of `host` at once. Not with FreeTDS.
  // native_driver, a path of an ODBC driver's library, or the name of one in odbcinst.ini.
  std::string driver{native_driver};
  std::string application = "tailrace";

  std::chrono::seconds login_timeout{15};
  std::chrono::seconds query_timeout{600};
  std::chrono::milliseconds lock_timeout{10'000};
  std::chrono::seconds keepalive{30};  // Silence before the server is asked whether it lives.

  // Globs over schema.table: dbo.*, sales.order_?. None: every table with a capture instance.
  std::vector<std::string> include;
  std::vector<std::string> exclude;
  std::map<std::string, TableSettings> tables;  // By schema.table.

  // What `check` reckons with: how long a stop may take, and how many bytes a second a load reads.
  std::chrono::seconds expected_outage{86'400};
  std::uint64_t expected_rate = 10u << 20;

  std::chrono::milliseconds poll_interval{500};
  std::uint64_t commit_rows = 1'000'000;       // Rows a commit point aims at (row_budget()).
  std::uint64_t commit_transactions = 10'000;  // Source transactions in a commit point, at most.
  std::size_t commit_bytes = 32u << 20;        // Of changes on their way, from the reader to the target.
  // One part of a commit point. Up to four are alive at once (read, queued, applied, encoded), in buffers that grow
  // by doubling.
  std::size_t part_bytes() const { return commit_bytes / 8; }
  std::size_t max_value_bytes = 16u << 20;  // A longer value stops the pipeline (R5),
  bool long_value_is_fault = false;         // or is a fault of its row (errors.on_row: dead_letter).
  // For a sink that sends events on: before images of all updates, whole rows of deletes, the order over all tables
  // (ChangeBatch::order), when transactions began, defaults of columns.
  bool events = false;
  bool raw_objects =
      false;  // geometry, geography and hierarchyid as the server's own bytes, as Debezium has them.
  std::size_t snapshot_batch_bytes = 512u << 10;  // Of one batch of a chunk.
};

}  // namespace tailrace::sqlserver
