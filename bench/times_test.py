"""Times: the entries of a work add up to its whole time."""

import unittest

from bench.times import REST, Times


class TimesTest(unittest.TestCase):
    def setUp(self):
        self.now = 0.0
        self.times = Times(lambda: self.now)

    def pass_seconds(self, seconds):
        self.now += seconds

    def test_nested_entries_are_counted_once(self):
        self.times.begin("wide")
        with self.times.on("preparing"):
            self.pass_seconds(5)
            with self.times.on("sums of the source"):
                self.pass_seconds(2)
            self.pass_seconds(1)
        self.pass_seconds(3)
        self.times.end()
        self.assertEqual(self.times.seconds, {"wide": {"preparing": 6, "sums of the source": 2, REST: 3}})

    def test_points_of_one_work_are_added(self):
        for seconds in (4, 6):
            self.times.begin("scale tables")
            self.pass_seconds(seconds)
        self.times.begin("idle")
        self.pass_seconds(30)
        self.times.end()
        self.pass_seconds(100)
        with self.times.on("the report"):
            self.pass_seconds(100)
        self.assertEqual(self.times.seconds, {"scale tables": {REST: 10}, "idle": {REST: 30}})
        self.assertEqual(self.times.text().splitlines(), [
            "scale tables    0.2 min: the rest 10.0 s",
            "idle            0.5 min: the rest 30.0 s",
            "all             0.7 min"])

    def test_a_failure_ends_its_entry(self):
        self.times.begin("wide")
        with self.assertRaises(ValueError), self.times.on("comparing"):
            self.pass_seconds(2)
            raise ValueError
        self.pass_seconds(1)
        self.times.end()
        self.assertEqual(self.times.seconds, {"wide": {"comparing": 2, REST: 1}})


if __name__ == "__main__":
    unittest.main()
