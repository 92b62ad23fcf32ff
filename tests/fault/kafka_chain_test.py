"""Exactly once, with everything at once: a simulator, tailrace into a real broker (Avro, a real registry), and a group of tailrace
processes from there into PostgreSQL, while changes flow and whatever can be killed, stopped or doubled is.

At the end a reader that is not ours (Kafka's Java consumer, Apache Avro) has every event exactly once and in its key's order, the
target equals the source row by row, and what the target has stored is where the partitions end. LONG=1: about a hundred
disturbances instead of one of each kind.
"""

import collections
import json
import os
import random
import signal
import time

from tests.e2e.case import long_run
from tests.fault.kafka_case import BothEnds
from tests.fault.kafka_chain import ACCOUNTS, ITEMS, MONEY, TABLES, Background, Ledger, fill
from tests.support.kafka_committed import read_committed
from tests.support.processes import wait_until

SESSION_SECONDS = 6
# How often each kind comes: in a long run at least 50 kills of processes, whatever the seed.
KINDS = {"kill_source": (1, 18), "kill_source_at_a_point": (1, 10), "kill_sink": (1, 18), "kill_sink_at_a_point": (1, 10),
         "kill_broker": (1, 4), "restart_broker": (0, 3), "come_or_go": (1, 8), "freeze_sink": (1, 5), "second_source": (1, 6),
         "restart_simulator": (1, 5)}
SOURCE_POINTS = ["kafka.after_init:1", "kafka.after_claim:1", "sink.before_commit:1", "sink.before_commit:4", "sink.after_commit:1",
                 "sink.after_commit:4"]
SINK_POINTS = ["partitions.in_apply:1", "partitions.in_apply:3", "partitions.before_commit:1", "partitions.before_commit:4",
               "partitions.after_commit:1", "partitions.after_commit:4"]


