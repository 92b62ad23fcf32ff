"""The table that `make bench` prints, its JSON, and the plot of how costs grow."""

import json
import os
import pathlib
import platform
import re
import subprocess

from bench.figures import figure, per_million, ratio, table, written, written_with_spread
from tests.support.postgres import BINARIES
from tests.support.processes import BUILD, ROOT

HEADER = ["work", "who", "rows", "wall s", "rows/s", "x limit", "x tailrace", "CPU s/M: own", "source", "PG", "own/PG",
          "peak MB", "B/row: source", "target"]
LEGEND = """\
wall s: median of the runs ± half their spread. x limit: wall time over that of the work's limit (first limit row).
x tailrace: wall time over tailrace's. CPU s/M: CPU seconds for each million rows or changes: of the participant itself,
of the simulated SQL Server, of PostgreSQL with all its processes. peak MB: resident, of the participant's processes.
B/row: bytes on the wire for each row between the participant and either server, both ways, TLS included ('-': needs root)."""


class Row:
    """One participant's figures in one work, or the reason why there are none."""

    def __init__(self, work, participant, count=0, usages=(), reason=""):
        self.work = work
        self.participant = participant
        self.count = count
        self.usages = list(usages)
        self.reason = reason
        self.differs = ""  # What a peer's copy is not: its figures stand, for what they are worth.

    @property
    def process(self):
        return self.participant.process

    def wall(self):
        return figure([usage.wall_seconds for usage in self.usages])

    def cpu(self, process):
        return figure([per_million(usage.cpu_seconds[process], self.count) if process in usage.cpu_seconds else None
                       for usage in self.usages])

    def own_over_target(self):
        return figure([usage.cpu_seconds[self.process] / usage.cpu_seconds["target"]
                       if usage.cpu_seconds.get(self.process) and usage.cpu_seconds["target"] else None
                       for usage in self.usages])

    def peak(self):
        return figure([usage.peak_bytes.get(self.process) for usage in self.usages])

    def wire(self, server):
        return figure([usage.wire_bytes[server] / self.count if usage.wire_bytes.get(server) else None
                       for usage in self.usages])

    def as_json(self):
        found = {"work": self.work.name, "who": self.participant.name, "kind": self.participant.kind, "unit": self.work.unit}
        if self.reason:
            return {**found, "reason": self.reason}
        figures = {"wall_seconds": self.wall(), "own_over_target_cpu": self.own_over_target(), "peak_bytes": self.peak(),
                   **{f"cpu_seconds_per_million_{name}": self.cpu(process) for name, process in
                      (("own", self.process), ("source", "source"), ("target", "target"))},
                   **{f"wire_bytes_per_row_{server}": self.wire(server) for server in ("source", "target")}}
        if self.differs:
            found["differs"] = self.differs
        return {**found, "rows": self.count, **{name: value.as_json() for name, value in figures.items() if value}}


class Line:
    """A figure that is no copy of rows: a latency, the CPU of an idle pipeline."""

    def __init__(self, work, name, value, unit):
        self.work = work
        self.name = name
        self.value = value  # A Figure.
        self.unit = unit

    def as_json(self):
        return {"work": self.work.name, "figure": self.name, "unit": self.unit, **self.value.as_json()}


def _cells(row, limit, ours):
    wall = row.wall()
    peak = row.peak()
    return [row.work.name, row.participant.name, f"{row.count:,}", written_with_spread(wall),
            written(row.count / wall.median), written(ratio(wall, limit)), written(ratio(wall, ours)),
            *(written(found.median if found else None) for found in
              (row.cpu(row.process), row.cpu("source"), row.cpu("target"), row.own_over_target())),
            written(peak.median / 1e6 if peak else None),
            *(written(found.median if found else None) for found in (row.wire("source"), row.wire("target")))]


def text(rows, lines):
    """The table of all works, then the lines that are no rows of it."""
    out = []
    for work in dict.fromkeys(row.work.name for row in rows):
        of_work = [row for row in rows if row.work.name == work]
        walls = {kind: next((row.wall() for row in of_work if row.participant.kind == kind and row.usages), None)
                 for kind in ("limit", "tailrace")}  # The points of a curve have neither.
        for row in of_work:
            if row.usages:
                out.append(_cells(row, walls["limit"], walls["tailrace"]))
            if row.reason:
                out.append([work, row.participant.name, f"no figures: {row.reason}"])
            if row.differs:
                out.append([work, row.participant.name, f"its copy is not the source: {row.differs}"])
    short = [row for row in out if len(row) == 3]
    printed = table(HEADER, [row for row in out if len(row) != 3]) if out else []
    width = max((len(f"{row[0]}  {row[1]}") for row in short), default=0)
    printed += [f"{row[0] + '  ' + row[1]:{width}}  {row[2]}" for row in short]
    if lines:
        width = max(len(f"{line.work.name}  {line.name}") for line in lines)
        printed += ["", *(f"{line.work.name + '  ' + line.name:{width}}  {written_with_spread(line.value)} {line.unit}"
                          for line in lines)]
    return "\n".join([*printed, "", LEGEND])


def _said(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return (done.stdout or done.stderr).strip().partition("\n")[0]


def surroundings():
    """Machine, versions and commit: without them a figure means nothing."""
    cpu = re.search(r"model name\s*:\s*(.*)", pathlib.Path("/proc/cpuinfo").read_text(encoding="ascii"))
    memory = re.search(r"MemTotal:\s*(\d+)", pathlib.Path("/proc/meminfo").read_text(encoding="ascii"))
    return {
        "machine": {"cpu": cpu.group(1) if cpu else platform.machine(), "cores": os.cpu_count(),
                    "memory_bytes": int(memory.group(1)) * 1024, "kernel": platform.release(),
                    "load_before": round(os.getloadavg()[0], 2)},
        "versions": {"tailrace": _said(BUILD / "tailrace", "--version"), "postgresql": _said(BINARIES / "postgres", "--version"),
                     "python": platform.python_version(), "compiler": _said("c++", "--version")},
        "commit": _said("git", "rev-parse", "HEAD"),
        "changed_files": len(subprocess.run(["git", "status", "--porcelain", "-uno"], capture_output=True, text=True, cwd=ROOT,
                                            check=False).stdout.splitlines()),
    }


def write_json(path, about, rows, lines, gates):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**about, "rows": [row.as_json() for row in rows], "lines": [line.as_json() for line in lines],
                                "gates": [gate.as_json() for gate in gates]},
                               indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
