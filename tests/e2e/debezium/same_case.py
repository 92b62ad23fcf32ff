"""The base of the tests that let a real Debezium and tailrace read one source into one broker, and compare record by record.

What may differ is in docs/debezium-compatibility.md, and differences.py has a rule for each row. All other bytes are compared, of keys,
values, schemas, headers, partitions, and the order of each partition.
"""

import collections
import dataclasses
import os
import re
import shutil
import time

from tests.e2e.case import has_failed
from tests.e2e.debezium.case import DebeziumCase
from tests.e2e.debezium.differences import END_ORDER, END_SENT, END_TIME, Pair, Rules
from tests.e2e.debezium.history import History
from tests.e2e.debezium.more_tables import TICK
from tests.e2e.debezium.trees import AvroForm, JsonForm, differences, record_of
from tests.support.connect import avro_converters
from tests.support.jvm import part
from tests.support.kafka_pipeline import KafkaPipeline
from tests.support.odbc import skip_without_driver
from tests.support.processes import NotReady, private_directory, wait_until
from tests.support.registry import Registry

PARTITIONS = 3
EXAMPLES = 12
# As near to Debezium as tailrace comes: docs/debezium-compatibility.md, "As near as can be".
NEAREST = "objects: raw, nulls: replace_by_default, transaction_metadata: true"
# What Debezium sends goes beside what tailrace does; its names, in schemas and in values, stay.
ROUTE = {"transforms": "beside", "transforms.beside.type": "org.apache.kafka.connect.transforms.RegexRouter",
         "transforms.beside.regex": ".*", "transforms.beside.replacement": "theirs.$0"}


@dataclasses.dataclass
class Participants:
    """A Debezium and a tailrace of one form, and what both sent."""

    name: str
    form: object
    tables: list
    run: object
    theirs: object  # Readers.
    ours: object

    def sides(self):
        """(reader, what stands before topics' names)"""
        return ((self.theirs, "theirs."), (self.ours, ""))

    def records(self, topic):
        return [[record_of(self.form, message) for message in reader.records[before + topic]] for reader, before in self.sides()]


