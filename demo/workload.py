"""The live changes of the demo: one writer that changes everything that can change, transaction by transaction.

Every transaction writes its number into dbo.marks_first and dbo.marks_last, and keeps what the reader checks at the
target: the sum of all balances, and each order's header against its lines. The writer knows the rows it made, so its
SQL is plain and its randomness comes from the seed alone.
"""

import collections
import dataclasses
import datetime
import decimal
import random
import time
import uuid

from demo.load import ACCOUNTS, WORDS, text_of
from tests.support.literals import literal, row_literal
from tests.support.simulator import run_sql

UTC = datetime.timezone.utc


def extremes():
    """Rows of dbo.all_types without their id: nothing, empty and zero, smallest, largest, and awkward values."""
    east = datetime.timezone(datetime.timedelta(hours=14))
    west = datetime.timezone(datetime.timedelta(hours=-11, minutes=-30))
    return [
        (None,) * 29,
        (False, 0, 0, 0, 0, decimal.Decimal("0E-10"), decimal.Decimal("1.50"), decimal.Decimal("0.0000"),
         decimal.Decimal("0.0000"), 0.0, -0.0, datetime.date(1970, 1, 1), datetime.time(0), datetime.time(0),
         datetime.datetime(1970, 1, 1), datetime.datetime(1970, 1, 1), datetime.datetime(1970, 1, 1),
         datetime.datetime(1970, 1, 1), datetime.datetime(1970, 1, 1, tzinfo=UTC), "", "", "", "", "", "",
         b"", b"", b"", uuid.UUID(int=0)),
        (False, 0, -32768, -2147483648, -9223372036854775808, decimal.Decimal("-9999999999999999999999999999.9999999999"),
         decimal.Decimal("-99999999.99"), decimal.Decimal("-922337203685477.5808"), decimal.Decimal("-214748.3648"),
         -3.4028234663852886e38, -1.7976931348623157e308, datetime.date(1, 1, 1), datetime.time(0, 0, 0, 1),
         datetime.time(0, 0, 1), datetime.datetime(1900, 1, 1), datetime.datetime(1753, 1, 1),
         datetime.datetime(1, 1, 1), datetime.datetime(1, 1, 1), datetime.datetime(1, 1, 2, tzinfo=east),
         "a", "trailing  ", "\t\n\r\\", "ä", "trailing  ", "\\N", b"\x00" * 8, b"\x00", b"\x00\x01\x02",
         uuid.UUID("00112233-4455-6677-8899-aabbccddeeff")),
        (True, 255, 32767, 2147483647, 9223372036854775807, decimal.Decimal("9999999999999999999999999999.9999999999"),
         decimal.Decimal("99999999.99"), decimal.Decimal("922337203685477.5807"), decimal.Decimal("214748.3647"),
         3.4028234663852886e38, 1.7976931348623157e308, datetime.date(9999, 12, 31),
         datetime.time(23, 59, 59, 999999), datetime.time(23, 59, 59), datetime.datetime(2079, 6, 6, 23, 59),
         datetime.datetime(9999, 12, 31, 23, 59, 59, 997000), datetime.datetime(9999, 12, 31, 23, 59, 59, 999999),
         datetime.datetime(9999, 12, 31, 23, 59, 59, 999000), datetime.datetime(9999, 12, 31, 11, 0, tzinfo=west),
         "z" * 10, "z" * 50, "z" * 9000, "纸📎本", "𝔘𝔫𝔦" * 5, "👩‍👩‍👧‍👦" * 1000, b"\xff" * 8, b"\xff" * 50,
         bytes(range(256)) * 40, uuid.UUID("ffffffff-ffff-ffff-ffff-ffffffffffff")),
        (True, 7, -1, 42, -42, decimal.Decimal("-0.0000000001"), decimal.Decimal("-0.05"), decimal.Decimal("-0.0001"),
         decimal.Decimal("12.3400"), 1.401298464324817e-45, 5e-324, datetime.date(2000, 2, 29),
         datetime.time(12, 34, 56, 120000), datetime.time(12, 34, 56), datetime.datetime(2024, 2, 29, 12, 35),
         datetime.datetime(2024, 2, 29, 12, 34, 56, 3000), datetime.datetime(2024, 2, 29, 12, 34, 56, 100000),
         datetime.datetime(2024, 2, 29, 12, 34, 56, 7000),
         datetime.datetime(2024, 2, 29, 12, 34, 56, 500000, tzinfo=west),
         "it's", "100% \"x\"", "'" * 3000, "ß", "ﬁ İı", "\u200f\u0627\u0644\u0639", b"\x5c\x78", b"\\N", b"\n\t",
         uuid.UUID("6f9619ff-8b86-d011-b42d-00c04fc964ff")),
    ]


