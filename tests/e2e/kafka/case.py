"""The base of the tests with a Kafka target: a simulator and a broker for all of them, a database and topics for each.

What counts is a ledger: every change at the source has a number of its own, so that an event that is lost, or sent twice, shows.
Whoever reads here is confluent-kafka, which sees committed records alone.
"""

import atexit
import collections
import itertools
import json
import random
import shutil
import threading
import unittest

from tests.e2e.case import has_failed, leave_note
from tests.support.kafka import Broker, TopicReader
from tests.support.kafka_pipeline import KafkaPipeline
from tests.support.odbc import skip_without_driver
from tests.support.processes import NotReady, private_directory, wait_until
from tests.support.simulator import Simulator, run_sql

ROWS = 1_900  # Of the table before the first start: its last chunk holds some.
# A transaction that is too old is looked for every ten seconds otherwise.
BROKER_SETTINGS = {"transaction.abort.timed.out.transaction.cleanup.interval.ms": 500}


class Servers:
    def __init__(self):
        self.broker = self.simulator = None
        atexit.register(self.stop)

    def start(self):
        self.broker = self.broker or Broker(BROKER_SETTINGS)
        self.simulator = self.simulator or Simulator(capture_interval="20ms")

    def stop(self):
        for name in ("broker", "simulator"):
            server = getattr(self, name)
            if server is not None:
                server.stop()
            setattr(self, name, None)


SERVERS = Servers()


def decode(message):
    """(key, event, partition, offset); a tombstone's event is None."""
    key = json.loads(message.key()) if message.key() is not None else None
    event = json.loads(message.value()) if message.value() is not None else None
    return key, event, message.partition(), message.offset()


def change_of(event):
    """(operation, id, number): what the ledger has of it."""
    row = event["after"] if event["after"] is not None else event["before"]
    return event["op"], row["id"], row["v"]


class Ledger:
    """Changes of dbo.items at the source, each with a number of its own, as they were committed."""

    def __init__(self, case, seed):
        self.connection = case.connect_source()
        self.random = random.Random(seed)
        self.rows = dict(run_sql(self.connection, "SELECT id, v FROM dbo.items"))
        self.number = max(self.rows.values(), default=0)
        self.next_id = max(self.rows, default=0) + 1
        self.committed = collections.Counter()
        self.transactions = 0

    def _change(self, rows, touched):
        """A statement and what the event of it says; `rows` are changed with it."""
        self.number += 1
        kind = self.random.random()
        number = self.random.choice(list(rows)) if rows else None
        if kind < 0.4 or number is None or number in touched:
            number, self.next_id = self.next_id, self.next_id + 1
            rows[number] = self.number
            return f"INSERT INTO dbo.items (id, v, t) VALUES ({number}, {self.number}, N'Zeile {number}')", ("c", number, self.number)
        if kind < 0.85:
            rows[number] = self.number
            return f"UPDATE dbo.items SET v = {self.number} WHERE id = {number}", ("u", number, self.number)
        return f"DELETE FROM dbo.items WHERE id = {number}", ("d", number, rows.pop(number))

    def commit(self, size):
        """One transaction of so many changes, each of another row; answers the last of them."""
        rows = dict(self.rows)
        statements, events, touched = [], [], set()
        for _ in range(size):
            statement, event = self._change(rows, touched)
            touched.add(event[1])
            statements.append(statement)
            events.append(event)
        run_sql(self.connection, ";\n".join(["SET NOCOUNT ON", "SET XACT_ABORT ON", "BEGIN TRANSACTION", *statements,
                                             "COMMIT TRANSACTION"]))
        self.rows = rows
        self.committed.update(events)
        self.transactions += 1
        return events[-1]

    def close(self):
        self.connection.close()


class Writer:
    """Commits to a ledger on a thread until stop()."""

    def __init__(self, ledger, pause=0.01):
        self.ledger = ledger
        self.pause = pause
        self.failure = None
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        try:
            while not self.stopping.is_set():
                # Now and then one that is long enough to be killed in its middle.
                self.ledger.commit(400 if self.ledger.random.random() < 0.02 else self.ledger.random.randint(1, 12))
                self.stopping.wait(self.pause)
        except Exception as failure:  # pylint: disable=broad-except
            self.failure = failure

    def stop(self):
        self.stopping.set()
        self.thread.join(60)
        if self.failure is not None:
            raise self.failure


