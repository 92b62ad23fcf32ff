"""Every SQL Server type with boundary values: literals for the source, and what Debezium's JSON must then show.

What it must show is Debezium's documented mapping (time.precision.mode adaptive, decimal.handling.mode precise,
binary.handling.mode bytes), computed here from the value that the literal means, never read from the server.
"""

import base64
import dataclasses
import datetime
import decimal

UNAVAILABLE = "__debezium_unavailable_value"
DECIMAL = "org.apache.kafka.connect.data.Decimal"


@dataclasses.dataclass(frozen=True)
class Column:
    """A value is (T-SQL expression, JSON). `large`: what CDC keeps of it, see history.py."""

    name: str
    declaration: str
    schema: tuple  # Connect's type, the semantic name, the parameters
    values: tuple
    nullable: bool = True
    large: str = ""  # "old": text, ntext, image. "max": (max) types. "xml", "spatial"


def _column(name, declaration, schema, values, **options):
    words = (schema,) if isinstance(schema, str) else schema
    return Column(name, declaration, (*words, *(None, ())[len(words) - 1:]), tuple(values), **options)


def bytes_json(value):
    return base64.b64encode(value).decode("ascii")


def _decimal_json(text, scale):
    """The unscaled number, big-endian two's complement, as short as it can be."""
    unscaled = int(decimal.Decimal(text).scaleb(scale, decimal.Context(prec=60)))
    length = (unscaled.bit_length() if unscaled >= 0 else (unscaled + 1).bit_length()) // 8 + 1
    return bytes_json(unscaled.to_bytes(length, "big", signed=True))


def _decimal(name, declaration, precision, scale, *texts):
    schema = ("bytes", DECIMAL, (("connect.decimal.precision", str(precision)), ("scale", str(scale))))
    return _column(name, declaration, schema, [(text, _decimal_json(text, scale)) for text in texts])


def _numbers(name, declaration, schema, *numbers):
    return _column(name, declaration, schema, [(repr(number), number) for number in numbers])


def _floats(name, declaration, schema, *texts):
    return _column(name, declaration, schema, [(text, float(text)) for text in texts])


EPOCH = datetime.datetime(1970, 1, 1)
UNITS = {"io.debezium.time.Timestamp": 10**6, "io.debezium.time.MicroTimestamp": 10**3,
         "io.debezium.time.NanoTimestamp": 1, "io.debezium.time.Time": 10**6, "io.debezium.time.MicroTime": 10**3,
         "io.debezium.time.NanoTime": 1}


def _split(text):
    """A text with a fraction -> without it, and the fraction in nanoseconds."""
    whole, _, fraction = text.partition(".")
    return whole, int((fraction + "0" * 9)[:9])


def _moments(name, declaration, semantic, *texts):
    def shown(text):
        whole, nanoseconds = _split(text)
        seconds = (datetime.datetime.fromisoformat(whole) - EPOCH) // datetime.timedelta(seconds=1)
        return (seconds * 10**9 + nanoseconds) // UNITS[semantic]

    return _column(name, declaration, ("int64", semantic), [(f"'{text}'", shown(text)) for text in texts])


def _times(name, declaration, schema, *texts):
    def shown(text):
        whole, nanoseconds = _split(text)
        hours, minutes, seconds = (int(word) for word in whole.split(":"))
        return ((hours * 60 + minutes) * 60 + seconds) * 10**9 // UNITS[schema[1]] + nanoseconds // UNITS[schema[1]]

    return _column(name, declaration, schema, [(f"'{text}'", shown(text)) for text in texts])


def _days(text):
    return datetime.date.fromisoformat(text).toordinal() - EPOCH.toordinal()


def quoted(text):
    return "N'" + text.replace("'", "''") + "'"


def _texts(name, declaration, *texts, schema="string", **options):
    return _column(name, declaration, schema, [(quoted(text), text) for text in texts], **options)


def _bytes(name, declaration, *values, **options):
    """Each (expression, bytes)."""
    return _column(name, declaration, "bytes", [(text, bytes_json(value)) for text, value in values], **options)


def _hex(*texts):
    return [("0x" + text, bytes.fromhex(text)) for text in texts]


