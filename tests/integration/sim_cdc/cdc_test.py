"""What T-SQL writes and what the change tables then say; the functions, jobs, faults and errors of CDC."""

from tests.integration.sim_cdc.case import CdcCase
from tests.support.simulator import run_sql


class Changes(CdcCase):
    def test_insert_update_delete(self):
        self.sql("CREATE TABLE dbo.item (id int NOT NULL PRIMARY KEY, name nvarchar(50) NULL, note nvarchar(max) NULL, "
                 "twice AS id * 2)")
        self.enable("item")
        self.sql("INSERT INTO dbo.item (id, name, note) VALUES (1, N'one', N'long'), (2, N'zwei', NULL)")
        self.sql("UPDATE dbo.item SET name = N'uno' WHERE id = 1")
        self.sql("UPDATE dbo.item SET note = NULL WHERE id = 1")
        self.sql("UPDATE dbo.item SET name = name")
        self.sql("DELETE FROM dbo.item WHERE id = 1")
        self.assertEqual(self.changes("dbo_item", "id, name, note, twice"),
                         [(2, "0f", 1, "one", "long", None), (2, "0f", 2, "zwei", None, None),
                          (3, "02", 1, "one", None, None), (4, "02", 1, "uno", None, None),
                          (3, "04", 1, "uno", "long", None), (4, "04", 1, "uno", None, None),
                          (1, "0f", 1, "uno", None, None)])

    # A reader that sorts wrongly, or applies the insert first, loses the row.
    def test_a_key_change_is_delete_and_insert(self):
        self.sql("CREATE TABLE dbo.item (id int NOT NULL PRIMARY KEY, v int)")
        self.enable("item")
        self.sql("INSERT INTO dbo.item VALUES (1, 10), (2, 20), (3, 30)")
        self.sql("UPDATE dbo.item SET id = 7 WHERE id = 1")
        self.sql("UPDATE dbo.item SET id = CASE id WHEN 2 THEN 3 ELSE 2 END WHERE id IN (2, 3)")
        found = self.changes("dbo_item", "id, v")[3:]
        self.assertEqual(found[:2], [(1, "03", 1, 10), (2, "03", 7, 10)])
        rows = self.sql("SELECT [__$seqval], [__$command_id] FROM cdc.dbo_item_CT WHERE v = 10 AND [__$operation] <> 2 "
                        "OR id = 7")
        self.assertEqual(rows[0][0], rows[1][0])
        self.assertLess(rows[0][1], rows[1][1])
        state = {2: 20, 3: 30}
        for operation, _, key, v in found[2:]:
            if operation == 1:
                self.assertEqual(state.pop(key), v)
            elif operation in (2, 4):
                state[key] = v
        self.assertEqual(state, {2: 30, 3: 20})
        self.assertEqual(sorted(self.sql("SELECT id, v FROM dbo.item")), [(2, 30), (3, 20), (7, 10)])

    def test_transactions_and_savepoints(self):
        self.sql("CREATE TABLE dbo.item (id int NOT NULL PRIMARY KEY, v int)")
        self.enable("item")
        self.sql("BEGIN TRAN; INSERT INTO dbo.item VALUES (1, 1); ROLLBACK")
        self.sql("BEGIN TRAN; INSERT INTO dbo.item VALUES (2, 1); SAVE TRAN s; INSERT INTO dbo.item VALUES (3, 1); "
                 "ROLLBACK TRAN s; INSERT INTO dbo.item VALUES (4, 1); COMMIT")
        self.assertEqual([row[2] for row in self.changes("dbo_item", "id")], [2, 4])
        self.assertEqual(self.value("SELECT COUNT(*) FROM cdc.lsn_time_mapping WHERE tran_id <> 0x00"), 1)
        self.assertEqual(self.value("SELECT COUNT(DISTINCT [__$start_lsn]) FROM cdc.dbo_item_CT"), 1)

    def test_every_width_of_the_mask(self):
        for width in (1, 8, 9, 16, 17, 100):
            with self.subTest(width=width):
                table = f"w{width}"
                columns = "".join(f", c{i} int" for i in range(2, width + 1))
                self.sql(f"CREATE TABLE dbo.{table} (id int NOT NULL PRIMARY KEY{columns})")
                self.enable(table)
                self.sql(f"INSERT INTO dbo.{table} (id) VALUES (1)")
                if width > 1:
                    self.sql(f"UPDATE dbo.{table} SET c{width} = 5")
                found = self.changes(f"dbo_{table}", "id")
                self.assertEqual(int(found[0][1], 16), (1 << width) - 1)
                if width > 1:
                    self.assertEqual([int(row[1], 16) for row in found[1:]], [1 << (width - 1)] * 2)
                    self.assertEqual(self.value(
                        f"SELECT sys.fn_cdc_is_bit_set(sys.fn_cdc_get_column_ordinal(N'dbo_{table}', N'c{width}'), "
                        f"[__$update_mask]) FROM cdc.dbo_{table}_CT WHERE [__$operation] = 4"), True)

    def test_a_new_column_comes_with_a_new_instance(self):
        self.sql("CREATE TABLE dbo.item (id int NOT NULL PRIMARY KEY)")
        self.enable("item")
        self.sql("INSERT INTO dbo.item VALUES (1)")
        self.sql("ALTER TABLE dbo.item ADD extra nvarchar(10) NULL")
        self.sql("INSERT INTO dbo.item VALUES (2, N'lost')")
        self.enable("item", capture_instance="item_2")
        self.sql("INSERT INTO dbo.item VALUES (3, N'kept')")
        self.assertEqual([row[2] for row in self.changes("dbo_item", "id")], [1, 2, 3])
        self.assertEqual(self.changes("item_2", "id, extra"), [(2, "03", 3, "kept")])
        self.assertIn("ADD extra", self.value("SELECT ddl_command FROM cdc.ddl_history"))
        self.assertEqual(self.value("SELECT COUNT(*) FROM (SELECT start_lsn FROM cdc.change_tables WHERE start_lsn > "
                                    "0x00) x"), 2)
        self.enable_fails("item", 22962)
        self.sql("EXEC sys.sp_cdc_disable_table N'dbo', N'item', N'dbo_item'")
        self.assertEqual(self.error("SELECT * FROM cdc.dbo_item_CT"), 208)
        self.assertEqual(self.value("SELECT is_tracked_by_cdc FROM sys.tables WHERE name = 'item'"), True)

    def enable_fails(self, table, number):
        self.assertEqual(self.error(f"EXEC sys.sp_cdc_enable_table N'dbo', N'{table}', @role_name = NULL, "
                                    "@capture_instance = N'yet_another'"), number)

    def test_statements_that_cdc_forbids(self):
        self.sql("CREATE TABLE dbo.item (id int NOT NULL CONSTRAINT pk_item PRIMARY KEY, note nvarchar(max))")
        self.enable("item")
        self.assertEqual(self.error("TRUNCATE TABLE dbo.item"), 4711)
        self.assertEqual(self.error("ALTER TABLE dbo.item DROP CONSTRAINT pk_item"), 4929)
        self.assertEqual(self.error("EXEC sp_rename 'dbo.item.note', 'other', 'COLUMN'"), 4928)
        self.assertEqual(self.error("INSERT INTO dbo.item VALUES (1, REPLICATE(CAST(N'x' AS nvarchar(max)), 40000))"), 7139)
        self.assertEqual(self.error("EXEC sys.sp_cdc_enable_db"), 22905)
        self.assertEqual(self.error("EXEC sys.sp_cdc_enable_table N'dbo', N'none', @role_name = NULL"), 22931)
        self.assertEqual(self.error("EXEC sys.sp_cdc_enable_table N'dbo', N'item', @role_name = NULL"), 22926)
        self.assertEqual(self.error("EXEC sys.sp_cdc_enable_table N'dbo', N'item'"), 201)

    def test_odd_names(self):
        self.sql("CREATE SCHEMA [a.b]")
        self.sql("CREATE TABLE [a.b].[x]]y z] ([k]]1] int NOT NULL PRIMARY KEY, [%_] nvarchar(5))")
        self.sql("EXEC sys.sp_cdc_enable_table N'a.b', N'x]y z', @role_name = NULL, @capture_instance = N'odd [one]', "
                 "@captured_column_list = N'[k]]1], \"%_\"'")
        self.sql("INSERT INTO [a.b].[x]]y z] VALUES (1, N'v')")
        self.captured()
        self.assertEqual(self.sql("SELECT [k]]1], [%_] FROM cdc.[odd [one]]_CT]"), [(1, "v")])


