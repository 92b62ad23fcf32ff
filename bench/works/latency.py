"""Latency: small transactions at a steady pace, each followed from 'visible in the change table' to 'visible in PostgreSQL'.

Two watchers ask for the newest row on either side, as often as they can be answered in a few milliseconds. A row is visible from
the first answer that has it or a later one; the source's watcher says the moment when its question was asked, the target's the
moment when its answer was there, so a latency is rather too long than too short.
"""

import bisect
import multiprocessing
import time

from bench.figures import Figure, quantile
from bench.gates import LARGE, P50, P99, PEAK, RATE, SMALL
from bench.participants.tailrace import ended_well, pipeline
from bench.report import Line
from bench.works.snapshot import enable_cdc
from demo.latency import measure as measure_probes
from tests.support.pipeline import wait_streaming
from tests.support.processes import wait_until
from tests.support.simulator import run_sql, scalar

EACH_SECOND = 1000
LARGEST_BATCH = 20
PAUSE = 0.002
LATE_SECONDS = 30
NEWEST = "SELECT TOP 1 probe_id FROM cdc.dbo_latency_probe_CT ORDER BY [__$start_lsn] DESC, [__$command_id] DESC, " \
         "[__$seqval] DESC, [__$operation] DESC"


def write_paced(connect, count, done):
    """One row a transaction, `EACH_SECOND` a second. Puts the seconds that it took.

    What is due goes in one batch, each statement a transaction by itself, so that round trips do not set the pace.
    """
    with connect() as connection:
        started = time.monotonic()
        written = 0
        while written < count:
            due = min(count, written + LARGEST_BATCH, int((time.monotonic() - started) * EACH_SECOND))
            if due == written:
                time.sleep(1 / EACH_SECOND)
                continue
            run_sql(connection, "SET NOCOUNT ON;\n" + ";\n".join(
                [f"INSERT INTO dbo.latency_probe VALUES ({number}, SYSUTCDATETIME())" for number in range(written + 1, due + 1)]))
            written = due
        done.put(time.monotonic() - started)


def watch(ask, after, last, seconds):
    """(newest row, moment) whenever there is a newer one, until the last row is there."""
    seen = []
    newest = 0
    deadline = time.monotonic() + seconds
    while newest < last and time.monotonic() < deadline:
        asked = time.monotonic()
        found = ask() or 0
        if found > newest:
            newest = found
            seen.append((newest, time.monotonic() if after else asked))
        time.sleep(PAUSE)
    return seen


def watch_source(connect, last, seconds, out):
    with connect() as connection:
        out.put(watch(lambda: scalar(connection, NEWEST), False, last, seconds))


def watch_target(connect, last, seconds, out):
    with connect() as connection:
        out.put(watch(lambda: connection.execute("SELECT max(probe_id) FROM public.latency_probe").fetchone()[0], True, last,
                      seconds))


def latencies(source, target, count):
    """The sorted latency of each row 1 to count that was seen on both sides."""
    found = []
    for number in range(1, count + 1):
        places = [bisect.bisect_left(seen, (number,)) for seen in (source, target)]
        if places[0] < len(source) and places[1] < len(target):
            found.append(max(0.0, target[places[1]][1] - source[places[0]][1]))
    return sorted(found)


class Streaming:
    """What the works that watch a running pipeline share: `lines()` answers their figures instead of rows of the table."""

    kind = "watched"
    name = ""
    title = ""
    SETTINGS = ""
    TABLES = {}

    def __init__(self, sizes):
        self.sizes = sizes
        self.database = f"bench_{self.name}"

    def run(self, stage):
        stage.create_source(self.database)
        stage.create_target(self.database)
        with stage.source(self.database)() as connection:
            for name, columns in self.TABLES.items():
                run_sql(connection, f"CREATE TABLE dbo.{name} ({columns})")
            self.fill(connection)
            enable_cdc(connection, self.TABLES)
        process = pipeline(stage, self, self.database, self.SETTINGS).start()
        try:
            with stage.target(self.database)() as target:
                wait_streaming(target, process, len(self.TABLES), 120)
            lines = self.lines(stage, process)
            if PEAK not in [line.name for line in lines]:
                lines.append(Line(self, PEAK, Figure((process.peak_bytes() / 1e6,)), "MB"))
        finally:
            process.stop()
        ended_well(process)
        stage.drop_target(self.database)
        stage.drop_source(self.database)
        return lines

    def fill(self, connection):
        """The rows before the run."""

    def lines(self, stage, process):
        raise NotImplementedError


