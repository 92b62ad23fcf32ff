"""Stream, one huge transaction: rows that are inserted by one statement."""

from bench.works.changes import Changes
from bench.works.snapshot import ONE_BATCH, bulk_insert


def rows(count):
    """The rows of a data file."""
    for number in range(count):
        yield f"{number}|{number % 1000}|{number // 100}.{number % 100:02}|Zeile {number}\n"


class Huge(Changes):
    name = "huge"
    title = "stream, one huge transaction"

    def table_columns(self):
        return {"big": "id bigint NOT NULL PRIMARY KEY, a int NOT NULL, amount decimal(12,2) NOT NULL, note nvarchar(40) NOT NULL"}

    def change(self, stage, connection):
        bulk_insert(connection, "big", stage.data_file(rows(self.sizes.huge_rows)), "|", "\n", batch_rows=ONE_BATCH)
