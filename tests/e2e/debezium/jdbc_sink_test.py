"""tailrace's topics feed the real Debezium JDBC sink, which makes the tables and keeps them: PostgreSQL equals the source, row by row.

tailrace is killed meanwhile. Avro by a real registry, and JSON with schemas, each into a database of its own.
"""

import dataclasses
import os
import random
import shutil
import time
import unittest

from tests.e2e.case import has_failed
from tests.e2e.debezium import columns
from tests.e2e.debezium.case import DebeziumCase
from tests.e2e.debezium.columns import UNAVAILABLE
from tests.e2e.debezium.history import History
from tests.e2e.debezium.tables import ID, NUMBER, TABLES, Table, by_id
from tests.support import canonical, compare
from tests.support.connect import Connector, avro_converters
from tests.support.jvm import part
from tests.support.kafka_pipeline import KafkaPipeline
from tests.support.odbc import skip_without_driver
from tests.support.postgres import Postgres
from tests.support.processes import NotReady, private_directory, wait_until
from tests.support.registry import Registry

EVENTS = 1500
KILLS = 3
FORMATS = {"avro": "format: avro", "json": "format: json, json_schemas: true"}
SPREAD = Table("dbo", "spread", ID, by_id, (NUMBER, *columns.LARGE_TEXTS, *columns.BYTES))
# What the sink cannot carry, and why. The tables and values of the others are all those of tables.py.
NOT_CARRIED = {
    "heap": "upserts want a key",
    "a ]table. %ü_": "the sink wants names that PostgreSQL's catalog finds as patterns",
    "the seventh digit of time(7), datetime2(7), datetimeoffset(7)": "PostgreSQL has six, and the sink leaves it to round: "
                                                                     "23:59:59.9999999 is 00:00:00 then",
    "-0.0 in JSON": "Connect's JsonConverter reads numbers as BigDecimal, which has one zero",
}
SIX_DIGITS = {
    "c_time7": ("'23:59:59.999999'", "'00:00:00.000001'"),
    "c_datetime2_7": ("'1678-01-01T00:00:00.000001'", "'2262-01-01T23:59:59.999999'", "'1969-12-31T23:59:59.999999'"),
    "c_datetimeoffset7": ("'2000-01-01T00:00:00.123456-03:30'", "'9999-12-31T09:59:59.999999-14:00'"),
}


def of_six_digits(table):
    return dataclasses.replace(table, columns=tuple(
        dataclasses.replace(column, values=tuple((literal, literal) for literal in SIX_DIGITS[column.name]))
        if column.name in SIX_DIGITS else column for column in table.columns))


# large_texts and bytes are in SPREAD.
SINKABLE = [of_six_digits(table) for table in TABLES
            if table.name not in NOT_CARRIED and table.name not in ("large_texts", "bytes")] + [SPREAD]
# By the literal that the history wrote: as tailrace says it (docs/types.md). canonical.py has no form for these types.
OBJECTS = {
    "'/'": "/", "'/1/'": "/1/", "'/1/1/'": "/1/1/",
    "geometry::STGeomFromText('POINT (1 2)', 0)": "POINT (1 2)",
    "geometry::STGeomFromText('POINT (1 2)', 3857)": "SRID=3857;POINT (1 2)",
    "geography::STGeomFromText('POINT (1 2)', 4326)": "SRID=4326;POINT (1 2)",
    "NULL": None,
}
ONE_ZERO = {"80000000": "00000000", "8000000000000000": "0000000000000000"}  # As canonical.py writes them.
OBJECT_TYPES = ("sql_variant", "hierarchyid", "geometry", "geography")


