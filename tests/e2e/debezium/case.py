"""The base of the Debezium tests: a simulator, a Kafka broker and a Connect worker for all of them, a database for each.

The servers start once for the process, however many modules there are (modules' own fixtures would start them for each), and
are stopped when it ends.
"""

import atexit
import itertools
import unittest

from tests.e2e.case import has_failed, leave_note
from tests.e2e.debezium.events import decode
from tests.support.connect import Connector, Worker
from tests.support.jvm import has_part
from tests.support.kafka import Broker, TopicReader
from tests.support.simulator import Simulator, run_sql


# Plugins of the worker that some tests need; these ask for their part themselves.
MORE_PLUGINS = ("avro-converter", "debezium-jdbc")


class Servers:
    """What JVMs and the simulator took is said when they stop."""

    def __init__(self):
        self.broker = self.worker = self.simulator = None
        atexit.register(self.stop)

    def start(self):
        self.broker = self.broker or Broker()
        self.worker = self.worker or Worker(
            self.broker, ["debezium-sqlserver", *filter(has_part, MORE_PLUGINS)])
        self.simulator = self.simulator or Simulator(capture_interval="20ms")

    def stop(self):
        sizes = []
        for name in ("worker", "broker", "simulator"):
            server = getattr(self, name)
            if server is not None:
                sizes.append(f"{name} {(server.process.peak_bytes() or 0) >> 20} MB")
                server.stop()
            setattr(self, name, None)
        if sizes:
            print("  largest: " + ", ".join(sizes), flush=True)


SERVERS = Servers()


class DebeziumCase(unittest.TestCase):
    numbers = itertools.count(1)

    @classmethod
    def setUpClass(cls):
        SERVERS.start()

    def setUp(self):
        self.number = next(self.numbers)
        self.broker, self.worker, self.simulator = SERVERS.broker, SERVERS.worker, SERVERS.simulator
        self.database = f"db{self.number}"
        with self.simulator.connect() as master:
            run_sql(master, f"CREATE DATABASE {self.database}; "
                            f"ALTER DATABASE {self.database} SET ALLOW_SNAPSHOT_ISOLATION ON")
        self.source = self.simulator.connect(self.database)
        self.addCleanup(self.source.close)
        self.sql("EXEC sys.sp_cdc_enable_db")
        self.connectors = []
        self.addCleanup(self.show_log)

    def sql(self, text):
        return run_sql(self.source, text)

    def deploy(self, name, **settings):
        """A running connector of the database; its topics start with its own name. Dots are written as two underscores."""
        prefix = f"{name}{self.number}"
        connector = Connector(self.worker, prefix, {
            "connector.class": "io.debezium.connector.sqlserver.SqlServerConnector",
            "tasks.max": 1,
            "database.hostname": self.simulator.host,
            "database.port": self.simulator.port,
            "database.user": self.simulator.user,
            "database.password": self.simulator.password,
            "database.names": self.database,
            "driver.encrypt": "true",
            "driver.trustServerCertificate": "true",
            "topic.prefix": prefix,
            "schema.history.internal.kafka.bootstrap.servers": self.broker.address,
            "schema.history.internal.kafka.topic": f"history.{prefix}",
            "poll.interval.ms": 50,
            # A statement that the simulator refuses must fail the test, not be tried again.
            "errors.max.retries": 0,
            **{key.replace("__", "."): value for key, value in settings.items()},
        }).deploy()
        self.connectors.append(connector)
        self.addCleanup(self.delete, connector)
        return connector

    @staticmethod
    def delete(connector):
        if connector.worker.process.running():
            connector.delete()

    def show_log(self):
        """Of a failed test: what the worker complained of."""
        if has_failed(self):
            lines = [line for line in self.worker.log().splitlines() if " ERROR " in line or "Caused by" in line]
            print("\n".join(["  the worker's errors:", *lines[-30:]]), flush=True)
            if not self.worker.process.running():
                print(f"  it ended with {self.worker.process.child.returncode}: {self.worker.log()[-4000:]}", flush=True)

    def assert_alive(self):
        for connector in self.connectors:
            connector.assert_alive()

    def reader(self, topics, how=decode):
        reader = TopicReader(self.broker, topics, how)
        self.addCleanup(reader.close)
        return reader

    def read_until(self, reader, condition, what, seconds=180):
        return reader.read_until(condition, seconds, what, alive=self.assert_alive)

    def note(self, text):
        leave_note(self.id(), text)


