"""Loads the demo's tables into the simulated SQL Server over pymssql, and switches CDC on."""

import decimal
import random
import time
import uuid

from demo import data, schema
from tests.support.literals import insert_batches
from tests.support.simulator import run_sql

ACCOUNTS = 1000
OPENING_BALANCE = decimal.Decimal("1000.0000")
WORDS = ["pencil", "Füllfeder", "クリップ", "книга", "ورق", "纸", "📎", "ξύστρα", "नोटबुक", "stapler"]


def text_of(chooser, length):
    """Text of every script, `length` words long."""
    return " ".join(chooser.choice(WORDS) for _ in range(length))


def own_rows(small):
    """The opening rows of the tables that are the demo's own."""
    chooser = random.Random(1)
    accounts = [(n, f"{WORDS[n % len(WORDS)]} {n}", OPENING_BALANCE, None) for n in range(1, ACCOUNTS + 1)]
    documents = [(uuid.UUID(int=chooser.getrandbits(128), version=4), text_of(chooser, 4),
                  text_of(chooser, chooser.choice([1, 50, 2000])), chooser.randbytes(chooser.choice([0, 40, 20000])), 1)
                 for _ in range(40 if small else 300)]
    orders = []
    lines = []
    for number in range(1, 201):
        amounts = [decimal.Decimal(chooser.randint(1, 99999)) / 100 for _ in range(chooser.randint(1, 6))]
        orders.append((number, text_of(chooser, 2), len(amounts), sum(amounts), None))
        lines += [(number, line, chooser.choice(WORDS), amount) for line, amount in enumerate(amounts, 1)]
    badges = [(n, chooser.choice(WORDS), chooser.randbytes(3000)) for n in range(1, 101)]
    return {"dbo.accounts": accounts, "dbo.documents": documents, "dbo.orders": orders, "dbo.order_lines": lines,
            "dbo.badges": badges}


def real_rows(small):
    return {"dbo.airlines": data.airlines(), "dbo.airports": data.airports(), "dbo.planes": data.planes(),
            "dbo.weather": data.weather()[:2000 if small else None],
            "dbo.flights": data.flights(5000 if small else None),
            "geo.cities": data.cities(1000 if small else None)}


def load(simulator, small, say):
    """Creates the database, its tables and rows; then CDC. Answers the number of rows."""
    with simulator.connect() as master:
        run_sql(master, f"CREATE DATABASE {schema.DATABASE}")
        run_sql(master, f"ALTER DATABASE {schema.DATABASE} SET ALLOW_SNAPSHOT_ISOLATION ON")
    total = 0
    started = time.monotonic()
    with simulator.connect(schema.DATABASE) as connection:
        for statement in schema.create_statements():
            run_sql(connection, statement)
        for table, rows in {**real_rows(small), **own_rows(small)}.items():
            count = 0
            for batch in insert_batches(table, rows):
                with connection.cursor() as cursor:
                    cursor.execute(batch)
                    count += cursor.rowcount
            say(f"  {table:18} {count:9,} rows")
            total += count
        for statement in schema.enable_statements():
            run_sql(connection, statement)
    say(f"  {total:,} rows in {time.monotonic() - started:.1f} s")
    return total
