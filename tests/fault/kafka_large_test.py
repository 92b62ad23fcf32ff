"""Large source transactions through Kafka: 1,000 and 10,000 rows, with LONG=1 also 1,000,000. Each process stays under direct mode's
limit of memory, every event is there once, and the target shows a transaction whole or not at all.

Another one takes longer than a Kafka transaction may: it is cut by time (K2), and its source is killed behind cuts.
"""

import collections
import signal
import threading

from tests.e2e.case import long_run
from tests.fault.kafka_case import BothEnds
from tests.support.kafka_committed import read_committed
from tests.support.processes import wait_until
from tests.support.simulator import run_sql

SIZES = [1_000, 10_000, 1_000_000] if long_run() else [1_000, 10_000]
CUT_ROWS = 1_000_000
LIMIT = 100 * 1024 * 1024  # Of memory: as tests/e2e/large_transaction.


class LargeTransactions(BothEnds):
    TABLES = {"big": "id int NOT NULL PRIMARY KEY, a int NOT NULL, t nvarchar(40) NOT NULL, d decimal(12,2) NOT NULL"}
    ONE_PARTITION = ("big",)

    def insert(self, first, count):
        """One transaction; the digits make the rows at the server, so nothing large passes this client."""
        with self.simulator.connect(self.database, timeout=400) as connection:
            run_sql(connection, f"""
                WITH digit (d) AS (SELECT d FROM (VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9)) AS v (d)),
                     number (n) AS (SELECT a.d + 10 * b.d + 100 * c.d + 1000 * d.d + 10000 * e.d + 100000 * f.d
                                    FROM digit a CROSS JOIN digit b CROSS JOIN digit c CROSS JOIN digit d
                                    CROSS JOIN digit e CROSS JOIN digit f)
                INSERT INTO dbo.big SELECT {first} + n, n % 1000, N'Zeile ' + CONVERT(nvarchar(20), n), n / 100.0 FROM number
                WHERE n < {count}""")

    def wait_for_rows(self, count, seconds=300):
        def arrived():
            self.assert_alive()
            there = self.target.execute("SELECT to_regclass('public.big') IS NOT NULL").fetchone()[0]
            return there and self.target.execute("SELECT count(*) FROM public.big").fetchone()[0] == count

        wait_until(arrived, seconds, f"{count} rows arrive", every=0.1)

    def assert_rows(self, first, count):
        """Every row is a function of its key, so the target can say by itself whether all are right."""
        self.assertEqual(self.target.execute(
            f"SELECT count(*), min(id), max(id), count(*) FILTER (WHERE a <> (id - {first}) % 1000 OR t <> 'Zeile ' || (id - {first}) "
            f"OR d <> (id - {first}) / 100.0) FROM public.big WHERE id >= {first} AND id < {first + count}").fetchone(),
            (count, first, first + count - 1, 0))

    def assert_each_event_once(self, count):
        seen = bytearray(count)
        operations = collections.Counter()

        def take(record):
            event = record["value"]
            operations[event["op"]] += 1
            key = event["after"]["id"]
            self.assertEqual(record["key"]["id"], key)
            self.assertEqual(seen[key], 0, f"the event of {key} is there twice")
            seen[key] = 1

        read_committed(self.broker, self.registry, [self.topic_of("big")], self.directory, take)
        self.assertEqual((sum(seen), operations), (count, {"c": count}))

    # Memory that grows with the transaction ends a process on the day of the yearly batch job.
    def test_each_arrives_whole_in_bounded_memory(self):
        source = self.start_streaming_source()
        sink = self.start_sink()
        done, seen = 0, set()
        stop = threading.Event()

        def watch():
            with self.postgres.connect(self.database) as connection:
                while not stop.wait(0.05):
                    if connection.execute("SELECT to_regclass('public.big') IS NOT NULL").fetchone()[0]:
                        seen.add(connection.execute("SELECT count(*) FROM public.big").fetchone()[0])

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            for count in SIZES:
                self.insert(done, count)
                self.wait_for_rows(done + count)
                self.assert_rows(done, count)
                done += count
                self.note(f"{count:,} rows in one transaction: peak memory of the source {source.peak_bytes() >> 20} MiB, "
                          f"of the sink {sink.peak_bytes() >> 20} MiB")
                self.assertLess(source.peak_bytes(), LIMIT)
                self.assertLess(sink.peak_bytes(), LIMIT)
        finally:
            stop.set()
            watcher.join(60)
        whole = {0} | {sum(SIZES[:number]) for number in range(1, len(SIZES) + 1)}
        self.assertLessEqual(seen, whole, "a part of a transaction was visible")
        for run in (source, sink):
            self.drain(run)
        self.assert_each_event_once(done)

    # Sent again from its beginning, or gone on with at the wrong event, a part of it would be there twice, or not at all.
    def test_one_that_is_cut_by_time_and_killed_in_between(self):
        if not long_run():
            self.skipTest("LONG=1: rows enough to outlast a Kafka transaction; kafka_test cuts a smaller one by letting its process stand")
        self.pipeline.write(transaction_timeout="2s")
        self.drain(self.start_streaming_source())
        self.insert(0, CUT_ROWS)
        cuts = 0
        for _ in range(2):
            run = self.start_source("kafka.after_cut:1")
            self.assertEqual(run.wait(240), -signal.SIGKILL, run.log()[-4000:])
            cuts += run.log().count("kafka.transaction.cut")
        source = self.start_source()
        sink = self.start_sink()
        self.wait_for_rows(CUT_ROWS)
        self.assertLess(source.peak_bytes(), LIMIT)
        self.assertLess(sink.peak_bytes(), LIMIT)
        for run in (source, sink):
            self.drain(run)
        cuts += source.log().count("kafka.transaction.cut")
        self.note(f"{CUT_ROWS:,} rows in one source transaction, {cuts} cuts, killed behind the first and the second")
        self.assert_rows(0, CUT_ROWS)
        self.assert_each_event_once(CUT_ROWS)

    def start_streaming_source(self):
        return self.wait_streaming(self.start_source())
