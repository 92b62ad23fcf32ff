// Target tables that exist before their first load: what becomes of their rows (R10c), and what a load in place would meet.
//
// Errors   config: the rows stay as they are, and why.
// Threads  The sink's; all of it runs inside the transaction that begins the load.
#pragma once

#include <vector>

#include "model/table_schema.h"
#include "postgres/connection.h"
#include "postgres/names.h"
#include "postgres/settings.h"

namespace tailrace::postgres {

// What a load that begins finds in the target; done once all of its tables stand in the state.
struct FoundTables {
  std::vector<TableName> tables;
  std::vector<RelationName> to_truncate;
  std::vector<SchemaPtr> to_key;  // They are compared with a shadow, by their key.
};

// The names of the settings that let it be replicated all the same, for an operator.
extern const char* const existing_remedy;

// Throws config: the table holds rows that this pipeline did not write.
[[noreturn]] void refuse_existing(const TableName& table, const RelationName& target);

// Unique indexes beside the key, or a foreign key to itself: chunks are read at different moments, and one by one they need
// not keep what the whole keeps (R9c).
bool meets_constraints(Connection& connection, const RelationName& target);

// One statement, because they may refer to each other. Throws config where a table that is not among them refers to one.
void truncate_existing(Connection& connection, const std::vector<RelationName>& tables);

// The primary key that a comparison needs. Throws config where the rows cannot have it.
void ensure_key_of_existing(Connection& connection, const TableSchema& table, const RelationName& target);

}  // namespace tailrace::postgres