class Functions(CdcCase):
    def setUp(self):
        super().setUp()
        self.sql("CREATE TABLE dbo.item (id int NOT NULL PRIMARY KEY, v int)")
        self.enable("item")

    def test_all_changes_between_two_lsns(self):
        for i in range(1, 4):
            self.sql(f"INSERT INTO dbo.item VALUES ({i}, 0)")
        self.sql("UPDATE dbo.item SET v = 1 WHERE id = 3")
        self.captured()
        rows = self.sql("DECLARE @from binary(10) = sys.fn_cdc_get_min_lsn('dbo_item'), @to binary(10) = "
                        "sys.fn_cdc_get_max_lsn(); SELECT [__$operation], id, v FROM "
                        "cdc.fn_cdc_get_all_changes_dbo_item(@from, @to, N'all')")
        self.assertEqual(rows, [(2, 1, 0), (2, 2, 0), (2, 3, 0), (4, 3, 1)])
        rows = self.sql("DECLARE @from binary(10) = sys.fn_cdc_get_min_lsn('dbo_item'), @to binary(10) = "
                        "sys.fn_cdc_get_max_lsn(); SELECT [__$operation] FROM "
                        "cdc.fn_cdc_get_all_changes_dbo_item(@from, @to, N'all update old')")
        self.assertEqual([row[0] for row in rows], [2, 2, 2, 3, 4])
        for bounds in ("0x00000000000000000001, sys.fn_cdc_get_max_lsn(), N'all'",
                       "sys.fn_cdc_get_min_lsn('dbo_item'), 0xFFFFFFFFFFFFFFFFFFFF, N'all'",
                       "sys.fn_cdc_get_min_lsn('dbo_item'), NULL, N'all'",
                       "sys.fn_cdc_get_min_lsn('dbo_item'), sys.fn_cdc_get_max_lsn(), N'nonsense'"):
            with self.subTest(bounds=bounds):
                self.assertEqual(self.error(f"SELECT * FROM cdc.fn_cdc_get_all_changes_dbo_item({bounds})"), 313)

    def test_lsns_and_times(self):
        self.sql("INSERT INTO dbo.item VALUES (1, 0)")
        self.captured()
        self.assertEqual(self.value("SELECT CASE WHEN sys.fn_cdc_get_max_lsn() = (SELECT MAX(start_lsn) FROM "
                                    "cdc.lsn_time_mapping) THEN 1 ELSE 0 END"), 1)
        self.assertEqual(self.value("SELECT sys.fn_cdc_increment_lsn(0x000000000000000000FF)").hex(),
                         "00000000000000000100")
        self.assertEqual(self.value("SELECT sys.fn_cdc_decrement_lsn(0x00000000000000000100)").hex(),
                         "000000000000000000ff")
        self.assertEqual(self.value("SELECT sys.fn_cdc_get_min_lsn(N'nonsense')").hex(), "00" * 10)
        self.assertEqual(self.value("SELECT COUNT(*) FROM cdc.lsn_time_mapping WHERE tran_end_time = "
                                    "sys.fn_cdc_map_lsn_to_time(start_lsn)"),
                         self.value("SELECT COUNT(*) FROM cdc.lsn_time_mapping"))
        self.assertEqual(self.value("SELECT sys.fn_cdc_map_time_to_lsn('largest less than or equal', "
                                    "DATEADD(hour, 1, GETDATE()))"), self.value("SELECT sys.fn_cdc_get_max_lsn()"))
        self.assertIsNone(self.value("SELECT sys.fn_cdc_map_time_to_lsn('largest less than', '2001-01-01')"))

    def test_jobs_and_help(self):
        rows = self.sql("EXEC sys.sp_cdc_help_jobs")
        self.assertEqual([row[1] for row in rows], ["capture", "cleanup"])
        self.sql("EXEC sys.sp_cdc_change_job @job_type = N'cleanup', @retention = 100")
        self.assertEqual(self.value("SELECT retention FROM msdb.dbo.cdc_jobs WHERE job_type = N'cleanup' AND database_id = "
                                    "DB_ID()"), 100)
        help_row = self.sql("EXEC sys.sp_cdc_help_change_data_capture N'dbo', N'item'")[0]
        self.assertEqual(help_row[:3], ("dbo", "item", "dbo_item"))
        self.assertEqual(help_row[13:], ("[id]", "[id], [v]"))
        columns = self.sql("SELECT column_name, column_id, column_type, column_ordinal FROM cdc.captured_columns ORDER BY 4")
        self.assertEqual(columns, [("id", 1, "int", 1), ("v", 2, "int", 2)])
        names = [row[0] for row in self.sql("SELECT c.name FROM sys.columns c WHERE c.object_id = "
                                            "OBJECT_ID('cdc.dbo_item_CT') ORDER BY column_id")]
        self.assertEqual(names, ["__$start_lsn", "__$end_lsn", "__$seqval", "__$operation", "__$update_mask", "id", "v",
                                 "__$command_id"])

    def test_log_scan_sessions(self):
        self.sql("INSERT INTO dbo.item VALUES (1, 0)")
        self.captured()
        scans = "SELECT SUM(empty_scan_count) + COUNT(*) FROM sys.dm_cdc_log_scan_sessions WHERE session_id > 0"
        before = self.value(scans)
        self.wait("two more scans", lambda: self.value(scans) >= before + 2)
        self.assertEqual(self.value("SELECT tran_count FROM sys.dm_cdc_log_scan_sessions WHERE session_id = 0"), 1)


