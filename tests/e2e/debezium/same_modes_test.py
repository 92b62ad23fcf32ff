"""Each way of decimals, times and bytes is Debezium's, through the real registry."""

import dataclasses
import unittest

from tests.e2e.debezium.same_case import SameCase
from tests.e2e.debezium.tables import TABLES

EVENTS = 300
MOMENTS = next(table for table in TABLES if table.name == "moments")
# 64 bits of nanoseconds reach from 1677 to 2262.
NEAR = dataclasses.replace(MOMENTS, name="near", columns=tuple(
    dataclasses.replace(column, values=(("'2024-02-29T01:02:03'", 0), ("'1969-12-31T23:59:00'", 0)))
    for column in MOMENTS.columns if column.declaration.startswith(("date", "smalldatetime")) and "offset" not in column.declaration))
USUAL = [next(table for table in TABLES if table.name == "numbers"), MOMENTS, next(table for table in TABLES if table.name == "bytes")]
# name -> (tables, decimal.handling.mode, time.precision.mode, binary.handling.mode); tailrace has the same words for them.
MODES = {
    "texts": (USUAL, "string", "isostring", "base64"),
    "connect": (USUAL, "double", "connect", "hex"),
    "micro": (USUAL, "precise", "microseconds", "base64-url-safe"),
    "adaptive": (USUAL, "precise", "adaptive_time_microseconds", "bytes"),
    "nano": ([NEAR], "precise", "nanoseconds", "bytes"),
}


class SameModes(SameCase):
    TABLES = [*USUAL, NEAR]

    def test_each_mode_has_debezium_s_events(self):
        participants = [
            self.start(name, f"decimals: {decimals}, times: {times}, binary: {binary}", tables=tables, debezium={
                "decimal.handling.mode": decimals, "time.precision.mode": times, "binary.handling.mode": binary})
            for name, (tables, decimals, times, binary) in MODES.items()]
        for each in participants:
            self.wait_snapshot(each)
        self.history.change(EVENTS)
        self.finish(participants)
        compared = sum(self.compare(each) for each in participants)
        self.note(f"seed {self.seed} (TAILRACE_SEED={self.seed} repeats it): {compared} pairs of records in {', '.join(MODES)}; allowed were")
        self.assert_same()


if __name__ == "__main__":
    unittest.main()