class Placeholders(History):
    """Expects of an update what tailrace sends: the placeholder for every large value that was left alone."""

    def update_images(self, table, old, new, changed):
        before, after = super().update_images(table, old, new, changed)
        for column in table.captured:
            if column.large and column.name not in changed:
                after[column.name] = UNAVAILABLE
        return before, after

    def left_alone(self, table):
        """key -> the large columns whose last event had the placeholder: the sink writes that as any other value."""
        found = {}
        for event in (event for transaction in self.transactions for event in transaction.events if event.table is table):
            key = str(list(event.key.values()))
            found.pop(key, None)
            if event.after is not None:
                found[key] = {name for name, value in event.after.items() if value == UNAVAILABLE}
        return found


class JdbcSink(DebeziumCase):
    @classmethod
    def setUpClass(cls):
        skip_without_driver()
        part("avro-converter")
        part("debezium-jdbc")
        super().setUpClass()
        cls.registry = Registry()
        cls.addClassCleanup(cls.registry.stop)
        cls.postgres = Postgres()
        cls.addClassCleanup(cls.postgres.stop)

    def setUp(self):
        super().setUp()
        self.seed = int(os.environ.get("TAILRACE_SEED", time.time_ns() % 10**9))
        self.random = random.Random(self.seed)
        self.directory = private_directory("jdbc-sink")
        self.addCleanup(self.remove_directory)
        self.sql("CREATE SCHEMA sales")
        for table in SINKABLE:
            for batch in table.create():
                self.sql(batch)
        self.history = Placeholders(self.source, SINKABLE, self.seed)
        self.history.fill()
        for table in SINKABLE:
            self.sql(table.enable())
        self.sql("EXEC sp_sim_control 'scan'")
        self.feeds, self.runs = {}, {}

    def remove_directory(self):
        if has_failed(self):
            print(f"  logs are kept in {self.directory}")
        else:
            shutil.rmtree(self.directory, ignore_errors=True)

    def start_feed(self, name):
        self.runs[name] = self.feeds[name].start()
        self.addCleanup(self.runs[name].kill)

    def make_feed(self, name):
        prefix = f"{name}feed{self.number}"
        self.feeds[name] = KafkaPipeline(self.simulator, self.broker, self.directory, self.database, name=prefix,
                                         include="'*.*'", registry=self.registry.url if name == "avro" else None)
        self.feeds[name].write(events=FORMATS[name])
        self.start_feed(name)
        topics = [table.topic(prefix, self.database) for table in SINKABLE]

        def are_there():
            self.alive()
            return set(topics) <= set(self.broker.topics())

        wait_until(are_there, 60, "tailrace's topics are there", every=0.1)
        return topics

    def make_sink(self, name, topics):
        self.postgres.create_database(self.target(name))
        connector = Connector(self.worker, f"{name}sink{self.number}", {
            "connector.class": "io.debezium.connector.jdbc.JdbcSinkConnector",
            "tasks.max": 1,
            "topics": ",".join(topics),
            "connection.url": f"jdbc:{self.postgres.url(self.target(name))}",
            "connection.username": self.postgres.user,
            "connection.password": self.postgres.password,
            "insert.mode": "upsert",
            "delete.enabled": "true",
            "primary.key.mode": "record_key",
            "schema.evolution": "basic",
            "collection.name.format": "${source.table}",
            "quote.identifiers": "true",
            "consumer.override.isolation.level": "read_committed",
            "consumer.override.auto.offset.reset": "earliest",
            # What the sink refuses must fail the test, not be tried again.
            "flush.max.retries": 0,
            **(avro_converters(self.registry) if name == "avro" else {}),
        }).deploy()
        self.connectors.append(connector)
        self.addCleanup(self.delete, connector)

    def target(self, name):
        return f"{self.database}_{name}"

    def alive(self):
        self.assert_alive()
        for run in self.runs.values():
            if not run.running():
                raise NotReady(f"tailrace ended with {run.child.returncode}:\n{run.log()[-4000:]}")

    def test_postgres_equals_the_source(self):
        for name in FORMATS:
            self.make_sink(name, self.make_feed(name))
        self.wait_same("the snapshot is there")
        for _ in range(KILLS):
            self.history.change(EVENTS // (KILLS + 1))
            time.sleep(self.random.uniform(0, 0.5))  # A kill at any moment, of a seed.
            for name in FORMATS:
                self.runs[name].kill()
                self.start_feed(name)
        self.history.change(EVENTS - self.history.count())
        self.wait_same("the changes are there")
        for run in self.runs.values():
            run.send(15)
            self.assertEqual(run.wait(60), 0, run.log()[-4000:])
        left = sum(len(names) for table in SINKABLE for names in self.history.left_alone(table).values())
        rows = sum(len(rows) for rows in self.history.rows.values())
        self.note(f"seed {self.seed} (TAILRACE_SEED={self.seed} repeats it): {rows} rows after {self.history.count()} events and "
                  f"{KILLS} kills of each tailrace are the source's in {' and '.join(FORMATS)}; {left} placeholders in them")

    # Both sides.

    def wait_same(self, what):
        problems = []

        def are_same():
            self.alive()
            problems[:] = [f"{name}, {table.name}: {problem}" for name in FORMATS for table in SINKABLE
                           for problem in self.compare(name, table)[:3]]
            return not problems

        try:
            wait_until(are_same, 180, what, every=0.5)
        except NotReady as failure:
            raise NotReady(f"seed {self.seed}: {failure}\n" + "\n".join(problems[:30])) from None

    def compare(self, name, table):
        with self.simulator.connect(self.database) as source:
            found = next(each for each in compare.tracked_tables(source) if each.name == table.name)
            objects = [column for column in found.columns if column[1] in OBJECT_TYPES]
            names = [column.name for column in table.key_columns]
            found = dataclasses.replace(found, target_schema="public", key=names, columns=[
                each for each in found.columns if each not in objects and each[0] not in table.not_captured])
            wanted = compare.keyed(compare.source_lines(source, found), found)
        if name == "json":
            wanted = {key: [ONE_ZERO.get(field, field) for field in fields] for key, fields in wanted.items()}
        self.expect_placeholders(table, found, wanted)
        with self.postgres.connect(self.target(name)) as target:
            if not target.execute("SELECT to_regclass(%s)", [found.target_name]).fetchone()[0]:
                return ["the sink has made no table"]
            got = compare.keyed(compare.target_lines(target, found), found)
            problems = [f"{key}: {wanted.get(key)} is {got.get(key)}" for key in {**wanted, **got} if wanted.get(key) != got.get(key)]
            return problems + (self.compare_objects(target, table, [column for column, _, _ in objects]) if objects else [])

    def expect_placeholders(self, table, found, wanted):
        """In what the source has."""
        types = {name: kind for name, kind, _ in found.columns}
        positions = {name: number for number, (name, _, _) in enumerate(found.columns)}
        for key, names in self.history.left_alone(table).items():
            for name in names & types.keys():
                convert = canonical.source_converter(types[name], 0)
                value = UNAVAILABLE.encode() if types[name] in ("varbinary", "image") else UNAVAILABLE
                wanted[self.key_text(key)][positions[name]] = convert(value)

    @staticmethod
    def key_text(key):
        return key.removeprefix("[").removesuffix("]").strip("'").lower()

    def compare_objects(self, target, table, names):
        """Of types that canonical.py does not know: by what the history wrote."""
        left = self.history.left_alone(table)
        wanted = {}
        for row in self.history.rows[table.name].values():
            key = row["id"][1]
            unchanged = left.get(str([key]), ())
            # A column that Debezium does not send is NULL in the history's rows.
            wanted[key] = tuple(UNAVAILABLE if name in unchanged else OBJECTS[row[name][0] if name in row else "NULL"] for name in names)
        quoted = ", ".join(compare.quote(name) for name in ["id", *names])
        got = {row[0]: row[1:] for row in target.execute(f'SELECT {quoted} FROM "{table.name}"')}
        return [f"{key}: {wanted.get(key)} is {got.get(key)}" for key in {**wanted, **got} if wanted.get(key) != got.get(key)]


if __name__ == "__main__":
    unittest.main()
