"""SQL Server into Kafka: the registry, the brokers, topics and records that are not as they should be."""

import json
import time
import unittest

from tests.e2e.case import long_run
from tests.e2e.kafka.case import decode
from tests.e2e.kafka_errors.case import SERVERS, Gate, SinkErrorCase
from tests.e2e.kafka_errors.frames import Frames
from tests.support.kafka import TopicReader
from tests.support.processes import free_port, wait_until


class RegistryFaults(SinkErrorCase):
    def setUp(self):
        super().setUp()
        self.registry = SERVERS.registry
        self.gate = Gate()
        self.addCleanup(self.gate.close)
        self.use_registry(self.gate.url)
        self.reader = TopicReader(self.broker, [self.topic], Frames(self.registry).decode)
        self.addCleanup(self.reader.close)

    # Without it nothing can be written, and nothing may be said to have been.
    def test_down_at_the_start(self):
        self.gate.down()
        self.assert_ends(self.start(), 4, "The Schema Registry does not answer", f"127.0.0.1:{self.gate.front.port}")
        done = self.pipeline.call("check")
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("target.schema_registry", done.stdout)
        self.gate.up()
        self.finish_again(self.ledger(11))

    # What is known goes on; who starts meanwhile waits for as long as it takes, and goes on by itself.
    def test_down_while_changes_flow(self):
        ledger = self.ledger(12)
        run = self.start_streaming()
        self.wait_for_change(run, ledger.commit(3))
        self.gate.down()
        self.wait_for_change(run, ledger.commit(5))
        run.kill()
        ledger.commit(7)
        run = self.start()
        self.wait_for_log(run, "pipeline.retry kind=unavailable")
        ledger.commit(2)
        self.gate.up()
        self.finish(run, ledger)

    # Consumers by the older schema could not read it: it says so once, with the registry's reasons, and is settled by a person.
    def test_an_incompatible_schema(self):
        subject = f"{self.topic}-value"
        before = {"type": "record", "name": "Before", "fields": [{"name": "nobody_has_it", "type": "int"}]}
        self.registry.call("POST", f"/subjects/{subject}/versions", {"schema": json.dumps(before)})
        self.registry.call("PUT", f"/config/{subject}", {"compatibility": "FORWARD_TRANSITIVE"})
        said = self.assert_ends(self.start(), 2, subject, "is not compatible with those before it", "409")
        self.note(said)
        self.assertEqual(self.registry.call("GET", f"/subjects/{subject}/versions"), [1])
        self.registry.call("PUT", f"/config/{subject}", {"compatibility": "NONE"})
        self.finish_again(self.ledger(13))
        self.assertEqual(self.registry.call("GET", f"/subjects/{subject}/versions"), [1, 2])


class BrokersAtTheStart(SinkErrorCase):
    def test_none_is_there(self):
        nobody = f"127.0.0.1:{free_port()}"
        self.edit(f"[{self.broker.address}]", f"[{nobody}]")
        self.assert_ends(self.start(), 4, nobody)
        done = self.pipeline.call("check")
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("target.reachable", done.stdout)
        self.edit(f"[{nobody}]", f"[{self.broker.address}]")
        self.finish_again(self.ledger(21))


@unittest.skipUnless(long_run(), "LONG=1: a broker that is started again and again")
class BrokerOutages(SinkErrorCase):
    def make_pipeline(self, **values):
        pipeline = super().make_pipeline(**values)
        self.edit("patience: 10s", "patience: 2s", pipeline)
        return pipeline

    def halt_broker(self):
        self.broker.halt()
        self.addCleanup(self.start_broker)

    def start_broker(self):
        if not self.broker.process.running():
            self.broker.start()

    # Longer than anybody's patience, with changes in the open transaction: it waits, says so, and goes on by itself.
    def test_down_while_changes_flow(self):
        self.edit("transaction_timeout: 60s", "transaction_timeout: 6s")
        ledger = self.ledger(22)
        run = self.start_streaming()
        self.wait_for_change(run, ledger.commit(3))
        self.halt_broker()
        for size in (1, 300, 2):
            ledger.commit(size)
        self.wait_for_log(run, "pipeline.retry")
        done = self.pipeline.call("status")
        self.assertEqual(done.returncode, 4, done.stdout + done.stderr)
        self.start_broker()
        ledger.commit(4)
        self.finish(run, ledger)

    # A supervisor that stops it must not have to kill it: there is nothing to wait for where no broker is.
    def test_it_ends_at_a_signal_while_they_are_down(self):
        ledger = self.ledger(23)
        run = self.start_streaming()
        self.wait_for_change(run, ledger.commit(3))
        self.halt_broker()
        ledger.commit(4)
        # It is committing this, or proving that it lives.
        self.wait_for_log(run, "kafka.client")
        time.sleep(1.5)  # There is no event of a thread that waits within librdkafka.
        begun = time.monotonic()
        run.send(15)
        self.assertEqual(run.wait(20), 0, run.log()[-4000:])
        self.note(f"ended {time.monotonic() - begun:.1f} s after the signal")
        self.start_broker()
        self.finish_again(ledger)

    def test_it_ends_at_a_signal_while_it_is_idle_and_they_are_down(self):
        ledger = self.ledger(24)
        run = self.start_streaming()
        self.wait_for_change(run, ledger.commit(3))
        self.halt_broker()
        time.sleep(11)  # It proves every ten seconds that it lives, and hangs in that.
        begun = time.monotonic()
        run.send(15)
        self.assertEqual(run.wait(20), 0, run.log()[-4000:])
        self.note(f"ended {time.monotonic() - begun:.1f} s after the signal")
        self.start_broker()
        self.finish_again(ledger)


