"""A Kafka target: kill -9 at named points and at random, a second runner, a broker that goes. Every event is there exactly once.

The points: tests/fault/README.md. LONG=1: 60 random kills instead of 15.
"""

import collections
import json
import os
import random
import signal
import time

from confluent_kafka import Consumer, TopicPartition

from tests.e2e.case import long_run
from tests.e2e.kafka.case import ROWS, KafkaCase, Ledger, Writer, decode
from tests.support.kafka import TopicReader
from tests.support.processes import NotReady, wait_until

KILLS = 60 if long_run() else 15
SNAPSHOT_POINTS = {
    "load.before_begin": (1,),
    "kafka.after_init": (1,),
    "kafka.after_claim": (1,),
    "chunk.in_copy": (1, 3),
    "chunk.before_progress": (1,),
    "chunk.before_commit": (1, 2),
    "chunk.after_commit": (1, 2),
    "load.before_finish": (1,),
    "load.after_finish": (1,),
}
STREAM_POINTS = {
    "kafka.after_init": (1,),
    "kafka.after_claim": (1,),
    "sink.before_commit": (1, 3, 9),
    "sink.after_commit": (1, 3, 9),
}


class KafkaKills(KafkaCase):
    def make_pipeline(self, **values):
        return super().make_pipeline(**{"chunk_rows": 100, **values})  # Enough of them for every kill.

    def assert_killed(self, run, seconds=60):
        """The run ended by SIGKILL: it was not something else that stopped it."""
        self.assertEqual(run.wait(seconds), -signal.SIGKILL, run.log()[-4000:])

    def start_writer(self, seed, pause=0.01):
        self.ledger = Ledger(self, seed)
        self.writer = Writer(self.ledger, pause)
        self.addCleanup(self.writer.stop)

    def kill_at(self, points):
        hit = []
        for point, passes in points.items():
            for count in passes:
                self.assert_killed(self.start(environment={"TAILRACE_CRASH_AT": f"{point}:{count}"}))
                hit.append(f"{point}:{count}")
        self.note(f"killed at {', '.join(hit)}")

    def finish_all(self):
        self.writer.stop()
        self.finish(self.start(), self.ledger)
        self.note(f"{self.ledger.transactions} source transactions, {sum(self.ledger.committed.values())} changes")

    # A chunk's events and its progress are one transaction: else rows are lost, or there twice.
    def test_in_the_snapshot(self):
        self.kill_at(SNAPSHOT_POINTS)
        self.start_writer(seed=21)
        self.finish_all()
        self.assertEqual(self.snapshot_ids(), collections.Counter(range(1, ROWS + 1)))

    # The position moves with the events: else the resume skips or repeats what the kill cut.
    def test_in_the_stream(self):
        self.drain(self.start_streaming())
        self.start_writer(seed=22)
        self.kill_at(STREAM_POINTS)
        self.finish_all()

    def test_at_random(self):
        seed = int(os.environ.get("TAILRACE_SEED", 0)) or random.SystemRandom().randrange(1, 1 << 31)
        self.note(f"seed {seed} (TAILRACE_SEED={seed} repeats it)")
        chance = random.Random(seed)
        # The first of them hit the snapshot.
        for _ in range(3):
            run = self.start()
            time.sleep(chance.uniform(0.2, 0.8))
            run.kill()
        run = self.start_streaming()
        self.start_writer(seed + 1)
        for _ in range(KILLS):
            time.sleep(chance.uniform(0.1, 1.0))
            self.assertTrue(run.running(), run.log()[-4000:])
            run.kill()
            run = self.start()
        run.kill()
        self.finish_all()
        self.assertEqual(self.snapshot_ids(), collections.Counter(range(1, ROWS + 1)))

    # The broker goes in the middle of it, without a word, and comes back at the same address.
    def test_a_broker_that_restarts(self):
        run = self.start_streaming()
        self.start_writer(seed=23)
        for _ in range(3):
            time.sleep(1)
            self.broker.halt()
            self.broker.start()
        self.writer.stop()
        self.wait_for_change(run, self.ledger.commit(1), seconds=180)
        self.drain(run)
        self.assert_exactly_once(self.ledger)


