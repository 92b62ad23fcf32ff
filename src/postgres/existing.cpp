// Existing rows.
#include "postgres/existing.h"

#include <fmt/format.h>

#include "base/error.h"
#include "postgres/constraints.h"

namespace tailrace::postgres {

const char* const existing_remedy =
    "say what becomes of the rows (snapshot.existing: adopt compares them with the source's and mends what "
    "differs, "
    "append keeps those that the source does not have, truncate removes them), or empty, rename or drop the "
    "target "
    "table, or exclude the source table";

void refuse_existing(const TableName& table, const RelationName& target) {
  throw Error(
      ErrorKind::config,
      fmt::format("target table {} exists and holds rows that this pipeline did not write", target.str()))
      .with("table", table.str())
      .with("expected", "no such table, or an empty one")
      .with("remedy", existing_remedy);
}

bool meets_constraints(Connection& connection, const RelationName& target) {
  return connection
      .query(
          "SELECT EXISTS (SELECT FROM pg_index WHERE indrelid = $1::regclass AND NOT indisprimary"
          "                 AND (indisunique OR indisexclusion))"
          "    OR EXISTS (SELECT FROM pg_constraint WHERE contype = 'f' AND conrelid = $1::regclass"
          "                 AND confrelid = conrelid)",
          Params().text(target.quoted()))
      .boolean(0, 0);
}

void truncate_existing(Connection& connection, const std::vector<RelationName>& tables) {
  std::string list;
  std::vector<std::string> names;
  for (const RelationName& table : tables) {
    list += (list.empty() ? "" : ", ") + table.quoted();
    names.push_back(table.quoted());
  }
  // Never CASCADE: it would empty tables that nobody has named.
  const Result others = connection.query(
      "SELECT conrelid::regclass::text, conname, confrelid::regclass::text FROM pg_constraint"
      " WHERE contype = 'f' AND confrelid = ANY($1::text[]::regclass[])"
      "   AND conrelid <> ALL($1::text[]::regclass[]) ORDER BY 1, 2",
      Params().texts(names));
  if (others.rows() != 0)
    throw Error(ErrorKind::config, fmt::format("target table {} cannot be truncated: {} refers to it ({})",
                                               others.text(0, 2), others.text(0, 0), others.text(0, 1)))
        .with("remedy", fmt::format("ALTER TABLE {} DROP CONSTRAINT {}; or take the rows over instead "
                                    "(snapshot.existing: adopt)",
                                    others.text(0, 0), quote_name(std::string(others.text(0, 1)))));
  connection.exec("TRUNCATE " + list);
}

void ensure_key_of_existing(Connection& connection, const TableSchema& table, const RelationName& target) {
  try {
    ensure_primary_key(connection, table, target);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::data) throw;
    throw Error(ErrorKind::config,
                fmt::format("the rows of target table {} cannot be compared with the source's: they do not "
                            "have its key",
                            target.str()))
        .with("table", table.name.str())
        .with("detail", error.what())
        .with("remedy",
              "remove the rows that have no key or one key twice, or all of them (snapshot.existing: "
              "truncate)");
  }
}

}  // namespace tailrace::postgres
