"""Targets that another tool has loaded before (snapshot.existing), while money moves at the source and kill -9 comes at every step.

The rows of the other tool show one state of the accounts, so the sum must hold from the first look on: before the
pipeline has begun, while it loads, at the moment when the differences are applied, and behind it.
"""

from tests.fault.money import Money
from tests.support.processes import wait_until
from tests.support.simulator import run_sql

STRAY = 100_000  # Keys of rows that the source does not have.


class Existing(Money):
    def setUp(self):
        super().setUp()
        self.target.execute("CREATE TABLE public.accounts (account_id int PRIMARY KEY, balance numeric(19,4) NOT NULL)")
        self.target.execute("CREATE TABLE public.ledger (entry int PRIMARY KEY, account_id int NOT NULL CONSTRAINT fk_ledger "
                            "REFERENCES public.accounts DEFERRABLE INITIALLY DEFERRED, amount numeric(19,4) NOT NULL)")
        rows = run_sql(self.source, "SELECT account_id, balance FROM dbo.accounts")
        with self.target.cursor() as cursor:
            cursor.executemany("INSERT INTO public.accounts VALUES (%s, %s)", rows)
            # What the other tool got wrong: rows that differ, that are missing, that are too many.
            cursor.execute("UPDATE public.accounts SET balance = -1 WHERE account_id > 1000 AND account_id % 10 = 3")
            cursor.execute("DELETE FROM public.accounts WHERE account_id > 1000 AND account_id % 10 = 4")
            cursor.execute(f"INSERT INTO public.accounts SELECT {STRAY} + n, n FROM generate_series(1, 50) n")
            cursor.execute(f"INSERT INTO public.ledger SELECT {STRAY} + n, {STRAY} + n, 5 FROM generate_series(1, 20) n")

    def choose(self, existing):
        self.pipeline.write(existing=existing)

    def strays(self):
        return self.row(f"SELECT count(*), coalesce(sum(balance), 0) FROM public.accounts WHERE account_id > {STRAY}")

    def compared(self, table):
        tables = {each["table"]: each for each in self.pipeline.status()["tables"]}
        return tables[table]["existing"], tables[table]["compared"]

    def killed_and_gone_on(self, points):
        for point, count in points:
            self.killed_at(point, None, count)
        return self.start()

    # Tests.

    def test_the_default_refuses_and_names_the_ways_out(self):
        run = self.start()
        self.assertEqual(run.wait(60), 2, run.log()[-2000:])
        for way in ("public.accounts", "snapshot.existing", "adopt", "append", "truncate"):
            self.assertIn(way, run.log())
        self.assertEqual(self.strays()[0], 50)
        self.assertEqual(self.rows("SELECT 1 FROM pg_namespace WHERE nspname = 'tailrace'"), [])

    def test_a_whole_pipeline_adopts_its_target_under_kills(self):
        self.choose("adopt")
        self.begin()
        run = self.killed_and_gone_on([("load.before_begin", 1), ("chunk.before_commit", 3), ("load.before_finish", 1),
                                       ("load.after_finish", 1), ("join.compared", 1), ("sink.before_commit", 1)])
        self.wait_streaming(run)
        existing, compared = self.compared("dbo.accounts")
        self.assertEqual(existing, "adopt")
        self.assertEqual((compared["deleted"] >= 50, compared["kept"]), (True, 0), compared)
        self.assertGreater(compared["updated"], 0)
        self.assertEqual(self.compared("dbo.ledger")[1]["deleted"], 20)
        self.assertEqual(self.strays()[0], 0)
        self.assertIn("sink.table.compared table=dbo.accounts existing=adopt differed=", run.log())
        self.note(f"accounts compared: {compared}")
        self.finish(run)

    def test_a_whole_pipeline_appends_to_its_target_under_kills(self):
        self.choose("append")
        self.begin()
        run = self.killed_and_gone_on([("load.before_begin", 1), ("chunk.after_commit", 2), ("load.after_finish", 1),
                                       ("join.compared", 2), ("sink.after_commit", 1)])
        self.wait_streaming(run)
        self.assertEqual(self.strays(), (50, sum(range(1, 51))))
        existing, compared = self.compared("dbo.accounts")
        self.assertEqual((existing, compared["deleted"]), ("append", 0))
        self.assertGreaterEqual(compared["kept"], 50)
        # The source comes to have such a key: from then on the row is the source's.
        self.sql(f"INSERT INTO dbo.accounts VALUES ({STRAY + 7}, 1234)")
        self.flush(run)
        self.assertEqual(self.strays(), (50, sum(range(1, 51)) - 7 + 1234))
        self.drain(run)
        run = self.start_streaming()
        self.remove_what_is_kept(run, compared["kept"] - 1)
        self.finish(run)

    def remove_what_is_kept(self, run, number):
        """By hand, so that both sides can be compared: as many as were kept, and the strays are among them."""
        self.end()
        self.flush(run)
        ours = [row[0] for row in run_sql(self.source, "SELECT account_id FROM dbo.accounts")]
        self.assertEqual(self.target.execute(f"DELETE FROM public.ledger WHERE entry > {STRAY}").rowcount, 20)
        kept = {row[0] for row in self.target.execute(
            "DELETE FROM public.accounts WHERE NOT account_id = ANY(%s) RETURNING account_id", [ours])}
        self.assertEqual(len(kept), number)
        self.assertEqual({each for each in kept if each > STRAY}, set(range(STRAY + 1, STRAY + 51)) - {STRAY + 7})

    def test_a_target_is_truncated_once(self):
        self.choose("truncate")
        # A kill before the commit of what begins the load leaves everything, one behind it never empties the table again.
        self.killed_at("load.before_begin", None)
        self.assertEqual(self.strays()[0], 50)
        self.killed_at("chunk.before_commit", None, 4)
        loaded = self.row("SELECT coalesce(sum(rows), 0) FROM tailrace.snapshot_chunk WHERE done AND source_table = 'accounts'")[0]
        self.assertGreater(loaded, 0)
        self.assertEqual(self.row("SELECT count(*) FROM public.accounts")[0], loaded)
        self.killed_at("chunk.before_commit", None, 3)  # Two readers: one of three was committed at least.
        self.assertGreater(self.row("SELECT count(*) FROM public.accounts")[0], loaded)
        run = self.killed_and_gone_on([("load.after_finish", 1), ("sink.before_commit", 1)])
        self.wait_streaming(run)
        self.begin()  # Only now: before the first catch-up a truncated target shows a part.
        self.assertEqual(self.strays()[0], 0)
        self.assertEqual(self.compared("dbo.accounts"), ("truncate", None))
        wait_until(lambda: self.whole_looks > 20, 60, "some looks")
        self.finish(run)


