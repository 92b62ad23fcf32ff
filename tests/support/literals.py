"""T-SQL literals of Python values: what the writers of demo and tests put into their batches."""

import datetime
import decimal
import uuid


def literal(value):
    if value is None:
        return "NULL"
    if value is True or value is False:
        return "1" if value else "0"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, float):
        # Without an exponent T-SQL reads a decimal, and rounds on the way to float.
        text = repr(value)
        return text if "e" in text else text + "e0"
    if isinstance(value, str):
        return "N'" + value.replace("'", "''") + "'"
    if isinstance(value, (bytes, bytearray)):
        return "0x" + value.hex()
    if isinstance(value, datetime.datetime):
        text = f"{value.year:04d}-{value.month:02d}-{value.day:02d}T{value:%H:%M:%S}"
        if value.microsecond:
            text += f".{value.microsecond:06d}".rstrip("0")
        if value.tzinfo is not None:
            minutes = int(value.utcoffset().total_seconds()) // 60
            text += f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
        return f"'{text}'"
    if isinstance(value, (datetime.date, datetime.time)):
        return f"'{value.isoformat()}'"
    if isinstance(value, uuid.UUID):
        return f"'{value}'"
    raise TypeError(f"no literal for {type(value).__name__}")


def row_literal(values):
    return "(" + ",".join([literal(value) for value in values]) + ")"


def insert_batches(table, rows, rows_each=1000):
    """INSERT statements of at most `rows_each` rows (SQL Server takes 1000)."""
    held = []
    for row in rows:
        held.append(row_literal(row))
        if len(held) == rows_each:
            yield f"INSERT INTO {table} VALUES " + ",".join(held)
            held = []
    if held:
        yield f"INSERT INTO {table} VALUES " + ",".join(held)
