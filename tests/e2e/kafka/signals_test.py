"""Signals by a table and by a topic, incremental snapshots amid changes and kills, and what is told of them."""

import collections
import json
import random
import signal
import time

from confluent_kafka import Producer

from tests.e2e.kafka.case import ROWS, KafkaCase, Ledger, Writer, change_of, decode
from tests.support.kafka import TopicReader
from tests.support.processes import wait_until

KILLS = 6


class SignalCase(KafkaCase):
    def create_tables(self):
        super().create_tables()
        self.sql("CREATE TABLE dbo.signals (id varchar(42) PRIMARY KEY, type varchar(32) NOT NULL, data varchar(2048) NULL)")
        self.enable("signals")

    def make_pipeline(self, **values):
        self.signal_topic = f"{self.name}-signals"
        self.notes_topic = f"{self.name}-notes"
        more = ("\n  signals: { table: dbo.signals, topic: " + self.signal_topic + ", chunk_rows: 100 }"
                "\n  notifications: { channels: [log, sink], topic: " + self.notes_topic + " }")
        return super().make_pipeline(**{"target_more": more, **values})

    def setUp(self):
        super().setUp()
        self.notes_reader = TopicReader(self.broker, [self.notes_topic], lambda message: (json.loads(message.key()), json.loads(message.value())))
        self.addCleanup(self.notes_reader.close)
        self.signals = 0

    def data(self, *tables, **more):
        return json.dumps({"type": "incremental", "data-collections": [f"{self.database}.dbo.{table}" for table in tables], **more})

    def by_table(self, kind, data="{}"):
        self.signals += 1
        self.sql(f"INSERT INTO dbo.signals VALUES ('s{self.signals}', '{kind}', '{data.replace(chr(39), chr(39) * 2)}')")

    def by_topic(self, kind, data="{}", key=None):
        self.signals += 1
        producer = Producer({"bootstrap.servers": self.broker.address})
        producer.produce(self.signal_topic, key=key or self.name,
                         value=json.dumps({"id": f"s{self.signals}", "type": kind, "data": json.loads(data)}), partition=0)
        self.assertEqual(producer.flush(20), 0)

    def notes(self, kind=None, about="Incremental Snapshot"):
        return [value for _, value in self.notes_reader.records[self.notes_topic]
                if value["aggregate_type"] == about and kind in (None, value["type"])]

    def wait_noted(self, kind, run, count=1, seconds=90):
        self.notes_reader.read_until(lambda: len(self.notes(kind)) >= count, seconds, f"{count} {kind}", self.alive(run))

    def beside(self):
        """Rows of incremental snapshots."""
        return [event for _, event, _, _ in self.records()
                if event is not None and event["op"] == "r" and event["source"]["snapshot"] == "incremental"]

    def assert_places(self):
        """Each row of an incremental snapshot says what the events before it have made of its key."""
        rows, wrong = {}, []
        for key, event, _, offset in self.records():
            if event is None:
                continue
            number = key["id"]
            if event["op"] == "r" and event["source"]["snapshot"] == "incremental" and rows.get(number) != event["after"]["v"]:
                wrong.append((offset, number, rows.get(number), event["after"]["v"]))
            if event["after"] is None:
                rows.pop(number, None)
            else:
                rows[number] = event["after"]["v"]
        self.assertEqual(wrong, [], "(offset, key, the value before, the value that was read)")
        return rows


