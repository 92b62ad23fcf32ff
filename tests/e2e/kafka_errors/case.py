"""The base of the tests of what goes wrong in Kafka mode: one broker with logins and rights for all of them, and a Schema Registry
that keeps what it knows.

Every fault has three things to show: how the program ends, or that it waits; the one message, which says what, where and what to do;
and, with the fault taken away, the same pipeline that goes on with every event exactly once.
"""

import atexit
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource, NewTopic, ResourceType

from tests.e2e.case import long_run
from tests.e2e.kafka.case import BROKER_SETTINGS, KafkaCase, Ledger
from tests.support.kafka_secure import USERS, SecureBroker
from tests.support.postgres import Postgres
from tests.support.processes import wait_until
from tests.support.registry import Registry
from tests.support.registry_front import Front
from tests.support.simulator import Simulator

# Nobody may anything but who was told so; and the clock of a group's members is short.
STRICT = {**BROKER_SETTINGS, "allow.everyone.if.no.acl.found": "false", "group.min.session.timeout.ms": 1000}


class Servers:
    """Each starts when it is first wanted, and all end with the process."""

    def __init__(self):
        self.broker = self.simulator = None
        self._registry = self._postgres = None
        atexit.register(self.stop)

    def start(self):
        self.broker = self.broker or SecureBroker(STRICT)
        self.start_simulator()

    def start_simulator(self):
        self.simulator = self.simulator or Simulator(capture_interval="20ms")

    @property
    def registry(self):
        self._registry = self._registry or Registry(keep=True)
        return self._registry

    @property
    def postgres(self):
        self._postgres = self._postgres or Postgres()
        return self._postgres

    def stop(self):
        for name in ("broker", "simulator", "_registry", "_postgres"):
            server = getattr(self, name)
            if server is not None:
                server.stop()
            setattr(self, name, None)


SERVERS = Servers()


class Gate:
    """The registry as it is reached, and taken away: in a long run it is killed and started again with what it knew; else what stands
    before it is gone for a while, which costs no start of a JVM."""

    def __init__(self):
        self.registry = SERVERS.registry
        self.front = Front(self.registry)

    @property
    def url(self):
        return self.front.url()

    def down(self):
        if long_run():
            self.registry.kill()
        self.front.stop()

    def up(self):
        if not self.registry.process.running():
            self.registry.start()
        if self.front.server is None:
            self.front.start()

    def close(self):
        self.up()
        self.front.stop()


class Endings:
    """What a run says at its end; for every TestCase here."""

    SECRETS = tuple(USERS.values())

    def assert_ends(self, run, code, *words, seconds=60):
        """It ends with the code, and one message that has all the words and says what to do."""
        self.assertEqual(run.wait(seconds), code, run.log()[-4000:])
        said = run.log()
        parts = said.split("\ntailrace: ")
        self.assertEqual(len(parts), 2, f"one message, not {len(parts) - 1}:\n{said[-4000:]}")
        for word in (*words, "what to do:"):
            self.assertIn(word, parts[1])
        for secret in self.SECRETS:
            self.assertNotIn(secret, said)
        return parts[1]

    @staticmethod
    def wait_for_log(run, text, seconds=60):
        def said():
            assert run.running(), run.log()[-4000:]
            return text in run.log()

        wait_until(said, seconds, f"the log says {text}", every=0.05)


def edited(text, old, new):
    """A configuration with something else in it."""
    assert old in text, f"{old} is not in\n{text}"
    return text.replace(old, new)


class SinkErrorCase(Endings, KafkaCase):
    """From SQL Server into Kafka."""

    SERVERS = SERVERS
    ROWS = 140

    def make_pipeline(self, **values):
        pipeline = super().make_pipeline(**{"chunk_rows": 100, **values})
        pipeline.config.write_text(pipeline.config.read_text(encoding="utf-8") + "retry: { first_contact: 1s }\n", encoding="utf-8")
        self.edit("patience: 20s", "patience: 10s", pipeline)
        return pipeline

    def edit(self, old, new, pipeline=None):
        file = (pipeline or self.pipeline).config
        file.write_text(edited(file.read_text(encoding="utf-8"), old, new), encoding="utf-8")

    def use_registry(self, url):
        """Avro, by the registry."""
        self.edit("format: json, json_schemas: false", "format: avro")
        self.edit("}\nkafka:", f"}}\n  schema_registry: {{ urls: ['{url}'] }}\nkafka:")

    def make_topic(self, name, **config):
        admin = self.broker.admin()  # An answer of its dies with it.
        admin.create_topics([NewTopic(name, num_partitions=3, replication_factor=1, config=config)])[name].result(30)
        wait_until(lambda: name in self.broker.topics(), 30, f"{name} is known")

    def set_topic(self, name, **config):
        entries = [ConfigEntry(key, str(value), incremental_operation=AlterConfigOpType.SET) for key, value in config.items()]
        resource = ConfigResource(ResourceType.TOPIC, name, incremental_configs=entries)
        admin = self.broker.admin()
        admin.incremental_alter_configs([resource])[resource].result(30)

    def finish_again(self, ledger):
        """The fault is gone: the same pipeline, started anew, has everything exactly once."""
        run = self.start_streaming()
        self.finish(run, ledger)
        self.assertEqual(dict(self.snapshot_ids()), {number: 1 for number in range(1, self.ROWS + 1)})

    def ledger(self, seed):
        made = Ledger(self, seed)
        self.addCleanup(made.close)
        return made
