"""SQL Server to Kafka to PostgreSQL, tailrace at both ends: the target is what direct mode would have made of it."""

import os
import random
import time
import unittest

from tests.e2e.debezium.tables import TABLES
from tests.e2e.kafka_sink.case import GUIDS, KafkaSinkCase
from tests.support.kafka_pipeline import KafkaPipeline
from tests.support.pipeline import Pipeline
from tests.support.processes import NotReady, wait_until

# Of the objects a uniqueidentifier alone: the others are shown in forms that the comparison does not know.
CHAIN = [table for table in TABLES if table.name in ("numbers", "moments", "texts", "large_texts", "bytes")] + [GUIDS]


class Chain(KafkaSinkCase):
    TABLES = CHAIN

    def setUp(self):
        super().setUp()
        self.seed = int(os.environ.get("TAILRACE_SEED", time.time_ns() % 10**9))
        self.note(f"seed {self.seed} (TAILRACE_SEED={self.seed} repeats it)")
        self.random = random.Random(self.seed)
        self.history = self.make_history(self.seed)
        self.feed = KafkaPipeline(self.simulator, self.broker, self.directory, self.database, name=f"chain{self.number}")
        self.feed.write(**{"events": "format: json, json_schemas: true"})

    def make_tables(self, target):
        """As direct mode makes them."""
        direct = Pipeline(self.simulator, self.postgres, self.directory, self.database, target=target, name="ddl")
        made = direct.call("schema", "--apply")
        self.assertEqual(made.returncode, 0, made.stdout + made.stderr)

    def columns(self, database):
        """(table, column, type, may be NULL) of all tables but the pipeline's own."""
        with self.postgres.connect(database) as connection:
            return set(connection.execute(
                "SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull FROM pg_attribute AS a "
                "JOIN pg_class AS c ON c.oid = a.attrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace "
                "WHERE a.attnum > 0 AND c.relkind = 'r' AND n.nspname = 'public'").fetchall())

    def start_feed(self, *words):
        run = self.feed.start(*words)
        self.addCleanup(run.kill)
        return run

    def wait_for_topics(self, run):
        topics = [table.topic(f"chain{self.number}", self.database) for table in CHAIN]

        def are_there():
            if not run.running():
                raise NotReady(f"tailrace ended with {run.child.returncode}:\n{run.log()[-4000:]}")
            return set(topics) <= set(self.broker.topics())

        wait_until(are_there, 60, "the topics are there", every=0.1)
        return topics

    def test_every_type_arrives_as_the_source_has_it(self):
        # Events say less of a column's type than direct mode knows: the tables are direct mode's own.
        self.make_tables(self.database)
        feed = self.start_feed()
        run = self.start(self.write_config(self.wait_for_topics(feed)))
        self.assert_same(CHAIN, [feed, run])
        self.history.change(1000)
        self.assert_same(CHAIN, [feed, run])
        for each in (feed, run):
            self.drain(each)

    # Whoever has no SQL Server at hand to ask would else get text for varchar(20), and numeric without its digits.
    def test_columns_are_direct_mode_s_where_types_are_told(self):
        self.feed.write(events="format: json, json_schemas: true, typed_columns: ['.*']")
        direct = f"{self.database}_direct"
        self.postgres.create_database(direct)
        self.make_tables(direct)
        wanted = self.columns(direct)
        self.assertGreater(len(wanted), 40)
        feed = self.start_feed()
        run = self.start(self.write_config(self.wait_for_topics(feed)))
        self.assert_same(CHAIN, [feed, run])
        self.assertEqual(self.columns(self.database), wanted)
        for each in (feed, run):
            self.drain(each)

    # Both ends at random: what is lost or comes twice at either of them is a difference at the end.
    def test_kills_at_both_ends(self):
        self.make_tables(self.database)
        feed = self.start_feed()
        config = self.write_config(self.wait_for_topics(feed))
        run = self.start(config)
        for _ in range(8):
            self.history.change(self.random.randint(20, 150))
            time.sleep(self.random.uniform(0, 0.6))
            if self.random.random() < 0.5:
                feed.kill()
                feed = self.start_feed()
            else:
                run.kill()
                run = self.start(config)
        self.assert_same(CHAIN, [feed, run])
        for each in (feed, run):
            self.drain(each)


if __name__ == "__main__":
    unittest.main()
