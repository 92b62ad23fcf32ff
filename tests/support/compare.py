"""Compares a SQL Server database with its copy in PostgreSQL: rows, and a checksum of every table on both sides.

The checksum of a table is the sum, modulo 2^128, of a 128-bit hash of each row's canonical line (canonical.py): it
does not depend on an order, and a row that is there twice counts twice.
"""

import concurrent.futures
import dataclasses
import hashlib

from tests.support.canonical import source_converter, source_line, target_expression
from tests.support.simulator import run_sql

MODULUS = 1 << 128


@dataclasses.dataclass
class Table:
    schema: str
    name: str
    target_schema: str
    columns: list  # (name, type name, scale)
    key: list
    low: int = None  # Only the rows whose first key column is at least this,
    high: int = None  # and less than this.

    @property
    def source_name(self):
        return f"{bracket(self.schema)}.{bracket(self.name)}"

    @property
    def target_name(self):
        return f"{quote(self.target_schema)}.{quote(self.name)}"

    def condition(self, quoting):
        """The WHERE clause of a part of the table."""
        name = quoting(self.key[0]) if self.key else ""
        bounds = [f"{name} {operator} {bound}" for operator, bound in ((">=", self.low), ("<", self.high))
                  if bound is not None]
        return " WHERE " + " AND ".join(bounds) if bounds else ""

    def __str__(self):
        return f"{self.schema}.{self.name}"


@dataclasses.dataclass
class Outcome:
    table: Table
    source_rows: int
    target_rows: int
    source_sum: int
    target_sum: int
    problem: str = ""
    examples: list = dataclasses.field(default_factory=list)

    @property
    def equal(self):
        return not self.problem and self.source_rows == self.target_rows and self.source_sum == self.target_sum


def bracket(name):
    return "[" + name.replace("]", "]]") + "]"


def quote(name):
    return '"' + name.replace('"', '""') + '"'


def tracked_tables(connection, schemas=None):
    """The tables that have CDC, with columns and key; `schemas` maps names that the target calls otherwise."""
    schemas = {"dbo": "public", **(schemas or {})}
    columns = run_sql(connection, """
        SELECT s.name, t.name, c.name, y.name, c.scale, c.is_computed
        FROM sys.tables t JOIN sys.schemas s ON s.schema_id = t.schema_id
        JOIN sys.columns c ON c.object_id = t.object_id
        JOIN sys.types y ON y.user_type_id = c.user_type_id
        WHERE t.is_tracked_by_cdc = 1 ORDER BY s.name, t.name, c.column_id""")
    keys = run_sql(connection, """
        SELECT s.name, t.name, c.name
        FROM sys.tables t JOIN sys.schemas s ON s.schema_id = t.schema_id
        JOIN sys.indexes i ON i.object_id = t.object_id AND i.is_primary_key = 1
        JOIN sys.index_columns x ON x.object_id = i.object_id AND x.index_id = i.index_id
        JOIN sys.columns c ON c.object_id = x.object_id AND c.column_id = x.column_id
        WHERE t.is_tracked_by_cdc = 1 ORDER BY s.name, t.name, x.key_ordinal""")
    tables = {}
    for schema, name, column, type_name, scale, computed in columns:
        table = tables.setdefault((schema, name), Table(schema, name, schemas.get(schema, schema), [], []))
        if not computed:
            table.columns.append((column, type_name, scale))
    for schema, name, column in keys:
        tables[schema, name].key.append(column)
    return list(tables.values())


def row_hash(line):
    return int.from_bytes(hashlib.blake2b(line, digest_size=16).digest(), "big")


def source_lines(connection, table, batch=5000):
    """The canonical lines of a table at the source."""
    names = ", ".join(bracket(name) for name, _, _ in table.columns)
    converters = [source_converter(type_name, scale) for _, type_name, scale in table.columns]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {names} FROM {table.source_name}{table.condition(bracket)}")
        while rows := cursor.fetchmany(batch):
            for row in rows:
                yield source_line(row, converters).encode()


def target_lines(connection, table):
    """The canonical lines of a table at the target."""
    names = ", ".join(target_expression(name, type_name) for name, type_name, _ in table.columns)
    with connection.cursor() as cursor:
        cursor.execute("SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; SET extra_float_digits = 1")
        with cursor.copy(f"COPY (SELECT {names} FROM {table.target_name}{table.condition(quote)}) TO STDOUT") as copy:
            for row in copy:  # One row a message, ended by a line feed; those inside values are escaped.
                yield bytes(row)[:-1]


def summed(lines):
    rows = total = 0
    for line in lines:
        rows += 1
        total += row_hash(line)
    return rows, total % MODULUS


def source_sum(connection, table):
    return summed(source_lines(connection, table))


def target_sum(connection, table):
    return summed(target_lines(connection, table))


