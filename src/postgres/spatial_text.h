// What PostGIS does not take of spatial cells.
//
// Source   PostGIS: EWKB; OGC 06-103r4.
#pragma once

#include <string>
#include <string_view>

namespace tailrace::postgres {

// The first part of the value that PostGIS's type cannot hold (CIRCULARSTRING in a geography); empty: it holds all.
std::string unfit_for_postgis(std::string_view bytes, bool geography);

}  // namespace tailrace::postgres
