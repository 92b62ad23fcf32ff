"""Stream, one huge transaction: rows that are inserted by one statement."""

from bench.works.changes import Changes
from bench.works.snapshot import numbers
from tests.support.simulator import run_sql


class Huge(Changes):
    name = "huge"
    title = "stream, one huge transaction"

    def table_columns(self):
        return {"big": "id bigint NOT NULL PRIMARY KEY, a int NOT NULL, amount decimal(12,2) NOT NULL, note nvarchar(40) NOT NULL"}

    def change(self, connection):
        run_sql(connection, numbers(len(str(self.sizes.huge_rows - 1))) + f"""
            INSERT INTO dbo.big SELECT n, n % 1000, n / 100.0, N'Zeile ' + CONVERT(nvarchar(20), n) FROM number
            WHERE n < {self.sizes.huge_rows}""")
