"""The verdicts below the table: a bound that is read the wrong way round would call a slow program fast."""

import types
import unittest

from bench import gates
from bench.figures import Figure
from bench.measure import Usage
from bench.report import Line, Row


def work(name):
    return types.SimpleNamespace(name=name, unit="rows")


def row(work_name, name, wall, kind="limit", process="own", cpu=None, peak=20e6, **extra):
    participant = types.SimpleNamespace(name=name, kind=kind, process=process, **extra)
    usage = Usage(wall, {"source": 1.0, "target": 1.0, process: 1.0, **(cpu or {})}, {process: peak})
    return Row(work(work_name), participant, 1_000_000, [usage])


def ours(work_name, wall, **other):
    return row(work_name, "tailrace", wall, kind="tailrace", process="tailrace", **other)


def line(work_name, name, value):
    return Line(work(work_name), name, Figure((value,)), "")


def verdict(what, rows=(), lines=()):
    found = [gate for gate in gates.judged(rows, lines, cores=2) if gate.what.startswith(what)]
    assert len(found) == 1, found
    return found[0]


class Gates(unittest.TestCase):
    # A run of some works must neither fail on the others nor call them met.
    def test_what_was_not_measured_has_no_verdict(self):
        for gate in gates.judged([], [], cores=2):
            with self.subTest(gate.what):
                self.assertIsNone(gate.met)
                self.assertEqual(gate.measured, "not measured")

    def test_a_snapshot_may_take_one_and_a_half_times_the_copy(self):
        for wall, met in ((14.9, True), (15.1, False)):
            gate = verdict("snapshot, wide: wall", [ours("wide", wall), row("wide", "COPY", 10.0)])
            self.assertEqual(gate.met, met)
        self.assertIn("1.51", gate.measured)

    # The other limit of the same work builds the key afterwards: it is not the one of the promise.
    def test_only_the_copy_with_its_key_in_place_is_the_limit(self):
        gate = verdict("snapshot, wide: wall", [ours("wide", 12.0), row("wide", "COPY, key after", 1.0)])
        self.assertIsNone(gate.met)

    def test_cpu_is_judged_by_the_backends_of_the_limit(self):
        rows = [ours("narrow", 1.0, cpu={"tailrace": 0.39, "target": 0.1}), row("narrow", "COPY", 1.0)]
        gate = verdict("snapshot, narrow: tailrace's CPU", rows)
        self.assertTrue(gate.met)
        self.assertIn("own run: 3.90", gate.measured)
        rows = [ours("narrow", 1.0, cpu={"tailrace": 0.41, "target": 9.0}), row("narrow", "COPY", 1.0)]
        self.assertFalse(verdict("snapshot, narrow: tailrace's CPU", rows).met)

    def test_the_nearest_peer_counts(self):
        rows = [ours("text", 1.0), row("text", "slow", 50.0, kind="peer"), row("text", "near", 2.9, kind="peer")]
        gate = verdict("snapshot, text: times", rows)
        self.assertFalse(gate.met)
        self.assertIn("near", gate.measured)
        self.assertTrue(verdict("snapshot, text: times", rows[:2]).met)

    def test_peers_are_compared_over_the_rows_that_they_copied(self):
        beside = gates.with_peers("text")
        rows = [ours("text", 1.0), ours(beside, 0.2), row(beside, "near", 0.5, kind="peer")]
        self.assertFalse(verdict("snapshot, text: times", rows).met)
        self.assertTrue(verdict("snapshot, text: times", [*rows[:2], row(beside, "near", 0.7, kind="peer")]).met)

    def test_a_backlog_is_as_fast_as_its_limit_and_as_promised(self):
        rows = [ours("backlog", 12.0), row("backlog", "staged upsert", 10.0)]
        self.assertTrue(verdict("backlog: speed", rows).met)
        self.assertFalse(verdict("backlog: changes", rows).met)
        rows = [ours("backlog", 9.9), row("backlog", "staged upsert", 7.0)]
        self.assertFalse(verdict("backlog: speed", rows).met)
        self.assertTrue(verdict("backlog: changes", rows).met)

    # A latency at half the pace is the latency of another work.
    def test_latency_is_judged_at_its_pace(self):
        lines = [line("latency", gates.RATE, 998.0), line("latency", gates.P50, 12.0), line("latency", gates.P99, 101.0)]
        self.assertTrue(verdict("latency: p50", lines=lines).met)
        self.assertFalse(verdict("latency: p99", lines=lines).met)
        lines[0] = line("latency", gates.RATE, 989.0)
        self.assertFalse(verdict("latency: p50", lines=lines).met)

    def test_the_simulator_keeps_the_pace_of_the_writers(self):
        lines = [line("writers", name, value) for name, value in
                 ((gates.RATE, 990.5), (gates.P50, 1.5), (gates.P99, 12.0), (gates.READ, 700_000.0))]
        gate = verdict("simulator: small", lines=lines)
        self.assertTrue(gate.met)
        self.assertIn("p99 12.0 ms", gate.measured)
        self.assertIn("700,000 rows a second", gate.measured)
        lines[0] = line("writers", gates.RATE, 989.0)
        self.assertFalse(verdict("simulator: small", lines=lines).met)

    def test_memory_is_the_most_of_all_works(self):
        rows = [ours("wide", 1.0, peak=30e6), row("scale commit", "1,000,000 rows", 1.0, kind="point", peak=101e6),
                row("wide", "a peer", 1.0, kind="peer", peak=900e6)]
        self.assertFalse(verdict("memory", rows).met)
        self.assertTrue(verdict("memory", rows[:1]).met)
        self.assertTrue(verdict("memory", [*rows[:1], ours("chain rows", 1.0, peak=130e6)]).met)  # Of two programs.
        self.assertFalse(verdict("memory", rows[:1], [line("latency", gates.PEAK, 100.0)]).met)

    def test_a_thousand_tables_cost_at_most_twice_ten(self):
        def points(many):
            return [row("scale tables", f"{x} tables", 1.0, kind="point", process="tailrace", x=x, cpu={"target": cpu})
                    for x, cpu in ((10, 1.0), (100, 50.0), (1000, many))]
        self.assertTrue(verdict("scale", points(2.9)).met)
        self.assertFalse(verdict("scale", points(3.1)).met)

    def test_idleness_defaults_and_the_simulator(self):
        for what, name, work_name, good, bad in (("idle", gates.IDLE, "idle", 0.9, 1.0),
                                                 ("default settings: the slowest", gates.SMALL, "defaults", 999, 1000),
                                                 ("default settings: a trans", gates.LARGE, "defaults", 299_999, 300_000)):
            self.assertTrue(verdict(what, lines=[line(work_name, name, good)]).met)
            self.assertFalse(verdict(what, lines=[line(work_name, name, bad)]).met)
        self.assertTrue(verdict("simulator: wide", [row("wide", gates.READER, 1.0, cpu={"source": 1.6})]).met)
        self.assertFalse(verdict("simulator: wide", [row("wide", gates.READER, 1.0, cpu={"source": 1.7})]).met)

    # A gate whose line was renamed in the work would say "not measured" for ever.
    def test_the_works_print_the_lines_that_are_judged(self):
        from bench.works import idle, latency, writers

        self.assertEqual((latency.RATE, latency.P50, latency.P99), (gates.RATE, gates.P50, gates.P99))
        self.assertEqual((latency.SMALL, latency.LARGE, latency.PEAK), (gates.SMALL, gates.LARGE, gates.PEAK))
        self.assertEqual((idle.IDLE, idle.PEAK), (gates.IDLE, gates.PEAK))
        self.assertEqual((writers.RATE, writers.P50, writers.P99, writers.READ), (gates.RATE, gates.P50, gates.P99, gates.READ))

    def test_cpu_is_a_tenth_of_the_least_of_the_workers(self):
        def rows(least):
            return [ours("from_kafka rows", 1.0, cpu={"tailrace": 2.0}),
                    *(row("from_kafka rows", f"sink {cpu}", 9.0, kind="peer", process="java", cpu={"java": cpu}) for cpu in (40.0, least))]
        self.assertTrue(verdict("from_kafka rows: tailrace's CPU", rows(20.5)).met)
        gate = verdict("from_kafka rows: tailrace's CPU", rows(19.5))
        self.assertFalse(gate.met)
        self.assertIn("sink 19.5", gate.measured)

    def test_memory_is_under_a_tenth_of_the_workers(self):
        for peak, met in ((199e6, False), (201e6, True)):
            rows = [ours("chain changes", 1.0), row("chain changes", "the chain", 9.0, kind="peer", process="java", peak=peak)]
            self.assertEqual(verdict("chain changes: tailrace's memory", rows).met, met)

    # One of the two bounds is enough, and neither may be met by a row that is not there.
    def test_the_chain_is_four_times_as_fast_or_nearly_the_limit(self):
        what = "chain changes: times as fast"
        peer, limit = row("chain changes", "the chain", 39.0, kind="peer", process="java"), row("chain changes", gates.STAGED, 7.1)
        mine = ours("chain changes", 10.0)
        self.assertFalse(verdict(what, [mine, peer]).met)
        self.assertTrue(verdict(what, [mine, peer, limit]).met)
        self.assertTrue(verdict(what, [ours("chain changes", 9.7), peer]).met)
        self.assertIsNone(verdict(what, [mine]).met)
        self.assertIsNone(verdict(what, [peer, limit]).met)

    def test_the_encoder_is_held_against_libavro(self):
        for own, met in ((1_000_000, True), (999_000, False)):
            lines = [line("encoder", name, value) for name, value in
                     ((gates.CELLS, own), (gates.VALUES, 900_000), (gates.LIBAVRO, 1_000_000))]
            self.assertEqual(verdict("encoder", lines=lines).met, met)
        self.assertIsNone(verdict("encoder", lines=lines[:2]).met)

    # As above: of the programs' lines, and of the works' names.
    def test_the_kafka_works_and_the_encoder_are_those_that_are_judged(self):
        from bench import sizes
        from bench.works import kafka
        from tests.support.processes import ROOT

        self.assertEqual([work.name for work in kafka.of_a_run(sizes.QUICK, kafka.KINDS)], gates.KAFKA)
        program = (ROOT / "bench" / "avro_encoder.cpp").read_text(encoding="utf-8")
        for name in (gates.CELLS, gates.VALUES, gates.LIBAVRO):
            self.assertIn(f'measure("{name}"', program)

    def test_text_says_verdict_bound_and_figure(self):
        lines = gates.text([gates.at_most("a", 1.0, 1.5), gates.at_least("bcd", 2.0, 3), gates.at_most("e", None, 1)])
        self.assertEqual(lines, ["met      a    <= 1.50  1.00", "NOT MET  bcd  >= 3.00  2.00", "-        e    <= 1.00  not measured"])


if __name__ == "__main__":
    unittest.main()