WIDE = ("", "a  ", "Ω日本 \U0001F642", "''\\\t\n")
# Longer than a TDS packet, and not the same throughout.
LONG = "".join(f"{number}:é日\U0001F642 " for number in range(3000))
LONG_BYTES = bytes(range(256)) * 64

NUMBERS = [
    _column("c_bit", "bit", "boolean", [("0", False), ("1", True)]),
    _numbers("c_tinyint", "tinyint", "int16", 0, 255),
    _numbers("c_smallint", "smallint", "int16", -32768, 32767, 0),
    _numbers("c_int", "int", "int32", -2147483648, 2147483647, 0),
    _numbers("c_bigint", "bigint", "int64", -9223372036854775808, 9223372036854775807, 0),
    _decimal("c_decimal", "decimal(38,10)", 38, 10, "9" * 28 + "." + "9" * 10, "-" + "9" * 28 + "." + "9" * 10, "0", "-1.5"),
    _decimal("c_numeric", "numeric(5)", 5, 0, "-99999", "99999", "128", "-128"),
    _decimal("c_money", "money", 19, 4, "-922337203685477.5808", "922337203685477.5807", "0"),
    _decimal("c_smallmoney", "smallmoney", 10, 4, "-214748.3648", "214748.3647", "0.0001"),
    _floats("c_real", "real", "float", "-3.4028235E+38", "1.1754944E-38", "0e0", "-0e0"),
    _floats("c_float", "float", "double", "1.7976931348623157E+308", "0.1e0", "0e0", "-0e0", "-2.2250738585072014E-308"),
    _numbers("c_sparse", "int SPARSE", "int32", 7, -7),
]
MOMENTS = [
    _column("c_date", "date", ("int32", "io.debezium.time.Date"),
            [(f"'{text}'", _days(text)) for text in ("0001-01-01", "9999-12-31", "2024-02-29")]),
    _times("c_time0", "time(0)", ("int32", "io.debezium.time.Time"), "00:00:00", "23:59:59"),
    _times("c_time3", "time(3)", ("int32", "io.debezium.time.Time"), "23:59:59.999", "10:00:00.001"),
    _times("c_time5", "time(5)", ("int64", "io.debezium.time.MicroTime"), "23:59:59.99999", "10:00:00.00001"),
    _times("c_time7", "time(7)", ("int64", "io.debezium.time.NanoTime"), "23:59:59.9999999", "00:00:00.0000001"),
    _moments("c_smalldatetime", "smalldatetime", "io.debezium.time.Timestamp", "1900-01-01T00:00:00", "2079-06-06T23:59:00"),
    _moments("c_datetime", "datetime", "io.debezium.time.Timestamp", "1753-01-01T00:00:00", "9999-12-31T23:59:59.997",
             "2000-01-01T00:00:00.003", "1969-12-31T23:59:59.997"),
    _moments("c_datetime2_0", "datetime2(0)", "io.debezium.time.Timestamp", "0001-01-01T00:00:00", "9999-12-31T23:59:59"),
    _moments("c_datetime2_3", "datetime2(3)", "io.debezium.time.Timestamp", "0001-01-01T00:00:00.001", "9999-12-31T23:59:59.999"),
    _moments("c_datetime2_6", "datetime2(6)", "io.debezium.time.MicroTimestamp", "0001-01-01T00:00:00.000001",
             "9999-12-31T23:59:59.999999"),
    # 64 bits of nanoseconds: Debezium's own limits.
    _moments("c_datetime2_7", "datetime2(7)", "io.debezium.time.NanoTimestamp", "1678-01-01T00:00:00.0000001",
             "2262-01-01T23:59:59.9999999", "1969-12-31T23:59:59.9999999"),
    # Of earlier days Microsoft's JDBC driver takes the Julian calendar's date for the Gregorian one.
    _column("c_datetimeoffset0", "datetimeoffset(0)", ("string", "io.debezium.time.ZonedTimestamp"),
            [("'1582-10-15T00:00:00+00:00'", "1582-10-15T00:00:00Z"),
             ("'9999-12-31T23:59:59+14:00'", "9999-12-31T23:59:59+14:00")]),
    _column("c_datetimeoffset7", "datetimeoffset(7)", ("string", "io.debezium.time.ZonedTimestamp"),
            [("'2000-01-01T00:00:00.1234567-03:30'", "2000-01-01T00:00:00.1234567-03:30"),
             ("'9999-12-31T09:59:59.9999999-14:00'", "9999-12-31T09:59:59.9999999-14:00")]),
]
TEXTS = [
    _texts("c_char", "char(5)", "ab   ", "     "),
    _texts("c_varchar", "varchar(20)", "", "café €", "a  "),
    _texts("c_nchar", "nchar(4)", "Ω   ", "日本\U0001F642"),
    _texts("c_nvarchar", "nvarchar(20)", *WIDE),
    _texts("c_cyrillic", "varchar(20) COLLATE Cyrillic_General_CI_AS", "", "Привет, мир"),
    _texts("c_polish", "char(6) COLLATE Polish_CI_AS", "żółć  ", "      "),
    _texts("c_japanese", "varchar(20) COLLATE Japanese_CI_AS", "日本語 ｱ", ""),
    _texts("c_utf8", "varchar(40) COLLATE Latin1_General_100_CI_AS_SC_UTF8", "日本 \U0001F642 é", ""),
    _texts("c_sysname", "sysname NULL", "Ω", "dbo"),
]
# Eight columns with the key and the number beside them: Debezium 3.6 reads longer masks from the wrong end (dbz#2650).
LARGE_TEXTS = [
    _texts("c_varchar_max", "varchar(max)", "", "café", "x" * 20000, large="max"),
    _texts("c_nvarchar_max", "nvarchar(max)", *WIDE, LONG, large="max"),
    _texts("c_text", "text", "", "café", "y" * 20000, large="old"),
    _texts("c_ntext", "ntext", *WIDE, LONG, large="old"),
    _texts("c_greek", "varchar(max) COLLATE Greek_CI_AS", "", "Ωμέγα", large="max"),
    # The JDBC driver calls it LONGNVARCHAR: no semantic name, as Debezium's own test of SQL Server has it.
    _texts("c_xml", "xml", "", '<a b="1">x &amp; é \U0001F642</a>', "text alone", '<p:a xmlns:p="urn:x"/>', large="xml"),
]
BYTES = [
    _bytes("c_binary", "binary(4)", ("0x", bytes(4)), ("0x00ff", b"\0\xff\0\0")),
    _bytes("c_varbinary", "varbinary(8)", *_hex("", "00", "ffffffffffffffff")),
    _bytes("c_varbinary_max", "varbinary(max)", *_hex("", "00ff", LONG_BYTES.hex()), large="max"),
    _bytes("c_image", "image", *_hex("", "00ff", LONG_BYTES.hex()), large="old"),
]
# Debezium knows none of these: what is bytes to the JDBC driver are the bytes of SQL Server's own form. sql_variant is no type that it
# knows either (-150 has no converter): such a column is left out of the events, with a warning (tables.py, `unsent`).
OBJECTS = [
    _texts("c_guid", "uniqueidentifier", "00112233-4455-6677-8899-AABBCCDDEEFF", "00000000-0000-0000-0000-000000000000"),
    # "hierarchyid data type method reference", [MS-SSCLRT] 2.1: the root is no byte, /1/ is 01011, padded.
    _bytes("c_hierarchy", "hierarchyid", ("'/'", b""), ("'/1/'", b"\x58"), ("'/1/1/'", b"\x5a\xc0")),
    _bytes("c_geometry", "geometry", large="spatial", *[
        ("geometry::STGeomFromText('POINT (1 2)', 0)", bytes.fromhex("00000000010c000000000000f03f0000000000000040")),
        ("geometry::STGeomFromText('POINT (1 2)', 3857)", bytes.fromhex("110f0000010c000000000000f03f0000000000000040"))]),
    _bytes("c_geography", "geography", large="spatial", *[
        ("geography::STGeomFromText('POINT (1 2)', 4326)", bytes.fromhex("e6100000010c0000000000000040000000000000f03f"))]),
]
