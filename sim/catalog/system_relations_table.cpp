// The table of system views: for each its columns (name, type, where it comes from) and the rows it is made of.
//
// Source   "System views" of SQL Server's documentation (2022), columns in their order.
#include "sim/catalog/system_relations.h"
#include "sim/catalog/system_relations_internal.h"
#include "sim/catalog/type_facts.h"
#include "sim/storage/connection.h"

namespace tailrace::sim {
namespace {

constexpr SystemScope db = SystemScope::database;
constexpr SystemScope server = SystemScope::server;
constexpr SystemRight open = SystemRight::none;

// Of a foreign key k: the unique index whose key columns are the referenced ones, in whatever order.
#define REFERENCED_INDEX                                                                                    \
  "(SELECT min(u.index_id) FROM cat_indexes u WHERE u.object_id = k.referenced_id AND u.is_unique AND "     \
  "(SELECT count(*) FROM cat_index_columns c WHERE c.object_id = u.object_id AND c.index_id = u.index_id "  \
  "AND NOT c.included) = (SELECT count(*) FROM cat_foreign_key_columns f WHERE f.object_id = k.object_id) " \
  "AND NOT EXISTS (SELECT 1 FROM cat_index_columns c WHERE c.object_id = u.object_id AND c.index_id = "     \
  "u.index_id AND NOT c.included AND c.column_id NOT IN (SELECT f.referenced_column_id FROM "               \
  "cat_foreign_key_columns f WHERE f.object_id = k.object_id)))"

#define OBJECT_COLUMNS                                                                                  \
  "name sysname o.name\nobject_id int o.object_id\nprincipal_id int? NULL\n"                            \
  "schema_id int o.schema_id\nparent_object_id int o.parent_object_id\n"                                \
  "type char(2) substr(o.type || '  ', 1, 2)\ntype_desc nvarchar(60)? "                                 \
  "CASE o.type WHEN 'U' THEN 'USER_TABLE' WHEN 'V' THEN 'VIEW' WHEN 'PK' THEN 'PRIMARY_KEY_CONSTRAINT'" \
  " WHEN 'UQ' THEN 'UNIQUE_CONSTRAINT' WHEN 'F' THEN 'FOREIGN_KEY_CONSTRAINT' WHEN 'C' THEN "           \
  "'CHECK_CONSTRAINT'"                                                                                  \
  " WHEN 'D' THEN 'DEFAULT_CONSTRAINT' WHEN 'P' THEN 'SQL_STORED_PROCEDURE' WHEN 'IF' THEN"             \
  " 'SQL_INLINE_TABLE_VALUED_FUNCTION' WHEN 'TF' THEN 'SQL_TABLE_VALUED_FUNCTION' WHEN 'FN' THEN"       \
  " 'SQL_SCALAR_FUNCTION' WHEN 'TR' THEN 'SQL_TRIGGER' WHEN 'S' THEN 'SYSTEM_TABLE' END\n"              \
  "create_date datetime o.create_date\nmodify_date datetime o.modify_date\n"                            \
  "is_ms_shipped bit o.is_ms_shipped\nis_published bit 0\nis_schema_published bit 0\n"

#define COLUMN_COLUMNS                                                                                     \
  "object_id int c.object_id\nname sysname? c.name\ncolumn_id int c.column_id\n"                           \
  "system_type_id tinyint c.system_type_id\nuser_type_id int c.user_type_id\n"                             \
  "max_length smallint c.shown_length\nprecision tinyint c.shown_precision\n"                              \
  "scale tinyint c.shown_scale\ncollation_name sysname? c.collation\nis_nullable bit? c.nullable\n"        \
  "is_ansi_padded bit 1\nis_rowguidcol bit c.rowguidcol\nis_identity bit c.identity_seed IS NOT NULL\n"    \
  "is_computed bit c.computed IS NOT NULL\nis_filestream bit 0\n"                                          \
  "is_replicated bit? ifnull((SELECT t.tracked FROM cat_tables t WHERE t.object_id = c.object_id), 0)\n"   \
  "is_non_sql_subscribed bit? 0\nis_merge_published bit? 0\nis_dts_replicated bit? 0\n"                    \
  "is_xml_document bit 0\nxml_collection_id int 0\ndefault_object_id int ifnull(c.default_object_id, 0)\n" \
  "rule_object_id int 0\nis_sparse bit? c.sparse\nis_column_set bit? 0\n"                                  \
  "generated_always_type tinyint? c.generated\ngenerated_always_type_desc nvarchar(60)? "                  \
  "CASE c.generated WHEN 0 THEN 'NOT_APPLICABLE' WHEN 1 THEN 'AS_ROW_START' ELSE 'AS_ROW_END' END\n"       \
  "encryption_type int? NULL\nencryption_type_desc nvarchar(64)? NULL\n"                                   \
  "encryption_algorithm_name sysname? NULL\ncolumn_encryption_key_id int? NULL\n"                          \
  "column_encryption_key_database_name sysname? NULL\nis_hidden bit? c.hidden\nis_masked bit 0\n"          \
  "graph_type int? NULL\ngraph_type_desc nvarchar(60)? NULL\n"

constexpr SystemSource sources[] = {
    {"", "sys", "schemas", db, open,
     "name sysname s.name\nschema_id int s.schema_id\nprincipal_id int? s.principal_id\n", "cat_schemas s"},
    {"", "sys", "objects", db, open, OBJECT_COLUMNS,
     "cat_objects o WHERE sim_visible(o.object_id, o.parent_object_id)"},
    {"", "sys", "all_objects", db, open, OBJECT_COLUMNS,
     "cat_objects o WHERE sim_visible(o.object_id, o.parent_object_id)"},
    {"", "sys", "procedures", db, open, OBJECT_COLUMNS "is_auto_executed bit 0\n",
     "cat_objects o WHERE o.type = 'P' AND sim_visible(o.object_id, 0)"},
    {"", "sys", "views", db, open,
     OBJECT_COLUMNS
     "is_replicated bit? 0\nhas_replication_filter bit? 0\nhas_opaque_metadata bit 0\n"
     "has_unchecked_assembly_data bit 0\nwith_check_option bit 0\nis_date_correlation_view bit 0\n",
     "cat_objects o WHERE o.type = 'V' AND sim_visible(o.object_id, 0)"},
    {"", "sys", "tables", db, open,
     OBJECT_COLUMNS
     "lob_data_space_id int 0\nfilestream_data_space_id int? NULL\nmax_column_id_used int t.max_column_id\n"
     "lock_on_bulk_load bit 0\nuses_ansi_nulls bit? 1\nis_replicated bit? t.tracked\nhas_replication_filter "
     "bit? 0\n"
     "is_merge_published bit? 0\nis_sync_tran_subscribed bit? 0\nhas_unchecked_assembly_data bit 0\n"
     "text_in_row_limit int? 0\nlarge_value_types_out_of_row bit? 0\nis_tracked_by_cdc bit? t.tracked\n"
     "lock_escalation tinyint? 0\nlock_escalation_desc nvarchar(60)? 'TABLE'\nis_filetable bit? 0\n"
     "is_memory_optimized bit? 0\ndurability tinyint? 0\ndurability_desc nvarchar(60)? 'SCHEMA_AND_DATA'\n"
     "temporal_type tinyint? t.temporal_type\ntemporal_type_desc nvarchar(60)? CASE t.temporal_type WHEN 0 "
     "THEN "
     "'NON_TEMPORAL_TABLE' WHEN 1 THEN 'HISTORY_TABLE' ELSE 'SYSTEM_VERSIONED_TEMPORAL_TABLE' END\n"
     "history_table_id int? nullif(t.history_table_id, 0)\nis_remote_data_archive_enabled bit? "
     "0\nis_external bit 0\n"
     "history_retention_period int? NULL\nhistory_retention_period_unit int? NULL\n"
     "history_retention_period_unit_desc nvarchar(10)? NULL\nis_node bit? 0\nis_edge bit? 0\n"
     "data_retention_period int? -1\ndata_retention_period_unit int? -1\n"
     "data_retention_period_unit_desc nvarchar(10)? 'INFINITE'\nledger_type tinyint? 0\n"
     "ledger_type_desc nvarchar(60)? 'NON_LEDGER_TABLE'\nledger_view_id int? NULL\nis_dropped_ledger_table "
     "bit? 0\n",
     "cat_objects o JOIN cat_tables t ON t.object_id = o.object_id WHERE sim_visible(o.object_id, 0)"},
    {"", "sys", "columns", db, open, COLUMN_COLUMNS, "cat_columns c WHERE sim_visible(c.object_id, 0)"},
    {"", "sys", "all_columns", db, open, COLUMN_COLUMNS, "cat_columns c WHERE sim_visible(c.object_id, 0)"},
    {"", "sys", "computed_columns", db, open,
     COLUMN_COLUMNS "definition nvarchar(max)? '(' || c.computed || ')'\nuses_database_collation bit "
                    "1\nis_persisted bit c.persisted\n",
     "cat_columns c WHERE c.computed IS NOT NULL AND sim_visible(c.object_id, 0)"},
    {"", "sys", "identity_columns", db, open,
     COLUMN_COLUMNS "seed_value bigint? c.identity_seed\nincrement_value bigint? c.identity_increment\n"
                    "last_value bigint? c.identity_last\nis_not_for_replication bit? 0\n",
     "cat_columns c WHERE c.identity_seed IS NOT NULL AND sim_visible(c.object_id, 0)"},
    {"", "sys", "types", db, open,
     "name sysname y.name\nsystem_type_id tinyint y.system_type_id\nuser_type_id int y.user_type_id\n"
     "schema_id int 4\nprincipal_id int? NULL\nmax_length smallint y.max_length\nprecision tinyint "
     "y.precision\n"
     "scale tinyint y.scale\ncollation_name sysname? y.collation\nis_nullable bit? y.user_type_id <> 256\n"
     "is_user_defined bit 0\nis_assembly_type bit y.system_type_id = 240\ndefault_object_id int "
     "0\nrule_object_id int 0\n"
     "is_table_type bit 0\n",
     "cat_types y"},
    {"", "sys", "indexes", db, open,
     "object_id int i.object_id\nname sysname? i.name\nindex_id int i.index_id\ntype tinyint i.type\n"
     "type_desc nvarchar(60)? CASE i.type WHEN 0 THEN 'HEAP' WHEN 1 THEN 'CLUSTERED' ELSE 'NONCLUSTERED' "
     "END\n"
     "is_unique bit? i.is_unique\ndata_space_id int? 1\nignore_dup_key bit? 0\nis_primary_key bit? "
     "i.is_primary_key\n"
     "is_unique_constraint bit? i.is_unique_constraint\nfill_factor tinyint 0\nis_padded bit? 0\n"
     "is_disabled bit? i.disabled\nis_hypothetical bit? 0\nis_ignored_in_optimization bit? "
     "0\nallow_row_locks bit? 1\n"
     "allow_page_locks bit? 1\nhas_filter bit? i.filter IS NOT NULL\n"
     "filter_definition nvarchar(max)? '(' || i.filter || ')'\ncompression_delay int? NULL\n"
     "suppress_dup_key_messages bit? 0\nauto_created bit? 0\noptimize_for_sequential_key bit? 0\n",
     "(SELECT object_id, name, index_id, CASE WHEN clustered THEN 1 ELSE 2 END AS type, is_unique, "
     "is_primary_key,"
     " is_unique_constraint, disabled, filter FROM cat_indexes"
     " UNION ALL SELECT t.object_id, NULL, 0, 0, 0, 0, 0, 0, NULL FROM cat_tables t"
     " WHERE NOT EXISTS(SELECT 1 FROM cat_indexes x WHERE x.object_id = t.object_id AND x.clustered)) i "
     "WHERE sim_visible(i.object_id, 0)"},
    {"", "sys", "index_columns", db, open,
     "object_id int c.object_id\nindex_id int c.index_id\nindex_column_id int c.position\ncolumn_id int "
     "c.column_id\n"
     "key_ordinal tinyint CASE WHEN c.included THEN 0 ELSE c.position END\npartition_ordinal tinyint 0\n"
     "is_descending_key bit? c.descending\nis_included_column bit? c.included\ncolumn_store_order_ordinal "
     "tinyint 0\n",
     "cat_index_columns c WHERE sim_visible(c.object_id, 0)"},
    {"", "sys", "key_constraints", db, open,
     OBJECT_COLUMNS "unique_index_id int? i.index_id\nis_system_named bit o.name LIKE '%\\_\\_________' "
                    "ESCAPE '\\'\nis_enforced bit 1\n",
     "cat_objects o JOIN cat_indexes i ON i.object_id = o.parent_object_id AND i.constraint_object_id = "
     "o.object_id WHERE sim_visible(i.object_id, 0)"},
    {"", "sys", "synonyms", db, open, OBJECT_COLUMNS "base_object_name nvarchar(1035)? NULL\n",
     "cat_objects o WHERE false"},  // There are none; readers of the catalog ask all the same.
    {"", "sys", "foreign_keys", db, open,
     OBJECT_COLUMNS
     "referenced_object_id int? k.referenced_id\nkey_index_id int? " REFERENCED_INDEX
     "\nis_disabled bit k.disabled\n"
     "is_not_for_replication bit 0\nis_not_trusted bit k.not_trusted\ndelete_referential_action tinyint? "
     "k.on_delete\n"
     "delete_referential_action_desc nvarchar(60)? CASE k.on_delete WHEN 0 THEN 'NO_ACTION' WHEN 1 THEN "
     "'CASCADE' "
     "WHEN 2 THEN 'SET_NULL' ELSE 'SET_DEFAULT' END\nupdate_referential_action tinyint? k.on_update\n"
     "update_referential_action_desc nvarchar(60)? CASE k.on_update WHEN 0 THEN 'NO_ACTION' WHEN 1 THEN "
     "'CASCADE' "
     "WHEN 2 THEN 'SET_NULL' ELSE 'SET_DEFAULT' END\nis_system_named bit o.name LIKE '%\\_\\_________' "
     "ESCAPE '\\'\n",
     "cat_objects o JOIN cat_foreign_keys k ON k.object_id = o.object_id WHERE sim_visible(k.parent_id, 0)"},
    {"", "sys", "foreign_key_columns", db, open,
     "constraint_object_id int c.object_id\nconstraint_column_id int c.position\nparent_object_id int "
     "k.parent_id\n"
     "parent_column_id int c.parent_column_id\nreferenced_object_id int k.referenced_id\n"
     "referenced_column_id int c.referenced_column_id\n",
     "cat_foreign_key_columns c JOIN cat_foreign_keys k ON k.object_id = c.object_id WHERE "
     "sim_visible(k.parent_id, 0)"},
    {"", "sys", "check_constraints", db, open,
     OBJECT_COLUMNS
     "is_disabled bit k.disabled\nis_not_for_replication bit 0\nis_not_trusted bit k.not_trusted\n"
     "parent_column_id int k.column_id\ndefinition nvarchar(max)? '(' || k.text || ')'\n"
     "uses_database_collation bit? 1\nis_system_named bit o.name LIKE '%\\_\\_________' ESCAPE '\\'\n",
     "cat_objects o JOIN cat_checks k ON k.object_id = o.object_id WHERE sim_visible(k.parent_id, 0)"},
    {"", "sys", "default_constraints", db, open,
     OBJECT_COLUMNS "parent_column_id int k.column_id\ndefinition nvarchar(max)? '(' || k.text || ')'\n"
                    "is_system_named bit o.name LIKE '%\\_\\_________' ESCAPE '\\'\n",
     "cat_objects o JOIN cat_defaults k ON k.object_id = o.object_id WHERE sim_visible(k.parent_id, 0)"},
    {"", "sys", "partitions", db, open,
     "partition_id bigint i.object_id * 1000 + i.index_id + (i.number - 1) * 4000000000000\nobject_id int "
     "i.object_id\nindex_id int "
     "i.index_id\n"
     "partition_number int i.number\nhobt_id bigint i.object_id * 1000 + i.index_id + (i.number - 1) * "
     "4000000000000\nrows bigint "
     "i.rows\n"
     "filestream_filegroup_id smallint 0\ndata_compression tinyint 0\ndata_compression_desc nvarchar(60)? "
     "'NONE'\n"
     "xml_compression bit? 0\nxml_compression_desc varchar(3)? 'OFF'\n",
     "(SELECT object_id, index_id, 1 AS number, sim_row_count(object_id) AS rows FROM sys_indexes UNION ALL"
     " SELECT x.object_id, x.index_id, p.number, 0 FROM sys_indexes x JOIN cat_partitions p ON p.object_id ="
     " x.object_id) i"},
    {"", "sys", "allocation_units", db, open,
     "allocation_unit_id bigint i.object_id * 1000 + i.index_id\ntype tinyint 1\ntype_desc nvarchar(60)? "
     "'IN_ROW_DATA'\n"
     "container_id bigint i.object_id * 1000 + i.index_id\ndata_space_id int? 1\ntotal_pages bigint "
     "sim_page_count(i.object_id)\n"
     "used_pages bigint sim_page_count(i.object_id)\ndata_pages bigint sim_page_count(i.object_id)\n",
     "sys_indexes i"},
    {"", "sys", "dm_db_partition_stats", db, SystemRight::view_database_state,
     "partition_id bigint i.object_id * 1000 + i.index_id\nobject_id int i.object_id\nindex_id int "
     "i.index_id\n"
     "partition_number int 1\nin_row_data_page_count bigint sim_page_count(i.object_id)\n"
     "in_row_used_page_count bigint sim_page_count(i.object_id)\n"
     "in_row_reserved_page_count bigint sim_page_count(i.object_id)\nlob_used_page_count bigint 0\n"
     "lob_reserved_page_count bigint 0\nrow_overflow_used_page_count bigint "
     "0\nrow_overflow_reserved_page_count bigint 0\n"
     "used_page_count bigint sim_page_count(i.object_id)\nreserved_page_count bigint "
     "sim_page_count(i.object_id)\n"
     "row_count bigint sim_row_count(i.object_id)\n",
     "sys_indexes i"},
    {"", "sys", "database_principals", db, open,
     "name sysname p.name\nprincipal_id int p.principal_id\ntype char(1) p.type\n"
     "type_desc nvarchar(60)? CASE p.type WHEN 'R' THEN 'DATABASE_ROLE' ELSE 'SQL_USER' END\n"
     "default_schema_name sysname? p.default_schema\ncreate_date datetime p.create_date\n"
     "modify_date datetime p.create_date\nowning_principal_id int? p.owning_principal_id\nsid varbinary(85)? "
     "NULL\n"
     "is_fixed_role bit p.is_fixed_role\nauthentication_type int CASE WHEN p.login IS NULL THEN 0 ELSE 1 "
     "END\n"
     "authentication_type_desc nvarchar(60)? CASE WHEN p.login IS NULL THEN 'NONE' ELSE 'INSTANCE' END\n"
     "default_language_name sysname? NULL\ndefault_language_lcid int? "
     "NULL\nallow_encrypted_value_modifications bit 0\n",
     "cat_principals p"},
    {"", "sys", "database_role_members", db, open,
     "role_principal_id int m.role_id\nmember_principal_id int m.member_id\n", "cat_role_members m"},
    {"", "sys", "database_permissions", db, open,
     "class tinyint p.class\nclass_desc nvarchar(60)? CASE p.class WHEN 0 THEN 'DATABASE' WHEN 1 THEN "
     "'OBJECT_OR_COLUMN' "
     "ELSE 'SCHEMA' END\nmajor_id int p.major_id\nminor_id int 0\ngrantee_principal_id int p.grantee_id\n"
     "grantor_principal_id int 1\ntype char(4) substr(p.permission, 1, 4)\npermission_name nvarchar(128)? "
     "p.permission\n"
     "state char(1) p.state\nstate_desc nvarchar(60)? CASE p.state WHEN 'G' THEN 'GRANT' ELSE 'DENY' END\n",
     "cat_permissions p"},
    {"", "sys", "sql_modules", db, open,
     "object_id int o.object_id\ndefinition nvarchar(max)? o.text\nuses_ansi_nulls bit? "
     "1\nuses_quoted_identifier bit? 1\n"
     "is_schema_bound bit? 0\nuses_database_collation bit? 0\nis_recompiled bit? 0\nnull_on_null_input bit? "
     "0\n"
     "execute_as_principal_id int? NULL\nuses_native_compilation bit? 0\nis_inlineable bit? 0\ninline_type "
     "bit? 0\n",
     "cat_objects o WHERE o.text IS NOT NULL"},
    {"", "sys", "triggers", db, open,
     "name sysname o.name\nobject_id int o.object_id\nparent_class tinyint 1\nparent_id int "
     "o.parent_object_id\n"
     "type char(2) 'TR'\nis_disabled bit 0\nis_instead_of_trigger bit 0\n",
     "cat_objects o WHERE o.type = 'TR'"},
    {"", "sys", "extended_properties", db, open,
     "class tinyint 1\nmajor_id int 0\nminor_id int 0\nname sysname ''\nvalue nvarchar(4000)? NULL\n",
     "cat_state WHERE 0"},
    {"", "sys", "change_tracking_tables", db, open,
     "object_id int 0\nis_track_columns_updated_on bit 0\nmin_valid_version bigint? 0\nbegin_version bigint? "
     "0\n"
     "cleanup_version bigint? 0\n",
     "cat_state WHERE 0"},
    {"", "INFORMATION_SCHEMA", "SCHEMATA", db, open,
     "CATALOG_NAME sysname? sim_database_name()\nSCHEMA_NAME sysname s.name\nSCHEMA_OWNER sysname? 'dbo'\n"
     "DEFAULT_CHARACTER_SET_CATALOG sysname? NULL\nDEFAULT_CHARACTER_SET_SCHEMA sysname? NULL\n"
     "DEFAULT_CHARACTER_SET_NAME sysname? 'iso_1'\n",
     "cat_schemas s"},
    {"", "INFORMATION_SCHEMA", "TABLES", db, open,
     "TABLE_CATALOG nvarchar(128)? sim_database_name()\nTABLE_SCHEMA sysname? s.name\nTABLE_NAME sysname "
     "o.name\n"
     "TABLE_TYPE varchar(10)? CASE o.type WHEN 'U' THEN 'BASE TABLE' ELSE 'VIEW' END\n",
     "cat_objects o JOIN cat_schemas s ON s.schema_id = o.schema_id WHERE o.type IN ('U', 'V') AND "
     "sim_visible(o.object_id, 0)"},
    {"", "INFORMATION_SCHEMA", "COLUMNS", db, open,
     "TABLE_CATALOG nvarchar(128)? sim_database_name()\nTABLE_SCHEMA nvarchar(128)? s.name\nTABLE_NAME "
     "sysname o.name\n"
     "COLUMN_NAME sysname? c.name\nORDINAL_POSITION int? c.column_id\n"
     "COLUMN_DEFAULT nvarchar(4000)? (SELECT '(' || d.text || ')' FROM cat_defaults d WHERE d.object_id = "
     "c.default_object_id)\nIS_NULLABLE varchar(3)? CASE WHEN c.nullable THEN 'YES' ELSE 'NO' END\n"
     "DATA_TYPE nvarchar(128)? c.type_name\n"
     "CHARACTER_MAXIMUM_LENGTH int? CASE WHEN c.type_name IN ('nchar', 'nvarchar') AND c.shown_length > 0 "
     "THEN "
     "c.shown_length / 2 WHEN c.type_name IN ('char', 'varchar', 'nchar', 'nvarchar', 'binary', 'varbinary') "
     "THEN "
     "c.shown_length END\n"
     "CHARACTER_OCTET_LENGTH int? CASE WHEN c.type_name IN ('char', 'varchar', 'nchar', 'nvarchar', "
     "'binary', "
     "'varbinary') THEN c.shown_length END\n"
     "NUMERIC_PRECISION tinyint? CASE WHEN c.type_name IN ('tinyint', 'smallint', 'int', 'bigint', "
     "'decimal', 'numeric', "
     "'money', 'smallmoney', 'real', 'float') THEN c.shown_precision END\n"
     "NUMERIC_PRECISION_RADIX smallint? CASE WHEN c.type_name IN ('real', 'float') THEN 2 WHEN c.type_name "
     "IN ('tinyint', "
     "'smallint', 'int', 'bigint', 'decimal', 'numeric', 'money', 'smallmoney') THEN 10 END\n"
     "NUMERIC_SCALE int? CASE WHEN c.type_name IN ('tinyint', 'smallint', 'int', 'bigint', 'decimal', "
     "'numeric', 'money', "
     "'smallmoney') THEN c.shown_scale END\n"
     "DATETIME_PRECISION smallint? CASE WHEN c.type_name IN ('date', 'smalldatetime') THEN 0 WHEN "
     "c.type_name IN "
     "('datetime', 'time', 'datetime2', 'datetimeoffset') THEN c.shown_scale END\n"
     "CHARACTER_SET_CATALOG sysname? NULL\nCHARACTER_SET_SCHEMA sysname? NULL\n"
     "CHARACTER_SET_NAME sysname? CASE WHEN c.type_name IN ('nchar', 'nvarchar') THEN 'UNICODE' WHEN "
     "c.type_name IN "
     "('char', 'varchar') THEN 'iso_1' END\nCOLLATION_CATALOG sysname? NULL\nCOLLATION_SCHEMA sysname? NULL\n"
     "COLLATION_NAME sysname? c.collation\nDOMAIN_CATALOG sysname? NULL\nDOMAIN_SCHEMA sysname? NULL\n"
     "DOMAIN_NAME sysname? NULL\n",
     "cat_columns c JOIN cat_objects o ON o.object_id = c.object_id JOIN cat_schemas s ON s.schema_id = "
     "o.schema_id WHERE sim_visible(c.object_id, 0)"},
    {"", "INFORMATION_SCHEMA", "TABLE_CONSTRAINTS", db, open,
     "CONSTRAINT_CATALOG nvarchar(128)? sim_database_name()\nCONSTRAINT_SCHEMA nvarchar(128)? s.name\n"
     "CONSTRAINT_NAME sysname o.name\nTABLE_CATALOG nvarchar(128)? sim_database_name()\nTABLE_SCHEMA "
     "nvarchar(128)? s.name\n"
     "TABLE_NAME sysname? t.name\nCONSTRAINT_TYPE varchar(11)? CASE o.type WHEN 'PK' THEN 'PRIMARY KEY' WHEN "
     "'UQ' THEN "
     "'UNIQUE' WHEN 'F' THEN 'FOREIGN KEY' ELSE 'CHECK' END\nIS_DEFERRABLE varchar(2) 'NO'\n"
     "INITIALLY_DEFERRED varchar(2) 'NO'\n",
     "cat_objects o JOIN cat_objects t ON t.object_id = o.parent_object_id JOIN cat_schemas s ON s.schema_id "
     "= "
     "t.schema_id WHERE o.type IN ('PK', 'UQ', 'F', 'C') AND sim_visible(t.object_id, 0)"},
    {"", "INFORMATION_SCHEMA", "KEY_COLUMN_USAGE", db, open,
     "CONSTRAINT_CATALOG nvarchar(128)? sim_database_name()\nCONSTRAINT_SCHEMA nvarchar(128)? s.name\n"
     "CONSTRAINT_NAME sysname k.name\nTABLE_CATALOG nvarchar(128)? sim_database_name()\nTABLE_SCHEMA "
     "nvarchar(128)? s.name\n"
     "TABLE_NAME sysname? t.name\nCOLUMN_NAME sysname? c.name\nORDINAL_POSITION int k.position\n",
     "(SELECT o.name AS name, i.object_id AS object_id, x.column_id AS column_id, x.position AS position "
     "FROM cat_indexes i"
     " JOIN cat_index_columns x ON x.object_id = i.object_id AND x.index_id = i.index_id AND NOT x.included"
     " JOIN cat_objects o ON o.object_id = i.constraint_object_id"
     " UNION ALL SELECT o.name, f.parent_id, x.parent_column_id, x.position FROM cat_foreign_keys f"
     " JOIN cat_foreign_key_columns x ON x.object_id = f.object_id JOIN cat_objects o ON o.object_id = "
     "f.object_id) k"
     " JOIN cat_objects t ON t.object_id = k.object_id JOIN cat_schemas s ON s.schema_id = t.schema_id"
     " JOIN cat_columns c ON c.object_id = k.object_id AND c.column_id = k.column_id WHERE "
     "sim_visible(k.object_id, 0)"},
    {"", "INFORMATION_SCHEMA", "REFERENTIAL_CONSTRAINTS", db, open,
     "CONSTRAINT_CATALOG nvarchar(128)? sim_database_name()\nCONSTRAINT_SCHEMA nvarchar(128)? s.name\n"
     "CONSTRAINT_NAME sysname o.name\nUNIQUE_CONSTRAINT_CATALOG nvarchar(128)? sim_database_name()\n"
     "UNIQUE_CONSTRAINT_SCHEMA nvarchar(128)? rs.name\nUNIQUE_CONSTRAINT_NAME sysname? i.name\n"
     "MATCH_OPTION varchar(7)? 'SIMPLE'\nUPDATE_RULE varchar(11)? CASE k.on_update WHEN 0 THEN 'NO ACTION' "
     "WHEN 1 THEN 'CASCADE' WHEN 2 THEN 'SET NULL' ELSE 'SET DEFAULT' END\nDELETE_RULE varchar(11)? CASE "
     "k.on_delete WHEN 0 THEN 'NO ACTION' WHEN 1 THEN 'CASCADE' WHEN 2 THEN 'SET NULL' ELSE 'SET DEFAULT' "
     "END\n",
     "cat_objects o JOIN cat_foreign_keys k ON k.object_id = o.object_id JOIN cat_objects t ON t.object_id = "
     "k.parent_id JOIN cat_schemas s ON s.schema_id = t.schema_id JOIN cat_objects r ON r.object_id = "
     "k.referenced_id JOIN cat_schemas rs ON rs.schema_id = r.schema_id LEFT JOIN cat_indexes i ON "
     "i.object_id = k.referenced_id AND i.index_id = " REFERENCED_INDEX " "
     "WHERE sim_visible(k.parent_id, 0)"},
    {"", "INFORMATION_SCHEMA", "VIEWS", db, open,
     "TABLE_CATALOG nvarchar(128)? sim_database_name()\nTABLE_SCHEMA nvarchar(128)? s.name\nTABLE_NAME "
     "sysname o.name\n"
     "VIEW_DEFINITION nvarchar(4000)? o.text\nCHECK_OPTION varchar(7)? 'NONE'\nIS_UPDATABLE varchar(2) "
     "'NO'\n",
     "cat_objects o JOIN cat_schemas s ON s.schema_id = o.schema_id WHERE o.type = 'V'"},

    // Over the server.
    {"", "sys", "databases", server, open,
     "name sysname\ndatabase_id int\nsource_database_id int?\nowner_sid varbinary(85)?\ncreate_date "
     "datetime\n"
     "compatibility_level tinyint\ncollation_name sysname?\nuser_access tinyint?\nuser_access_desc "
     "nvarchar(60)?\n"
     "is_read_only bit?\nis_auto_close_on bit\nis_auto_shrink_on bit?\nstate tinyint?\nstate_desc "
     "nvarchar(60)?\n"
     "is_in_standby bit?\nis_cleanly_shutdown bit?\nis_supplemental_logging_enabled bit?\n"
     "snapshot_isolation_state tinyint?\nsnapshot_isolation_state_desc nvarchar(60)?\n"
     "is_read_committed_snapshot_on bit?\nrecovery_model tinyint?\nrecovery_model_desc nvarchar(60)?\n"
     "page_verify_option tinyint?\npage_verify_option_desc nvarchar(60)?\nis_auto_create_stats_on bit?\n"
     "is_auto_update_stats_on bit?\nis_ansi_null_default_on bit?\nis_ansi_nulls_on bit?\nis_ansi_padding_on "
     "bit?\n"
     "is_ansi_warnings_on bit?\nis_arithabort_on bit?\nis_quoted_identifier_on bit?\nis_trustworthy_on bit?\n"
     "is_broker_enabled bit\nlog_reuse_wait tinyint?\nlog_reuse_wait_desc nvarchar(60)?\nis_cdc_enabled bit\n"
     "is_encrypted bit?\nservice_broker_guid uniqueidentifier\nreplica_id uniqueidentifier?\n"
     "group_database_id uniqueidentifier?\nis_published bit\nis_subscribed bit\nis_distributor bit\n"
     "is_memory_optimized_elevate_to_snapshot_on bit?\ncontainment tinyint?\ncontainment_desc "
     "nvarchar(60)?\n",
     ""},
    {"", "sys", "database_recovery_status", server, SystemRight::view_server_state,
     "database_id int\ndatabase_guid uniqueidentifier?\nfamily_guid uniqueidentifier?\nlast_log_backup_lsn "
     "decimal(25,0)?\n"
     "recovery_fork_guid uniqueidentifier?\nfirst_recovery_fork_guid uniqueidentifier?\nfork_point_lsn "
     "decimal(25,0)?\n",
     ""},
    {"", "sys", "server_principals", server, open,
     "name sysname\nprincipal_id int\nsid varbinary(85)?\ntype char(1)\ntype_desc nvarchar(60)?\nis_disabled "
     "bit?\n"
     "create_date datetime\nmodify_date datetime\ndefault_database_name sysname?\ndefault_language_name "
     "sysname?\n"
     "credential_id int?\nowning_principal_id int?\nis_fixed_role bit\n",
     ""},
    {"", "sys", "sql_logins", server, open,
     "name sysname\nprincipal_id int\nsid varbinary(85)?\ntype char(1)\ntype_desc nvarchar(60)?\nis_disabled "
     "bit?\n"
     "create_date datetime\nmodify_date datetime\ndefault_database_name sysname?\ndefault_language_name "
     "sysname?\n"
     "credential_id int?\nis_policy_checked bit?\nis_expiration_checked bit?\npassword_hash "
     "varbinary(256)?\n",
     ""},
    {"", "sys", "configurations", server, open,
     "configuration_id int\nname nvarchar(35)\nvalue int?\nminimum int?\nmaximum int?\nvalue_in_use int?\n"
     "description nvarchar(255)\nis_dynamic bit\nis_advanced bit\n",
     ""},
    {"", "sys", "dm_server_services", server, SystemRight::view_server_state,
     "servicename nvarchar(256)\nstartup_type int?\nstartup_type_desc nvarchar(256)\nstatus int?\n"
     "status_desc nvarchar(256)\nprocess_id int?\nlast_startup_time datetimeoffset(7)?\nservice_account "
     "nvarchar(256)\n"
     "filename nvarchar(256)\nis_clustered nvarchar(1)\ncluster_nodename nvarchar(256)?\n"
     "instant_file_initialization_enabled nvarchar(1)\n",
     ""},
    {"", "sys", "dm_os_sys_info", server, SystemRight::view_server_state,
     "cpu_count int\nsqlserver_start_time datetime\nsqlserver_start_time_ms_ticks bigint\n", ""},
    {"", "sys", "dm_cdc_log_scan_sessions", db, SystemRight::view_database_state,
     "session_id int\nstart_time datetime?\nend_time datetime?\nduration bigint?\nscan_phase nvarchar(200)?\n"
     "error_count int?\nstart_lsn nvarchar(23)?\ncurrent_lsn nvarchar(23)?\nend_lsn "
     "nvarchar(23)?\ntran_count bigint?\n"
     "last_commit_lsn nvarchar(23)?\nlast_commit_time datetime?\nlog_record_count "
     "bigint?\nschema_change_count int?\n"
     "command_count bigint?\nfirst_begin_cdc_lsn nvarchar(23)?\nlast_commit_cdc_lsn nvarchar(23)?\n"
     "last_commit_cdc_time datetime?\nlatency int?\nempty_scan_count int?\nfailed_sessions_count int?\n",
     ""},
    {"", "sys", "dm_cdc_errors", db, SystemRight::view_database_state,
     "session_id int\nphase_number int\nentry_time datetime?\nerror_number int?\nerror_severity "
     "int?\nerror_state int?\n"
     "error_message nvarchar(1024)?\nstart_lsn nvarchar(23)?\nbegin_lsn nvarchar(23)?\nsequence_value "
     "nvarchar(23)?\n",
     ""},
    {"tempdb", "sys", "dm_db_file_space_usage", server, SystemRight::view_server_state,
     "database_id smallint?\nfile_id smallint?\nfilegroup_id smallint?\ntotal_page_count "
     "bigint?\nallocated_extent_page_count bigint?\n"
     "unallocated_extent_page_count bigint?\nversion_store_reserved_page_count "
     "bigint?\nuser_object_reserved_page_count bigint?\n"
     "internal_object_reserved_page_count bigint?\nmixed_extent_page_count "
     "bigint?\nmodified_extent_page_count bigint?\n",
     ""},
    {"tempdb", "sys", "database_files", server, open,
     "file_id int\nfile_guid uniqueidentifier?\ntype tinyint\ntype_desc nvarchar(60)?\ndata_space_id "
     "int\nname sysname\n"
     "physical_name nvarchar(260)\nstate tinyint?\nstate_desc nvarchar(60)?\nsize int\nmax_size int\ngrowth "
     "int\n"
     "is_media_read_only bit\nis_read_only bit\nis_sparse bit\nis_percent_growth bit\nis_name_reserved "
     "bit\n"
     "is_persistent_log_buffer bit\ncreate_lsn decimal(25,0)?\ndrop_lsn decimal(25,0)?\nread_only_lsn "
     "decimal(25,0)?\n"
     "read_write_lsn decimal(25,0)?\ndifferential_base_lsn decimal(25,0)?\ndifferential_base_guid "
     "uniqueidentifier?\n"
     "differential_base_time datetime?\nredo_start_lsn decimal(25,0)?\nredo_start_fork_guid "
     "uniqueidentifier?\n"
     "redo_target_lsn decimal(25,0)?\nredo_target_fork_guid uniqueidentifier?\nbackup_lsn decimal(25,0)?\n",
     ""},
    {"msdb", "dbo", "sysjobactivity", server, SystemRight::msdb_select,
     "session_id int\njob_id uniqueidentifier\nrun_requested_date datetime?\nrun_requested_source "
     "sysname?\n"
     "queued_date datetime?\nstart_execution_date datetime?\nlast_executed_step_id "
     "int?\nlast_executed_step_date datetime?\n"
     "stop_execution_date datetime?\njob_history_id int?\nnext_scheduled_run_date datetime?\n",
     ""},
    {"msdb", "dbo", "cdc_jobs", server, SystemRight::msdb_select,
     "database_id int\njob_type nvarchar(20)\njob_id uniqueidentifier?\nmaxtrans int?\nmaxscans "
     "int?\ncontinuous bit?\n"
     "pollinginterval bigint?\nretention bigint?\nthreshold bigint?\n",
     ""},
};

}  // namespace

std::span<const SystemSource> system_sources() {
  return sources;
}

}  // namespace tailrace::sim