class Latency(Streaming):
    name = "latency"
    title = f"latency, {EACH_SECOND} small transactions a second, capture at 0 ms, polled every 10 ms"
    SETTINGS = "stream: { poll_interval: 10ms }\n"
    TABLES = {"latency_probe": "probe_id int NOT NULL PRIMARY KEY, written_at datetime2(6) NOT NULL"}

    def lines(self, stage, process):
        with stage.source(self.database)() as connection:
            run_sql(connection, "EXEC sp_sim_control 'capture_interval', '0'")
        count = EACH_SECOND * self.sizes.latency_seconds
        seconds = 3 * self.sizes.latency_seconds + LATE_SECONDS
        source, target = stage.source(self.database), stage.target(self.database)
        context = multiprocessing.get_context("spawn")
        answers = [context.Queue() for _ in range(3)]
        workers = [context.Process(target=watch_source, args=(source, count, seconds, answers[0])),
                   context.Process(target=watch_target, args=(target, count, seconds, answers[1])),
                   context.Process(target=write_paced, args=(source, count, answers[2]))]
        for worker in workers:
            worker.start()
        captured, arrived, took = [queue.get(timeout=seconds + LATE_SECONDS) for queue in answers]
        for worker in workers:
            worker.join()
        found = latencies(captured, arrived, count)
        if len(found) != count:
            raise RuntimeError(f"{count - len(found)} of {count} rows were not seen on both sides within {seconds} s")
        milliseconds = [1000 * latency for latency in found]
        return [Line(self, RATE, Figure((count / took,)), ""),
                *(Line(self, name, Figure((quantile(milliseconds, fraction),)), "ms")
                  for name, fraction in ((P50, 0.5), (P99, 0.99), ("max", 1)))]


class Defaults(Streaming):
    """What users know of other programs: how fast small and middling transactions arrive with the settings as they come."""

    name = "defaults"
    title = "default settings (polled every 500 ms): a small transaction, one of 10,000 rows"
    TABLES = {**Latency.TABLES, "line": "id int NOT NULL PRIMARY KEY, a int NOT NULL, note nvarchar(40) NOT NULL"}
    PROBES = 10
    ROWS = 10_000

    def lines(self, stage, process):
        with stage.source(self.database)() as source, stage.target(self.database)() as target:
            done = iter(range(self.PROBES))
            found, lost = measure_probes(source, target, lambda: next(done, None) is None)
            if lost:
                raise RuntimeError(f"{lost} small transactions did not arrive")
            started = time.monotonic()
            run_sql(source, "INSERT INTO dbo.line VALUES (0, 0, N'')")
            run_sql(source, f"""
                WITH digit (d) AS (SELECT d FROM (VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9)) AS v (d))
                INSERT INTO dbo.line SELECT 1 + a.d + 10 * b.d + 100 * c.d + 1000 * d.d, 1, N'Zeile'
                FROM digit a CROSS JOIN digit b CROSS JOIN digit c CROSS JOIN digit d""")
            wait_until(lambda: target.execute("SELECT count(*) FROM public.line").fetchone()[0] == self.ROWS + 1, 300,
                       "the large transaction arrives")
            large = time.monotonic() - started
        return [Line(self, "small transaction, median", Figure((1000 * quantile(found, 0.5),)), "ms"),
                Line(self, SMALL, Figure((1000 * quantile(found, 1),)), "ms"),
                Line(self, LARGE, Figure((1000 * large,)), "ms")]
