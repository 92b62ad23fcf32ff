"""A killed snapshot goes on where it was: what is read again is at most one chunk for each reader."""

from tests.fault.case import Fault, MANY_ROWS

READERS = 2


class Resume(Fault):
    CHUNK_ROWS = 500

    def make_pipeline(self, **values):
        return super().make_pipeline(**{"readers": READERS, **values})

    def rows_read(self):
        """Rows of dbo.many that the simulator has sent since the counters were set to zero."""
        found = self.sql("EXEC sp_sim_control 'counters'")
        name = f"{self.database}.dbo.many"
        return sum(int(row[1]) for row in found if str(row[0]).lower().endswith(name))

    # Starting over would be correct, and would make a large first load impossible on a bad day.
    def test_reads_at_most_one_chunk_for_each_reader_again(self):
        self.sql("EXEC sp_sim_control 'reset_counters'")
        run = self.start(environment={"TAILRACE_CRASH_AT": "chunk.after_commit:20"})
        self.assert_killed(run)
        durable = self.row("SELECT coalesce(count(*), 0) FROM public.many")[0]
        self.assertGreater(durable, 0)
        self.assertLess(durable, MANY_ROWS)
        self.sql("EXEC sp_sim_control 'reset_counters'")
        run = self.start_streaming()
        read_after = self.rows_read()
        again = read_after - (MANY_ROWS - durable)
        self.note(f"{durable} of {MANY_ROWS} rows were durable at the kill, {read_after} read after it: "
                  f"{again} again (chunks of {self.CHUNK_ROWS}, {READERS} readers)")
        self.assertGreaterEqual(again, 0)
        self.assertLessEqual(again, READERS * self.CHUNK_ROWS)
        self.flush(run)
        self.assert_same()
        self.drain(run)
