"""The servers of a benchmark and its databases: one simulated SQL Server, one PostgreSQL, a private directory."""

import contextlib
import functools
import os
import pathlib
import shutil
import subprocess

from bench.measure import Meter, run_measured
from bench.times import Times
from tests.support import compare
from tests.support.connections import connect_source, connect_target
from tests.support.postgres import BINARIES, Postgres
from tests.support.processes import Process, private_directory, wait_until
from tests.support.simulator import Simulator, run_sql


PROCESSES = os.cpu_count() or 1  # That compute checksums. Nothing is measured meanwhile.
LARGE_TABLES = 4  # More than these are not cut.
SECTIONS = ("pre-data", "post-data")  # pg_dump's: tables; keys and indexes.


class Differs(Exception):
    """A target is not what its source is: the run's figures are worth nothing."""


def row_hashes(connection, name):
    """(rows, sums of two hashes of each row) of a table: no order matters, a row that is there twice counts twice."""
    return connection.execute("SELECT count(*), sum(hash_record_extended(t, 0)), sum(hash_record_extended(t, 1)) "
                              f"FROM {name} t").fetchone()


def refuse_differences(tables, wanted, found):
    """Differs unless both are equal for each table: (rows, checksum ...)."""
    wrong = [f"{table}: {ours[0]:,} rows at the source, {theirs[0]:,} in the target"
             + (", of other content" if ours[0] == theirs[0] else "")
             for table, ours, theirs in zip(tables, wanted, found, strict=True) if tuple(ours) != tuple(theirs)]
    if wrong:
        raise Differs("; ".join(wrong[:3]))


