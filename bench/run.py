"""The benchmark: each work by each participant, several rounds, both sides compared after every run. Run by `make bench`.

    QUICK=1        a tenth of the rows: under 10 minutes
    WORKS=a,b      only these works (wide, narrow, text, ...)
    WHO=a,b        only these participants, by a part of their name
    PART=0.05      that part of the rows: to try the benchmark itself, its figures say nothing
    RUNS=1         so many rounds instead of 3 (with QUICK the peers run in the first one alone)
    PROFILE=1      a flame graph of each work: tailrace runs once more under perf, which counts for nothing
"""

import contextlib
import datetime
import functools
import os
import sys
import time

from bench import figures, flame, gates, plot, report, sizes
from bench.participants.copy_limit import CopyLimit
from bench.participants.debezium import Debezium, DebeziumChain, JdbcSink
from bench.participants.pgloader import Pgloader
from bench.participants.producer_limit import ProducerLimit
from bench.participants.reader_limit import ReaderLimit
from bench.participants.rivet import Rivet
from bench.participants.sling import Sling
from bench.participants.staged_limit import StagedLimit
from bench.participants.tailrace_kafka import TailraceKafka
from bench.participants.tds_fdw import TdsFdw
from bench.participants.unable import Unable
from bench.stage import Differs, Stage
from bench.works import kafka, scale
from bench.works.backlog import Backlog
from bench.works.encoder import Encoder
from bench.works.huge import Huge
from bench.works.idle import Idle
from bench.works.latency import Defaults, Latency
from bench.works.narrow import Narrow
from bench.works.text import Text
from bench.works.wide import Wide
from bench.works.writers import Writers
from tests.support.processes import ROOT

WORKS = [Wide, Narrow, Text, Backlog, Huge, Latency, Defaults, Idle, Writers, Encoder]
TAILRACE = TailraceKafka()
PARTICIPANTS = [TAILRACE, CopyLimit(key_after=False), CopyLimit(key_after=True), StagedLimit(), ReaderLimit(),
                ProducerLimit(), Pgloader(), TdsFdw(), Sling(), Rivet(), Debezium(), JdbcSink(is_rewriting=True),
                JdbcSink(is_rewriting=False), DebeziumChain()]


def say(line=""):
    print(line, flush=True)


def chosen(name):
    return [word for word in os.environ.get(name, "").split(",") if word]


