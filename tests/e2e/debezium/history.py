"""Changes a source at random and keeps, beside it, what Debezium must make of them: the rows, and every event in order.

Nothing here reads a change table. A row is known because this module wrote it; the one value that the server chooses,
a rowversion, is what its statement answered (OUTPUT).
"""

import dataclasses
import random
import time

from tests.e2e.debezium.columns import UNAVAILABLE, bytes_json
from tests.e2e.debezium.tables import bracketed
from tests.support.simulator import run_sql

NULL = ("NULL", None)


@dataclasses.dataclass
class Expected:
    """One event of a change: the JSON of the key and of both images."""

    table: object
    op: str
    key: object
    before: object
    after: object


@dataclasses.dataclass
class Transaction:
    events: list
    began: float  # By this machine's clock, as the statements around it.
    ended: float


class History:
    """Rows and events of some tables, changed over one connection."""

    def __init__(self, connection, tables, seed):
        self.connection = connection
        self.tables = tables
        self.random = random.Random(seed)
        self.rows = {table.name: {} for table in tables}  # number -> column -> (literal, JSON)
        self.next_number = dict.fromkeys(self.rows, 1)
        self.transactions = []
        self.pending = []  # The events of the open transaction.
        self.undo = []

    # What Debezium must show.

    @staticmethod
    def key_json(table, row):
        if not table.constraint:
            return None
        return {column.name: row[column.name][1] for column in table.key_columns}

    def image(self, table, row, number=None):
        """All values of a row. Computed columns have one in a snapshot alone (`number`): CDC keeps them as NULL."""
        found = {column.name: row[column.name][1] for column in table.captured}
        if table.version:
            found[table.version] = row[table.version][1]
        if table.computed:
            found[table.computed[0]] = None if number is None else table.computed[2](number)
        return found

    def deleted_image(self, table, row):
        """Of text, ntext and image CDC keeps no value of before a change."""
        found = self.image(table, row)
        found.update({column.name: None for column in table.captured if column.large == "old"})
        return found

    def update_images(self, table, old, new, changed):
        """Large values that an update leaves are NULL with a clear bit in the mask. Debezium 3.6 tells that from a value that
        is NULL for text, ntext, image and xml; a (max) type looks like any other to it (dbz#2662)."""
        before, after = self.deleted_image(table, old), self.image(table, new)
        for column in table.captured:
            if not column.large or column.name in changed:
                continue
            shown = None
            if column.large in ("old", "xml"):
                shown = bytes_json(UNAVAILABLE.encode()) if column.schema[0] == "bytes" else UNAVAILABLE
            before[column.name] = after[column.name] = shown
        return before, after

    def snapshot(self, table):
        """(key, image) of every row, in the order of the keys."""
        return [(self.key_json(table, row), self.image(table, row, number))
                for number, row in sorted(self.rows[table.name].items())]

    # Statements.

    def execute(self, text):
        return run_sql(self.connection, text)

    def _set(self, table, number, row):
        rows = self.rows[table.name]
        self.undo.append((rows, number, rows.get(number)))
        if row is None:
            del rows[number]
        else:
            rows[number] = row

    def _take_versions(self, table, written, answered):
        if table.version:
            versions = {key.upper() if isinstance(key, str) else str(key).upper(): version for key, version in answered}
            for row in written:
                row[table.version] = ("", bytes_json(versions[row["id"][1]]))

    @staticmethod
    def _output(table):
        return f" OUTPUT inserted.[id], CONVERT(binary(8), inserted.{bracketed(table.version)})" if table.version else ""

    @staticmethod
    def _where(table, row):
        return " AND ".join(f"{bracketed(column.name)} = {row[column.name][0]}" for column in table.key_columns)

    def make_row(self, table, number, choose):
        return {**table.key(number), **{column.name: choose(column) for column in table.columns}}

    def insert(self, table, rows):
        """`rows` are number -> row, in ascending order."""
        names = [column.name for column in (*table.key_columns, *table.columns)]
        literals = ", ".join("(" + ", ".join(row[name][0] for name in names) + ")" for row in rows.values())
        answered = self.execute(f"INSERT INTO {table.sql_name} ({', '.join(bracketed(name) for name in names)})"
                                f"{self._output(table)} VALUES {literals}")
        self._take_versions(table, rows.values(), answered)
        for number, row in rows.items():
            self._set(table, number, row)
            self.pending.append(Expected(table, "c", self.key_json(table, row), None, self.image(table, row)))

    def update(self, table, numbers, values):
        """`values` must be other ones than those of all the rows."""
        rows = self.rows[table.name]
        settings = ", ".join(f"{bracketed(name)} = {value[0]}" for name, value in values.items())
        where = " OR ".join(f"({self._where(table, rows[number])})" for number in numbers)
        answered = self.execute(f"UPDATE {table.sql_name} SET {settings}{self._output(table)} WHERE {where}")
        written = {number: {**rows[number], **values} for number in numbers}
        self._take_versions(table, written.values(), answered)
        captured = {column.name for column in table.captured}
        for number, row in written.items():
            old = rows[number]
            self._set(table, number, row)
            if not table.version and not captured & values.keys():
                continue  # Nothing of it is captured.
            before, after = self.update_images(table, old, row, values)
            self.pending.append(Expected(table, "u", self.key_json(table, row), before, after))

    def change_key(self, table, number, new_number):
        """CDC has it as a delete and an insert."""
        old = self.rows[table.name][number]
        new = {**old, **table.key(new_number)}
        settings = ", ".join(f"{bracketed(column.name)} = {new[column.name][0]}" for column in table.key_columns)
        answered = self.execute(f"UPDATE {table.sql_name} SET {settings}{self._output(table)} WHERE {self._where(table, old)}")
        self._take_versions(table, [new], answered)
        self._set(table, number, None)
        self._set(table, new_number, new)
        self.pending.append(Expected(table, "d", self.key_json(table, old), self.deleted_image(table, old), None))
        self.pending.append(Expected(table, "c", self.key_json(table, new), None, self.image(table, new)))

    def delete(self, table, numbers):
        rows = self.rows[table.name]
        where = " OR ".join(f"({self._where(table, rows[number])})" for number in numbers)
        self.execute(f"DELETE FROM {table.sql_name} WHERE {where}")
        for number in numbers:
            row = rows[number]
            self._set(table, number, None)
            self.pending.append(Expected(table, "d", self.key_json(table, row), self.deleted_image(table, row), None))

    # Transactions.

    def transaction(self, work, fate="commit"):
        """work() between BEGIN and the transaction's end. `fate`: commit, rollback, or savepoint: half of it is undone."""
        began = time.time()
        self.pending, self.undo = [], []
        self.execute("BEGIN TRANSACTION")
        work()
        if fate == "savepoint":
            self.execute("SAVE TRANSACTION half")
            events, undone = len(self.pending), len(self.undo)
            work()
            self.execute("ROLLBACK TRANSACTION half")
            del self.pending[events:]
            self._undo_to(undone)
        self.execute("ROLLBACK" if fate == "rollback" else "COMMIT")
        if fate == "rollback":
            self._undo_to(0)
        elif self.pending:
            self.transactions.append(Transaction(self.pending, began, time.time()))
        self.pending = []

    def alone(self, work):
        """One statement that is its own transaction."""
        began = time.time()
        self.pending, self.undo = [], []
        work()
        if self.pending:
            self.transactions.append(Transaction(self.pending, began, time.time()))
        self.pending = []

    def _undo_to(self, length):
        while len(self.undo) > length:
            rows, number, row = self.undo.pop()
            if row is None:
                del rows[number]
            else:
                rows[number] = row

    # Chance.

    @staticmethod
    def possible(column):
        return (*column.values, NULL) if column.nullable else column.values

    def any_value(self, column):
        return self.random.choice(self.possible(column))

    def fill(self, tables=None):
        """Every value of every column, and NULLs: rows of before the first event."""
        for table in tables or self.tables:
            count = max(len(column.values) for column in table.columns) + 1
            rows = {}
            for number in range(1, count + 1):
                rows[number] = self.make_row(table, number, lambda column, place=number - 1: (
                    NULL if place == count - 1 and column.nullable else column.values[place % len(column.values)]))
            self.next_number[table.name] = count + 1
            self.insert(table, rows)
        self.pending = []

    def new_numbers(self, table, count):
        first = self.next_number[table.name]
        self.next_number[table.name] += count
        return list(range(first, first + count))

    def one_statement(self, table=None, most_rows=5):
        table = table or self.random.choice(self.tables)
        held = sorted(self.rows[table.name])
        many = self.random.randint(2, most_rows) if self.random.random() < 0.25 else 1
        what = self.random.choices(["insert", "update", "delete", "key"], [30, 45, 15, 10])[0]
        if len(held) < 10 or what == "insert":
            numbers = self.new_numbers(table, many)
            return self.insert(table, {number: self.make_row(table, number, self.any_value) for number in numbers})
        if what == "delete":
            return self.delete(table, sorted(self.random.sample(held, many)))
        if what == "key" and table.constraint:
            return self.change_key(table, self.random.choice(held), self.new_numbers(table, 1)[0])
        return self._update_some(table, sorted(self.random.sample(held, many)))

    def _update_some(self, table, numbers):
        count = self.random.randint(1, min(3, len(table.columns)))
        values = {}
        for column in self.random.sample(table.columns, count):
            held = {self.rows[table.name][number][column.name] for number in numbers}
            others = [value for value in self.possible(column) if value not in held]
            if others:
                values[column.name] = self.random.choice(others)
        if values:
            self.update(table, numbers, values)

    def one_transaction(self):
        chance = self.random.random()
        if chance < 0.4:
            return self.alone(self.one_statement)
        statements = self.random.randint(2, 8)

        def work():
            for _ in range(statements):
                self.one_statement()

        return self.transaction(work, "rollback" if chance < 0.45 else "savepoint" if chance < 0.55 else "commit")

    def change(self, events):
        """Random transactions until there are so many events more."""
        wanted = self.count() + events
        while self.count() < wanted:
            self.one_transaction()

    def count(self):
        return sum(len(transaction.events) for transaction in self.transactions)
