"""A column is added, a second capture instance made, and Debezium goes over to it at the instance's first LSN."""

import dataclasses
import json
import os
import time
import unittest

from tests.e2e.debezium import columns
from tests.e2e.debezium.case import DebeziumCase
from tests.e2e.debezium.events import compare_order, compare_table, decode_json, without_tombstones
from tests.e2e.debezium.history import NULL, History
from tests.e2e.debezium.tables import ID, Table, by_id

OLD = Table("dbo", "things", ID, by_id, (columns.NUMBERS[3], columns.TEXTS[3]))
NEW = dataclasses.replace(OLD, columns=(*OLD.columns, columns.NUMBERS[5], columns.LARGE_TEXTS[0]))
ADDED = ["c_decimal", "c_varchar_max"]
TICK = Table("dbo", "tick", ID, by_id, (columns.NUMBERS[3],))


class SchemaChange(DebeziumCase):
    def setUp(self):
        super().setUp()
        self.seed = int(os.environ.get("TAILRACE_SEED", time.time_ns() % 10**9))
        for table in (OLD, TICK):
            for batch in table.create():
                self.sql(batch)
        self.old = History(self.source, [OLD], self.seed)
        self.old.fill()
        for table in (OLD, TICK):
            self.sql(table.enable())

    def add_columns(self):
        for column in NEW.columns[len(OLD.columns):]:
            self.sql(f"ALTER TABLE dbo.things ADD {column.name} {column.declaration} NULL")

    def history_of_new(self):
        """The rows as the model knows them, with NULL in the new columns."""
        new = History(self.source, [NEW], self.seed + 1)
        new.next_number = dict(self.old.next_number)
        new.rows["things"] = {number: {**row, **dict.fromkeys(ADDED, NULL)}
                              for number, row in self.old.rows["things"].items()}
        return new

    def test_debezium_goes_over_to_the_second_instance(self):
        modes = ["direct", "function"]
        names, readers, notes = {}, {}, {}
        for mode in modes:
            connector = self.deploy(mode, **{"data.query.mode": mode, "notification.enabled.channels": "sink",
                                             "notification.sink.topic.name": f"notes.{mode}{self.number}"})
            names[mode] = connector.name
            readers[mode] = self.reader([OLD.topic(connector.name, self.database), TICK.topic(connector.name, self.database)])
            notes[mode] = self.reader([f"notes.{connector.name}"], decode_json)
        for mode in modes:
            self.wait_note(notes[mode], names[mode], "Initial Snapshot")
        self.old.change(150)
        self.add_columns()
        # The new columns' values are in no change table as long as there is the first instance alone.
        self.sql("UPDATE dbo.things SET c_decimal = 1.5, c_varchar_max = 'lost'")
        self.old.change(50)
        self.sql("UPDATE dbo.things SET c_decimal = NULL, c_varchar_max = NULL")
        self.new = self.history_of_new()
        self.sql(NEW.enable("things again"))
        self.new.change(150)
        for mode in modes:
            # Debezium's word that it will not read the first instance any more.
            note = self.wait_note(notes[mode], names[mode], "Capture Instance")
            self.assertEqual(note["additional_data"]["capture_instance"], "dbo_things")
        # It may still have the change table in a list of its own: in direct mode its end would be the task's.
        for connector in self.connectors:
            connector.stop()
        self.sql("EXEC sys.sp_cdc_disable_table @source_schema = N'dbo', @source_name = N'things', "
                 "@capture_instance = N'dbo_things'")
        self.new.change(50)
        for connector in self.connectors:
            connector.resume()  # It reads the schema's history.
        self.new.change(50)
        self.sql("INSERT INTO dbo.tick VALUES (1, 0)")
        for mode in modes:
            tick = TICK.topic(names[mode], self.database)
            self.read_until(readers[mode], lambda mode=mode, tick=tick: readers[mode].records[tick], f"{mode}'s tick")
            readers[mode].read_to_end()
            self.compare(mode, readers[mode].records[OLD.topic(names[mode], self.database)])
            self.check_schema_topics(names[mode])
        self.note(f"seed {self.seed}: {self.old.count()} events of the first instance, {self.new.count()} of the second")

    def wait_note(self, reader, name, what):
        def found():
            return [value for _, value in reader.records[f"notes.{name}"]
                    if (value["aggregate_type"], value["type"]) == (what, "COMPLETED")]

        return self.read_until(reader, found, f"{name} says that the {what} is complete")[0]

    def compare(self, mode, records):
        events = without_tombstones(self, records)
        events = [event for event in events if event.op != "r"]
        count = self.old.count()
        for table, history, part in ((OLD, self.old, events[:count]), (NEW, self.new, events[count:])):
            wanted = [event for transaction in history.transactions for event in transaction.events]
            compare_table(self, table, part, wanted, f"{mode}, seed {self.seed}")
        compare_order(self, events, self.old.transactions + self.new.transactions, f"{mode}, seed {self.seed}")

    def check_schema_topics(self, name):
        """The history that Debezium restores itself from, and the topic for others: both have the table's second shape."""
        history = self.reader([f"history.{name}"], lambda message: json.loads(message.value()))
        changes = self.reader([name], lambda message: json.loads(message.value())["payload"])
        for reader, topic in ((history, f"history.{name}"), (changes, name)):
            reader.read_to_end()
            shapes = [(change["type"], [column["name"] for column in change["table"]["columns"]])
                      for record in reader.records[topic] for change in record["tableChanges"]
                      if change["id"].endswith('"things"')]
            names = [column.name for column in NEW.captured]
            self.assertEqual([shape[1] for shape in shapes if shape[0] == "CREATE"], [names[:-len(ADDED)]], topic)
            self.assertEqual(shapes[-1], ("ALTER", names), topic)


if __name__ == "__main__":
    unittest.main()
