"""One transaction over three tables, inserts, updates and deletes in turn: with LONG=1 of 10,000,000 rows, else of 100,000.

Every row is a function of its key, so the target can say by itself whether all are there and right.
"""

import threading
import time

from tests.e2e.case import EndToEnd, long_run
from tests.support.simulator import run_sql

ROWS = 10_000_000 if long_run() else 100_000
ROUNDS = 20
MOVED = ROWS * 45 // 100 // ROUNDS  # Inserted in one round, into debit and as many into credit.
CHANGED = ROWS * 7 // 100 // ROUNDS
DELETED = ROWS * 3 // 100 // ROUNDS
ACCOUNTS = CHANGED + DELETED  # Of one round; loaded before.
LIMIT = 100 * 1024 * 1024  # Of memory: the same for a hundred times the rows.
NONE, ALL = (False, False, 0, True), (True, True, 1, False)


class SeveralTables(EndToEnd):
    TABLES = {
        "dbo.debit": "id bigint NOT NULL PRIMARY KEY, account int NOT NULL, amount decimal(12,2) NOT NULL",
        "dbo.credit": "id bigint NOT NULL PRIMARY KEY, account int NOT NULL, note nvarchar(20) NOT NULL",
        "dbo.balance": "account int NOT NULL PRIMARY KEY, version int NOT NULL, amount bigint NOT NULL",
    }

    def connect_source(self):
        """What writes waits while ten million rows are captured."""
        return self.simulator.connect(self.database, timeout=500)

    def enable(self, name):
        if name == "dbo.balance":  # Filled before: these rows are no changes.
            self.sql("CREATE SCHEMA helper")  # dbo.* is replicated.
            self.sql(f"""
                CREATE TABLE helper.number (n int NOT NULL PRIMARY KEY);
                WITH digit (d) AS (SELECT d FROM (VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9)) AS v (d))
                INSERT INTO helper.number
                SELECT n FROM (SELECT a.d + 10 * b.d + 100 * c.d + 1000 * d.d + 10000 * e.d + 100000 * f.d AS n
                               FROM digit a CROSS JOIN digit b CROSS JOIN digit c CROSS JOIN digit d
                               CROSS JOIN digit e CROSS JOIN digit f) AS numbers WHERE n < {max(MOVED, ACCOUNTS)}""")
            for number in range(ROUNDS):
                self.sql(f"INSERT INTO dbo.balance SELECT n + {number * ACCOUNTS}, 0, n FROM helper.number WHERE n < {ACCOUNTS}")
        super().enable(name)

    def write(self):
        """The numbers make the rows at the server, so nothing large passes this client."""
        with self.connect_source() as connection:
            run_sql(connection, "BEGIN TRANSACTION")
            for number in range(ROUNDS):
                key = f"CONVERT(bigint, n) + {number * MOVED}"
                first = number * ACCOUNTS
                run_sql(connection, f"""
                    INSERT INTO dbo.debit SELECT {key}, n % 1000, n / 100.0 FROM helper.number WHERE n < {MOVED};
                    UPDATE dbo.balance SET version = 1, amount = CONVERT(bigint, account) * 3
                    WHERE account >= {first} AND account < {first + CHANGED};
                    INSERT INTO dbo.credit SELECT {key}, n % 1000, N'Zeile ' + CONVERT(nvarchar(10), n) FROM helper.number
                    WHERE n < {MOVED};
                    DELETE FROM dbo.balance WHERE account >= {first + CHANGED} AND account < {first + ACCOUNTS}""")
            run_sql(connection, "COMMIT TRANSACTION")

    def look(self, connection):
        """Of each kind of change the last or the first one, in one look."""
        return connection.execute(f"""
            SELECT EXISTS (SELECT 1 FROM debit), EXISTS (SELECT 1 FROM credit),
                   (SELECT version FROM balance WHERE account = 0),
                   EXISTS (SELECT 1 FROM balance WHERE account = {ROUNDS * ACCOUNTS - 1})""").fetchone()

    # The yearly batch job touches every table at once: memory must not grow with it, and no reader may see half of it.
    def test_one_transaction_over_three_tables(self):
        run = self.start_streaming(seconds=120)
        seen = set()
        stop = threading.Event()

        def watch():
            with self.connect_target() as connection:
                while not stop.is_set():
                    seen.add(self.look(connection))
                    stop.wait(0.05)

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            started = time.monotonic()
            self.write()
            written = time.monotonic()
            self.flush(run, seconds=500)
            seconds = time.monotonic() - written
        finally:
            stop.set()
            watcher.join()
        peak = run.peak_bytes()
        self.note(f"{ROWS:,} rows of three tables in one transaction: written in {written - started:.1f} s, captured and "
                  f"replicated {seconds:.1f} s later, peak memory {peak / 1048576:.0f} MiB")
        self.assertLess(peak, LIMIT)
        self.assertLessEqual(seen, {NONE, ALL}, "a part of the transaction was visible")
        moved = ROUNDS * MOVED
        self.assertEqual(self.row(f"""
            SELECT count(*), min(id), max(id), count(*) FILTER (WHERE account <> id % {MOVED} % 1000
                   OR amount <> round(id % {MOVED} / 100.0, 2)) FROM debit"""), (moved, 0, moved - 1, 0))
        self.assertEqual(self.row(f"""
            SELECT count(*), min(id), max(id), count(*) FILTER (WHERE account <> id % {MOVED} % 1000
                   OR note <> 'Zeile ' || id % {MOVED}) FROM credit"""), (moved, 0, moved - 1, 0))
        self.assertEqual(self.row(f"""
            SELECT count(*), count(*) FILTER (WHERE account % {ACCOUNTS} >= {CHANGED} OR version <> 1
                   OR amount <> account::bigint * 3) FROM balance"""), (ROUNDS * CHANGED, 0))
        self.drain(run)
