"""tailrace with Kafka at one of its ends, with its default settings but for what a work says: topics of one partition."""

from bench.measure import wait_ended
from bench.participants.tailrace import Failed, Tailrace, ended_well
from bench.works.kafka import CHANGES
from tests.support.pipeline import Pipeline
from tests.support.processes import wait_until

SECONDS = 1800

SOURCE = """\
source:
  type: sqlserver
  host: {source_host}
  port: {source_port}
  databases: [{database}]
  user: {source_user}
  password: ${{env:TAILRACE_SOURCE_PASSWORD}}
  encrypt: {{ mode: require }}
"""
TO_KAFKA = """\
pipeline: {prefix}
""" + SOURCE + """\
target:
  type: kafka
  topics: {{ partitions: 1, replication: 1 }}
  events: {{ topic_prefix: {prefix} }}
  schema_registry: {{ urls: ['{registry}'] }}
kafka: {{ bootstrap_servers: ['{brokers}'] }}
"""
# What came before the changes is not theirs.
BEHIND = """\
snapshot: {{ mode: none }}
start: {{ lsn: {lsn} }}
"""
FROM_KAFKA = """\
pipeline: {prefix}
source:
  type: kafka
  topics: [{topics}]
  schema_registry: {{ urls: ['{registry}'] }}
kafka: {{ bootstrap_servers: ['{brokers}'] }}
target:
  type: postgres
  url: {target_url}
  user: {target_user}
  password: ${{env:TAILRACE_TARGET_PASSWORD}}
"""


class TailraceKafka(Tailrace):
    """What the Kafka works call besides."""

    def _written(self, stage, work, name, text, database, **values):
        """A pipeline whose configuration is `text`."""
        made = Pipeline(stage.simulator, stage.postgres, stage.directory / name, work.database, target=database)
        made.write(text.format(**{**made.values, "registry": stage.cluster.registry.url, "brokers": stage.cluster.broker.address,
                                  "lsn": work.lsn, **values}) + self.settings)
        return made

    def _feed(self, stage, work, prefix, more=""):
        """To the topics of a prefix, and the words that end it."""
        text = TO_KAFKA + (BEHIND if work.phase == CHANGES else "") + more.replace("{", "{{").replace("}", "}}")
        return (self._written(stage, work, f"{prefix}-feed", text, work.base, prefix=prefix),
                ["--until-caught-up" if work.phase == CHANGES else "--snapshot-only"])

    def _sink(self, stage, work, prefix, database):
        """From the topics of a prefix."""
        return self._written(stage, work, f"{database}-sink", FROM_KAFKA, database, prefix=prefix,
                             topics=", ".join(work.topics(prefix)))

    def to_topics(self, stage, work, prefix, more=""):
        """The topics that other runs read."""
        made, words = self._feed(stage, work, prefix, more)
        process = made.start(*words)
        process.wait(SECONDS)
        ended_well(process)

    def apply_topics(self, stage, work, database):
        """The topics of a run into a target of its name."""
        stage.create_target(database, template=work.base)
        process = self._sink(stage, work, database, database).start("--until-caught-up")
        process.wait(SECONDS)
        ended_well(process)

    def to_kafka(self, stage, work, database):
        """From start to exit."""
        stage.cluster.create_topics(work.topics(database))
        made, words = self._feed(stage, work, database)
        usage, process = stage.measured(self.process, lambda: made.start(*words))
        ended_well(process)
        return usage

    def from_kafka(self, stage, work, database):
        """From start to exit, everything that the topics hold applied."""
        stage.create_target(database, template=work.base)
        made = self._sink(stage, work, work.prefix, database)
        usage, process = stage.measured(self.process, lambda: made.start("--until-caught-up"))
        ended_well(process)
        return usage

    def chain(self, stage, work, database):
        """Two processes beside each other, from their start until the target has what the first one has written."""
        stage.create_target(database, template=work.base)
        topics = work.topics(database)
        stage.cluster.create_topics(topics)
        feed, words = self._feed(stage, work, database)
        sink = self._sink(stage, work, database, database)
        with stage.target(database)() as watcher, stage.around_runs():
            meter = stage.meter()
            running = []
            try:
                for made, given in ((sink, []), (feed, words)):
                    running.append(made.start(*given))
                    meter.watch(self.process, running[-1])
                wait_ended(running[1], SECONDS)
                wait_applied(stage, watcher, running[0], topics)
                meter.stop_clock()
                watcher.close()
                running[0].send(15)
                wait_ended(running[0], SECONDS)
                usage = meter.stop(stage.settled)
            finally:
                if not meter.ended.is_set():
                    meter.stop()
                for process in running:
                    process.stop()
        for process in running:
            ended_well(process)
        return usage


def wait_applied(stage, connection, sink, topics):
    """Until the target stands at the ends of the topics."""
    ends = stage.cluster.ends(topics)

    def is_applied():
        if not sink.running():
            raise Failed(f"tailrace ended with {sink.child.returncode}\n{sink.log()[-3000:]}")
        if connection.execute("SELECT to_regclass('tailrace.kafka_position')").fetchone()[0] is None:
            return False
        found = dict(connection.execute("SELECT topic, next_offset FROM tailrace.kafka_position").fetchall())
        return all((found.get(topic) or 0) >= end for topic, end in ends.items())

    wait_until(is_applied, SECONDS, f"the target stands at {ends}", every=0.02)
