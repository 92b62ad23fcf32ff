"""The answer of a COMMIT is lost on its way: was it done? The position in the target tells, nobody guesses (R6b)."""

import signal

from tests.fault.case import Fault
from tests.fault.proxy import Proxy
from tests.support.processes import wait_until


class LostAnswer(Fault):
    def setUp(self):
        super().setUp()
        self.proxy = Proxy(self.postgres.port)
        self.addCleanup(self.proxy.close)
        self.pipeline.write(target_url=f"postgresql://127.0.0.1:{self.proxy.port}/{self.database}?sslmode=disable")

    def lose(self, run, way, count):
        before = self.proxy.cuts
        self.proxy.arm(way, count)
        wait_until(lambda: self.proxy.cuts > before or not run.running(), 60, f"a COMMIT is {way} and cut")
        self.assertTrue(run.running(), run.log()[-4000:])

    # Done and not known: applied again, inserts collide or sums double. Not done and thought done: rows are lost.
    def test_in_the_stream(self):
        run = self.start_streaming()
        self.start_writer(21)
        for count in (1, 3, 8):
            self.lose(run, "answered", count)
            self.flush(run)
            self.lose(run, "sent", count)
            self.flush(run)
        self.note(f"{self.proxy.cuts} answers lost")
        self.finish(run)

    def test_in_the_snapshot(self):
        for position, way in enumerate(("answered", "sent"), 1):
            self.proxy.arm(way, 5 * position)
            if position == 1:
                self.start_writer(22)
                run = self.start()
            wait_until(lambda: self.proxy.cuts >= position or not run.running(), 60, f"a COMMIT is {way} and cut")
        self.note(f"{self.proxy.cuts} answers lost")
        self.finish(run)

    def kill_at_answers(self, ways, start):
        for way, count in ways:
            run = start()
            self.proxy.arm(way, count, at_loss=lambda run=run: run.send(signal.SIGKILL))
            self.assert_killed(run)
        self.note(f"killed with the answer on its way: {', '.join(f'{way}:{count}' for way, count in ways)}")
        self.finish(self.start())

    # kill -9 while the answer is on its way: sent and perhaps not done, or done and known to nobody.
    def test_killed_in_the_snapshot(self):
        self.start_writer(24)
        self.kill_at_answers((("sent", 1), ("answered", 1), ("sent", 4), ("answered", 4), ("answered", 9)), self.start)

    def test_killed_in_the_stream(self):
        self.drain(self.start_streaming())
        self.start_writer(25)
        self.kill_at_answers((("sent", 1), ("answered", 1), ("sent", 3), ("answered", 8)), self.start_streaming)

    # Every connection gone at once, again and again: the runner comes back by itself.
    def test_all_connections_cut(self):
        run = self.start_streaming()
        self.start_writer(23)
        for _ in range(3):
            self.proxy.cut_all()
            self.flush(run)
        self.finish(run)
