"""A real Debezium that writes Avro, by the schemas of a real registry, feeds our sink."""

import os
import time
import unittest

from tests.e2e.kafka_sink.case import EVERY_TYPE, KafkaSinkCase
from tests.support.connect import avro_converters
from tests.support.jvm import part
from tests.support.registry import Registry

TABLES = [table for table in EVERY_TYPE if table.schema == "dbo"]


class Avro(KafkaSinkCase):
    TABLES = TABLES

    @classmethod
    def setUpClass(cls):
        part("avro-converter")
        super().setUpClass()
        cls.registry = Registry()
        cls.addClassCleanup(cls.registry.stop)

    def test_snapshot_and_stream_arrive_as_the_source_has_them(self):
        seed = int(os.environ.get("TAILRACE_SEED", time.time_ns() % 10**9))
        self.note(f"seed {seed} (TAILRACE_SEED={seed} repeats it)")
        history = self.make_history(seed)
        config = self.write_config(
            self.deploy_source(TABLES, **avro_converters(self.registry)),
            records=f"format: avro\n  schema_registry: {{ urls: ['{self.registry.url}'] }}")
        run = self.start(config)
        self.assert_same(TABLES, [run])
        history.change(600)
        self.assert_same(TABLES, [run])
        self.drain(run)
        # Without the registry nothing can be read by a process that has read nothing yet: it says so, and waits.
        self.registry.kill()
        history.change(20)
        run = self.start(config)
        self.wait_for_log(run, "kind=unavailable")
        self.assertTrue(run.running())
        run.kill()


if __name__ == "__main__":
    unittest.main()
