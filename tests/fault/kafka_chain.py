"""What the chain test changes at the source, and its ledger: each change has a number of its own, so that an event that is lost,
sent twice or out of its order shows.

Money moves between accounts (their sum is always the same), transfers are written down and old ones deleted, items come, change, go
and change their keys. A mark goes with every transaction: with an answer that was lost, it says whether the transaction is there.
"""

import collections
import decimal
import random
import threading

import pymssql

from tests.support.processes import wait_until
from tests.support.simulator import run_sql

ACCOUNTS, ITEMS = 40, 1200
MONEY = decimal.Decimal(ACCOUNTS * 100)
TABLES = {
    "accounts": "id int NOT NULL PRIMARY KEY, v int NOT NULL, balance decimal(19,4) NOT NULL",
    "transfers": "id int NOT NULL PRIMARY KEY, v int NOT NULL, payer int NOT NULL, payee int NOT NULL, amount decimal(19,4) NOT NULL",
    "items": "id int NOT NULL PRIMARY KEY, v int NOT NULL, t nvarchar(40) NULL",
    "marks": "id int NOT NULL PRIMARY KEY, v int NOT NULL",
}


def fill(connection):
    run_sql(connection, "INSERT INTO dbo.accounts VALUES " + ", ".join(f"({n}, {n}, 100)" for n in range(1, ACCOUNTS + 1)))
    for begin in range(1, ITEMS + 1, 400):
        run_sql(connection, "INSERT INTO dbo.items VALUES "
                + ", ".join(f"({n}, {n}, N'Zeile {n}')" for n in range(begin, begin + 400)))


class Ledger:
    """Rows as the source has them, and of every key what became of it, in order: (operation, number)."""

    def __init__(self, connect, seed):
        self.connect = connect
        self.connection = connect()
        self.random = random.Random(seed)
        self.rows = {table: dict(run_sql(self.connection, f"SELECT id, v FROM dbo.{table}")) for table in TABLES}
        self.events = collections.defaultdict(list)  # (table, id) -> [(operation, number)]
        for table, rows in self.rows.items():
            for key, number in rows.items():
                self.events[table, key].append(("r", number))
        self.number = 10_000
        self.next_key = {table: max(rows, default=0) + 1 for table, rows in self.rows.items()}
        self.newest_mark = 0
        self.transactions = self.lost_answers = 0

    # One transaction: statements, and what they mean.

    def _new_number(self):
        self.number += 1
        return self.number

    def _new_key(self, table):
        self.next_key[table] += 1
        return self.next_key[table]

    def transfer(self):
        payer, payee = self.random.sample(list(self.rows["accounts"]), 2)
        amount = decimal.Decimal(self.random.randint(1, 977)) / 100
        statements, events = [], []
        for account, signed in ((payer, -amount), (payee, amount)):
            number = self._new_number()
            statements.append(f"UPDATE dbo.accounts SET balance = balance + {signed}, v = {number} WHERE id = {account}")
            events.append(("accounts", "u", account, number))
        key, number = self._new_key("transfers"), self._new_number()
        statements.insert(1, f"INSERT INTO dbo.transfers VALUES ({key}, {number}, {payer}, {payee}, {amount})")
        events.append(("transfers", "c", key, number))
        if len(self.rows["transfers"]) > 50 and self.random.random() < 0.3:
            old = self.random.choice(list(self.rows["transfers"]))
            statements.append(f"DELETE FROM dbo.transfers WHERE id = {old}")
            events.append(("transfers", "d", old, self.rows["transfers"][old]))
        return statements, events

    def items(self, count):
        statements, events = [], []
        keys = self.random.sample(list(self.rows["items"]), min(count, len(self.rows["items"])))
        for key in keys:
            kind, number, before = self.random.random(), self._new_number(), self.rows["items"][key]
            if kind < 0.45:
                statements.append(f"UPDATE dbo.items SET v = {number} WHERE id = {key}")
                events.append(("items", "u", key, number))
            elif kind < 0.6:
                new = self._new_key("items")
                statements.append(f"UPDATE dbo.items SET id = {new}, v = {number} WHERE id = {key}")
                events += [("items", "d", key, before), ("items", "c", new, number)]
            elif kind < 0.8:
                statements.append(f"DELETE FROM dbo.items WHERE id = {key}")
                events.append(("items", "d", key, before))
            else:
                new = self._new_key("items")
                statements.append(f"INSERT INTO dbo.items VALUES ({new}, {number}, N'Zeile {new}')")
                events.append(("items", "c", new, number))
        # So that there is always something to change.
        for _ in range(max(0, ITEMS - len(self.rows["items"])) // 4):
            new, number = self._new_key("items"), self._new_number()
            statements.append(f"INSERT INTO dbo.items VALUES ({new}, {number}, NULL)")
            events.append(("items", "c", new, number))
        return statements, events

    def commit(self):
        """One transaction at random; answers its mark once it is known to be there."""
        chance = self.random.random()
        # Now and then one that is long enough to be killed in its middle.
        statements, events = self.transfer() if chance < 0.6 else self.items(400 if chance > 0.98 else self.random.randint(1, 12))
        while True:
            mark, number = self._new_key("marks"), self._new_number()
            if self._run([*statements, f"INSERT INTO dbo.marks VALUES ({mark}, {number})"], mark):
                break
        for table, operation, key, value in (*events, ("marks", "c", mark, number)):
            self.events[table, key].append((operation, value))
            if operation == "d":
                del self.rows[table][key]
            else:
                self.rows[table][key] = value
        self.transactions += 1
        self.newest_mark = mark
        return mark

    def _run(self, statements, mark):
        text = ";\n".join(["SET NOCOUNT ON", "SET XACT_ABORT ON", "BEGIN TRANSACTION", *statements, "COMMIT TRANSACTION"])
        try:
            run_sql(self.connection, text)
            return True
        except pymssql.OperationalError:  # The server went; whether with this transaction, the mark says.
            self.lost_answers += 1
        wait_until(self._reconnected, 120, "the source is back", every=0.1)
        return run_sql(self.connection, f"SELECT id FROM dbo.marks WHERE id = {mark}") != []

    def _reconnected(self):
        try:
            self.connection.close()
            self.connection = self.connect()
            return True
        except pymssql.Error:
            return False

    def count(self):
        return sum(len(events) for events in self.events.values())

    def close(self):
        self.connection.close()


class Background:
    """`work` again and again on a thread, until stop(), which raises what it raised."""

    def __init__(self, work, pause):
        self.work, self.pause = work, pause
        self.failure = None
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        try:
            while not self.stopping.wait(self.pause):
                self.work()
        except Exception as failure:  # pylint: disable=broad-except
            self.failure = failure

    def halt(self):
        """Of a test that has failed: its connection must not be closed under a statement."""
        self.stopping.set()
        self.thread.join(180)

    def stop(self):
        self.halt()
        if self.thread.is_alive():
            raise TimeoutError("a thread does not end")
        if self.failure is not None:
            raise self.failure
