"""What `make bench` judges: for each figure that the project promises, what was measured, the bound, and whether it was met.

Shape    judged(rows, lines): those of bench/report.py. A figure that this run did not measure is a gate without a verdict.
         Nothing fails by a gate: a machine that is busy with other things misses them.
"""

import dataclasses

from bench.figures import ratio, written

# Names of the lines (report.Line) that are judged.
RATE, P50, P99 = "transactions a second", "p50", "p99"
SMALL, LARGE = "small transaction, longest", "transaction of 10,000 rows, from its statement's begin"
IDLE = "CPU of tailrace"
PEAK = "peak memory of tailrace"
READ = "rows a second of all readers"
LIBAVRO, CELLS, VALUES = "libavro", "cells", "values"  # Of the work `encoder`.

# The Kafka works and their phases.
KAFKA = [f"{kind} {phase}" for kind in ("to_kafka", "from_kafka", "chain") for phase in ("rows", "changes")]

SNAPSHOTS = ("wide", "narrow", "text")
LIMIT, STAGED, READER = "COPY", "staged upsert", "reader that discards"


def with_peers(work):
    """The name of the work in which tailrace and slow peers copy a part of a snapshot's rows."""
    return f"{work}, peers"


@dataclasses.dataclass(frozen=True)
class Gate:
    what: str
    bound: str
    measured: str = "not measured"
    met: bool = None

    @property
    def verdict(self):
        return {True: "met", False: "NOT MET", None: "-"}[self.met]

    def as_json(self):
        return {"what": self.what, "bound": self.bound, "measured": self.measured, "met": self.met}


def at_most(what, value, bound, unit="", note=""):
    return _gate(what, f"<= {written(bound)}{unit}", value, value is not None and value <= bound, unit, note)


def less_than(what, value, bound, unit="", note=""):
    return _gate(what, f"< {written(bound)}{unit}", value, value is not None and value < bound, unit, note)


def at_least(what, value, bound, unit="", note=""):
    return _gate(what, f">= {written(bound)}{unit}", value, value is not None and value >= bound, unit, note)


def _gate(what, bound, value, met, unit, note):
    if value is None:
        return Gate(what, bound)
    return Gate(what, bound, f"{written(value)}{unit}" + (f" ({note})" if note else ""), met)


class Figures:
    """The rows and lines of a run by their names."""

    def __init__(self, rows, lines):
        self.rows = [row for row in rows if row.usages]
        self.lines = lines

    def row(self, work, name):
        return next((row for row in self.rows if (row.work.name, row.participant.name) == (work, name)), None)

    def peers(self, work):
        return [row for row in self.rows if row.work.name == work and row.participant.kind == "peer"]

    def line(self, work, name):
        return next((line.value.median for line in self.lines if (line.work.name, line.name) == (work, name)), None)

    def point(self, work, x):
        """The row of a curve at x."""
        return next((row for row in self.rows if row.work.name == work and getattr(row.participant, "x", None) == x), None)


def _median(row, process):
    found = row.cpu(process) if row else None
    return found.median if found else None


def _over(one, other):
    return one / other if one is not None and other else None


def snapshot_wall(found, work, cores):
    ours, limit = found.row(work, "tailrace"), found.row(work, LIMIT)
    value = note = None
    if ours and limit:
        value = ratio(ours.wall(), limit.wall())
        busy = ours.count * _median(ours, "source") / 1e6 / ours.wall().median / cores
        note = f"the simulator took {busy:.0%} of the cores"
    return at_most(f"snapshot, {work}: wall time over COPY's from a file", value, 1.5, note=note)


def snapshot_cpu(found, work):
    """Judged by the limit's backends, which do the same storing whatever tailrace does: backends that tailrace makes work harder
    would flatter it."""
    ours, limit = found.row(work, "tailrace"), found.row(work, LIMIT)
    own = _median(ours, "tailrace")
    value = _over(own, _median(limit, "target"))
    inside = _over(own, _median(ours, "target"))
    note = f"over PostgreSQL's in COPY, which no doing of tailrace's makes dearer; over PostgreSQL's in tailrace's own run: " \
           f"{written(inside)}; goal 0.25" + (" reached" if value is not None and value <= 0.25 else "")
    return at_most(f"snapshot, {work}: tailrace's CPU over PostgreSQL's", value, 0.4, note=note)


def peers(found, work):
    """Each beside tailrace's copy of the same rows."""
    ratios = [(ratio(peer.wall(), ours.wall()), peer) for of in (work, with_peers(work)) if (ours := found.row(of, "tailrace"))
              for peer in found.peers(of)]
    value, nearest = min(ratios, key=lambda each: each[0], default=(None, None))
    note = f"nearest: {nearest.participant.name}, {nearest.count:,} rows; {len(ratios)} peers ran" if nearest else ""
    return at_least(f"snapshot, {work}: times as fast as every peer", value, 3, note=note)


# Of 1,000 given out each second: the time of the last answers counts, too.
PACE = 990


def backlog(found):
    ours, limit = found.row("backlog", "tailrace"), found.row("backlog", STAGED)
    return [at_least("backlog: speed over the staged upsert's", ratio(limit.wall(), ours.wall()) if ours and limit else None, 0.8),
            at_least("backlog: changes a second", ours.count / ours.wall().median if ours else None, 100_000)]


