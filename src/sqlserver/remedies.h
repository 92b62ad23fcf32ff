// SQL that mends a table's capture, ready for an administrator. Pure.
#pragma once

#include <string>

#include "sqlserver/catalog.h"

namespace tailrace::sqlserver {

// N'role', or NULL: the gating role of this instance, or of the table's newest one.
std::string role_literal(const CatalogTable& table, const std::string& instance = {});

// A further capture instance of all columns, under a name that is free, with the role and the identity of the newest one.
// A table has two at most: the older of two goes first.
std::string enable_again(const CatalogTable& table, const Catalog& catalog);

}  // namespace tailrace::sqlserver
