"""Checksums of a table by its parts: every row counts once, also one whose key lies outside of what was looked at before."""

import contextlib
import unittest

from tests.support.compare import MODULUS, Table, bracket, parts, quote, row_hash, sums_by_parts

KEYS = {"a": range(-5, 100), "b": range(3)}


def table(name):
    return Table("dbo", name, "public", [("k", "int", 0)], ["k"])


def side(_, part):
    """(rows, checksum) of the rows that a part's WHERE clause finds."""
    found = [key for key in KEYS[part.name]
             if (part.low is None or key >= part.low) and (part.high is None or key < part.high)]
    return len(found), sum(row_hash(str(key).encode()) for key in found) % MODULUS


class Parts(unittest.TestCase):
    def test_the_outer_parts_are_open(self):
        self.assertEqual([part.condition(bracket) for part in parts(table("a"), [3, 7])],
                         [" WHERE [k] < 3", " WHERE [k] >= 3 AND [k] < 7", " WHERE [k] >= 7"])
        self.assertEqual([part.condition(quote) for part in parts(table("a"), [])], [""])

    def test_parts_add_up_to_the_whole(self):
        tables = [table("a"), table("b")]
        whole = [side(None, one) for one in tables]
        self.assertEqual(sums_by_parts(side, contextlib.nullcontext, tables, [[10, 50], []], 2), whole)
        self.assertEqual(sums_by_parts(side, contextlib.nullcontext, tables, [[1000], [1]], 2), whole)


if __name__ == "__main__":
    unittest.main()
