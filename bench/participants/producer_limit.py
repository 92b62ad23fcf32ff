"""The limit of what goes to Kafka: librdkafka's transactional producer, given what tailrace has written as ready bytes.

Written once from the topics of tailrace's first run; into topics of its own, which must hold as many events.
"""

import struct

from bench.participants.unable import Unable
from tests.support.processes import BUILD

COMMIT_ROWS = 50_000  # As a chunk of tailrace's snapshot has them.


class ProducerLimit:
    name = "producer"
    kind = "limit"
    process = "producer"
    delivers = False  # Nothing arrives in a target.

    def __init__(self):
        self.files = {}  # Work -> its records.

    @staticmethod
    def _write(stage, work):
        """The records of tailrace's first run, as bench/producer_limit.cpp reads them."""
        if not work.kept:
            raise Unable("there is no equal run yet")
        path = stage.directory / f"{work.name}.records"
        numbers = {topic: number for number, topic in enumerate(work.topics(work.kept))}
        with open(path, "wb") as file:
            for topic, key, value in stage.cluster.records(numbers):
                file.write(struct.pack("=iii", numbers[topic], len(key), -1 if value is None else len(value)) + key + (value or b""))
        return path

    def to_kafka(self, stage, work, database):
        if work not in self.files:
            self.files[work] = self._write(stage, work)
        topics = [f"{database}.{number}" for number in range(len(work.tables))]
        stage.cluster.create_topics(topics)
        usage, process = stage.measured(self.process, lambda: stage.start(
            self.process, [BUILD / "producer-limit", stage.cluster.broker.address, self.files[work], database, str(COMMIT_ROWS)]))
        if process.child.returncode != 0:
            raise RuntimeError(process.log())
        stage.cluster.must_hold(topics, work.count)
        stage.cluster.drop_topics(topics)
        return usage
