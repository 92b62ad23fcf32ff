// Change data capture as its users meet it: procedures and functions, with SQL Server's parameters and errors.
//
// Shape    Each procedure takes its parameters as a struct and answers an Outcome; those that return rows fill a
//          CdcResult. The caller has called Work::before_write() for procedures that change something, and rolls the
//          statement back on an error. Changes of captured tables are logged by triggers: the engine only calls
//          LogWriter::next_command() once a DML statement, and see "Deferred updates" in sim/README.md.
// Errors   22901, 22902, 22911, 22914, 22926, 22931, 22952, 22957, 22960, 22964, 22981, 229xx as told in
//          sim/README.md.
// Threads  Belongs to its Catalog's thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/catalog/catalog.h"
#include "sim/catalog/security.h"
#include "sim/catalog/server.h"
#include "sim/storage/sql_error.h"
#include "sim/storage/value.h"

namespace tailrace::sim {

struct CdcResult {
  struct Column {
    std::string name;
    TypeInfo type;
    bool nullable = true;
  };
  std::vector<Column> columns;
  std::vector<std::vector<Value>> rows;
  std::vector<std::string>
      info;  // PRINT-like messages, severity 0 ("Job 'cdc.shop_capture' started successfully.").
};

struct EnableTable {
  std::optional<std::string> source_schema;
  std::optional<std::string> source_name;
  bool role_given = false;  // @role_name must be given, NULL included.
  std::optional<std::string> role_name;
  std::optional<std::string> capture_instance;
  std::optional<bool> supports_net_changes;
  std::optional<std::string> index_name;
  std::optional<std::string> captured_column_list;
  std::optional<std::string> filegroup_name;
  std::optional<bool> allow_partition_switch;
};

struct CaptureInstance {
  std::int32_t object_id = 0;  // Of the change table.
  std::int32_t source_object_id = 0;
  std::string name;
  std::optional<Lsn> start_lsn;
  std::optional<std::string> role_name;
  bool supports_net_changes = false;
  std::int64_t create_date = 0;
  struct Column {
    std::string name;
    std::int32_t column_id = 0;  // In the source table.
    std::string type_name;
    std::int32_t ordinal = 0;  // 1-based; stored column of the change table: c<ordinal + 5>.
    bool computed = false;
  };
  std::vector<Column> columns;
};

// fn_cdc_get_all_changes_<ci>(@from, @to, @option) and fn_cdc_get_net_changes_<ci>: bind the call as a subselect.
struct ChangeFunction {
  std::int32_t object_id = 0;  // Of the function.
  std::int32_t change_table_id = 0;
  std::string capture_instance;
  bool net = false;
  // The result's columns: __$start_lsn, __$seqval, __$operation, __$update_mask, then the captured ones.
  std::vector<CdcResult::Column> columns;
  std::vector<std::string> stored_names;  // Of the same columns, in `select`.
  // A SELECT of SQLite with exactly these columns under their stored names ("__$start_lsn" quoted). Parameters by
  // name: :from and :to (BLOBs), :option (TEXT). For net changes it calls window functions.
  std::string select;
};

enum class TimeRelation : std::uint8_t {
  largest_less_than,
  largest_less_than_or_equal,
  smallest_greater_than,
  smallest_greater_than_or_equal
};

class Cdc {
 public:
  Cdc(Server& server, DatabasePtr database, Catalog& catalog);

  // --- Procedures (sys.sp_cdc_...). `caller` is checked for db_owner (22904) or sysadmin (22902) where wanted.
  [[nodiscard]] Outcome enable_db(const Principal& caller);
  [[nodiscard]] Outcome disable_db(const Principal& caller);
  [[nodiscard]] Outcome enable_table(const Principal& caller, const EnableTable& parameters,
                                     CdcResult& result);
  // capture_instance: a name or 'all'.
  [[nodiscard]] Outcome disable_table(const Principal& caller,
                                      const std::optional<std::string>& source_schema,
                                      const std::optional<std::string>& source_name,
                                      const std::optional<std::string>& capture_instance);
  [[nodiscard]] Outcome help_change_data_capture(const Principal& caller,
                                                 const std::optional<std::string>& source_schema,
                                                 const std::optional<std::string>& source_name,
                                                 CdcResult& result);
  [[nodiscard]] Outcome help_jobs(const Principal& caller, CdcResult& result);
  struct ChangeJob {
    std::optional<std::string> job_type;  // capture (default), cleanup
    std::optional<std::int64_t> maxtrans, maxscans, continuous, pollinginterval, retention, threshold;
  };
  [[nodiscard]] Outcome change_job(const Principal& caller, const ChangeJob& change);
  [[nodiscard]] Outcome add_job(const Principal& caller, const ChangeJob& job, bool start, CdcResult& result);
  [[nodiscard]] Outcome drop_job(const Principal& caller, const std::optional<std::string>& job_type);
  [[nodiscard]] Outcome start_job(const Principal& caller, const std::optional<std::string>& job_type);
  [[nodiscard]] Outcome stop_job(const Principal& caller, const std::optional<std::string>& job_type);
  [[nodiscard]] Outcome cleanup_change_table(const Principal& caller,
                                             const std::optional<std::string>& capture_instance,
                                             const std::optional<Lsn>& low_water_mark,
                                             std::int64_t threshold);
  [[nodiscard]] Outcome get_captured_columns(const Principal& caller,
                                             const std::optional<std::string>& capture_instance,
                                             CdcResult& result);
  [[nodiscard]] Outcome get_ddl_history(const Principal& caller,
                                        const std::optional<std::string>& capture_instance,
                                        CdcResult& result);

