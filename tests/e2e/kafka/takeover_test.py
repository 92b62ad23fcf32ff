"""A real Debezium is taken over at its stored position in mid-stream, and given back: each change is one event of either (K6d)."""

import collections

from tests.e2e.kafka.case import ROWS, KafkaCase, Ledger, Writer
from tests.support.connect import Connector, Worker


class TakeOver(KafkaCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.worker = None

    def debezium(self):
        """Exactly once, its offsets in the topic that tailrace is told."""
        if TakeOver.worker is None:
            TakeOver.worker = Worker(self.broker, ["debezium-sqlserver"])
            self.addClassCleanup(TakeOver.worker.stop)
        connector = Connector(self.worker, self.name, {
            "connector.class": "io.debezium.connector.sqlserver.SqlServerConnector",
            "tasks.max": 1,
            "exactly.once.support": "required",
            "offsets.storage.topic": self.offsets_topic,
            "database.hostname": self.simulator.host,
            "database.port": self.simulator.port,
            "database.user": self.simulator.user,
            "database.password": self.simulator.password,
            "database.names": self.database,
            "driver.encrypt": "true",
            "driver.trustServerCertificate": "true",
            "topic.prefix": self.name,
            "schema.history.internal.kafka.bootstrap.servers": self.broker.address,
            "schema.history.internal.kafka.topic": f"history.{self.name}",
            "key.converter": "org.apache.kafka.connect.json.JsonConverter",
            "key.converter.schemas.enable": "false",
            "value.converter": "org.apache.kafka.connect.json.JsonConverter",
            "value.converter.schemas.enable": "false",
            "topic.creation.default.partitions": 3,
            "topic.creation.default.replication.factor": 1,
            "poll.interval.ms": 50,
            "errors.max.retries": 0,
        }).deploy()
        self.addCleanup(connector.delete)
        return connector

    # Without its position everything would be loaded again; behind it changes would be lost, before it sent twice.
    def test_at_its_position_and_back(self):
        connector = self.debezium().wait_running(180)
        self.reader.read_until(lambda: sum(self.snapshot_ids().values()) == ROWS, 180, "Debezium's snapshot",
                               connector.assert_alive)
        ledger = Ledger(self, seed=51)
        for turn in range(2):
            writer = Writer(ledger)
            self.addCleanup(writer.stop)
            # In the middle of changes that flow.
            self.reader.read_until(lambda: len(self.changes()) > 300 * (2 * turn + 1), 120, "changes of Debezium",
                                   connector.assert_alive)
            connector.stop()
            run = self.start_streaming()
            self.assertNotIn("table.loading", run.log())
            before = len(self.changes())
            self.reader.read_until(lambda: len(self.changes()) > before + 300, 120, "changes of tailrace", self.alive(run))
            writer.stop()
            self.wait_for_change(run, ledger.commit(2))
            self.drain(run)
            ledger.commit(25)
            connector.resume()
            last = ledger.commit(1)
            self.reader.read_until(lambda: last in self.changes(), 180, "Debezium goes on", connector.assert_alive)
        connector.stop()
        self.assert_exactly_once(ledger)
        self.assertEqual(self.snapshot_ids(), collections.Counter(range(1, ROWS + 1)))
