"""Idle: what a pipeline with nothing to do costs, with the default settings."""

import time

from bench.figures import Figure
from bench.gates import IDLE, PEAK
from bench.report import Line
from bench.works.backlog import COLUMNS
from bench.works.latency import Streaming

SETTLING_SECONDS = 2


class Idle(Streaming):
    name = "idle"
    title = "idle pipeline over 10 tables, default settings"
    TABLES = {f"t{number:03}": COLUMNS for number in range(10)}

    def lines(self, stage, process):
        time.sleep(SETTLING_SECONDS)  # What the end of the catch-up leaves behind is not idleness.
        meter = stage.meter()
        meter.watch("tailrace", process, from_now=True)
        time.sleep(self.sizes.idle_seconds)
        usage = meter.stop()
        names = {"tailrace": IDLE, "target": "CPU of PostgreSQL", "source": "CPU of the simulator"}
        return [Line(self, title, Figure((100 * usage.cpu_seconds[name] / usage.wall_seconds,)), "% of a core")
                for name, title in names.items()] + [Line(self, PEAK, Figure((usage.peak_bytes["tailrace"] / 1e6,)), "MB")]