class KafkaColumns(KafkaKills):
    """Columns are added, and second capture instances made, while changes flow and the runner is killed."""

    ROUNDS = 15 if long_run() else 4
    POINTS = ("sink.before_commit", "sink.after_commit", "kafka.after_claim")

    def stored_instance(self):
        done = self.pipeline.call("status", "--format", "json")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return next(table["instance"] for table in json.loads(done.stdout)["tables"] if table["table"] == "dbo.items")

    def add_column(self, number):
        """Answers where its instance begins."""
        self.sql(f"ALTER TABLE dbo.items ADD extra{number} int NOT NULL DEFAULT {number}")
        self.sql(f"EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'items', @role_name = NULL, "
                 f"@capture_instance = N'items_{number}'")
        return self.sql(f"SELECT CONVERT(char(20), start_lsn, 2) FROM cdc.change_tables WHERE capture_instance = N'items_{number}'"
                        )[0][0].lower()

    # The switch is durable with an end of the stream, and both sides begin anew behind it: a kill in between must neither lose a change
    # nor give one the columns of the other instance.
    def test_columns_come_while_it_is_killed(self):
        seed = int(os.environ.get("TAILRACE_SEED", 0)) or random.SystemRandom().randrange(1, 1 << 31)
        chance = random.Random(seed)
        self.start_streaming()
        self.start_writer(seed)
        starts, older, kills = [], "dbo_items", 0
        for number in range(self.ROUNDS):
            starts.append(self.add_column(number))
            for _ in range(3):
                point = f"{chance.choice(self.POINTS)}:{chance.randint(1, 4)}"
                run = self.start(environment={"TAILRACE_CRASH_AT": point}) if chance.random() < 0.7 else self.start()
                time.sleep(chance.uniform(0.1, 0.8))
                run.kill()
                kills += 1
            run = self.start()
            wait_until(lambda name=f"items_{number}", run=run: self.alive(run)() or self.stored_instance() == name, 60,
                       "the new instance is stored", every=0.1)
            self.sql(f"EXEC sys.sp_cdc_disable_table @source_schema = N'dbo', @source_name = N'items', @capture_instance = N'{older}'")
            older = f"items_{number}"
            run.kill()
        self.finish_all()
        self.assert_columns(starts)
        self.note(f"seed {seed} (TAILRACE_SEED={seed} repeats it): {self.ROUNDS} columns, {kills + self.ROUNDS} kills")

    def assert_columns(self, starts):
        wrong = []
        for _, event, _, _ in self.records():
            if event is None or event["op"] == "r":
                continue
            lsn = event["source"]["commit_lsn"].replace(":", "")
            held = {name for image in ("before", "after") for name in event[image] or ()}
            wanted = {"id", "v", "t", *(f"extra{number}" for number, start in enumerate(starts) if start <= lsn)}
            if held != wanted:
                wrong.append((lsn, sorted(held ^ wanted)))
        self.assertEqual(wrong[:5], [], f"{len(wrong)} events have the columns of another instance; they begin at {starts}")


class KafkaRunners(KafkaCase):
    # Both would send the same changes. Two of one name: the newer one has the pipeline.
    def test_a_second_runner_ends_a_busy_one(self):
        first = self.start_streaming()
        ledger = Ledger(self, seed=31)
        writer = Writer(ledger)
        self.addCleanup(writer.stop)
        second = self.start_streaming()
        self.assertEqual(first.wait(60), 9, first.log()[-4000:])
        self.assertIn("another runner took over", first.log())
        writer.stop()
        self.finish(second, ledger)

    # An idle one has nothing to commit, and an empty transaction asks nobody.
    def test_a_second_runner_ends_an_idle_one(self):
        first = self.start_streaming()
        second = self.start_streaming()
        self.assertEqual(first.wait(60), 9, first.log()[-4000:])
        self.finish(second, Ledger(self, seed=32))

    # A runner that was thought dead wakes up: what it still holds must not be written.
    def test_a_runner_that_wakes_up(self):
        first = self.start_streaming()
        ledger = Ledger(self, seed=33)
        writer = Writer(ledger)
        self.addCleanup(writer.stop)
        wait_until(lambda: ledger.transactions > 20, 30, "changes flow")
        first.send(signal.SIGSTOP)
        second = self.start_streaming()
        writer.stop()
        self.wait_for_change(second, ledger.commit(1))
        first.send(signal.SIGCONT)
        self.assertEqual(first.wait(60), 9, first.log()[-4000:])
        self.finish(second, ledger)


