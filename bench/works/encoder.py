"""The encoder alone: events a second of one core, beside libavro, which writes the same bytes (build/avro-bench, build/event-bench).

`cells` is what the event encoder drives; `values` is the encoder from a tree of values. No server is needed; each round runs all of them,
so that a slow second of the machine meets everybody.
"""

import subprocess

from bench.figures import Figure
from bench.report import Line
from tests.support.processes import BUILD

PROGRAMS = ("avro-bench", "event-bench")


class Encoder:
    kind = "watched"
    name = "encoder"
    title = "the Avro encoder alone, beside libavro"

    def __init__(self, sizes):
        self.sizes = sizes

    def run(self, stage):  # pylint: disable=unused-argument
        found = {}
        for _ in range(self.sizes.runs):
            for program in PROGRAMS:
                done = subprocess.run([BUILD / program, str(self.sizes.encoder_seconds)], capture_output=True, text=True, check=True)
                for line in done.stdout.splitlines():
                    name, events, _ = line.split("\t")
                    found.setdefault(name, []).append(float(events))
        return [Line(self, name, Figure(tuple(values)), "events a second") for name, values in found.items()]
