"""Debezium's snapshot and stream of ten tables with every type: what it says happened is what the test did."""

import collections
import os
import re
import time
import unittest

from tests.e2e.debezium import columns
from tests.e2e.debezium.case import DebeziumCase
from tests.e2e.debezium.events import compare_order, compare_table, decode_json, exact, expected_fields, without_tombstones
from tests.e2e.debezium.history import History
from tests.e2e.debezium.tables import ID, TABLES, Table, by_id
from tests.e2e.types.kinds import KINDS

EVENTS = 5000
# direct reads the change tables, function the functions over them; each with another way to take the snapshot, and to page.
MODES = {
    "direct": {"data.query.mode": "direct", "provide.transaction.metadata": "true"},
    "function": {"data.query.mode": "function", "snapshot.isolation.mode": "snapshot", "snapshot.max.threads": 2,
                 "streaming.fetch.size": 100},
}
TICK = Table("dbo", "tick", ID, by_id, (columns.NUMBERS[3],))


class Stream(DebeziumCase):
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

    # Without this a type could be missing, and nobody would know.
    def test_the_tables_hold_every_type(self):
        def names(found):
            return {re.split(r"[ (]", column.declaration)[0] for column in found}

        here = names(column for table in TABLES for column in (*table.key_columns, *table.columns))
        here |= {table.unsent[1] for table in TABLES if table.unsent}
        self.assertEqual(names(KINDS) - here, set())

    def test_snapshot_and_stream_are_the_source_s_history(self):
        names = {mode: f"{mode}{self.number}" for mode in MODES}
        for mode, settings in MODES.items():
            self.deploy(mode, **settings)
        topics = {mode: [table.topic(name, self.database) for table in (*TABLES, TICK)] for mode, name in names.items()}
        readers = {mode: self.reader(topics[mode]) for mode in MODES}
        started = time.monotonic()
        rows = sum(len(found) for found in self.history.rows.values())
        for mode, reader in readers.items():
            self.read_until(reader, lambda reader=reader: sum(map(len, reader.records.values())) >= rows, f"{mode}'s snapshot")
            self.compare_snapshot(mode, reader, names[mode])
            reader.records.clear()
        snapshot_seconds = time.monotonic() - started
        started = time.monotonic()
        self.history.change(EVENTS // 3)
        # The first restart is in order, the second as kill -9 makes it; both amid the stream, and the source goes on.
        self.wait_for_events(readers, EVENTS // 10)
        for connector in self.connectors:
            connector.restart()
        self.history.change(EVENTS // 3)
        self.wait_for_events(readers, EVENTS // 2)
        self.worker.kill()
        self.worker.launch()
        self.history.transaction(lambda: [self.history.one_statement() for _ in range(200)])
        self.history.change(EVENTS - self.history.count())
        changed_seconds = time.monotonic() - started
        self.sql("INSERT INTO dbo.tick VALUES (1, 0)")
        self.worker.wait_ready()
        for mode, reader in readers.items():
            tick = TICK.topic(names[mode], self.database)
            # The task sends in the source's order: after the tick there is nothing to come.
            self.read_until(reader, lambda reader=reader, tick=tick: reader.records[tick], f"{mode}'s last event")
            reader.read_to_end()
            self.assertEqual(len(reader.records.pop(tick)), 1)
        seconds = time.monotonic() - started
        for mode, reader in readers.items():
            self.compare_stream(mode, reader, names[mode])
        self.compare_transactions(names["direct"])
        self.note(f"seed {self.seed}: {rows} rows of snapshot in {snapshot_seconds:.1f} s; {self.history.count()} events of "
                  f"{len(self.history.transactions)} transactions, written in {changed_seconds:.1f} s, compared for "
                  f"{' and '.join(MODES)}, all there after {seconds:.1f} s")

    def wait_for_events(self, readers, count):
        for mode, reader in readers.items():
            self.read_until(reader, lambda reader=reader: sum(map(len, reader.records.values())) >= count,
                            f"{mode} has sent {count} events")

    def compare_transactions(self, name):
        """Debezium's own account of the source's transactions: how many events each had, of which tables."""
        reader = self.reader([f"{name}.transaction"], decode_json)
        wanted = [collections.Counter(f"{self.database}.{event.table.schema}.{event.table.name}" for event in transaction.events)
                  for transaction in self.history.transactions]

        def ended():
            return [value for _, value in reader.records[f"{name}.transaction"] if value["status"] == "END"]

        # The tick's is the last.
        self.read_until(reader, lambda: len(ended()) > len(wanted), f"the ends of {len(wanted)} transactions")
        got = [{each["data_collection"]: each["event_count"] for each in value["data_collections"]} for value in ended()]
        self.assertEqual(got[:-1], [dict(each) for each in wanted])

    def compare_snapshot(self, mode, reader, name):
        markers = []
        for table in TABLES:
            events = reader.records[table.topic(name, self.database)]
            markers += [event.source["snapshot"] for event in events]
            wanted = self.history.snapshot(table)
            number = table.key_columns[-1].name
            events.sort(key=lambda event: event.after[number])
            self.assertEqual(len(events), len(wanted), f"{mode}, {table.name}: rows")
            for event, (key, image) in zip(events, sorted(wanted, key=lambda row: row[1][number])):
                self.assertEqual((event.op, event.key, event.before), ("r", key, None))
                self.assertEqual(event.after, exact(image, event.fields), f"{mode}, {table.name}")
                self.assertEqual(set(event.fields), expected_fields(table), f"{mode}, {table.name}")
        self.assertEqual((markers.count("first"), markers.count("last")), (1, 1), mode)

    def compare_stream(self, mode, reader, name):
        everything = []
        for table in TABLES:
            events = without_tombstones(self, reader.records[table.topic(name, self.database)])
            for event in events:
                self.assertEqual((event.source["db"], event.source["schema"], event.source["table"], event.source["snapshot"]),
                                 (self.database, table.schema, table.name, "false"))
            wanted = [event for transaction in self.history.transactions for event in transaction.events
                      if event.table is table]
            compare_table(self, table, events, wanted, f"{mode}, seed {self.seed}")
            everything += events
        compare_order(self, everything, self.history.transactions, f"{mode}, seed {self.seed}")


if __name__ == "__main__":
    unittest.main()
