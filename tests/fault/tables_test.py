"""Tables that are added, paused, resumed and taken again while money moves between accounts, and kill -9 at every step of it.

Whoever looks at the target sees the same sum over all accounts, always; and where accounts and ledger are both in the
stream, one state of both. The table that is brought in or out is the one with the money.
"""

import decimal
import threading

from tests.e2e.case import EndToEnd
from tests.support.processes import NotReady, wait_until
from tests.support.simulator import run_sql

ACCOUNTS = 60
MONEY = decimal.Decimal(ACCOUNTS * 100)
FILLER = 4000

# One statement, so one state of the target; the ledger says what every account must have.
LOOK = ("SELECT (SELECT sum(balance) FROM public.accounts WHERE account_id <= %s), "
        "(SELECT sum(abs(a.balance - 100 - coalesce(l.amount, 0))) FROM public.accounts a LEFT JOIN "
        "(SELECT account_id, sum(amount) AS amount FROM public.ledger GROUP BY 1) l USING (account_id) WHERE account_id <= %s), "
        "(SELECT count(*) FROM tailrace.table_state WHERE source_table IN ('accounts', 'ledger') "
        "AND state = 'streaming' AND NOT outside) = 2")


class Tables(EndToEnd):
    TABLES = {"dbo.accounts": "account_id int NOT NULL PRIMARY KEY, balance decimal(19,4) NOT NULL",
              "dbo.ledger": "entry int NOT NULL IDENTITY PRIMARY KEY, account_id int NOT NULL "
                            "CONSTRAINT fk_ledger REFERENCES dbo.accounts (account_id), amount decimal(19,4) NOT NULL"}

    def setUp(self):
        super().setUp()
        self.sql("INSERT INTO dbo.accounts VALUES " + ",".join(f"({n}, 100)" for n in range(1, ACCOUNTS + 1)))
        for begin in range(0, FILLER, 1000):  # A load of several chunks.
            self.sql("INSERT INTO dbo.accounts VALUES "
                     + ",".join(f"({1000 + n}, 0)" for n in range(begin, begin + 1000)))
        self.money = threading.Event()
        self.failure = None
        self.transfers = self.looks = self.whole_looks = 0
        self.broken = []

    def make_pipeline(self, **values):
        return super().make_pipeline(**{"chunk_rows": 500, **values})

    # Two threads: one moves money, one looks.

    def begin(self):
        self.threads = [threading.Thread(target=self.guard, args=(work,), daemon=True)
                        for work in (self.move_money, self.look)]
        self.addCleanup(self.end)
        for thread in self.threads:
            thread.start()

    def end(self):
        self.money.set()
        for thread in self.threads:
            thread.join(60)

    def guard(self, work):
        try:
            work()
        except Exception as failure:
            self.failure = failure

    def move_money(self):
        with self.connect_source() as connection:
            while not self.money.is_set():
                number = self.transfers = self.transfers + 1
                one, other = 1 + number % ACCOUNTS, 1 + (number * 7 + 3) % ACCOUNTS
                amount = decimal.Decimal(1 + number % 977) / 100
                if one == other:
                    continue
                run_sql(connection,
                        f"BEGIN TRANSACTION; UPDATE dbo.accounts SET balance = balance - {amount} WHERE account_id = {one}; "
                        f"INSERT INTO dbo.ledger (account_id, amount) VALUES ({one}, -{amount}), ({other}, {amount}); "
                        f"UPDATE dbo.accounts SET balance = balance + {amount} WHERE account_id = {other}; COMMIT")
                # Rows come and go as well.
                run_sql(connection, f"DELETE FROM dbo.accounts WHERE account_id = {1000 + number % FILLER}")

    def look(self):
        with self.connect_target() as connection:
            while not self.money.is_set():
                total, difference, whole = connection.execute(LOOK, [ACCOUNTS, ACCOUNTS]).fetchone()
                self.looks += 1
                self.whole_looks += whole
                if total != MONEY or (whole and difference != 0):
                    self.broken.append((total, difference, whole))

    # Steps.

    def state(self, table="accounts"):
        rows = self.rows("SELECT state, outside, encode(low, 'hex') FROM tailrace.table_state "
                         f"WHERE source_table = '{table}'")
        return rows[0] if rows else None

    def position(self):
        return self.row("SELECT encode(lsn, 'hex') FROM tailrace.pipeline")[0]

    def ask(self, wanted, table="dbo.accounts", code=0):
        done = self.pipeline.call("table", wanted, "--table", table)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def wait_for(self, states, table="accounts", run=None):
        def reached():
            if run is not None and not run.running():
                raise NotReady(f"tailrace ended with {run.child.returncode}:\n{run.log()[-4000:]}")
            return (self.state(table) or ("", True))[:2] in [(each, each != "streaming") for each in states]

        wait_until(reached, 90, f"{table} is {states}; it is {self.state(table)}\n{run.log()[-3000:] if run else ''}")

    def finish(self, run):
        self.end()
        if self.failure is not None:
            raise self.failure
        self.wait_streaming(run)
        self.flush(run)
        self.assert_same()
        wait_until(lambda: self.rows("SELECT convalidated FROM pg_constraint WHERE conname = 'fk_ledger'") == [(True,)], 60,
                   "the foreign key is back")
        self.drain(run)
        self.note(f"{self.transfers} transfers, {self.looks} looks, {self.whole_looks} of them at both tables, "
                  f"{len(self.broken)} broken")
        self.assertEqual(self.broken[:3], [])
        self.assertGreater(self.whole_looks, 10)

    def killed_at(self, point, wanted, count=1):
        """A run that is killed at this point of what was asked, while money moves."""
        run = self.start(environment={"TAILRACE_CRASH_AT": f"{point}:{count}"})
        if wanted:
            self.pipeline.call("table", wanted, "--table", "dbo.accounts", seconds=90)
        self.assertEqual(run.wait(90), -9, f"{point}: {run.log()[-4000:]}")

    # Tests.

    def test_pause_and_resume_under_load(self):
        run = self.start_streaming()
        self.begin()
        for _ in range(3):
            self.assertIn("is paused", self.ask("pause"))
            state, outside, low = self.state()
            self.assertEqual((state, outside), ("paused", True))
            self.flush(run)
            self.assertGreater(self.position(), low, "the others go on")
            self.assertEqual(self.state()[2], low)
            status = self.pipeline.status()
            self.assertTrue(status["diverged"])
            self.assertEqual([table["table"] for table in status["tables"] if table["outside"]], ["dbo.accounts"])
            self.ask("resume")
            self.wait_for(["streaming"], run=run)
        self.finish(run)

    # A table is loaded again while a lock keeps its chunks from being committed: the others move on meanwhile.
    def test_the_others_never_wait_for_a_table_that_is_taken_again(self):
        run = self.start_streaming()
        self.begin()
        self.target.execute("UPDATE public.accounts SET balance = balance + 1 WHERE account_id = 1500")
        self.target.execute("CREATE FUNCTION tailrace.hold() RETURNS trigger LANGUAGE plpgsql AS "
                            "'BEGIN PERFORM pg_advisory_xact_lock_shared(42); RETURN NEW; END'")
        self.target.execute("CREATE TRIGGER hold BEFORE UPDATE ON tailrace.snapshot_chunk FOR EACH ROW "
                            "EXECUTE FUNCTION tailrace.hold()")
        with self.connect_target() as locker:
            locker.execute("SELECT pg_advisory_lock(42)")
            self.ask("resnapshot")
            wait_until(lambda: self.row("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")[0] > 0,
                       60, "a chunk waits to be committed")
            low = self.state()[2]
            before = self.position()
            for _ in range(5):
                self.flush(run)
            self.assertEqual(self.state()[0], "loading")
            self.assertGreater(self.position(), before)
            self.assertGreater(self.position(), low)
            locker.execute("SELECT pg_advisory_unlock(42)")
        self.wait_for(["streaming"], run=run)
        self.finish(run)

    def test_kills_while_a_table_is_taken_again(self):
        run = self.start_streaming()
        self.flush(run)
        self.drain(run)
        self.begin()
        hit = []
        for point, wanted, count in (("join.after_begin", "resnapshot", 1), ("chunk.before_commit", None, 2),
                                     ("load.after_finish", None, 1), ("join.in_replay", None, 1),
                                     ("join.before_handover", None, 1), ("join.before_commit", None, 1)):
            self.killed_at(point, wanted, count)
            hit.append(point)
            self.assertTrue(self.state()[1], f"{point}: {self.state()}")
        run = self.start()
        self.wait_for(["streaming"], run=run)
        self.note("killed at " + ", ".join(hit))
        self.finish(run)

    def test_kills_while_a_table_leaves_and_comes_back(self):
        run = self.start_streaming()
        self.flush(run)
        self.drain(run)
        self.begin()
        hit = []
        for point in ("leave.before", "leave.before_commit", "leave.after"):
            run = self.start_streaming(environment={"TAILRACE_CRASH_AT": point}) if not hit else None
            if run is None:
                # The request of the killed run is still open: it is carried out before the stream starts.
                run = self.start()
                self.wait_for(["paused"], run=run)
                self.ask("resume")
                self.wait_for(["streaming"], run=run)
                self.drain(run)
                run = self.start_streaming(environment={"TAILRACE_CRASH_AT": point})
            self.flush(run)  # It runs: what is asked now is asked of the stream.
            self.pipeline.call("table", "pause", "--table", "dbo.accounts", seconds=90)
            self.assertEqual(run.wait(90), -9, f"{point}: {run.log()[-4000:]}")
            hit.append(point)
        run = self.start()
        self.wait_for(["paused"], run=run)
        self.flush(run)
        self.drain(run)
        for point, wanted, count in (("join.in_replay", "resume", 1), ("join.before_handover", None, 1),
                                     ("join.before_commit", None, 1), ("join.before_validate", None, 1)):
            self.killed_at(point, wanted, count)
            hit.append(point)
        run = self.start()
        self.wait_for(["streaming"], run=run)
        self.note("killed at " + ", ".join(hit))
        self.finish(run)

    # A table that is enabled after the run began, and killed at each step on its way in.
    def test_a_table_is_added_while_the_stream_runs(self):
        run = self.start_streaming()
        self.begin()
        self.assertIn("expected SCHEMA.NAME", self.ask("add", "accounts", code=2))
        self.assertIn("not among the configured tables", self.ask("add", "dbo.nowhere", code=1))
        self.assertIn("is replicated already", self.ask("add", code=2))
        self.sql("CREATE TABLE dbo.late (id int NOT NULL PRIMARY KEY, v int NOT NULL)")
        self.sql("INSERT INTO dbo.late VALUES " + ",".join(f"({n}, 0)" for n in range(900)))
        self.enable("dbo.late")
        self.TABLES = {**self.TABLES, "dbo.late": ""}
        self.ask("add", "dbo.late")
        self.sql("UPDATE dbo.late SET v = 1 WHERE id < 400; DELETE FROM dbo.late WHERE id > 800")
        self.wait_for(["streaming"], "late", run)
        self.sql("UPDATE dbo.late SET v = 2 WHERE id < 10")
        self.drain(run)
        self.sql("CREATE TABLE dbo.later (id int NOT NULL PRIMARY KEY, v int NOT NULL)")
        self.sql("INSERT INTO dbo.later VALUES " + ",".join(f"({n}, 0)" for n in range(900)))
        self.enable("dbo.later")
        self.TABLES = {**self.TABLES, "dbo.later": ""}
        for point in ("join.after_begin", "chunk.after_commit", "load.before_finish", "join.in_replay",
                      "join.before_handover", "join.before_commit"):
            run = self.start(environment={"TAILRACE_CRASH_AT": point})
            self.assertEqual(run.wait(90), -9, f"{point}: {run.log()[-4000:]}")
        run = self.start()
        self.wait_for(["streaming"], "later", run)
        self.finish(run)

    # Cleanup was faster than the operator: said by name and with the remedy, and the others go on.
    def test_a_gap_of_a_paused_table_is_its_own(self):
        run = self.start_streaming()
        self.begin()
        self.ask("pause")
        self.flush(run)
        self.sql("EXEC sp_sim_control N'cleanup', N'0x" + self.position() + "'")
        said = self.ask("resume", code=1)
        self.assertIn("cleanup has overtaken dbo.accounts", said)
        self.assertIn("resnapshot --table dbo.accounts", said)
        self.flush(run)
        self.ask("resnapshot")
        self.wait_for(["streaming"], run=run)
        self.finish(run)
