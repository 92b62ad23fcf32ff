// Spatial values from SQL Server's own bytes, so that nothing is lost on the way: its text shortens coordinates.
//
// Shape    In: the serialization of a geometry or geography, versions 1 and 2. Out: EWKB, little-endian, with the SRID
//          (0: left out); x is the longitude of a geography. Z and M are there for every point or for none; a point
//          that lacks the one has NaN. An empty point has NaN coordinates. A full globe has type 126, as in SQL
//          Server's own well-known binary.
// Errors   False for bytes that break the format; what was appended is to be thrown away.
// Source   [MS-SSCLRT] 2.1; PostGIS: EWKB.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace tailrace::sqlserver {

[[nodiscard]] bool append_ewkb(std::string& out, std::span<const std::byte> bytes, bool geography);

}  // namespace tailrace::sqlserver
