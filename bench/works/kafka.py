"""The Kafka works: to Kafka, from Kafka, and the whole chain from SQL Server through Kafka to PostgreSQL; of rows, and of changes.

All of them are about one source: the tables of the backlog, 10 of them, and the changes that wait. `rows` moves what the tables hold
now, `changes` what has changed since the target's base. So every run of all of them ends in the same rows, which one golden target
holds. Topics have one partition each, and records are Avro in Confluent's frame by the schemas of a registry.

A row with the key SENTINEL is the last change and the largest key of each table: where records have one order, everything has arrived
when it has.
"""

from bench.cluster import Cluster
from bench.works.backlog import Backlog
from tests.support.compare import quote
from tests.support.simulator import run_sql, scalar

SENTINEL = 2_000_000_000
ROWS, CHANGES = "rows", "changes"
KINDS = {"to_kafka": "SQL Server to Kafka", "from_kafka": "Kafka to PostgreSQL", "chain": "SQL Server to Kafka to PostgreSQL"}


class Source(Backlog):
    """What the works share. It is made by the first of them, and goes with the last one."""

    def __init__(self, sizes):
        super().__init__(sizes, changes=sizes.kafka_changes, name="kafka")
        self.empty = "kafka_empty"  # The target with tables and no rows.
        self.users = 0  # Works that are still to come.
        self.is_there = False

    def change(self, stage, connection):
        # What changes is behind this place of the log.
        while dict(run_sql(connection, "EXEC sp_sim_control 'scan'"))["transactions"]:
            pass
        self.lsn = bytes(scalar(connection, "SELECT sys.fn_cdc_get_max_lsn()")).hex()
        super().change(stage, connection)
        run_sql(connection, "BEGIN TRANSACTION")
        for name in self.names:
            run_sql(connection, f"INSERT INTO dbo.{name} VALUES ({SENTINEL}, 0, 0, N'the last', '2024-03-02')")
        run_sql(connection, "COMMIT TRANSACTION")

    def prepare(self, stage, tailrace):
        if self.is_there:
            return
        super().prepare(stage, tailrace)
        self.is_there = True
        with stage.source(self.database)() as connection:
            self.rows = sum(rows for rows, _ in self.sums)
            self.deletes = sum(scalar(connection, f"SELECT COUNT(*) FROM cdc.dbo_{name}_CT WHERE [__$operation] = 1")
                               for name in self.names)
        stage.create_target(self.empty)
        with stage.target(self.empty)() as connection:
            stage.make_tables(connection, self.base)

    def release(self, stage):
        self.users -= 1
        if self.users == 0:
            stage.drop_target(self.empty)
            self.clean(stage)


class KafkaWork:
    """One of them: `kind` is the participants' method, `phase` ROWS or CHANGES."""

    sizes = property(lambda self: self.source.sizes)
    database = property(lambda self: self.source.database)
    tables = property(lambda self: self.source.tables)
    sums = property(lambda self: self.source.sums)
    lsn = property(lambda self: self.source.lsn)

    def __init__(self, source, kind, phase):
        self.source = source
        self.kind = kind
        self.phase = self.unit = phase
        self.name = f"{kind} {phase}"
        self.title = f"{KINDS[kind]}, {phase}"
        self.kept = None  # The first run of tailrace whose topics were found equal: they serve the limit.

    @property
    def golden(self):
        return self.source.golden

    @golden.setter
    def golden(self, database):
        self.source.golden = database

    @property
    def note(self):
        return self.source.note if self.phase == CHANGES else ""

    @property
    def base(self):
        """The target that a run begins with."""
        return self.source.base if self.phase == CHANGES else self.source.empty

    @property
    def count(self):
        return self.source.count if self.phase == CHANGES else self.source.rows

    @property
    def records(self):
        """Of its events, tombstones included."""
        return self.count + (self.source.deletes if self.phase == CHANGES else 0)

    @property
    def prefix(self):
        """Of the topics that are there before the runs from Kafka."""
        return self.name.replace(" ", "_")

    def topics(self, prefix):
        return [f"{prefix}.{self.database}.{table.schema}.{table.name}" for table in self.tables]

    def prepare(self, stage, tailrace):
        stage.cluster = stage.cluster or Cluster()
        self.source.prepare(stage, tailrace)
        if self.kind == "from_kafka":
            with stage.times.on("writing topics"):
                # By one reader: rows come in the order of their keys.
                tailrace.to_topics(stage, self, self.prefix, "snapshot: { readers: 1 }\n" if self.phase == ROWS else "")
            stage.cluster.must_hold(self.topics(self.prefix), self.count)

    def arrived(self, connection):
        """Has every table of the target its last row?"""
        asked = " UNION ALL ".join(f"SELECT 1 FROM {table.target_name} WHERE {quote('id')} = {SENTINEL}" for table in self.tables)
        return connection.execute(f"SELECT count(*) FROM ({asked}) s").fetchone()[0] == len(self.tables)

    def settle(self, stage, tailrace, database):
        """Behind a run: the topics that it wrote hold each event once. Those of a run to Kafka are put into the target to compare."""
        if self.kind == "from_kafka":
            return
        stage.cluster.must_hold(self.topics(database), self.count)
        if self.kind == "to_kafka":
            tailrace.apply_topics(stage, self, database)

    def keep(self, database):
        """The run was found equal."""
        if self.kind == "to_kafka":
            self.kept = self.kept or database

    def forget(self, stage, database):
        """What a run has left in Kafka."""
        if self.kind != "from_kafka" and database != self.kept:
            stage.cluster.drop_topics(self.topics(database))

    def clean(self, stage):
        if self.kind == "from_kafka":
            stage.cluster.drop_topics(self.topics(self.prefix))
        if self.kept:
            stage.cluster.drop_topics(self.topics(self.kept))
        self.source.release(stage)


def works(source, kinds):
    """Those of the kinds, over one source."""
    return [KafkaWork(source, kind, phase) for kind in KINDS if kind in kinds for phase in (ROWS, CHANGES)]


def of_a_run(sizes, wanted):
    source = Source(sizes)
    found = works(source, wanted)
    source.users = len(found)
    return found
