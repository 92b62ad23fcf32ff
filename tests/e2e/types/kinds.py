"""Every SQL Server type with its boundary values: literals for the source, and what PostgreSQL must then show."""

import dataclasses


@dataclasses.dataclass
class Kind:
    """One column. A value is a T-SQL expression and the text of it in PostgreSQL (`column::text`)."""

    name: str
    declaration: str
    target: str  # format_type() in PostgreSQL
    values: list


def _texts(*values):
    return [("N'" + value.replace("'", "''") + "'", value) for value in values]


WIDE = ["", "a  ", "Ω日本 \U0001F642", "''\\\t\n"]
SHAPES = [
    ("POINT (1 2)", "POINT (1 2)"),
    ("POINT (1 2 3)", "POINT Z (1 2 3)"),
    ("POINT (1 2 NULL 4)", "POINT M (1 2 4)"),
    ("POINT (0.1 -0.30000000000000004 3 4)", "POINT ZM (0.1 -0.30000000000000004 3 4)"),
    ("POINT EMPTY", "POINT EMPTY"),
    ("LINESTRING EMPTY", "LINESTRING EMPTY"),
    ("LINESTRING (0 0, 1 1)", "LINESTRING (0 0, 1 1)"),
    ("LINESTRING (0 0 1 2, 1 1 3 4, 2 0 5 6)", "LINESTRING ZM (0 0 1 2, 1 1 3 4, 2 0 5 6)"),
    ("POLYGON EMPTY", "POLYGON EMPTY"),
    ("POLYGON ((0 0, 9 0, 9 9, 0 9, 0 0), (1 1, 1 2, 2 2, 1 1))",
     "POLYGON ((0 0, 9 0, 9 9, 0 9, 0 0), (1 1, 1 2, 2 2, 1 1))"),
    ("MULTIPOINT ((1 2), (3 4))", "MULTIPOINT ((1 2), (3 4))"),
    ("MULTIPOINT EMPTY", "MULTIPOINT EMPTY"),
    ("MULTILINESTRING ((0 0, 1 1), (2 2, 3 3, 4 2))", "MULTILINESTRING ((0 0, 1 1), (2 2, 3 3, 4 2))"),
    ("MULTIPOLYGON (((0 0, 1 0, 1 1, 0 0)), ((5 5, 6 5, 6 6, 5 5)))",
     "MULTIPOLYGON (((0 0, 1 0, 1 1, 0 0)), ((5 5, 6 5, 6 6, 5 5)))"),
    ("GEOMETRYCOLLECTION (POINT (1 2), GEOMETRYCOLLECTION (LINESTRING (0 0, 1 1), POLYGON EMPTY))",
     "GEOMETRYCOLLECTION (POINT (1 2), GEOMETRYCOLLECTION (LINESTRING (0 0, 1 1), POLYGON EMPTY))"),
    ("GEOMETRYCOLLECTION EMPTY", "GEOMETRYCOLLECTION EMPTY"),
    ("CIRCULARSTRING (0 0, 1 1, 2 0)", "CIRCULARSTRING (0 0, 1 1, 2 0)"),
    ("COMPOUNDCURVE ((0 0, 1 0), CIRCULARSTRING (1 0, 2 1, 3 0), (3 0, 4 0))",
     "COMPOUNDCURVE ((0 0, 1 0), CIRCULARSTRING (1 0, 2 1, 3 0), (3 0, 4 0))"),
    ("CURVEPOLYGON (CIRCULARSTRING (0 0, 4 0, 4 4, 0 4, 0 0))",
     "CURVEPOLYGON (CIRCULARSTRING (0 0, 4 0, 4 4, 0 4, 0 0))"),
]


def _shapes(type_name, srid):
    prefix = f"SRID={srid};" if srid else ""
    return [(f"{type_name}::STGeomFromText('{wkt}', {srid})", prefix + ewkt) for wkt, ewkt in SHAPES]


