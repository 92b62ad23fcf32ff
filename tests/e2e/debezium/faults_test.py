"""What goes wrong at a server, ordered from the simulator: Debezium sees it as it is, tries again, and nothing is lost or doubled."""

import os
import time
import unittest

from tests.e2e.debezium import columns
from tests.e2e.debezium.case import DebeziumCase
from tests.e2e.debezium.events import compare_order, compare_table, without_tombstones
from tests.e2e.debezium.history import History
from tests.e2e.debezium.tables import ID, Table, by_id

ITEMS = Table("dbo", "items", ID, by_id, (columns.NUMBERS[3], columns.TEXTS[3]))
# Each with what the task's log then says of it.
FAULTS = {
    "a deadlock on the instances' list": ("'deadlock', '1', 'cdc.change_tables'", "was deadlocked"),
    "a deadlock on the log's end": ("'deadlock', '2', 'lsn_time_mapping WHERE'", "was deadlocked"),
    "a connection lost amid the changes": ("'reset', '7', 'dbo_items_CT'", "Connection reset"),
    "an error of the server": ("'error', '976', 'dbo_items_CT'", "Error 976 was ordered"),
}


class Faults(DebeziumCase):
    def setUp(self):
        super().setUp()
        self.seed = int(os.environ.get("TAILRACE_SEED", time.time_ns() % 10**9))
        for batch in (*ITEMS.create(), ITEMS.enable()):
            self.sql(batch)
        self.history = History(self.source, [ITEMS], self.seed)
        self.history.fill()
        self.sql("EXEC sp_sim_control 'scan'")  # So that no row is in the snapshot and in the stream.
        self.addCleanup(self.sql, "EXEC sp_sim_control 'clear'; EXEC sp_sim_control 'agent', 'start'")

    def test_faults_of_the_server_lose_and_double_nothing(self):
        prefix = self.deploy("faulty", **{"errors.max.retries": -1, "retriable.restart.connector.wait.ms": 100}).name
        reader = self.reader([ITEMS.topic(prefix, self.database)])
        records = reader.records[ITEMS.topic(prefix, self.database)]
        rows = len(self.history.rows["items"])
        self.read_until(reader, lambda: len(records) >= rows, "the snapshot")

        def all_there():
            return len([event for event in records if event.op != "tombstone"]) >= rows + self.history.count()

        for what, (order, said) in FAULTS.items():
            before = self.worker.log().count(said)
            # Captured all at once: an order is used up by the first statement that it is for, and a connection is lost amid rows alone.
            self.sql("EXEC sp_sim_control 'agent', 'stop'")
            self.history.change(50)
            self.sql(f"EXEC sp_sim_control {order}; EXEC sp_sim_control 'agent', 'start'")
            self.read_until(reader, all_there, f"all events after {what}")
            self.assertGreater(self.worker.log().count(said), before, f"Debezium has met {what}")
        # Without its agent a server captures nothing, and says nothing of it.
        self.sql("EXEC sp_sim_control 'agent', 'stop'")
        self.history.change(50)
        self.sql("EXEC sp_sim_control 'agent', 'start'")
        self.read_until(reader, all_there, "all events after the agent was away")
        reader.read_to_end()
        events = without_tombstones(self, records)[rows:]
        wanted = [event for transaction in self.history.transactions for event in transaction.events]
        compare_table(self, ITEMS, events, wanted, f"seed {self.seed}")
        compare_order(self, events, self.history.transactions, f"seed {self.seed}")


if __name__ == "__main__":
    unittest.main()
