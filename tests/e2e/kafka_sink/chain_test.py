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
        # Events say less of a column's type than direct mode knows: the tables are direct mode's own.
        direct = Pipeline(self.simulator, self.postgres, self.directory, self.database, target=self.database, name="ddl")
        made = direct.call("schema", "--apply")
        self.assertEqual(made.returncode, 0, made.stdout + made.stderr)
        self.feed = KafkaPipeline(self.simulator, self.broker, self.directory, self.database, name=f"chain{self.number}")
        self.feed.write(**{"events": "format: json, json_schemas: true"})

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
        feed = self.start_feed()
        run = self.start(self.write_config(self.wait_for_topics(feed)))
        self.assert_same(CHAIN, [feed, run])
        self.history.change(1000)
        self.assert_same(CHAIN, [feed, run])
        for each in (feed, run):
            self.drain(each)

    # Both ends at random: what is lost or comes twice at either of them is a difference at the end.
    def test_kills_at_both_ends(self):
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
