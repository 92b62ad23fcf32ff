"""snapshot.mode with a Kafka target: what each start reads, and what it refuses."""

import collections

from tests.e2e.kafka.case import ROWS, KafkaCase, Ledger
from tests.support.processes import wait_until

EVERY_ROW = collections.Counter(range(1, ROWS + 1))


class SnapshotModes(KafkaCase):
    def run_to_end(self, *words, code=0):
        run = self.start(*words)
        self.assertEqual(run.wait(120), code, run.log()[-4000:])
        return run.log()

    def switch(self, mode):
        self.pipeline.write(mode=mode)

    # A run that was to load alone, and streams, holds what it was to hand over.
    def test_initial_only_ends_behind_the_load(self):
        self.switch("initial_only")
        self.run_to_end()
        ledger = Ledger(self, seed=61)
        ledger.commit(3)
        self.run_to_end()
        self.reader.read_to_end()
        self.assertEqual(self.snapshot_ids(), EVERY_ROW)
        self.assertEqual(self.changes(), [])
        # Another run of another mode goes on behind it.
        self.switch("never")
        self.finish(self.start(), ledger)
        self.assertEqual(self.snapshot_ids(), EVERY_ROW)

    # The older name and Debezium's two mean the same: nothing is read, and no change is missed from the start on.
    def test_no_data_reads_nothing(self):
        for mode in ("no_data", "schema_only", "none"):
            pipeline = self.make_pipeline(mode=mode)
            self.assertEqual(pipeline.call("check").returncode, 0)
        self.switch("schema_only")
        run = self.start_streaming()
        ledger = Ledger(self, seed=62)
        self.finish(run, ledger)
        self.assertEqual(self.snapshot_ids(), collections.Counter())

    # Gone on from nothing it would begin behind all that it has missed.
    def test_never_and_recovery_need_a_position(self):
        for mode in ("never", "recovery"):
            self.switch(mode)
            self.assertIn("there is no position to go on from", self.run_to_end(code=2))
        self.switch("initial")
        self.run_to_end("--until-caught-up")
        for mode in ("never", "recovery", "schema_only_recovery"):
            self.switch(mode)
            self.run_to_end("--until-caught-up")
        self.reader.read_to_end()
        self.assertEqual(self.snapshot_ids(), EVERY_ROW)

    # What was deleted while it was down is in no snapshot: its event must come.
    def test_always_reads_at_each_start_and_misses_nothing(self):
        self.switch("always")
        ledger = Ledger(self, seed=63)
        self.run_to_end("--until-caught-up")
        self.sql("DELETE FROM dbo.items WHERE id = 17")
        ledger.rows.pop(17)
        ledger.committed.update([("d", 17, 17)])
        ledger.commit(5)
        self.finish(self.start(), ledger)
        seen = self.snapshot_ids()
        self.assertEqual(seen[17], 1)
        self.assertEqual([seen[number] for number in ledger.rows if number <= ROWS], [2] * sum(n <= ROWS for n in ledger.rows))

    # Else somebody has to come, and to begin under another name.
    def test_when_needed_begins_anew_behind_a_gap(self):
        ledger = Ledger(self, seed=64)
        self.run_to_end("--until-caught-up")
        for _ in range(3):
            ledger.commit(4)
        self.wait_captured()
        self.sql("DECLARE @l binary(10) = sys.fn_cdc_get_max_lsn(); "
                 "EXEC sys.sp_cdc_cleanup_change_table @capture_instance = 'dbo_items', @low_water_mark = @l, @threshold = 5000")
        self.run_to_end("--until-caught-up", code=7)
        self.switch("when_needed")
        log = self.run_to_end("--until-caught-up")
        self.assertIn("snapshot.needed", log)
        self.reader.read_to_end()
        before = len(self.records())
        # From here on everything is there, exactly once; and nothing is needed any more.
        ledger.committed.clear()
        self.wait_for_change(self.start_streaming(), ledger.commit(2))
        rows = {}
        for key, event, _, _ in self.records():
            if event is not None and event["after"] is not None:
                rows[key["id"]] = event["after"]["v"]
            elif event is not None:
                rows.pop(key["id"], None)
        for number, value in ledger.rows.items():
            self.assertEqual(rows.get(number), value, f"row {number}")
        self.assertEqual([event for _, event, _, _ in self.records()[before:] if event is not None and event["op"] == "r"], [])

    def wait_captured(self):
        """Capture has come as far as the last change."""
        last = self.sql("SELECT MAX(v) FROM dbo.items")[0][0]
        wait_until(lambda: self.sql(f"SELECT COUNT(*) FROM cdc.dbo_items_CT WHERE v = {last}")[0][0] > 0, 20, "it is captured", every=0.05)

    # A target of rows shows a table while it is taken again: that is not all tables at once.
    def test_what_has_no_meaning_for_the_target_is_said(self):
        text = self.pipeline.config.read_text(encoding="utf-8")
        self.pipeline.write(text.replace("mode: initial", "mode: sometimes"))
        self.assertIn("snapshot.mode", self.pipeline.call("check").stderr)
        begin, end = text.index("target:"), text.index("tables:")
        for mode in ("always", "when_needed"):
            self.pipeline.write(text[:begin] + "target: { type: postgres, url: 'postgresql://127.0.0.1:1/x', user: u, password: p }\n"
                                + text[end:].replace("mode: initial", f"mode: {mode}"))
            done = self.pipeline.call("check")
            self.assertEqual(done.returncode, 2, done.stdout)
            self.assertIn(f"{mode} is for a Kafka target", done.stderr)
