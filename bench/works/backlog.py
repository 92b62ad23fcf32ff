"""Stream, backlog: changes that came while nobody read: 60 % updates, 30 % inserts, 10 % deletes, in transactions of 1 to 500 rows.

Updates and deletes go to rows all over the tables, and a transaction to up to three of them.
"""

import random

from bench.works.changes import Changes
from bench.works.snapshot import ONE_BATCH, bulk_insert
from tests.support.simulator import run_sql

COLUMNS = "id bigint NOT NULL PRIMARY KEY, a int NOT NULL, amount decimal(12,2) NOT NULL, note nvarchar(40) NOT NULL, " \
          "changed datetime2(3) NOT NULL"
LARGEST = 500
NOTES = ["paid", "bezahlt", "払った", "оплачено", "مدفوع"]


class Rows:
    """Which rows a table has."""

    def __init__(self, count):
        self.alive = list(range(count))
        self.next = count

    def some(self, chooser, count):
        """Different ones, at most all of them."""
        if 2 * count >= len(self.alive):
            return chooser.sample(self.alive, min(count, len(self.alive)))
        found = set()
        while len(found) < count:
            found.add(self.alive[chooser.randrange(len(self.alive))])
        return found

    def take(self, chooser, count):
        taken = []
        for _ in range(min(count, len(self.alive) - 1)):
            position = chooser.randrange(len(self.alive))
            self.alive[position], self.alive[-1] = self.alive[-1], self.alive[position]
            taken.append(self.alive.pop())
        return taken

    def add(self, count):
        added = range(self.next, self.next + count)
        self.next += count
        self.alive.extend(added)
        return added


def listed(ids):
    return ",".join(map(str, ids))


class Backlog(Changes):
    name = "backlog"
    title = "stream, backlog of small transactions"

    def __init__(self, sizes, changes=None, tables=10, name=None):
        self.name = name or self.name
        super().__init__(sizes)
        self.wanted = changes or sizes.backlog_changes
        self.names = [f"t{number:03}" for number in range(tables)]
        self.rows_each = max(self.wanted // tables, 10)

    def table_columns(self):
        return {name: COLUMNS for name in self.names}

    def fill(self, stage, connection):
        lines = [f"{number}|{number % 1000}|{number // 100}.{number % 100:02}|new {number}|2024-02-29\n"
                 for number in range(self.rows_each)]
        for name in self.names:
            bulk_insert(connection, name, stage.data_file(lines), "|", "\n", batch_rows=ONE_BATCH)

    def change(self, stage, connection):
        chooser = random.Random(1)
        rows = {name: Rows(self.rows_each) for name in self.names}
        done = transactions = 0
        while done < self.wanted:
            count = min(chooser.randint(1, LARGEST), self.wanted - done)
            statements, changed = self.statements(chooser, rows, count)
            run_sql(connection, ";\n".join(["SET NOCOUNT ON", "BEGIN TRANSACTION", *statements, "COMMIT TRANSACTION"]))
            done += changed
            transactions += 1
        self.note = f"({transactions:,} transactions over {len(self.names)} tables)"

    def statements(self, chooser, rows, count):
        """Statements with `count` changes, or fewer where a table has not that many rows; and how many they are."""
        kinds = chooser.choices("uid", (60, 30, 10), k=count)
        moment = f"'2024-03-01T{chooser.randrange(24):02}:{chooser.randrange(60):02}:00.{chooser.randrange(1000):03}'"
        note = f"N'{chooser.choice(NOTES)} {chooser.randrange(1000)}'"
        updates, inserts, deletes = (chooser.choice(self.names) for _ in range(3))
        changed = rows[updates].some(chooser, kinds.count("u"))
        added = rows[inserts].add(kinds.count("i"))
        taken = rows[deletes].take(chooser, kinds.count("d"))
        statements = []
        if changed:
            statements.append(f"UPDATE dbo.{updates} SET a = a + 1, amount = amount + 0.01, changed = {moment} "
                              f"WHERE id IN ({listed(changed)})")
        if added:
            statements.append(f"INSERT INTO dbo.{inserts} VALUES " + ",".join(
                [f"({number},{number % 1000},{number % 9999}.50,{note},{moment})" for number in added]))
        if taken:
            statements.append(f"DELETE FROM dbo.{deletes} WHERE id IN ({listed(taken)})")
        return statements, len(changed) + len(added) + len(taken)