class Signals(SignalCase):
    # A row out of its place takes a change back at every reader; one that is missing was not read again.
    def test_a_table_is_read_again_amid_changes(self):
        run = self.start_streaming()
        ledger = Ledger(self, seed=71)
        writer = Writer(ledger, pause=0.002)
        self.addCleanup(writer.stop)
        self.by_table("execute-snapshot", self.data("items"))
        self.wait_noted("COMPLETED", run)
        self.by_topic("execute-snapshot", self.data("item."))
        self.wait_noted("COMPLETED", run, 2)
        writer.stop()
        self.finish(run, ledger)
        self.assertEqual(self.assert_places(), ledger.rows)
        counts = collections.Counter(event["after"]["id"] for event in self.beside())
        self.assertLessEqual(max(counts.values()), 2)
        self.assertGreater(sum(counts.values()), ROWS)
        for event in self.beside():
            self.assertEqual(event["source"]["table"], "items")
            self.assertIsNone(event["source"]["change_lsn"])
        types = collections.Counter(note["type"] for note in self.notes())
        self.assertEqual((types["STARTED"], types["TABLE_SCAN_COMPLETED"], types["COMPLETED"]), (2, 2, 2))
        self.assertGreater(types["IN_PROGRESS"], 20)
        scanned = self.notes("TABLE_SCAN_COMPLETED")[0]
        self.assertEqual(scanned["id"], "s1")
        self.assertEqual(scanned["additional_data"]["scanned_collection"], f"{self.database}.dbo.items")
        self.assertEqual(scanned["additional_data"]["status"], "SUCCEEDED")
        self.assertEqual(scanned["additional_data"]["connector_name"], self.name)
        self.assertGreaterEqual(int(scanned["additional_data"]["total_rows_scanned"]), ROWS - 200)
        self.assertEqual(sorted(note["type"] for note in self.notes(about="Initial Snapshot")),
                         ["COMPLETED", "STARTED", "TABLE_SCAN_COMPLETED"])
        self.assertIn("Incremental Snapshot", run.log())
        self.note(f"{sum(counts.values())} rows of two snapshots amid {sum(ledger.committed.values())} changes")

    # Each is one event of its own topic too, as with Debezium.
    def test_signals_of_a_table_are_events(self):
        topic = f"{self.name}.{self.database}.dbo.signals"
        reader = TopicReader(self.broker, [topic], decode)
        self.addCleanup(reader.close)
        run = self.start_streaming()
        self.by_table("log", '{"message": "a word from the table"}')
        self.by_table("unheard-of")
        reader.read_until(lambda: len(reader.records[topic]) == 2, 60, "two events", self.alive(run))
        self.assertEqual({event["after"]["type"] for _, event, _, _ in reader.records[topic]}, {"log", "unheard-of"})
        wait_until(lambda: "a word from the table" in run.log() and "no such type is known" in run.log(), 20, "both are logged")
        self.drain(run)

    # A condition reads what it says; a table that is stopped is not read on; a paused one waits over a restart.
    def test_conditions_pauses_and_stops(self):
        run = self.start_streaming()
        wanted = {"additional-conditions": [{"data-collection": f"{self.database}.dbo.items", "filter": "v > 1000 AND t LIKE N'Zeile 1%'"}]}
        self.by_table("execute-snapshot", self.data("items", **wanted))
        self.wait_noted("COMPLETED", run)
        self.reader.read_to_end()
        self.assertEqual(sorted(event["after"]["id"] for event in self.beside()), list(range(1001, ROWS + 1)))
        # Both in one transaction: nothing is read in between.
        self.sql("BEGIN TRANSACTION; "
                 f"INSERT INTO dbo.signals VALUES ('p1', 'execute-snapshot', '{self.data('items')}'), ('p2', 'pause-snapshot', NULL); "
                 "COMMIT")
        self.wait_noted("PAUSED", run)
        self.drain(run)
        run = self.start_streaming()
        wait_until(lambda: "incremental.resumed" in run.log(), 20, "it knows what waits")
        self.by_topic("resume-snapshot", key="somebody-else")
        ledger = Ledger(self, seed=72)
        self.wait_for_change(run, ledger.commit(3))
        self.assertEqual(len(self.beside()), ROWS - 1000)
        self.by_topic("resume-snapshot")
        self.wait_noted("COMPLETED", run, 2)
        self.reader.read_to_end()
        before = len(self.beside())
        self.assertGreaterEqual(before, 2 * ROWS - 1000)
        self.sql("BEGIN TRANSACTION; "
                 f"INSERT INTO dbo.signals VALUES ('q1', 'execute-snapshot', '{self.data('items', 'signals')}'), "
                 f"('q2', 'stop-snapshot', '{self.data('items')}'); COMMIT")
        self.wait_noted("COMPLETED", run, 3)
        self.finish(run, ledger)
        self.assert_places()
        self.assertEqual(self.notes("ABORTED")[0]["additional_data"]["data_collections"], f"{self.database}.dbo.items")
        self.assertEqual(len(self.beside()), before)

    # A condition that the server refuses ends that table, not the pipeline.
    def test_a_condition_that_is_no_sql(self):
        run = self.start_streaming()
        wanted = {"additional-conditions": [{"data-collection": ".*items", "filter": "nothing = 1"}]}
        self.by_topic("execute-snapshot", self.data("items", **wanted))
        self.wait_noted("COMPLETED", run)
        self.assertEqual(self.notes("TABLE_SCAN_COMPLETED")[0]["additional_data"]["status"], "SQL_EXCEPTION")
        self.finish(run, Ledger(self, seed=73))
        self.assertEqual(self.beside(), [])


