"""Debezium's incremental snapshot, ordered by a row in the signal table, while the source goes on."""

import dataclasses
import json
import os
import time
import unittest

from tests.e2e.debezium import columns
from tests.e2e.debezium.case import DebeziumCase
from tests.e2e.debezium.events import compare_order, compare_table, decode_json, exact, without_tombstones
from tests.e2e.debezium.history import History
from tests.e2e.debezium.tables import ID, TABLES, Table, by_id

ROWS = 2000
CHUNK = 50
SIGNALS = "dbo.signals"
ITEMS = Table("dbo", "items", ID, by_id, (columns.NUMBERS[3], columns.TEXTS[3], columns.MOMENTS[10]))
# A key of two columns, whose names want brackets. (Signals name tables by regular expressions.)
PAIRS = dataclasses.replace(TABLES[6], schema="dbo", name="pairs")
TICK = Table("dbo", "tick", ID, by_id, (columns.NUMBERS[3],))


class IncrementalSnapshot(DebeziumCase):
    def setUp(self):
        super().setUp()
        self.seed = int(os.environ.get("TAILRACE_SEED", time.time_ns() % 10**9))
        self.sql(f"CREATE TABLE {SIGNALS} (id varchar(42) PRIMARY KEY, type varchar(32) NOT NULL, data varchar(2048) NULL)")
        for table in (ITEMS, PAIRS, TICK):
            for batch in table.create():
                self.sql(batch)
        self.history = History(self.source, [ITEMS, PAIRS], self.seed)
        for table in self.history.tables:
            for first in range(0, ROWS, 500):
                numbers = self.history.new_numbers(table, 500)
                self.history.insert(table, {number: self.history.make_row(table, number, self.history.any_value)
                                            for number in numbers})
        self.history.pending = []
        for table in (ITEMS, PAIRS, TICK):
            self.sql(table.enable())
        self.sql("EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'signals', @role_name = NULL")

    def signal(self, name, *tables):
        data = json.dumps({"type": "incremental", "data-collections": [
            f"{self.database}.{table.schema}.{table.name}" for table in tables]})
        self.sql(f"INSERT INTO {SIGNALS} VALUES ('{name}', 'execute-snapshot', {columns.quoted(data)})")

    def deploy_signalled(self, mode, **settings):
        """Connectors that share a signal table act each on every signal: one connector for each database."""
        return self.deploy(mode, **{
            "data.query.mode": mode, "snapshot.mode": "no_data",
            "signal.data.collection": f"{self.database}.{SIGNALS}", "incremental.snapshot.chunk.size": CHUNK,
            "notification.enabled.channels": "sink", "notification.sink.topic.name": f"notes.{mode}{self.number}",
            "heartbeat.interval.ms": 100, **settings})

    def run_snapshot(self, mode, **settings):
        connector = self.deploy_signalled(mode, **settings)
        name = connector.name
        topics = {table: table.topic(name, self.database) for table in (ITEMS, PAIRS, TICK)}
        reader = self.reader(topics.values())
        notes = self.reader([f"notes.{name}"], decode_json)

        def noted(what, kind):
            return [value for _, value in notes.records[f"notes.{name}"]
                    if (value["aggregate_type"], value["type"]) == (what, kind)]

        # It has its place in the log now. What was changed before would not be in the stream.
        self.read_until(notes, lambda: noted("Initial Snapshot", "COMPLETED"), "the schema is read")
        before = {table: dict(self.history.rows[table.name]) for table in self.history.tables}
        self.signal("one", *self.history.tables)

        def goes_on(condition):
            for _ in range(5):
                self.history.one_transaction()
            return condition()

        self.read_until(reader, lambda: goes_on(lambda: sum(map(len, reader.records.values())) > ROWS), "half of it is there")
        connector.restart()  # It goes on with the chunk that its offset tells of.
        self.read_until(notes, lambda: goes_on(lambda: noted("Incremental Snapshot", "COMPLETED")), "the snapshot is complete")
        self.history.change(100)
        self.sql("INSERT INTO dbo.tick VALUES (1, 0)")
        self.read_until(reader, lambda: reader.records[topics[TICK]], "the tick")
        reader.read_to_end()
        everything = []
        snapshot_rows = 0
        for table in self.history.tables:
            events = without_tombstones(self, reader.records[topics[table]])
            snapshot_rows += self.check_rows(table, events, before[table])
            changes = [event for event in events if event.op != "r"]
            wanted = [event for transaction in self.history.transactions for event in transaction.events
                      if event.table is table]
            compare_table(self, table, changes, wanted, f"{mode}, seed {self.seed}")
            everything += changes
        compare_order(self, everything, self.history.transactions, f"{mode}, seed {self.seed}")
        heartbeats = self.reader([f"__debezium-heartbeat.{name}"], decode_json)
        heartbeats.read_to_end()
        self.assertTrue(heartbeats.records[f"__debezium-heartbeat.{name}"])
        self.note(f"{mode}, seed {self.seed}: {snapshot_rows} rows of {2 * ROWS} and of new ones by chunks of {CHUNK}, amid "
                  f"{self.history.count()} changes")

    def check_rows(self, table, events, before):
        """Each row of the chunks is one that the table held at some time; all events together give the table as it is."""
        versions = {}
        for number, row in before.items():
            versions.setdefault(json.dumps(self.history.key_json(table, row)), []).append(self.history.image(table, row))
        for transaction in self.history.transactions:
            for event in transaction.events:
                if event.table is table and event.after is not None:
                    versions.setdefault(json.dumps(event.key), []).append(event.after)
        shown, rows = {}, 0
        for event in events:
            key = json.dumps(event.key)
            if event.op == "r":
                rows += 1
                self.assertEqual(event.source["snapshot"], "incremental")
                self.assertIn(event.after, [exact(image, event.fields) for image in versions.get(key, [])])
            if event.op == "d":
                shown.pop(key, None)
            else:
                shown[key] = event.after
        wanted = {json.dumps(key): image for key, image in self.history.snapshot(table)}
        self.assertEqual(shown, wanted, f"{table.name}, seed {self.seed}")
        self.assertGreater(rows, ROWS // 2, "chunks deliver rows")
        return rows

    def test_chunks_amid_changes_give_the_table(self):
        self.run_snapshot("direct")

    # The other way of marking a window deletes the mark again; and the functions see the marks as well.
    def test_chunks_amid_changes_give_the_table_in_function_mode(self):
        self.run_snapshot("function", **{"incremental.snapshot.watermarking.strategy": "insert_delete"})


if __name__ == "__main__":
    unittest.main()
