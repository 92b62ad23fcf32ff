"""Kafka into PostgreSQL: records that cannot be read, topics, brokers and a registry that are away."""

import itertools
import json
import os
import pathlib
import shutil
import subprocess
import unittest

from confluent_kafka import Producer
from confluent_kafka.admin import NewTopic

from tests.e2e.case import has_failed, leave_note, long_run
from tests.e2e.kafka_errors.case import SERVERS, Endings, Gate, edited
from tests.e2e.kafka_errors.frames import frame, number, text
from tests.e2e.kafka_sink.refusals_test import KEY, envelope
from tests.support.kafka_secure import USERS
from tests.support.processes import BUILD, NotReady, Process, free_port, private_directory, wait_until

CONFIG = """\
pipeline: {name}
source:
  type: kafka
  topics: [{topic}]
  session_timeout: 6s
  {records}
kafka: {{ bootstrap_servers: ['{brokers}'], patience: 10s }}
target:
  type: postgres
  url: {url}
  user: {user}
  password: ${{env:TAILRACE_TARGET_PASSWORD}}
retry: {{ first_contact: 1s }}
"""
AVRO_KEY = {"type": "record", "name": "Key", "fields": [{"name": "id", "type": "int"}]}
AVRO_ROW = {"type": "record", "name": "Value", "fields": [
    {"name": "id", "type": "int"}, {"name": "note", "type": ["null", "string"], "default": None}]}


def key_of(row):
    return json.dumps({**KEY, "payload": {"id": row}})


class SourceErrorCase(Endings, unittest.TestCase):
    numbers = itertools.count(1)
    RECORDS = "format: json"

    @classmethod
    def setUpClass(cls):
        SERVERS.start()

    def setUp(self):
        self.number = next(SourceErrorCase.numbers)
        self.broker, self.postgres = SERVERS.broker, SERVERS.postgres
        self.database = f"err{self.number}"
        self.topic = f"notes.err{self.number}"
        self.directory = private_directory("kafka-errors")
        self.addCleanup(self.remove_directory)
        self.postgres.create_database(self.database)
        self.target = self.postgres.connect(self.database)
        self.addCleanup(self.target.close)
        self.runs = 0
        self.config = pathlib.Path(self.directory) / "sink.yaml"
        self.config.write_text(CONFIG.format(
            name=f"err{self.number}", topic=self.topic, brokers=self.broker.address, url=self.postgres.url(self.database),
            user=self.postgres.user, records=self.records()), encoding="utf-8")

    def records(self):
        return self.RECORDS

    def remove_directory(self):
        if has_failed(self):
            print(f"  logs are kept in {self.directory}")
        else:
            shutil.rmtree(self.directory, ignore_errors=True)

    def edit(self, old, new):
        self.config.write_text(edited(self.config.read_text(encoding="utf-8"), old, new), encoding="utf-8")

    def note(self, said):
        leave_note(self.id(), said)

    # Topics.

    def make_topic(self, **config):
        admin = self.broker.admin()  # An answer of its dies with it.
        admin.create_topics([NewTopic(self.topic, 1, 1, config=config)])[self.topic].result(30)
        wait_until(lambda: self.topic in self.broker.topics(), 30, f"{self.topic} is known")

    def put(self, *records):
        """(key, value) as they are."""
        failures = []
        producer = Producer({"bootstrap.servers": self.broker.address, "message.max.bytes": 20_000_000})
        for key, value in records:
            producer.produce(self.topic, value, key, on_delivery=lambda error, _: failures.append(error) if error else None)
        self.assertEqual(producer.flush(30), 0)
        self.assertEqual(failures, [])

    def put_rows(self, *rows):
        """One commit for each."""
        self.put(*((key_of(row), json.dumps(envelope(row, f"row {row}", row))) for row in rows))

    # tailrace.

    @property
    def environment(self):
        return {**os.environ, "TAILRACE_TARGET_PASSWORD": self.postgres.password}

    def start(self, *words):
        self.runs += 1
        run = Process([str(BUILD / "tailrace"), "run", str(self.config), *words], self.directory / f"run-{self.runs}.log",
                      env=self.environment)
        self.addCleanup(run.kill)
        return run

    def call(self, *words):
        done = subprocess.run([str(BUILD / "tailrace"), words[0], str(self.config), *words[1:]], capture_output=True, text=True,
                              timeout=60, check=False, env=self.environment)
        return done.returncode, done.stdout + done.stderr

    def drain(self, run):
        run.send(15)
        self.assertEqual(run.wait(30), 0, run.log()[-4000:])

    # Target.

    def rows(self):
        """Of the one table that was made."""
        found = self.target.execute("SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables "
                                    "WHERE schemaname NOT IN ('tailrace', 'pg_catalog', 'information_schema')").fetchall()
        if not found:
            return []
        (table,), = found
        return [row for row, in self.target.execute(f"SELECT id FROM {table} ORDER BY id").fetchall()]

    def applied(self):
        """How many rows were ever written: an apply that is repeated counts twice."""
        return self.target.execute("SELECT coalesce(sum(n_tup_ins + n_tup_upd), 0) FROM pg_stat_user_tables "
                                   "WHERE relname = 'notes'").fetchone()[0]

    def wait_for_rows(self, run, *rows, seconds=60):
        def there():
            if not run.running():
                raise NotReady(f"tailrace ended with {run.child.returncode}:\n{run.log()[-4000:]}")
            return self.rows() == list(rows)

        wait_until(there, seconds, f"the target has the rows {rows}; it has {self.rows()}", every=0.1)

    def finish(self, *rows):
        """The fault is gone: the same pipeline, started anew, applies what is there."""
        run = self.start("--until-caught-up")
        self.assertEqual(run.wait(60), 0, run.log()[-4000:])
        self.assertEqual(self.rows(), list(rows))


