"""The comparison finds what it must: canonical forms of both sides agree for equal values, and differ for others."""

import datetime
import decimal
import functools
import unittest

from demo.workload import ALL_TYPES_COLUMNS, extremes
from tests.support import canonical, compare
from tests.support.postgres import Postgres

# As the target has them: docs/types.md.
TARGET = """
    id integer PRIMARY KEY, a_bit boolean, a_tinyint smallint, a_smallint smallint, a_int integer, a_bigint bigint,
    a_decimal numeric(38,10), a_numeric numeric(10,2), a_money numeric(19,4), a_smallmoney numeric(10,4), a_real real,
    a_float double precision, a_date date, a_time time(6), a_time0 time(0), a_smalldatetime timestamp(0),
    a_datetime timestamp(3), a_datetime2 timestamp(6), a_datetime2_3 timestamp(3), a_datetimeoffset timestamptz(6),
    a_char text, a_varchar varchar(50), a_varchar_max text, a_nchar text, a_nvarchar varchar(50), a_nvarchar_max text,
    a_binary bytea, a_varbinary bytea, a_varbinary_max bytea, a_uniqueidentifier uuid"""

TYPES = ["bit", "tinyint", "smallint", "int", "bigint", "decimal", "numeric", "money", "smallmoney", "real", "float",
         "date", "time", "time", "smalldatetime", "datetime", "datetime2", "datetime2", "datetimeoffset", "char",
         "varchar", "varchar", "nchar", "nvarchar", "nvarchar", "binary", "varbinary", "varbinary", "uniqueidentifier"]
SCALES = {"a_decimal": 10, "a_numeric": 2}


class Canonical(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.postgres = Postgres()
        cls.postgres.create_database()
        cls.connection = cls.postgres.connect()
        cls.connection.execute("SET TimeZone = 'Asia/Tokyo'")
        cls.connection.execute(f"CREATE TABLE all_types ({TARGET})")
        cls.table = compare.Table("dbo", "all_types", "public", [("id", "int", 0)] + [
            (name, kind, SCALES.get(name, 0)) for name, kind in zip(ALL_TYPES_COLUMNS, TYPES)], ["id"])
        cls.rows = [(number, *values) for number, values in enumerate(extremes(), 1)]
        marks = ", ".join(["%s"] * len(cls.rows[0]))
        for row in cls.rows:
            cls.connection.execute(f"INSERT INTO all_types VALUES ({marks})", row)

    @classmethod
    def tearDownClass(cls):
        cls.connection.close()
        cls.postgres.stop()

    def source_lines(self, rows):
        converters = [canonical.source_converter(kind, scale) for _, kind, scale in self.table.columns]
        return [canonical.source_line(row, converters).encode() for row in rows]

    # A form that differs for equal values would cry wolf; one that loses something would hide a loss.
    def test_agrees_for_every_type_and_its_extremes(self):
        with self.postgres.connect() as connection:
            target = sorted(compare.target_lines(connection, self.table))
        for ours, theirs in zip(sorted(self.source_lines(self.rows)), target):
            for (name, _, _), one, other in zip(self.table.columns, ours.split(b"\t"), theirs.split(b"\t")):
                self.assertEqual(one, other, name)

    def test_sees_the_smallest_difference(self):
        changes = {
            "a_bit": False, "a_decimal": decimal.Decimal("-0.0000000002"), "a_real": 0.0, "a_float": 0.0,
            "a_time": datetime.time(12, 34, 56, 120001), "a_varchar": "100% \"x\" ", "a_varbinary_max": b"\n\t\0",
            "a_numeric": None, "a_nvarchar": "ﬁ İi"}
        names = ["id", *ALL_TYPES_COLUMNS]
        whole = compare.summed(self.source_lines(self.rows))
        for name, value in changes.items():
            with self.subTest(column=name):
                row = list(self.rows[4])
                row[names.index(name)] = value
                self.assertNotEqual(compare.summed(self.source_lines([*self.rows[:4], row])), whole)

    def test_tells_null_empty_and_minus_zero_apart(self):
        text = canonical.source_converter("nvarchar", 0)
        real = canonical.source_converter("real", 0)
        self.assertNotEqual(canonical.source_line([None], [text]), canonical.source_line([""], [text]))
        self.assertNotEqual(canonical.source_line([None], [text]), canonical.source_line(["\\N"], [text]))
        self.assertNotEqual(real(0.0), real(-0.0))

    def test_counts_a_doubled_row(self):
        once = compare.summed(self.source_lines(self.rows))
        self.assertNotEqual(compare.summed(self.source_lines([*self.rows, self.rows[0]])), once)

    # The demo's PLANT=1 in small: one changed cell is found and named.
    def test_names_the_row_that_differs(self):
        class Fake:
            def __enter__(self):
                return self

            def __exit__(self, *_):
                pass

        lines = self.source_lines(self.rows)
        self.connection.execute("UPDATE all_types SET a_int = 43 WHERE id = 5")
        try:
            original, compare.source_lines = compare.source_lines, lambda connection, table: iter(lines)
            found = compare.compare_table(Fake, functools.partial(self.postgres.connect), self.table)
        finally:
            compare.source_lines = original
            self.connection.execute("UPDATE all_types SET a_int = 42 WHERE id = 5")
        self.assertFalse(found.equal)
        self.assertEqual(found.source_rows, found.target_rows)
        self.assertIn("key 5: a_int: 42 at the source, 43 in the target", found.examples)


if __name__ == "__main__":
    unittest.main()
