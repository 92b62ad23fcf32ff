"""kill -9 at every named point, while the source goes on changing: both databases are equal at the end.

The points and what each proves: tests/fault/README.md. Each is proven to be hit: the run ends by SIGKILL, which only
the armed point sends.
"""

from tests.fault.case import MANY_ROWS, Fault
from tests.support.processes import wait_until

# point -> the passes at which it is armed, one after the other.
SNAPSHOT_POINTS = {
    "chunk.in_copy": (1, 7),
    "chunk.before_progress": (1, 3),
    "chunk.before_commit": (1, 5),
    "chunk.after_commit": (1, 9),
    "load.before_key": (1,),
    "load.after_key": (1,),
    "load.before_finish": (1,),
    "load.after_finish": (1,),
}
STREAM_POINTS = {
    "sink.in_apply": (1, 6),
    "sink.before_commit": (1, 4, 20),
    "sink.after_commit": (1, 4, 20),
}


class CrashPoints(Fault):
    def kill_at(self, points, seed):
        self.start_writer(seed)
        hit = []
        for point, passes in points.items():
            for count in passes:
                run = self.start(environment={"TAILRACE_CRASH_AT": f"{point}:{count}"})
                self.assert_killed(run)
                hit.append(f"{point}:{count}")
        self.note(f"killed at {', '.join(hit)}; seed {seed}")
        self.finish(self.start())

    # A chunk's rows and its progress become durable in one step: else rows are lost or loaded twice.
    def test_in_the_snapshot(self):
        self.kill_at(SNAPSHOT_POINTS, seed=11)

    # The position moves with the rows: else the resume skips or repeats what the kill cut.
    def test_in_the_stream(self):
        run = self.start_streaming()
        self.drain(run)
        self.kill_at(STREAM_POINTS, seed=12)

    # Once the target has caught up, a kill must not make half a transaction visible, not even for a moment.
    def test_no_half_transaction_between_kill_and_restart(self):
        run = self.start_streaming()
        self.flush(run)
        self.drain(run)
        self.start_writer(13)
        for point, count in [("sink.before_commit", 2), ("sink.after_commit", 2), ("sink.before_commit", 6)]:
            run = self.start(environment={"TAILRACE_CRASH_AT": f"{point}:{count}"})
            self.assert_killed(run)
            self.assert_nothing_half_visible()
        self.finish(self.start())

    # A table that is taken again joins in one step: before it readers see the old rows, after it the new ones.
    def test_in_the_join_of_a_table_taken_again(self):
        run = self.start_streaming()
        self.drain(run)
        # What a person broke, where no change of the writer's mends it on its own.
        self.target.execute("UPDATE public.many SET v = -1 WHERE id % 100 = 0 AND id > 5000")
        self.start_writer(14)
        run = self.start(environment={"TAILRACE_CRASH_AT": "join.compared:1"})
        done = self.pipeline.call("table", "resnapshot", "--table", "dbo.many", seconds=90)
        self.assert_killed(run)
        self.assertEqual(self.row("SELECT count(*) FROM public.many WHERE v = -1")[0], (MANY_ROWS - 5000) // 100,
                         f"it was killed before the commit of the comparison\n{done.stderr}")
        run = self.start()
        wait_until(lambda: self.row("SELECT count(*) FROM public.many WHERE v = -1")[0] == 0, 90, "the table joins")
        self.finish(run)
