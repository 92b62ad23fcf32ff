"""Wrongly prepared databases: how each is made wrong, the finding that says so, and where its remedy is carried out.

`remedy` says where:
  source    the finding's own SQL, by an administrator of the source database
  target    the finding's own SQL, by an administrator of the target database
  control   not SQL: a service to start, a server to replace; done through the simulator's control procedure, `by`
  config    not SQL: the pipeline's file is changed as the finding says, `by` (old text -> new text)
"""

import dataclasses

TRAILING = "include: [dbo.*]"


@dataclasses.dataclass
class Case:
    name: str
    finding: str
    level: str = "failure"
    subject: str = ""                # A part of it.
    source: tuple = ()               # SQL, by sa in the source database.
    target: tuple = ()               # SQL, by a superuser in the target database.
    login: bool = False              # The pipeline logs in as a user of its own, who may read the database.
    login_sql: tuple = ()            # By sa, after the user was made; {user}.
    role: bool = False               # The pipeline connects to the target as a role of its own.
    config: tuple = ()               # Replacements in the pipeline's file before the check.
    remedy: str = "source"
    by: tuple = ()
    remedy_holds: str = ""           # Words of the remedy.
    others: tuple = ()               # Findings that come along.
    encoding: str = "UTF8"           # Of the target database.


CAPTURE = ("EXEC sys.sp_cdc_enable_table @source_schema = N'{schema}', @source_name = N'{name}', @role_name = NULL")


def table(name, columns, schema="dbo"):
    return (f"CREATE TABLE [{schema}].[{name}] ({columns})", CAPTURE.format(schema=schema, name=name))


def exclude(table_name):
    return ((TRAILING, f"{TRAILING}\n  exclude: [{table_name}]"),)


def exclude_column(table_name, column):
    return ((TRAILING, f"{TRAILING}\n  settings: {{ {table_name}: {{ columns: {{ exclude: [{column}] }} }} }}"),)


SERVER = [
    Case("an_edition_without_cdc", "source.edition",
         source=("EXEC sp_sim_control 'property', 'EngineEdition', '4'",
                 "EXEC sp_sim_control 'property', 'Edition', 'Express Edition (64-bit)'"),
         remedy="control", by=("EXEC sp_sim_control 'property', 'EngineEdition', ''",
                               "EXEC sp_sim_control 'property', 'Edition', ''"), remedy_holds="Standard"),
    Case("a_server_that_is_too_old", "source.version",
         source=("EXEC sp_sim_control 'property', 'ProductVersion', '12.0.6024.0'",),
         remedy="control", by=("EXEC sp_sim_control 'property', 'ProductVersion', ''",), remedy_holds="2016 SP1"),
    Case("cdc_is_off", "source.cdc_enabled", source=("EXEC sys.sp_cdc_disable_db",),
         remedy_holds="sp_cdc_enable_db"),
    Case("agent_is_stopped", "source.agent", "warning", source=("EXEC sp_sim_control 'agent', 'stop'",),
         remedy="control", by=("EXEC sp_sim_control 'agent', 'start'",), remedy_holds="SQL Server Agent"),
    Case("no_capture_job", "source.capture_job", source=("EXEC sys.sp_cdc_drop_job @job_type = N'capture'",),
         remedy_holds="sp_cdc_add_job"),
    Case("capture_job_is_stopped", "source.capture_job", "warning",
         source=("EXEC sys.sp_cdc_stop_job @job_type = N'capture'",), remedy_holds="sp_cdc_start_job"),
    Case("capture_job_is_not_continuous", "source.capture_throughput", "warning",
         source=("EXEC sys.sp_cdc_change_job @job_type = N'capture', @continuous = 0",),
         remedy_holds="@continuous = 1"),
    Case("capture_job_is_too_slow", "source.capture_throughput", "warning",
         source=("EXEC sys.sp_cdc_change_job @job_type = N'capture', @maxtrans = 1, @maxscans = 1, "
                 "@pollinginterval = 600", *[f"INSERT INTO dbo.item VALUES ({n}, N'busy')" for n in range(100, 120)],
                 "EXEC sp_sim_control 'scan'"),
         remedy_holds="@maxtrans"),
    Case("nothing_is_captured_any_more", "source.capture_progress", "warning",
         source=("EXEC sys.sp_cdc_stop_job @job_type = N'capture'", "EXEC sp_sim_control 'clock_shift', '3600000'"),
         others=("source.capture_job",), remedy_holds="sp_cdc_start_job"),
    Case("no_cleanup_job", "source.retention", "warning", source=("EXEC sys.sp_cdc_drop_job @job_type = N'cleanup'",),
         remedy_holds="sp_cdc_add_job"),
    Case("retention_is_shorter_than_an_outage", "source.retention", "warning",
         source=("EXEC sys.sp_cdc_change_job @job_type = N'cleanup', @retention = 60",), remedy_holds="@retention = 1441"),
    Case("snapshot_isolation_is_off", "source.isolation", "warning",
         source=("ALTER DATABASE CURRENT SET ALLOW_SNAPSHOT_ISOLATION OFF",), remedy_holds="ALLOW_SNAPSHOT_ISOLATION ON"),
    Case("tempdb_is_full", "source.tempdb", "warning", source=("EXEC sp_sim_control 'tempdb', '1000', '2024'",),
         remedy="control", by=("EXEC sp_sim_control 'tempdb', '1000'",), remedy_holds="MAXSIZE = UNLIMITED"),
    Case("large_values_are_limited", "source.max_text_repl_size", "warning",
         source=("EXEC sp_configure N'max text repl size', 65536; RECONFIGURE",
                 *table("page", "id int NOT NULL PRIMARY KEY, body nvarchar(max) NULL")),
         remedy_holds="max text repl size"),
    Case("history_without_its_instance", "source.ddl_history", "warning",
         source=("INSERT INTO cdc.ddl_history VALUES (1, 2, 0, N'ALTER TABLE gone', 0x00, GETDATE())",),
         remedy_holds="DELETE"),
]

