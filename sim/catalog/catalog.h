// The catalog of one database as one session sees it: look-ups for the binder, DDL for the executor.
//
// Shape    Everything is stored in SQLite tables of the same file, so DDL is part of the session's transaction and
//          other sessions see it when it commits. Looked-up definitions are kept until the catalog's version moves.
// Errors   DDL answers SQL Server's errors (2714, 3701, 4902, 1779 ...). DDL must be called after
//          Work::before_write() and wants the caller to roll back the statement when it answers an error.
// Threads  Belongs to its Work's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sim/catalog/definitions.h"
#include "sim/storage/sql_error.h"
#include "sim/storage/work.h"

namespace tailrace::sim {

// Object ids of the tables of CDC are the same in every database, and so are their stored names.
namespace fixed_id {
inline constexpr std::int32_t change_tables = 1001;
inline constexpr std::int32_t captured_columns = 1002;
inline constexpr std::int32_t index_columns = 1003;
inline constexpr std::int32_t ddl_history = 1004;
inline constexpr std::int32_t lsn_time_mapping = 1005;
}  // namespace fixed_id

class Catalog {
 public:
  explicit Catalog(Work& work);
  // Makes the catalog's own tables in a new file; names in it compare by `collation`.
  static void create(Connection& connection, std::string_view collation);
  // Whatever sessions know of the catalog is out of date.
  static void changed(Connection& connection);

  // Looks at the version in the file; call once before a statement is bound (before a cached plan is reused,
  // too). Answers the version: a plan bound under another one must be bound again.
  std::int64_t refresh();
  std::int64_t version() const { return version_; }  // Of the last refresh() or change.

  std::optional<std::int32_t> schema_id(std::string_view schema);
  std::string schema_name(std::int32_t schema_id);
  // nullptr: no such table. (Views: object() and module_text().)
  TablePtr table(std::string_view schema, std::string_view name);
  TablePtr table(std::int32_t object_id);
  std::optional<ObjectDef> object(std::string_view schema, std::string_view name);
  std::optional<ObjectDef> object(std::int32_t object_id);
  std::vector<std::int32_t> table_ids();  // Of user tables, by name.

  [[nodiscard]] Outcome create_schema(std::string_view name);
  [[nodiscard]] Outcome drop_schema(std::string_view name);

  // Creates what `table` describes, with its indexes, checks and keys; ids left 0 are assigned and written
  // back, names left empty are made as SQL Server makes them (PK__orders__3213E83F...).
  [[nodiscard]] Outcome create_table(TableDef& table);
  [[nodiscard]] Outcome drop_table(const TableDef& table);
  [[nodiscard]] Outcome truncate_table(const TableDef& table);  // 4711, 4712 are found here.
  // The new column reads NULL in old rows; the engine fills in the default where WITH VALUES or NOT NULL wants it.
  [[nodiscard]] Outcome add_column(const TableDef& table, ColumnDef& column);
  [[nodiscard]] Outcome drop_column(const TableDef& table, std::string_view name);
  // Type, nullability, collation. `conversion` is SQLite SQL over the stored columns that gives the new
  // stored value (empty: the stored form is the same).
  [[nodiscard]] Outcome alter_column(const TableDef& table, const ColumnDef& column,
                                     std::string_view conversion);
  [[nodiscard]] Outcome add_index(const TableDef& table, IndexDef& index);  // Also PRIMARY KEY and UNIQUE.
  [[nodiscard]] Outcome drop_index(const TableDef& table, std::string_view name);
  [[nodiscard]] Outcome add_check(const TableDef& table, CheckDef& check);
  [[nodiscard]] Outcome add_foreign_key(ForeignKeyDef& key);
  [[nodiscard]] Outcome add_default(const TableDef& table, std::int32_t column_id, DefaultDef& value);
  // A constraint of any kind by name (3728 when there is none).
  [[nodiscard]] Outcome drop_constraint(const TableDef& table, std::string_view name);
  [[nodiscard]] Outcome set_constraint_disabled(const TableDef& table, std::string_view name, bool disabled,
                                                bool with_check);
  [[nodiscard]] Outcome rename_table(const TableDef& table, std::string_view new_name);
  [[nodiscard]] Outcome rename_column(const TableDef& table, std::string_view old_name,
                                      std::string_view new_name);
  [[nodiscard]] Outcome transfer_table(const TableDef& table, std::string_view new_schema);

  // Views, procedures and functions that are stored as text; type as in sys.objects.
  [[nodiscard]] Outcome create_module(std::string_view schema, std::string_view name, std::string_view type,
                                      std::string_view text);
  [[nodiscard]] Outcome alter_module(std::int32_t object_id, std::string_view text);
  [[nodiscard]] Outcome drop_module(std::int32_t object_id);
  std::string module_text(std::int32_t object_id);

  // The next `count` identity values of a table: the first of them. Part of the transaction.
  std::int64_t take_identity(const TableDef& table, std::int64_t count);
  void raise_identity(const TableDef& table,
                      std::int64_t value);  // After SET IDENTITY_INSERT, DBCC CHECKIDENT.
  // The database's next rowversion, 8 bytes big-endian. Part of the transaction.
  std::string next_rowversion();
  std::optional<std::int64_t> last_identity(const TableDef& table);

  std::int32_t new_object_id();
  // Any change to what look-ups answer ends with this.
  void touch();
  Work& work() { return work_; }

  // The error of SQL Server (2627, 2601) for Connection::last_error() after Step::unique.
  // `key` is the duplicate key as text, "1, abc", where the engine knows it.
  // `key` shows the values of an index' columns, as `1, X`.
  SqlError unique_error(const TableDef& table, std::string_view sqlite_message,
                        const std::function<std::string(const IndexDef&)>& key);

 private:
  TablePtr load(std::int32_t object_id);
  std::int32_t add_object(std::int32_t schema_id, std::int32_t parent, std::string_view name,
                          std::string_view type, bool ms_shipped, std::int32_t object_id);
  [[nodiscard]] Outcome check_new_name(std::int32_t schema_id, std::string_view name);
  void create_store(const TableDef& table, std::string_view stored_name);
  void create_stored_index(const TableDef& table, const IndexDef& index);
  void rebuild(const TableDef& old, const TableDef& table, std::int32_t converted_column,
               std::string_view conversion);
  void insert_column(const TableDef& table, ColumnDef& column);
  void insert_index(const TableDef& table, IndexDef& index);
  void drop_object_rows(std::int32_t object_id);

  Work& work_;
  std::int64_t version_ = -1;
  std::unordered_map<std::int32_t, TablePtr> tables_;
  std::unordered_map<std::string, std::int32_t> names_;
};

}  // namespace tailrace::sim
