// Rows of tailrace.kafka_position: claims, and positions.
//
// Threads  Stateless; the connection's thread.
// Source   docs/rules.md K4.
#pragma once

#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "pipeline/partitions.h"
#include "postgres/connection.h"
#include "postgres/settings.h"

namespace tailrace::postgres {

// The backend that applies what is claimed.
struct Applier {
  int backend_pid = 0;
  std::string backend_started;  // As the server writes it.
};
Applier applier_of(Connection& connection);

// K4a. Raises the epoch in a transaction of its own; who holds the row for longer than `patience` is ended, if it is the owner that
// the row names. Nothing if stopped first. Throws conflict where somebody else keeps the row locked.
std::optional<PartitionClaim> claim_partition(Connection& connection, const Settings& settings,
                                              const PartitionName& where, const Applier& owner,
                                              std::chrono::milliseconds patience,
                                              const std::stop_token& stop);

std::vector<PartitionClaim> read_claims(Connection& connection, const std::string& pipeline);

// For a pipeline of statements: fails (TR003) where one of the claims does not hold any more; locks their rows.
extern const char* const assert_partitions_sql;
Params assert_partitions_params(const std::string& pipeline, const std::vector<PartitionClaim>& claims);
// Answers one row for each that it has moved.
extern const char* const store_positions_sql;
// The claims with the positions that they will have.
Params store_positions_params(const std::string& pipeline, const std::vector<PartitionClaim>& claims);

}  // namespace tailrace::postgres