@dataclasses.dataclass
class Order:
    lines: dict  # line number -> amount
    next_line: int


class Workload:
    """Makes transactions. `connection` autocommits; each transaction is one batch."""

    def __init__(self, connection, seed, first_txn=1, real_data=True):
        self.connection = connection
        self.random = random.Random(seed)
        self.txn = first_txn
        self.counts = collections.Counter()
        self.rows_changed = 0
        self.orders = {}
        for order_id, line_no, amount in run_sql(connection, "SELECT order_id, line_no, amount FROM dbo.order_lines"):
            order = self.orders.setdefault(order_id, Order({}, 1))
            order.lines[line_no] = amount
            order.next_line = max(order.next_line, line_no + 1)
        self.next_order = max(self.orders, default=0) + 1
        self.documents = [row[0] for row in run_sql(connection, "SELECT doc_id FROM dbo.documents")]
        self.badges = [row[0] for row in run_sql(connection, "SELECT badge_no FROM dbo.badges")]
        self.next_badge = max(self.badges, default=0) + 1
        self.typed = [row[0] for row in run_sql(connection, "SELECT id FROM dbo.all_types")]
        self.next_typed = max(self.typed, default=0) + 1
        self.extremes = extremes()
        self.kinds = [(30, self.transfer), (5, self.transfer_among_many), (12, self.new_order), (14, self.change_order),
                      (5, self.delete_order), (5, self.renumber_lines), (6, self.new_document),
                      (12, self.change_document), (3, self.delete_document), (5, self.renumber_badge),
                      (3, self.swap_badges), (10, self.all_types), (4, self.rolled_back)]
        if real_data:
            self.cities = [row[0] for row in run_sql(connection, "SELECT geonameid FROM geo.cities")]
            self.flights = run_sql(connection, "SELECT MAX(flight_id) FROM dbo.flights")[0][0]
            self.kinds += [(6, self.city), (4, self.flights_update), (2, self.flights_replace)]

    def step(self):
        """One transaction of a random kind."""
        kind = self.random.choices([k for _, k in self.kinds], [w for w, _ in self.kinds])[0]
        kind()

    def run(self, seconds, rate, stop=lambda: False):
        """Transactions at `rate` a second until the time is over or stop() says so."""
        started = time.monotonic()
        done = 0
        while (now := time.monotonic()) < started + seconds and not stop():
            ahead = started + done / rate - now
            if ahead > 0:
                time.sleep(min(ahead, 0.1))
                continue
            self.step()
            done += 1
        return time.monotonic() - started

    def commit(self, kind, statements):
        """One batch: the marks around the statements, all in one transaction."""
        now = datetime.datetime.now(UTC).replace(tzinfo=None)
        number = self.txn
        self.txn += 1
        batch = ["SET NOCOUNT ON", "SET XACT_ABORT ON", "BEGIN TRANSACTION",
                 f"INSERT INTO dbo.marks_first VALUES ({number}, '{kind}')", *statements,
                 f"INSERT INTO dbo.marks_last VALUES ({number}, {literal(now)})", "COMMIT TRANSACTION"]
        run_sql(self.connection, ";\n".join(batch))
        self.counts[kind] += 1

    # Money.

    def transfer(self):
        one, other = self.random.sample(range(1, ACCOUNTS + 1), 2)
        amount = decimal.Decimal(self.random.randint(1, 100000)) / 10000
        self.commit("transfer", [
            f"UPDATE dbo.accounts SET balance = balance - {amount:f}, moved_at = SYSUTCDATETIME() "
            f"WHERE account_id = {one}",
            f"UPDATE dbo.accounts SET balance = balance + {amount:f} WHERE account_id = {other}"])

    def transfer_among_many(self):
        """One statement moves money between many accounts."""
        chosen = self.random.sample(range(1, ACCOUNTS + 1), 20)
        cases = " ".join(f"WHEN {n} THEN {'-' if i % 2 else ''}2.5000" for i, n in enumerate(chosen))
        self.commit("transfer_many", [
            f"UPDATE dbo.accounts SET balance = balance + CASE account_id {cases} ELSE 0 END "
            f"WHERE account_id IN ({', '.join(map(str, chosen))})"])

    # Orders: a header that must agree with its lines.

    def header(self, order_id):
        order = self.orders[order_id]
        total = sum(order.lines.values(), decimal.Decimal("0.00"))
        return (f"UPDATE dbo.orders SET line_count = {len(order.lines)}, total = {total:f} "
                f"WHERE order_id = {order_id}")

    def amount(self):
        return decimal.Decimal(self.random.randint(1, 99999)) / 100

    def new_order(self):
        order_id = self.next_order
        self.next_order += 1
        lines = {n: self.amount() for n in range(1, self.random.randint(2, 8))}
        self.orders[order_id] = Order(lines, len(lines) + 1)
        note = text_of(self.random, self.random.choice([1, 300])) if self.random.random() < 0.5 else None
        rows = ",".join(row_literal((order_id, n, self.random.choice(WORDS), a)) for n, a in lines.items())
        self.commit("new_order", [
            "INSERT INTO dbo.orders VALUES "
            + row_literal((order_id, text_of(self.random, 2), len(lines), sum(lines.values()), note)),
            f"INSERT INTO dbo.order_lines VALUES {rows}"])

    def change_order(self):
        order_id = self.random.choice(list(self.orders))
        order = self.orders[order_id]
        statements = []
        for _ in range(self.random.randint(1, 3)):
            action = self.random.random()
            if action < 0.4 or not order.lines:
                line, amount = order.next_line, self.amount()
                order.next_line += 1
                order.lines[line] = amount
                statements.append("INSERT INTO dbo.order_lines VALUES "
                                  + row_literal((order_id, line, self.random.choice(WORDS), amount)))
            elif action < 0.8:
                line = self.random.choice(list(order.lines))
                order.lines[line] = self.amount()
                statements.append(f"UPDATE dbo.order_lines SET amount = {order.lines[line]:f} "
                                  f"WHERE order_id = {order_id} AND line_no = {line}")
            else:
                line = self.random.choice(list(order.lines))
                del order.lines[line]
                statements.append(f"DELETE FROM dbo.order_lines WHERE order_id = {order_id} AND line_no = {line}")
        self.commit("change_order", [*statements, self.header(order_id)])

    def delete_order(self):
        order_id = self.random.choice(list(self.orders))
        del self.orders[order_id]
        self.commit("delete_order", [f"DELETE FROM dbo.order_lines WHERE order_id = {order_id}",
                                     f"DELETE FROM dbo.orders WHERE order_id = {order_id}"])
        if len(self.orders) < 50:
            self.new_order()

    def renumber_lines(self):
        """Every key of the order moves by one: SQL Server logs deletes, inserts and updates of other rows' content."""
        order_id = self.random.choice(list(self.orders))
        order = self.orders[order_id]
        order.lines = {n + 1: a for n, a in order.lines.items()}
        order.next_line += 1
        self.commit("renumber_lines", [
            f"UPDATE dbo.order_lines SET line_no = line_no + 1 WHERE order_id = {order_id}"])

    # Large values.

    def body(self):
        return text_of(self.random, self.random.choice([0, 1, 100, 3000]))

    def attachment(self):
        return self.random.randbytes(self.random.choice([0, 1, 100, 30000]))

    def new_document(self):
        identity = uuid.UUID(int=self.random.getrandbits(128), version=4)
        self.documents.append(identity)
        self.commit("new_document", ["INSERT INTO dbo.documents VALUES "
                                     + row_literal((identity, text_of(self.random, 3), self.body(),
                                                    self.attachment(), 1))])

    def change_document(self):
        identity = self.random.choice(self.documents)
        change = self.random.choice(["title", "title", "body", "attachment", "body_null", "attachment_null"])
        assignment = {"title": lambda: f"title = {literal(text_of(self.random, 3))}",
                      "body": lambda: f"body = {literal(self.body())}",
                      "attachment": lambda: f"attachment = {literal(self.attachment())}",
                      "body_null": lambda: "body = NULL",
                      "attachment_null": lambda: "attachment = NULL"}[change]()
        self.commit("change_document", [
            f"UPDATE dbo.documents SET {assignment}, revision = revision + 1 WHERE doc_id = '{identity}'"])

    def delete_document(self):
        if len(self.documents) > 20:
            identity = self.documents.pop(self.random.randrange(len(self.documents)))
            self.commit("delete_document", [f"DELETE FROM dbo.documents WHERE doc_id = '{identity}'"])

    # Keys.

    def renumber_badge(self):
        position = self.random.randrange(len(self.badges))
        old, self.badges[position] = self.badges[position], self.next_badge
        self.next_badge += 1
        self.commit("renumber_badge", [
            f"UPDATE dbo.badges SET badge_no = {self.badges[position]} WHERE badge_no = {old}"])

    def swap_badges(self):
        one, other = self.random.sample(self.badges, 2)
        self.commit("swap_badges", [
            f"UPDATE dbo.badges SET badge_no = CASE badge_no WHEN {one} THEN {other} ELSE {one} END "
            f"WHERE badge_no IN ({one}, {other})"])

    # Types and real data.

    def all_types(self):
        values = self.random.choice(self.extremes)
        action = self.random.random()
        if action < 0.5 or len(self.typed) < 5:
            self.typed.append(self.next_typed)
            self.next_typed += 1
            self.commit("all_types", ["INSERT INTO dbo.all_types VALUES " + row_literal((self.typed[-1], *values))])
        elif action < 0.8:
            names = ALL_TYPES_COLUMNS
            chosen = self.random.sample(range(len(names)), 5)
            assignments = ", ".join(f"{names[n]} = {literal(values[n])}" for n in chosen)
            self.commit("all_types", [
                f"UPDATE dbo.all_types SET {assignments} WHERE id = {self.random.choice(self.typed)}"])
        else:
            identity = self.typed.pop(self.random.randrange(len(self.typed)))
            self.commit("all_types", [f"DELETE FROM dbo.all_types WHERE id = {identity}"])

    def city(self):
        identity = self.random.choice(self.cities)
        self.commit("city", [f"UPDATE geo.cities SET population = population + 1, "
                             f"name = {literal(text_of(self.random, 2))} WHERE geonameid = {identity}"])

    def flights_update(self):
        first = self.random.randint(1, max(1, self.flights - 200))
        self.commit("flights_update", [
            f"UPDATE dbo.flights SET dep_delay = ISNULL(dep_delay, 0) + 1 "
            f"WHERE flight_id BETWEEN {first} AND {first + 199}"])

    def flights_replace(self):
        """Deleted and inserted again in one transaction, with another tail number."""
        first = self.random.randint(1, max(1, self.flights - 20))
        chosen = f"flight_id BETWEEN {first} AND {first + 9}"
        rows = run_sql(self.connection, f"SELECT * FROM dbo.flights WHERE {chosen}")
        if rows:
            again = ",".join(row_literal((*row[:12], "N0TAIL", *row[13:])) for row in rows)
            self.commit("flights_replace", [f"DELETE FROM dbo.flights WHERE {chosen}",
                                            f"INSERT INTO dbo.flights VALUES {again}"])

    def rolled_back(self):
        """What is rolled back must never be seen."""
        run_sql(self.connection, ";\n".join([
            "SET NOCOUNT ON", "BEGIN TRANSACTION", "INSERT INTO dbo.marks_first VALUES (-1, 'rolled_back')",
            "UPDATE dbo.accounts SET balance = balance + 1 WHERE account_id <= 10", "ROLLBACK TRANSACTION"]))
        self.counts["rolled_back"] += 1


ALL_TYPES_COLUMNS = [
    "a_bit", "a_tinyint", "a_smallint", "a_int", "a_bigint", "a_decimal", "a_numeric", "a_money", "a_smallmoney",
    "a_real", "a_float", "a_date", "a_time", "a_time0", "a_smalldatetime", "a_datetime", "a_datetime2",
    "a_datetime2_3", "a_datetimeoffset", "a_char", "a_varchar", "a_varchar_max", "a_nchar", "a_nvarchar",
    "a_nvarchar_max", "a_binary", "a_varbinary", "a_varbinary_max", "a_uniqueidentifier"]
