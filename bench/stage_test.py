"""The comparison of a run with the target that was found equal to the source: it must find one changed row."""

import unittest

from bench.stage import Differs, refuse_differences, row_hashes
from tests.support.postgres import Postgres

COLUMNS = "id bigint PRIMARY KEY, amount numeric(15,2), name char(5), note text, day date, moment timestamp"
ROWS = "SELECT n, n / 100.0, 'a' || n, CASE WHEN n % 3 > 0 THEN 'note ' || n END, DATE '2024-02-29' + n, " \
       "TIMESTAMP '2024-02-29' + n * INTERVAL '1 microsecond' FROM generate_series(1, 500) n"


class Comparison(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.postgres = Postgres()
        cls.postgres.create_database()

    @classmethod
    def tearDownClass(cls):
        cls.postgres.stop()

    def setUp(self):
        self.connection = self.postgres.connect()
        self.addCleanup(self.connection.close)
        self.connection.execute(f"DROP TABLE IF EXISTS ours, theirs; CREATE TABLE ours ({COLUMNS}); CREATE TABLE theirs ({COLUMNS})")
        self.connection.execute(f"INSERT INTO ours {ROWS}")
        self.connection.execute(f"INSERT INTO theirs {ROWS} ORDER BY n DESC")

    def compare(self):
        refuse_differences(["dbo.t"], *([row_hashes(self.connection, name)] for name in ("ours", "theirs")))

    def test_rows_in_another_order_are_equal(self):
        self.compare()

    def test_one_changed_value_is_found(self):
        for change in ("amount = amount + 0.01", "name = 'b'", "note = ''", "note = NULL", "day = day + 1",
                       "moment = moment + INTERVAL '1 microsecond'"):
            with self.subTest(change), self.connection.transaction(force_rollback=True):
                # 7 has a note.
                self.connection.execute(f"UPDATE theirs SET {change} WHERE id = 7")
                with self.assertRaisesRegex(Differs, "dbo.t: 500 rows at the source, 500 in the target, of other content"):
                    self.compare()

    def test_a_missing_row_and_an_exchanged_one_are_found(self):
        self.connection.execute("DELETE FROM theirs WHERE id = 7")
        with self.assertRaisesRegex(Differs, "500 rows at the source, 499 in the target"):
            self.compare()
        self.connection.execute("INSERT INTO theirs SELECT 501, amount, name, note, day, moment FROM ours WHERE id = 7")
        with self.assertRaises(Differs):
            self.compare()

    def test_what_is_compared_with_nothing_is_a_fault(self):
        with self.assertRaises(ValueError):
            refuse_differences(["a", "b"], [(1, 2, 3)], [(1, 2, 3)])


if __name__ == "__main__":
    unittest.main()
