"""A private Kafka cluster of three nodes, each a broker and a controller: copies of everything on all of them, and transactions on two at least.

How many have to have a record is said of each topic that is made.
"""

import base64
import secrets

from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType

from tests.support.kafka import START_SECONDS, Broker
from tests.support.processes import NotReady, Process, free_port, wait_until

NODES = 3
HEAP_MEGABYTES = 224


class Node(Broker):
    """One of the cluster's; start() does not wait, for it cannot be there before the others."""

    def __init__(self, cluster, number):
        self.cluster, self.number = cluster, number
        self.formatted = False
        super().__init__(heap_megabytes=HEAP_MEGABYTES)

    def start(self):
        self.port, self.controller_port = self.cluster.ports[self.number]
        self.cluster_id = self.cluster.cluster_id
        self.settings = {
            "node.id": self.number,
            "controller.quorum.voters": self.cluster.voters,
            "default.replication.factor": NODES,
            "offsets.topic.replication.factor": NODES,
            "transaction.state.log.replication.factor": NODES, "transaction.state.log.min.isr": 2,
            "share.coordinator.state.topic.replication.factor": NODES, "share.coordinator.state.topic.min.isr": 2,
            # A node that is killed is found out in seconds.
            "broker.session.timeout.ms": 3000, "broker.heartbeat.interval.ms": 500,
            "transaction.abort.timed.out.transaction.cleanup.interval.ms": 500,
        }
        config = self._configure()
        if not self.formatted:
            self._format(config)
            self.formatted = True
        self.process = Process(self._java("kafka.Kafka", config, loggers={"kafka.server.KafkaRaftServer": "info"}),
                               self.directory / "log")


class Cluster:
    def __init__(self):
        self.cluster_id = "c" + base64.urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")[1:]
        self.ports = {number: (free_port(), free_port()) for number in range(1, NODES + 1)}
        self.nodes = {}
        try:
            for number in self.ports:
                self.nodes[number] = Node(self, number)
            wait_until(self.is_whole, START_SECONDS, "all nodes answer", every=0.2)
        except BaseException:
            self.stop()
            raise

    @property
    def voters(self):
        return ",".join(f"{number}@127.0.0.1:{ports[1]}" for number, ports in self.ports.items())

    @property
    def address(self):
        return ",".join(f"127.0.0.1:{ports[0]}" for ports in self.ports.values())

    def admin(self):
        return AdminClient({"bootstrap.servers": self.address})

    def topics(self):
        return sorted(self.admin().list_topics(timeout=20).topics)

    def is_whole(self):
        """Every node is there, and has every record that it has to have a copy of."""
        for number, node in self.nodes.items():
            if not node.process.running():
                raise NotReady(f"node {number} ended:\n{node.process.log()[-4000:]}")
            if "Kafka Server started" not in node.process.log():
                return False
        found = self.admin().list_topics(timeout=20)
        if found.cluster_id != self.cluster_id:
            raise NotReady(f"somebody else's cluster {found.cluster_id} answers")
        partitions = [partition for topic in found.topics.values() for partition in topic.partitions.values()]
        return len(found.brokers) == NODES and all(len(partition.isrs) == NODES for partition in partitions)

    def leaders(self, topic):
        return {number: partition.leader
                for number, partition in self.admin().list_topics(topic, timeout=20).topics[topic].partitions.items()}

    def topic_config(self, topic):
        admin = self.admin()  # Its answers die with it.
        (found,) = admin.describe_configs([ConfigResource(ResourceType.TOPIC, topic)]).values()
        return {name: entry.value for name, entry in found.result(20).items()}

    def kill(self, *numbers):
        """kill -9."""
        for number in numbers:
            self.nodes[number].process.kill()

    def start_again(self, *numbers):
        for number in numbers:
            self.nodes[number].process.log_path.write_text("", encoding="utf-8")
            self.nodes[number].start()
        wait_until(self.is_whole, START_SECONDS, "all nodes answer", every=0.2)

    def stop(self):
        for node in self.nodes.values():
            if node.process is not None:
                node.stop()