class Added(Money):
    """A table that is there already at the target comes to a running stream."""

    def late(self):
        self.sql("CREATE TABLE dbo.late (id int NOT NULL PRIMARY KEY, v int NOT NULL)")
        self.sql("INSERT INTO dbo.late VALUES " + ",".join(f"({n}, 0)" for n in range(900)))
        self.enable("dbo.late")
        self.target.execute("CREATE TABLE public.late (id int PRIMARY KEY, v int NOT NULL)")
        self.target.execute("INSERT INTO public.late SELECT n, n % 2 FROM generate_series(100, 1000) n")
        self.TABLES = {**self.TABLES, "dbo.late": ""}

    def add_under_kills(self, existing, points, waits_for):
        run = self.start_streaming()
        self.begin()
        self.late()
        self.assertIn("snapshot.existing", self.ask("add", "dbo.late", code=1))
        self.drain(run)
        self.pipeline.write(existing=existing)
        for point in points:
            run = self.start(environment={"TAILRACE_CRASH_AT": point})
            self.assertEqual(run.wait(90), -9, f"{point}: {run.log()[-4000:]}")
        if waits_for is None:
            run = self.start()
        else:
            with self.held_row("late", waits_for):
                run = self.start()
                self.others_move(run, "late", ["catching_up"])
        self.wait_for(["streaming"], "late", run)
        # It streams.
        self.sql("UPDATE dbo.late SET v = 5 WHERE id < 10")
        self.flush(run)
        self.assertEqual(self.row("SELECT count(*) FROM public.late WHERE v = 5")[0], 10)
        return run

    def test_adopt(self):
        run = self.add_under_kills("adopt", ["load.before_begin", "join.after_begin", "chunk.after_commit", "join.compared",
                                             "join.before_handover", "join.before_commit"], None)
        self.finish(run)

    def test_adopt_and_the_others_never_wait_for_the_comparison(self):
        run = self.add_under_kills("adopt", ["join.after_begin"], "id = 101")
        self.finish(run)

    def test_append(self):
        run = self.add_under_kills("append", ["join.after_begin", "chunk.before_commit", "join.compared"], "id = 101")
        self.assertEqual(self.row("SELECT count(*) FROM public.late WHERE id >= 900")[0], 101)
        self.target.execute("DELETE FROM public.late WHERE id >= 900")
        self.finish(run)

    def test_truncate(self):
        run = self.add_under_kills("truncate", ["load.before_begin", "join.after_begin", "chunk.after_commit",
                                                "load.after_finish", "join.before_commit"], None)
        self.finish(run)