class Poison(SourceErrorCase):
    # Whatever bytes come: what lies before them is applied, they are named by their place, and no restart passes over them.
    def assert_poison(self, key, value, code, *words):
        with self.subTest(value=value if value is None or len(value) < 60 else f"{len(value)} bytes"):
            if self.topic in self.broker.topics():
                self.doCleanups()
                self.setUp()
            self.make_topic()
            self.put_rows(1, 2)
            self.put((key, value))
            self.put_rows(4)
            said = self.assert_ends(self.start(), code, self.topic, "offset", *words)
            self.note(" ".join(said.split())[:260])
            self.assertIn("2", said)
            # Of commit 2 nobody knows whether it is whole: the record behind it cannot be read.
            self.assertIn(self.rows(), ([1], [1, 2]))
            before = self.rows()
            self.assert_ends(self.start(), code, self.topic, "offset", *words)
            self.assertEqual(self.rows(), before)

    def test_json(self):
        whole = json.dumps(envelope(3, "three", 3))
        self.assert_poison(key_of(3), whole[:-20], 8)
        self.assert_poison(key_of(3), b"\xff\xfe\x00", 8)
        self.assert_poison(key_of(3), b"", 8)
        self.assert_poison(key_of(3), b"[" * 100_000, 8)
        self.assert_poison(key_of(3), json.dumps({"payload": {"id": 3}}), 5)
        self.assert_poison(None, whole, 2, "key")
        self.assert_poison(None, None, 2, "key")
        self.assert_poison(b"{", whole, 8)
        changed = envelope(3, "three", 3)
        changed["payload"]["op"] = "?"
        self.assert_poison(key_of(3), json.dumps(changed), 5)
        changed = envelope(2**40, "three", 3)
        self.assert_poison(key_of(3), json.dumps(changed), 8)

    # As long as a broker takes: it is applied, not refused, and what it takes of memory is bounded by it.
    def test_a_record_of_ten_megabytes(self):
        self.make_topic(**{"max.message.bytes": "20000000"})
        self.put((key_of(1), json.dumps(envelope(1, "x" * 10_000_000, 1))))
        self.put_rows(2)
        self.finish(1, 2)


