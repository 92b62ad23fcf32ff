// The dead-letter store: changes that the target refused, and the keys that have diverged by them (R11).
//
// Shape    Every function runs inside the caller's transaction, the one that makes the position (or a chunk's progress)
//          durable: letters are there exactly once.
//          A key is known by its identity: its columns in the encoder's form, which is equal where the target's
//          equality says so; stored as a hash.
// Threads  Stateless; the connection's thread.
// Source   docs/rules.md R11.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "postgres/coalesce.h"
#include "postgres/plan.h"
#include "postgres/state_store.h"

namespace tailrace::postgres {

// Why a change is a dead letter; the name of its reason in the store.
struct LetterCause {
  std::string reason = "refused";
  std::string sqlstate = {};
  std::string error = {};
  std::string detail = {};
  std::string constraint = {};
  std::string column = {};
};
LetterCause cause_of(const Error& error);
LetterCause cause_of(const RowFault& fault, const TableSchema& table);

struct DeadLetter {
  TableName table;
  std::vector<std::optional<std::string>> key;  // Nothing where the value itself cannot be expressed.
  std::optional<Operation> operation;           // Nothing: not known, a record of Kafka could not be read.
  std::vector<std::string> columns;
  std::vector<std::optional<std::string>> values;  // Of `columns`; nothing: NULL.
  Lsn lsn;
  std::int64_t commit_time = 0;
  LetterCause cause;
};
// What is known of the row after its last change.
DeadLetter letter_of(const Coalescer& rows, const NetChange& change, LetterCause cause);
DeadLetter letter_of(RowRef row, LetterCause cause);

void store_dead_letter(Connection& connection, const Owner& owner, const DeadLetter& letter);
// The store's columns up to commit_time.
Params dead_letter_params(const Owner& owner, const DeadLetter& letter);

// Encoded, not hashed.
std::string identity_of(const TablePlan& plan, RowRef row);
// Of a row of key columns, in key order and binary, as the server has it.
std::string identity_of(const TablePlan& plan, const Result& rows, int row);

struct KeyList {
  std::vector<std::string> identities;
  std::vector<std::vector<std::string>> keys;
};
void list_diverged(Connection& connection, const Owner& owner, const TablePlan& plan, const KeyList& keys);
void clear_diverged(Connection& connection, const Owner& owner, const TablePlan& plan,
                    const std::vector<std::string>& identities);
// Indexes of those of `identities` that are listed.
std::vector<std::size_t> diverged_among(Connection& connection, const Owner& owner, const TablePlan& plan,
                                        const std::vector<std::string>& identities);
bool has_diverged(Connection& connection, const Owner& owner, const TableName& table);
// Those of the tables that have any: one question for all of them.
std::vector<TableName> diverged_tables(Connection& connection, const Owner& owner,
                                       const std::vector<TableName>& tables);
// The keys of its shadow are now those of the table.
void join_diverged(Connection& connection, const Owner& owner, const TableName& table);
// A load begins anew: of the table, or of its shadow.
void forget_diverged(Connection& connection, const Owner& owner, const TableName& table, bool shadow);

// Letters that have become durable, of the stream and of all chunk writers.
//
// Threads  Any.
class LetterCounter {
 public:
  void add(const TableName& table, std::uint64_t letters);
  // And counts from zero again.
  std::map<TableName, std::uint64_t> take();

 private:
  std::mutex mutex_;
  std::map<TableName, std::uint64_t> counts_;
};

// What must outlive a commit point that is done again with a new connection (R8: its parts come again).
struct Rejection {
  Lsn upto;  // Changes up to here.
  LetterCause cause;
};
struct Isolation {
  std::optional<Lsn> careful_until;
  std::map<TableName, std::map<std::string, Rejection>> rejected;  // By identity.

  // False if it is known already, as far as that.
  bool reject(const TableName& table, const std::string& identity, const Rejection& rejection);
  const Rejection* find(const TableName& table, const std::string& identity, const Lsn& lsn) const;
};
Isolation read_isolation(Connection& connection, const Owner& owner);
void store_isolation(Connection& connection, const Owner& owner, const Isolation& isolation);
// What lies at or before `position` is done.
void settle_isolation(Connection& connection, const Owner& owner, const Lsn& position);

}  // namespace tailrace::postgres
