"""Two runners of one pipeline: the second does no harm, and a take-over ends the first (R6a)."""

import signal

from tests.fault.case import Fault


class Runners(Fault):
    def test_a_second_runner_is_refused_and_changes_nothing(self):
        run = self.start_streaming()
        self.start_writer(31)
        self.flush(run)
        second = self.start()
        self.assertEqual(second.wait(60), 9, second.log()[-4000:])
        self.flush(run)
        self.finish(run)

    def test_take_over_ends_the_first(self):
        first = self.start_streaming()
        self.start_writer(32)
        self.flush(first)
        second = self.start("--take-over")
        self.assertEqual(first.wait(60), 9, first.log()[-4000:])
        self.flush(second)
        self.finish(second)

    # A runner that was thought dead wakes up: what it still holds must not be written.
    def test_a_runner_that_wakes_up_after_a_take_over(self):
        first = self.start_streaming()
        self.start_writer(33)
        self.flush(first)
        first.send(signal.SIGSTOP)
        second = self.start("--take-over")
        self.flush(second, seconds=120)
        first.send(signal.SIGCONT)
        self.assertEqual(first.wait(60), 9, first.log()[-4000:])
        self.finish(second)
