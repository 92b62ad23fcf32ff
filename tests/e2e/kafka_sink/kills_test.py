"""Exactly once: processes of one pipeline are killed (-9), stopped past their session, started and drained while changes flow.

At the end PostgreSQL equals the source. A record that was lost, came twice in another order, or was written by a process that had
lost its partition would leave another row.
"""

import os
import random
import signal
import time
import unittest

from tests.e2e.case import long_run
from tests.e2e.kafka_sink.case import BUSY, KafkaSinkCase
from tests.support.processes import NotReady, wait_until

KILLS = 40 if long_run() else 12


class Kills(KafkaSinkCase):
    TABLES = BUSY

    def setUp(self):
        super().setUp()
        self.seed = int(os.environ.get("TAILRACE_SEED", 0)) or random.SystemRandom().randrange(1, 1 << 31)
        self.note(f"seed {self.seed} (TAILRACE_SEED={self.seed} repeats it)")
        self.random = random.Random(self.seed)
        self.history = self.make_history(self.seed)

    def sources(self):
        return self.write_config(self.deploy_source(BUSY, **{"topic.creation.default.partitions": 3,
                                                             "topic.creation.default.replication.factor": 1}))

    def test_kills_at_random(self):
        config = self.sources()
        runs = [self.start(config), self.start(config)]
        inside = 0
        for _ in range(KILLS):
            self.history.change(self.random.randint(20, 120))
            time.sleep(self.random.uniform(0, 0.5))
            victim = self.random.randrange(len(runs))
            run = runs[victim]
            if not run.running():
                raise NotReady(f"tailrace ended with {run.child.returncode}:\n{run.log()[-4000:]}")
            run.send(signal.SIGSTOP)
            inside += self.target.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
                "AND backend_xid IS NOT NULL AND backend_type = 'client backend'").fetchone()[0]
            run.kill()
            runs[victim] = self.start(config)
        self.note(f"{KILLS} kills, {inside} of them with a transaction open, {self.history.count()} events")
        self.assert_same(BUSY, runs)
        for run in runs:
            self.drain(run)

    def test_members_come_and_go(self):
        config = self.sources()
        runs = [self.start(config)]
        for _ in range(6):
            self.history.change(self.random.randint(50, 150))
            if len(runs) < 3 and self.random.random() < 0.6:
                runs.append(self.start(config))
            elif len(runs) > 1:
                self.drain(runs.pop(self.random.randrange(len(runs))))
        self.assert_same(BUSY, runs)
        for run in runs:
            self.drain(run)


class CrashPoints(KafkaSinkCase):
    """The process ends at each point, as kill -9 would end it; the next one goes on."""

    TABLES = BUSY

    def test_each_point(self):
        history = self.make_history(1)
        topics = self.deploy_source(BUSY)
        config = self.write_config(topics, more="stream: { queue_bytes: 1MiB }\n", batch_records=500)
        numbers = self.TABLES[0]
        for point in ("partitions.in_apply", "partitions.before_commit", "partitions.after_commit",
                      "partitions.in_large_commit:2"):
            if "large" in point:
                before = self.records_of(topics[0])

                def many():
                    for _ in range(16):
                        new = history.new_numbers(numbers, 500)
                        history.insert(numbers, {number: history.make_row(numbers, number, history.any_value)
                                                 for number in new})

                history.transaction(many)
                # What a sink reads as it is being written is applied as it comes, and no part of a commit.
                wait_until(lambda: self.records_of(topics[0]) >= before + 16 * 500, 120, "Debezium has written it", every=0.1)
            else:
                history.change(60)
            run = self.start(config, environment={"TAILRACE_CRASH_AT": point})
            self.assertEqual(run.wait(120), -signal.SIGKILL, f"{point}: {run.log()[-4000:]}")
        run = self.start(config)
        self.assert_same(BUSY, [run])
        self.drain(run)


class Frozen(KafkaSinkCase):
    TABLES = BUSY

    # A zombie that wakes up still believes that the partitions are its own, and has rows of them in its hands.
    def test_a_sink_that_was_stopped_past_its_session_writes_nothing_afterwards(self):
        seed = int(os.environ.get("TAILRACE_SEED", 0)) or random.SystemRandom().randrange(1, 1 << 31)
        self.note(f"seed {seed} (TAILRACE_SEED={seed} repeats it)")
        history = self.make_history(seed)
        config = self.write_config(self.deploy_source(BUSY))
        frozen = self.start(config)
        self.assert_same(BUSY, [frozen])
        before = self.positions()
        history.change(200)
        frozen.send(signal.SIGSTOP)
        other = self.start(config)
        wait_until(lambda: all(self.positions()[where][0] > epoch for where, (epoch, _) in before.items()), 60,
                   "the other one has claimed every partition", every=0.1)
        history.change(200)
        self.assert_same(BUSY, [other])
        newest = self.newest_row()
        frozen.send(signal.SIGCONT)
        # It finds out, by what PostgreSQL or the group says, and goes on as a member like any other.
        wait_until(lambda: frozen.log().count("partition.claimed ") > len(before)
                   or "partition.left" in frozen.log() or "pipeline.retry" in frozen.log(), 60,
                   "the woken one finds out", every=0.1)
        self.assertEqual(self.newest_row(), newest)
        history.change(100)
        self.assert_same(BUSY, [other, frozen])
        for run in (frozen, other):
            self.drain(run)

    def newest_row(self):
        """The newest transaction that has written a row of a table."""
        return self.target.execute(" UNION ALL ".join(f"SELECT max(xmin::text::bigint) FROM public.{table.name}"
                                                      for table in BUSY)).fetchall()


if __name__ == "__main__":
    unittest.main()
