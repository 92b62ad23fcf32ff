"""A transaction of 1,000,000 rows: applied as one, in bounded memory."""

import threading
import time

from tests.e2e.case import EndToEnd
from tests.support.simulator import run_sql

ROWS = 1_000_000
LIMIT = 100 * 1024 * 1024


class LargeTransaction(EndToEnd):
    TABLES = {"dbo.big": "id int NOT NULL PRIMARY KEY, a int NOT NULL, t nvarchar(40) NOT NULL, d decimal(12,2) NOT NULL"}

    def insert_many(self):
        """One transaction; the digits make the rows at the server, so nothing large passes this client."""
        with self.simulator.connect(self.database, timeout=300) as connection:
            run_sql(connection, f"""
                WITH digit (d) AS (SELECT d FROM (VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9)) AS v (d)),
                     number (n) AS (SELECT a.d + 10 * b.d + 100 * c.d + 1000 * d.d + 10000 * e.d + 100000 * f.d
                                    FROM digit a CROSS JOIN digit b CROSS JOIN digit c CROSS JOIN digit d
                                    CROSS JOIN digit e CROSS JOIN digit f)
                INSERT INTO dbo.big SELECT n, n % 1000, N'Zeile ' + CONVERT(nvarchar(20), n), n / 100.0 FROM number
                WHERE n < {ROWS}""")

    # Memory that grows with the transaction ends the program on the day of the yearly batch job.
    def test_a_million_rows_in_one_transaction(self):
        run = self.start_streaming()
        seen = set()
        stop = threading.Event()

        def count():
            with self.connect_target() as connection:
                while not stop.is_set():
                    seen.add(connection.execute("SELECT count(*) FROM big").fetchone()[0])
                    stop.wait(0.2)

        reader = threading.Thread(target=count)
        reader.start()
        try:
            self.insert_many()
            started = time.monotonic()
            self.flush(run, seconds=300)
            seconds = time.monotonic() - started
        finally:
            stop.set()
            reader.join()
        peak = run.peak_bytes()
        self.note(f"{ROWS:,} rows in one transaction: {seconds:.1f} s, {ROWS / seconds:,.0f} rows/s, "
                  f"peak memory {peak / 1048576:.0f} MiB")
        self.assertLess(peak, LIMIT)
        self.assertLessEqual(seen, {0, ROWS}, "a part of the transaction was visible")
        # Every row is a function of its key, so the target can say by itself whether all are right.
        self.assertEqual(self.row("SELECT count(*), min(id), max(id), count(*) FILTER (WHERE a <> id % 1000 "
                                  "OR t <> 'Zeile ' || id OR d <> id / 100.0) FROM big"), (ROWS, 0, ROWS - 1, 0))
        self.drain(run)
