"""Scale: how costs grow with the number of tables, of snapshot readers, and with the rows of a commit.

Each point is tailrace's work on the same number of rows or changes; the points of one curve differ in one thing.
"""

from bench.participants.tailrace import Tailrace
from bench.works.backlog import Backlog
from bench.works.narrow import Narrow

READERS = (1, 2, 4)
COMMIT_ROWS = (1_000, 10_000, 100_000, 1_000_000)


class Point(Tailrace):
    """tailrace with one setting; `x` is where it stands on its curve."""

    kind = "point"

    def __init__(self, name, x, settings=""):
        super().__init__(settings)
        self.name = name
        self.x = x


class FewerRows(Narrow):
    def __init__(self, sizes):
        super().__init__(sizes)
        self.name = "scale readers"
        self.database = "bench_scale_readers"
        self.title = "scale: snapshot readers"
        self.axis = "snapshot readers"

    def rows(self):
        return self.sizes.scale_rows

    def points(self):
        return [Point(f"{count} readers", count, f"snapshot: {{ readers: {count} }}\n") for count in READERS]


class ManyTables(Backlog):
    """One number of tables; the runner puts all of them on one curve."""

    axis = "tables"

    def __init__(self, sizes, tables):
        super().__init__(sizes, changes=sizes.scale_changes, tables=tables, name=f"scale_tables_{tables}")
        self.name = "scale tables"
        self.title = f"scale: {tables} tables, {sizes.scale_changes:,} changes"
        self.count_of_tables = tables

    def points(self):
        return [Point(f"{self.count_of_tables} tables", self.count_of_tables)]


class CommitRows(Backlog):
    axis = "rows of a commit"

    def __init__(self, sizes):
        super().__init__(sizes, changes=sizes.scale_changes, name="scale_commit_rows")
        self.name = "scale commit"
        self.title = "scale: stream.commit_rows"

    def points(self):
        return [Point(f"{rows:,} rows", rows, f"stream: {{ commit_rows: {rows} }}\n") for rows in COMMIT_ROWS]


def works(sizes):
    """All of the work 'scale', in the order of its curves."""
    return [FewerRows(sizes), *(ManyTables(sizes, tables) for tables in sizes.scale_tables), CommitRows(sizes)]
