"""A real Debezium is taken over at its stored position in mid-stream, and given back: each change is one event of either (K6d)."""

import collections
import re

from tests.e2e.kafka.case import ROWS, KafkaCase, Ledger, Writer, change_of
from tests.support.connect import Connector, Worker
from tests.support.processes import wait_until


class TakeOver(KafkaCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.worker = None

    def debezium(self):
        """Exactly once."""
        if TakeOver.worker is None:
            TakeOver.worker = Worker(self.broker, ["debezium-sqlserver"])
            self.addClassCleanup(TakeOver.worker.stop)
        return self.deploy(self.worker, {"exactly.once.support": "required"})

    def deploy(self, worker, settings):
        """A connector with its offsets in the topic that tailrace is told."""
        connector = Connector(worker, self.name, {
            "connector.class": "io.debezium.connector.sqlserver.SqlServerConnector",
            "tasks.max": 1,
            **settings,
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
        return connector

    # Without its position everything would be loaded again; behind it changes would be lost, before it sent twice.
    def test_at_its_position_and_back(self):
        connector = self.debezium().wait_running(180)
        self.addCleanup(connector.delete)
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

    # Connect stores a position now and then: what was sent behind it comes again, and nothing else, and it is said.
    def test_after_an_unclean_stop(self):
        worker = Worker(self.broker, ["debezium-sqlserver"], exactly_once=False, settings={"offset.flush.interval.ms": 4000})
        self.addCleanup(worker.stop)
        connector = self.deploy(worker, {}).wait_running(180)
        self.reader.read_until(lambda: sum(self.snapshot_ids().values()) == ROWS, 180, "Debezium's snapshot",
                               connector.assert_alive)
        ledger = Ledger(self, seed=52)
        writer = Writer(ledger)
        self.addCleanup(writer.stop)
        for _ in range(3):  # The first may be one of the snapshot's end.
            self.wait_for_position(connector)
        before = len(self.changes())
        self.reader.read_until(lambda: len(self.changes()) > before + 50, 60, "changes behind it", connector.assert_alive)
        worker.kill()
        self.reader.read_to_end()
        theirs = [(place_of(event), change_of(event)) for _, event, _, _ in self.records()
                  if event is not None and event["op"] != "r"]
        run = self.start_streaming()
        self.assertNotIn("table.loading", run.log())
        writer.stop()
        self.wait_for_change(run, ledger.commit(2))
        self.drain(run)
        self.reader.read_to_end()
        seen = collections.Counter(self.changes())
        self.assertFalse(ledger.committed - seen, "lost")
        again = seen - ledger.committed
        said = re.search(r"kafka.debezium.taken_over commit_lsn=(\w+) change_lsn=(\w+|\"all of it\") event_serial_no=(\d+)", run.log())
        commit, change, serial = said.group(1), said.group(2), int(said.group(3))
        stored = (commit, change if change[0] != '"' else "g", serial)
        behind = collections.Counter(what for place, what in theirs if place > stored)
        self.assertEqual(again, behind)
        self.assertTrue(again, "nothing was sent behind the position: the test has shown nothing")
        self.note(f"{len(theirs)} events of Debezium, {sum(again.values())} of them again, behind {stored}")

    def wait_for_position(self, connector):
        """Until the connector has stored another one."""
        first = connector.offsets()
        wait_until(lambda: connector.offsets() != first, 60, "a position is stored", every=0.1)


def place_of(event):
    source = event["source"]
    return (source["commit_lsn"].replace(":", ""), source["change_lsn"].replace(":", ""), int(source["event_serial_no"]))