class KafkaChain(BothEnds):
    TABLES = TABLES
    ONE_PARTITION = ("accounts",)
    BATCH_RECORDS = 200

    def fill(self):
        fill(self.source)

    def make_pipeline(self, **values):
        return super().make_pipeline(**{"chunk_rows": 300, **values})

    def setUp(self):
        super().setUp()
        self.kills = 0
        self.looks, self.broken = 0, []
        self.seed = int(os.environ.get("TAILRACE_SEED", 0)) or random.SystemRandom().randrange(1, 1 << 31)
        self.note(f"seed {self.seed} (TAILRACE_SEED={self.seed} repeats it)")
        self.random = random.Random(self.seed)

    # Processes.

    def assert_killed(self, run, seconds=120):
        self.assertEqual(run.wait(seconds), -signal.SIGKILL, run.log()[-4000:])
        self.kills += 1

    def take_sink(self):
        """One of them by chance: it is no member any more, or will be none soon."""
        return self.sinks.pop(self.random.randrange(len(self.sinks)))

    # Disturbances.

    def kill_source(self):
        self.source_run.send(signal.SIGKILL)
        self.assert_killed(self.source_run)
        self.start_source()

    def kill_source_at_a_point(self):
        self.source_run.send(signal.SIGKILL)
        self.assert_killed(self.source_run)
        self.start_source(self.random.choice(SOURCE_POINTS))
        self.assert_killed(self.source_run)
        self.start_source()

    def kill_sink(self):
        run = self.take_sink()
        run.send(signal.SIGKILL)
        self.assert_killed(run)
        self.start_sink()

    def kill_sink_at_a_point(self):
        run = self.take_sink()
        run.send(signal.SIGKILL)
        self.assert_killed(run)
        self.assert_killed(self.start_sink(self.random.choice(SINK_POINTS)))
        self.sinks.pop()
        self.start_sink()

    def kill_broker(self):
        self.broker.halt()
        self.broker.start()

    def restart_broker(self):
        self.broker.process.stop(seconds=60)
        self.broker.start()

    def come_or_go(self):
        if len(self.sinks) < 3:
            self.start_sink()
        else:
            self.drain(self.take_sink(), seconds=90)

    # Past its session, so that the others have its partitions; then it wakes up with rows of them in its hands.
    def freeze_sink(self):
        run = self.random.choice(self.sinks)
        before = {where: epoch for where, (epoch, _) in self.positions().items()}
        run.send(signal.SIGSTOP)
        woken_at = time.monotonic() + SESSION_SECONDS + 1
        wait_until(lambda: time.monotonic() > woken_at
                   and any(epoch > before.get(where, 0) for where, (epoch, _) in self.positions().items()),
                   120, "the others have taken its partitions", every=0.1)
        run.send(signal.SIGCONT)

    def second_source(self):
        first = self.source_run
        self.start_source()
        self.assertEqual(first.wait(120), 9, first.log()[-4000:])
        self.assertIn("another runner took over", first.log())

    def restart_simulator(self):
        self.simulator.process.stop()
        self.simulator.start(port=self.simulator.port)

    # What is seen meanwhile, and at the end.

    def look(self, connection):
        total = connection.execute("SELECT sum(balance) FROM public.accounts").fetchone()[0]
        self.looks += 1
        if total != MONEY:
            self.broken.append(total)

    def wait_for_mark(self, mark, seconds=240):
        def arrived():
            self.assert_alive()
            # Its first record makes the table.
            return (self.target.execute("SELECT to_regclass('public.marks') IS NOT NULL").fetchone()[0]
                    and self.target.execute("SELECT 1 FROM public.marks WHERE id = %s", [mark]).fetchone())

        wait_until(arrived, seconds, f"mark {mark} arrives", every=0.1)

    def wait_for_load(self):
        def loaded():
            self.assert_alive()
            if self.target.execute("SELECT to_regclass('public.accounts') IS NULL OR to_regclass('public.items') IS NULL"
                                   ).fetchone()[0]:
                return False
            return self.target.execute("SELECT (SELECT count(*) FROM public.accounts), (SELECT count(*) FROM public.items)"
                                       ).fetchone() == (ACCOUNTS, ITEMS)

        wait_until(loaded, 180, "the snapshot has arrived", every=0.1)

    def assert_every_event_once(self, ledger):
        seen, places = collections.defaultdict(list), {}

        def take(record):
            table = record["topic"].rsplit(".", 1)[1]
            key = table, record["key"]["id"]
            self.assertEqual(places.setdefault(key, record["partition"]), record["partition"], f"{key} is in two partitions")
            event = record["value"]
            if event is None:
                self.assertEqual(seen[key][-1][0], "d", f"a tombstone of {key} without its delete")
                return
            row = event["after"] or event["before"]
            self.assertEqual(row["id"], key[1])
            seen[key].append((event["op"], row["v"]))

        ends = read_committed(self.broker, self.registry, [self.topic_of(table) for table in TABLES], self.directory, take)
        wrong = {key: (ledger.events.get(key), seen.get(key)) for key in {*ledger.events, *seen}
                 if ledger.events.get(key) != seen.get(key)}
        self.assertFalse(wrong, f"{len(wrong)} keys have other events than the source made: "
                                + json.dumps([[str(key), *map(str, both)] for key, both in list(wrong.items())[:5]], indent=1))
        self.assertEqual({where: offset for where, (_, offset) in self.positions().items()},
                         {where: end for where, end in ends.items() if where in self.positions()})
        # A partition that never had a record has nothing to be stored of.
        self.assertEqual([end for where, end in ends.items() if where not in self.positions() and end > 0], [])
        return sum(map(len, seen.values()))

    def snapshot_with_kills(self):
        for point in ("chunk.before_commit:2", "chunk.after_commit:1"):
            self.start_source(point)
            self.assert_killed(self.source_run)
        self.start_source()
        self.start_sink()
        self.start_sink()
        self.wait_for_load()

    def test_exactly_once_whatever_happens(self):
        started = time.monotonic()
        self.snapshot_with_kills()
        ledger = Ledger(self.connect_source, self.seed + 1)
        self.addCleanup(ledger.close)
        looker = self.postgres.connect(self.database)
        self.addCleanup(looker.close)
        writer = Background(ledger.commit, 0.01)
        self.addCleanup(writer.halt)
        look = Background(lambda: self.look(looker), 0.02)
        self.addCleanup(look.halt)
        kinds = [kind for kind, counts in KINDS.items() for _ in range(counts[long_run()])]
        self.random.shuffle(kinds)
        for kind in kinds:
            time.sleep(self.random.uniform(0.1, 1.5))
            self.assert_alive()
            getattr(self, kind)()
            # Some hit what is still about to recover.
            if self.random.random() < 0.5:
                self.wait_for_mark(ledger.newest_mark)
        writer.stop()
        self.wait_for_mark(ledger.commit())
        self.drain(self.source_run)
        wait_until(self.is_at_the_ends, 240, "the target has come to the ends of all partitions", every=0.2)
        look.stop()
        for run in self.sinks:
            self.drain(run)
        self.assert_target_is_source()
        read = self.assert_every_event_once(ledger)
        self.note(f"{self.kills} kills; " + ", ".join(f"{times} x {kind}" for kind, times in collections.Counter(kinds).items()))
        self.note(f"{ledger.transactions} source transactions, {ledger.count()} events, {read} read by Java, {ledger.lost_answers} answers "
                  f"lost, {self.looks} looks at the sum, {len(self.broken)} broken, {time.monotonic() - started:.0f} s")
        self.assertEqual(self.broken[:3], [])
        self.assertGreater(self.looks, 100)
