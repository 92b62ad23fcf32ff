"""Where a benchmark's time goes: the seconds of each work, by what they were spent on.

Shape    What nests in another entry counts there no more: the entries of a work add up to its whole time.
"""

import contextlib
import time

REST = "the rest"


class Times:
    def __init__(self, clock=time.monotonic):
        self.clock = clock
        self.seconds = {}  # work -> {what: seconds}, in the order of the works
        self.work = None
        self.what = REST
        self.since = clock()

    def begin(self, work):
        """What is spent from now on belongs to this work."""
        self._book(REST)
        self.work = work
        self.seconds.setdefault(work, {})

    def end(self):
        self._book(REST)
        self.work = None

    @contextlib.contextmanager
    def on(self, what):
        outer = self.what
        self._book(what)
        try:
            yield
        finally:
            self._book(outer)

    def _book(self, following):
        now = self.clock()
        if self.work is not None:
            spent = self.seconds[self.work]
            spent[self.what] = spent.get(self.what, 0) + now - self.since
        self.since = now
        self.what = following

    def text(self):
        """A line for each work: its minutes, and the seconds of what they were spent on, the most first."""
        width = max([len(work) for work in self.seconds] + [5])
        lines = [f"{work:{width}}  {sum(spent.values()) / 60:5.1f} min: " + ", ".join(
            f"{what} {seconds:.1f} s" for what, seconds in sorted(spent.items(), key=lambda entry: -entry[1]))
            for work, spent in self.seconds.items()]
        whole = sum(sum(spent.values()) for spent in self.seconds.values())
        return "\n".join([*lines, f"{'all':{width}}  {whole / 60:5.1f} min"])