RIGHTS = [
    Case("no_right_to_schema_cdc", "source.rights", login=True, login_sql=("REVOKE SELECT ON SCHEMA::cdc FROM {user}",)),
    Case("no_right_to_a_table", "table.rights", login=True, subject="dbo.item",
         login_sql=("REVOKE SELECT ON SCHEMA::dbo FROM {user}", "GRANT SELECT ON dbo.tick TO {user}",
                    "GRANT VIEW DEFINITION ON dbo.item TO {user}")),
    Case("no_table_to_be_seen", "source.include", login=True, subject="dbo.*",
         login_sql=("REVOKE SELECT ON SCHEMA::dbo FROM {user}",), remedy_holds="SCHEMA::[dbo]"),
    Case("log_scans_are_not_to_be_seen", "source.database_state", "unknown", login=True,
         login_sql=("REVOKE VIEW SERVER STATE FROM {user}", "REVOKE VIEW DATABASE STATE FROM {user}"),
         others=("source.agent", "source.tempdb")),
    Case("agent_is_not_to_be_seen", "source.agent", "unknown", login=True,
         login_sql=("REVOKE VIEW SERVER STATE FROM {user}",), others=("source.tempdb",)),
    Case("jobs_are_not_to_be_seen", "source.capture_job", "unknown", login=True,
         login_sql=("USE msdb; REVOKE SELECT ON dbo.cdc_jobs FROM {user}",), remedy_holds="msdb"),
    Case("not_in_the_gating_role", "source.gating_role", "warning", login=True,
         source=("CREATE TABLE dbo.gated (id int NOT NULL PRIMARY KEY)",
                 "EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'gated', "
                 "@role_name = N'readers'")),
]

