// geometry and geography: well-known text and SQL Server's own bytes.
//
// Shape    Text: [SRID=n;]POINT, LINESTRING, POLYGON, MULTI..., GEOMETRYCOLLECTION, CIRCULARSTRING, COMPOUNDCURVE,
//          CURVEPOLYGON, FULLGLOBE, EMPTY; a third number is Z, a fourth M, NULL stands for either.
// Errors   False; `problem` says why.
// Source   [MS-SSCLRT] 2.1 (Geography and Geometry structures); OGC 06-103r4 for the text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tailrace::sim::tsql {

bool spatial_from_text(std::string_view text, std::int32_t srid, bool geography, std::string& bytes,
                       std::string& problem);
// As ToString(): without the SRID, with Z and M.
bool spatial_to_text(std::string_view bytes, bool geography, std::string& text);

}  // namespace tailrace::sim::tsql
