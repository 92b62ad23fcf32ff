// What the files of sim/cdc share.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/catalog/catalog.h"
#include "sim/cdc/cdc.h"

namespace tailrace::sim {

// Stored columns of a change table: c1 to c5 are __$start_lsn, __$end_lsn, __$seqval, __$operation, __$update_mask.
inline constexpr std::int32_t metadata_columns = 5;

inline std::string log_table(std::int32_t source_object_id) {
  return "l" + std::to_string(source_object_id);
}

// "[a], "b", c" as names; nothing when it cannot be read.
std::optional<std::vector<std::string>> parse_column_list(std::string_view list);

// The log table and the triggers of a captured table, made anew for its present columns.
void create_log_triggers(Connection& connection, const TableDef& table);
void drop_log(Connection& connection, std::int32_t source_object_id);

std::vector<CaptureInstance> load_instances(Connection& connection,
                                            std::optional<std::int32_t> source_object_id);
std::optional<CaptureInstance> load_instance(Connection& connection, std::string_view name);

// All bits of `columns` columns set, as op 1 and 2 have it.
std::string full_mask(std::int32_t columns);
bool mask_bit(std::string_view mask, std::int32_t ordinal);

std::optional<Lsn> max_mapped_lsn(Connection& connection);

// SQL functions that the change functions use.
void register_change_functions(Connection& connection);

// The columns of a procedure's result: names and types as T-SQL writes them.
void set_columns(CdcResult& result,
                 std::initializer_list<std::pair<std::string_view, std::string_view>> columns);

// Errors that several procedures have.
SqlError not_enabled(std::string_view database);                     // 22901
SqlError empty_parameter(std::string_view name);                     // 22963
SqlError no_source(std::string_view schema, std::string_view name);  // 22931
SqlError no_instance();                                              // 22981

// Tables that CDC makes; a type that ends with '?' may be NULL, `key` are the columns of the clustered index.
ColumnDef made_column(std::string name, std::string_view type, bool nullable);
TableDef cdc_table(std::int32_t id, std::string name,
                   const std::vector<std::pair<std::string_view, std::string_view>>& columns,
                   const std::vector<std::int32_t>& key);

struct CleanupPlan {
  // For each change table its new start_lsn; rows below it go.
  std::vector<std::pair<std::int32_t, Lsn>> marks;
};

}  // namespace tailrace::sim
