"""A real Debezium and its JDBC sink, in one worker of Kafka Connect that runs already and is warm: what is measured begins when a
connector is created, and ends when the last record is in its topic or the last row in its table.

Settings are the connectors' own but for these: both sides compress as tailrace does, the sink upserts and deletes in batches of
3,000 records, which its consumer may hand over at once. CPU and memory are those of the worker.
"""

import time

from bench.measure import forget_peak
from bench.participants.unable import Unable, shortened
from bench.works.kafka import CHANGES, works
from tests.support.connect import Connector, Refused, avro_converters
from tests.support.processes import NotReady, wait_until

SECONDS = 1800
BATCH = 3000
LOOK_SECONDS = 0.1
ALIVE_SECONDS = 3
PROCESS = "java"
NO_CHANGE = "00000000:00000000:0000"


def as_debezium_says(lsn):
    return f"{lsn[:8]}:{lsn[8:16]}:{lsn[16:]}"


def source(stage, work, prefix):
    """The connector to topics of a prefix."""
    return Connector(stage.cluster.worker, f"source_{prefix}", {
        "connector.class": "io.debezium.connector.sqlserver.SqlServerConnector",
        "tasks.max": 1,
        "database.hostname": stage.simulator.host,
        "database.port": stage.simulator.port,
        "database.user": stage.simulator.user,
        "database.password": stage.simulator.password,
        "database.names": work.database,
        "driver.encrypt": "true",
        "driver.trustServerCertificate": "true",
        "topic.prefix": prefix,
        "schema.history.internal.kafka.bootstrap.servers": stage.cluster.broker.address,
        "schema.history.internal.kafka.topic": f"history.{prefix}",
        # A stored position without its history: the tables are looked at, and the stream goes on from there.
        "snapshot.mode": "recovery" if work.phase == CHANGES else "initial",
        "topic.creation.default.partitions": 1,
        "topic.creation.default.replication.factor": 1,
        "producer.override.compression.type": "lz4",
        "errors.max.retries": 0,
        **avro_converters(stage.cluster.registry)})


def begin_source(stage, work, prefix, connector):
    """Rows: a snapshot. Changes: from where the base ends."""
    if work.phase == CHANGES:
        connector.create_stopped()
        connector.begin_at([({"server": prefix, "database": work.database},
                             {"commit_lsn": as_debezium_says(work.lsn), "change_lsn": NO_CHANGE, "event_serial_no": 0})])
        connector.resume()
    else:
        connector.deploy()


def sink(stage, work, prefix, database, is_rewriting):
    """The connector from topics of a prefix."""
    rewrites = "?reWriteBatchedInserts=true" if is_rewriting else ""
    # One statement of many rows must not have a key twice: PostgreSQL refuses it.
    reduces = {"use.reduction.buffer": "true"} if is_rewriting else {}
    user, password = stage.peer().split(":")
    return Connector(stage.cluster.worker, f"sink_{database}", {
        "connector.class": "io.debezium.connector.jdbc.JdbcSinkConnector",
        "tasks.max": 2,
        "topics": ",".join(work.topics(prefix)),
        "connection.url": f"jdbc:postgresql://127.0.0.1:{stage.postgres.port}/{database}{rewrites}",
        "connection.username": user,
        "connection.password": password,
        "insert.mode": "upsert",
        "delete.enabled": "true",
        "primary.key.mode": "record_key",
        "collection.name.format": "public.${source.table}",
        "schema.evolution": "none",
        "batch.size": BATCH,
        "consumer.override.max.poll.records": BATCH,
        **reduces,
        **avro_converters(stage.cluster.registry)})


def measured(stage, connectors, begin, has_ended, watcher=None):
    """Begins connectors, waits for their end, and deletes them. A connection that watches the target is closed then."""
    worker = stage.cluster.worker
    meter = stage.meter()
    with stage.around_runs():
        try:
            forget_peak(worker.process.pid)
            meter.watch(PROCESS, worker.process, from_now=True)
            begin()

            looked = time.monotonic()

            def is_over():
                nonlocal looked
                # Seldom: to answer it costs the worker as well.
                if time.monotonic() > looked + ALIVE_SECONDS:
                    for connector in connectors:
                        connector.assert_alive()
                    looked = time.monotonic()
                return has_ended()

            wait_until(is_over, SECONDS, "the last record", every=LOOK_SECONDS)
            meter.stop_clock()
        except (NotReady, Refused) as failure:
            raise Unable(shortened(str(failure))) from failure
        finally:
            if watcher is not None:
                watcher.close()
            for connector in connectors:
                delete(connector)
            usage = meter.stop(stage.settled)
    return usage


def delete(connector):
    try:
        connector.delete()
    except Refused as refusal:
        if refusal.code != 404:  # It was never made.
            raise


def warm(stage, work):
    """Once, what the chains of both phases do, unmeasured: the worker's compilers have then seen all that is measured."""
    if stage.cluster.is_warm:
        return
    stage.cluster.is_warm = True
    with stage.times.on("warming the JVM"):
        for each in works(work.source, ["chain"]):
            database = f"warm_{each.phase}"
            DebeziumChain().run(stage, each, database)
            each.forget(stage, database)
            stage.drop_target(database)


class Debezium:
    name = "Debezium"
    kind = "peer"
    process = PROCESS

    def to_kafka(self, stage, work, database):
        warm(stage, work)
        connector = source(stage, work, database)
        topics = work.topics(database)
        stage.cluster.create_topics(topics)
        return measured(stage, [connector], lambda: begin_source(stage, work, database, connector),
                        lambda: sum(stage.cluster.ends(topics).values()) >= work.records)


class JdbcSink:
    kind = "peer"
    process = PROCESS

    def __init__(self, is_rewriting):
        self.is_rewriting = is_rewriting
        self.name = "JDBC sink, rewriting" if is_rewriting else "JDBC sink"

    def from_kafka(self, stage, work, database):
        warm(stage, work)
        stage.create_target(database, template=work.base)
        connector = sink(stage, work, work.prefix, database, self.is_rewriting)
        with stage.target(database)() as watcher:
            return measured(stage, [connector], connector.deploy, lambda: work.arrived(watcher), watcher)


class DebeziumChain:
    name = "Debezium + JDBC sink"
    kind = "peer"
    process = PROCESS

    def chain(self, stage, work, database):
        warm(stage, work)
        return self.run(stage, work, database)

    @staticmethod
    def run(stage, work, database):
        stage.create_target(database, template=work.base)
        stage.cluster.create_topics(work.topics(database))
        connectors = [sink(stage, work, database, database, is_rewriting=True), source(stage, work, database)]

        def begin():
            connectors[0].deploy()
            begin_source(stage, work, database, connectors[1])

        with stage.target(database)() as watcher:
            return measured(stage, connectors, begin, lambda: work.arrived(watcher), watcher)

