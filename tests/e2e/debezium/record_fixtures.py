"""Records what a real Debezium makes of rows: the fixtures of src/debezium's unit test.

    python -m tests.e2e.debezium.record_fixtures FOLDER [MODE ...]

Writes a file for each set of settings (or for those that are named): JSON lines, each of them one of
    {"settings": {...}}                     first: the connector's settings that decide how events look
    {"table": ..., "columns": [...]}        a table, as the server describes it
    {"altered": ..., "columns": [...]}      a table as it is with its second capture instance, at the end of the recording
    {"topic": ..., "schemas": [key, value]} what the records of a topic have for schemas, as JsonConverter writes them
    {"row": [table, operation, commit LSN, change LSN, began, values]}   a row of the snapshot (operation 0) or of a change table
    {"record": [topic, key, value, headers]}    a record, its payloads as they were sent; tombstones have no value
Rows stand in the order of the source, records in the order of their topics. A value is a text (src/model/key_text.h), null, or
false where CDC does not say it.
"""

import dataclasses
import json
import pathlib
import re
import sys
import unittest

from tests.e2e.debezium import columns as kinds
from tests.e2e.debezium.case import SERVERS, DebeziumCase
from tests.e2e.debezium.history import NULL, History
from tests.e2e.debezium.tables import ID, TABLES, Table, bracketed, by_id
from tests.support.connect import Worker
from tests.support.kafka import Broker

LONGEST = 60  # Of a value: more of the same proves nothing.


def short(table):
    """Without the long values, and without the column that Debezium leaves out."""
    return dataclasses.replace(table, unsent=(), columns=tuple(
        dataclasses.replace(column, values=tuple(value for value in column.values if len(value[0]) <= 2 * LONGEST + 60))
        for column in table.columns))


TABLES = [short(table) for table in TABLES]
TICK = Table("dbo", "tick", ID, by_id, (kinds.NUMBERS[3],))
REQUIRED = Table("dbo", "required", ID, by_id, tuple(
    dataclasses.replace(column, nullable=False)
    for column in (*kinds.NUMBERS[:11:3], kinds.MOMENTS[0], kinds.MOMENTS[4], kinds.MOMENTS[10], kinds.TEXTS[1], kinds.BYTES[1])))
# Before a change CDC has nothing of some of these, though they may not be NULL.
REQUIRED_LARGE = Table("dbo", "required_large", ID, by_id, tuple(
    dataclasses.replace(column, nullable=False)
    for column in (kinds.NUMBERS[3], *short(TABLES[3]).columns[1:4], *short(TABLES[4]).columns[3:])))
# message.key.columns
KEYED = Table("dbo", "keyed", ID, by_id, (kinds.NUMBERS[3], kinds.TEXTS[3]))
DEFAULTS = """CREATE TABLE dbo.defaults (id int NOT NULL PRIMARY KEY,
  d_bit bit NOT NULL DEFAULT 1, d_tinyint tinyint DEFAULT 255, d_smallint smallint DEFAULT -5, d_int int NOT NULL DEFAULT 7,
  d_bigint bigint DEFAULT 3147483648, d_decimal decimal(10,4) DEFAULT 1.5, d_numeric numeric(5) NOT NULL DEFAULT -12,
  d_money money DEFAULT 1.25, d_real real DEFAULT 1.5, d_float float NOT NULL DEFAULT 0.1, d_date date DEFAULT '2019-02-03',
  d_datetime datetime DEFAULT '2019-01-01 00:00:00.003', d_datetime2 datetime2(5) NOT NULL DEFAULT '2019-01-01 00:00:00.12345',
  d_datetimeoffset datetimeoffset(3) DEFAULT '2019-01-01 00:00:00.123+02:00', d_smalldatetime smalldatetime DEFAULT '2019-01-01 00:01:00',
  d_time time(3) DEFAULT '10:11:12.345', d_char char(3) DEFAULT 'ab', d_varchar varchar(20) NOT NULL DEFAULT 'it''s (so)',
  d_nvarchar nvarchar(20) DEFAULT N'Ω', d_null varchar(5) DEFAULT NULL, d_binary binary(3) DEFAULT 0x0102, d_varbinary varbinary(9) DEFAULT 0xFF,
  d_guid uniqueidentifier DEFAULT '00112233-4455-6677-8899-AABBCCDDEEFF', d_now datetime2(3) DEFAULT SYSDATETIME(), d_sum int DEFAULT 1 + 2)"""
