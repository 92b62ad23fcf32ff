// How the records of one pair of schemas become rows of one table: which columns there are, which of them are the key, and where
// each one's value is.
//
// Shape    Columns come from the record's row, from its key alone, or say where the record lay (PkMode::kafka).
// Errors   config: a type that no column has; a key that the settings name and the records do not have. data: a key column that is
//          nowhere. What else UseTable throws passes through.
// Threads  A value.
// Source   docs/decisions/017; Confluent's and Debezium's JDBC sinks, pk.mode, pk.fields.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "intake/cells.h"
#include "intake/layout.h"
#include "intake/settings.h"
#include "pipeline/partitions.h"

namespace tailrace::intake {

struct ColumnPlace {
  enum class From : std::uint8_t { row, key, coordinates };
  From from = From::row;
  std::size_t at = 0;  // Which field; of the coordinates: topic, partition, offset.
};

struct Route {
  tailrace::SchemaPtr table = {};
  // By column.
  std::vector<ColumnPlace> places = {};
  std::vector<CellWriter> writers = {};
  bool reads_key = false;  // A column is in the record's key alone.
  // By key column: where it stands in the record's key. PkMode::record_key alone.
  std::vector<std::size_t> key_fields = {};
  std::vector<CellWriter> key_writers = {};
};

// Whether a field of a row is not written, and is not named as a column of its key.
bool may_be_left_out(const Settings& settings, std::string_view topic, const std::string& field);

// `key`: nullptr where the settings take no columns from it.
Route make_route(const Settings& settings, std::string_view topic, const TableName& table,
                 const Layout& layout, const record::Schema* key, const UseTable& use_table);
// For records that have a key alone. Nothing where there is no such table.
std::optional<Route> make_key_route(const Settings& settings, const TableName& table,
                                    const record::Schema& key, const UseTable& use_table);

}  // namespace tailrace::intake
