"""Writers: small write transactions at a steady pace while readers stream a large table; what the simulated server bears.

Writers and readers speak TDS by bench/discard.py, which costs the machine little: what is measured is the server. A transaction
counts from the moment when it is due to its answer, so that a server that falls behind cannot hide it.
"""

import contextlib
import multiprocessing
import time

from bench.discard import Connection
from bench.figures import Figure, quantile
from bench.gates import P50, P99, RATE, READ
from bench.report import Line
from bench.works.snapshot import enable_cdc
from bench.works.wide import Wide
from tests.support.processes import wait_until
from tests.support.simulator import run_sql, scalar

EACH_SECOND = 1000
WRITERS = 4  # One alone would wait for its answers longer than its pace allows.
READERS = 3
LATE_SECONDS = 120
# A row comes, changes, and goes when the next ones have come; each statement is a transaction.
STATEMENTS = ("INSERT INTO dbo.small VALUES ({id}, N'new', 0)", "UPDATE dbo.small SET note = N'changed', n = n + 1 WHERE id = {id}",
              "DELETE FROM dbo.small WHERE id = {id}")
CHANGE_ROWS = (1, 2, 1)  # An update has two rows in the change table.


def statement(writer, number):
    """The transaction `number` of a writer, each in rows of its own."""
    return STATEMENTS[number % len(STATEMENTS)].format(id=(number // len(STATEMENTS)) * WRITERS + writer)


def change_rows(count):
    """What so many transactions of one writer leave in the change table."""
    return sum(CHANGE_ROWS[number % len(CHANGE_ROWS)] for number in range(count))


def write_paced(execute, writer, count, now=time.monotonic, sleep=time.sleep):
    """Executes `count` transactions, each when it is due or as soon as the one before is answered. Seconds from due to answered."""
    began = now()
    took = []
    for number in range(count):
        due = began + number * WRITERS / EACH_SECOND
        if (early := due - now()) > 0:
            sleep(early)
        execute(statement(writer, number))
        took.append(now() - due)
    return took


def write(port, password, database, writer, count, ready, begin, out):
    connection = Connection(port, password, database)

    def execute(sql):
        if (rows := connection.discard(sql)) != 1:
            raise ValueError(f"{rows} rows were changed, not 1: {sql}")

    ready.release()
    begin.wait()
    started = time.monotonic()
    took = write_paced(execute, writer, count)
    out.put((took, time.monotonic() - started))


def read(port, password, database, sql, ready, end, out):
    """Reads the rows over and over; puts the rows and the seconds of all reads, the last one to its end."""
    connection = Connection(port, password, database)
    ready.release()
    started = time.monotonic()
    rows = 0
    while not end.is_set():
        rows += connection.discard(sql)
    out.put((rows, time.monotonic() - started))


class Writers:
    kind = "watched"
    name = "writers"
    title = f"{EACH_SECOND} small write transactions a second, captured, while {READERS} encrypted readers stream lineitem"
    TABLES = {"lineitem": Wide.TABLES["lineitem"]}
    SMALL = "id int NOT NULL PRIMARY KEY, note nvarchar(40) NOT NULL, n int NOT NULL"
    fill = Wide.fill

    def __init__(self, sizes):
        self.sizes = sizes
        self.database = f"bench_{self.name}"

    def run(self, stage):
        stage.create_source(self.database)
        with stage.source(self.database)() as connection:
            for name, columns in {**self.TABLES, "small": self.SMALL}.items():
                run_sql(connection, f"CREATE TABLE dbo.{name} ({columns})")
            self.fill(stage, connection)
            enable_cdc(connection, ["small"])
            run_sql(connection, "EXEC sp_sim_control 'capture_interval', '0'")
            count = EACH_SECOND * self.sizes.writers_seconds // WRITERS
            lines = self.lines(stage, count)
            wanted = WRITERS * change_rows(count)
            wait_until(lambda: scalar(connection, "SELECT COUNT(*) FROM cdc.dbo_small_CT") == wanted, LATE_SECONDS,
                       f"{wanted} rows are in the change table")
        stage.drop_source(self.database)
        return lines

    def lines(self, stage, count):
        context = multiprocessing.get_context("spawn")
        server = (stage.simulator.port, stage.simulator.password, self.database)
        written, was_read = context.Queue(), context.Queue()
        ready, begin, end = context.Semaphore(0), context.Event(), context.Event()
        select = "SELECT * FROM dbo.lineitem"
        workers = [context.Process(target=read, args=(*server, select, ready, end, was_read), daemon=True) for _ in range(READERS)]
        workers += [context.Process(target=write, args=(*server, writer, count, ready, begin, written), daemon=True)
                    for writer in range(WRITERS)]
        with contextlib.ExitStack() as running:
            for worker in workers:
                worker.start()
                running.callback(worker.kill)
            for _ in workers:
                if not ready.acquire(timeout=LATE_SECONDS):
                    raise RuntimeError("a writer or a reader did not connect")
            meter = stage.meter()
            begin.set()
            answers = [written.get(timeout=self.sizes.writers_seconds + LATE_SECONDS) for _ in range(WRITERS)]
            usage = meter.stop()
            end.set()
            streamed = [was_read.get(timeout=LATE_SECONDS) for _ in range(READERS)]
            for worker in workers:
                worker.join()
        milliseconds = sorted(1000 * seconds for took, _ in answers for seconds in took)
        rate = sum(len(took) for took, _ in answers) / max(seconds for _, seconds in answers)
        return [Line(self, RATE, Figure((rate,)), ""),
                *(Line(self, name, Figure((quantile(milliseconds, fraction),)), "ms")
                  for name, fraction in ((P50, 0.5), (P99, 0.99), ("max", 1))),
                Line(self, READ, Figure((sum(rows / seconds for rows, seconds in streamed),)), ""),
                Line(self, "CPU of the simulator", Figure((100 * usage.cpu_seconds["source"] / usage.wall_seconds,)), "% of a core")]
