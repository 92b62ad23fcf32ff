// What a table is, to everybody between the two databases: names, columns, types, key, constraints.
//
// Units    length: char, varchar, binary, varbinary in bytes; nchar, nvarchar in UTF-16 units; -1 for the max types,
//          text, ntext, image, xml and the spatial types.
// Threads  Immutable once built; shared by shared_ptr<const TableSchema>.
// Source   docs/types.md is the contract; sys.columns, sys.types.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/lsn.h"

namespace tailrace {

enum class TypeKind : std::uint8_t {
  bit,
  tinyint,
  smallint,
  int_,
  bigint,
  decimal,
  smallmoney,
  money,
  real,
  float_,
  date,
  time,
  smalldatetime,
  datetime,
  datetime2,
  datetimeoffset,
  char_,
  varchar,
  nchar,
  nvarchar,
  binary,
  varbinary,
  uniqueidentifier,
  text,
  ntext,
  image,
  rowversion,
  xml,
  sql_variant,
  hierarchyid,
  geometry,
  geography,
};

// How a value of a type lies in a cell (row_batch.h).
enum class CellKind : std::uint8_t {
  boolean,           // bit
  integer,           // tinyint .. bigint
  decimal,           // decimal, money, smallmoney: unscaled, 128 bit
  float32,           // real
  float64,           // float
  date,              // days since 0001-01-01
  time,              // 100 ns since midnight
  timestamp,         // smalldatetime, datetime, datetime2: 100 ns since 0001-01-01
  timestamp_offset,  // datetimeoffset: 100 ns since 0001-01-01 in UTC, and the offset in minutes
  text,              // UTF-8
  bytes,
  uuid,     // 16 bytes in RFC 4122 order (the order in which the text shows them)
  spatial,  // geometry, geography: EWKB, little-endian, with the SRID; x is the longitude of a geography
};

// The cell is a span of the batch's arena.
constexpr bool is_in_arena(CellKind kind) {
  return kind == CellKind::text || kind == CellKind::bytes || kind == CellKind::spatial;
}

struct ColumnType {
  TypeKind kind = TypeKind::int_;
  std::int32_t length = 0;
  std::uint8_t precision = 0;
  std::uint8_t scale = 0;
  bool raw = false;  // Of geometry, geography, hierarchyid: cells are SQL Server's own bytes.

  bool is_max() const { return length == -1; }
  CellKind cell_kind() const;
  // As SQL Server writes it: nvarchar(max), decimal(10,2), datetime2(7).
  std::string sql_name() const;
  bool operator==(const ColumnType&) const = default;
};

struct TableName {
  std::string schema;
  std::string name;
  std::string str() const { return schema + "." + name; }
  auto operator<=>(const TableName&) const = default;
};

// What becomes of U+0000 and of lone surrogates, which PostgreSQL's text cannot hold.
enum class TextPolicy : std::uint8_t {
  error,    // A fault of the row.
  replace,  // U+FFFD stands for each.
  strip,    // Each is left out.
  carry,  // U+0000 stays as it is; a lone surrogate is a fault of the row. For events, which can hold the first.
};

struct Column {
  std::string name = {};
  ColumnType type = {};
  bool nullable = true;
  std::string collation = {};  // Of char types; else empty.
  TextPolicy text_policy = TextPolicy::error;
  std::string fallback = {};  // T-SQL of its default, where the source was asked for events; or empty.
  // What the server calls its type where it was asked for events, else empty: `numeric`, `sysname`, the name of an alias type;
  // ` identity` behind it where it is one.
  std::string declared = {};
  // Its shape; neither a default nor the type's other name says anything of the values that there are.
  bool operator==(const Column& other) const {
    return name == other.name && type == other.type && nullable == other.nullable &&
           collation == other.collation && text_policy == other.text_policy;
  }
};

struct UniqueConstraint {
  std::string name;
  std::vector<std::size_t> columns;  // Indexes into TableSchema::columns, in the constraint's order.
  std::string filter;                // T-SQL of a filtered unique index, or empty.
};

struct ForeignKey {
  std::string name;
  std::vector<std::size_t> columns;
  TableName parent;
  std::vector<std::string> parent_columns;
  bool trusted = true;
};

// Which change table a table's changes come from; a difference in identity means the instance was made anew (R4b).
struct CaptureInstance {
  std::string name;
  std::int32_t object_id = 0;  // Of the change table.
  std::string create_date;     // ISO text, server local time.
  Lsn start_lsn;               // As first seen: cleanup moves it, so it is no part of the identity.
  bool same_as(const CaptureInstance& other) const {
    return name == other.name && object_id == other.object_id && create_date == other.create_date;
  }
};

struct TableSchema {
  TableName name;
  std::vector<Column> columns;
  // Indexes of the replication key's columns, in key order. Never empty, and none of them nullable, but of a source for events.
  std::vector<std::size_t> key;
  std::vector<UniqueConstraint> unique_constraints;  // Without the key itself.
  std::vector<ForeignKey> foreign_keys;
  CaptureInstance instance;
  std::uint64_t estimated_rows = 0;
  std::string snapshot_filter = {};  // T-SQL of the rows that a snapshot takes, or empty: all.

  bool is_key(std::size_t column) const;
  std::optional<std::size_t> find_column(std::string_view column_name) const;
};

using SchemaPtr = std::shared_ptr<const TableSchema>;

}  // namespace tailrace
