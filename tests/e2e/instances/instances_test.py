"""Two capture instances of a table, as an administrator makes and removes them, and the exit codes where that cannot go well."""

from tests.e2e.case import EndToEnd
from tests.support.processes import wait_until


class Instances(EndToEnd):
    TABLES = {"dbo.orders": "id int NOT NULL PRIMARY KEY, note nvarchar(20) NULL, lob nvarchar(max) NULL"}

    def second(self, more=""):
        self.sql("EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'orders', @role_name = NULL, "
                 f"@capture_instance = N'orders_v2'{more}")

    def first_goes(self):
        self.sql("EXEC sys.sp_cdc_disable_table N'dbo', N'orders', N'dbo_orders'")

    def instance(self):
        tables = {table["table"]: table for table in self.pipeline.status()["tables"]}
        return tables["dbo.orders"]["instance"]

    def streamed_once(self):
        self.sql("INSERT INTO dbo.orders VALUES (1, N'a', N'long'), (2, N'b', NULL)")
        run = self.start_streaming()
        self.flush(run)
        self.assertEqual(self.instance(), "dbo_orders")
        return run

    def fails(self, code, *texts):
        run = self.start()
        self.assertEqual(run.wait(60), code, run.log()[-4000:])
        for text in texts:
            self.assertIn(text, run.log())

    # The procedure of docs/operations/running.md.
    def test_the_first_goes_once_status_shows_the_second(self):
        run = self.streamed_once()
        self.second()
        self.sql("UPDATE dbo.orders SET note = N'c' WHERE id = 1")
        self.flush(run)
        wait_until(lambda: self.instance() == "orders_v2", 30, "status shows the second instance")
        self.first_goes()
        self.sql("UPDATE dbo.orders SET note = N'd' WHERE id = 1; DELETE FROM dbo.orders WHERE id = 2")
        self.sql("INSERT INTO dbo.orders VALUES (3, NULL, N'')")
        self.flush(run)
        self.assert_same()
        self.drain(run)
        self.assertEqual(self.rows("SELECT id, note, lob FROM public.orders ORDER BY id"),
                         [(1, "d", "long"), (3, None, "")])

    # The stored instance is there no more, and the other one begins behind the position: what lay between went with it.
    def test_a_first_that_goes_too_early_is_a_gap(self):
        run = self.streamed_once()
        self.drain(run)
        self.sql("INSERT INTO dbo.orders VALUES (3, NULL, NULL)")
        self.second()
        self.first_goes()
        self.fails(7, "dbo_orders", "dbo.orders", "resnapshot")
        done = self.pipeline.call("table", "resnapshot", "--table", "dbo.orders")
        self.assertIn(done.returncode, (0, 1), done.stderr)
        run = self.start()
        self.sql("INSERT INTO dbo.tick VALUES (100)")  # The table joins once the stream has come as far as its new instance.
        wait_until(lambda: self.rows("SELECT 1 FROM public.orders WHERE id = 3"), 60, "the table is taken again")
        self.assertEqual(self.instance(), "orders_v2")
        self.flush(run)
        self.assert_same()

    # The shape has changed where the only instance that is left lacks a column; while the first one is there, nothing has.
    def test_a_second_of_another_shape(self):
        run = self.streamed_once()
        self.second(more=", @captured_column_list = N'id, note'")
        self.sql("INSERT INTO dbo.orders VALUES (3, N'c', N'kept')")
        self.flush(run)
        self.sql("INSERT INTO dbo.orders VALUES (4, N'd', N'kept')")
        self.flush(run)
        self.assert_same()
        self.assertEqual(self.instance(), "dbo_orders")
        self.assertIn("source.instance.set_aside", run.log())
        self.first_goes()
        self.sql("INSERT INTO dbo.orders VALUES (5, N'e', N'kept')")
        self.assertEqual(run.wait(60), 6, run.log()[-4000:])
        self.assertIn("orders_v2 does not hold: lob", run.log())
        self.fails(6, "orders_v2 does not hold: lob")

    # A column's type changes while the program is down, and the instances are made anew for it.
    def test_a_second_with_another_type(self):
        run = self.streamed_once()
        self.drain(run)
        self.sql("ALTER TABLE dbo.orders ALTER COLUMN note nvarchar(200) NULL")
        self.second()
        self.sql("INSERT INTO dbo.orders VALUES (3, N'c', NULL)")
        self.fails(6, "dbo.orders", "note")
