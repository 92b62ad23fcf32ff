"""The demo: SQL Server (simulated) to PostgreSQL on real data, with proof. Run by `make demo`.

    KEEP=1        leaves everything running and says how to look at it
    PLANT=1       changes one value in the target before the final check, which must then fail
    DEMO_SMALL=1  a few thousand rows and five seconds of changes
    DEMO_SECONDS  how long the live changes take (60)
"""

import functools
import multiprocessing
import os
import shutil
import signal
import threading
import time

from demo import latency, load, reader, schema
from demo.workload import Workload
from tests.support import compare
from tests.support.connections import connect_source, connect_target
from tests.support.pipeline import Pipeline, wait_streaming
from tests.support.postgres import Postgres
from tests.support.processes import private_directory, wait_until
from tests.support.simulator import Simulator, run_sql, scalar

SEED = int(os.environ.get("DEMO_SEED", "20240229"))
MONEY = load.OPENING_BALANCE * load.ACCOUNTS
CHANGES_EACH_SECOND = 120
MEMORY_LIMIT = 100 * 1024 * 1024


def flag(name):
    return os.environ.get(name, "") not in ("", "0")


def say(text=""):
    print(text, flush=True)


def write_changes(connect, seed, seconds, results):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with connect() as connection:
        workload = Workload(connection, seed, first_txn=1 + (scalar(connection, "SELECT MAX(txn_id) FROM dbo.marks_last")
                                                             or 0))
        took = workload.run(seconds, CHANGES_EACH_SECOND)
    results.put((dict(workload.counts), took))


def read_target(connect, stop, results):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with connect() as connection:
        results.put(reader.watch(connection, MONEY, load.ACCOUNTS, stop.is_set))


def measure_latency(source, target, stop, results):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with source() as left, target() as right:
        results.put(latency.measure(left, right, stop.is_set))


class Memory:
    """Follows the peak of one process: VmHWM is gone with it."""

    def __init__(self, process):
        self.process = process
        self.peak = 0
        self.thread = threading.Thread(target=self._follow, daemon=True)
        self.thread.start()

    def _follow(self):
        while (now := self.process.peak_bytes()) is not None:
            self.peak = max(self.peak, now)
            time.sleep(0.05)


class Tail:
    """Shows the lines that tailrace writes, as they come."""

    def __init__(self, path):
        self.path = path
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._show, daemon=True)
        self.thread.start()

    def _show(self):
        with open(self.path, encoding="utf-8", errors="replace") as log:
            while True:
                line = log.readline()
                if line:
                    say("  | " + line.rstrip())
                elif self.ended.is_set():
                    return
                else:
                    self.ended.wait(0.1)

    def end(self):
        self.ended.set()
        self.thread.join()