class Cutting(KafkaCase):
    """Source transactions that take longer than a Kafka transaction may."""

    def setUp(self):
        super().setUp()
        self.pipeline.write(transaction_timeout="4s")
        self.looker = Consumer({"bootstrap.servers": self.broker.address, "group.id": "unused",
                                "isolation.level": "read_uncommitted"})
        self.addCleanup(self.looker.close)

    def sent(self):
        """Offsets that are taken in the topic, whoever's transactions they belong to."""
        return sum(self.looker.get_watermark_offsets(TopicPartition(self.topic, number), timeout=20)[1] for number in range(3))

    def cut_and_kill(self, run, commit):
        """commit() again and again, until the run is killed behind a cut of one of them."""
        for _ in range(10):
            # In the middle of sending it: two thirds of its time pass while the process stands still.
            before = self.sent()
            commit()
            wait_until(lambda: self.sent() > before or not run.running(), 60, "the transaction is being sent", every=0.002)
            run.send(signal.SIGSTOP)
            time.sleep(3)
            run.send(signal.SIGCONT)
            try:
                self.assertEqual(run.wait(3), -signal.SIGKILL, run.log()[-4000:])
                break
            except NotReady:
                continue  # All of it had been sent.
        self.assertFalse(run.running(), "no transaction was cut")
        self.assertIn("kafka.transaction.cut", run.log())


class KafkaTimeouts(Cutting):
    # A process that slept through its transaction's time is not fenced: it reads its position and goes on.
    def test_a_transaction_that_the_broker_ends(self):
        self.pipeline.write(transaction_timeout="2s")
        run = self.start_streaming()
        ledger = Ledger(self, seed=41)
        writer = Writer(ledger, pause=0)
        self.addCleanup(writer.stop)
        for _ in range(4):
            time.sleep(0.5)
            run.send(signal.SIGSTOP)
            time.sleep(4)
            run.send(signal.SIGCONT)
        writer.stop()
        self.finish(run, ledger)

    # Cut, killed behind the cut, gone on with.
    def test_a_source_transaction_that_is_cut(self):
        run = self.start_streaming(environment={"TAILRACE_CRASH_AT": "kafka.after_cut:1"})
        ledger = Ledger(self, seed=42)
        self.wait_for_change(run, ledger.commit(1))
        self.cut_and_kill(run, lambda: ledger.commit(6000))
        self.finish(self.start_streaming(), ledger)


class KafkaCutOfTwoTables(Cutting):
    ROUNDS, EACH = 60, 100

    def create_tables(self):
        super().create_tables()
        self.sql("CREATE TABLE dbo.others (id int NOT NULL PRIMARY KEY, v int NOT NULL, t nvarchar(40) NULL)")
        self.enable("others")
        self.next = 1_000_000

    def commit(self, rounds=ROUNDS):
        """Rows of both tables in turn, in one transaction."""
        statements = []
        for _ in range(rounds):
            values = ", ".join(f"({number}, {number}, N'Zeile')" for number in range(self.next, self.next + self.EACH))
            statements += [f"INSERT INTO dbo.{table} VALUES {values}" for table in ("items", "others")]
            self.next += self.EACH
        self.sql(";\n".join(["SET NOCOUNT ON", "SET XACT_ABORT ON", "BEGIN TRANSACTION", *statements, "COMMIT TRANSACTION"]))

    def ask(self, wanted):
        done = self.pipeline.call("table", wanted, "--table", "dbo.others")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    # What was sent of the cut commit is counted for each table: else the one that leaves sends it again, and of the other one as many
    # events are taken for sent that never were.
    def test_a_table_that_is_paused_behind_the_cut(self):
        run = self.start_streaming(environment={"TAILRACE_CRASH_AT": "kafka.after_cut:1"})
        self.cut_and_kill(run, self.commit)
        self.ask("pause")
        run = self.start_streaming()
        wait_until(lambda: "table.left" in run.log(), 60, "the table has left")
        self.ask("resume")
        self.commit(1)
        topics = [self.topic, f"{self.name}.{self.database}.dbo.others"]
        with TopicReader(self.broker, topics, decode) as reader:
            def count(topic):
                return collections.Counter(key["id"] for key, event, _, _ in reader.records[topic] if event["op"] == "c")

            reader.read_until(lambda: all(self.next - 1 in count(topic) for topic in topics), 90, "the last rows of both tables",
                              self.alive(run))
            self.drain(run)
            reader.read_to_end()
            once = collections.Counter(range(1_000_000, self.next))
            for topic in topics:
                self.assertEqual(count(topic) - once, collections.Counter(), f"{topic}: sent more than once")
                self.assertEqual(once - count(topic), collections.Counter(), f"{topic}: lost")
