"""A real Debezium and tailrace make the same records of the same history: Avro by one registry, and JSON with schemas."""

import time
import unittest

from tests.e2e.debezium.differences import BY_CHANCE, NOT_SHOWN, RULES, SETTINGS, rows_of_document
from tests.e2e.debezium.history import NULL
from tests.e2e.debezium.more_tables import ADDED, ALL_TABLES, NEW_THINGS, OLD_THINGS
from tests.e2e.debezium.same_case import SameCase

EVENTS = 5000


class SameEvents(SameCase):
    TABLES = ALL_TABLES

    def add_columns(self):
        for column in ADDED:
            self.sql(f"ALTER TABLE dbo.things ADD {column.name} {column.declaration} NULL")

    def add_instance(self):
        """A second one, which holds the new columns."""
        self.sql(NEW_THINGS.enable("things again"))
        rows = self.history.rows["things"]
        for number, row in rows.items():
            rows[number] = {**row, **{column.name: NULL for column in ADDED}}
        self.history.tables = [NEW_THINGS if table is OLD_THINGS else table for table in self.history.tables]

    # Without this the document could list what no test has seen, and the test allow what nobody has been told.
    def assert_documented(self):
        self.assertEqual(sorted(rows_of_document()), sorted([*RULES, *SETTINGS, *NOT_SHOWN]))
        self.assertEqual([rule for rule in RULES if not self.rules.used[rule] and rule not in BY_CHANCE], [], f"seed {self.seed}: nothing showed these")

    def test_each_record_is_debezium_s(self):
        started = time.monotonic()
        # Some names of the tables are none to Avro.
        adjusted = {"schema.name.adjustment.mode": "avro", "field.name.adjustment.mode": "avro"}
        participants = [self.start("avro", "schema_names: avro, field_names: avro", debezium=adjusted), self.start("json", avro=False)]
        rows = [self.wait_snapshot(each) for each in participants][0]
        self.history.change(EVENTS // 2)
        self.add_columns()
        self.tick(participants)
        self.add_instance()
        self.history.change(EVENTS - self.history.count())
        self.finish(participants)
        sent = time.monotonic()
        compared = sum(self.compare(each, NEW_THINGS) for each in participants)
        self.note(f"seed {self.seed} (TAILRACE_SEED={self.seed} repeats it): {compared} pairs of records of {rows} rows of snapshot and "
                  f"{self.history.count()} events of {len(self.history.transactions)} transactions, in Avro and in JSON; sent within "
                  f"{sent - started:.0f} s, compared in {time.monotonic() - sent:.0f} s; allowed were")
        self.assert_same()
        self.assert_documented()


if __name__ == "__main__":
    unittest.main()
