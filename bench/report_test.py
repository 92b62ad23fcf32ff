"""The table: a ratio against the wrong row, or a peer without its reason, would mislead."""

import json
import pathlib
import tempfile
import types
import unittest

from bench import report
from bench.figures import Figure
from bench.gates import at_most
from bench.measure import Usage
from bench.report import Line, Row

WORK = types.SimpleNamespace(name="wide", unit="rows")


def row(name, kind, walls, **other):
    participant = types.SimpleNamespace(name=name, kind=kind, process=name)
    return Row(WORK, participant, 1_000_000, [
        Usage(wall, {name: 0.5, "source": 1.5, "target": 2.0}, {name: 30_000_000}, {"source": 5_000_000}) for wall in walls], **other)


class Report(unittest.TestCase):
    def test_ratios_are_to_the_first_limit_and_to_tailrace(self):
        rows = [row("tailrace", "tailrace", [4.0, 6.0, 5.0]), row("COPY", "limit", [10.0]), row("other", "limit", [1.0])]
        lines = report.text(rows, []).splitlines()
        self.assertEqual(lines[2].split()[:7], ["wide", "tailrace", "1,000,000", "5.00", "±20%", "200,000", "0.500"])
        self.assertEqual(lines[2].split()[7:], ["1.00", "0.500", "1.50", "2.00", "0.250", "30.0", "5.00", "-"])
        self.assertEqual(lines[3].split()[5:7], ["1.00", "2.00"])

    def test_a_participant_without_figures_says_why(self):
        text = report.text([row("peer", "peer", [], reason="is not installed")], [])
        self.assertIn("wide  peer  no figures: is not installed", text)

    def test_a_copy_that_differs_keeps_its_figures_and_says_so(self):
        differing = row("peer", "peer", [2.0])
        differing.differs = "a row is wrong"
        text = report.text([differing], [])
        self.assertIn("500,000", text)
        self.assertIn("its copy is not the source: a row is wrong", text)
        self.assertEqual(differing.as_json()["differs"], "a row is wrong")

    # CPU of a process that was not watched is unknown, not nothing.
    def test_what_was_not_seen_is_no_figure(self):
        found = row("peer", "peer", [2.0])
        self.assertIsNone(found.cpu("nobody"))
        self.assertIsNone(found.wire("target"))

    def test_json_holds_every_run(self):
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory) / "results" / "one.json"
            report.write_json(path, {"commit": "c"}, [row("tailrace", "tailrace", [1.0, 2.0, 3.0])],
                              [Line(WORK, "p50", Figure((7.0,)), "ms")], [at_most("a", 1.0, 1.5)])
            found = json.loads(path.read_text(encoding="utf-8"))
        self.assertEqual(found["commit"], "c")
        self.assertEqual(found["rows"][0]["wall_seconds"]["runs"], [1.0, 2.0, 3.0])
        self.assertEqual(found["lines"][0], {"work": "wide", "figure": "p50", "unit": "ms", "runs": [7.0], "median": 7.0,
                                             "spread": 0.0})
        self.assertEqual(found["gates"], [{"what": "a", "bound": "<= 1.50", "measured": "1.00", "met": True}])


if __name__ == "__main__":
    unittest.main()