class AvroFaults(SourceErrorCase):
    def setUp(self):
        self.registry = SERVERS.registry
        self.gate = Gate()
        super().setUp()
        self.addCleanup(self.gate.close)
        self.key_id = self.register("key", AVRO_KEY)

    def records(self):
        return f"format: avro\n  schema_registry: {{ urls: ['{self.gate.url}'] }}"

    def register(self, part, schema):
        return self.registry.call("POST", f"/subjects/{self.topic}-{part}/versions", {"schema": json.dumps(schema)})["id"]

    @staticmethod
    def named(name):
        """Schemas of other tests must not give theirs ids that are known already."""
        return {**AVRO_ROW, "name": name}

    def row(self, schema_id, row):
        return frame(self.key_id, number(row)), frame(schema_id, number(row) + number(1) + text(f"row {row}"))

    # Ids count up: the one that is not there yet is the next one, and then it is.
    def test_a_schema_id_that_the_registry_does_not_know(self):
        self.make_topic()
        known = self.register("value", self.named("Known"))
        self.put(self.row(known, 1), self.row(known + 1, 2), self.row(known, 3))
        said = self.assert_ends(self.start(), 5, f"no schema {known + 1}", self.topic, "offset")
        self.note(" ".join(said.split())[:260])
        self.assertEqual(self.rows(), [1])
        self.assertEqual(self.register("value", {**self.named("Later"), "namespace": "n"}), known + 1)
        self.finish(1, 2, 3)

    def test_the_registry_is_down_at_the_start(self):
        self.make_topic()
        known = self.register("value", self.named("AtStart"))
        self.put(self.row(known, 1), self.row(known, 2))
        self.gate.down()
        self.assert_ends(self.start(), 4, "The Schema Registry does not answer", f"127.0.0.1:{self.gate.front.port}")
        code, said = self.call("check")
        self.assertEqual(code, 1, said)
        self.assertIn("source.schema_registry", said)
        self.gate.up()
        self.finish(1, 2)

    # What is known goes on; a new schema waits for the registry, and with it its partition, for as long as it takes.
    def test_the_registry_is_down_while_records_flow(self):
        self.make_topic()
        known = self.register("value", self.named("Flows"))
        later = self.register("value", self.named("FlowsOn"))
        self.put(self.row(known, 1))
        run = self.start()
        self.wait_for_rows(run, 1)
        self.gate.down()
        self.put(self.row(known, 2))
        self.wait_for_rows(run, 1, 2)
        self.put(self.row(later, 3), self.row(known, 4))
        self.wait_for_log(run, "pipeline.retry kind=unavailable")
        self.assertEqual(self.rows(), [1, 2])
        self.gate.up()
        self.wait_for_rows(run, 1, 2, 3, 4)
        self.drain(run)

    def test_frames_that_are_none(self):
        known = self.register("value", self.named("Poison"))
        other = self.registry.call("POST", "/subjects/others/versions", {"schema": json.dumps("string")})["id"]
        _, whole = self.row(known, 2)
        cases = [(b"no frame at all", 8), (b"\x01" + whole[1:], 8), (whole[:3], 8), (whole[:-2], 8), (whole + b"!", 8),
                 (frame(other, text("a schema that is no row")), 5), (b"", 8),
                 (frame(known, number(2) + number(7)), 8), (frame(known, number(2) + number(1) + number(-5)), 8)]
        for value, code in cases:
            with self.subTest(value=value):
                if self.topic in self.broker.topics():
                    self.doCleanups()
                    self.setUp()
                    known = self.register("value", self.named("Poison"))
                self.make_topic()
                key, first = self.row(known, 1)
                self.put((key, first), (frame(self.key_id, number(2)), value), self.row(known, 3))
                said = self.assert_ends(self.start(), code, self.topic, "offset")
                self.note(" ".join(said.split())[:260])
                self.assertEqual(self.rows(), [1])
                self.assert_ends(self.start(), code, self.topic, "offset")


class BrokerAndTopicFaults(SourceErrorCase):
    def test_a_topic_that_is_not_there(self):
        self.assert_ends(self.start(), 2, self.topic, "does not exist")
        self.make_topic()
        self.put_rows(1)
        self.finish(1)

    def test_a_topic_that_is_deleted_while_records_flow(self):
        self.make_topic()
        self.put_rows(1)
        run = self.start()
        self.wait_for_rows(run, 1)
        admin = self.broker.admin()
        admin.delete_topics([self.topic])[self.topic].result(30)
        self.note(" ".join(self.assert_ends(run, 7, self.topic).split())[:260])
        self.assertEqual(self.rows(), [1])

    def test_no_broker_is_there_at_the_start(self):
        self.make_topic()
        self.put_rows(1)
        nobody = f"127.0.0.1:{free_port()}"
        self.edit(self.broker.address, nobody)
        self.assert_ends(self.start(), 4, nobody)
        code, said = self.call("check")
        self.assertEqual(code, 1, said)
        self.assertIn("source.reachable", said)
        self.edit(nobody, self.broker.address)
        self.finish(1)


@unittest.skipUnless(long_run(), "LONG=1: a broker that is started again and again")
class BrokerOutages(SourceErrorCase):
    def setUp(self):
        super().setUp()
        self.edit("patience: 10s", "patience: 2s")

    def halt_broker(self):
        self.broker.halt()
        self.addCleanup(self.start_broker)

    def start_broker(self):
        if not self.broker.process.running():
            self.broker.start()

    # Longer than its patience and its session: it waits, says so, and each row is written once.
    def test_brokers_are_down_while_records_flow(self):
        self.make_topic()
        self.put_rows(*range(1, 200))
        run = self.start()
        self.wait_for_rows(run, *range(1, 200))
        self.halt_broker()
        self.wait_for_log(run, "pipeline.retry kind=unavailable")
        code, said = self.call("status")
        self.assertEqual(code, 0, said)
        self.start_broker()
        self.put_rows(200, 201)
        self.wait_for_rows(run, *range(1, 202))
        self.drain(run)
        wait_until(lambda: self.applied() >= 201, 10, "PostgreSQL has counted its rows", every=0.2)
        self.assertEqual(self.applied(), 201)

    def test_it_ends_at_a_signal_while_they_are_down(self):
        self.make_topic()
        self.put_rows(1)
        run = self.start()
        self.wait_for_rows(run, 1)
        self.halt_broker()
        self.wait_for_log(run, "kafka.")
        run.send(15)
        self.assertEqual(run.wait(15), 0, run.log()[-4000:])


if __name__ == "__main__":
    unittest.main()