# Lengths and digits, as the JDBC driver says them; and an identity, which is a type of its own to it.
TYPED = """CREATE TABLE dbo.typed (id bigint IDENTITY(1,1) NOT NULL PRIMARY KEY,
  t_varchar1 varchar(1), t_varchar8000 varchar(8000), t_nvarchar4000 nvarchar(4000), t_char char(1), t_nchar nchar(10),
  t_binary binary(1), t_varbinary8000 varbinary(8000), t_decimal decimal(38,38), t_numeric numeric(7,3), t_dec decimal(18),
  t_float24 float(24), t_time0 time(0), t_time4 time(4), t_datetime2_0 datetime2(0), t_datetime2_4 datetime2(4),
  t_datetimeoffset0 datetimeoffset(0), t_datetimeoffset4 datetimeoffset(4))"""
SALT = "CzQMA0cB5K"
# Each mapping where it does something and where it does nothing; names with and without the database.
MASKS = {
    "column.mask.with.5.chars": r"dbo.texts.(c_varchar|c_sysname),.*\.dbo\.numbers\.c_int,DBO.required_large.c_text,"
                                "dbo.defaults.(d_varchar|d_char),dbo.keyed.*",
    "column.mask.with.0.chars": "dbo.texts.c_char",
    f"column.mask.hash.SHA-256.with.salt.{SALT}": "dbo.texts.(c_nvarchar|c_utf8),dbo.large_texts.(c_nvarchar_max|c_ntext|c_xml),"
                                                  "dbo.required_large.c_ntext,dbo.objects.(id|c_guid)",
    f"column.mask.hash.v2.SHA-512.with.salt.{SALT}": "dbo.texts.(c_nchar|c_cyrillic),dbo.large_texts.(c_varchar_max|c_text),"
                                                     "dbo.defaults.(d_nvarchar|d_guid|d_int),dbo.bytes.c_image",
    "column.truncate.to.2.chars": "dbo.moments.*,dbo.bytes.c_[bv].*,dbo.numbers.c_[dmr].*,dbo.texts.(c_polish|c_japanese),"
                                  "dbo.large_texts.c_greek,dbo.defaults.d_binary",
}
MASKED = ("dbo.texts", "dbo.numbers", "dbo.moments", "dbo.bytes", "dbo.objects", "dbo.large_texts", "dbo.required_large", "dbo.keyed",
          "dbo.defaults")
ALL = [*TABLES, REQUIRED, REQUIRED_LARGE, KEYED]
# settings -> the tables that show them; none: all.
MODES = {
    "default": ({"message.key.columns": "dbo.keyed:c_nvarchar"}, ()),
    "transactions": ({"provide.transaction.metadata": "true", "message.key.columns": "dbo.keyed:c_nvarchar",
                      "tombstones.on.delete": "false"}, ("dbo.keyed", "dbo.heap", "sales.by_index")),
    "decimal_string": ({"decimal.handling.mode": "string"}, ("dbo.numbers", "dbo.defaults")),
    "decimal_double": ({"decimal.handling.mode": "double"}, ("dbo.numbers", "dbo.defaults")),
    **{f"time_{mode}": ({"time.precision.mode": mode}, ("dbo.moments", "dbo.defaults")) for mode in (
        "adaptive_time_microseconds", "connect", "isostring", "microseconds", "nanoseconds")},
    **{f"binary_{mode.replace('-', '_')}": ({"binary.handling.mode": mode}, ("dbo.bytes", "dbo.objects", "dbo.defaults"))
       for mode in ("base64", "base64-url-safe", "hex")},
    "avro_names": ({"schema.name.adjustment.mode": "avro", "field.name.adjustment.mode": "avro"}, ("odd schema.a ]table. %ü_",)),
    "avro_unicode_names": ({"schema.name.adjustment.mode": "avro_unicode", "field.name.adjustment.mode": "avro_unicode",
                            "skipped.operations": "u,d"}, ("odd schema.a ]table. %ü_",)),
    "masks": ({**MASKS, "message.key.columns": "dbo.keyed:c_nvarchar"}, MASKED),
    "masked_strings": ({"column.truncate.to.4.chars": "dbo.(moments|numbers|bytes).*", "time.precision.mode": "isostring",
                        "decimal.handling.mode": "string", "binary.handling.mode": "hex"}, ("dbo.moments", "dbo.numbers", "dbo.bytes")),
    "column_types": ({"column.propagate.source.type": ".*"}, ()),
    "data_types": ({"datatype.propagate.source.type": r".*\.int,dbo\.numbers\.decimal,.*\.BIGINT identity"},
                   ("dbo.numbers", "dbo.typed", "dbo.texts")),
    "schema_changes": ({}, ()),
}


