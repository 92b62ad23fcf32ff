"""What tailrace makes of a random history is what a real Debezium makes of it: each record, by its topic.

The differences that docs/debezium-compatibility.md lists are taken out of Debezium's side, each by its name, and nothing else.
"""

import json
import os
import subprocess
import time
import unittest

from tests.e2e.debezium import columns
from tests.e2e.debezium.case import DebeziumCase
from tests.e2e.debezium.columns import UNAVAILABLE, bytes_json
from tests.e2e.debezium.events import exact, signature
from tests.e2e.debezium.history import History
from tests.e2e.debezium.tables import ID, TABLES, Table, by_id
from tests.support.processes import BUILD

EVENTS = 2000
TICK = Table("dbo", "tick", ID, by_id, (columns.NUMBERS[3],))
ENVELOPE_TIMES = ("ts_ms", "ts_us", "ts_ns")


def field_of(schema, field):
    return next(each for each in schema["fields"] if each["field"] == field)


def left_out(table):
    """Columns that tailrace leaves out, or Debezium."""
    return {column[0] for column in (table.computed, table.unsent) if column}


def leave_out(value, names):
    """Columns of the row, out of a value and its schema."""
    for image in ("before", "after"):
        row = field_of(value["schema"], image)
        row["fields"] = [field for field in row["fields"] if field["field"] not in names]
        if value["payload"][image] is not None:
            for name in names:
                value["payload"][image].pop(name, None)
            # A float32 is what it is, however many digits the worker's Java wrote.
            value["payload"][image] = exact(value["payload"][image], signature(row["fields"]))


def known_as_unavailable(table, theirs, ours):
    """Debezium takes an unchanged value for NULL where it is of a (max) type or a spatial one."""
    for column in table.columns:
        if column.large not in ("max", "spatial"):
            continue
        placeholder = bytes_json(UNAVAILABLE.encode()) if column.schema[0] == "bytes" else UNAVAILABLE
        for image in ("before", "after"):
            their_row, our_row = theirs["payload"][image], ours["payload"][image]
            if their_row and our_row and their_row[column.name] is None and our_row[column.name] == placeholder:
                our_row[column.name] = None


class Live(DebeziumCase):
    def setUp(self):
        super().setUp()
        self.seed = int(os.environ.get("TAILRACE_SEED", time.time_ns() % 10**9))
        self.sql("CREATE SCHEMA [odd schema]")
        self.sql("CREATE SCHEMA sales")
        for table in (*TABLES, TICK):
            for batch in table.create():
                self.sql(batch)
        self.history = History(self.source, TABLES, self.seed)
        self.history.fill()
        for table in (*TABLES, TICK):
            self.sql(table.enable())

    def test_each_record_of_the_stream_is_debezium_s(self):
        prefix = self.deploy("live", **{"provide.transaction.metadata": "true"}).name
        topics = {table.topic(prefix, self.database): table for table in (*TABLES, TICK)}
        reader = self.reader([*topics, f"{prefix}.transaction"], lambda message: message)
        rows = sum(len(found) for found in self.history.rows.values())
        self.read_until(reader, lambda: sum(map(len, reader.records.values())) >= rows, "Debezium's snapshot")
        reader.records.clear()
        self.history.change(EVENTS)
        self.sql("INSERT INTO dbo.tick VALUES (1, 0)")
        tick = TICK.topic(prefix, self.database)
        self.read_until(reader, lambda: reader.records[tick], "Debezium's last event")
        reader.read_to_end()
        theirs = {topic: [self.record_of(message) for message in messages] for topic, messages in reader.records.items()}
        ours = self.ours(prefix, theirs[tick][0])
        compared = 0
        for topic, table in topics.items():
            compared += self.compare(table, ours[topic], theirs[topic])
        self.compare_transactions(ours[f"{prefix}.transaction"], theirs[f"{prefix}.transaction"])
        self.note(f"seed {self.seed}: {compared} records of {self.history.count()} events are the same")

    @staticmethod
    def record_of(message):
        headers = [[name, value.decode()] for name, value in message.headers() or []]
        return [*(None if text is None else json.loads(text) for text in (message.key(), message.value())), headers]

    def ours(self, prefix, some):
        """Records by topic. Only the id of the run is taken from Debezium's."""
        run_id = next(value for name, value in some[2] if name == "__debezium.context.runId")
        done = subprocess.run(
            [BUILD / "event-printer", str(self.simulator.port), self.database, prefix, run_id, "dbo.tick"],
            env={**os.environ, "SIMULATOR_PASSWORD": self.simulator.password}, capture_output=True, check=False, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr.decode()[-2000:])
        found = {}
        for line in done.stdout.decode().splitlines():
            topic, key, value, headers = json.loads(line)
            record = [None if text is None else json.loads(text) for text in (key, value)]
            found.setdefault(topic, []).append([*record, headers])
        return found

    def compare(self, table, ours, theirs):
        for number, (our, their) in enumerate(zip(ours, theirs)):
            place = f"seed {self.seed}, {table.name}, record {number}"
            if our[1] is not None and their[1] is not None:
                leave_out(their[1], left_out(table))
                leave_out(our[1], left_out(table))
                known_as_unavailable(table, their[1], our[1])
                for value in (our[1], their[1]):
                    for name in ENVELOPE_TIMES:
                        self.assertGreater(value["payload"].pop(name), 0)
            self.assertEqual(our, their, place)
        self.assertEqual(len(ours), len(theirs), f"seed {self.seed}, {table.name}")
        return len(ours)

    def compare_transactions(self, ours, theirs):
        """BEGIN as it is; of END the counts. Debezium has not yet ended the last one."""

        def of(records, status):
            return [(key, value) for key, value, _ in records if value["payload"]["status"] == status]

        self.assertEqual(of(ours, "BEGIN"), of(theirs, "BEGIN"))

        def counts(records):
            return [(key["payload"], value["payload"]["event_count"],
                     sorted((each["data_collection"], each["event_count"]) for each in value["payload"]["data_collections"]))
                    for key, value in of(records, "END")]

        ended = counts(theirs)
        self.assertGreaterEqual(len(ended), len(of(theirs, "BEGIN")) - 1)
        self.assertEqual(counts(ours)[:len(ended)], ended)


if __name__ == "__main__":
    unittest.main()
