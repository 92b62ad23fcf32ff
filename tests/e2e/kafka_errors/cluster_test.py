"""Three brokers, of which one and then two are lost while changes go from SQL Server through them into PostgreSQL.

LONG=1: three JVMs, and minutes of elections.
"""

import pathlib
import time
import unittest

from tests.e2e.case import long_run
from tests.e2e.kafka.case import Writer, change_of, decode
from tests.e2e.kafka_errors.case import SERVERS, SinkErrorCase, edited
from tests.e2e.kafka_errors.source_test import CONFIG
from tests.support.kafka import TopicReader
from tests.support.kafka_cluster import Cluster
from tests.support.processes import BUILD, NotReady, Process, wait_until


def payloads(message):
    key, event, partition, offset = decode(message)
    return key["payload"], event and event["payload"], partition, offset


class Servers:
    """The cluster beside the simulator and the PostgreSQL of the others."""

    def __init__(self):
        self.broker = None

    def start(self):
        SERVERS.start_simulator()
        self.broker = self.broker or Cluster()

    @property
    def simulator(self):
        return SERVERS.simulator


@unittest.skipUnless(long_run(), "LONG=1: three brokers")
class ThreeBrokers(SinkErrorCase):
    SERVERS = Servers()

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cls.SERVERS.broker.stop()
        cls.SERVERS.broker = None

    def setUp(self):
        super().setUp()
        self.edit("replication: 1", "replication: 3, min_insync_replicas: 2")
        self.edit("format: json, json_schemas: false", "format: json")
        self.reader = TopicReader(self.broker, [self.topic], payloads)
        self.addCleanup(self.reader.close)
        self.postgres = SERVERS.postgres
        self.postgres.create_database(self.database)
        self.target = self.postgres.connect(self.database)
        self.addCleanup(self.target.close)

    def start_copy(self):
        """From these topics into PostgreSQL."""
        text = CONFIG.format(name=f"{self.name}_copy", topic=self.topic, brokers="', '".join(self.broker.address.split(",")),
                             url=self.postgres.url(self.database), user=self.postgres.user, records="format: json")
        file = pathlib.Path(self.directory) / "copy.yaml"
        file.write_text(edited(text, "first_contact: 1s", "first_contact: 60s"), encoding="utf-8")
        run = Process([str(BUILD / "tailrace"), "run", str(file)], self.directory / "copy.log",
                      env={"TAILRACE_TARGET_PASSWORD": self.postgres.password})
        self.addCleanup(run.kill)
        return run

    def copied(self):
        if self.target.execute("SELECT to_regclass('public.items')").fetchone()[0] is None:
            return {}
        return dict(self.target.execute("SELECT id, v FROM public.items").fetchall())

    def wait_for_more(self, run, copy, ledger, count=200, seconds=120):
        """So many changes are readable that the source has yet to commit: what waits to be read shows nothing. Both programs live."""
        wanted = ledger.number + count
        seen = {"at": len(self.records()), "newest": 0}

        def arrived():
            records = self.records()
            for _, event, _, _ in records[seen["at"]:]:
                if event is not None:
                    seen["newest"] = max(seen["newest"], change_of(event)[2])
            seen["at"] = len(records)
            return seen["newest"] >= wanted

        def alive():
            for program in (run, copy):
                if not program.running():
                    raise NotReady(f"tailrace ended with {program.child.returncode}:\n{program.log()[-4000:]}")

        self.reader.read_until(arrived, seconds, f"the change {wanted}", alive)

    def test_brokers_are_lost_while_changes_flow(self):
        run = self.start_streaming()
        copy = self.start_copy()
        ledger = self.ledger(51)
        writer = Writer(ledger)
        self.addCleanup(writer.stopping.set)
        self.wait_for_more(run, copy, ledger)
        for topic in (self.topic, self.offsets_topic):
            self.assertEqual(self.broker.topic_config(topic)["min.insync.replicas"], "2", topic)
        moved = 0
        for number in self.broker.nodes:
            before = self.broker.leaders(self.topic)
            self.broker.kill(number)
            self.wait_for_more(run, copy, ledger)
            moved += sum(1 for partition, leader in self.broker.leaders(self.topic).items() if leader != before[partition])
            self.broker.start_again(number)
        # Two of three: nothing can be written, and nothing may be lost of what was.
        self.broker.kill(1, 2)
        begun = time.monotonic()
        wait_until(lambda: "pipeline.retry" in run.log() or time.monotonic() > begun + 40, 60, "it waits", every=0.2)
        self.assertTrue(run.running(), run.log()[-4000:])
        self.assertTrue(copy.running(), copy.log()[-4000:])
        self.broker.start_again(1, 2)
        self.wait_for_more(run, copy, ledger)
        writer.stop()
        self.finish(run, ledger)

        def is_copied():
            if not copy.running():
                raise NotReady(f"tailrace ended with {copy.child.returncode}:\n{copy.log()[-4000:]}")
            return self.copied() == ledger.rows

        wait_until(is_copied, 120, "PostgreSQL equals the source", every=0.5)
        copy.send(15)
        self.assertEqual(copy.wait(60), 0, copy.log()[-4000:])
        self.note(f"{moved} leaders moved; {ledger.transactions} transactions, {len(self.records())} records, "
                  f"{run.log().count('pipeline.retry')} and {copy.log().count('pipeline.retry')} attempts more")


if __name__ == "__main__":
    unittest.main()