def text_of(name, declaration):
    """T-SQL that says a value as the text that the fixtures hold."""
    kind = re.split(r"[ (]", declaration)[0]
    column = bracketed(name)
    if kind in ("geometry", "geography", "hierarchyid", "binary", "varbinary", "image", "rowversion", "timestamp"):
        return f"CONVERT(nvarchar(max), CONVERT(varbinary(max), {column}), 1)"
    if kind in ("money", "smallmoney"):
        return f"CONVERT(nvarchar(max), CONVERT(decimal(19,4), {column}))"
    style = {"real": 3, "float": 3, "date": 23, "time": 121, "datetime": 126, "smalldatetime": 126, "datetime2": 126,
             "datetimeoffset": 126}.get(kind)
    return f"CONVERT(nvarchar(max), {column}{f', {style}' if style else ''})"


class Recording(DebeziumCase):
    """Not a test: a run of it is started by main()."""

    def runTest(self):
        self.sql("CREATE SCHEMA [odd schema]")
        self.sql("CREATE SCHEMA sales")
        for table in (*ALL, TICK):
            for batch in table.create():
                self.sql(batch)
        self.sql(DEFAULTS)
        self.sql("INSERT INTO dbo.defaults (id) VALUES (1)")
        self.sql(TYPED)
        self.sql("INSERT INTO dbo.typed DEFAULT VALUES")
        self.history = History(self.source, ALL, 7)
        self.fill()
        for table in (*ALL, TICK):
            self.sql(table.enable())
        for name in ("defaults", "typed"):
            self.sql(f"EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'{name}', @role_name = NULL")
        self.sql("EXEC sp_sim_control 'scan'")
        described = self.describe()
        snapshot = {name: self.rows_of(table, f"{bracketed(table['schema'])}.{bracketed(table['name'])}")
                    for name, table in described.items()}
        readers = {}
        for mode in sys.argv[2:] or MODES:
            settings, chosen = MODES[mode]
            filters = {"table.include.list": ",".join(re.escape(name) for name in (*chosen, "dbo.tick"))} if chosen else {}
            prefix = self.deploy(mode.replace("_", "-"), **settings, **filters).name
            names = [name for name in described if not chosen or name in chosen or name == "dbo.tick"]
            topics = {name: re.sub(r"[^A-Za-z0-9._-]", "_", f"{prefix}.{self.database}.{name}") for name in names}
            others = [f"{prefix}.transaction"] if "provide.transaction.metadata" in settings else []
            others += [prefix] if mode == "schema_changes" else []
            readers[mode] = (prefix, topics, self.reader([*topics.values(), *others], lambda message: message))
        for mode, (prefix, topics, reader) in readers.items():
            wanted = sum(len(snapshot[name]) for name in topics)
            self.read_until(reader, lambda reader=reader, wanted=wanted: sum(map(len, reader.records.values())) >= wanted,
                            f"{mode}'s snapshot")
        self.change()
        self.sql("INSERT INTO dbo.tick VALUES (1, 0)")
        self.sql("EXEC sp_sim_control 'scan'")
        changes = self.changes(described)
        folder = pathlib.Path(sys.argv[1])
        folder.mkdir(parents=True, exist_ok=True)
        for mode, (prefix, topics, reader) in readers.items():
            self.read_until(reader, lambda reader=reader, topics=topics: reader.records[topics["dbo.tick"]], f"{mode}'s tick")
            reader.read_to_end()
            altered = self.alter(prefix, reader) if mode == "schema_changes" else {}
            with (folder / f"{mode}.jsonl").open("w", encoding="utf-8") as out:
                for line in self.lines(mode, prefix, topics, reader, (described, altered), snapshot, changes):
                    out.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")
            print(f"{mode}: {(folder / f'{mode}.jsonl').stat().st_size >> 10} KB", flush=True)

    def fill(self):
        """Every value of each column, and NULLs where they may be."""
        for table in ALL:
            if all(column.nullable for column in table.columns):
                self.history.fill([table])
                continue
            for place in range(max(len(column.values) for column in table.columns)):
                self.insert(table, place)

    def insert(self, table, place):
        """A row with the values at this place of each column; its number."""
        number, = self.history.new_numbers(table, 1)
        row = self.history.make_row(table, number, lambda column: column.values[place % len(column.values)])
        self.history.alone(lambda: self.history.insert(table, {number: row}))
        return number

    def describe(self):
        """Every captured table by schema.table: its columns with types, its key, its defaults."""
        found = {}
        for schema, name, object_id in self.sql(
                "SELECT s.name, t.name, t.object_id FROM sys.tables AS t JOIN sys.schemas AS s ON s.schema_id = t.schema_id "
                "WHERE t.is_tracked_by_cdc = 1 ORDER BY s.name, t.name"):
            declared = {column.name: column.declaration for table in (*ALL, TICK) if (table.schema, table.name) == (schema, name)
                        for column in (*table.key_columns, *table.columns)}
            captured = [row[0] for row in self.sql(
                f"SELECT cc.column_name FROM cdc.captured_columns AS cc JOIN cdc.change_tables AS ct ON ct.object_id = cc.object_id "
                f"WHERE ct.source_object_id = {object_id} ORDER BY cc.column_ordinal")]
            columns = []
            for column, kind, length, precision, scale, nullable, identity, fallback in self.sql(
                    f"SELECT c.name, ty.name, c.max_length, c.precision, c.scale, c.is_nullable, c.is_identity, d.definition "
                    f"FROM sys.columns AS c JOIN sys.types AS ty ON ty.user_type_id = c.user_type_id "
                    f"LEFT JOIN sys.default_constraints AS d ON d.parent_object_id = c.object_id AND d.parent_column_id = c.column_id "
                    f"WHERE c.object_id = {object_id} ORDER BY c.column_id"):
                if column in captured:
                    columns.append({"name": column, "type": kind, "length": length, "precision": precision, "scale": scale,
                                    "nullable": bool(nullable), **({"identity": True} if identity else {}), "default": fallback, "declared": declared.get(column, kind)})
            key = [row[0] for row in self.sql(
                f"SELECT c.name FROM sys.indexes AS i JOIN sys.index_columns AS ic ON ic.object_id = i.object_id AND "
                f"ic.index_id = i.index_id JOIN sys.columns AS c ON c.object_id = ic.object_id AND c.column_id = ic.column_id "
                f"WHERE i.object_id = {object_id} AND i.is_unique = 1 ORDER BY i.index_id, ic.key_ordinal")]
            instance = self.sql(f"SELECT capture_instance FROM cdc.change_tables WHERE source_object_id = {object_id} "
                                "ORDER BY start_lsn DESC")[0][0]
            found[f"{schema}.{name}"] = {"schema": schema, "name": name, "key": key, "columns": columns, "captured": captured,
                                         "instance": instance}
        return found

    def rows_of(self, table, source, leading="", order=""):
        values = ", ".join(text_of(column["name"], column["declared"]) for column in table["columns"])
        return self.sql(f"SELECT {leading}{values} FROM {source}{order}")

    def changes(self, described):
        """All rows of the change tables in the source's order: (commit LSN, change LSN, table, operation, began, values)."""
        found = []
        for name, table in described.items():
            leading = ("CONVERT(varchar(30), [__$start_lsn], 2), CONVERT(varchar(30), [__$seqval], 2), [__$operation], "
                       "CONVERT(varchar(300), [__$update_mask], 2), CONVERT(varchar(40), tran_begin_time, 126), ")
            rows = self.rows_of(table, f"cdc.{bracketed(table['instance'] + '_CT')} LEFT JOIN cdc.lsn_time_mapping ON "
                                "start_lsn = [__$start_lsn]", leading,
                                " ORDER BY [__$start_lsn], [__$command_id], [__$seqval], [__$operation]")
            for lsn, seqval, operation, mask, began, *values in rows:
                mask = int(mask or "0", 16)
                for place, column in enumerate(table["columns"]):
                    large = column["length"] == -1 or column["type"] in ("text", "ntext", "image")
                    bit = mask >> table["captured"].index(column["name"]) & 1
                    if operation in (3, 4) and values[place] is None and large and not bit:
                        values[place] = False
                found.append((lsn, seqval, name, operation, began, values))
        # Python's sort is stable, and the tables' own order stays.
        return sorted(found, key=lambda row: row[:2])

    def change(self):
        """Of every table: what is inserted, changed in part, changed in its key, deleted."""
        history = self.history
        for table in ALL:
            for place in range(max(len(column.values) for column in table.columns)):
                number = self.insert(table, place)

            def others(number, some):
                held = history.rows[table.name][number]
                return {column.name: next(value for value in (*column.values, NULL) if value != held[column.name])
                        for column in some}

            history.alone(lambda: history.update(table, [number], others(number, table.columns[:1])))
            history.alone(lambda: history.update(table, [number], others(number, table.columns)))
            if all(column.nullable for column in table.columns):
                history.alone(lambda: history.update(table, [number], {column.name: NULL for column in table.columns}))
                history.alone(lambda: history.update(table, [number], others(number, table.columns[1:])))
            if table.constraint:
                history.alone(lambda: history.change_key(table, number, history.new_numbers(table, 1)[0]))
            history.alone(lambda: history.delete(table, [number - 1]))
        some = [table for table in ALL if table.name in ("keyed", "heap", "by_index")]

        def both():
            for table in (*some, *some):
                number, = history.new_numbers(table, 1)
                history.insert(table, {number: history.make_row(table, number, lambda column: column.values[0])})
            number = max(history.rows["keyed"])
            history.update(some[-1], [number], {"c_nvarchar": ("N'other key'", "other key")})
            history.delete(some[-1], [number])

        some.sort(key=lambda table: table.name == "keyed")
        history.transaction(both)
        self.sql("INSERT INTO dbo.defaults (id) VALUES (2)")
        self.sql("UPDATE dbo.defaults SET d_bit = 0, d_int = 8 WHERE id = 2")

    def alter(self, prefix, reader):
        """A table gets another column, and a second capture instance; its first change has Debezium say so."""
        self.sql("ALTER TABLE dbo.keyed ADD c_new varchar(7) NOT NULL DEFAULT 'none'")
        self.sql(KEYED.enable("another"))
        number, = self.history.new_numbers(KEYED, 1)
        said = len(reader.records[prefix])
        self.sql(f"INSERT INTO dbo.keyed (id, c_nvarchar) VALUES ({number}, N'Ω')")
        self.sql("EXEC sp_sim_control 'scan'")
        self.read_until(reader, lambda: len(reader.records[prefix]) > said, "the schema change")
        # All of its records are its tables'; rows are the other recordings'.
        for topic in [topic for topic in reader.records if topic != prefix]:
            del reader.records[topic]
        return {"dbo.keyed": self.describe()["dbo.keyed"]}

    def lines(self, mode, prefix, topics, reader, tables, snapshot, changes):
        described, altered = tables
        settings = dict(MODES[mode][0])
        yield {"settings": {**settings, "topic.prefix": prefix, "database": self.database}}
        for name in topics:
            table = described[name]
            yield {"table": name, "schema": table["schema"], "name": table["name"], "key": table["key"],
                   "columns": [{key: value for key, value in column.items() if key != "declared"} for column in table["columns"]]}
        for name, table in altered.items():
            yield {"altered": name, "schema": table["schema"], "name": table["name"], "key": table["key"],
                   "columns": [{key: value for key, value in column.items() if key != "declared"} for column in table["columns"]]}
        for name in topics if not altered else ():
            for row in snapshot[name]:
                yield {"row": [name, 0, "", "", "", list(row)]}
        for lsn, seqval, name, operation, began, values in changes:
            if name in topics and not altered:
                yield {"row": [name, operation, lsn, seqval, began, values]}
        for topic, messages in reader.records.items():
            schemas = [None, None]
            for message in messages:
                parts = [None if text is None else text.decode() for text in (message.key(), message.value())]
                payloads = []
                for part, text in enumerate(parts):
                    if text is None:
                        payloads.append(None)
                        continue
                    schema, _, payload = text.partition(',"payload":')
                    assert json.loads(text) == {"schema": json.loads(schema[10:]), "payload": json.loads(payload[:-1])}
                    if schemas[part] is None:
                        schemas[part] = schema[10:]
                    assert schemas[part] == schema[10:], f"{topic}: another schema"
                    payloads.append(payload[:-1])
                headers = [[name, value.decode()] for name, value in message.headers() or []]
                yield {"record": [topic, *payloads, headers]}
            yield {"topic": topic, "schemas": schemas}


def main():
    SERVERS.broker = Broker()
    # So many connectors beside each other.
    SERVERS.worker = Worker(SERVERS.broker, ["debezium-sqlserver"], heap_megabytes=1400)
    Recording.setUpClass()
    result = unittest.TestResult()
    Recording().run(result)
    for _, trace in (*result.errors, *result.failures):
        print(trace, file=sys.stderr)
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
