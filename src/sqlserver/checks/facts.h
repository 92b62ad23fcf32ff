// What checks must know of a server and a database beyond its catalog.
//
// Shape    read_facts() takes a fixed number of round trips, whatever the number of tables; at a run's start only what a
//          run must know. What the login may not see, or the server does not have, is nothing.
// Errors   As of the connection; a missing right is an answer, not an error.
// Source   facts of cdc.md A1 to A4; Microsoft's pages of sys.dm_server_services, msdb.dbo.cdc_jobs,
//          msdb.dbo.sysjobactivity, sys.allocation_units, sys.configurations, sys.dm_db_file_space_usage.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sqlserver/catalog.h"

namespace tailrace::sqlserver {

class Connection;
struct Selection;

namespace checks {

struct CaptureJob {
  std::int64_t maxtrans = 0;
  std::int64_t maxscans = 0;
  std::int64_t polling_seconds = 0;  // 0: without a pause.
  bool continuous = true;
  std::optional<bool> running;
};

struct Jobs {
  std::optional<CaptureJob> capture;              // Nothing: there is none.
  std::optional<std::int64_t> cleanup_retention;  // Minutes. Nothing: there is no cleanup job.
};

// cdc.lsn_time_mapping: how far capture is, and how much it has had to do.
struct Mapping {
  std::optional<std::int64_t> newest_age_seconds;  // By the server's clock. Nothing: there is no row.
  double peak_per_second = 0;                      // Transactions of the busiest of the newest minutes.
};

struct InstanceFlags {
  bool allows_switch = true;
};

struct TableSize {
  std::uint64_t bytes = 0;
  std::int64_t partitions = 1;
};

struct Tempdb {
  std::uint64_t free_bytes = 0;
  std::uint64_t may_grow_bytes =
      0;             // As much as there is disk, where a file has no limit: the largest number.
  std::string file;  // One of them, by its logical name.
};

// A foreign key over text that is compared without regard to case.
struct LooseForeignKey {
  const CatalogTable* child = nullptr;
  const CatalogTable* parent = nullptr;
  const CatalogForeignKey* key = nullptr;
  // Whether a child spells its parent's key in another way; nothing: not looked at (too many rows, no right).
  std::optional<bool> differs;
};

struct Facts {
  std::string user;   // In the database.
  std::string login;  // At the server.
  bool is_owner = false;
  bool may_see_state = false;  // VIEW DATABASE STATE, or the narrower right of 2022.
  std::string edition;
  std::int64_t engine_edition = 0;
  std::optional<std::int64_t> max_text_repl_size;
  std::set<std::string> roles;  // Of the database, which the user belongs to.
  std::optional<bool> agent_running;
  bool is_published = false;  // By transactional or snapshot replication; the former's log reader feeds CDC.
  bool is_replica = false;    // Read-only here: jobs and Agent are those of another server.

  // Of a full check alone:
  std::optional<Jobs> jobs;
  std::optional<Mapping> mapping;
  std::map<std::int32_t, InstanceFlags> instances;  // By the change table's object_id.
  std::optional<std::int64_t> orphan_ddl_rows;
  std::map<std::int32_t, TableSize> sizes;  // By the table's object_id.
  std::optional<Tempdb> tempdb;
  std::vector<LooseForeignKey> loose_keys;

  bool is_azure_database() const { return engine_edition == 5; }
};

// Larger tables are not joined by a check.
inline constexpr std::uint64_t most_joined_rows = 5'000'000;
// More joins than this are not asked for in one statement.
inline constexpr std::size_t most_joined_keys = 100;

// The foreign keys over text without regard to case, between tables of the selection. Pure.
std::vector<LooseForeignKey> find_loose_keys(const Catalog& catalog, const Selection& selection);

// `selection`: for a full check; nullptr: what a run's start needs.
Facts read_facts(Connection& connection, const Catalog& catalog, const Selection* selection);

}  // namespace checks
}  // namespace tailrace::sqlserver
