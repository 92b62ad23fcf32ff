"""The base of the tests of Kafka to PostgreSQL: what the Debezium tests start, a PostgreSQL beside it, and tailrace between them."""

import dataclasses
import os
import pathlib
import shutil
import subprocess

from confluent_kafka import Consumer, TopicPartition

from tests.e2e.case import has_failed
from tests.e2e.debezium import columns
from tests.e2e.debezium.case import DebeziumCase
from tests.e2e.debezium.history import History
from tests.e2e.debezium.tables import ID, NUMBER, TABLES, Table, by_id
from tests.support import compare
from tests.support.postgres import Postgres
from tests.support.processes import BUILD, NotReady, Process, private_directory, wait_until

CONFIG = """\
pipeline: {name}
source:
  type: kafka
  topics: [{topics}]
  {records}
  session_timeout: 6s
  batch_records: {batch_records}
kafka: {{ bootstrap_servers: [{brokers}] }}
target:
  type: postgres
  url: {url}
  user: {user}
  password: ${{env:TAILRACE_TARGET_PASSWORD}}
{more}"""


def _of(name):
    return next(table for table in TABLES if table.name == name)


# Without what Debezium 3.6 itself gets wrong or leaves out: (max) columns that an update leaves alone come as NULL (dbz#2662), and
# tables without a key have none.
LARGE = Table("dbo", "large", ID, by_id, (NUMBER, *(column for column in (*columns.LARGE_TEXTS, *columns.BYTES)
                                                    if column.large in ("old", "xml"))))
GUIDS = Table("dbo", "guids", _of("objects").key_columns, _of("objects").key, (NUMBER, columns.OBJECTS[0]))
EVERY_TYPE = [_of("numbers"), _of("moments"), _of("texts"), LARGE, GUIDS, _of("by_index"),
              next(table for table in TABLES if table.schema == "odd schema")]
# Of these chance picks values in the kill tests: few columns, so that rows are many.
BUSY = [dataclasses.replace(_of("numbers"), computed=()), LARGE, GUIDS]


class KafkaSinkCase(DebeziumCase):
    TABLES = EVERY_TYPE

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.postgres = Postgres()
        cls.addClassCleanup(cls.postgres.stop)

    def setUp(self):
        super().setUp()
        self.directory = private_directory("kafka_sink")
        self.addCleanup(self.remove_directory)
        self.postgres.create_database(self.database)
        self.target = self.postgres.connect(self.database)
        self.addCleanup(self.target.close)
        self.runs = 0

    def remove_directory(self):
        if has_failed(self):
            print(f"  logs are kept in {self.directory}")
        else:
            shutil.rmtree(self.directory, ignore_errors=True)

    # Source.

    def make_history(self, seed, tables=None):
        tables = tables or self.TABLES
        for schema in {table.schema for table in tables} - {"dbo"}:
            self.sql(f"CREATE SCHEMA [{schema}]")
        for table in tables:
            for batch in table.create():
                self.sql(batch)
        history = History(self.source, tables, seed)
        history.fill()
        for table in tables:
            self.sql(table.enable())
        return history

    def deploy_source(self, tables, **settings):
        """A real Debezium that says the source's types; answers its topics once they are there."""
        connector = self.deploy("kafka", **{"column.propagate.source.type": ".*", **settings})
        topics = [table.topic(connector.name, self.database) for table in tables]

        def are_there():
            self.assert_alive()
            return set(topics) <= set(self.broker.topics())

        wait_until(are_there, 180, "Debezium's topics are there", every=0.1)
        return topics

    # tailrace.

    def write_config(self, topics, name="sink", more="", brokers=None, batch_records=20000,
                     records="format: json"):
        path = pathlib.Path(self.directory) / f"{name}.yaml"
        path.write_text(CONFIG.format(
            name=f"{name}{self.number}", topics=", ".join(f"'{topic}'" for topic in topics),
            brokers=brokers or self.broker.address, url=self.postgres.url(self.database), user=self.postgres.user,
            more=more, batch_records=batch_records, records=records), encoding="utf-8")
        return path

    def start(self, config, *words, environment=None):
        self.runs += 1
        run = Process([str(BUILD / "tailrace"), "run", str(config), *words], self.directory / f"run-{self.runs}.log",
                      env={**os.environ, "TAILRACE_TARGET_PASSWORD": self.postgres.password, **(environment or {})})
        self.addCleanup(run.kill)
        return run

    def call(self, config, command, *words):
        """A command that ends by itself: its exit code and standard output."""
        done = subprocess.run([str(BUILD / "tailrace"), command, str(config), *words], capture_output=True, text=True, timeout=60,
                              check=False, env={**os.environ, "TAILRACE_TARGET_PASSWORD": self.postgres.password})
        return done.returncode, done.stdout + done.stderr

    def run_to_end(self, config, code=0, seconds=180):
        run = self.start(config, "--until-caught-up")
        try:
            self.assertEqual(run.wait(seconds), code, run.log()[-4000:])
        except NotReady as failure:
            raise NotReady(f"{failure}\npositions {self.positions()}, ends {self.ends()}") from None
        return run

    def ends(self):
        """(topic, partition) -> where it ends, for a reader of what is committed."""
        watcher = Consumer({"bootstrap.servers": self.broker.address, "group.id": "unused", "isolation.level": "read_committed"})
        try:
            return {where: watcher.get_watermark_offsets(TopicPartition(*where), timeout=10)[1] for where in self.positions()}
        finally:
            watcher.close()

    def records_of(self, topic):
        """Up to the ends of its partitions that a sink has had before."""
        return sum(end for (name, _), end in self.ends().items() if name == topic)

    @staticmethod
    def wait_for_log(run, text, seconds=60):
        wait_until(lambda: text in run.log(), seconds, f"the log says {text}", every=0.1)

    def drain(self, run, seconds=60):
        # Before it has begun to run a process is ended by the signal as any other.
        wait_until(lambda: "run.started" in run.log() or not run.running(), seconds, "the program runs", every=0.05)
        run.send(15)
        self.assertEqual(run.wait(seconds), 0, run.log()[-4000:])

    # Target.

    def outcomes(self):
        return compare.compare_databases(lambda: self.simulator.connect(self.database),
                                         lambda: self.postgres.connect(self.database))

    def assert_same(self, tables, runs=(), seconds=180):
        """Both databases hold the same rows, at last: topics and partitions come one after the other."""
        outcomes = []

        def are_same():
            for run in runs:
                if not run.running():
                    raise NotReady(f"tailrace ended with {run.child.returncode}:\n{run.log()[-4000:]}")
            self.assert_alive()
            outcomes[:] = self.outcomes()
            return len(outcomes) == len(tables) and all(outcome.equal for outcome in outcomes)

        try:
            wait_until(are_same, seconds, "the target equals the source", every=0.5)
        except NotReady as failure:
            raise NotReady(f"{failure}\n{compare.report(outcomes)}") from None

    def positions(self):
        """(topic, partition) -> (epoch, next_offset)"""
        rows = self.target.execute("SELECT topic, partition, epoch, next_offset FROM tailrace.kafka_position").fetchall()
        return {(topic, partition): (epoch, offset) for topic, partition, epoch, offset in rows}
