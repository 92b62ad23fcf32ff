"""What the settings make of events: a snapshot of a part of the rows, columns that are hidden, the topic of schema changes."""

import collections
import hashlib
import json

from tests.e2e.kafka.case import ROWS, KafkaCase, Ledger
from tests.support.kafka import TopicReader

SALT = "a salt of the test"
EVENTS = ("format: json, json_schemas: false, schema_changes: true, truncated_columns: {'dbo.items.t': 3}, "
          "hashed_columns: {texts: {columns: ['.*hidden'], salt: '%s'}}" % SALT)


class Events(KafkaCase):
    def create_tables(self):
        super().create_tables()
        self.sql("CREATE TABLE dbo.people (id int NOT NULL PRIMARY KEY, hidden nvarchar(200) NULL)")
        self.enable("people")
        self.sql("INSERT INTO dbo.people VALUES (1, N'Ω'), (2, NULL)")

    def filtered(self, condition):
        """The configuration with the filter, in the section of tables."""
        text = self.pipeline.config.read_text(encoding="utf-8")
        include = next(line for line in text.splitlines() if line.startswith("  include:"))
        return text.replace(include, f"{include}\n  settings: {{ dbo.items: {{ snapshot_filter: {json.dumps(condition)} }} }}")

    def rows_of(self, topic, count):
        reader = TopicReader(self.broker, [topic], lambda message: (json.loads(message.key()), json.loads(message.value())))
        self.addCleanup(reader.close)
        return reader.read_until(lambda: len(reader.records[topic]) >= count and list(reader.records[topic]), 30, topic)

    # Bounds are found among the rows that are taken: a chunk has its rows, and nothing lies between two of them.
    def test_a_snapshot_takes_the_rows_of_its_filter(self):
        self.pipeline.write(self.filtered("id % 7 = 0 OR v > 1850 -- a comment"))
        run = self.start_streaming()
        ledger = Ledger(self, seed=11)
        self.finish(run, ledger)
        wanted = collections.Counter(number for number in range(1, ROWS + 1) if number % 7 == 0 or number > 1850)
        self.assertEqual(self.snapshot_ids(), wanted)

    # A wrong one would be found in the first chunk, with the topics already made.
    def test_a_filter_that_is_none_is_found_by_the_check(self):
        self.pipeline.write(self.filtered("no_such_column = 1"))
        done = self.pipeline.call("check", "--format", "json")
        self.assertIn("table.snapshot_filter", done.stdout)
        self.assertIn("no_such_column", done.stdout)
        self.assertNotEqual(done.returncode, 0)

    # A table that holds a part of the rows would fail at the first change of another, or lose it.
    def test_a_filter_is_refused_where_rows_are_applied(self):
        self.pipeline.write(self.filtered("id = 1").replace("  type: kafka\n", "  type: postgres\n"))
        done = self.pipeline.call("check")
        self.assertEqual(done.returncode, 2, done.stdout)
        self.assertIn("snapshot_filter: is served with target.type: kafka alone", done.stderr)

    def test_columns_are_hidden_and_tables_described(self):
        self.pipeline.write(events=EVENTS)
        run = self.start_streaming()
        self.sql("UPDATE dbo.people SET hidden = N'other' WHERE id = 1")
        events = self.rows_of(f"{self.name}.{self.database}.dbo.people", 3)
        hashed = {text: hashlib.sha256((SALT + text).encode()).hexdigest() for text in ("Ω", "other")}
        self.assertEqual(sorted((key["id"], event["op"], event["after"]["hidden"]) for key, event in events),
                         [(1, "r", hashed["Ω"]), (1, "u", hashed["other"]), (2, "r", None)])
        self.reader.read_until(lambda: len(self.records()) >= ROWS, 60, "the snapshot", self.alive(run))
        self.assertEqual({event["after"]["t"] for _, event, _, _ in self.records()}, {"Zei"})
        self.assertNotIn(SALT, run.log())
        self.drain(run)
        changes = [change["tableChanges"][0] for _, change in self.rows_of(self.name, 2)]
        self.assertEqual(sorted((change["type"], change["id"]) for change in changes),
                         [("CREATE", f'"{self.database}"."dbo"."items"'), ("CREATE", f'"{self.database}"."dbo"."people"')])
