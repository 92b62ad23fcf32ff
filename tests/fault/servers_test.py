"""Faults of the servers: results cut in their middle, deadlock victims, refused logins, restarts, a stopped agent.

The program must come back by itself each time, and both databases must be equal at the end.
"""

import signal

from tests.fault.case import Fault
from tests.support.processes import wait_until


# What a start or the stream asks of the server besides rows, by a word that is in each.
METADATA = ["dm_cdc_log_scan_sessions",  # Only where tables are loaded: by the first of the starts.
            "sys.databases", "database_recovery_status", "sys.tables", "sys.columns", "sys.indexes", "sys.foreign_keys",
            "sys.partitions", "change_tables", "captured_columns", "index_columns", "ddl_history", "lsn_time_mapping"]
GAP = 7


class Servers(Fault):
    def control(self, *arguments):
        return self.sql("EXEC sp_sim_control " + ", ".join(f"N'{argument}'" for argument in arguments))

    def with_faults(self, seed, *orders, rounds=1):
        run = self.start_streaming()
        self.start_writer(seed)
        self.flush(run)
        for _ in range(rounds):
            for order in orders:
                self.control(*order)
                self.flush(run)
        self.assertTrue(run.running(), run.log()[-4000:])
        return run

    def test_results_cut_in_their_middle(self):
        run = self.with_faults(41, ("reset", "0", "_CT]", "2"), ("reset", "3", "_CT]", "2"),
                               ("reset", "0", "lsn_time_mapping", "2"), ("reset_after", "lsn_time_mapping", "2"))
        self.finish(run)

    def test_cut_in_the_snapshot(self):
        self.control("reset", "300", "[many]", "3")
        self.start_writer(42)
        run = self.start()
        self.wait_streaming(run, 120)
        self.finish(run)

    def test_deadlock_victims_and_errors(self):
        run = self.with_faults(43, ("deadlock", "2", "_CT]"), ("deadlock", "1", "lsn_time_mapping"),
                               ("error", "1222", "_CT]", "1", "16"))
        self.finish(run)

    # A victim is told to try again, whatever it asked: a start or a stream that ends instead leaves an operator to do it.
    def test_a_deadlock_at_each_question_about_the_catalog(self):
        self.start_writer(48)
        for name in METADATA:
            with self.subTest(asked=name):
                self.control("deadlock", "1", name)
                run = self.start_streaming()
                wait_until(lambda run=run: "deadlock" in run.log(), 60, f"the deadlock at {name} is met")
                self.wait_streaming(run)
                self.flush(run)
                self.drain(run)
        self.finish(self.start_streaming())

    # A replica that lags behind takes over: the target holds what the source has lost, and LSNs come again. Whoever goes on
    # by the numbers alone mixes two histories.
    def test_a_failover_to_older_data_is_a_gap(self):
        run = self.start_streaming()
        self.flush(run)
        self.control("backup", "replica")
        self.sql("UPDATE dbo.many SET v = -1 WHERE id <= 10")
        self.flush(run)
        self.control("restore", "replica")
        self.control("disconnect")
        self.sql("UPDATE dbo.many SET v = -2 WHERE id <= 10")
        self.assertEqual(run.wait(60), GAP, run.log()[-4000:])
        self.assertEqual(self.rows("SELECT DISTINCT v FROM many WHERE id <= 10"), [(-1,)], "the target stays as it was")

    # After the first success a refused login is no reason to end: failovers and rotations do it too.
    def test_the_connection_is_lost_and_logins_are_refused_for_a_while(self):
        run = self.start_streaming()
        self.start_writer(44)
        self.flush(run)
        self.control("delay", "500", "lsn_time_mapping", "1")
        self.flush(run)
        self.finish(run)

    # No agent, no changes, no error: the program waits, and goes on when the agent does.
    def test_the_agent_stops_and_starts(self):
        run = self.start_streaming()
        self.start_writer(45)
        self.flush(run)
        self.control("agent", "stop")
        self.sql("INSERT INTO dbo.tick VALUES (1000000)")
        self.control("agent", "start")
        wait_until(lambda: self.target.execute("SELECT 1 FROM tick WHERE n = 1000000").fetchone(), 60, "it goes on")
        self.sql("DELETE FROM dbo.tick WHERE n = 1000000")
        self.finish(run)

    def test_interleaved_transactions(self):
        run = self.start_streaming()
        self.flush(run)
        for number in range(3):
            self.control("interleave")
            self.sql(f"BEGIN TRANSACTION; UPDATE dbo.many SET v = {number} WHERE id <= 50; COMMIT")
            self.sql(f"BEGIN TRANSACTION; UPDATE dbo.many SET v = v + 1, t = N'i {number}' WHERE id BETWEEN 20 AND 70; "
                     "COMMIT")
            self.flush(run)
        self.assert_same()
        self.drain(run)

    def test_postgres_restarts(self):
        run = self.start_streaming()
        self.start_writer(46)
        self.flush(run)
        self.target.close()
        port = self.postgres.port
        self.postgres.process.stop(signal.SIGQUIT)  # Immediate: as after a crash.
        self.postgres.start(port)
        self.target = self.postgres.connect(self.database)
        self.addCleanup(self.target.close)
        self.flush(run, 120)
        self.finish(run)

    # What the clock says must not decide what is there.
    def test_the_clock_of_the_source_jumps(self):
        self.start_writer(47)
        run = self.start_streaming()
        for milliseconds in ("-3600000", "3600000"):
            self.control("clock_shift", milliseconds)
            self.flush(run)
        self.drain(run)
        self.control("clock_shift", "-1800000")
        run = self.start_streaming()
        self.control("clear")
        self.finish(run)
