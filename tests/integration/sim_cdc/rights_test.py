"""Who may read what of CDC; isolation and locks between sessions."""

import pymssql

from tests.integration.sim_cdc.case import CdcCase
from tests.support.simulator import run_sql, scalar

PASSWORD = "Reader-1-password"


class Rights(CdcCase):
    def setUp(self):
        super().setUp()
        self.sql("CREATE TABLE dbo.item (id int NOT NULL PRIMARY KEY)")
        self.login = f"reader_{self.database}"
        self.sql(f"CREATE LOGIN {self.login} WITH PASSWORD = '{PASSWORD}'")

    def reader(self):
        return self.connect(user=self.login, password=PASSWORD)

    def test_a_login_without_a_user(self):
        with self.assertRaises(pymssql.Error):
            self.reader()
        with self.assertRaises(pymssql.Error):
            self.connect(user=self.login, password="wrong")

    def test_what_a_reader_needs(self):
        self.enable("item", role_name="gate")
        self.sql("INSERT INTO dbo.item VALUES (1)")
        self.captured()
        self.sql(f"CREATE USER {self.login} FOR LOGIN {self.login}")
        reader = self.reader()
        self.assertEqual(self.error("SELECT * FROM dbo.item", reader), 229)
        self.assertEqual(self.error("SELECT * FROM cdc.dbo_item_CT", reader), 229)
        self.assertEqual(run_sql(reader, "SELECT name FROM sys.tables"), [])
        self.assertEqual(scalar(reader, "SELECT sys.fn_cdc_get_min_lsn('dbo_item')").hex(), "00" * 10)
        self.sql(f"GRANT SELECT ON dbo.item TO {self.login}")
        self.assertEqual(run_sql(reader, "SELECT * FROM dbo.item"), [(1,)])
        self.assertEqual(run_sql(reader, "SELECT name FROM sys.tables"), [("item",)])
        self.sql(f"GRANT SELECT ON SCHEMA::cdc TO {self.login}")
        self.assertEqual(run_sql(reader, "SELECT id FROM cdc.dbo_item_CT"), [(1,)])
        self.assertEqual(scalar(reader, "SELECT sys.fn_cdc_get_min_lsn('dbo_item')").hex(), "00" * 10)
        self.sql(f"ALTER ROLE gate ADD MEMBER {self.login}")
        self.assertNotEqual(scalar(reader, "SELECT sys.fn_cdc_get_min_lsn('dbo_item')").hex(), "00" * 10)
        scans = "SELECT COUNT(*) FROM sys.dm_cdc_log_scan_sessions"
        self.assertIn(self.error(scans, reader), (262, 297, 300))
        self.sql(f"GRANT VIEW DATABASE STATE TO {self.login}")
        self.assertGreater(scalar(reader, scans), 0)
        self.assertEqual(self.error("EXEC sys.sp_cdc_help_jobs", reader), 22904)
        self.assertEqual(self.error("EXEC sys.sp_cdc_disable_db", reader), 22902)
        self.assertEqual(self.error("INSERT INTO dbo.item VALUES (2)", reader), 229)


class Sessions(CdcCase):
    def setUp(self):
        super().setUp()
        self.sql("CREATE TABLE dbo.item (id int NOT NULL PRIMARY KEY, v int)")
        self.sql("INSERT INTO dbo.item VALUES (1, 1)")

    def test_one_writer_at_a_time(self):
        other = self.connect()
        self.sql("BEGIN TRAN; UPDATE dbo.item SET v = 2")
        run_sql(other, "SET LOCK_TIMEOUT 50")
        self.assertEqual(self.error("UPDATE dbo.item SET v = 3", other), 1222)
        self.assertEqual(scalar(other, "SELECT v FROM dbo.item"), 1)
        self.sql("COMMIT")
        self.assertEqual(scalar(other, "SELECT v FROM dbo.item"), 2)

    def test_snapshot_isolation(self):
        other = self.connect()
        run_sql(other, "SET TRANSACTION ISOLATION LEVEL SNAPSHOT")
        self.assertEqual(self.error("SELECT v FROM dbo.item", other), 3952)
        self.assertEqual(self.error("BEGIN TRAN; SELECT v FROM dbo.item", other), 3952)
        run_sql(other, "IF @@TRANCOUNT > 0 ROLLBACK")
        self.sql(f"ALTER DATABASE {self.database} SET ALLOW_SNAPSHOT_ISOLATION ON")
        run_sql(other, "BEGIN TRAN")
        self.assertEqual(scalar(other, "SELECT v FROM dbo.item"), 1)
        self.sql("UPDATE dbo.item SET v = 2")
        self.assertEqual(scalar(other, "SELECT v FROM dbo.item"), 1)
        self.assertEqual(self.error("UPDATE dbo.item SET v = 3", other), 3960)
        self.assertEqual(scalar(other, "SELECT @@TRANCOUNT"), 0)
        self.assertEqual(scalar(other, "SELECT v FROM dbo.item"), 2)
