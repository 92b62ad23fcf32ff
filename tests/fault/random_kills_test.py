"""kill -9 at random times, 30 of them (LONG=1: 200), in snapshots and in streamed transactions.

Before it is killed the process is stopped and PostgreSQL is asked what it was in the middle of: chunks half done, or a
transaction of ours with rows in it that is not committed. So "inside" is proven, not supposed.
"""

import os
import random
import signal
import time

from tests.e2e.case import long_run
from tests.fault.case import Fault
from tests.support.pipeline import table_states
from tests.support.processes import wait_until

KILLS = 200 if long_run() else 30


class RandomKills(Fault):
    CHUNK_ROWS = 400

    def setUp(self):
        super().setUp()
        self.seed = int(os.environ.get("TAILRACE_SEED", 0)) or random.SystemRandom().randrange(1, 1 << 31)
        self.note(f"seed {self.seed} (TAILRACE_SEED={self.seed} repeats it)")
        self.random = random.Random(self.seed)
        self.inside_snapshot = 0
        self.inside_transaction = 0

    def open_writes(self):
        return self.row("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
                        "AND backend_xid IS NOT NULL AND backend_type = 'client backend'")[0]

    def kill_after(self, run, seconds):
        time.sleep(seconds)
        if not run.running():
            self.fail(f"tailrace ended by itself with {run.child.returncode}\n{run.log()[-4000:]}")
        run.send(signal.SIGSTOP)
        states = table_states(self.target)
        if "loading" in states.values():
            self.inside_snapshot += 1
        elif self.open_writes():
            self.inside_transaction += 1
        run.kill()

    # Whose rows wait for a table that somebody reads.
    def kill_inside(self, run):
        with self.connect_target() as reader:
            reader.autocommit = False
            reader.execute("LOCK TABLE public.accounts IN SHARE MODE")
            wait_until(lambda: self.open_writes() or not run.running(), 60, "a transaction waits")
            self.kill_after(run, 0)
            reader.rollback()

    # Half of the kills hit the load, each of them somewhere in a load that goes on from the last one.
    def test_in_the_snapshot(self):
        self.start_writer(self.seed, rate=30)
        for _ in range(KILLS // 3):
            run = self.start()
            wait_until(lambda: table_states(self.target) or not run.running(), 30, "the first state is there")
            self.kill_after(run, self.random.uniform(0, 0.25))
            if "loading" not in table_states(self.target).values():
                break  # Loaded in spite of the kills: the others are for the stream.
        self.note(f"{self.inside_snapshot} kills with chunks half done")
        self.assertGreater(self.inside_snapshot, 0)
        self.finish(self.start())

    def test_in_the_stream(self):
        run = self.start_streaming()
        self.start_writer(self.seed + 1, rate=80)
        kills = KILLS - KILLS // 3
        for number in range(kills):
            # Transactions are short, and few are hit by chance: every seventh is held until it is.
            self.kill_inside(run) if number % 7 == 0 else self.kill_after(run, self.random.uniform(0.1, 1.2))
            self.assert_nothing_half_visible()
            run = self.start()
        self.note(f"{self.inside_transaction} of {kills} kills inside a transaction not yet committed, "
                  f"{self.writer.transactions} source transactions")
        self.assertGreater(self.inside_transaction, 0)
        self.finish(run)
