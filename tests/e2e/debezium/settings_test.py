"""Debezium's other settings that change what it asks the server: each takes its own snapshot and streams the same changes."""

import os
import time
import unittest

from tests.e2e.debezium import columns
from tests.e2e.debezium.case import DebeziumCase
from tests.e2e.debezium.events import compare_table, without_tombstones
from tests.e2e.debezium.history import History
from tests.e2e.debezium.tables import ID, Table, by_id
from tests.support.simulator import run_sql

ITEMS = Table("dbo", "items", ID, by_id, (columns.NUMBERS[3], columns.TEXTS[3]))
TICK = Table("dbo", "tick", ID, by_id, (columns.NUMBERS[3],))
TOP_ROWS = 2
SETTINGS = {
    "exclusive": {"snapshot.isolation.mode": "exclusive", "max.iteration.transactions": 0},
    "committed": {"snapshot.isolation.mode": "read_committed", "heartbeat.interval.ms": 100,
                  "heartbeat.action.query": "UPDATE dbo.beats SET n = n + 1"},
    "uncommitted": {"snapshot.isolation.mode": "read_uncommitted", "snapshot.max.threads": 3,
                    "snapshot.tables.order.by.row.count": "descending"},
    "unlocked": {"snapshot.locking.mode": "none", "streaming.fetch.size": 7, "max.iteration.transactions": 1},
    "readonly": {"driver.applicationIntent": "ReadOnly", "snapshot.mode": "when_needed"},
    "chosen": {"snapshot.select.statement.overrides": "dbo.items",
               "snapshot.select.statement.overrides.dbo.items": f"SELECT * FROM dbo.items WHERE id <= {TOP_ROWS}"},
    "skipped": {"skipped.operations": "u,d", "table.include.list": "dbo.items,dbo.tick"},
    # A login that may do what Debezium's documents ask for, and no more.
    "limited": {"database.user": "reader", "database.password": "Reader-1"},
}


class Settings(DebeziumCase):
    def setUp(self):
        super().setUp()
        self.seed = int(os.environ.get("TAILRACE_SEED", time.time_ns() % 10**9))
        self.make_tables(self.source)
        self.history = History(self.source, [ITEMS], self.seed)
        self.history.fill()
        self.sql("CREATE TABLE dbo.beats (n int); INSERT INTO dbo.beats VALUES (0)")

    @staticmethod
    def make_tables(connection):
        for table in (ITEMS, TICK):
            for batch in (*table.create(), table.enable()):
                run_sql(connection, batch)

    def make_reader(self):
        with self.simulator.connect() as master:
            run_sql(master, "CREATE LOGIN reader WITH PASSWORD = 'Reader-1'")
            run_sql(master, "GRANT VIEW SERVER STATE TO reader")
        self.sql("CREATE USER reader FOR LOGIN reader; ALTER ROLE db_datareader ADD MEMBER reader; "
                 "GRANT VIEW DATABASE STATE TO reader")

    def wait_captured(self):
        """So that no change of before the snapshot is streamed after it."""
        self.sql("EXEC sp_sim_control 'scan'")

    def test_each_way_of_reading_gives_the_same_changes(self):
        self.make_reader()
        self.wait_captured()
        rows = sum(map(len, self.history.rows.values()))
        readers = {}
        for name, settings in SETTINGS.items():
            prefix = self.deploy(name, **settings).name
            readers[name] = (self.reader([ITEMS.topic(prefix, self.database), TICK.topic(prefix, self.database)]), prefix)
        for name, (reader, prefix) in readers.items():
            topic = ITEMS.topic(prefix, self.database)
            wanted = TOP_ROWS if name == "chosen" else rows
            self.read_until(reader, lambda reader=reader, topic=topic, wanted=wanted: len(reader.records[topic]) >= wanted,
                            f"the snapshot of {name}")
        self.history.change(100)
        self.sql("INSERT INTO dbo.tick VALUES (1, 0)")
        changes = [event for transaction in self.history.transactions for event in transaction.events]
        for name, (reader, prefix) in readers.items():
            tick = TICK.topic(prefix, self.database)
            self.read_until(reader, lambda reader=reader, tick=tick: reader.records[tick], f"the tick of {name}")
            reader.read_to_end()
            events = without_tombstones(self, reader.records[ITEMS.topic(prefix, self.database)])
            self.assertEqual(sum(event.op == "r" for event in events), TOP_ROWS if name == "chosen" else rows, name)
            wanted = [event for event in changes if event.op == "c"] if name == "skipped" else changes
            compare_table(self, ITEMS, [event for event in events if event.op != "r"], wanted, f"{name}, seed {self.seed}")
        self.assertGreater(run_sql(self.source, "SELECT n FROM dbo.beats")[0][0], 0, "heartbeat.action.query has run")

    # Of several databases all statements have names of three parts, and the login's database is another one.
    def test_one_connector_reads_two_databases(self):
        other = f"Other{self.number}"
        with self.simulator.connect() as master:
            run_sql(master, f"CREATE DATABASE {other}")
        source = self.simulator.connect(other)
        self.addCleanup(source.close)
        run_sql(source, "EXEC sys.sp_cdc_enable_db")
        self.make_tables(source)
        histories = {self.database: self.history, other: History(source, [ITEMS], self.seed + 1)}
        histories[other].fill()
        for history in histories.values():
            history.execute("EXEC sp_sim_control 'scan'")
        # Names match without regard to case, and are written as the server spells them.
        names = f"{self.database.upper()},{other.lower()}"
        prefix = self.deploy("two", **{"database.names": names, "tasks.max": 1}).name
        readers = {name: self.reader([ITEMS.topic(prefix, name), TICK.topic(prefix, name)]) for name in histories}
        for name, reader in readers.items():
            rows = len(histories[name].rows["items"])
            self.read_until(reader, lambda reader=reader, rows=rows: sum(map(len, reader.records.values())) >= rows,
                            f"{name}'s snapshot")
        for name, history in histories.items():
            history.change(50)
            history.execute("INSERT INTO dbo.tick VALUES (1, 0)")
        for name, reader in readers.items():
            tick = TICK.topic(prefix, name)
            self.read_until(reader, lambda reader=reader, tick=tick: reader.records[tick], f"{name}'s tick")
            reader.read_to_end()
            events = without_tombstones(self, reader.records[ITEMS.topic(prefix, name)])
            wanted = [event for transaction in histories[name].transactions for event in transaction.events]
            compare_table(self, ITEMS, [event for event in events if event.op != "r"], wanted, f"{name}, seed {self.seed}")


if __name__ == "__main__":
    unittest.main()