class KafkaCase(unittest.TestCase):
    SERVERS = SERVERS
    ROWS = ROWS
    TEXT = "nvarchar(40)"
    numbers = itertools.count(1)

    @classmethod
    def setUpClass(cls):
        skip_without_driver()
        cls.SERVERS.start()

    def setUp(self):
        self.number = next(KafkaCase.numbers)
        self.broker, self.simulator = self.SERVERS.broker, self.SERVERS.simulator
        self.database = f"kdb{self.number}"
        self.directory = private_directory("kafka-e2e")
        self.addCleanup(self.remove_directory)
        with self.simulator.connect() as master:
            run_sql(master, f"CREATE DATABASE {self.database}")
            run_sql(master, f"ALTER DATABASE {self.database} SET ALLOW_SNAPSHOT_ISOLATION ON")
        self.source = self.connect_source()
        self.addCleanup(self.source.close)
        self.create_tables()
        self.name = f"p{self.number}"
        self.topic = f"{self.name}.{self.database}.dbo.items"
        self.offsets_topic = f"tailrace-offsets-{self.name}"
        self.pipeline = self.make_pipeline()
        self.reader = TopicReader(self.broker, [self.topic], decode)
        self.addCleanup(self.reader.close)

    def create_tables(self):
        self.sql(f"CREATE TABLE dbo.items (id int NOT NULL PRIMARY KEY, v int NOT NULL, t {self.TEXT} NULL)")
        self.sql("EXEC sys.sp_cdc_enable_db")
        self.enable("items")
        for begin in range(1, self.ROWS + 1, 500):
            values = ", ".join(f"({n}, {n}, N'Zeile {n}')" for n in range(begin, min(begin + 500, self.ROWS + 1)))
            self.sql(f"INSERT INTO dbo.items VALUES {values}")

    def enable(self, table):
        self.sql(f"EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'{table}', @role_name = NULL")

    def remove_directory(self):
        if has_failed(self):
            print(f"  logs are kept in {self.directory}")
        else:
            shutil.rmtree(self.directory, ignore_errors=True)

    def make_pipeline(self, **values):
        return KafkaPipeline(self.simulator, self.broker, self.directory, self.database, **{"name": self.name, **values})

    def connect_source(self):
        return self.simulator.connect(self.database)

    def sql(self, text):
        return run_sql(self.source, text)

    def note(self, text):
        leave_note(self.id(), text)

    # Runs.

    def start(self, *words, environment=None, pipeline=None):
        run = (pipeline or self.pipeline).start(*words, environment=environment)
        self.addCleanup(run.kill)
        return run

    def wait_streaming(self, run, seconds=90):
        def done():
            if not run.running():
                raise NotReady(f"tailrace ended with {run.child.returncode}:\n{run.log()[-4000:]}")
            return "event=stream.start" in run.log() or "stream.start" in run.log()

        wait_until(done, seconds, "the stream starts", every=0.05)
        return run

    def start_streaming(self, *words, **options):
        return self.wait_streaming(self.start(*words, **options))

    def drain(self, run, seconds=60):
        run.send(15)
        self.assertEqual(run.wait(seconds), 0, run.log()[-4000:])

    def alive(self, run):
        def check():
            if not run.running():
                raise NotReady(f"tailrace ended with {run.child.returncode}:\n{run.log()[-4000:]}")

        return check

    # What readers see.

    def records(self):
        return self.reader.records[self.topic]

    def changes(self):
        """Of the stream: (operation, id, number) of each event, tombstones left out."""
        return [change_of(event) for _, event, _, _ in self.records() if event is not None and event["op"] != "r"]

    def wait_for_change(self, run, change, seconds=90):
        seen = {"at": 0, "found": False}

        def arrived():
            records = self.records()
            for _, event, _, _ in records[seen["at"]:]:
                seen["found"] = seen["found"] or (event is not None and change_of(event) == change)
            seen["at"] = len(records)
            return seen["found"]

        self.reader.read_until(arrived, seconds, f"the event {change}", self.alive(run))

    def finish(self, run, ledger):
        """One last change arrives, the program drains, and every change is there exactly once."""
        self.wait_for_change(run, ledger.commit(1))
        self.drain(run)
        self.assert_exactly_once(ledger)

    def assert_exactly_once(self, ledger):
        self.reader.read_to_end()
        seen = collections.Counter(self.changes())
        twice = {change: count for change, count in seen.items() if count > ledger.committed[change]}
        lost = ledger.committed - seen
        if twice or lost:
            try:
                self.keep_what_brokers_have(ledger)
            finally:
                self.fail(f"{len(lost)} lost, {len(twice)} more than once or never committed; "
                          f"lost {list(lost)[:5]}, too many {list(twice.items())[:5]}")
        self.assert_ordered()

    def keep_what_brokers_have(self, ledger):
        """What whoever begins to read now finds, and the brokers' logs, to be taken apart by kafka-dump-log.sh: this reader may have been
        shown a transaction that was aborted later, or a transaction may be one in some partitions alone."""
        with TopicReader(self.broker, [self.topic], self.reader.decode) as fresh:
            fresh.read_until(lambda: fresh.records[self.topic], 30, "records for a fresh reader")
            fresh.read_to_end()
            seen = collections.Counter(change_of(event) for _, event, _, _ in fresh.records[self.topic]
                                       if event is not None and event["op"] != "r")
        places = collections.Counter((partition, offset) for _, _, partition, offset in self.records())
        self.note(f"a fresh reader: {sum((ledger.committed - seen).values())} lost, {sum((seen - ledger.committed).values())} too many; "
                  f"records of one place that this one was given again: {sum(places.values()) - len(places)}")
        for number, node in getattr(self.broker, "nodes", {1: self.broker}).items():
            for log in sorted((node.directory / "data").glob("*/*.log")):
                topic = log.parent.name
                if log.stat().st_size and (topic.startswith(("__transaction_state", "tailrace-offsets")) or self.topic in topic):
                    shutil.copy(log, self.directory / f"node{number}-{topic}-{log.name}")

    def assert_ordered(self):
        """Per key, and with that per partition: the order of the source."""
        newest = {}
        places = {}
        for key, event, partition, _ in self.records():
            row = key["id"] if "id" in key else key["payload"]["id"]
            self.assertEqual(places.setdefault(row, partition), partition, f"key {row} is in two partitions")
            if event is None or event["op"] in ("r", "d"):
                continue
            number = change_of(event)[2]
            self.assertGreater(number, newest.get(row, -1), f"key {row} goes back")
            newest[row] = number

    def snapshot_ids(self):
        return collections.Counter(event["after"]["id"] for _, event, _, _ in self.records()
                                   if event is not None and event["op"] == "r")