class Stage:
    def __init__(self, directory=None):
        self.directory = private_directory("bench") if directory is None else directory
        # As users have it: durable, with PostgreSQL's own settings.
        self.postgres = Postgres(durable=True)
        self.simulator = Simulator(capture_interval="100ms")
        # COPY from a file is done by the server, which is another user.
        self.files = self.directory / "files"
        self.files.mkdir()
        self.files.chmod(0o777)
        self.logs = 0
        self.around_runs = contextlib.nullcontext  # What is open while a measured program runs.
        self.golden_hashes = {}
        self.times = Times()
        self.cluster = None  # A bench.cluster.Cluster, from the first work on that wants it.

    # The source.

    def create_source(self, database):
        with self.simulator.connect() as master:
            run_sql(master, f"CREATE DATABASE {database}")
            run_sql(master, f"ALTER DATABASE {database} SET ALLOW_SNAPSHOT_ISOLATION ON")

    def drop_source(self, database):
        with self.simulator.connect() as master:
            run_sql(master, f"DROP DATABASE {database}")

    def data_file(self, rows):
        """A file of rows (with their terminators) for BULK INSERT."""
        path = self.directory / "rows.txt"
        with open(path, "w", encoding="utf-8", newline="") as file:
            file.writelines(rows)
        return path

    def source(self, database):
        """A picklable function that connects."""
        return functools.partial(connect_source, self.simulator.port, self.simulator.password, database)

    # The target.

    def create_target(self, database, template=None):
        with self.postgres.connect("postgres") as connection:
            connection.execute(f'CREATE DATABASE "{database}"' + (
                f' TEMPLATE "{template}" STRATEGY file_copy' if template else ""))

    def drop_target(self, database):
        with self.times.on("dropping targets"):
            self.postgres.drop_database(database)

    def peer(self):
        """user:password of a superuser for programs that cannot take every password."""
        with self.postgres.connect("postgres") as connection:
            if not connection.execute("SELECT count(*) FROM pg_roles WHERE rolname = 'peer'").fetchone()[0]:
                connection.execute("CREATE ROLE peer SUPERUSER LOGIN PASSWORD 'peer'")
        return "peer:peer"

    def target(self, database):
        """A picklable function that connects."""
        return functools.partial(connect_target, self.postgres.coordinates(database))

    def checkpoint(self):
        """So that no run pays for the pages of the one before, nor for those of other programs."""
        with self.postgres.connect("postgres") as connection:
            connection.execute("CHECKPOINT")
        os.sync()

    @contextlib.contextmanager
    def unsynced(self):
        """What is prepared within waits for no disk: the files of 1,000 tables are made in seconds. No run is measured here."""
        self._fsync("off")
        try:
            yield
        finally:
            self._fsync("on")

    def _fsync(self, value):
        with self.postgres.connect("postgres") as connection:
            connection.execute(f"ALTER SYSTEM SET fsync = {value}")
            connection.execute("SELECT pg_reload_conf()")
            wait_until(lambda: connection.execute("SHOW fsync").fetchone()[0] == value, 30, f"fsync is {value}")

    def settled(self):
        """Returns when nobody else is connected to PostgreSQL, and its processes that served them are gone: what ran has been
        accounted for. A backend leaves pg_stat_activity before it ends, and its CPU is the postmaster's only behind its end."""
        postmaster = self.postgres.process.pid
        with self.postgres.connect("postgres") as connection:
            def is_settled():
                shown = connection.execute("SELECT pid, backend_type IN ('client backend', 'parallel worker') AND "
                                           "pid <> pg_backend_pid() FROM pg_stat_activity").fetchall()
                running = set(map(int, pathlib.Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()))
                return not any(serves for _, serves in shown) and running <= {pid for pid, _ in shown}

            wait_until(is_settled, 30, "PostgreSQL's other clients are gone")

    # Programs.

    def log(self, name):
        self.logs += 1
        return self.directory / f"{self.logs}-{name}.log"

    @property
    def servers(self):
        found = {"source": (self.simulator.process.pid, self.simulator.port),
                 "target": (self.postgres.process.pid, self.postgres.port)}
        if self.cluster is not None:
            found["broker"] = (self.cluster.broker.process.pid, self.cluster.broker.port)
        return found

    def measured(self, name, start, seconds=1800):
        """Runs what start() starts, measured; answers (usage, process) once it has ended."""
        with self.times.on("checkpoints"):
            self.checkpoint()
        with self.around_runs():
            return run_measured(self.servers, name, start, seconds, self.settled)

    def meter(self):
        self.checkpoint()
        return Meter(self.servers)

    def psql(self, database, *words):
        """The words and the environment of psql on a target."""
        return [BINARIES / "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(self.postgres.port),
                "-U", self.postgres.user, "-d", database, *words]

    def start(self, name, command, environment=None, file=None):
        """A program in the background, its output in a log of its own. PostgreSQL's password is in its environment."""
        return Process(command, self.log(name), env={"PGPASSWORD": self.postgres.password, **(environment or {})},
                       stdin=file)

    def dump_schema(self, database, section):
        """The SQL of a section ('pre-data', 'post-data') of schema public."""
        done = subprocess.run([BINARIES / "pg_dump", "-h", "127.0.0.1", "-p", str(self.postgres.port), "-U",
                               self.postgres.user, "-n", "public", "--schema-only", f"--section={section}", "--no-owner",
                               database], env={**os.environ, "PGPASSWORD": self.postgres.password},
                              capture_output=True, text=True, check=True)
        # Without psql's own commands, so that any client can run it; the schema is there in every database.
        return "\n".join(line for line in done.stdout.splitlines()
                         if not line.startswith("\\") and line != "CREATE SCHEMA public;")

    def make_tables(self, connection, like, sections=SECTIONS):
        """The tables of schema public of the database `like`."""
        for section in sections:
            connection.execute(self.dump_schema(like, section))
        connection.execute("RESET search_path")  # The dump empties it.

    def take_over(self, database, tables, schema, like):
        """Rows that a peer put into tables of its own making, in tables as tailrace makes them: values are compared, not types."""
        with self.target(database)() as connection:
            self.make_tables(connection, like, SECTIONS[:1])
            for table in tables:
                columns = ", ".join(compare.quote(name) for name, _, _ in table.columns)
                connection.execute(f"INSERT INTO {table.target_name} SELECT {columns} FROM {schema}.{compare.quote(table.name)}")

    # Both sides.

    def source_sums(self, database, tables):
        """(rows, checksum) of each table at the source."""
        with self.times.on("sums of the source"):
            return self._sums(compare.source_sum, self.source(database), database, tables)

    def _sums(self, side, connect, source, tables):
        """On all cores also where there are fewer tables than cores: large tables are cut by their keys."""
        if len(tables) > LARGE_TABLES:
            return compare.sums(side, connect, tables, processes=PROCESSES)
        with self.source(source)() as connection:
            bounds = [compare.key_bounds(connection, table, PROCESSES) for table in tables]
        return compare.sums_by_parts(side, connect, tables, bounds, PROCESSES)

    def must_equal(self, database, source, tables, sums):
        """Differs unless the target's tables have these sums, of the tables of the source's database `source`."""
        refuse_differences(tables, sums, self._sums(compare.target_sum, self.target(database), source, tables))

    def must_equal_golden(self, database, tables, golden):
        """Differs unless the target's tables hold the rows of `golden`, which was found equal to the source.

        PostgreSQL's own hashes of whole rows, of the same types on both sides: a tenth of the time of must_equal().
        """
        if golden not in self.golden_hashes:
            self.golden_hashes[golden] = self._row_hashes(golden, tables)
        refuse_differences(tables, self.golden_hashes[golden], self._row_hashes(database, tables))

    def _row_hashes(self, database, tables):
        with self.target(database)() as connection:
            return [row_hashes(connection, table.target_name) for table in tables]

    def stop(self):
        for server in (self.cluster, self.simulator, self.postgres):
            if server is None:
                continue
            server.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
