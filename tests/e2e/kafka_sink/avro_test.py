"""A real Debezium that writes Avro, by the schemas of a real registry, feeds our sink."""

import os
import shutil
import time
import unittest

from tests.e2e.debezium.case import SERVERS
from tests.e2e.kafka_sink.case import EVERY_TYPE, LARGE, KafkaSinkCase
from tests.support.connect import Worker
from tests.support.jvm import part
from tests.support.processes import private_directory
from tests.support.registry import Registry

TABLES = [table for table in EVERY_TYPE if table.schema == "dbo"]
# Apicurio's converter, as it writes Confluent's frame.
CONVERTER = {
    "": "io.apicurio.registry.utils.converter.AvroConverter",
    ".apicurio.registry.auto-register": "true",
    ".apicurio.registry.as-confluent": "true",
    ".apicurio.registry.headers.enabled": "false",
    ".apicurio.registry.use-id": "contentId",
    ".apicurio.registry.find-latest": "true",
    ".apicurio.registry.artifact-resolver-strategy": "io.apicurio.registry.serde.strategy.TopicIdStrategy",
    ".apicurio.registry.id-handler": "io.apicurio.registry.serde.Legacy4ByteIdHandler",
}


class Avro(KafkaSinkCase):
    TABLES = TABLES

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.registry = Registry()
        cls.addClassCleanup(cls.registry.stop)
        # A plugin is a folder of jars, and a path is a folder of plugins.
        cls.plugins = private_directory("plugins")
        cls.addClassCleanup(shutil.rmtree, cls.plugins)
        (cls.plugins / "avro-converter").symlink_to(part("avro-converter"))
        # The converter says nowhere that it is one: all classes have to be looked through.
        cls.avro_worker = Worker(SERVERS.broker, [], settings={
            "plugin.discovery": "hybrid_warn", "plugin.path": f"{part('debezium-sqlserver')},{cls.plugins}"})
        cls.addClassCleanup(cls.avro_worker.stop)

    def setUp(self):
        super().setUp()
        self.worker = self.avro_worker

    def converters(self):
        url = f"http://127.0.0.1:{self.registry.port}/apis/registry/v2"
        return {f"{part}.converter{name}": value for part in ("key", "value")
                for name, value in {**CONVERTER, ".apicurio.registry.url": url}.items()}

    def test_snapshot_and_stream_arrive_as_the_source_has_them(self):
        seed = int(os.environ.get("TAILRACE_SEED", time.time_ns() % 10**9))
        self.note(f"seed {seed} (TAILRACE_SEED={seed} repeats it)")
        history = self.make_history(seed)
        config = self.write_config(
            self.deploy_source(TABLES, **self.converters()),
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
