"""Money moves between accounts under load: whoever looks at the target sees the same sum, always."""

import decimal
import time

from tests.e2e.case import EndToEnd

ACCOUNTS = 200
MONEY = decimal.Decimal(ACCOUNTS * 100)


class Transfers(EndToEnd):
    TABLES = {"dbo.accounts": "account_id int NOT NULL PRIMARY KEY, balance decimal(19,4) NOT NULL",
              "dbo.ledger": "entry int NOT NULL IDENTITY PRIMARY KEY, account_id int NOT NULL, amount decimal(19,4) NOT NULL"}

    def setUp(self):
        super().setUp()
        self.sql("INSERT INTO dbo.accounts VALUES " + ",".join(f"({n}, 100)" for n in range(1, ACCOUNTS + 1)))

    def transfer(self, number):
        one, other = 1 + number % ACCOUNTS, 1 + (number * 7 + 3) % ACCOUNTS
        if one == other:
            other = 1 + other % ACCOUNTS
        amount = decimal.Decimal(number % 977) / 100
        self.sql(f"BEGIN TRANSACTION; UPDATE dbo.accounts SET balance = balance - {amount} WHERE account_id = {one}; "
                 f"INSERT INTO dbo.ledger (account_id, amount) VALUES ({one}, -{amount}), ({other}, {amount}); "
                 f"UPDATE dbo.accounts SET balance = balance + {amount} WHERE account_id = {other}; COMMIT")

    def test_the_sum_never_moves(self):
        run = self.start_streaming()
        looks = broken = 0
        states = set()
        deadline = time.monotonic() + 8
        number = 0
        with self.connect_target() as target:
            while time.monotonic() < deadline:
                for _ in range(5):
                    number += 1
                    self.transfer(number)
                total, owed, entries = target.execute(
                    "SELECT (SELECT sum(balance) FROM accounts), (SELECT coalesce(sum(amount), 0) FROM ledger), "
                    "(SELECT count(*) FROM ledger)").fetchone()
                looks += 1
                states.add(entries)
                broken += total != MONEY or owed != 0 or entries % 2 != 0
        self.note(f"{number} transfers, {looks} looks at {len(states)} different states, {broken} broken")
        self.assertEqual(broken, 0)
        self.assertGreater(len(states), 3)
        self.flush(run)
        self.assert_same()
        self.drain(run)
