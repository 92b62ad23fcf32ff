"""Faults of the servers: results cut in their middle, deadlock victims, refused logins, restarts, a stopped agent.

The program must come back by itself each time, and both databases must be equal at the end.
"""

import signal

from tests.fault.case import Fault
from tests.support.processes import wait_until


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
