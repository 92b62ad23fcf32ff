"""Tables beside those of tables.py that show where tailrace and Debezium differ: defaults, early moments, masks, indexes, shapes."""

import dataclasses

from tests.e2e.debezium import columns as kinds
from tests.e2e.debezium.columns import Column
from tests.e2e.debezium.tables import ID, NUMBER, TABLES, Table, by_id


class Filtered(Table):
    """Its only index holds some of the rows: what it says of them is not true of all."""

    def create(self):
        yield from super().create()
        yield f"CREATE UNIQUE INDEX some_rows ON {self.sql_name} ([id]) WHERE [id] > 2"


def _column(name, declaration, *literals, nullable=True, large=""):
    """What the JSON is does not matter: Debezium says it."""
    return Column(name, declaration, ("string", None, ()), tuple((literal, literal) for literal in literals), nullable, large)


DEFAULTS = Table("dbo", "defaults", ID, by_id, (
    _column("c_int", "int DEFAULT 7", "7", "1"),
    _column("c_needed", "int DEFAULT ((-7))", "-7", "1", nullable=False),
    _column("c_bit", "bit DEFAULT 1", "0", "1", nullable=False),
    _column("c_decimal", "decimal(9,2) DEFAULT 1.5", "0", "-2.25"),
    _column("c_float", "float DEFAULT 1.5e0", "2.5e0", "0e0"),
    _column("c_text", "nvarchar(20) DEFAULT N'it''s (x)'", "N''", "N'y'"),
    _column("c_bytes", "varbinary(4) DEFAULT 0x00ff", "0x", "0x01"),
    _column("c_moment", "datetime2(3) DEFAULT '2020-01-02T03:04:05.678'", "'2021-01-01'", "'1969-01-01'"),
    _column("c_odd_default", "date DEFAULT '01/05/2024'", "'2021-01-01'", "'1969-01-01'", nullable=False),
    _column("c_now", "datetime2(3) DEFAULT SYSUTCDATETIME()", "'2021-01-01'", "'1969-01-01'")))
EARLY = Table("dbo", "early", ID, by_id, (
    _column("c_moment", "datetimeoffset(7)", "'0001-01-01T00:00:00+00:00'", "'1582-10-14T23:59:59.9999999+02:00'",
            "'1582-10-15T00:00:00-05:30'", "'1500-03-01T12:00:00+00:00'", "'1969-12-31T23:59:59.5+00:00'",
            "'1969-12-31T23:59:58+00:00'", "'2024-02-29T00:00:00.0000001+14:00'"),))
# The mask has two bytes.
WIDE = Table("dbo", "wide", ID, by_id, (
    *(dataclasses.replace(NUMBER, name=f"n{number}") for number in range(8)), kinds.LARGE_TEXTS[2], kinds.BYTES[3]))
FILTERED = Filtered("dbo", "filtered", ID, by_id, (NUMBER,), constraint="")
OLD_THINGS = Table("dbo", "things", ID, by_id, (NUMBER, kinds.TEXTS[3]))
ADDED = (kinds.NUMBERS[5], kinds.LARGE_TEXTS[0])
NEW_THINGS = dataclasses.replace(OLD_THINGS, columns=(*OLD_THINGS.columns, *ADDED))
ALL_TABLES = [*TABLES, DEFAULTS, EARLY, WIDE, FILTERED, OLD_THINGS]
TICK = Table("dbo", "tick", ID, by_id, (NUMBER,))
