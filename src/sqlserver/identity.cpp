// Identity of a source.
#include "sqlserver/identity.h"

#include <fmt/format.h>

#include "sqlserver/catalog.h"
#include "sqlserver/connection.h"
#include "sqlserver/diagnostics.h"
#include "sqlserver/fields.h"

namespace tailrace::sqlserver {
namespace {

std::string hex(std::string_view bytes) {
  std::string out;
  for (const char c : bytes)
    out += fmt::format("{:02x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
  return out;
}

// What is not there was not to be seen.
std::string field_or_empty(std::string_view text, std::string_view name) {
  return std::string(field_of(text, name).value_or(""));
}

}  // namespace

std::string Identity::text() const {
  return fmt::format("created={};broker={};fork={};name={}", create_date, broker_guid, fork_guid, name);
}

Identity Identity::parse(std::string_view text) {
  Identity out{
      {}, field_or_empty(text, "created"), field_or_empty(text, "broker"), field_or_empty(text, "fork")};
  const std::size_t name = text.find(";name=");
  if (name != std::string_view::npos) out.name = text.substr(name + 6);
  return out;
}

Identity read_identity(Connection& connection, const CatalogDatabase& database) {
  Identity identity{database.name, database.create_date, database.broker_guid, {}};
  try {
    Statement rows(connection, "read the recovery fork",
                   "SELECT r.[recovery_fork_guid] FROM sys.database_recovery_status AS r WHERE "
                   "r.[database_id] = DB_ID()");
    if (rows.fetch()) {
      if (const std::optional<std::string> guid = rows.bytes(0)) identity.fork_guid = hex(*guid);
    }
  } catch (const Error& error) {
    if (!is_missing_right(error) && !is_missing_object(error)) throw;
  }
  return identity;
}

std::optional<std::string> difference(const Identity& stored, const Identity& current) {
  const auto differs = [](std::string_view what, const std::string& left, const std::string& right) {
    return fmt::format("its {} was {} and is {} now", what, left, right);
  };
  if (!stored.fork_guid.empty() && !current.fork_guid.empty()) {
    if (stored.fork_guid == current.fork_guid) return std::nullopt;
    return differs("recovery fork", stored.fork_guid, current.fork_guid);
  }
  if (!stored.broker_guid.empty() && !current.broker_guid.empty()) {
    if (stored.broker_guid == current.broker_guid) return std::nullopt;
    return differs("service broker guid", stored.broker_guid, current.broker_guid);
  }
  if (stored.create_date == current.create_date) return std::nullopt;
  return differs("creation date", stored.create_date, current.create_date);
}

std::string evidence_of(const MappedTransaction& row) {
  return fmt::format("tran={};begin={};end={}", hex(row.tran_id), row.begin_time, row.end_time);
}

}  // namespace tailrace::sqlserver
