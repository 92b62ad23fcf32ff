// Spatial cells as text.
//
// Shape    EWKB in (model/table_schema.h), EWKT out: SRID=4326;POINT ZM (1 2 3 4). SRID 0 is not written. Numbers are
//          the shortest that read back as the same double.
// Source   PostGIS: EWKB, EWKT; OGC 06-103r4.
#pragma once

#include <string>
#include <string_view>

namespace tailrace {

// The bytes are our own: asserts that they are whole.
std::string ewkt_of(std::string_view bytes);

}  // namespace tailrace
