"""The pace of the writers: what falls behind must show in the times, and what is written must be what the change table is
compared with."""

import unittest

from bench.works import writers


class Clock:
    """A clock that only what is done moves."""

    def __init__(self):
        self.now = 100.0

    def sleep(self, seconds):
        self.now += seconds


class Pace(unittest.TestCase):
    def took(self, cost, count=10):
        clock = Clock()
        return writers.write_paced(lambda sql: clock.sleep(cost), 0, count, lambda: clock.now, clock.sleep), clock.now - 100

    def test_a_fast_server_is_asked_at_the_pace(self):
        took, seconds = self.took(0.001)
        pause = writers.WRITERS / writers.EACH_SECOND
        self.assertAlmostEqual(seconds, 9 * pause + 0.001)
        for one in took:
            self.assertAlmostEqual(one, 0.001)

    # Measured from when it is sent, a transaction of a server that is too slow would look as fast as the first one.
    def test_a_server_that_falls_behind_has_longer_times(self):
        took, _ = self.took(0.010)
        self.assertAlmostEqual(took[0], 0.010)
        self.assertAlmostEqual(took[9], 0.100 - 9 * writers.WRITERS / writers.EACH_SECOND)


class Statements(unittest.TestCase):
    def test_each_writer_has_rows_of_its_own(self):
        rows = [{writers.statement(writer, 3 * number) for number in range(100)} for writer in range(writers.WRITERS)]
        self.assertEqual(len(set().union(*rows)), 100 * writers.WRITERS)

    def test_a_row_comes_changes_and_goes(self):
        self.assertEqual([writers.statement(1, number).split()[0] for number in range(4)], ["INSERT", "UPDATE", "DELETE", "INSERT"])
        self.assertEqual(len({writers.statement(1, number).split()[-1] for number in (1, 2)}), 1)

    def test_an_update_is_two_rows_of_the_change_table(self):
        self.assertEqual([writers.change_rows(count) for count in (0, 1, 2, 3, 4)], [0, 1, 3, 4, 5])


if __name__ == "__main__":
    unittest.main()