  // --- Scalar functions (sys.fn_cdc_...). Nothing is NULL.
  std::optional<Lsn> max_lsn();
  Lsn min_lsn(const Principal& caller,
              std::string_view capture_instance);                     // Zero: none, or not for this caller.
  std::optional<std::int64_t> map_lsn_to_time(std::string_view lsn);  // datetime
  std::optional<Lsn> map_time_to_lsn(TimeRelation relation, std::int64_t datetime);
  static bool find_time_relation(std::string_view text, TimeRelation& relation);
  std::optional<std::int32_t> column_ordinal(std::string_view capture_instance, std::string_view column);
  static std::optional<bool> is_bit_set(std::optional<std::int32_t> ordinal,
                                        std::optional<std::string_view> mask);
  std::optional<bool> has_column_changed(std::string_view capture_instance, std::string_view column,
                                         std::optional<std::string_view> mask);

  // --- Table functions. `name` without schema, e.g. fn_cdc_get_all_changes_dbo_orders.
  std::optional<ChangeFunction> change_function(std::string_view name);
  // 229 (rights), 313 (bounds, option). To be called with the evaluated arguments, in the statement's snapshot.
  [[nodiscard]] Outcome check_change_function(const Principal& caller, const ChangeFunction& function,
                                              std::optional<std::string_view> from,
                                              std::optional<std::string_view> to,
                                              std::optional<std::string_view> option);

  // --- What DDL and DML of the engine must tell.
  bool enabled();
  std::vector<CaptureInstance> instances();
  std::vector<CaptureInstance> instances_of(std::int32_t source_object_id);
  // Before ALTER TABLE, DROP: whether CDC forbids it (4947-like errors; DROP of the key). After: the history
  // row, new triggers, the change table's type.
  [[nodiscard]] Outcome before_alter(const TableDef& table, std::string_view column_or_constraint, bool drop,
                                     bool rename);
  // SELECTs of a captured column's values, under its stored name, in the log and the change tables: an ALTER COLUMN
  // converts them too, so they must be fit for it.
  std::vector<std::string> captured_values(std::int32_t object_id, const ColumnDef& column);
  // `retyped_column_id`: the column whose type changed (0: none), with the conversion given to Catalog::alter_column().
  void after_alter(std::int32_t object_id, std::string_view ddl_command, std::int32_t retyped_column_id = 0,
                   std::string_view conversion = {});
  // Before DROP TABLE: instances go with their table.
  void before_drop(const TableDef& table);
  // 7139: a LOB (its stored text or bytes) above 'max text repl size' is about to be written to a captured column.
  Outcome check_lob(const TableDef& table, const ColumnDef& column, std::string_view stored);

 private:
  [[nodiscard]] Outcome check_owner(const Principal& caller);  // 22901, 22904
  [[nodiscard]] Outcome captured_columns(const TableDef& table, const IndexDef* identity,
                                         const EnableTable& parameters,
                                         std::vector<const ColumnDef*>& columns);
  [[nodiscard]] Outcome create_instance(const TableDef& table, const std::string& name,
                                        const EnableTable& parameters, bool net, const IndexDef* identity,
                                        const std::vector<const ColumnDef*>& columns);
  [[nodiscard]] Outcome drop_instance(const CaptureInstance& instance);
  [[nodiscard]] Outcome create_jobs(CdcResult& result);
  void create_job(std::string_view type);
  bool may_read(const Principal& caller, const CaptureInstance& instance);
  [[nodiscard]] Outcome set_job_running(const Principal& caller, const std::optional<std::string>& job_type,
                                        bool running);

  Server& server_;
  DatabasePtr database_;
  Catalog& catalog_;
};

}  // namespace tailrace::sim
