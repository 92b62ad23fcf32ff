"""Every type of the simulator once: how it is declared, two values, and how each client shows them.

Declared, then (literal, what tsql shows, what isql shows) for an ordinary value and for one at the end of its range.
isql shows at most 300 bytes of a value; tsql shows moments to the minute (its own format); isql shows all there is.
"""


def _same(literal, shown):
    return (literal, shown, shown)


COLUMNS = {
    "c_bit": ("bit", _same("1", "1"), _same("0", "0")),
    "c_tinyint": ("tinyint", _same("200", "200"), _same("255", "255")),
    "c_smallint": ("smallint", _same("-1234", "-1234"), _same("-32768", "-32768")),
    "c_int": ("int", _same("-123456789", "-123456789"), _same("-2147483648", "-2147483648")),
    "c_bigint": ("bigint", _same("1234567890123456789", "1234567890123456789"),
                 _same("-9223372036854775808", "-9223372036854775808")),
    "c_decimal": ("decimal(18,4)", _same("1234567890.1234", "1234567890.1234"),
                  _same("-99999999999999.9999", "-99999999999999.9999")),
    "c_numeric": ("numeric(38,10)", _same("-0.0000000001", "-0.0000000001"),
                  _same("9999999999999999999999999999.9999999999", "9999999999999999999999999999.9999999999")),
    "c_smallmoney": ("smallmoney", _same("123.4567", "123.4567"), _same("-214748.3648", "-214748.3648")),
    "c_money": ("money", _same("-123456789.0123", "-123456789.0123"),
                _same("922337203685477.5807", "922337203685477.5807")),
    "c_real": ("real", _same("1.5e0", "1.5"), _same("-3.40282347e38", "-3.40282347e+38")),
    "c_float": ("float", _same("-2.25e10", "-22500000000"),
                _same("1.7976931348623157e308", "1.7976931348623157e+308")),
    "c_date": ("date", ("'2024-02-29'", "Feb 29 2024 12:00AM", "2024-02-29"),
               ("'9999-12-31'", "Dec 31 9999 12:00AM", "9999-12-31")),
    "c_time": ("time(7)", ("'12:34:56.1234567'", "Jan  1 1900 12:34PM", "12:34:56.1234567"),
               ("'23:59:59.9999999'", "Jan  1 1900 11:59PM", "23:59:59.9999999")),
    "c_smalldatetime": ("smalldatetime", ("'2024-02-29T12:34:00'", "Feb 29 2024 12:34PM", "2024-02-29 12:34:00"),
                        ("'2079-06-06T23:59:00'", "Jun  6 2079 11:59PM", "2079-06-06 23:59:00")),
    "c_datetime": ("datetime", ("'2024-02-29T12:34:56.123'", "Feb 29 2024 12:34PM", "2024-02-29 12:34:56.123"),
                   ("'9999-12-31T23:59:59.997'", "Dec 31 9999 11:59PM", "9999-12-31 23:59:59.997")),
    "c_datetime2": ("datetime2(7)",
                    ("'2024-02-29T12:34:56.1234567'", "Feb 29 2024 12:34PM", "2024-02-29 12:34:56.1234567"),
                    ("'9999-12-31T23:59:59.9999999'", "Dec 31 9999 11:59PM", "9999-12-31 23:59:59.9999999")),
    # tsql shows the moment in UTC, isql at its own offset.
    "c_datetimeoffset": ("datetimeoffset(7)",
                         ("'2024-02-29T12:34:56.1234567+02:00'", "Feb 29 2024 12:34PM",
                          "2024-02-29 12:34:56.1234567 +02:00"),
                         ("'1900-01-01T00:00:00.0000001-14:00'", "Jan  1 1900 12:00AM",
                          "1900-01-01 00:00:00.0000001 -14:00")),
    "c_char": ("char(6)", _same("'abc'", "abc   "), _same("'xyzxyz'", "xyzxyz")),
    "c_varchar": ("varchar(50)", _same("'caf\u00e9 \u20ac'", "caf\u00e9 \u20ac"), _same("''", "")),
    "c_varchar_max": ("varchar(max)", _same("'max caf\u00e9'", "max caf\u00e9"),
                      _same("REPLICATE('m', 250)", "m" * 250)),
    "c_nchar": ("nchar(4)", _same("N'\u03a9meg'", "\u03a9meg"), _same("N'\u65e5'", "\u65e5   ")),
    "c_nvarchar": ("nvarchar(50)", _same("N'\u65e5\u672c\u8a9e \U0001f642'", "\u65e5\u672c\u8a9e \U0001f642"),
                   _same("N'it''s'", "it's")),
    "c_nvarchar_max": ("nvarchar(max)", _same("N'max \u65e5\u672c\u8a9e'", "max \u65e5\u672c\u8a9e"),
                       _same("REPLICATE(N'\u03c9', 100)", "\u03c9" * 100)),
    "c_binary": ("binary(4)", _same("0x0001FEFF", "0001feff"), _same("0x01", "01000000")),
    "c_varbinary": ("varbinary(20)", _same("0xDEADBEEF", "deadbeef"), _same("0x", "")),
    "c_varbinary_max": ("varbinary(max)", _same("0x00FF", "00ff"), _same("0x010203", "010203")),
    "c_uniqueidentifier": ("uniqueidentifier",
                           _same("'00112233-4455-6677-8899-AABBCCDDEEFF'", "00112233-4455-6677-8899-AABBCCDDEEFF"),
                           _same("'FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFE'", "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFE")),
}
LARGE = ["c_varchar_max", "c_nvarchar_max", "c_varbinary_max"]
ORDINARY, EXTREME = 1, 2


def declaration():
    return ", ".join([f"{name} {column[0]} NULL" for name, column in COLUMNS.items()])


def literals(which):
    return {name: column[which][0] for name, column in COLUMNS.items()}


def shown(client, which):
    """What the client shows of the row, by column."""
    place = {"tsql": 1, "isql": 2}[client]
    return {name: column[which][place] for name, column in COLUMNS.items()}