class Faults(CdcCase):
    def setUp(self):
        super().setUp()
        self.sql("CREATE TABLE dbo.item (id int NOT NULL PRIMARY KEY, v int)")
        self.enable("item")

    def test_a_stopped_agent_freezes_max_lsn(self):
        self.sql("EXEC sp_sim_control 'agent', 'stop'")
        self.addCleanup(self.sql, "EXEC sp_sim_control 'agent', 'start'")
        self.captured()
        self.assertEqual(self.value("SELECT status_desc FROM sys.dm_server_services WHERE servicename LIKE "
                                    "N'SQL Server Agent (%'"), "Stopped")
        before = self.value("SELECT sys.fn_cdc_get_max_lsn()")
        self.sql("INSERT INTO dbo.item VALUES (1, 0)")
        self.assertEqual(self.value("SELECT sys.fn_cdc_get_max_lsn()"), before)
        self.sql("EXEC sp_sim_control 'agent', 'start'")
        self.wait("the change", lambda: self.value("SELECT COUNT(*) FROM cdc.dbo_item_CT") == 1)

    # Direct reads below the mark give no error, only missing rows: a reader must look at min_lsn.
    def test_cleanup(self):
        self.sql("INSERT INTO dbo.item VALUES (1, 0)")
        self.captured()
        first = self.value("SELECT sys.fn_cdc_get_max_lsn()")
        self.sql("WAITFOR DELAY '00:00:00.020'; INSERT INTO dbo.item VALUES (2, 0)")
        self.captured()
        self.sql("EXEC sp_sim_control 'cleanup_now'")
        self.assertGreater(self.value("SELECT sys.fn_cdc_get_min_lsn('dbo_item')"), first)
        self.assertEqual(self.sql("SELECT id FROM cdc.dbo_item_CT"), [(2,)])

    def test_interleaved_transactions(self):
        self.sql("EXEC sp_sim_control 'interleave'")
        self.sql("INSERT INTO dbo.item VALUES (1, 1), (2, 1), (3, 1)")
        self.sql("INSERT INTO dbo.item VALUES (4, 2), (5, 2), (6, 2)")
        self.captured()
        rows = self.sql("SELECT v FROM cdc.dbo_item_CT ORDER BY [__$seqval]")
        self.assertEqual([row[0] for row in rows], [1, 2, 1, 2, 1, 2])
        rows = self.sql("SELECT v FROM cdc.dbo_item_CT ORDER BY [__$start_lsn], [__$command_id], [__$seqval]")
        self.assertEqual([row[0] for row in rows], [1, 1, 1, 2, 2, 2])

    def test_orders_and_counters(self):
        self.sql("EXEC sp_sim_control 'deadlock', '1', 'FROM dbo.item'")
        self.assertEqual(self.error("SELECT * FROM dbo.item"), 1205)
        self.assertEqual(self.sql("SELECT * FROM dbo.item"), [])
        self.sql("INSERT INTO dbo.item VALUES (1, 1), (2, 1), (3, 1)")
        self.sql("EXEC sp_sim_control 'reset_counters'")
        self.sql("SELECT * FROM dbo.item")
        counters = dict(self.sql("EXEC sp_sim_control 'counters'"))
        self.assertEqual(counters[f"rows {self.database}.dbo.item"], 3)
        self.sql("EXEC sp_sim_control 'reset', '1', 'cut here'")
        other = self.connect()
        with self.assertRaises(Exception):
            run_sql(other, "SELECT * FROM dbo.item -- cut here")
        self.assertEqual(self.error("EXEC sp_sim_control 'nonsense'"), 50000)

    def test_another_lineage(self):
        ask = ("SELECT recovery_fork_guid FROM sys.database_recovery_status WHERE database_id = DB_ID()")
        before = self.value(ask)
        self.sql("EXEC sp_sim_control 'identity', 'fork'")
        self.assertNotEqual(self.value(ask), before)

    # LSNs come again after a restore: a stored position must not be trusted by its number alone.
    def test_restore_to_an_older_point(self):
        self.sql("INSERT INTO dbo.item VALUES (1, 1)")
        self.captured()
        self.sql("EXEC sp_sim_control 'backup', 'monday'")
        self.sql("INSERT INTO dbo.item VALUES (2, 1)")
        self.captured()
        lost = self.value("SELECT MAX([__$start_lsn]) FROM cdc.dbo_item_CT")
        fork = self.value("SELECT recovery_fork_guid FROM sys.database_recovery_status WHERE database_id = DB_ID()")
        self.sql("EXEC sp_sim_control 'restore', 'monday'")
        self.assertEqual(self.sql("SELECT id FROM dbo.item"), [(1,)])
        self.assertLess(self.value("SELECT sys.fn_cdc_get_max_lsn()"), lost)
        self.assertNotEqual(self.value("SELECT recovery_fork_guid FROM sys.database_recovery_status WHERE database_id = "
                                       "DB_ID()"), fork)
        self.sql("INSERT INTO dbo.item VALUES (3, 1)")
        self.captured()
        self.assertEqual(self.value("SELECT id FROM cdc.dbo_item_CT WHERE [__$start_lsn] = (SELECT MAX([__$start_lsn]) "
                                    "FROM cdc.dbo_item_CT)"), 3)
        self.assertEqual(self.error("EXEC sp_sim_control 'restore', 'nonsense'"), 50000)
