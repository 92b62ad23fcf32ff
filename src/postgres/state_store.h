// Reading and writing the rows of schema `tailrace`. Every function runs inside the caller's transaction.
//
// Threads  Stateless; the connection's thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "pipeline/sink.h"
#include "pipeline/state.h"
#include "pipeline/status.h"
#include "postgres/connection.h"
#include "postgres/names.h"
#include "postgres/settings.h"

namespace tailrace::postgres {

// A row of table_state, as the sink needs it.
struct StoredTable {
  TableProgress progress;
  RelationName target;
  ExistingRows existing = ExistingRows::refuse;  // refuse: there were none.
  std::optional<std::string> shadow_table;       // In schema tailrace.
  bool constraints_done = false;
  std::uint64_t loaded_rows = 0;
};

struct StoredPipeline {
  bool exists = false;
  bool succeeded = false;
  std::string source_identity;
  std::optional<Position> position;
  std::vector<StoredTable> tables;
  std::vector<TableRequest> requests;  // Open ones.
};

// Whether this pipeline has a row, in whatever version of the state schema.
bool is_known(Connection& connection, const std::string& pipeline);
StoredPipeline read_pipeline(Connection& connection, const std::string& pipeline);
ResumeState resume_state_of(const StoredPipeline& stored);

std::string bytea_text(const Lsn& lsn);  // \x and 20 digits.

struct Owner {
  std::string pipeline;
  std::int64_t fence = 0;
};

// The same two statements for a pipeline of statements.
inline constexpr const char* assert_owner_sql = "SELECT tailrace.assert_owner($1, $2, $3)";
Params owner_params(const Owner& owner, const std::optional<Lsn>& lsn);
extern const char* const store_position_sql;
Params position_params(const Owner& owner, const Position& position);
void expect_one_row(const Result& result);

// Fails with fenced in the server where the pipeline is not ours any more (R6c).
void assert_owner(Connection& connection, const Owner& owner, const std::optional<Lsn>& lsn);

void store_identity(Connection& connection, const Owner& owner, const std::string& source_identity);
void store_position(Connection& connection, const Owner& owner, const Position& position);
void store_table(Connection& connection, const Owner& owner, const StoredTable& table);
void store_state(Connection& connection, const Owner& owner, const TableName& table, TableState state,
                 const std::optional<HighMark>& mark);
void store_instance(Connection& connection, const Owner& owner, const InstanceSwitch& change);
void store_chunk(Connection& connection, const Owner& owner, const Chunk& chunk, bool done = false);
// R12. A table that leaves the stream has its own position from there on; what streamed is paused.
void store_left(Connection& connection, const Owner& owner, const TableName& table, const Lsn& low);
// Its shadow goes, after the target was compared with it.
void store_compared(Connection& connection, const Owner& owner, const TableName& table,
                    const ComparedRows& rows);
void store_joined(Connection& connection, const Owner& owner, const TableName& table);
std::vector<TableRequest> read_requests(Connection& connection, const std::string& pipeline);
// Closes the open request; nothing where there is none.
void answer_request(Connection& connection, const Owner& owner, const TableName& table,
                    const std::string& refusal);
inline constexpr const char* assert_table_sql = "SELECT tailrace.assert_table($1, $2, $3, $4, $5)";
Params assert_table_params(const Owner& owner, const TableName& table, const Lsn& low);
extern const char* const store_low_sql;
Params low_params(const Owner& owner, const TableName& table, const Lsn& low);
// Its chunks and parked keys go with it.
void forget_table(Connection& connection, const Owner& owner, const TableName& table);
void park_key(Connection& connection, const Owner& owner, const TableName& table,
              const std::vector<std::string>& key);
void unpark_key(Connection& connection, const Owner& owner, const TableName& table,
                const std::vector<std::string>& key);
// Of those tables; one without parked keys is not among the answers.
std::map<TableName, std::set<std::vector<std::string>>> read_parked(Connection& connection,
                                                                    const std::string& pipeline,
                                                                    const std::vector<TableName>& tables);
// Two arrays, schemas and names: many tables in one statement.
Params& add_tables(Params& params, const std::vector<TableName>& tables);

}  // namespace tailrace::postgres
