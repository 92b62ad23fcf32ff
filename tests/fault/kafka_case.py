"""The base of the tests with tailrace at both ends of Kafka: Avro with a real registry, and a PostgreSQL behind a group of sinks.

Registry and PostgreSQL start once for the process, as the broker does.
"""

import atexit
import os
import pathlib

from confluent_kafka import TopicPartition
from confluent_kafka.admin import NewTopic

from tests.e2e.kafka.case import KafkaCase
from tests.e2e.kafka_sink.case import CONFIG
from tests.support import compare
from tests.support.postgres import Postgres
from tests.support.processes import BUILD, NotReady, Process
from tests.support.registry import Registry


class Ends:
    def __init__(self):
        self.registry = self.postgres = None
        atexit.register(self.stop)

    def start(self):
        self.registry = self.registry or Registry()
        self.postgres = self.postgres or Postgres()

    def stop(self):
        for name in ("registry", "postgres"):
            server = getattr(self, name)
            if server is not None:
                server.stop()
            setattr(self, name, None)


ENDS = Ends()


class BothEnds(KafkaCase):
    """A subclass sets TABLES (name -> columns) and fills them in fill(), before CDC knows them."""

    TABLES = {}
    ONE_PARTITION = ()  # Tables whose readers shall see whole transactions.
    BATCH_RECORDS = 20000

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        ENDS.start()
        cls.registry, cls.postgres = ENDS.registry, ENDS.postgres

    def setUp(self):
        super().setUp()
        for table in self.ONE_PARTITION:
            self.make_topic(self.topic_of(table))
        self.postgres.create_database(self.database)
        self.target = self.postgres.connect(self.database)
        self.addCleanup(self.target.close)
        self.config = pathlib.Path(self.directory) / "sink.yaml"
        self.config.write_text(CONFIG.format(
            name=f"sink{self.number}", topics=", ".join(f"'{self.topic_of(table)}'" for table in self.TABLES),
            brokers=self.broker.address, url=self.postgres.url(self.database), user=self.postgres.user, more="",
            batch_records=self.BATCH_RECORDS,
            records=f"format: avro\n  schema_registry: {{ urls: ['{self.registry.url}'] }}"), encoding="utf-8")
        self.sinks, self.sink_runs = [], 0
        self.source_run = None

    def topic_of(self, table):
        return f"{self.name}.{self.database}.dbo.{table}"

    def create_tables(self):
        for name, columns in self.TABLES.items():
            self.sql(f"CREATE TABLE dbo.{name} ({columns})")
        self.sql("EXEC sys.sp_cdc_enable_db")
        self.fill()
        for name in self.TABLES:
            self.enable(name)

    def fill(self):
        pass

    def make_pipeline(self, **values):
        return super().make_pipeline(**{"registry": self.registry.url, **values})

    def make_topic(self, topic):
        admin = self.broker.admin()
        admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])[topic].result(60)

    # Processes.

    def start_source(self, point=None):
        self.source_run = self.start(environment={"TAILRACE_CRASH_AT": point} if point else None)
        return self.source_run

    def start_sink(self, point=None):
        self.sink_runs += 1
        run = Process([str(BUILD / "tailrace"), "run", str(self.config)], self.directory / f"sink-{self.sink_runs}.log",
                      env={**os.environ, "TAILRACE_TARGET_PASSWORD": self.postgres.password,
                           **({"TAILRACE_CRASH_AT": point} if point else {})})
        self.addCleanup(run.kill)
        self.sinks.append(run)
        return run

    def assert_alive(self):
        for run in (self.source_run, *self.sinks):
            if not run.running():
                raise NotReady(f"tailrace ended with {run.child.returncode}:\n{run.log()[-4000:]}")

    # What the target has.

    def positions(self):
        """(topic, partition) -> (epoch, next_offset)"""
        rows = self.target.execute("SELECT topic, partition, epoch, next_offset FROM tailrace.kafka_position").fetchall()
        return {(topic, partition): (epoch, offset) for topic, partition, epoch, offset in rows}

    def is_at_the_ends(self):
        for run in self.sinks:
            self.assertTrue(run.running(), run.log()[-4000:])
        return all(offset == self.reader.consumer.get_watermark_offsets(TopicPartition(*where), timeout=30)[1]
                   for where, (_, offset) in self.positions().items())

    def assert_target_is_source(self):
        outcomes = compare.compare_databases(self.connect_source, lambda: self.postgres.connect(self.database))
        self.assertEqual(len(outcomes), len(self.TABLES))
        self.assertTrue(all(outcome.equal for outcome in outcomes), "\n" + compare.report(outcomes))
