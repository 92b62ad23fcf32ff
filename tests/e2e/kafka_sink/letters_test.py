"""Dead letters from Kafka: exactly the bad records, exactly once, with every byte of theirs, wherever the process was killed."""

import json
import os
import random
import signal
import time
import unittest

from confluent_kafka import Producer
from confluent_kafka.admin import NewTopic

from tests.e2e.case import long_run
from tests.e2e.kafka_sink.case import KafkaSinkCase
from tests.e2e.kafka_sink.refusals_test import KEY, envelope
from tests.support.kafka import TopicReader
from tests.support.processes import NotReady

# In the order in which they are passed; the last ones are of the forwarder, which sends letters to their topic.
POINTS = ("dead_letter.in_bisection", "dead_letter.stored:3", "partitions.letters_stored", "partitions.before_commit",
          "partitions.after_commit", "letters.opened", "letters.before_commit", "letters.after_commit",
          "letters.after_delete")
KILLS = 30 if long_run() else 8
ERRORS = ("errors: {{ on_row: dead_letter, dead_letter_topic: {topic}, dead_letter_replication: {replication}, "
          "dead_letter_waiting: {waiting} }}\n")


class Letters(KafkaSinkCase):
    def setUp(self):
        super().setUp()
        self.topic = f"letters_in{self.number}"
        self.letters = f"letters_out{self.number}"
        self.target.execute("CREATE TABLE public.notes (id int PRIMARY KEY, note text CHECK (note <> 'refused'))")
        self.partitions = 1
        self.written = 0
        self.bad = {}  # (partition, offset) -> key and value as they were written.

    def errors(self, replication=1, waiting=10000):
        return ERRORS.format(topic=self.letters, replication=replication, waiting=waiting)

    def value(self, number):
        """Its bytes, and whether they are good. One in a hundred is bad, of four kinds in turn."""
        if number % 100 != 50:
            return json.dumps(envelope(number, f"note {number}", number)).encode(), True
        kind = number // 100 % 4
        if kind == 0:
            return b"\x00\xffpoison %d" % number, False
        if kind == 1:
            return json.dumps(envelope(number, "t\0wo", number)).encode(), False
        if kind == 2:
            return json.dumps(envelope(number, "refused", number)).encode(), False
        return json.dumps({"schema": None, "payload": {"id": number}}).encode(), False

    def put(self, count):
        producer = Producer({"bootstrap.servers": self.broker.address})
        for number in range(self.written + 1, self.written + count + 1):
            value, is_good = self.value(number)
            key = json.dumps({**KEY, "payload": {"id": number}}).encode()
            partition, offset = (number - 1) % self.partitions, (number - 1) // self.partitions
            if not is_good:
                self.bad[partition, offset] = (key, value)
            producer.produce(self.topic, value, key, headers=[("mine", b"\x01")], partition=partition)
        self.assertEqual(producer.flush(60), 0)
        self.written += count

    def assert_exact(self):
        """Every good record is a row, every bad one a letter: each once, and with its own bytes."""
        numbers = [row[0] for row in self.target.execute("SELECT id FROM public.notes ORDER BY id").fetchall()]
        self.assertEqual(numbers, [number for number in range(1, self.written + 1) if self.value(number)[1]])
        reader = TopicReader(self.broker, [self.letters], lambda message: message)
        self.addCleanup(reader.consumer.close)
        records = reader.records[self.letters]
        reader.read_until(lambda: len(records) >= len(self.bad), 60, "all letters have come")
        found = {}
        for message in records:
            headers = dict(message.headers())
            place = int(headers["__connect.errors.partition"]), int(headers["__connect.errors.offset"])
            self.assertNotIn(place, found, "a letter is there twice")
            found[place] = (message.key(), message.value())
            self.assertEqual(headers["mine"], b"\x01")
            self.assertEqual(headers["__connect.errors.topic"], self.topic.encode())
        self.assertEqual(found, self.bad)
        self.assertEqual(self.waiting(), 0)
        return records

    def waiting(self):
        return self.target.execute("SELECT count(*) FROM tailrace.dead_letter WHERE waits").fetchone()[0]

    # A hundred bad ones among ten thousand, and a kill at each step of their way.
    def test_each_point(self):
        config = self.write_config([self.topic], more=self.errors(), batch_records=500)
        for point in POINTS:
            self.put(1000)
            run = self.start(config, environment={"TAILRACE_CRASH_AT": point})
            self.assertEqual(run.wait(120), -signal.SIGKILL, f"{point}: {run.log()[-4000:]}")
        self.put(1000)
        run = self.run_to_end(config)
        self.assertIn("run.ended", run.log())
        self.assertEqual(len(self.bad), 100)
        records = self.assert_exact()
        reasons = {dict(message.headers())["tailrace.reason"] for message in records}
        self.assertEqual(reasons, {b"unreadable", b"value", b"refused"})

    # Two processes share the partitions, and the turn to send; either may go at any moment.
    def test_kills_at_random(self):
        seed = int(os.environ.get("TAILRACE_SEED", 0)) or random.SystemRandom().randrange(1, 1 << 31)
        self.note(f"seed {seed} (TAILRACE_SEED={seed} repeats it)")
        chance = random.Random(seed)
        self.partitions = 3
        admin = self.broker.admin()
        for future in admin.create_topics([NewTopic(self.topic, 3, 1)]).values():
            future.result(20)
        config = self.write_config([self.topic], more=self.errors(), batch_records=100)
        runs = [self.start(config), self.start(config)]
        for _ in range(KILLS):
            self.put(chance.randint(200, 500))
            time.sleep(chance.uniform(0, 0.6))
            victim = chance.randrange(2)
            if not runs[victim].running():
                raise NotReady(f"tailrace ended with {runs[victim].child.returncode}:\n{runs[victim].log()[-4000:]}")
            runs[victim].kill()
            runs[victim] = self.start(config)
        for run in runs:
            self.drain(run)
        self.run_to_end(config)
        self.assert_exact()

    # The topic cannot be made: letters wait, good records go on, up to a bound; then it stops, and nothing is lost.
    def test_a_topic_that_is_not_there(self):
        self.put(400)
        few = self.write_config([self.topic], more=self.errors(replication=3), batch_records=100)
        run = self.run_to_end(few)
        self.assertIn("letters.wait", run.log())
        self.assertEqual(self.waiting(), 4)
        self.put(400)
        bound = self.write_config([self.topic], more=self.errors(replication=3, waiting=5), batch_records=100)
        bound.write_text(bound.read_text(encoding="utf-8").replace("kafka: { ", "kafka: { patience: 2s, "), encoding="utf-8")
        run = self.run_to_end(bound, code=5)
        self.assertIn("dead letters wait already", run.log())
        code, said = self.call(bound, "status", "--format", "json")
        self.assertEqual(code, 0, said)
        self.assertTrue(json.loads(said)["diverged"])
        self.run_to_end(self.write_config([self.topic], more=self.errors()))
        self.assert_exact()

    # The cause is mended: a pipeline that reads the letters applies them, and what cannot be mended is a letter again.
    def test_letters_are_applied_again(self):
        self.put(400)
        self.run_to_end(self.write_config([self.topic], more=self.errors()))
        self.assert_exact()
        self.target.execute("ALTER TABLE public.notes DROP CONSTRAINT notes_note_check")
        again = self.write_config([self.letters], name="again", more=ERRORS.format(
            topic=f"{self.letters}_again", replication=1, waiting=10000))
        self.run_to_end(again)
        self.assertEqual(self.target.execute("SELECT id FROM public.notes WHERE note = 'refused'").fetchall(), [(250,)])
        reader = TopicReader(self.broker, [f"{self.letters}_again"], lambda message: (message.key(), message.value()))
        self.addCleanup(reader.consumer.close)
        records = reader.records[f"{self.letters}_again"]
        reader.read_until(lambda: len(records) >= 3, 60, "the others have come")
        self.assertEqual(sorted(records), sorted(each for place, each in self.bad.items() if place != (0, 249)))

    # Settings that would do nothing, or everything again and again, are refused.
    def test_settings(self):
        for more, said in (
                ("errors: { dead_letter_topic: x }\n", "errors.dead_letter_topic: has no meaning with errors.on_row: stop"),
                (f"errors: {{ on_row: dead_letter, dead_letter_topic: {self.topic} }}\n", "is one of source.topics"),
                ("errors: { on_row: dead_letter, dead_letter_waiting: 5 }\n",
                 "errors.dead_letter_waiting: has no meaning without errors.dead_letter_topic")):
            run = self.run_to_end(self.write_config([self.topic], more=more), code=2)
            self.assertIn(said, run.log())

    # Without a topic letters stay where direct mode has them.
    def test_letters_without_a_topic(self):
        self.put(100)
        run = self.run_to_end(self.write_config([self.topic], more="errors: { on_row: dead_letter }\n"))
        self.assertIn("dead_letters=1", run.log())
        self.assertEqual(self.waiting(), 0)
        kept = self.target.execute("SELECT record_offset, record_key, record_value FROM tailrace.dead_letter").fetchall()
        self.assertEqual({(0, offset): (bytes(key), bytes(value)) for offset, key, value in kept}, self.bad)


if __name__ == "__main__":
    unittest.main()
