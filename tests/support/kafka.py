"""A private Kafka broker (KRaft, one node), and a reader of topics. Made of the JVM part `kafka` and of librdkafka.

    python -m tests.support.kafka        starts a broker, prints its address, ends it at end of input

tests/support/kafka_console.py does more for programs that are not Python.
"""

import base64
import collections
import secrets
import shutil
import subprocess
import sys
import time

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from tests.support.jvm import SMALL, java, properties
from tests.support.processes import NotReady, Process, free_port, private_directory, wait_until

BROKER_HEAP_MEGABYTES = 320
QUIET = 2  # Of syslog's levels: that a broker which is killed is not there is no news, twenty times a second.
START_SECONDS = 180  # It takes 3 to format and 3 to start; a loaded machine has made 60 of that.


class Broker:
    """One server with brokers' and controllers' roles. `settings` are server.properties on top, `options` the JVM's."""

    def __init__(self, settings=None, heap_megabytes=BROKER_HEAP_MEGABYTES, options=SMALL):
        self.directory = private_directory("kafka")
        self.heap_megabytes = heap_megabytes
        self.options = options
        self.settings = settings or {}
        self.cluster_id = base64.urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")
        if self.cluster_id.startswith("-"):
            self.cluster_id = "a" + self.cluster_id[1:]  # Else it would be an option of the formatting tool.
        self.host = "127.0.0.1"
        self.port = None
        self.controller_port = None
        self.process = None
        self.start()

    @property
    def address(self):
        return f"{self.host}:{self.port}"

    def start(self):
        for _ in range(5):
            # Clients remember the address: after the first start it stays.
            fresh = self.port is None
            if fresh:
                self._choose_ports()
            config = self._configure()
            if fresh:
                self._format(config)
            self.process = Process(
                self._java("kafka.Kafka", config, loggers={"kafka.server.KafkaRaftServer": "info"}),
                self.directory / "log")
            try:
                wait_until(self._answers, START_SECONDS, "Kafka answers", every=0.05)
                return
            except NotReady as failure:
                log = self.process.log()
                self.process.kill()
                if "Address already in use" not in log or not fresh:
                    raise NotReady(f"Kafka did not start: {failure}\n{log[-4000:]}") from None
                shutil.rmtree(self.directory / "data")
                self.port = None
        raise NotReady("no free port for Kafka")

    def _choose_ports(self):
        self.port, self.controller_port = free_port(), free_port()

    def _java(self, main_class, *words, loggers=None):
        return java(main_class, *words, heap_megabytes=self.heap_megabytes, directory=self.directory, loggers=loggers,
                    options=self.options)

    def _configure(self):
        return properties(self.directory / "server.properties", {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@{self.host}:{self.controller_port}",
            "listeners": f"PLAINTEXT://{self.host}:{self.port},CONTROLLER://{self.host}:{self.controller_port}",
            "advertised.listeners": f"PLAINTEXT://{self.host}:{self.port}",
            "controller.listener.names": "CONTROLLER",
            "log.dirs": self.directory / "data",
            # One node is all the replicas there are.
            "offsets.topic.replication.factor": 1,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "share.coordinator.state.topic.replication.factor": 1,
            "share.coordinator.state.topic.min.isr": 1,
            # Each partition of these is a folder that has to be made.
            "offsets.topic.num.partitions": 1,
            "transaction.state.log.num.partitions": 1,
            "share.coordinator.state.topic.num.partitions": 1,
            "num.partitions": 1,
            "group.initial.rebalance.delay.ms": 0,
            # Mapped at full size, whatever is in them.
            "log.index.size.max.bytes": 1 << 20,
            "log.cleaner.dedupe.buffer.size": 4 << 20,
            **self.settings,
        })

    def _format(self, config, *words):
        done = subprocess.run(
            self._java("kafka.tools.StorageTool", "format", "-t", self.cluster_id, "-c", config, *words),
            capture_output=True, text=True, check=False, timeout=START_SECONDS)
        if done.returncode != 0:
            raise NotReady("formatting Kafka's folder: " + done.stdout + done.stderr)

    def _answers(self):
        if not self.process.running():
            raise NotReady("Kafka ended")
        if "Kafka Server started" not in self.process.log():
            return False
        try:
            # The port may belong to another broker: never write into a stranger.
            found = self.admin().list_topics(timeout=5).cluster_id
        except KafkaException:
            return False  # Of a second start the log says already that it has started; on a loaded machine it takes its time.
        if found != self.cluster_id:
            raise NotReady(f"port {self.port} is cluster {found}, not ours ({self.cluster_id})")
        return True

    def admin(self):
        return AdminClient({"bootstrap.servers": self.address, "log_level": QUIET})

    def topics(self):
        return sorted(self.admin().list_topics(timeout=20).topics)

    def halt(self):
        """Down without a word, and to be started again with what it holds, at the same address."""
        self.process.kill()

    def stop(self):
        self.process.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class TopicReader:
    """Reads topics from their beginnings, each in its order: what is committed, and never as a member of a group.

    Topics may come into being later: they are looked for while something is awaited. `decode(message)` makes of a
    message what `records` holds.
    """

    LOOK_SECONDS = 0.25

    def __init__(self, broker, topics, decode):
        self.topics = list(topics)
        self.decode = decode
        self.records = collections.defaultdict(list)  # By topic; all partitions of it in the order of reading.
        self.assigned = {}  # topic -> its partitions
        self.looked = 0.0
        self.consumer = Consumer({
            "bootstrap.servers": broker.address,
            "group.id": "unused",  # librdkafka wants one; nothing is committed.
            "enable.auto.commit": False,
            "auto.offset.reset": "error",
            "isolation.level": "read_committed",
            "log_level": QUIET,
            "fetch.wait.max.ms": 20,
        })

    def _find_topics(self):
        if len(self.assigned) == len(self.topics) or time.monotonic() < self.looked + self.LOOK_SECONDS:
            return
        self.looked = time.monotonic()
        existing = self.consumer.list_topics(timeout=20).topics
        for topic in self.topics:
            if topic in existing and topic not in self.assigned and existing[topic].partitions:
                self.assigned[topic] = sorted(existing[topic].partitions)
                self.consumer.incremental_assign(
                    [TopicPartition(topic, number, 0) for number in self.assigned[topic]])

    def _take(self, seconds):
        self._find_topics()
        for message in self.consumer.consume(500, seconds):
            if message.error():
                raise KafkaException(message.error())
            self.records[message.topic()].append(self.decode(message))

    def read_until(self, condition, seconds, what, alive=lambda: None):
        """Reads until condition() answers something true, which is returned. `alive` raises when waiting is vain."""
        deadline = time.monotonic() + seconds
        while True:
            answer = condition()
            if answer:
                return answer
            alive()
            if time.monotonic() > deadline:
                counts = {topic: len(records) for topic, records in self.records.items()}
                raise NotReady(f"not within {seconds} s: {what}; read so far: {counts}")
            self._take(0.1)

    def read_to_end(self, seconds=30):
        """Reads what is committed in the topics now, to the last record."""
        self.looked = 0.0
        self._find_topics()
        ends = {}
        for topic, partitions in self.assigned.items():
            for number in partitions:
                ends[topic, number] = self.consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=20)[1]

        def reached():
            # Markers of transactions take offsets too: a position passes them when it is read up to the end.
            positions = self.consumer.position([TopicPartition(*key) for key in ends])
            return all(place.offset >= ends[place.topic, place.partition] for place in positions
                       if ends[place.topic, place.partition] > 0)

        self.read_until(reached, seconds, f"the ends {ends}")

    def close(self):
        self.consumer.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def main():
    with Broker() as broker:
        print(broker.address, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