class Bench:
    def __init__(self, size):
        self.size = size
        self.rows = []
        self.lines = []
        self.databases = 0
        self.failures = []

    def run_work(self, stage, work):
        say(f"\n== {work.title}")
        stage.times.begin(work.name)
        if work.kind == "watched":
            with stage.times.on("the run"):
                found = work.run(stage)
            for line in found:
                say(f"  {line.name}: {figures.written(line.value.median)} {line.unit}")
            self.lines += found
            return
        participants = self.participants(work)
        if not participants:
            say("  nobody of those that were asked for")
            return
        started = time.monotonic()
        try:
            with stage.unsynced(), stage.times.on("preparing"):
                work.prepare(stage, TAILRACE)
        except Unable as failure:
            say(f"  cannot be prepared: {failure}")
            self.rows += [report.Row(work, participant, reason=str(failure)) for participant in participants]
            return
        say(f"  prepared: {work.count:,} {work.unit} in {time.monotonic() - started:.1f} s {work.note}".rstrip())
        rows = {participant: report.Row(work, participant, work.count) for participant in participants}
        # Round after round, so that a slow minute of the machine meets everybody.
        for turn in range(self.size.runs):
            for participant, row in rows.items():
                if not row.reason and (participant.kind != "peer" or turn < self.size.peer_runs):
                    self.run_once(stage, work, participant, row, turn)
        self.rows += rows.values()
        if os.environ.get("PROFILE", "") not in ("", "0") and not hasattr(work, "points") and not getattr(work, "has_slow", False):
            self.profile(stage, work)
        work.clean(stage)

    def participants(self, work):
        if hasattr(work, "points"):
            return work.points()
        wanted = chosen("WHO")
        return [participant for participant in PARTICIPANTS if hasattr(participant, work.kind)
                and (not hasattr(work, "takes") or work.takes(participant))
                and (not wanted or any(word in participant.name for word in wanted))]

    def run_once(self, stage, work, participant, row, turn):
        self.databases += 1
        database = f"run_{self.databases}"
        keep = False
        try:
            with stage.times.on(participant.name):
                usage = getattr(participant, work.kind)(stage, work, database)
            if getattr(participant, "delivers", True):
                with stage.times.on("comparing"):
                    keep = self.compare(stage, work, participant, row, database)
            row.usages.append(usage)
            say(f"  {participant.name:22} {usage.wall_seconds:8.2f} s  CPU " + ", ".join(
                f"{name} {seconds:.2f}" for name, seconds in usage.cpu_seconds.items()))
        except Unable as failure:
            row.reason = str(failure)
            row.usages.clear()
            say(f"  {participant.name:22} {row.reason}")
            if participant.kind != "peer":
                self.failures.append(f"{work.name}, {participant.name}: {row.reason}")
        finally:
            if not keep:
                stage.drop_target(database)
            if hasattr(work, "forget"):
                work.forget(stage, database)

    def profile(self, stage, work):
        """A flame graph of tailrace's run."""
        recording = stage.directory / "profile"
        picture = self.path.with_name(f"{self.path.stem}-{work.name.replace(' ', '-')}-flames.svg")
        stage.around_runs = functools.partial(flame.recorded, recording)
        try:
            getattr(TAILRACE, work.kind)(stage, work, "profiled")
            parts = flame.write(recording, picture, f"tailrace: {work.title}, {work.count:,} {work.unit}")
            say(f"  {picture.relative_to(ROOT)}: " + ", ".join(f"{name} {part:.0%}" for name, part in parts.items()))
        except flame.NoProfile as failure:
            say(f"  no flame graph: {failure}")
        finally:
            stage.around_runs = contextlib.nullcontext
            stage.drop_target("profiled")
            if hasattr(work, "forget"):
                work.forget(stage, "profiled")
            recording.unlink(missing_ok=True)

    def compare(self, stage, work, participant, row, database):
        """Compares both sides; answers whether the target is kept as the work's golden one."""
        try:
            if hasattr(work, "settle") and participant.kind != "limit":  # A limit needs no topics.
                work.settle(stage, TAILRACE, database)
            if hasattr(participant, "own_schema"):
                stage.take_over(database, work.tables, participant.own_schema, work.golden)
            if not work.golden:
                stage.must_equal(database, work.database, work.tables, work.sums)
            else:
                stage.must_equal_golden(database, work.tables, work.golden)
        except Differs as failure:
            say(f"  {participant.name:22} DIFFERS: {failure}")
            why = getattr(participant, "why_differs", "")
            row.differs = f"{failure} ({why})" if why else str(failure)
            if participant.kind != "peer":
                self.failures.append(f"{work.name}, {participant.name}: its target differs: {failure}")
            return False
        if participant.process == TAILRACE.process and hasattr(work, "keep"):
            work.keep(database)
        if participant.process == TAILRACE.process and not work.golden:
            work.golden = database
            return True
        return False

    def run(self, works):
        about = {"size": self.size.name, "when": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
                 **report.surroundings()}
        path = self.path = ROOT / "bench" / "results" / (
            f"{about['when'][:16].replace(':', '')}-{about['commit'][:9]}-{self.size.name.replace(' ', '')}.json")
        path.parent.mkdir(exist_ok=True)
        started = time.monotonic()
        with Stage() as stage:
            for work in works:
                self.run_work(stage, work)
            stage.times.end()
        about["seconds"] = round(time.monotonic() - started)
        about["work_seconds"] = stage.times.seconds
        verdicts = gates.judged(self.rows, self.lines, about["machine"]["cores"])
        report.write_json(path, about, self.rows, self.lines, verdicts)
        plotted = plot.write(path.with_suffix(".svg"), [row for row in self.rows if hasattr(row.work, "points")])
        machine = about["machine"]
        say(f"\n{machine['cores']} x {machine['cpu']}, {about['versions']['postgresql']}, commit {about['commit'][:9]}"
            f"{' and changes' if about['changed_files'] else ''}, {self.size.name}, {self.size.runs} runs, {about['seconds']} s")
        say(report.text(self.rows, self.lines))
        say("\nWhat is promised (docs/performance.md, Promises):")
        say("\n".join(gates.text(verdicts)))
        say("\nWhat the time went to:")
        say(stage.times.text())
        say(f"\n{path.relative_to(ROOT)}" + (f", {path.with_suffix('.svg').name}" if plotted else ""))
        for failure in self.failures:
            say(f"FAILED: {failure}")
        return 1 if self.failures else 0


def shared(work):
    return work.shared() if hasattr(work, "shared") else [work]


def main():
    size = sizes.QUICK if os.environ.get("QUICK", "") not in ("", "0") else sizes.FULL
    if os.environ.get("PART"):
        size = size.part(float(os.environ["PART"]))
    if os.environ.get("RUNS"):
        runs = int(os.environ["RUNS"])
        size = sizes.dataclasses.replace(size, runs=runs, peer_runs=min(runs, size.peer_runs))
    names = [work.name for work in WORKS] + ["scale", *kafka.KINDS]
    wanted = chosen("WORKS") or names
    if unknown := set(wanted) - set(names):
        say(f"bench: no such work: {', '.join(sorted(unknown))}; there are {', '.join(names)}")
        return 2
    works = [one for work in WORKS if work.name in wanted for one in shared(work(size))]
    works += scale.works(size) if "scale" in wanted else []
    return Bench(size).run(works + kafka.of_a_run(size, wanted))


if __name__ == "__main__":
    sys.exit(main())
