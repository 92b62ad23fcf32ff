// The schema `tailrace` in the target database: made and migrated forward by the program itself.
//
// Shape    pipeline (fence, position), runner (who runs, heartbeat), table_state, snapshot_chunk, parked_key;
//          dead_letter, diverged_key, rejected_key (R11); kafka_position (K4). Functions assert_owner, assert_fence and
//          assert_partitions raise TR001, TR002, TR003 in the server (R6c, K4b).
#pragma once

#include <string>

#include "postgres/connection.h"

namespace tailrace::postgres {

// Version of the state schema that this program reads and writes.
inline constexpr int state_version = 7;

// 0: there is none yet.
int stored_state_version(Connection& connection);

// Brings the state schema to `state_version`. Throws config where it is newer than this program, or where the
// right to make it is missing.
void migrate_state_schema(Connection& connection);

// The statements that make the state schema from nothing (for `tailrace schema`).
std::string state_schema_sql();

}  // namespace tailrace::postgres
