"""The base of fault tests: the demo's workload goes on at the source while the program is killed again and again."""

import signal
import threading

from demo import load
from demo import reader as invariants
from demo.schema import TABLES as DEMO_TABLES
from demo.workload import Workload
from tests.e2e.case import EndToEnd
from tests.support.literals import insert_batches
from tests.support.simulator import run_sql

OWN = ["dbo.accounts", "dbo.orders", "dbo.order_lines", "dbo.marks_first", "dbo.marks_last", "dbo.documents",
       "dbo.badges", "dbo.all_types"]
MANY_ROWS = 20_000
MONEY = load.OPENING_BALANCE * load.ACCOUNTS


class Fault(EndToEnd):
    TABLES = {**{name: DEMO_TABLES[name] for name in OWN},
              "dbo.many": "id int NOT NULL PRIMARY KEY, v int NOT NULL, t nvarchar(30) NOT NULL"}
    CHUNK_ROWS = 1000

    def setUp(self):
        super().setUp()
        for name, rows in load.own_rows(small=True).items():
            for batch in insert_batches(name, rows):
                self.sql(batch)
        for batch in insert_batches("dbo.many", ((n, n % 7, f"Reihe {n}") for n in range(1, MANY_ROWS + 1))):
            self.sql(batch)
        self.writer = None

    def make_pipeline(self, **values):
        return super().make_pipeline(**{"chunk_rows": self.CHUNK_ROWS, "readers": 2, **values})

    def start_writer(self, seed, rate=60):
        """Changes at the source, on a thread, until stop_writer()."""
        self.writer = Writer(self, seed, rate)
        self.addCleanup(self.writer.stop)

    def stop_writer(self):
        self.writer.stop()
        if self.writer.failure is not None:
            raise self.writer.failure

    def assert_killed(self, run, seconds=60):
        """The run ended by SIGKILL: it was not something else that stopped it."""
        self.assertEqual(run.wait(seconds), -signal.SIGKILL, run.log()[-4000:])

    def assert_nothing_half_visible(self):
        """One look at the invariants. Only after the first catch-up: before that they need not hold."""
        seen = invariants.Seen()
        invariants.check_once(self.target, MONEY, load.ACCOUNTS, seen)
        self.assertEqual(seen.half_visible, 0, seen.example)

    def finish(self, run, seconds=120):
        """The writer ends, everything arrives, both databases are equal, the program drains."""
        self.stop_writer()
        self.wait_streaming(run, seconds)
        self.flush(run, seconds)
        self.assert_same()
        self.assert_nothing_half_visible()
        self.drain(run)


class Writer:
    def __init__(self, case, seed, rate):
        self.failure = None
        self.stopping = threading.Event()
        self.transactions = 0
        self.case = case
        self.thread = threading.Thread(target=self._run, args=(seed, rate), daemon=True)
        self.thread.start()

    def _run(self, seed, rate):
        try:
            with self.case.connect_source() as connection:
                first = (run_sql(connection, "SELECT MAX(txn_id) FROM dbo.marks_last")[0][0] or 0) + 1
                workload = Workload(connection, seed, first_txn=first, real_data=False)
                big = 0
                while not self.stopping.is_set():
                    workload.run(1.0, rate, self.stopping.is_set)
                    # Now and then a transaction that is long enough to be killed in its middle.
                    big += 1
                    workload.commit("many", [f"UPDATE dbo.many SET v = v + 1, t = N'Lauf {big}' WHERE id <= 5000"])
                    self.transactions = workload.txn
        except Exception as failure:
            self.failure = failure

    def stop(self):
        self.stopping.set()
        self.thread.join(60)
