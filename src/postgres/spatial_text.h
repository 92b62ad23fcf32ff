// Spatial cells as text, for targets without PostGIS, and what PostGIS does not take.
//
// Shape    EWKB in (model/table_schema.h), EWKT out: SRID=4326;POINT ZM (1 2 3 4). SRID 0 is not written. Numbers are
//          the shortest that read back as the same double.
// Source   PostGIS: EWKB, EWKT; OGC 06-103r4.
#pragma once

#include <string>
#include <string_view>

namespace tailrace::postgres {

// The bytes are our own: asserts that they are whole.
std::string ewkt_of(std::string_view ewkb);

// The first part of the value that PostGIS's type cannot hold (CIRCULARSTRING in a geography); empty: it holds all.
std::string unfit_for_postgis(std::string_view ewkb, bool geography);

}  // namespace tailrace::postgres
