// Which lineage of a database this is, and what proves that a stored position belongs to it (R4c).
//
// Shape    Texts that the sink keeps: `created=...;broker=...;fork=...`. What the login may not see is empty, and
//          then the next best thing is compared.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sqlserver/window.h"

namespace tailrace::sqlserver {

class Connection;
struct CatalogDatabase;

struct Identity {
  std::string name;
  std::string create_date;  // Of this copy of the database: other replicas have others.
  std::string broker_guid;
  std::string fork_guid;  // Of the recovery fork: a restore to an older point begins a new one.

  std::string text() const;
  static Identity parse(std::string_view text);
};

Identity read_identity(Connection& connection, const CatalogDatabase& database);

// What differs, as a sentence; nothing when both are of one lineage.
std::optional<std::string> difference(const Identity& stored, const Identity& current);

// The mapping row of a position, as text to be compared at a later start.
std::string evidence_of(const MappedTransaction& row);

}  // namespace tailrace::sqlserver
