"""The benchmark's own arithmetic: a wrong median or ratio would make every line of the table a lie."""

import unittest

from bench import figures
from bench.figures import Figure


class Figures(unittest.TestCase):
    def test_the_median_is_not_moved_by_one_slow_run(self):
        self.assertEqual(Figure((1.0, 9.0, 2.0)).median, 2.0)
        self.assertEqual(Figure((1.0, 2.0)).median, 1.5)

    def test_the_spread_is_the_whole_width_over_the_median(self):
        self.assertAlmostEqual(Figure((9.0, 10.0, 12.0)).spread, 0.3)
        self.assertEqual(Figure((5.0,)).spread, 0)
        self.assertEqual(Figure((0, 0)).spread, 0)

    # A run without a value (bytes on the wire without the right to look) must not count as zero.
    def test_unknown_values_are_left_out(self):
        self.assertEqual(figures.figure([3.0, None, 1.0]).runs, (3.0, 1.0))
        self.assertIsNone(figures.figure([None]))

    def test_ratios_are_of_medians(self):
        self.assertEqual(figures.ratio(Figure((3.0, 3.0, 9.0)), Figure((2.0,))), 1.5)
        self.assertIsNone(figures.ratio(None, Figure((2.0,))))
        self.assertIsNone(figures.ratio(Figure((2.0,)), Figure((0.0,))))

    def test_cpu_for_each_million_rows(self):
        self.assertAlmostEqual(figures.per_million(3.0, 6_000_000), 0.5)

    def test_numbers_keep_three_digits(self):
        written = {None: "-", 0: "0", 1234567: "1,234,567", 123.4: "123", 12.34: "12.3", 1.234: "1.23",
                   0.1234: "0.123", 0.01234: "0.0123", 999.6: "1,000"}
        for value, text in written.items():
            with self.subTest(value=value):
                self.assertEqual(figures.written(value), text)

    def test_the_spread_is_written_as_its_half(self):
        self.assertEqual(figures.written_with_spread(Figure((9.0, 10.0, 11.0))), "10.0 ±10%")
        self.assertEqual(figures.written_with_spread(Figure((9.0,))), "9.00")
        self.assertEqual(figures.written_with_spread(None), "-")

    def test_the_table_is_aligned_and_takes_whole_lines(self):
        lines = figures.table(["work", "who", "wall s"], [["wide", "tailrace", "1.0"], ["wide", "COPY", "12.5"], "a reason"])
        self.assertEqual(lines, ["work  who       wall s", "----  --------  ------", "wide  tailrace     1.0",
                                 "wide  COPY        12.5", "a reason"])

    def test_quantiles(self):
        self.assertEqual(figures.quantile(list(range(100)), 0.99), 99)
        self.assertEqual(figures.quantile(list(range(100)), 0.5), 50)
        self.assertEqual(figures.quantile([7], 1), 7)
        self.assertIsNone(figures.quantile([], 0.5))


if __name__ == "__main__":
    unittest.main()