def latency(found):
    rate = found.line("latency", RATE)
    note = f"at {rate:,.0f} transactions a second" if rate is not None else ""
    gates = [at_most(f"latency: {name}", found.line("latency", name), bound, " ms", note) for name, bound in ((P50, 25), (P99, 100))]
    # Fewer transactions than asked for are another work.
    return [dataclasses.replace(gate, met=gate.met and rate >= PACE) if gate.met is not None else gate for gate in gates]


def memory(found):
    """The most of tailrace's rows, of its points on the curves, and of the pipelines that were watched. The chain's rows are the sum of
    two programs, each of which has works of its own."""
    peaks = [(row.peak().median / 1e6, f"{row.work.name}, {row.participant.name}") for row in found.rows
             if row.participant.kind in ("tailrace", "point") and row.peak() and not row.work.name.startswith("chain ")]
    peaks += [(line.value.median, line.work.name) for line in found.lines if line.name == PEAK]
    value, where = max(peaks, default=(None, None))
    return less_than("memory: peak of a program in every work", value, 100, " MB", f"most in: {where}; {len(peaks)} looked at" if where else "")


def tables(found):
    few, many = found.point("scale tables", 10), found.point("scale tables", 1000)
    sums = [sum(_median(row, process) for process in ("tailrace", "target")) if row else None for row in (few, many)]
    note = f"{written(sums[1])} over {written(sums[0])} CPU s/M, tailrace and PostgreSQL from start to exit" if few and many else ""
    return at_most("scale: CPU for 1,000 tables over that for 10", _over(sums[1], sums[0]), 2, note=note)


def kafka_cpu(found, work):
    """Beside the worker that takes least of those that ran."""
    own = _median(found.row(work, "tailrace"), "tailrace")
    workers = [(cpu, peer) for peer in found.peers(work) if (cpu := _median(peer, peer.process))]
    least, peer = min(workers, key=lambda each: each[0], default=(None, None))
    note = f"{written(own)} over {written(least)} CPU s/M, {peer.participant.name}" if own is not None and peer else ""
    return at_most(f"{work}: tailrace's CPU over the JVM's", _over(own, least), 0.1, note=note)


def kafka_memory(found, work):
    ours = found.row(work, "tailrace")
    workers = [peer.peak().median for peer in found.peers(work) if peer.peak()]
    own = ours.peak().median if ours and ours.peak() else None
    return less_than(f"{work}: tailrace's memory over the JVM's", _over(own, min(workers, default=None)), 0.1)


def kafka_chain(found, work):
    """Either will do."""
    ours = found.row(work, "tailrace")
    peers_ran, limit = found.peers(work), found.row(work, STAGED)
    times = min((ratio(peer.wall(), ours.wall()) for peer in peers_ran), default=None) if ours else None
    speed = ratio(limit.wall(), ours.wall()) if ours and limit else None
    what, bound = f"{work}: times as fast as Debezium's, or speed over the staged upsert's", ">= 4, or >= 0.7"
    if times is None and speed is None:
        return Gate(what, bound)
    return Gate(what, bound, f"{written(times)}, or {written(speed)}", (times or 0) >= 4 or (speed or 0) >= 0.7)


def encoder(found):
    own, values, other = (found.line("encoder", name) for name in (CELLS, VALUES, LIBAVRO))
    note = f"{own:,.0f} over {other:,.0f} events a second; from a tree of values {written(_over(values, other))}" \
        if own is not None and other is not None else ""
    return at_least("encoder: speed over libavro's", _over(own, other), 1, note=note)


def writers(found):
    """As many as were given out."""
    rate, p50, p99, read = (found.line("writers", name) for name in (RATE, P50, P99, READ))
    note = f"p50 {written(p50)} ms, p99 {written(p99)} ms from due to answered; the readers got {written(read)} rows a second" \
        if rate is not None else ""
    return at_least("simulator: small write transactions a second while three readers stream", rate, PACE, note=note)


def judged(rows, lines, cores):
    found = Figures(rows, lines)
    reader = _median(found.row("wide", READER), "source")
    return [*(snapshot_wall(found, work, cores) for work in ("wide", "narrow")),
            *(snapshot_cpu(found, work) for work in ("wide", "narrow")),
            *(peers(found, work) for work in SNAPSHOTS),
            *backlog(found),
            *latency(found),
            less_than("idle: CPU of tailrace", found.line("idle", IDLE), 1, " % of a core"),
            memory(found),
            tables(found),
            less_than("default settings: the slowest small transaction", found.line("defaults", SMALL), 1000, " ms"),
            less_than("default settings: a transaction of 10,000 rows", found.line("defaults", LARGE), 300_000, " ms"),
            at_least("simulator: wide rows a CPU second to a reader that discards", 1e6 / reader if reader else None, 600_000),
            writers(found),
            *(kafka_cpu(found, work) for work in KAFKA),
            *(kafka_memory(found, work) for work in KAFKA),
            *(kafka_chain(found, work) for work in KAFKA[-2:]),
            encoder(found)]


def text(gates):
    """Lines of text, one a gate."""
    widths = [max(len(cell) for cell in cells) for cells in zip(*((gate.verdict, gate.what, gate.bound) for gate in gates))]
    return [f"{gate.verdict:{widths[0]}}  {gate.what:{widths[1]}}  {gate.bound:{widths[2]}}  {gate.measured}" for gate in gates]
