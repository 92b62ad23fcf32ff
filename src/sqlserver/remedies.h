// SQL that mends a table's capture, ready for an administrator. Pure.
#pragma once

#include <string>
#include <string_view>

#include "sqlserver/catalog.h"

namespace tailrace::sqlserver {

std::string disable(const CatalogTable& table, const CatalogInstance& instance);

// A further capture instance of all columns, under a name that is free, with the role and the identity of the newest one.
// A table has two at most: the older of two goes first, but never `kept`, which is still read. `options`: further
// parameters, each after a comma.
struct Again {
  std::string_view kept;
  std::string_view options;
};
std::string enable_again(const CatalogTable& table, const Catalog& catalog, const Again& again = {});

// `alter`, which capture would stumble over, without capture.
std::string alter_uncaptured(const CatalogTable& table, const Catalog& catalog, const std::string& alter);

// ALTER TABLE ... ALTER COLUMN ...: another type or nullability, in the collation that the column has.
std::string alter_column(const CatalogTable& table, const CatalogColumn& column, std::string_view type,
                         bool nullable);

}  // namespace tailrace::sqlserver
