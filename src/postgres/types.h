// From SQL Server's types to PostgreSQL's: what a created column gets, and what an existing one may be.
//
// Source  docs/types.md, the contract; pg_type.dat of PostgreSQL 15 for the object ids.
#pragma once

#include <cstdint>
#include <string>

#include "model/table_schema.h"
#include "postgres/settings.h"

namespace tailrace::postgres {

// Built-in types have the same object id in every server.
enum Oid : std::uint32_t {
  oid_bool = 16,
  oid_bytea = 17,
  oid_int8 = 20,
  oid_int2 = 21,
  oid_int4 = 23,
  oid_text = 25,
  oid_xml = 142,
  oid_float4 = 700,
  oid_float8 = 701,
  oid_bpchar = 1042,
  oid_varchar = 1043,
  oid_date = 1082,
  oid_time = 1083,
  oid_timestamp = 1114,
  oid_timestamptz = 1184,
  oid_numeric = 1700,
  oid_uuid = 2950,
  // PostGIS's types have another id in every database (PgType::server_oid); here these stand for them.
  oid_geometry = 0xFFFFFF01,
  oid_geography = 0xFFFFFF02,
};

// A type as a column has it. The modifier is PostgreSQL's own number; -1: none.
struct PgType {
  std::uint32_t oid = 0;
  std::int32_t modifier = -1;
  std::uint32_t server_oid = 0;  // Of an extension's type, and of the array of it; else 0.
  std::uint32_t server_array_oid = 0;
  bool operator==(const PgType&) const = default;

  // As the server numbers the type and its array.
  std::uint32_t wire_oid() const { return server_oid == 0 ? oid : server_oid; }
  std::uint32_t array_oid() const;

  // numeric(10,2): 10 and 2. Only of a numeric with a modifier.
  int numeric_precision() const;
  int numeric_scale() const;
  // Digits after the second that the column keeps: of time, timestamp, timestamptz.
  int second_digits() const;
  // Characters of varchar(n) and char(n); -1: any number.
  int characters() const;
  // As PostgreSQL writes it: numeric(10,2), timestamp(3) without time zone. Unknown types as their number.
  std::string sql() const;
};

// What tailrace creates for this type.
PgType created_type(const ColumnType& source, const Settings& settings);

// A column of this type takes every value of `source` without loss: as it is, as a wider number, or as text.
bool takes(const PgType& target, const ColumnType& source);

// Digits that docs/types.md declares lost: time(7), datetime2(7), datetimeoffset(7).
bool loses_digits(const ColumnType& source);

}  // namespace tailrace::postgres