class Demo:
    def __init__(self):
        self.small = flag("DEMO_SMALL")
        self.keep = flag("KEEP")
        self.seconds = float(os.environ.get("DEMO_SECONDS", "5" if self.small else "60"))
        self.directory = private_directory("demo")
        self.simulator = None
        self.postgres = None
        self.pipeline = None
        self.tables = len(schema.TABLES)
        self.figures = []
        self.failures = []
        self.peaks = []

    def figure(self, name, value):
        self.figures.append((name, value))

    def must(self, condition, text):
        if not condition:
            self.failures.append(text)

    def step(self, text):
        say(f"\n== {text}")

    def run(self):
        started = time.monotonic()
        try:
            self.start_servers()
            self.load()
            self.check()
            run = self.snapshot()
            self.live(run)
            self.drain(run)
            self.backlog()
            self.compare()
            self.figure("the whole demo", f"{time.monotonic() - started:.0f} s")
            return self.summary()
        finally:
            if self.keep:
                self.leave_running()
            else:
                self.stop()

    def start_servers(self):
        self.step("a private PostgreSQL and the simulated SQL Server")
        # Asynchronous durability would flatter the figures: PostgreSQL runs with its defaults.
        self.postgres = Postgres(durable=True, keep=self.keep)
        self.postgres.create_database()
        self.simulator = Simulator(capture_interval="100ms", keep=self.keep)
        say(f"  PostgreSQL on 127.0.0.1:{self.postgres.port}, SQL Server on 127.0.0.1:{self.simulator.port} (encrypted)")
        self.source = functools.partial(connect_source, self.simulator.port, self.simulator.password, schema.DATABASE)
        self.target = functools.partial(connect_target, self.postgres.coordinates("target"))

    def load(self):
        self.step("real data into SQL Server, then CDC on")
        self.loaded = load.load(self.simulator, self.small, say)
        self.pipeline = Pipeline(self.simulator, self.postgres, self.directory, schema.DATABASE,
                                 include="dbo.*, geo.*", readers=2, chunk_rows=1000 if self.small else 25000,
                                 poll_interval="50ms")

    def check(self):
        self.step(f"tailrace check {self.pipeline.config}")
        done = self.pipeline.call("check")
        say(done.stdout.rstrip())
        if done.returncode != 0:
            say(done.stderr.rstrip())
            raise SystemExit(f"demo: tailrace check ended with {done.returncode}")

    def snapshot(self):
        self.step(f"tailrace run {self.pipeline.config}")
        started = time.monotonic()
        run = self.pipeline.start(keep=self.keep)
        self.memory = Memory(run)
        self.tail = Tail(run.log_path)
        with self.target() as connection:
            wait_streaming(connection, run, self.tables, 300)
        seconds = time.monotonic() - started
        self.figure("snapshot", f"{self.loaded:,} rows in {seconds:.1f} s from start to streaming: "
                                f"{self.loaded / seconds:,.0f} rows/s")
        return run

    def live(self, run):
        self.step(f"{self.seconds:.0f} s of live changes, seed {SEED}; a reader looks for half transactions")
        context = multiprocessing.get_context("spawn")
        stop = context.Event()
        queues = {name: context.Queue() for name in ("writer", "reader", "latency")}
        workers = [
            context.Process(target=write_changes, args=(self.source, SEED, self.seconds, queues["writer"])),
            context.Process(target=read_target, args=(self.target, stop, queues["reader"])),
            context.Process(target=measure_latency, args=(self.source, self.target, stop, queues["latency"]))]
        before = self.change_rows()
        for worker in workers:
            worker.start()
        workers[0].join(self.seconds + 60)
        self.must(workers[0].exitcode == 0, f"the writer ended with {workers[0].exitcode}")
        self.must(run.running(), f"tailrace ended with {run.child.returncode}")
        stop.set()
        answers = {}
        for worker, name in zip(workers, queues):
            try:
                answers[name] = queues[name].get(timeout=60)
            except Exception:
                self.failures.append(f"the {name} gave no answer")
            worker.join(30)
            if worker.is_alive():
                worker.kill()
        self.report_live(answers, before)

    def change_rows(self):
        """Rows in all change tables; an update is one change of two rows."""
        with self.source() as connection:
            return sum(scalar(connection, f"SELECT COUNT(*) FROM cdc.{name.replace('.', '_')}_CT "
                                          "WHERE [__$operation] <> 3") for name in schema.TABLES)

    def report_live(self, answers, before):
        if "writer" in answers:
            counts, took = answers["writer"]
            transactions = sum(counts.values())
            changes = self.change_rows() - before
            say("  " + ", ".join(f"{kind} {count}" for kind, count in sorted(counts.items())))
            self.figure("live changes", f"{transactions:,} transactions, {changes:,} row changes in {took:.0f} s: "
                                        f"{changes / took:,.0f} changes/s (the writer's pace)")
        if "reader" in answers:
            seen = answers["reader"]
            self.figure("half-visible transactions", f"{seen.half_visible} in {seen.checks:,} looks at "
                                                     f"{seen.distinct_states:,} different states")
            self.must(seen.half_visible == 0, f"a transaction was half visible: {seen.example}")
            self.must(seen.distinct_states > 3, "the reader saw nothing move")
        if "latency" in answers:
            found, lost = answers["latency"]
            self.figure("latency, change table to target",
                        f"p50 {1000 * latency.quantile(found, 0.5):.0f} ms, p99 "
                        f"{1000 * latency.quantile(found, 0.99):.0f} ms, max {1000 * latency.quantile(found, 1):.0f} ms "
                        f"({len(found)} probes)")
            self.must(lost == 0, f"{lost} probes never arrived")
            self.must(found, "no latency was measured")

    def drain(self, run):
        self.step("SIGTERM: tailrace drains")
        started = time.monotonic()
        run.send(signal.SIGTERM)
        code = run.wait(60)
        self.tail.end()
        self.must(code == 0, f"tailrace ended with {code} after SIGTERM")
        self.peaks.append(self.memory.peak)
        say(f"  exit {code} after {time.monotonic() - started:.1f} s")

    def backlog(self):
        """Changes while tailrace is down: how fast are they caught up?"""
        rows = 2000 if self.small else 100000
        self.step(f"{rows:,} changes while tailrace is down, then tailrace run --until-caught-up")
        with self.source() as connection:
            wanted = self.flight_updates(connection) + rows
            for first in range(1, rows + 1, 1000):
                run_sql(connection, f"UPDATE dbo.flights SET arr_delay = ISNULL(arr_delay, 0) + 1 "
                                    f"WHERE flight_id BETWEEN {first} AND {first + 999}")
            wait_until(lambda: self.flight_updates(connection) >= wanted, 120, "the capture job is through", every=0.1)
        started = time.monotonic()
        run = self.pipeline.start("--until-caught-up")
        memory = Memory(run)
        tail = Tail(run.log_path)
        code = run.wait(300)
        tail.end()
        seconds = time.monotonic() - started
        self.peaks.append(memory.peak)
        self.must(code == 0, f"tailrace run --until-caught-up ended with {code}")
        self.figure("backlog", f"{rows:,} changes caught up in {seconds:.1f} s from start to exit: "
                               f"{rows / seconds:,.0f} changes/s")

    def flight_updates(self, connection):
        return scalar(connection, "SELECT COUNT(*) FROM cdc.dbo_flights_CT WHERE [__$operation] = 4")

    def compare(self):
        if flag("PLANT"):
            self.step("PLANT=1: one value is changed in the target")
            with self.target() as connection:
                connection.execute("UPDATE public.planes SET seats = seats + 1 WHERE tailnum = "
                                   "(SELECT min(tailnum) FROM public.planes)")
        self.step("rows and checksums of every table on both sides, computed without tailrace's code")
        started = time.monotonic()
        outcomes = compare.compare_databases(self.source, self.target, processes=2)
        say(compare.report(outcomes))
        say(f"  compared in {time.monotonic() - started:.1f} s")
        self.must(len(outcomes) == self.tables, f"{len(outcomes)} tables were compared, not {self.tables}")
        for outcome in outcomes:
            self.must(outcome.equal, f"{outcome.table} differs")

    def summary(self):
        peak = max(self.peaks, default=0)
        self.figure("peak memory of tailrace", f"{peak / 1024 / 1024:.0f} MiB (VmHWM)")
        self.must(0 < peak < MEMORY_LIMIT, f"peak memory {peak} bytes")
        self.step("summary")
        width = max(len(name) for name, _ in self.figures)
        for name, value in self.figures:
            say(f"  {name:{width}}  {value}")
        for failure in self.failures:
            say(f"  FAILED: {failure}")
        say("\ndemo: " + ("FAILED" if self.failures else "every table is equal, nothing was ever half visible"))
        return 1 if self.failures else 0

    def leave_running(self):
        if self.pipeline is None:
            return
        run = self.pipeline.start(keep=True)
        pids = [run.pid, self.simulator.process.pid, self.postgres.process.pid]
        secrets = " ".join(f"{name}='{value}'" for name, value in self.pipeline.environment.items())
        say(f"""
KEEP=1: everything is left running.
  the source     TDSVER=7.4 tsql -H 127.0.0.1 -p {self.simulator.port} -U sa -P '{self.simulator.password}' -D {schema.DATABASE}
                   then, for example: UPDATE dbo.airlines SET name = 'Renamed' WHERE carrier = 'AA'
                                      SELECT * FROM cdc.dbo_airlines_CT
                                      go
  the target     PGPASSWORD='{self.postgres.password}' psql -h 127.0.0.1 -p {self.postgres.port} -U {self.postgres.user} target
                   then, for example: SELECT * FROM airlines; SELECT * FROM tailrace.pipeline;
  the pipeline   {secrets} build/tailrace status {self.pipeline.config}
                   its log: {run.log_path}
  to end it      kill {' '.join(map(str, pids))}; rm -rf {self.directory} {self.simulator.directory} {self.postgres.directory}""")

    def stop(self):
        for server in (self.simulator, self.postgres):
            if server is not None:
                server.stop()
        if self.failures:
            say(f"  logs are kept in {self.directory}")
        else:
            shutil.rmtree(self.directory, ignore_errors=True)
