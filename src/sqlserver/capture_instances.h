// Which capture instance of a table is read: whether it still is the one that it was, whether it reaches back far enough,
// and which other one may take its place.
//
// Shape    Pure. `instances` are those of the whole database as read_instances() gives them, oldest first; a position is
//          exclusive, as everywhere: what is needed lies behind it.
// Source   docs/decisions/011-two-capture-instances.md; docs/rules.md R2b, R4b.
#pragma once

#include <optional>
#include <span>

#include "base/error.h"
#include "sqlserver/catalog.h"
#include "sqlserver/selection.h"

namespace tailrace::sqlserver {

// The largest LSN that is less.
Lsn just_before(Lsn lsn);

CaptureInstance identity_of(const CatalogInstance& instance);
bool is_instance(const CatalogInstance& instance, const CaptureInstance& known);

// Every change behind `position` is in it: it begins there, or with what comes next. Of an instance whose start is not established yet
// that is not known.
bool reaches_back(const CatalogInstance& instance, const Lsn& position);

// Nothing where `read` still is there and reaches back to `position`; else a gap, naming table, position and what to do.
std::optional<Error> validity_error(std::span<const CatalogInstance> instances, const TableName& table,
                                    const CaptureInstance& read, const Lsn& position);

// The same at a start, where `chosen` was selected for a table of which `stored` is known: another one may be read in its place
// if it reaches back as far.
std::optional<Error> succession_error(std::span<const CatalogInstance> instances, const TableName& table,
                                      const CaptureInstance& stored, const CaptureInstance& chosen,
                                      const Lsn& position);

// Throws what validity_error() answers, or conflict where another instance of the table reaches back: a new start of the source takes that one, or
// says why it cannot.
void check_validity(std::span<const CatalogInstance> instances, const CapturedTable& table,
                    const Lsn& position);

// The table's newest instance, where that is not the one that is read, and reaches back to `position`.
const CatalogInstance* newer_instance(std::span<const CatalogInstance> instances, const CapturedTable& table,
                                      const Lsn& position);

}  // namespace tailrace::sqlserver