def key_bounds(connection, table, parts):
    """The keys at which the next part of a table begins, by its first key column at the source; [] where that is no integer."""
    types = {name: type_name for name, type_name, _ in table.columns}
    if not table.key or types[table.key[0]] not in ("smallint", "int", "bigint"):
        return []
    name = bracket(table.key[0])
    low, high = run_sql(connection, f"SELECT MIN({name}), MAX({name}) FROM {table.source_name}")[0]
    if low is None:
        return []
    return sorted({low + (high - low) * part // parts for part in range(1, parts)} - {low})


def parts(table, bounds):
    """The table in parts that no key is missing from, whatever it is: the first one and the last one are open."""
    edges = [None, *bounds, None]
    return [dataclasses.replace(table, low=low, high=high) for low, high in zip(edges, edges[1:])]


def sums_by_parts(side, connect, tables, bounds, processes):
    """sums() with each table cut at its `bounds`, so that one large table keeps all processes at work."""
    order = [(number, one) for number, (table, each) in enumerate(zip(tables, bounds, strict=True))
             for one in parts(table, each)]
    found = [(0, 0)] * len(tables)
    with concurrent.futures.ProcessPoolExecutor(processes) as pool:
        answers = [pool.submit(_sums, side, connect, [one]) for _, one in order]
        for (number, _), answer in zip(order, answers):
            (rows, total), = answer.result()
            found[number] = (found[number][0] + rows, (found[number][1] + total) % MODULUS)
    return found


def sums(side, connect, tables, processes=1):
    """(rows, checksum) of each table by `side`, source_sum or target_sum; `connect` is picklable when processes > 1."""
    if processes == 1 or len(tables) == 1:
        return _sums(side, connect, tables)
    with concurrent.futures.ProcessPoolExecutor(processes) as pool:
        parts = [pool.submit(_sums, side, connect, tables[first::processes]) for first in range(processes)]
        found = [None] * len(tables)
        for first, part in enumerate(parts):
            found[first::processes] = part.result()
        return found


def _sums(side, connect, tables):
    """Over one connection: a thousand tables are not a thousand logins."""
    with connect() as connection:
        return [side(connection, table) for table in tables]


def keyed(lines, table):
    positions = [index for index, (name, _, _) in enumerate(table.columns) if name in table.key]
    found = {}
    for line in lines:
        fields = line.decode().split("\t")
        found["|".join(fields[index] for index in positions)] = fields
    return found


def differences(source_connect, target_connect, table, limit=5):
    """Some rows that differ, as text. Both tables are held in memory: only called when the sums differ."""
    with source_connect() as source, target_connect() as target:
        ours = keyed(source_lines(source, table), table)
        theirs = keyed(target_lines(target, table), table)
    examples = []
    for key in list(ours.keys() | theirs.keys()):
        if len(examples) >= limit:
            break
        if key not in theirs:
            examples.append(f"key {key}: missing in the target")
        elif key not in ours:
            examples.append(f"key {key}: only in the target")
        elif ours[key] != theirs[key]:
            examples += [f"key {key}: {name}: {shorten(a)} at the source, {shorten(b)} in the target"
                         for (name, _, _), a, b in zip(table.columns, ours[key], theirs[key]) if a != b][:3]
    return examples


def shorten(text):
    return text if len(text) <= 60 else f"{text[:40]}... ({len(text)} characters)"


def compare_table(source_connect, target_connect, table):
    try:
        with source_connect() as source, target_connect() as target:
            source_rows, ours = source_sum(source, table)
            target_rows, theirs = target_sum(target, table)
    except Exception as failure:  # What cannot be read is not equal; the others are still compared.
        return Outcome(table, -1, -1, 0, 1, problem=f"{type(failure).__name__}: {failure}")
    outcome = Outcome(table, source_rows, target_rows, ours, theirs)
    if not outcome.equal:
        outcome.examples = differences(source_connect, target_connect, table)
    return outcome


def compare_databases(source_connect, target_connect, schemas=None, processes=1):
    """The outcome of every tracked table. The arguments that connect must be picklable when processes > 1."""
    with source_connect() as connection:
        tables = tracked_tables(connection, schemas)
    if processes == 1:
        return [compare_table(source_connect, target_connect, table) for table in tables]
    with concurrent.futures.ProcessPoolExecutor(processes) as pool:
        return list(pool.map(compare_table, [source_connect] * len(tables), [target_connect] * len(tables), tables))


def report(outcomes):
    """The table of rows and checksums on both sides, as text."""
    width = max([len(str(outcome.table)) for outcome in outcomes] + [5])
    lines = [f"{'table':{width}}  {'rows source':>12}  {'rows target':>12}  {'checksum source':32}  "
             f"{'checksum target':32}  equal"]
    for outcome in outcomes:
        lines.append(f"{str(outcome.table):{width}}  {outcome.source_rows:12,}  {outcome.target_rows:12,}  "
                     f"{outcome.source_sum:032x}  {outcome.target_sum:032x}  {'yes' if outcome.equal else 'NO'}")
        if outcome.problem:
            lines.append(f"    {outcome.problem}")
        lines += [f"    {example}" for example in outcome.examples]
    return "\n".join(lines)
