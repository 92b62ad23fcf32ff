"""The ten tables of the Debezium tests: every type, and every way in which a table is told from others and its rows by key."""

import dataclasses
import uuid

from tests.e2e.debezium import columns as kinds
from tests.e2e.debezium.columns import Column, quoted


def bracketed(name):
    return "[" + name.replace("]", "]]") + "]"


@dataclasses.dataclass(frozen=True)
class Table:
    """`key` makes a row's key columns out of a number: name -> (literal, JSON). Ascending numbers are ascending keys."""

    schema: str
    name: str
    key_columns: tuple
    key: object
    columns: tuple
    constraint: str = "PRIMARY KEY"  # "UNIQUE INDEX": an index and no primary key. "": neither
    version: str = ""  # A rowversion column.
    computed: tuple = ()  # name, expression, JSON by the row's number
    not_captured: tuple = ()
    unsent: tuple = ()  # name, declaration: of a column that is captured, and that Debezium leaves out.

    @property
    def sql_name(self):
        return f"{bracketed(self.schema)}.{bracketed(self.name)}"

    @property
    def captured(self):
        return [column for column in (*self.key_columns, *self.columns) if column.name not in self.not_captured]

    def topic(self, prefix, database):
        """Debezium's default: what a topic's name may not hold becomes an underscore."""
        name = f"{prefix}.{database}.{self.schema}.{self.name}"
        return "".join(letter if letter.isascii() and (letter.isalnum() or letter in "._-") else "_" for letter in name)

    def create(self):
        """The batches that make it, without CDC."""
        words = [f"{bracketed(column.name)} {column.declaration} {'NULL' if column.nullable else 'NOT NULL'}"
                 for column in (*self.key_columns, *self.columns)]
        names = ", ".join(bracketed(column.name) for column in self.key_columns)
        if self.version:
            words.append(f"{bracketed(self.version)} rowversion")
        if self.computed:
            words.append(f"{bracketed(self.computed[0])} AS ({self.computed[1]})")
        if self.unsent:
            words.append(f"{bracketed(self.unsent[0])} {self.unsent[1]} NULL")
        if self.constraint == "PRIMARY KEY":
            words.append(f"PRIMARY KEY ({names})")
        yield f"CREATE TABLE {self.sql_name} ({', '.join(words)})"
        if self.constraint == "UNIQUE INDEX":
            yield f"CREATE UNIQUE INDEX the_key ON {self.sql_name} ({names})"

    def enable(self, instance=None):
        words = [f"@source_schema = {quoted(self.schema)}", f"@source_name = {quoted(self.name)}", "@role_name = NULL"]
        if self.not_captured:
            words.append("@captured_column_list = "
                         + quoted(", ".join(bracketed(column.name) for column in self.captured)))
        if self.constraint == "UNIQUE INDEX":
            words.append("@index_name = N'the_key'")
        if instance:
            words.append(f"@capture_instance = {quoted(instance)}")
        return "EXEC sys.sp_cdc_enable_table " + ", ".join(words)


def key_column(name, declaration, schema):
    return Column(name, declaration, (schema, None, ()), (), nullable=False)


ID = (key_column("id", "int", "int32"),)
NUMBER = kinds.NUMBERS[3]


def by_id(number):
    return {"id": (str(number), number)}


def _by_guid(number):
    # SQL Server sorts by the last group first.
    text = str(uuid.UUID(int=0xABCDEF << 100 | number)).upper()
    return {"id": (f"'{text}'", text)}


def _by_pair(number):
    text = f"Ω'{number:06}"
    return {"a b": (str(number // 7), number // 7), "select": (quoted(text), text)}


TABLES = [
    Table("dbo", "numbers", ID, by_id, tuple(kinds.NUMBERS), computed=("c_double", "[id] * 2", lambda number: 2 * number)),
    Table("dbo", "moments", (key_column("id", "bigint", "int64"),), by_id, tuple(kinds.MOMENTS)),
    Table("dbo", "texts", (key_column("id", "varchar(12)", "string"),),
          lambda number: {"id": (f"'k{number:08}'", f"k{number:08}")}, tuple(kinds.TEXTS)),
    Table("dbo", "large_texts", ID, by_id, (NUMBER, *kinds.LARGE_TEXTS)),
    Table("dbo", "bytes", ID, by_id, (NUMBER, *kinds.BYTES)),
    Table("dbo", "objects", (key_column("id", "uniqueidentifier", "string"),), _by_guid, tuple(kinds.OBJECTS),
          version="c_version", unsent=("c_variant", "sql_variant")),
    # Debezium asks for a table's columns by its name as a LIKE pattern: an opening bracket would not match itself.
    Table("odd schema", "a ]table. %ü_", (key_column("a b", "int", "int32"), key_column("select", "nvarchar(12)", "string")),
          _by_pair, (dataclasses.replace(NUMBER, name="größe]"), dataclasses.replace(kinds.TEXTS[3], name="it's"))),
    Table("dbo", "heap", ID, by_id, (NUMBER, kinds.TEXTS[3], kinds.LARGE_TEXTS[1]), constraint=""),
    Table("sales", "by_index", ID, by_id, (NUMBER, kinds.NUMBERS[5]), constraint="UNIQUE INDEX"),
    Table("sales", "partial", ID, by_id, (NUMBER, kinds.TEXTS[1], kinds.MOMENTS[6]), not_captured=("c_varchar",)),
]
