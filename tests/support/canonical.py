"""Typed canonical text of values, computed from both databases without any code of tailrace.

A row becomes one line: the fields, tab separated, escaped as PostgreSQL's COPY text form escapes them, \\N for NULL.
What is compared is therefore the value of its declared type at the source:

    bit                     t, f
    integers                digits
    decimal, numeric, money digits with the declared scale (1.50 is not 1.5)
    real, float             the bits, as hexadecimal digits (-0.0 is not 0.0)
    char .. nvarchar(max)   the characters, trailing blanks included
    binary .. varbinary     hexadecimal digits
    date, time, datetime*   ISO, fraction without trailing zeros, at most 6 digits (a 7th is cut: declared loss)
    datetimeoffset          the instant in UTC, written so
    uniqueidentifier        lower case

The source's values come as Python objects from pymssql; the target writes its own canonical text (its binary output
functions for floats), so neither side passes through the other's conversion.
"""

import datetime
import decimal
import struct

_ESCAPES = str.maketrans({"\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v"})
_EXACT = decimal.Context(prec=60, traps=[decimal.Inexact, decimal.InvalidOperation])


def _text(value):
    return value.translate(_ESCAPES)


def _bit(value):
    return "t" if value else "f"


def _exact(scale):
    quantum = decimal.Decimal(1).scaleb(-scale)

    def convert(value):
        # A value with more digits than its declared scale is a fault of the reader: quantize refuses it.
        return format(_EXACT.quantize(value, quantum), "f")

    return convert


def _real(value):
    return struct.pack(">f", value).hex()


def _float(value):
    return struct.pack(">d", value).hex()


def _fraction(microsecond):
    return f".{microsecond:06d}".rstrip("0") if microsecond else ""


def _time(value):
    return f"{value.hour:02d}:{value.minute:02d}:{value.second:02d}{_fraction(value.microsecond)}"


def _datetime(value):
    return (f"{value.year:04d}-{value.month:02d}-{value.day:02d} "
            f"{value.hour:02d}:{value.minute:02d}:{value.second:02d}{_fraction(value.microsecond)}")


def _date(value):
    if isinstance(value, datetime.datetime):
        value = value.date()
    return value.isoformat()


def _instant(value):
    return _datetime(value.astimezone(datetime.timezone.utc))


def _binary(value):
    return value.hex()


def source_converter(type_name, scale):
    """The function from pymssql's value of a column to its field; NULL is the caller's."""
    if type_name == "bit":
        return _bit
    if type_name in ("tinyint", "smallint", "int", "bigint"):
        return str
    if type_name in ("decimal", "numeric"):
        return _exact(scale)
    if type_name in ("money", "smallmoney"):
        return _exact(4)
    if type_name == "real":
        return _real
    if type_name == "float":
        return _float
    if type_name in ("char", "varchar", "nchar", "nvarchar", "text", "ntext", "sysname", "xml"):
        return _text
    if type_name in ("binary", "varbinary", "image", "timestamp"):
        return _binary
    if type_name == "date":
        return _date
    if type_name == "time":
        return _time
    if type_name in ("datetime", "datetime2", "smalldatetime"):
        return _datetime
    if type_name == "datetimeoffset":
        return _instant
    if type_name == "uniqueidentifier":
        return lambda value: str(value).lower()
    raise ValueError(f"no canonical form of {type_name} yet")


def target_expression(name, type_name):
    """The SQL that makes PostgreSQL write the field of a column itself."""
    quoted = '"' + name.replace('"', '""') + '"'
    if type_name == "real":
        return f"encode(float4send({quoted}), 'hex')"
    if type_name == "float":
        return f"encode(float8send({quoted}), 'hex')"
    if type_name in ("binary", "varbinary", "image", "timestamp"):
        return f"encode({quoted}, 'hex')"
    if type_name == "datetimeoffset":
        return f"{quoted} AT TIME ZONE 'UTC'"
    if type_name == "uniqueidentifier":
        return f"lower({quoted}::text)"  # A uuid, or what others make of it: a text in the source's capitals.
    return quoted


def source_line(values, converters):
    return "\t".join(["\\N" if value is None else convert(value)
                      for value, convert in zip(values, converters)])
