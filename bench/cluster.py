"""The servers that the Kafka works have besides: one broker, one registry, one worker of Kafka Connect, each begun when it is
first asked for.

Broker and worker are as they are shipped: Java's own garbage collector and compilers, the heaps of Kafka's scripts (1 GB, 2 GB).
One worker serves all works, and has carried both chains before it is measured (bench/participants/debezium.py): it is warm.
"""

import functools
import time
import unittest

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import NewTopic, OffsetSpec

from bench.participants.unable import Unable
from bench.stage import Differs
from tests.support.connect import Worker
from tests.support.jvm import AS_SHIPPED
from tests.support.kafka import Broker
from tests.support.processes import NotReady
from tests.support.registry import Registry

BROKER_HEAP_MEGABYTES = 1024
WORKER_HEAP_MEGABYTES = 2048
REQUEST_SECONDS = 60
READ_SECONDS = 120


def or_unable(start):
    """A part that is not installed is the reason of a row without figures."""
    try:
        return start()
    except unittest.SkipTest as missing:
        raise Unable(str(missing)) from missing


class Cluster:
    def __init__(self):
        self.is_warm = False
        self.started = []

    def _started(self, start):
        server = or_unable(start)
        self.started.append(server)
        return server

    @functools.cached_property
    def broker(self):
        return self._started(lambda: Broker({"log.index.size.max.bytes": 10 << 20, "log.cleaner.dedupe.buffer.size": 128 << 20},
                                            BROKER_HEAP_MEGABYTES, AS_SHIPPED))

    @functools.cached_property
    def registry(self):
        return self._started(Registry)

    @functools.cached_property
    def worker(self):
        """With both connectors of Debezium and the converter that writes Confluent's frame."""
        def start():
            return Worker(self.broker, ["debezium-sqlserver", "debezium-jdbc", "avro-converter"], exactly_once=False,
                          heap_megabytes=WORKER_HEAP_MEGABYTES, options=AS_SHIPPED)
        return self._started(start)

    # Topics. One client for all: its answers end with it.

    @functools.cached_property
    def admin(self):
        return self.broker.admin()

    def create_topics(self, topics):
        """Of one partition each: what arrives in them has one order."""
        made = self.admin.create_topics([NewTopic(topic, 1, 1) for topic in topics], request_timeout=REQUEST_SECONDS)
        for future in made.values():
            future.result(REQUEST_SECONDS)

    def drop_topics(self, topics):
        for future in self.admin.delete_topics(list(topics), request_timeout=REQUEST_SECONDS).values():
            try:
                future.result(REQUEST_SECONDS)
            except KafkaException as failure:
                if failure.args[0].name() != "UNKNOWN_TOPIC_OR_PART":
                    raise

    def ends(self, topics):
        """topic -> the offset behind its last record, markers of transactions included; 0 where it is not there yet."""
        there = self.admin.list_topics(timeout=REQUEST_SECONDS).topics
        asked = {TopicPartition(topic, 0): OffsetSpec.latest() for topic in topics if topic in there}
        found = {where.topic: future.result(REQUEST_SECONDS).offset for where, future in
                 (self.admin.list_offsets(asked).items() if asked else ())}
        return {topic: found.get(topic, 0) for topic in topics}

    def records(self, topics):
        """Every committed record of topics that nobody writes to any more: (topic, key, value), each topic in its order."""
        ends = {topic: end for topic, end in self.ends(topics).items() if end}
        consumer = Consumer({"bootstrap.servers": self.broker.address, "group.id": "unused", "enable.auto.commit": False,
                             "isolation.level": "read_committed", "enable.partition.eof": True, "auto.offset.reset": "error"})
        try:
            consumer.assign([TopicPartition(topic, 0, 0) for topic in ends])
            waiting = set(ends)
            deadline = time.monotonic() + READ_SECONDS
            while waiting:
                if time.monotonic() > deadline:
                    raise NotReady(f"no end within {READ_SECONDS} s: {sorted(waiting)[:3]}")
                # It waits for so many of them, or for all of its time.
                for message in consumer.consume(1000, 0.05):
                    if message.error() is None:
                        yield message.topic(), message.key(), message.value()
                    elif message.error().name() == "_PARTITION_EOF":
                        waiting.discard(message.topic())
                    else:
                        raise KafkaException(message.error())
        finally:
            consumer.close()

    def must_hold(self, topics, wanted):
        """Differs unless the topics hold so many events that are not tombstones."""
        count = sum(1 for _, _, value in self.records(topics) if value is not None)
        if count != wanted:
            raise Differs(f"{count:,} events in the topics, not {wanted:,}")

    def stop(self):
        for server in reversed(self.started):
            server.stop()
