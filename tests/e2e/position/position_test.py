"""`position set`, and pipelines that start at an LSN or a time without a snapshot."""

import datetime
import json

from tests.e2e.case import EndToEnd
from tests.support.pipeline import CONFIG
from tests.support.processes import wait_until
from tests.support.simulator import scalar

CONFIG_ERROR, GAP, FENCED = 2, 7, 9


class Position(EndToEnd):
    TABLES = {"dbo.customers": "id int NOT NULL PRIMARY KEY, code nvarchar(10) NOT NULL CONSTRAINT uq_code UNIQUE",
              "dbo.orders": "id int NOT NULL PRIMARY KEY, customer int NOT NULL CONSTRAINT fk_customer REFERENCES dbo.customers "
                            "(id), note nvarchar(20) NULL, lob nvarchar(max) NULL"}

    def setUp(self):
        super().setUp()
        self.sql("INSERT INTO dbo.customers VALUES (1, N'a'), (2, N'b'), (3, N'c')")
        self.sql("INSERT INTO dbo.orders VALUES (1, 1, N'one', N'long'), (2, 2, N'two', NULL)")

    def max_lsn(self):
        """Of everything that was committed before."""
        self.sql("EXEC sp_sim_control N'scan'")
        return scalar(self.source, "SELECT CONVERT(nvarchar(22), MAX(start_lsn), 1) FROM cdc.lsn_time_mapping")[2:].lower()

    def position(self):
        return self.pipeline.call("position", "show").stdout.split()[0]

    def set_position(self, *words, code=0):
        done = self.pipeline.call("position", "set", *words)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stderr if code else done.stdout

    def changes(self):
        return self.rows("SELECT encode(from_lsn, 'hex'), encode(to_lsn, 'hex'), reason, skipped, changed_by, role "
                         "FROM tailrace.position_change ORDER BY id")

    def constraints(self):
        return {name for name, in self.rows("SELECT conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace "
                                            "AND contype IN ('u', 'f') AND convalidated")}

    def streamed(self):
        """A run that has come to now and was drained; answers where it stands."""
        run = self.start_streaming()
        self.flush(run)
        self.drain(run)
        return self.position()

    def start_without_snapshot(self, *start):
        text = CONFIG.format(**self.pipeline.values).replace("snapshot: {", "snapshot: { mode: none,")
        self.pipeline.write(text + (f"start: {{ {': '.join(start)} }}\n" if start else ""))

    # Whoever runs has the position in its hands.
    def test_is_refused_while_a_runner_lives(self):
        run = self.start_streaming()
        self.flush(run)
        before = self.position()
        said = self.set_position("--lsn", before, "--reason", "no", code=FENCED)
        self.assertIn("a runner is alive", said)
        self.assertTrue(run.running())
        self.assertEqual(self.changes(), [])
        self.flush(run)
        self.drain(run)

    # Old rows pass over the new ones: keys that were exchanged, unique values that moved on, parents that are gone.
    def test_back_replays_to_the_same_state(self):
        # Each transaction for itself: in one commit the last state of all of them would meet nothing.
        self.pipeline.write(CONFIG.format(**self.pipeline.values).replace("stream: {", "stream: { commit_transactions: 1,"))
        self.sql("INSERT INTO dbo.customers VALUES (9, N'z')")
        start = self.streamed()
        run = self.start_streaming()
        self.sql("UPDATE dbo.customers SET code = N'x' WHERE id = 1")
        self.sql("UPDATE dbo.customers SET code = N'a' WHERE id = 2")
        self.sql("UPDATE dbo.customers SET code = N'b' WHERE id = 1; UPDATE dbo.customers SET code = N'x' WHERE id = 3")
        self.sql("INSERT INTO dbo.orders VALUES (10, 9, N'of nine', NULL)")
        self.sql("DELETE FROM dbo.orders WHERE id = 10")
        self.sql("DELETE FROM dbo.customers WHERE id = 9")
        self.sql("INSERT INTO dbo.customers VALUES (4, N'd')")
        self.sql("INSERT INTO dbo.orders VALUES (3, 4, N'three', N'x'), (4, 4, N'four', NULL)")
        self.sql("UPDATE dbo.orders SET note = N'uno' WHERE id = 1")
        self.sql("DELETE FROM dbo.orders WHERE id = 4; UPDATE dbo.orders SET customer = 3 WHERE id = 3; "
                 "DELETE FROM dbo.customers WHERE id = 4")
        self.flush(run)
        self.drain(run)
        end = self.position()
        made = self.constraints()
        self.assertEqual(made, {"uq_code", "fk_customer"})
        self.target.execute("DELETE FROM public.orders WHERE id = 3")  # What a person broke.
        said = self.set_position("--lsn", start, "--reason", "orders were damaged")
        self.assertIn("dbo.orders", said)
        self.assertEqual(self.position(), start)
        [(came_from, goes_to, reason, skipped, by, role)] = self.changes()
        self.assertEqual((came_from, goes_to, reason, skipped), (end, start, "orders were damaged", {}))
        self.assertIn("@", by)
        self.assertTrue(role)
        self.assertEqual({table["state"] for table in self.pipeline.status()["tables"]}, {"catching_up"})
        run = self.start_streaming()
        self.flush(run)
        self.assert_same()
        wait_until(lambda: self.constraints() == made, 30, "the constraints are back")
        self.drain(run)

    # Killed in the replay it goes on with it; a row that is missing then must not count as diverged.
    def test_back_and_killed_in_the_replay(self):
        start = self.streamed()
        run = self.start_streaming()
        for number in range(10, 60):
            self.sql(f"INSERT INTO dbo.customers VALUES ({number}, N'n{number}')")
            self.sql(f"DELETE FROM dbo.customers WHERE id = {number - 5} AND id >= 10")
        self.flush(run)
        self.drain(run)
        self.set_position("--lsn", start, "--reason", "a test")
        small = CONFIG.format(**self.pipeline.values).replace("stream: {", "stream: { commit_transactions: 7,")
        self.pipeline.write(small)
        for point in ("sink.before_commit:2", "sink.after_commit:3"):
            run = self.start(environment={"TAILRACE_CRASH_AT": point})
            self.assertEqual(run.wait(60), -9, run.log()[-4000:])
        run = self.start_streaming()
        self.flush(run)
        self.assert_same()
        self.drain(run)

    # An index that is not ours stays ours to respect.
    def test_back_is_refused_where_old_rows_would_meet_an_index(self):
        start = self.streamed()
        self.sql("INSERT INTO dbo.tick VALUES (500)")
        self.streamed()
        end = self.position()
        self.target.execute("CREATE UNIQUE INDEX own ON public.orders (note)")
        said = self.set_position("--lsn", start, "--reason", "a test", code=CONFIG_ERROR)
        self.assertIn("public.orders", said)
        self.assertEqual(self.position(), end)
        self.assertEqual(self.constraints(), {"uq_code", "fk_customer"})
        self.assertEqual(self.changes(), [])

    def test_forward_skips_what_is_said_and_shows_it(self):
        start = self.streamed()
        self.sql("INSERT INTO dbo.customers VALUES (5, N'e'), (6, N'f')")
        there = self.max_lsn()
        self.sql("INSERT INTO dbo.customers VALUES (7, N'g')")
        said = self.set_position("--lsn", there, "--reason", "bad rows", code=CONFIG_ERROR)
        self.assertIn("dbo.customers: 2", said)
        self.assertIn("--skip", said)
        self.assertEqual(self.position(), start)
        done = json.loads(self.set_position("--lsn", there, "--reason", "bad rows", "--skip", "--format", "json"))
        self.assertEqual((done["moved"], done["skipped"]), ("forward", {"dbo.customers": 2}))
        [(came_from, goes_to, reason, skipped, _, _)] = self.changes()
        self.assertEqual((came_from, goes_to, reason, skipped), (start, there, "bad rows", {"dbo.customers": 2}))
        run = self.start_streaming()
        self.flush(run)
        self.assertEqual(self.rows("SELECT id FROM public.customers ORDER BY id"), [(1,), (2,), (3,), (7,)])
        status = self.pipeline.status()
        self.assertTrue(status["diverged"])
        self.assertEqual([table["table"] for table in status["tables"] if table["skipped"]], ["dbo.customers"])
        self.assertIn("changes were skipped", self.pipeline.call("status").stdout)
        # Taken again the table is whole, and status says so.
        self.pipeline.call("table", "resnapshot", "--table", "dbo.customers")
        wait_until(lambda: len(self.rows("SELECT 1 FROM public.customers")) == 6, 60, "the table is taken again")
        self.flush(run)
        wait_until(lambda: not self.pipeline.status()["diverged"], 30, "nothing is diverged any more")
        self.assert_same()
        self.drain(run)

    def test_what_is_refused(self):
        said = self.set_position("--lsn", "0" * 20, "--reason", "a test", code=CONFIG_ERROR)
        self.assertIn("no position yet", said)
        start = self.streamed()
        for words, text in [((), "--lsn LSN or --time TIME"), (("--lsn", start), "--reason"),
                            (("--lsn", start, "--time", "2026-11-23T10:00:00Z", "--reason", "x"), "one of the two"),
                            (("--lsn", "12", "--reason", "x"), "not an LSN"),
                            (("--time", "2026-11-23T10:00:00", "--reason", "x"), "offset"),
                            (("--time", "2199-01-01T00:00:00Z", "--reason", "x"), "ahead of the source's clock"),
                            (("--lsn", "f" * 20, "--reason", "x"), "behind everything")]:
            self.assertIn(text, self.set_position(*words, code=CONFIG_ERROR), words)
        said = self.set_position("--lsn", "0" * 19 + "1", "--reason", "a test", code=GAP)
        for table in ["dbo.customers", "dbo.orders", "dbo.tick"]:
            self.assertIn(table, said)
        self.assertEqual(self.position(), start)
        self.assertEqual(self.changes(), [])
        self.assertIn("already", self.set_position("--lsn", start, "--reason", "a test"))
        self.assertEqual(self.changes(), [])

    # By the clock: back to before the changes, whatever the offset that it is written with.
    def test_by_time(self):
        self.streamed()
        self.sql("WAITFOR DELAY '00:00:00.100'")
        moment = scalar(self.source, "SELECT CONVERT(nvarchar(40), SYSDATETIMEOFFSET(), 127)")
        self.sql("WAITFOR DELAY '00:00:00.100'")
        run = self.start_streaming()
        self.sql("UPDATE dbo.orders SET note = N'later' WHERE id = 1")
        self.flush(run)
        self.drain(run)
        self.target.execute("UPDATE public.orders SET note = 'broken' WHERE id = 1")
        done = json.loads(self.set_position("--time", moment, "--reason", "a test", "--format", "json"))
        self.assertEqual(done["moved"], "back")
        run = self.start_streaming()
        self.flush(run)
        self.assert_same()
        self.drain(run)

    # Somebody else has loaded the target; what was changed since follows, once, and a missing row counts from then on.
    def test_a_first_start_at_an_lsn(self):
        self.sql("UPDATE dbo.orders SET note = N'before' WHERE id = 2")
        point = self.max_lsn()
        self.sql("INSERT INTO dbo.orders VALUES (3, 3, N'behind', NULL); UPDATE dbo.orders SET note = N'behind' WHERE id = 1")
        self.target.execute("CREATE TABLE public.customers (id int PRIMARY KEY, code varchar(10) NOT NULL)")
        self.target.execute("CREATE TABLE public.orders (id int PRIMARY KEY, customer int NOT NULL, note varchar(20), lob text)")
        self.target.execute("INSERT INTO public.customers VALUES (1, 'a'), (2, 'b'), (3, 'c')")
        self.target.execute("INSERT INTO public.orders VALUES (1, 1, 'one', 'long'), (2, 2, 'before', NULL)")
        self.assertEqual(self.pipeline.call("check").returncode, 1)
        self.start_without_snapshot("lsn", point)
        checked = self.pipeline.call("check")
        self.assertEqual(checked.returncode, 0, checked.stdout)
        run = self.start_streaming()
        self.assertIn("table.not_loaded", run.log())
        self.flush(run)
        self.assert_same()
        self.assertEqual(self.constraints(), {"uq_code", "fk_customer"})
        self.drain(run)

    # Only what comes behind the moment arrives.
    def test_a_first_start_at_a_time(self):
        self.sql("INSERT INTO dbo.tick VALUES (100)")
        self.max_lsn()
        self.sql("WAITFOR DELAY '00:00:00.100'")
        moment = scalar(self.source, "SELECT CONVERT(nvarchar(40), SYSDATETIMEOFFSET(), 127)")
        self.sql("WAITFOR DELAY '00:00:00.100'; INSERT INTO dbo.tick VALUES (101)")
        self.max_lsn()
        self.start_without_snapshot("time", moment)
        run = self.start_streaming()
        self.flush(run)
        self.assertEqual(self.rows("SELECT n FROM public.tick ORDER BY n"), [(101,), (102,)])
        self.assertEqual(self.rows("SELECT id FROM public.orders"), [])
        self.drain(run)

    # Without a point it is from now on; and a kill between beginning and mark must not make a load of it.
    def test_a_first_start_from_now(self):
        self.sql("INSERT INTO dbo.tick VALUES (100)")
        self.max_lsn()
        self.start_without_snapshot()
        run = self.start(environment={"TAILRACE_CRASH_AT": "load.before_finish:1"})
        self.assertEqual(run.wait(60), -9, run.log()[-4000:])
        self.pipeline.write()
        run = self.start_streaming()
        self.flush(run)
        self.assertEqual(self.rows("SELECT n FROM public.tick ORDER BY n"), [(101,)])
        self.drain(run)

    def test_a_first_start_that_is_refused(self):
        self.start_without_snapshot("lsn", "0" * 19 + "1")
        run = self.start()
        self.assertEqual(run.wait(60), GAP, run.log()[-4000:])
        self.assertIn("dbo.orders", run.log())
        self.start_without_snapshot("time", "2026-11-23T10:00:00")
        run = self.start()
        self.assertEqual(run.wait(60), CONFIG_ERROR, run.log()[-4000:])
        self.assertIn("start.time", run.log())
        self.pipeline.write(CONFIG.format(**self.pipeline.values) + "start: { lsn: 00000027000007580003 }\n")
        run = self.start()
        self.assertEqual(run.wait(60), CONFIG_ERROR, run.log()[-4000:])
        self.assertIn("snapshot.mode: no_data", run.log())