TABLES = [
    Case("a_table_is_not_captured", "table.capture_instance", subject="dbo.plain",
         source=("CREATE TABLE dbo.plain (id int NOT NULL PRIMARY KEY)",)),
    Case("a_column_is_not_captured", "table.captured_columns", subject="dbo.item",
         source=("ALTER TABLE dbo.item ADD note nvarchar(20) NULL",), others=("table.instances",)),
    Case("two_instances_and_none_is_complete", "table.captured_columns", subject="dbo.item",
         source=("EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'item', @role_name = NULL, "
                 "@capture_instance = N'second'", "ALTER TABLE dbo.item ADD note nvarchar(20) NULL"),
         remedy_holds="sp_cdc_disable_table", others=("table.instances",)),
    Case("two_instances", "table.instances", "warning", subject="dbo.item",
         source=("EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'item', @role_name = NULL, "
                 "@capture_instance = N'second'",), remedy_holds="N'dbo_item'"),
    Case("an_instance_of_a_column_that_is_gone", "table.stale_instance", "warning", subject="dbo.worn",
         source=(*table("worn", "id int NOT NULL PRIMARY KEY, old int NULL"), "ALTER TABLE dbo.worn DROP COLUMN old"),
         others=("table.instances",)),
    Case("partitions_may_be_switched", "table.partition_switch", "warning", subject="dbo.item",
         source=("EXEC sp_sim_control 'partitions', 'item', '4'",), remedy_holds="@allow_partition_switch = 0",
         others=("table.instances",)),
    Case("partitions_may_be_switched_of_a_table_without_a_primary_key", "table.partition_switch", "warning",
         subject="dbo.sliced",
         source=("CREATE TABLE dbo.sliced (a int NOT NULL)", "CREATE UNIQUE INDEX ux ON dbo.sliced (a)",
                 "EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'sliced', @role_name = NULL, "
                 "@index_name = N'ux'", "EXEC sp_sim_control 'partitions', 'sliced', '4'"),
         remedy_holds="@index_name = N'ux'", others=("table.instances",)),
    Case("the_history_of_a_temporal_table", "table.kind", subject="dbo.item_history",
         source=("CREATE TABLE dbo.item_history (id int NOT NULL)", "EXEC sp_sim_control 'temporal', 'item_history', '1'"),
         remedy="config", by=exclude("dbo.item_history"), remedy_holds="exclude"),
    Case("no_key", "table.key", subject="dbo.heap", source=table("heap", "v int NOT NULL"),
         remedy_holds="IDENTITY", others=("table.capture_instance", "table.instances")),
    Case("no_key_but_an_identity", "table.key", subject="dbo.log", source=table("log", "n int IDENTITY(1, 1), v int NULL"),
         remedy_holds="ADD PRIMARY KEY ([n])"),
    Case("a_nullable_key_of_a_constraint", "table.key", subject="dbo.maybe", config=(
        (TRAILING, f"{TRAILING}\n  settings: {{ dbo.maybe: {{ key: [a] }} }}"),),
         source=("CREATE TABLE dbo.maybe (a varchar(10) NULL CONSTRAINT ux UNIQUE, b int NOT NULL PRIMARY KEY)",
                 CAPTURE.format(schema="dbo", name="maybe")),
         remedy_holds="ADD CONSTRAINT [ux] UNIQUE"),
    Case("a_nullable_key", "table.key", subject="dbo.maybe", config=(
        (TRAILING, f"{TRAILING}\n  settings: {{ dbo.maybe: {{ key: [a] }} }}"),),
         source=("CREATE TABLE dbo.maybe (a int NULL, b int NOT NULL PRIMARY KEY)",
                 "CREATE UNIQUE INDEX ux ON dbo.maybe (a)", CAPTURE.format(schema="dbo", name="maybe")),
         remedy_holds="NOT NULL"),
    Case("a_configured_key_that_is_not_unique", "table.key", subject="dbo.loose", config=(
        (TRAILING, f"{TRAILING}\n  settings: {{ dbo.loose: {{ key: [a] }} }}"),),
         source=table("loose", "a int NOT NULL, b int NOT NULL PRIMARY KEY"), remedy_holds="CREATE UNIQUE INDEX"),
    Case("a_key_that_loses_digits", "key.lossy", subject="dbo.moment.at",
         source=table("moment", "at datetime2(7) NOT NULL PRIMARY KEY"),
         remedy="config", by=exclude("dbo.moment"), remedy_holds="exclude"),
    Case("a_computed_column", "column.computed", "warning", subject="dbo.sum.total",
         source=table("sum", "id int NOT NULL PRIMARY KEY, a int NOT NULL, total AS a + 1"),
         remedy="config", by=exclude_column("dbo.sum", "total"), remedy_holds="exclude: [total]"),
    Case("a_name_that_is_too_long", "table.name_length", subject="ü" * 32,
         source=table("ü" * 32, "id int NOT NULL PRIMARY KEY"),
         remedy="config", by=exclude("dbo." + "ü" * 32), remedy_holds="exclude"),
    Case("children_that_spell_their_parents_key_in_another_way", "foreign_key.spelling", "warning", subject="dbo.child",
         source=(*table("parent", "code varchar(10) NOT NULL PRIMARY KEY"),
                 *table("child", "id int NOT NULL PRIMARY KEY, code varchar(10) NULL CONSTRAINT fk_child REFERENCES dbo.parent (code)"),
                 "INSERT INTO dbo.parent VALUES ('abc'), ('def')",
                 "INSERT INTO dbo.child VALUES (1, 'abc'), (2, 'DEF'), (3, 'abc  '), (4, NULL)"),
         remedy_holds="UPDATE"),
    Case("a_foreign_key_that_is_not_trusted", "foreign_key.untrusted", "warning", subject="dbo.child",
         source=(*table("parent", "id int NOT NULL PRIMARY KEY"),
                 *table("child", "id int NOT NULL PRIMARY KEY, parent int NULL CONSTRAINT fk_child REFERENCES dbo.parent (id)"),
                 "ALTER TABLE dbo.child NOCHECK CONSTRAINT fk_child"), remedy_holds="WITH CHECK CHECK"),
]

