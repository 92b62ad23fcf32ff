"""Snapshot, narrow: rows of (bigint, int, datetime2), made at the server."""

from bench.works.snapshot import Snapshot, numbers
from tests.support.simulator import run_sql

EACH = 1_000_000


class Narrow(Snapshot):
    name = "narrow"
    title = "snapshot, narrow (bigint, int, datetime2)"
    TABLES = {"reading": "id bigint NOT NULL PRIMARY KEY, value int NOT NULL, taken datetime2 NOT NULL"}

    def rows(self):
        return self.sizes.narrow_rows

    def fill(self, stage, connection):
        for first in range(0, self.rows(), EACH):
            run_sql(connection, numbers(len(str(min(EACH, self.rows()) - 1))) + f"""
                INSERT INTO dbo.reading
                SELECT {first} + n, (n * 7919) % 1000003, DATEADD(millisecond, (n * 977) % 86400000, '2024-02-29')
                FROM number WHERE n < {min(EACH, self.rows() - first)}""")