KINDS = [
    Kind("c_bit", "bit", "boolean", [("0", "false"), ("1", "true")]),
    Kind("c_tinyint", "tinyint", "smallint", [("0", "0"), ("255", "255")]),
    Kind("c_smallint", "smallint", "smallint", [("-32768", "-32768"), ("32767", "32767"), ("0", "0")]),
    Kind("c_int", "int", "integer", [("-2147483648", "-2147483648"), ("2147483647", "2147483647"), ("0", "0")]),
    Kind("c_bigint", "bigint", "bigint", [("-9223372036854775808", "-9223372036854775808"),
                                          ("9223372036854775807", "9223372036854775807"), ("0", "0")]),
    Kind("c_decimal", "decimal(38,10)", "numeric(38,10)",
         [("9" * 28 + "." + "9" * 10, "9" * 28 + "." + "9" * 10), ("-1.5", "-1.5000000000"), ("0", "0.0000000000")]),
    Kind("c_money", "money", "numeric(19,4)", [("-922337203685477.5808", "-922337203685477.5808"),
                                               ("922337203685477.5807", "922337203685477.5807"), ("0", "0.0000")]),
    Kind("c_smallmoney", "smallmoney", "numeric(10,4)", [("-214748.3648", "-214748.3648"),
                                                         ("214748.3647", "214748.3647"), ("0", "0.0000")]),
    Kind("c_real", "real", "real", [("-3.4028235E+38", "-3.4028235e+38"), ("1.1754944E-38", "1.1754944e-38"),
                                    ("0e0", "0"), ("-0e0", "-0")]),
    Kind("c_float", "float", "double precision",
         [("1.7976931348623157E+308", "1.7976931348623157e+308"), ("0.1e0", "0.1"), ("0e0", "0"), ("-0e0", "-0")]),
    Kind("c_date", "date", "date", [("'0001-01-01'", "0001-01-01"), ("'9999-12-31'", "9999-12-31")]),
    Kind("c_time", "time(7)", "time(6) without time zone",
         [("'00:00:00'", "00:00:00"), ("'23:59:59.9999999'", "23:59:59.999999")]),
    Kind("c_smalldatetime", "smalldatetime", "timestamp(0) without time zone",
         [("'1900-01-01'", "1900-01-01 00:00:00"), ("'2079-06-06T23:59:00'", "2079-06-06 23:59:00")]),
    Kind("c_datetime", "datetime", "timestamp(3) without time zone",
         [("'1753-01-01'", "1753-01-01 00:00:00"), ("'9999-12-31T23:59:59.997'", "9999-12-31 23:59:59.997"),
          ("'2000-01-01T00:00:00.003'", "2000-01-01 00:00:00.003"), ("'2000-01-01T00:00:00.007'", "2000-01-01 00:00:00.007")]),
    Kind("c_datetime2", "datetime2(7)", "timestamp(6) without time zone",
         [("'0001-01-01'", "0001-01-01 00:00:00"), ("'9999-12-31T23:59:59.9999999'", "9999-12-31 23:59:59.999999")]),
    Kind("c_datetimeoffset", "datetimeoffset(7)", "timestamp(6) with time zone",
         [("'2000-01-01T00:00:00.1234567-03:30'", "2000-01-01 03:30:00.123456+00"),
          ("'9999-12-31T09:59:59.9999999-14:00'", "9999-12-31 23:59:59.999999+00")]),
    Kind("c_char", "char(5)", "text", [("'ab'", "ab   "), ("''", "     ")]),
    Kind("c_varchar", "varchar(20)", "character varying(20)", [("''", ""), ("'caf\u00e9 \u20ac'", "caf\u00e9 \u20ac"), ("'a  '", "a  "),
          ("CONVERT(varchar(20), 0x41808D9DFF)", "A\u20ac\u008d\u009d\u00ff")]),
    Kind("c_varchar_max", "varchar(max)", "text", [("''", ""), ("REPLICATE(CONVERT(varchar(max), 'x'), 20000)", "x" * 20000)]),
    Kind("c_text", "text", "text", [("''", ""), ("'caf\u00e9'", "caf\u00e9"), ("REPLICATE(CONVERT(varchar(max), 'y'), 20000)", "y" * 20000)]),
    Kind("c_nchar", "nchar(4)", "text", [("N'Ω'", "Ω   ")]),
    Kind("c_nvarchar", "nvarchar(20)", "character varying(20)", _texts(*WIDE)),
    Kind("c_nvarchar_max", "nvarchar(max)", "text", _texts(*WIDE)),
    Kind("c_ntext", "ntext", "text", _texts(*WIDE)),
    Kind("c_cyrillic", "varchar(20) COLLATE Cyrillic_General_CI_AS", "character varying(20)", _texts("", "Привет, мир")),
    Kind("c_polish", "char(6) COLLATE Polish_CI_AS", "text", [("N'żółć'", "żółć  ")]),
    Kind("c_greek", "varchar(max) COLLATE Greek_CI_AS", "text", _texts("", "Ωμέγα")),
    Kind("c_japanese", "varchar(20) COLLATE Japanese_CI_AS", "character varying(20)", _texts("日本語 ｱ")),
    Kind("c_utf8", "varchar(40) COLLATE Latin1_General_100_CI_AS_SC_UTF8", "character varying(40)", _texts("日本 \U0001F642 é")),
    Kind("c_turkish_text", "text COLLATE Turkish_CI_AS", "text", _texts("ığşİ")),
    Kind("c_binary", "binary(4)", "bytea", [("0x", "\\x00000000"), ("0x00ff", "\\x00ff0000")]),
    Kind("c_varbinary", "varbinary(8)", "bytea", [("0x", "\\x"), ("0x00", "\\x00"), ("0xffffffffffffffff", "\\xffffffffffffffff")]),
    Kind("c_varbinary_max", "varbinary(max)", "bytea", [("0x", "\\x"), ("0x00ff", "\\x00ff")]),
    Kind("c_image", "image", "bytea", [("0x", "\\x"), ("0x00ff", "\\x00ff")]),
    Kind("c_guid", "uniqueidentifier", "uuid", [("'00112233-4455-6677-8899-AABBCCDDEEFF'", "00112233-4455-6677-8899-aabbccddeeff"),
                                                ("'00000000-0000-0000-0000-000000000000'", "00000000-0000-0000-0000-000000000000")]),
    Kind("c_xml", "xml", "xml", _texts("", "<a b=\"1\">x &amp; \u00e9 \U0001F642</a>", "<a/><b/>", "text alone", "<p:a xmlns:p=\"urn:x\"/>")),
    Kind("c_sparse", "int SPARSE", "integer", [("7", "7")]),
    Kind("c_variant", "sql_variant", "text",
         [("CAST(255 AS tinyint)", "255"), ("-2147483648", "-2147483648"), ("CAST(1 AS bit)", "1"),
          ("CAST(1.50 AS decimal(9,2))", "1.50"), ("CAST(-922337203685477.5808 AS money)", "-922337203685477.5808"),
          ("CAST(0.1 AS float)", "1.0000000000000001e-001"), ("CAST(0.1 AS real)", "1.00000001e-001"),
          ("CAST('9999-12-31' AS date)", "9999-12-31"), ("CAST('23:59:59.1234567' AS time(7))", "23:59:59.1234567"),
          ("CAST('2079-06-06T23:59:00' AS smalldatetime)", "2079-06-06 23:59:00"),
          ("CAST('2000-01-01T00:00:00.003' AS datetime)", "2000-01-01 00:00:00.003"),
          ("CAST('2000-01-01T00:00:00.1234567' AS datetime2(7))", "2000-01-01 00:00:00.1234567"),
          ("CAST('2000-01-01T00:00:00.1234567-03:30' AS datetimeoffset(7))", "2000-01-01 00:00:00.1234567 -03:30"),
          ("CAST('00112233-4455-6677-8899-AABBCCDDEEFF' AS uniqueidentifier)", "00112233-4455-6677-8899-aabbccddeeff"),
          ("CAST(0x00FF AS varbinary(8))", "0x00FF"), ("0x", "0x"), ("N'Ω \U0001F642'", "Ω \U0001F642"), ("'caf\u00e9'", "caf\u00e9"), ("N''", "")]),
    Kind("c_hierarchy", "hierarchyid", "text",
         [(f"'{path}'", path) for path in ("/", "/1/", "/1.1/", "/0/-1/", "/-9.100/5200/", "/1/2/3/4/5/6/7/8/9/10/")]),
    Kind("c_geometry", "geometry", "text", _shapes("geometry", 0) + [("geometry::STGeomFromText('POINT (1 2)', 3857)", "SRID=3857;POINT (1 2)")]),
    Kind("c_geography", "geography", "text", _shapes("geography", 4326)),
]
