"""Money moves between accounts at the source while tables come and go; whoever looks at the target sees the same sum over all
accounts, always, and where accounts and ledger are both in the stream, one state of both.
"""

import collections
import contextlib
import decimal
import threading

from tests.e2e.case import EndToEnd
from tests.support.processes import NotReady, wait_until
from tests.support.simulator import run_sql

ACCOUNTS = 60
MONEY = decimal.Decimal(ACCOUNTS * 100)
FILLER = 4000

# One statement, so one state of the target; the ledger says what every account must have.
SUM = "SELECT sum(balance), 0, false FROM public.accounts WHERE account_id <= %s AND 0 < %s"
LOOK = ("SELECT (SELECT sum(balance) FROM public.accounts WHERE account_id <= %s), "
        "(SELECT sum(abs(a.balance - 100 - coalesce(l.amount, 0))) FROM public.accounts a LEFT JOIN "
        "(SELECT account_id, sum(amount) AS amount FROM public.ledger GROUP BY 1) l USING (account_id) WHERE account_id <= %s), "
        "(SELECT count(*) FROM tailrace.table_state WHERE source_table IN ('accounts', 'ledger') "
        "AND state = 'streaming' AND NOT outside) = 2")
HAS_STATE = "SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass('tailrace.table_state') AND attname = 'outside')"


class Money(EndToEnd):
    AT_MOST_GONE = None  # Of the rows that fill the table, at a time. None: they do not come again.
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
        gone = collections.deque()
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
                # Rows go as well, and come again.
                gone.append(1000 + number % FILLER)
                run_sql(connection, f"DELETE FROM dbo.accounts WHERE account_id = {gone[-1]}")
                if self.AT_MOST_GONE is not None and len(gone) > self.AT_MOST_GONE:
                    run_sql(connection, f"INSERT INTO dbo.accounts VALUES ({gone.popleft()}, 0)")

    def look(self):
        with self.connect_target() as connection:
            has_state = False
            while not self.money.is_set():
                has_state = has_state or connection.execute(HAS_STATE).fetchone()[0]
                total, difference, whole = connection.execute(LOOK if has_state else SUM, [ACCOUNTS, ACCOUNTS]).fetchone()
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

    # Whom the others must not wait for.

    @contextlib.contextmanager
    def held_chunks(self):
        """No chunk of a load is committed meanwhile."""
        self.target.execute("CREATE FUNCTION tailrace.hold() RETURNS trigger LANGUAGE plpgsql AS "
                            "'BEGIN PERFORM pg_advisory_xact_lock_shared(42); RETURN NEW; END'")
        self.target.execute("CREATE TRIGGER hold BEFORE UPDATE ON tailrace.snapshot_chunk FOR EACH ROW "
                            "EXECUTE FUNCTION tailrace.hold()")
        self.held = self.connect_target()
        self.held.execute("SELECT pg_advisory_lock(42)")
        try:
            yield
        finally:
            self.release_chunks()
        self.target.execute("DROP TRIGGER hold ON tailrace.snapshot_chunk")
        self.target.execute("DROP FUNCTION tailrace.hold()")

    def release_chunks(self):
        self.held.close()

    @contextlib.contextmanager
    def held_row(self, table, key):
        """Nobody can change this row of the target meanwhile."""
        with self.connect_target() as locker, locker.transaction():
            self.assertIsNotNone(locker.execute(f"SELECT 1 FROM public.{table} WHERE {key} FOR UPDATE").fetchone())
            yield

    def others_move(self, run, table, states):
        """The table's own work waits for a lock; the others' rows arrive, and the stream's position moves on."""
        wait_until(lambda: self.state(table) and self.state(table)[1] and self.state(table)[0] in states
                   and self.row("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND "
                                "application_name LIKE 'tailrace/%' AND wait_event_type = 'Lock'")[0] > 0, 60,
                   f"{table} waits; it is {self.state(table)}")
        before, low = self.position(), self.state(table)[2]
        for _ in range(5):
            self.flush(run)
        self.assertGreater(self.position(), before)
        self.assertEqual(self.state(table)[1:], (True, low))
        self.assertIn(self.state(table)[0], states)
