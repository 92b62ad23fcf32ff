"""The demo in small: it passes, and its final check fails when one value of the target was changed."""

import os
import subprocess
import sys
import unittest

from tests.e2e.case import leave_note
from tests.support.processes import ROOT


class Demo(unittest.TestCase):
    def run_demo(self, **variables):
        done = subprocess.run([sys.executable, "-m", "demo"], cwd=ROOT, capture_output=True, text=True, timeout=300,
                              stdin=subprocess.DEVNULL, check=False,
                              env={**os.environ, "DEMO_SMALL": "1", "KEEP": "", **variables})
        return done.returncode, done.stdout + done.stderr

    def test_ends_with_equal_tables(self):
        code, said = self.run_demo()
        self.assertEqual(code, 0, said[-8000:])
        self.assertIn("every table is equal, nothing was ever half visible", said)
        for line in said.splitlines():
            if "  snapshot  " in line or "latency" in line or "peak memory" in line:
                leave_note(self.id(), line.strip())

    # A check that cannot fail proves nothing.
    def test_finds_one_planted_change(self):
        code, said = self.run_demo(PLANT="1", DEMO_SECONDS="1")
        self.assertEqual(code, 1, said[-8000:])
        self.assertIn("FAILED: dbo.planes differs", said)
        self.assertEqual(said.count(" differs\n"), 1, said[-8000:])


if __name__ == "__main__":
    unittest.main()