class KilledSignals(SignalCase):
    # Between a signal's place and its effect, between a chunk's rows and its progress: else signals are lost or done twice, rows
    # are missing or there twice.
    def test_kills_at_named_points(self):
        self.drain(self.start_streaming())
        ledger = Ledger(self, seed=74)
        self.by_table("execute-snapshot", self.data("items"))
        self.by_topic("execute-snapshot", self.data("items"))
        killed = []
        for point in ("sink.before_commit:1", "incremental.after_read:1", "incremental.before_commit:1", "sink.after_commit:1",
                      "incremental.before_commit:3", "sink.before_commit:3", "sink.after_commit:4"):
            run = self.start(environment={"TAILRACE_CRASH_AT": point})
            self.assertEqual(run.wait(60), -signal.SIGKILL, run.log()[-4000:])
            killed.append(point)
        run = self.start_streaming()
        self.wait_noted("TABLE_SCAN_COMPLETED", run, 2)
        self.finish(run, ledger)
        self.assert_places()
        self.assertEqual(collections.Counter(event["after"]["id"] for event in self.beside()),
                         collections.Counter({number: 2 for number in range(1, ROWS + 1)}))
        types = collections.Counter(note["type"] for note in self.notes())
        self.assertEqual(types["TABLE_SCAN_COMPLETED"], 2)
        # The second order may come while the first is under way: it is then part of it.
        self.assertEqual(types["STARTED"], types["COMPLETED"])
        self.note(f"killed at {', '.join(killed)}")

    def test_kills_at_random_amid_changes(self):
        chance = random.Random(75)
        self.drain(self.start_streaming())
        ledger = Ledger(self, seed=75)
        writer = Writer(ledger, pause=0.05)
        self.addCleanup(writer.stop)
        self.by_topic("execute-snapshot", self.data("items"))
        for _ in range(KILLS):
            run = self.start_streaming()
            time.sleep(chance.uniform(0.05, 0.6))
            run.kill()
        self.by_table("execute-snapshot", self.data("items"))
        run = self.start_streaming()
        self.by_topic("log", '{"message": "the last signal"}')
        wait_until(lambda: "the last signal" in run.log(), 60, "the last signal is read")
        self.wait_noted("TABLE_SCAN_COMPLETED", run, 2, seconds=120)
        writer.stop()
        self.finish(run, ledger)
        self.assertEqual(self.assert_places(), ledger.rows)
        self.assertEqual(len(self.notes("TABLE_SCAN_COMPLETED")), 2)
        self.assertLessEqual(max(collections.Counter(event["after"]["id"] for event in self.beside()).values()), 2)
        changed = {change_of(event)[1] for _, event, _, _ in self.records() if event is not None and event["op"] != "r"}
        counts = collections.Counter(event["after"]["id"] for event in self.beside())
        untouched = [number for number in range(1, ROWS + 1) if number not in changed]
        self.assertEqual([counts[number] for number in untouched], [2] * len(untouched))
        self.note(f"{KILLS} kills, {sum(counts.values())} rows, {len(untouched)} of them never changed, amid "
                  f"{sum(ledger.committed.values())} changes")
