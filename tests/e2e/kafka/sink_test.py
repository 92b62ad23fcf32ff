"""SQL Server into Kafka by the finished program: a snapshot, its stream, restarts, the commands."""

import collections
import json
import signal

from confluent_kafka import Consumer, TopicPartition

from tests.e2e.kafka.case import ROWS, KafkaCase, Ledger
from tests.support.kafka import TopicReader
from tests.support.registry import Registry


class KafkaSink(KafkaCase):
    # A row that is left out, or read twice, is a wrong table at every reader.
    def test_a_snapshot_and_its_stream(self):
        run = self.start_streaming()
        ledger = Ledger(self, seed=1)
        for size in (1, 7, 300, 2):
            ledger.commit(size)
        self.finish(run, ledger)
        self.assertEqual(self.snapshot_ids(), collections.Counter(range(1, ROWS + 1)))
        markers = collections.Counter(event["source"]["snapshot"] for _, event, _, _ in self.records()
                                      if event is not None and event["op"] == "r")
        self.assertEqual((markers["first"], markers["last"]), (1, 1))
        self.assertEqual(markers["true"], ROWS - 2)

    # A delete is followed by its tombstone in the same partition: compacted topics forget the key.
    def test_deletes_have_tombstones(self):
        run = self.start_streaming()
        ledger = Ledger(self, seed=2)
        self.sql("DELETE FROM dbo.items WHERE id = 17")
        ledger.rows.pop(17)
        ledger.committed.update([("d", 17, 17)])
        self.finish(run, ledger)
        of_key = [(event, partition) for key, event, partition, _ in self.records() if key["id"] == 17]
        self.assertEqual([event and event["op"] for event, _ in of_key], ["r", "d", None])
        self.assertEqual(len({partition for _, partition in of_key}), 1)

    # One value that is too long stopped everything behind it; passed over it is a letter, once, of a snapshot and of the stream.
    def test_rows_that_cannot_be_sent_are_letters(self):
        letters, notes = f"letters-{self.name}", self.topic.replace("items", "notes")
        self.sql("CREATE TABLE dbo.notes (id int NOT NULL PRIMARY KEY, t nvarchar(max) NULL)")
        self.enable("notes")
        self.sql(f"INSERT INTO dbo.notes VALUES (1, N'one'), (2, N'{'x' * 20_000}')")
        text = self.pipeline.config.read_text(encoding="utf-8").replace("stream: { ", "stream: { max_value_bytes: 16KiB, ")
        self.pipeline.write(text + f"errors: {{ on_row: dead_letter, dead_letter_topic: {letters}, dead_letter_replication: 1 }}\n")
        killed = self.start(environment={"TAILRACE_CRASH_AT": "chunk.before_commit"})
        self.assertEqual(killed.wait(90), -signal.SIGKILL, killed.log()[-4000:])
        run = self.start_streaming()
        self.sql(f"INSERT INTO dbo.notes VALUES (3, N'{'y' * 20_000}'), (4, N'four')")
        # Its event would say the long value as well: as what was before.
        self.sql("UPDATE dbo.notes SET t = N'mended' WHERE id = 3")
        self.sql("UPDATE dbo.notes SET t = N'three' WHERE id = 3")
        reader = TopicReader(self.broker, [notes, letters], lambda message: json.loads(message.value()))
        self.addCleanup(reader.close)
        reader.read_until(lambda: len(reader.records[notes]) >= 3, 60, "the events have come", self.alive(run))
        self.drain(run)
        reader.read_to_end()
        self.assertEqual(sorted((event["op"], event["after"]["id"], event["after"]["t"]) for event in reader.records[notes]),
                         [("c", 4, "four"), ("r", 1, "one"), ("u", 3, "three")])
        said = [(letter["operation"], letter["key"], letter["reason"], letter["column"]) for letter in reader.records[letters]]
        self.assertEqual(sorted(said), [("insert", ["3"], "value", "t"), ("read", ["2"], "value", "t"), ("update", ["3"], "value", "t")])

    def test_restarts_go_on_where_they_were(self):
        ledger = Ledger(self, seed=3)
        self.drain(self.start_streaming())
        for _ in range(3):
            ledger.commit(20)
            run = self.start()
            self.wait_for_change(run, ledger.commit(5))
            self.drain(run)
        self.assert_exactly_once(ledger)
        self.assertEqual(self.snapshot_ids(), collections.Counter(range(1, ROWS + 1)))

    # A Debezium that takes over reads this record, and goes on behind the last event.
    def test_the_position_is_debeziums(self):
        run = self.start_streaming()
        ledger = Ledger(self, seed=4)
        self.finish(run, ledger)
        _, event, _, _ = self.records()[-1]
        stored = self.stored(json.dumps([self.name, {"server": self.name, "database": self.database}], separators=(",", ":")))
        self.assertGreaterEqual(stored["commit_lsn"], event["source"]["commit_lsn"])
        if stored["commit_lsn"] == event["source"]["commit_lsn"]:
            self.assertEqual(stored["change_lsn"], event["source"]["change_lsn"])
            self.assertEqual(stored["event_serial_no"], event["source"]["event_serial_no"])
        self.assertNotIn("snapshot", stored)

    def stored(self, key):
        """The last committed value under a key of the offsets topic."""
        consumer = Consumer({"bootstrap.servers": self.broker.address, "group.id": "unused", "enable.auto.commit": False,
                             "isolation.level": "read_committed", "enable.partition.eof": True})
        found = None
        try:
            consumer.assign([TopicPartition(self.offsets_topic, 0, 0)])
            while True:
                message = consumer.poll(20)
                self.assertIsNotNone(message, "the offsets topic does not end")
                if message.error():
                    break  # Its end.
                if message.key().decode() == key:
                    found = json.loads(message.value())
        finally:
            consumer.close()
        self.assertIsNotNone(found, f"no record has the key {key}")
        return found

    def test_until_caught_up_ends(self):
        ledger = Ledger(self, seed=5)
        run = self.start("--until-caught-up")
        self.assertEqual(run.wait(120), 0, run.log()[-4000:])
        ledger.commit(3)
        run = self.start("--until-caught-up")
        self.assertEqual(run.wait(120), 0, run.log()[-4000:])
        self.assert_exactly_once(ledger)

    def test_the_commands_know_it(self):
        done = self.pipeline.call("check", "--format", "json")
        self.assertIn(done.returncode, (0, 1), done.stderr)
        self.assertIn("target.cluster", done.stdout)
        done = self.pipeline.call("status")
        self.assertEqual(done.returncode, 1, done.stdout)
        done = self.pipeline.call("schema")
        self.assertIn(f"--create --topic {self.topic} --partitions 3", done.stdout)
        run = self.start_streaming()
        ledger = Ledger(self, seed=6)
        self.wait_for_change(run, ledger.commit(2))
        status = self.pipeline.status()
        self.assertTrue(status["runner"]["alive"], status)
        self.assertEqual([table["state"] for table in status["tables"]], ["streaming"])
        # Opened by a command, the sink would depose the runner.
        done = self.pipeline.call("position", "set", "--lsn", status["position"]["lsn"], "--reason", "a test")
        self.assertEqual(done.returncode, 9, done.stdout + done.stderr)
        self.finish(run, ledger)
        self.assertFalse(self.pipeline.status()["runner"]["alive"])
        done = self.pipeline.call("schema")
        self.assertIn("everything", done.stdout)

    # Back: what lies behind the position is sent again, and nothing else.
    def test_a_position_that_is_set_back(self):
        run = self.start_streaming()
        ledger = Ledger(self, seed=8)
        self.wait_for_change(run, ledger.commit(2))
        self.drain(run)
        back = self.pipeline.status()["position"]["lsn"]
        run = self.start()
        self.wait_for_change(run, ledger.commit(3))
        self.wait_for_change(run, ledger.commit(4))
        self.drain(run)
        done = self.pipeline.call("position", "set", "--lsn", back, "--reason", "a test")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        run = self.start("--until-caught-up")
        self.assertEqual(run.wait(120), 0, run.log()[-4000:])
        self.reader.read_to_end()
        counts = collections.Counter(self.changes())
        self.assertEqual(sorted(set(counts.values())), [1, 2])
        self.assertEqual(sum(1 for count in counts.values() if count == 2), 7)

    # A table that is paused and comes back has each change once, as the others.
    def test_a_table_leaves_and_comes_back(self):
        run = self.start_streaming()
        ledger = Ledger(self, seed=7)
        self.wait_for_change(run, ledger.commit(2))
        done = self.pipeline.call("table", "pause", "--table", "dbo.items")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        ledger.commit(30)
        done = self.pipeline.call("table", "resume", "--table", "dbo.items")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        ledger.commit(30)
        self.finish(run, ledger)

    # A mistake in the file is found before anything is written.
    def test_settings_of_the_other_target_are_mistakes(self):
        text = self.pipeline.config.read_text(encoding="utf-8")
        self.pipeline.write(text.replace("  type: kafka\n", "  type: kafka\n  url: postgresql://nowhere/shop\n"))
        done = self.pipeline.call("check")
        self.assertEqual(done.returncode, 2, done.stdout)
        self.assertIn("target.url: belongs to target.type: postgres", done.stderr)


class KafkaSinkAvro(KafkaCase):
    # Confluent's frame around Avro, with ids of a real registry.
    def test_avro_with_a_registry(self):
        with Registry() as registry:
            pipeline = self.make_pipeline(registry=registry.url)
            run = self.start("--until-caught-up", pipeline=pipeline)
            self.assertEqual(run.wait(120), 0, run.log()[-4000:])
        consumer = Consumer({"bootstrap.servers": self.broker.address, "group.id": "unused", "enable.auto.commit": False,
                             "isolation.level": "read_committed"})
        try:
            consumer.assign([TopicPartition(self.topic, number, 0) for number in range(3)])
            seen = 0
            while seen < ROWS:
                messages = consumer.consume(500, 20)
                self.assertTrue(messages, f"{seen} of {ROWS} records")
                for message in messages:
                    self.assertEqual(message.value()[:1], b"\x00")
                    self.assertEqual(message.key()[:1], b"\x00")
                    seen += 1
        finally:
            consumer.close()
        self.assertEqual(seen, ROWS)
