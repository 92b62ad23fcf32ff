"""Snapshot, narrow: rows of (bigint, int, datetime2)."""

from bench.works.snapshot import Snapshot, bulk_insert

MINUTES = [f"2024-02-29T{minute // 60:02}:{minute % 60:02}:" for minute in range(24 * 60)]
SECONDS = [f"{millisecond // 1000:02}.{millisecond % 1000:03}" for millisecond in range(60_000)]


def rows(count):
    """The rows of a data file."""
    for number in range(count):
        minute, millisecond = divmod(number * 977 % 86_400_000, 60_000)
        yield f"{number}|{number * 7919 % 1_000_003}|{MINUTES[minute]}{SECONDS[millisecond]}\n"


class Narrow(Snapshot):
    name = "narrow"
    title = "snapshot, narrow (bigint, int, datetime2)"
    TABLES = {"reading": "id bigint NOT NULL PRIMARY KEY, value int NOT NULL, taken datetime2 NOT NULL"}

    def rows(self):
        return self.sizes.narrow_rows

    def fill(self, stage, connection):
        bulk_insert(connection, "reading", stage.data_file(rows(self.rows())), "|", "\n")
