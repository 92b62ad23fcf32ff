"""Tables that are added, paused, resumed and taken again while money moves between accounts, and kill -9 at every step of it.

The table that is brought in or out is the one with the money (money.py).
"""

from tests.fault.money import ACCOUNTS, Money
from tests.support.processes import wait_until


class Tables(Money):
    AT_MOST_GONE = 300  # However long it takes, a load has several chunks.

    def test_pause_and_resume_under_load(self):
        run = self.start_streaming()
        self.begin()
        for _ in range(3):
            self.ask("pause")  # On a slow machine it ends before the runner has answered.
            self.wait_for(["paused"], run=run)
            low = self.state()[2]
            self.flush(run)
            self.assertGreater(self.position(), low, "the others go on")
            self.assertEqual(self.state()[2], low)
            status = self.pipeline.status()
            self.assertTrue(status["diverged"])
            self.assertEqual([table["table"] for table in status["tables"] if table["outside"]], ["dbo.accounts"])
            self.ask("resume")
            self.wait_for(["streaming"], run=run)
        self.finish(run)

    # A table's load, its comparison and its replay each wait for a lock: the others move on meanwhile.
    def test_the_others_never_wait_for_a_table_that_is_taken_again(self):
        run = self.start_streaming()
        self.begin()
        self.target.execute("INSERT INTO public.accounts VALUES (9999, 0)")  # What the comparison has to take away.
        with self.held_chunks():
            self.ask("resnapshot")
            self.others_move(run, "accounts", ["loading"])
            with self.held_row("accounts", "account_id = 9999"):
                self.release_chunks()
                self.others_move(run, "accounts", ["catching_up"])
        self.wait_for(["streaming"], run=run)
        self.finish(run)

    def test_the_others_never_wait_for_a_table_that_is_resumed(self):
        run = self.start_streaming()
        self.begin()
        self.ask("pause")
        self.flush(run)
        with self.held_row("accounts", "account_id = 1"):
            wait_until(lambda: self.transfers > 3 * ACCOUNTS, 60, "every account has moved money")
            self.ask("resume")
            self.others_move(run, "accounts", ["joining"])
        self.wait_for(["streaming"], run=run)
        self.finish(run)

    def test_the_others_never_wait_for_a_table_that_is_added(self):
        run = self.start_streaming()
        self.begin()
        self.sql("CREATE TABLE dbo.late (id int NOT NULL PRIMARY KEY, v int NOT NULL)")
        self.sql("INSERT INTO dbo.late VALUES " + ",".join(f"({n}, 0)" for n in range(900)))
        self.enable("dbo.late")
        self.TABLES = {**self.TABLES, "dbo.late": ""}
        with self.held_chunks():
            self.ask("add", "dbo.late")
            self.others_move(run, "late", ["loading"])
        self.wait_for(["streaming"], "late", run)
        self.finish(run)

    def test_kills_while_a_table_is_taken_again(self):
        run = self.start_streaming()
        self.flush(run)
        self.drain(run)
        self.begin()
        hit = []
        for point, wanted, count in (("join.after_begin", "resnapshot", 1), ("chunk.before_commit", None, 2),
                                     ("load.after_finish", None, 1), ("join.compared", None, 1), ("join.in_replay", None, 1),
                                     ("join.before_handover", None, 1), ("join.before_commit", None, 1)):
            self.killed_at(point, wanted, count)
            hit.append(point)
            self.assertTrue(self.state()[1], f"{point}: {self.state()}")
        run = self.start()
        self.wait_for(["streaming"], run=run)
        self.note("killed at " + ", ".join(hit))
        self.finish(run)

    def test_kills_while_a_table_leaves_and_comes_back(self):
        run = self.start_streaming()
        self.flush(run)
        self.drain(run)
        self.begin()
        hit = []
        for point in ("leave.before", "leave.before_commit", "leave.after"):
            run = self.start_streaming(environment={"TAILRACE_CRASH_AT": point}) if not hit else None
            if run is None:
                # The request of the killed run is still open: it is carried out before the stream starts.
                run = self.start()
                self.wait_for(["paused"], run=run)
                self.ask("resume")
                self.wait_for(["streaming"], run=run)
                self.drain(run)
                run = self.start_streaming(environment={"TAILRACE_CRASH_AT": point})
            self.flush(run)  # It runs: what is asked now is asked of the stream.
            self.pipeline.call("table", "pause", "--table", "dbo.accounts", seconds=90)
            self.assertEqual(run.wait(90), -9, f"{point}: {run.log()[-4000:]}")
            hit.append(point)
        run = self.start()
        self.wait_for(["paused"], run=run)
        self.flush(run)
        self.drain(run)
        for point, wanted, count in (("join.in_replay", "resume", 1), ("join.before_handover", None, 1),
                                     ("join.before_commit", None, 1), ("join.before_validate", None, 1)):
            self.killed_at(point, wanted, count)
            hit.append(point)
        run = self.start()
        self.wait_for(["streaming"], run=run)
        self.note("killed at " + ", ".join(hit))
        self.finish(run)

    # A table that is enabled after the run began, and killed at each step on its way in.
    def test_a_table_is_added_while_the_stream_runs(self):
        run = self.start_streaming()
        self.begin()
        self.assertIn("expected SCHEMA.NAME", self.ask("add", "accounts", code=2))
        self.assertIn("not among the configured tables", self.ask("add", "dbo.nowhere", code=1))
        self.assertIn("is replicated already", self.ask("add", code=2))
        self.sql("CREATE TABLE dbo.late (id int NOT NULL PRIMARY KEY, v int NOT NULL)")
        self.sql("INSERT INTO dbo.late VALUES " + ",".join(f"({n}, 0)" for n in range(900)))
        self.enable("dbo.late")
        self.TABLES = {**self.TABLES, "dbo.late": ""}
        self.ask("add", "dbo.late")
        self.sql("UPDATE dbo.late SET v = 1 WHERE id < 400; DELETE FROM dbo.late WHERE id > 800")
        self.wait_for(["streaming"], "late", run)
        self.sql("UPDATE dbo.late SET v = 2 WHERE id < 10")
        self.drain(run)
        self.sql("CREATE TABLE dbo.later (id int NOT NULL PRIMARY KEY, v int NOT NULL)")
        self.sql("INSERT INTO dbo.later VALUES " + ",".join(f"({n}, 0)" for n in range(900)))
        self.enable("dbo.later")
        self.TABLES = {**self.TABLES, "dbo.later": ""}
        for point in ("join.after_begin", "chunk.after_commit", "load.before_finish", "join.in_replay",
                      "join.before_handover", "join.before_commit"):
            run = self.start(environment={"TAILRACE_CRASH_AT": point})
            self.assertEqual(run.wait(90), -9, f"{point}: {run.log()[-4000:]}")
        run = self.start()
        self.wait_for(["streaming"], "later", run)
        self.finish(run)

    # Cleanup was faster than the operator: said by name and with the remedy, and the others go on.
    def test_a_gap_of_a_paused_table_is_its_own(self):
        run = self.start_streaming()
        self.begin()
        self.ask("pause")
        self.flush(run)
        self.sql("EXEC sp_sim_control N'cleanup', N'0x" + self.position() + "'")
        said = self.ask("resume", code=1)
        self.assertIn("cleanup has overtaken dbo.accounts", said)
        self.assertIn("resnapshot --table dbo.accounts", said)
        self.flush(run)
        self.ask("resnapshot")
        self.wait_for(["streaming"], run=run)
        self.finish(run)
