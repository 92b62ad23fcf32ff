"""Random rows over every type: snapshot, stream and updates leave the very same bytes in PostgreSQL.

600 rows a path, with LONG=1 20,000; TAILRACE_SEED repeats a run.
"""

import os
import random
import struct

from tests.e2e.case import EndToEnd, long_run
from tests.e2e.types.kinds import KINDS
from tests.e2e.types.types_test import columns

PATH = 1_000_000  # Ids of one path.
BATCH = 100


def quoted(text):
    return "N'" + text.replace("'", "''") + "'"


class Values:
    """A literal for each column."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def text(self, alphabet, longest):
        return "".join(self.random.choices(alphabet, k=self.random.randint(0, longest)))

    def wide(self, longest):
        return quoted(self.text("aZ09 '\t\\éß日本語Ω\U0001F642\U0010FFFD", longest))

    def integer(self, low, high):
        return str(self.random.choice([low, high, 0, self.random.randint(low, high), self.random.randint(low, high)]))

    def decimal(self, digits, scale):
        number = self.random.randint(-10 ** self.random.randint(0, digits) + 1, 10 ** self.random.randint(0, digits) - 1)
        text = f"{abs(number):0{scale + 1}d}"
        return ("-" if number < 0 else "") + (text[:-scale] + "." + text[-scale:] if scale else text)

    def money(self, bits):
        number = self.random.randint(-(1 << bits - 1), (1 << bits - 1) - 1)
        return ("-" if number < 0 else "") + f"{abs(number) // 10000}.{abs(number) % 10000:04d}"

    def double(self):
        while True:
            value = struct.unpack("<d", self.random.randbytes(8))[0]
            if value == value and 2.3e-308 < abs(value) < float("inf"):
                return f"{value!r}" if "e" in repr(value) else f"{value!r}e0"

    def single(self):
        while True:
            value = struct.unpack("<f", self.random.randbytes(4))[0]
            if value == value and 1.2e-38 < abs(value) < float("inf"):
                return f"{value:.9e}"

    def day(self, first=1, last=9999):
        return f"{self.random.randint(first, last):04d}-{self.random.randint(1, 12):02d}-{self.random.randint(1, 28):02d}"

    def clock(self, digits):
        fraction = f".{self.random.randint(0, 10 ** digits - 1):0{digits}d}" if digits else ""
        return (f"{self.random.randint(0, 23):02d}:{self.random.randint(0, 59):02d}:"
                f"{self.random.randint(0, 59):02d}{fraction}")

    def moment(self, digits, first=1, last=9999):
        return f"{self.day(first, last)}T{self.clock(digits)}"

    def offset(self):
        minutes = self.random.randint(-840, 840)
        return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"

    def data(self, longest):
        return "0x" + self.random.randbytes(self.random.randint(0, longest)).hex()

    def guid(self):
        text = self.random.randbytes(16).hex()
        return f"'{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}'"

    def xml(self):
        inner = self.text("ab é日&amp;".replace("&amp;", ""), 20)
        return quoted(f'<r a="{self.random.randint(0, 99)}">{inner}&lt;</r>' * self.random.randint(0, 2))

    def variant(self):
        return self.random.choice([
            lambda: f"CAST({self.integer(-2**31, 2**31 - 1)} AS int)", lambda: f"CAST({self.double()} AS float)",
            lambda: f"CAST({self.single()} AS real)", lambda: f"CAST({self.decimal(20, 5)} AS decimal(20,5))",
            lambda: f"CAST({self.money(64)} AS money)", lambda: f"CAST('{self.moment(7)}' AS datetime2)",
            lambda: f"CAST('{self.moment(3, 1753)}' AS datetime)", lambda: f"CAST('{self.day()}' AS date)",
            lambda: f"CAST('{self.clock(7)}' AS time)", lambda: f"CAST({self.guid()} AS uniqueidentifier)",
            lambda: f"CAST({self.data(20)} AS varbinary(20))", lambda: self.wide(20),
            lambda: f"CAST('{self.moment(7, 2, 9998)}{self.offset()}' AS datetimeoffset)"])()

    def hierarchy(self):
        steps = [".".join(str(self.random.choice([0, 1, 3, 7, 15, 79, 1103, 5199, 70000, -1, -8, -72, -4168, -5000]))
                          for _ in range(self.random.randint(1, 3))) for _ in range(self.random.randint(0, 6))]
        return f"'/{''.join(step + '/' for step in steps)}'"

    def position(self, numbers):
        first = [repr(self.random.uniform(-80, 80)) for _ in range(2)]
        return " ".join(first + [repr(self.random.uniform(-1e9, 1e9)) for _ in range(numbers - 2)])

    def shape(self, type_name, srid, numbers):
        point = lambda: self.position(numbers)
        line = lambda: "(" + ", ".join(point() for _ in range(self.random.randint(2, 6))) + ")"
        start = point()
        ring = f"({start}, {point()}, {point()}, {start})"
        wkt = self.random.choice([f"POINT ({point()})", f"LINESTRING {line()}", f"POLYGON ({ring})", "POINT EMPTY",
                                  f"MULTIPOINT (({point()}), ({point()}))", f"MULTILINESTRING ({line()}, {line()})",
                                  f"MULTIPOLYGON (({ring}))", f"GEOMETRYCOLLECTION (POINT ({point()}), POINT EMPTY)",
                                  f"CIRCULARSTRING ({point()}, {point()}, {point()})"])
        return f"{type_name}::STGeomFromText('{wkt}', {srid})"

    def of(self, name):
        if self.random.random() < 0.1:
            return "NULL"
        return {
            "c_bit": lambda: self.integer(0, 1), "c_tinyint": lambda: self.integer(0, 255),
            "c_smallint": lambda: self.integer(-2**15, 2**15 - 1), "c_int": lambda: self.integer(-2**31, 2**31 - 1),
            "c_bigint": lambda: self.integer(-2**63, 2**63 - 1), "c_decimal": lambda: self.decimal(38, 10),
            "c_money": lambda: self.money(64), "c_smallmoney": lambda: self.money(32), "c_real": self.single,
            "c_float": self.double, "c_date": lambda: f"'{self.day()}'", "c_time": lambda: f"'{self.clock(7)}'",
            "c_smalldatetime": lambda: f"'{self.moment(0, 1900, 2078)}'",
            "c_datetime": lambda: f"'{self.moment(3, 1753)}'", "c_datetime2": lambda: f"'{self.moment(7)}'",
            "c_datetimeoffset": lambda: f"'{self.moment(7, 2, 9998)}{self.offset()}'",
            "c_char": lambda: quoted(self.text("ab é€", 5)), "c_varchar": lambda: quoted(self.text("ab é€'", 20)),
            "c_varchar_max": lambda: quoted(self.text("ab é€'", 60)), "c_text": lambda: quoted(self.text("ab é€'", 60)),
            "c_nchar": lambda: quoted(self.text("aΩ日", 4)), "c_nvarchar": lambda: self.wide(10),
            "c_nvarchar_max": lambda: self.wide(60), "c_ntext": lambda: self.wide(60),
            "c_cyrillic": lambda: quoted(self.text("абвЯё a", 20)), "c_polish": lambda: quoted(self.text("żółć a", 6)),
            "c_greek": lambda: quoted(self.text("Ωμέγα ", 40)), "c_japanese": lambda: quoted(self.text("日本ｱa", 10)),
            "c_utf8": lambda: quoted(self.text("aé日\U0001F642", 10)), "c_turkish_text": lambda: quoted(self.text("ığşİ ", 40)),
            "c_binary": lambda: self.data(4), "c_varbinary": lambda: self.data(8), "c_varbinary_max": lambda: self.data(60),
            "c_image": lambda: self.data(60), "c_guid": self.guid, "c_xml": self.xml,
            "c_sparse": lambda: self.integer(-2**31, 2**31 - 1), "c_variant": self.variant, "c_hierarchy": self.hierarchy,
            "c_geometry": lambda: self.shape("geometry", self.random.choice([0, 3857]), self.random.randint(2, 4)),
            "c_geography": lambda: self.shape("geography", 4326, self.random.randint(2, 4)),
        }[name]()


class RandomRows(EndToEnd):
    TABLES = {"dbo.every": columns(KINDS)}

    def test_paths_agree(self):
        count = 20_000 if long_run() else 600
        seed = int(os.environ.get("TAILRACE_SEED") or random.SystemRandom().randrange(1 << 32))
        self.note(f"seed {seed} (TAILRACE_SEED={seed} repeats it), {count} rows a path")
        values = Values(seed)
        rows = [{kind.name: values.of(kind.name) for kind in KINDS} for _ in range(count)]
        self.insert(rows, 0)
        self.sql(f"INSERT INTO dbo.every (id, n) SELECT id + {2 * PATH}, 0 FROM dbo.every")
        run = self.start_streaming(seconds=300)
        self.insert(rows, PATH)
        settings = ", ".join(f"{kind.name} = s.{kind.name}" for kind in KINDS)
        self.sql(f"UPDATE t SET {settings} FROM dbo.every t JOIN dbo.every s ON s.id = t.id - {2 * PATH} "
                 f"WHERE t.id >= {2 * PATH}")
        self.flush(run, seconds=300)
        self.assertEqual(self.row("SELECT count(*) FROM every"), (3 * count,))
        for path in (1, 2):
            for kind in KINDS:
                different = self.rows(
                    f"SELECT a.id, left(a.{kind.name}::text, 80), left(b.{kind.name}::text, 80) FROM every a JOIN every b "
                    f"ON b.id = a.id + {path * PATH} WHERE a.id < {PATH} AND record_image_ne(ROW(a.{kind.name}), "
                    f"ROW(b.{kind.name})) LIMIT 3")
                self.assertEqual(different, [], f"{kind.name}, path {path}, seed {seed}")
        self.drain(run)

    def insert(self, rows, base):
        names = ", ".join(kind.name for kind in KINDS)
        for begin in range(0, len(rows), BATCH):
            lines = ",".join(f"({base + begin + at}, 0, {', '.join(row.values())})"
                             for at, row in enumerate(rows[begin:begin + BATCH]))
            self.sql(f"INSERT INTO dbo.every (id, n, {names}) VALUES {lines}")