class TopicFaults(SinkErrorCase):
    # Where others make topics, one that is not there is named, with the command that makes it.
    def test_a_topic_that_is_not_there(self):
        self.edit("partitions: 3, replication: 1", "create: false, partitions: 3, replication: 1")
        self.assert_ends(self.start(), 2, self.topic, "is not there", "tailrace schema")
        done = self.pipeline.call("schema", "--apply")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.finish_again(self.ledger(31))

    # Deleted beneath a running pipeline: it must not make it anew, without what was in it, as if nothing had been.
    def test_a_topic_that_is_deleted_while_changes_flow(self):
        ledger = self.ledger(32)
        run = self.start_streaming()
        self.wait_for_change(run, ledger.commit(3))
        admin = self.broker.admin()
        admin.delete_topics([self.topic])[self.topic].result(30)
        wait_until(lambda: self.topic not in self.broker.topics(), 30, "the topic is gone")
        deadline = time.monotonic() + 90
        while run.running() and time.monotonic() < deadline:
            ledger.commit(1)
            time.sleep(0.2)
        self.note(" ".join(self.assert_ends(run, 7, self.topic, "is gone", "resnapshot").split())[:260])
        self.assertNotIn(self.topic, self.broker.topics())
        self.assert_ends(self.start(), 7, self.topic, "is gone", "resnapshot")
        # A person says that it is wanted anew, and what was in it comes again.
        done = self.pipeline.call("table", "resnapshot", "--table", "dbo.items")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        run = self.start_streaming()
        with TopicReader(self.broker, [self.topic], decode) as reader:
            def rows():
                found = {}
                for key, event, _, _ in reader.records[self.topic]:
                    found.pop(key["id"], None)
                    if event is not None and event["after"] is not None:
                        found[key["id"]] = event["after"]["v"]
                return found

            reader.read_until(lambda: rows() == ledger.rows, 60, "the topic has every row", self.alive(run))
        self.drain(run)


class RecordFaults(SinkErrorCase):
    TEXT = "nvarchar(max)"

    # No record may be left out, nor its transaction sent in part: it stops there, and goes on once the topic takes it.
    def test_one_that_is_too_large(self):
        self.make_topic(self.topic, **{"max.message.bytes": "2000"})
        ledger = self.ledger(33)
        run = self.start_streaming()
        self.wait_for_change(run, ledger.commit(3))
        ledger.number += 1
        number = next(iter(ledger.rows))
        self.sql(f"UPDATE dbo.items SET v = {ledger.number}, t = REPLICATE(CAST(N'x' AS nvarchar(max)), 5000) WHERE id = {number}")
        ledger.rows[number] = ledger.number
        large = ("u", number, ledger.number)
        ledger.committed.update([large])
        ledger.commit(2)
        said = self.assert_ends(run, 5, self.topic, "does not fit", "2000", "max.message.bytes")
        self.assertNotIn("xxxx", said)
        # Still there: the position has not passed it.
        self.assert_ends(self.start(), 5, self.topic, "does not fit")
        self.reader.read_to_end()
        self.assertNotIn(large, self.changes())
        self.set_topic(self.topic, **{"max.message.bytes": "1000000"})
        self.finish_again(ledger)


if __name__ == "__main__":
    unittest.main()
