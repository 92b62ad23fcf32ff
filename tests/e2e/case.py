"""The base of end-to-end and fault tests: servers once a class, fresh databases and a pipeline for each test.

Waiting is by events with a deadline. flush() writes a row at the source and waits until the target shows it: the
stream keeps the source's order, so everything before it is there as well.
"""

import itertools
import os
import pathlib
import shutil
import unittest

from tests.support import compare
from tests.support.odbc import skip_without_driver
from tests.support.pipeline import Pipeline, wait_streaming
from tests.support.postgres import Postgres
from tests.support.processes import NotReady, private_directory, wait_until
from tests.support.simulator import Simulator, run_sql, scalar

TICK = "CREATE TABLE dbo.tick (n int NOT NULL PRIMARY KEY)"


class EndToEnd(unittest.TestCase):
    """A subclass sets TABLES (name -> columns); the table dbo.tick comes on top."""

    TABLES = {}
    CAPTURE_INTERVAL = "20ms"
    numbers = itertools.count(1)

    @classmethod
    def setUpClass(cls):
        skip_without_driver()
        cls.postgres = Postgres()
        cls.addClassCleanup(cls.postgres.stop)
        cls.simulator = Simulator(capture_interval=cls.CAPTURE_INTERVAL)
        cls.addClassCleanup(cls.simulator.stop)

    def setUp(self):
        self.number = next(EndToEnd.numbers)
        self.database = f"db{self.number}"
        self.directory = private_directory("e2e")
        self.addCleanup(self.remove_directory)
        self.postgres.create_database(self.database)
        with self.simulator.connect() as master:
            run_sql(master, f"CREATE DATABASE {self.database}")
            run_sql(master, f"ALTER DATABASE {self.database} SET ALLOW_SNAPSHOT_ISOLATION ON")
        self.source = self.connect_source()
        self.addCleanup(self.source.close)
        self.target = self.postgres.connect(self.database)
        self.addCleanup(self.target.close)
        self.ticks = 0
        self.create_tables()
        self.pipeline = self.make_pipeline()

    def remove_directory(self):
        if has_failed(self):
            print(f"  logs are kept in {self.directory}")
        else:
            shutil.rmtree(self.directory, ignore_errors=True)

    def create_tables(self):
        self.sql(TICK)
        for name, columns in self.TABLES.items():
            self.sql(f"CREATE TABLE {name} ({columns})")
        self.sql("EXEC sys.sp_cdc_enable_db")
        for name in ["dbo.tick", *self.TABLES]:
            self.enable(name)

    def enable(self, name):
        schema, table = name.split(".")
        self.sql(f"EXEC sys.sp_cdc_enable_table @source_schema = N'{schema}', @source_name = N'{table}', "
                 "@role_name = NULL")

    def make_pipeline(self, **values):
        return Pipeline(self.simulator, self.postgres, self.directory, self.database, target=self.database,
                        **{"name": f"p{self.number}", **values})

    def connect_source(self):
        return self.simulator.connect(self.database)

    def connect_target(self):
        return self.postgres.connect(self.database)

    # Source and target.

    def sql(self, text, parameters=None):
        return run_sql(self.source, text, parameters)

    def rows(self, text):
        return self.target.execute(text).fetchall()

    def row(self, text):
        found = self.rows(text)
        self.assertEqual(len(found), 1, text)
        return found[0]

    # Runs.

    def start(self, *words, environment=None):
        run = self.pipeline.start(*words, environment=environment)
        self.addCleanup(run.kill)
        return run

    def start_streaming(self, *words, seconds=60, environment=None):
        run = self.start(*words, environment=environment)
        self.wait_streaming(run, seconds)
        return run

    def wait_streaming(self, run, seconds=60):
        wait_streaming(self.target, run, 1 + len(self.TABLES), seconds)

    def flush(self, run, seconds=60):
        self.ticks += 1
        number = (scalar(self.source, "SELECT MAX(n) FROM dbo.tick") or 0) + 1
        self.sql(f"INSERT INTO dbo.tick VALUES ({number})")

        def arrived():
            if not run.running():
                raise NotReady(f"tailrace ended with {run.child.returncode}:\n{run.log()[-4000:]}")
            return self.target.execute("SELECT 1 FROM public.tick WHERE n = %s", [number]).fetchone()

        wait_until(arrived, seconds, f"tick {number} arrives", every=0.01)

    def drain(self, run, seconds=60):
        run.send(15)
        code = run.wait(seconds)
        self.assertEqual(code, 0, run.log()[-4000:])

    def catch_up(self, seconds=120, environment=None):
        """`run --until-caught-up`, which must end with 0."""
        run = self.start("--until-caught-up", environment=environment)
        code = run.wait(seconds)
        self.assertEqual(code, 0, run.log()[-4000:])
        return run

    def assert_same(self):
        """Both databases hold the same rows: the checker of the demo."""
        outcomes = compare.compare_databases(self.connect_source, self.connect_target)
        self.assertEqual(len(outcomes), 1 + len(self.TABLES))
        self.assertTrue(all(outcome.equal for outcome in outcomes), "\n" + compare.report(outcomes))

    def note(self, text):
        """A figure or a seed for the reader of `make test`."""
        leave_note(self.id(), text)


def has_failed(test):
    """Of a test that is running its cleanups. (_outcome.success is that of each cleanup then.)"""
    outcome = getattr(test, "_outcome", None)
    result = getattr(outcome, "result", None)
    if result is None:
        return False
    # A failed subtest knows its test.
    return any(getattr(case, "test_case", case) is test for case, _ in [*result.errors, *result.failures])


def leave_note(name, text):
    print(f"  {text}", flush=True)
    output = os.environ.get("GTEST_OUTPUT", "")
    if output.startswith("xml:"):
        folder = pathlib.Path(output[len("xml:"):]).parent
        folder.mkdir(parents=True, exist_ok=True)
        with open(folder / f"{'.'.join(name.split('.')[-2:])}.said", "a", encoding="utf-8") as notes:
            notes.write(text + "\n")


def long_run():
    return os.environ.get("LONG", "") not in ("", "0")
