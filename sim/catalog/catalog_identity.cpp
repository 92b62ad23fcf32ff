// Numbers that the catalog hands out for rows: identity values and row versions.
#include "base/error.h"
#include "sim/catalog/catalog.h"
#include "sim/catalog/catalog_internal.h"

namespace tailrace::sim {

std::int64_t Catalog::take_identity(const TableDef& table, std::int64_t count) {
  Statement row = work_.connection().prepare(
      "SELECT identity_seed, identity_increment, identity_last, column_id FROM cat_columns"
      " WHERE object_id = ? AND identity_seed IS NOT NULL");
  TAILRACE_ASSERT(row.bind(1, std::int64_t{table.object_id}).next());
  const std::int64_t first = row.is_null(2) ? row.number(0) : row.number(2) + row.number(1);
  const std::int64_t last = first + (count - 1) * row.number(1);
  work_.connection()
      .prepare("UPDATE cat_columns SET identity_last = ? WHERE object_id = ? AND column_id = ?")
      .bind(1, last)
      .bind(2, std::int64_t{table.object_id})
      .bind(3, row.number(3))
      .run();
  return first;
}

std::string Catalog::next_rowversion() {
  Statement row = work_.connection().prepare(
      "UPDATE cat_state SET last_rowversion = last_rowversion + 1 RETURNING last_rowversion");
  TAILRACE_ASSERT(row.next());
  auto number = static_cast<std::uint64_t>(row.number(0));
  row.run();
  std::string bytes(8, '\0');
  for (std::size_t i = 8; i-- > 0; number >>= 8)
    bytes[i] = static_cast<char>(number & 0xFF);
  return bytes;
}

void Catalog::raise_identity(const TableDef& table, std::int64_t value) {
  work_.connection()
      .prepare(
          "UPDATE cat_columns SET identity_last = ?2 WHERE object_id = ?1 AND identity_seed IS NOT NULL AND"
          " (identity_last IS NULL OR (identity_increment > 0 AND identity_last < ?2) OR"
          " (identity_increment < 0 AND identity_last > ?2))")
      .bind(1, std::int64_t{table.object_id})
      .bind(2, value)
      .run();
}

std::optional<std::int64_t> Catalog::last_identity(const TableDef& table) {
  Statement row = work_.connection().prepare(
      "SELECT identity_last FROM cat_columns WHERE object_id = ? AND identity_seed IS NOT NULL");
  if (!row.bind(1, std::int64_t{table.object_id}).next() || row.is_null(0)) return {};
  return row.number(0);
}

}  // namespace tailrace::sim