ITEM = "CREATE TABLE item (id integer PRIMARY KEY, name varchar(50) NOT NULL)"

TARGET = [
    Case("no_right_to_make_schemas", "target.state_schema", role=True, remedy="target",
         target=("REVOKE CREATE ON DATABASE {database} FROM {role}",), remedy_holds="GRANT CREATE ON DATABASE"),
    Case("no_right_to_temporary_tables", "target.temporary_right", role=True, remedy="target",
         target=("REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC",), remedy_holds="GRANT TEMPORARY ON DATABASE"),
    Case("no_right_to_a_schema", "target.schema_right", role=True, remedy="target",
         target=("REVOKE ALL ON SCHEMA public FROM {role}",), remedy_holds="ON SCHEMA"),
    Case("an_encoding_that_holds_less", "target.encoding", "warning", remedy="target", encoding="LATIN1", remedy_holds="UTF8",
         by=(("{database}\n", "{database}_utf8\n"),)),
    Case("a_table_of_somebody_else", "target.table_owner", role=True, remedy="target",
         target=(ITEM, "GRANT ALL ON item TO {role}"), remedy_holds="OWNER TO"),
    Case("a_table_that_may_not_be_written", "target.table_right", role=True, remedy="target",
         target=(ITEM, "ALTER TABLE item OWNER TO {role}", "REVOKE INSERT ON item FROM {role}"), remedy_holds="GRANT"),
    Case("a_trigger", "target.trigger", remedy="target",
         target=(ITEM, "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
                 "CREATE TRIGGER swallow BEFORE INSERT ON item FOR EACH ROW EXECUTE FUNCTION f()"),
         remedy_holds="DISABLE TRIGGER"),
    Case("a_rule", "target.rule", remedy="target",
         target=(ITEM, "CREATE RULE nothing AS ON DELETE TO item DO INSTEAD NOTHING"), remedy_holds="DISABLE RULE"),
    Case("row_security", "target.row_security", remedy="target",
         target=(ITEM, "ALTER TABLE item ENABLE ROW LEVEL SECURITY", "ALTER TABLE item FORCE ROW LEVEL SECURITY"),
         remedy_holds="DISABLE ROW LEVEL SECURITY"),
    Case("a_foreign_key_that_acts", "target.foreign_key", remedy="target",
         target=(ITEM, "CREATE TABLE own (id int REFERENCES item (id) ON DELETE CASCADE)"), remedy_holds="DROP CONSTRAINT"),
    Case("a_foreign_key_that_is_checked_at_once", "target.foreign_key", remedy="target",
         target=(ITEM, "CREATE TABLE own (id int REFERENCES item (id))"), remedy_holds="INITIALLY DEFERRED"),
    Case("rows_that_are_not_ours", "target.rows", remedy="target", target=(ITEM, "INSERT INTO item VALUES (1, 'x')"),
         remedy_holds="TRUNCATE"),
    Case("a_missing_column", "target.shape", remedy="target", target=("CREATE TABLE item (id integer PRIMARY KEY)",),
         remedy_holds="ADD COLUMN"),
    Case("a_column_of_another_type", "target.shape", remedy="target",
         target=("CREATE TABLE item (id integer PRIMARY KEY, name timestamp DEFAULT now())",), remedy_holds="TYPE"),
    Case("a_column_that_takes_no_null", "target.shape", remedy="target",
         source=table("maybe", "id int NOT NULL PRIMARY KEY, v int NULL"),
         target=("CREATE TABLE maybe (id integer PRIMARY KEY, v integer NOT NULL)",), remedy_holds="DROP NOT NULL"),
    Case("a_column_too_many", "target.shape", remedy="target",
         target=("CREATE TABLE item (id integer PRIMARY KEY, name varchar(50) NOT NULL, own int NOT NULL)",),
         remedy_holds="DROP COLUMN"),
    Case("an_identity_that_cannot_be_updated", "target.shape", remedy="target",
         source=table("counted", "id int NOT NULL PRIMARY KEY, n int NOT NULL"),
         target=("CREATE TABLE counted (id integer PRIMARY KEY, n integer GENERATED ALWAYS AS IDENTITY)",),
         remedy_holds="SET GENERATED BY DEFAULT"),
    Case("a_generated_column", "target.shape", remedy="target",
         source=table("doubled", "id int NOT NULL PRIMARY KEY, n int NULL"),
         target=("CREATE TABLE doubled (id integer PRIMARY KEY, n integer GENERATED ALWAYS AS (id * 2) STORED)",),
         remedy_holds="DROP EXPRESSION"),
    Case("another_primary_key", "target.shape", remedy="target",
         target=("CREATE TABLE item (id integer NOT NULL, name varchar(50) PRIMARY KEY)",), remedy_holds="DROP CONSTRAINT"),
    Case("a_key_that_ignores_case", "target.shape", remedy="target",
         source=table("spelled", "code nvarchar(10) NOT NULL PRIMARY KEY"),
         target=("CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
                 "CREATE TABLE spelled (code varchar(10) COLLATE loose PRIMARY KEY)"), remedy_holds="COLLATE"),
    Case("a_view_instead_of_a_table", "target.shape", remedy="target",
         target=("CREATE VIEW item AS SELECT 1 AS id, 'x'::varchar(50) AS name",), remedy_holds="DROP VIEW"),
    Case("an_unlogged_table", "target.unlogged", remedy="target",
         target=(ITEM.replace("CREATE TABLE", "CREATE UNLOGGED TABLE"),), remedy_holds="SET LOGGED"),
    Case("partitions_without_a_default", "target.partition_default", "warning", remedy="target",
         target=("CREATE TABLE item (id integer NOT NULL, name varchar(50) NOT NULL) PARTITION BY RANGE (id)",
                 "CREATE TABLE item_low PARTITION OF item FOR VALUES FROM (0) TO (10)"), remedy_holds="DEFAULT"),
    Case("partitions_by_a_column_beside_the_key", "target.partition_key", remedy="target",
         target=("CREATE TABLE item (id integer NOT NULL, name varchar(50) NOT NULL) PARTITION BY RANGE (name)",
                 "CREATE TABLE item_rest PARTITION OF item DEFAULT"), remedy_holds="DROP TABLE"),
    Case("two_tables_of_one_name", "target.name_collision", remedy="config",
         source=("CREATE SCHEMA [public]", *table("item", "id int NOT NULL PRIMARY KEY", schema="public")),
         config=((TRAILING, "include: [dbo.*, public.*]"),),
         by=(("target:\n", "target:\n  schemas: { dbo: public, public: public_source }\n"),), remedy_holds="public_source"),
    Case("a_schema_that_is_reserved", "target.schema_name", remedy="config",
         source=("CREATE SCHEMA pg_own", *table("item", "id int NOT NULL PRIMARY KEY", schema="pg_own")),
         config=((TRAILING, "include: [dbo.*, pg_own.*]"),),
         by=(("target:\n", "target:\n  schemas: { dbo: public, pg_own: pg_own_source }\n".replace("pg_own_source", "own")),),
         remedy_holds="schemas"),
    Case("a_column_of_a_reserved_name", "target.column_name", subject="dbo.system.ctid", remedy="config",
         source=table("system", "id int NOT NULL PRIMARY KEY, ctid int NULL"),
         by=exclude_column("dbo.system", "ctid"), remedy_holds="exclude: [ctid]"),
]

CASES = [*SERVER, *RIGHTS, *TABLES, *TARGET]
