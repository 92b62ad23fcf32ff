"""The limit of the source: what the simulator delivers to one reader that throws the rows away (bench/discard.py)."""

import sys

from bench.participants.unable import must_end_well
from tests.support.compare import bracket
from tests.support.processes import ROOT


class ReaderLimit:
    name = "reader that discards"
    kind = "limit"
    process = "reader"
    delivers = False  # Nothing arrives in a target.

    def snapshot(self, stage, work, database):
        statements = [f"{rows} SELECT {', '.join(bracket(name) for name, _, _ in table.columns)} FROM {table.source_name}"
                      for table, (rows, _) in zip(work.tables, work.sums)]
        command = [sys.executable, "-m", "bench.discard", str(stage.simulator.port), work.database, *statements]
        usage, process = stage.measured(self.process, lambda: stage.start(
            self.process, command, environment={"PYTHONPATH": str(ROOT), "BENCH_PASSWORD": stage.simulator.password}))
        must_end_well(process)
        return usage