class SameCase(DebeziumCase):
    TABLES = []

    @classmethod
    def setUpClass(cls):
        skip_without_driver()
        part("avro-converter")
        super().setUpClass()
        cls.registry = Registry()
        cls.addClassCleanup(cls.registry.stop)

    def setUp(self):
        super().setUp()
        self.seed = int(os.environ.get("TAILRACE_SEED", time.time_ns() % 10**9))
        self.directory = private_directory("same")
        self.addCleanup(self.remove_directory)
        for schema in sorted({table.schema for table in self.TABLES} - {"dbo"}):
            self.sql(f"CREATE SCHEMA [{schema}]")
        for table in (*self.TABLES, TICK):
            for batch in table.create():
                self.sql(batch)
        self.history = History(self.source, self.TABLES, self.seed)
        self.history.fill()
        for table in (*self.TABLES, TICK):
            self.sql(table.enable())
        # All instances begin before one end of the log, at which the snapshots are taken; nothing of before is left for a stream.
        self.sql("INSERT INTO dbo.tick VALUES (0, 0)")
        self.sql("EXEC sp_sim_control 'scan'")
        self.ticks = 0
        self.rules = Rules()
        self.found = collections.Counter()
        self.examples = {}

    def remove_directory(self):
        if has_failed(self):
            print(f"  logs are kept in {self.directory}")
        else:
            shutil.rmtree(self.directory, ignore_errors=True)

    # Both at work.

    def start(self, name, events="", avro=True, tables=None, debezium=None):
        """`events` are settings of target.events, `debezium` the connector's of the same meaning."""
        tables = tables or self.TABLES
        names = [re.escape(f"{table.schema}.{table.name}") for table in (*tables, TICK)]
        connector = self.deploy(name, **{
            "provide.transaction.metadata": "true", "topic.creation.default.partitions": PARTITIONS,
            "topic.creation.default.replication.factor": 1, **(avro_converters(self.registry) if avro else {}), **ROUTE,
            **({} if tables is self.TABLES else {"table.include.list": ",".join(names)}), **(debezium or {})})
        pipeline = KafkaPipeline(self.simulator, self.broker, self.directory, self.database, name=connector.name,
                                 partitions=PARTITIONS, registry=self.registry.url if avro else None,
                                 include="'*.*'" if tables is self.TABLES else ", ".join(
                                     f"{table.schema}.{table.name}" for table in (*tables, TICK)))
        pipeline.write(events=", ".join(filter(None, ["format: avro" if avro else "format: json, json_schemas: true", NEAREST,
                                                      events])))
        run = pipeline.start()
        self.addCleanup(run.kill)
        topics = [*(table.topic(connector.name, self.database) for table in (*tables, TICK)), f"{connector.name}.transaction"]
        return Participants(connector.name, AvroForm(self.registry) if avro else JsonForm(), tables, run,
                            self.reader([f"theirs.{topic}" for topic in topics], lambda message: message),
                            self.reader(topics, lambda message: message))

    def alive(self, each):
        self.assert_alive()
        if not each.run.running():
            raise NotReady(f"tailrace ended with {each.run.child.returncode}:\n{each.run.log()[-4000:]}")

    def wait(self, each, condition, what):
        """condition(reader, what stands before topics' names) of both sides."""
        for reader, before in each.sides():
            reader.read_until(lambda reader=reader, before=before: condition(reader, before), 240,
                              f"{what} of {before}{each.name}", lambda: self.alive(each))

    def wait_snapshot(self, each):
        rows = 1 + sum(len(self.history.rows[table.name]) for table in each.tables)  # With the tick.
        self.wait(each, lambda reader, _: sum(map(len, reader.records.values())) >= rows, "the snapshot")
        wait_until(lambda: "stream.start" in each.run.log(), 60, "the stream starts", every=0.05)
        return rows

    def tick(self, participants):
        """Everything before it has been sent."""
        self.ticks += 1
        self.sql(f"INSERT INTO dbo.tick VALUES ({self.ticks}, 0)")
        for each in participants:
            topic = TICK.topic(each.name, self.database)
            self.wait(each, lambda reader, before, topic=topic: len(reader.records[before + topic]) > self.ticks,
                      f"tick {self.ticks}")

    def finish(self, participants):
        """tailrace drains; everything that was sent is read."""
        self.tick(participants)
        for each in participants:
            each.run.send(15)
        for each in participants:
            self.assertEqual(each.run.wait(60), 0, each.run.log()[-4000:])
            for reader, _ in each.sides():
                reader.read_to_end()

    # The comparison.

    def compare(self, each, shape=None):
        """How many pairs of records. `shape`: of one of the tables, with the columns that a second capture instance has brought."""
        compared = 0
        tables = [shape if shape and table.name == shape.name else table for table in (*each.tables, TICK)]
        sides = {table.name: each.records(table.topic(each.name, self.database)) for table in tables}
        for table in tables:
            self.assertGreater(len(sides[table.name][1]), 0, table.name)
            compared += self.compare_topic(each, table, sides[table.name])
        return compared + self.compare_transactions(each)

    def compare_topic(self, each, table, sides):
        keyed = any(record.key is not None for record in sides[1])
        pairs = []
        for group in (snapshot_rows, stream_by_partition if keyed else stream_by_place):
            theirs, ours = (group(table, records) for records in sides)
            for place in {**theirs, **ours}:
                counts = [len(side.get(place, [])) for side in (theirs, ours)]
                if counts[0] != counts[1]:
                    self.differ(each, table, f"records of {group.__name__}", f"{place}: {counts[0]} of theirs, {counts[1]} of ours")
                pairs += zip(theirs.get(place, []), ours.get(place, []))
        for their, our in pairs:
            seen = f"{their.value and their.value['op']} of {shorten(their.key)}"
            for path, a, b in self.rules.compare(Pair(their, our, table, each.form)):
                self.differ(each, table, path, f"{shorten(a)} is ours {shorten(b)}, {seen}")
        return len(pairs)

    def compare_transactions(self, each):
        theirs, ours = each.records(f"{each.name}.transaction")
        for partition in range(PARTITIONS):
            here, beside = ([record for record in side if record.partition == partition] for side in (theirs, ours))
            for their, our in zip(here, beside):
                self.fit_end(their, our)
                for name in ("key", "value", "headers"):
                    for path, a, b in differences(getattr(their, name), getattr(our, name), name):
                        self.differ(each, None, f"transaction {path}", f"{shorten(a)} is ours {shorten(b)}")
                for name in ("key_schema", "value_schema"):
                    if not each.form.same_schema(getattr(our, name), getattr(their, name)):
                        self.differ(each, None, f"transaction {name}", f"{getattr(their, name)} is ours {getattr(our, name)}")
            # Of the last transaction Debezium sends END with the next one.
            last = beside[-1:] if len(beside) == len(here) + 1 and beside[-1].value["status"] == "END" else []
            self.rules.used[END_SENT] += len(last)
            if len(here) != len(beside) - len(last):
                self.differ(each, None, "transaction records", f"{len(here)} of theirs, {len(beside)} of ours")
        return len(ours)

    def fit_end(self, their, our):
        if their.value["status"] != "END" or our.value["status"] != "END":
            return
        if their.value["ts_ms"] != our.value["ts_ms"]:
            self.rules.used[END_TIME] += 1
            their.value["ts_ms"] = our.value["ts_ms"]
        by_name = [sorted(side.value["data_collections"], key=lambda found: found["data_collection"]) for side in (their, our)]
        if by_name[0] == by_name[1] and their.value["data_collections"] != our.value["data_collections"]:
            self.rules.used[END_ORDER] += 1
            their.value["data_collections"] = our.value["data_collections"]

    def differ(self, each, table, path, example):
        what = f"{each.name}, {table.name if table else ''}, {re.sub('[0-9]+', 'N', path)}"
        self.found[what] += 1
        self.examples.setdefault(what, example)

    def assert_same(self):
        for rule, count in sorted(self.rules.used.items()):
            self.note(f"  {count:6} times: {rule}")
        if self.found:
            self.fail(f"seed {self.seed}: {sum(self.found.values())} differences that no row allows:\n" + "\n".join(
                f"{count} times {what}:\n    {self.examples[what]}" for what, count in self.found.most_common(EXAMPLES)))


def shorten(value):
    text = str(value)
    return text if len(text) < 700 else f"{text[:500]} ... {text[-150:]}"


def snapshot_rows(table, records):
    """By key: the order of a snapshot's rows is that of whoever reads them."""
    found = {}
    for record in records:
        if not is_streamed(record):
            row = record.value["after"]
            key = [row[column.name if column.name in row else adjusted(column.name)] for column in table.key_columns]
            found.setdefault(str(key), []).append(record)
    return found


def adjusted(name):
    """As schema.name.adjustment.mode avro has it."""
    return re.sub("[^A-Za-z0-9_]", "_", name)


def is_streamed(record):
    return record.value is None or record.value["op"] != "r"


def stream_by_partition(_, records):
    found = {}
    for record in filter(is_streamed, records):
        found.setdefault(record.partition, []).append(record)
    return found


def stream_by_place(_, records):
    """Of a table without a key: in the source's order, whatever partition each went to."""
    streamed = list(filter(is_streamed, records))
    return {"events": sorted((record for record in streamed if record.value is not None), key=lambda record: record.place),
            "tombstones": [record for record in streamed if record.value is None]}
