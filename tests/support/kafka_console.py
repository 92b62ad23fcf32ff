"""A private Kafka broker for tests that are not Python: orders on standard input, one answer each on standard output.

    python -m tests.support.kafka_console

The first line says where it is, as JSON (address, sasl_address, mtls_address, directory of certificates), or
{"skip": why}. Then each line is an order, a JSON list, and is answered by a line of JSON: {"answer": ...} or {"error": ...}.
What is done here is done by clients that are not tailrace's. It ends with its input.

    ["halt"]  ["start"]                     the broker down and up again, at the same address
    ["create", TOPIC, PARTITIONS, {...}]    with settings
    ["delete", TOPIC]
    ["trim", TOPIC, PARTITION, OFFSET]      deletes the records before the offset
    ["values", TOPIC]                       what is committed in its only partition: values as text, in order. Waits for open
                                            transactions to end
    ["committed", GROUP, TOPIC, PARTITION]  the offset that the group has stored
    ["deny", USER, OPERATION, TOPIC]        takes a right away
    ["java", TOPIC, FILE]                   Kafka's Java producer sends the keys of a file; their partitions
"""

import json
import shutil
import subprocess
import sys
import unittest

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import (AclBinding, AclOperation, AclPermissionType, NewTopic, ResourcePatternType,
                                   ResourceType)

from tests.support.jvm import java
from tests.support.kafka import TopicReader
from tests.support.kafka_secure import SecureBroker
from tests.support.processes import ROOT, wait_until


class Console:
    def __init__(self, broker):
        self.broker = broker
        self.admin = broker.admin()  # An answer of its dies with it.

    def obey(self, words):
        return getattr(self, "do_" + words[0])(*words[1:])

    def do_halt(self):
        self.broker.halt()

    def do_start(self):
        self.broker.start()

    def do_create(self, topic, partitions, config):
        wanted = NewTopic(topic, num_partitions=partitions, replication_factor=1, config=config)
        self.admin.create_topics([wanted])[topic].result(30)
        wait_until(lambda: topic in self.broker.topics(), 30, f"{topic} is known")

    def do_delete(self, topic):
        self.admin.delete_topics([topic])[topic].result(30)
        wait_until(lambda: topic not in self.broker.topics(), 30, f"{topic} is gone")

    def do_trim(self, topic, partition, offset):
        where = TopicPartition(topic, partition, offset)
        self.admin.delete_records([where])[where].result(30)

    def do_values(self, topic):
        def text(message):
            return None if message.value() is None else message.value().decode()

        # To the high watermark, not to the end that a reader of committed records sees: the markers of a transaction that is
        # committed may still be on their way.
        where = TopicPartition(topic, 0)
        looker = Consumer({"bootstrap.servers": self.broker.address, "group.id": "unused",
                           "isolation.level": "read_uncommitted"})
        try:
            end = looker.get_watermark_offsets(where, timeout=30)[1]
        finally:
            looker.close()
        with TopicReader(self.broker, [topic], text) as reader:
            reader.read_until(lambda: end == 0 or reader.consumer.position([where])[0].offset >= end, 30, f"{topic} to {end}")
            return reader.records[topic]

    def do_committed(self, group, topic, partition):
        consumer = Consumer({"bootstrap.servers": self.broker.address, "group.id": group})
        try:
            return consumer.committed([TopicPartition(topic, partition)], timeout=30)[0].offset
        finally:
            consumer.close()

    def do_deny(self, user, operation, topic):
        rule = AclBinding(ResourceType.TOPIC, topic, ResourcePatternType.LITERAL, f"User:{user}", "*",
                          AclOperation[operation], AclPermissionType.DENY)
        self.admin.create_acls([rule])[rule].result(30)

    def do_java(self, topic, file):
        program = java(str(ROOT / "tests" / "support" / "KeyedProducer.java"), self.broker.address, topic, file,
                       heap_megabytes=128, directory=self.broker.directory)
        done = subprocess.run(program, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=300)
        if done.returncode != 0:
            raise RuntimeError(done.stderr[-2000:])
        return [int(line) for line in done.stdout.split()]


def say(what):
    print(json.dumps(what), flush=True)


def main():
    try:
        # A transaction that is too old is looked for every ten seconds otherwise.
        broker = SecureBroker({"transaction.abort.timed.out.transaction.cleanup.interval.ms": 500})
    except unittest.SkipTest as reason:
        say({"skip": str(reason)})
        return
    with broker:
        console = Console(broker)
        say({"address": broker.address, "sasl_address": broker.sasl_address, "mtls_address": broker.mtls_address,
             "certificates": str(broker.certificates.directory)})
        for line in sys.stdin:
            try:
                say({"answer": console.obey(json.loads(line))})
            except Exception as failure:  # Whatever it is, the test that gave the order fails with it.
                say({"error": f"{type(failure).__name__}: {failure}"})
    shutil.rmtree(broker.certificates.directory, ignore_errors=True)


if __name__ == "__main__":
    main()
