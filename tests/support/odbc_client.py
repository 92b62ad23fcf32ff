"""ODBC from Python by ctypes: a driver named by its library, wide characters, parameters, prepared statements.

The Python packages over ODBC keep to themselves what tests of a server want to see: the class and state of an error, the
declared type of a column, and which outcome came first. So this calls the driver manager itself.

Threads  A connection belongs to one thread at a time; calls leave Python's lock while the driver works.
Source   ODBC 3.8; SQL_DIAG_SS_* of Microsoft's driver.
"""

import ctypes
import functools

SUCCESS, WITH_INFO, NO_DATA, ERROR = 0, 1, 100, -1
ENVIRONMENT, CONNECTION, STATEMENT = 1, 2, 3
C_CHAR, C_WCHAR, C_BINARY, C_DOUBLE, C_BIGINT, C_BIT = 1, -8, -2, 8, -25, -7
NULL_DATA = -1
DIAG_STATE, DIAG_SEVERITY = -1150, -1151
COLUMN_NAME, COLUMN_TYPE_NAME, COLUMN_LENGTH, COLUMN_PRECISION, COLUMN_SCALE, COLUMN_TYPE = 1011, 14, 1003, 1005, 1006, 2
COLUMN_UDT_NAME = 1220
BINARY_TYPES = {-2, -3, -4, -151}
FLOAT_TYPES = {6, 7, 8}

# SQL type codes of parameters: the code, and which C type carries the value.
PARAMETER_TYPES = {
    "bit": (-7, C_BIT), "tinyint": (-6, C_BIGINT), "smallint": (5, C_BIGINT), "int": (4, C_BIGINT),
    "bigint": (-5, C_BIGINT), "decimal": (3, C_WCHAR), "numeric": (2, C_WCHAR), "money": (3, C_WCHAR),
    "float": (6, C_DOUBLE), "real": (7, C_DOUBLE), "char": (1, C_WCHAR), "varchar": (12, C_WCHAR),
    "nchar": (-8, C_WCHAR), "nvarchar": (-9, C_WCHAR), "binary": (-2, C_BINARY), "varbinary": (-3, C_BINARY),
    "date": (91, C_WCHAR), "time": (-154, C_WCHAR), "datetime": (93, C_WCHAR), "datetime2": (93, C_WCHAR),
    "datetimeoffset": (-155, C_WCHAR), "uniqueidentifier": (-11, C_WCHAR),
}


@functools.cache
def library():
    odbc = ctypes.CDLL("libodbc.so.2")
    for name in ("SQLAllocHandle", "SQLFreeHandle", "SQLSetEnvAttr", "SQLSetConnectAttrW", "SQLDriverConnectW",
                 "SQLDisconnect", "SQLExecDirectW", "SQLPrepareW", "SQLExecute", "SQLBindParameter", "SQLFetch",
                 "SQLNumResultCols", "SQLColAttributeW", "SQLGetData", "SQLMoreResults", "SQLRowCount",
                 "SQLGetDiagRecW", "SQLGetDiagFieldW", "SQLFreeStmt"):
        getattr(odbc, name).restype = ctypes.c_short
    return odbc


def wide(text):
    """The text as the driver manager wants it: UTF-16, with its end."""
    return ctypes.create_string_buffer(text.encode("utf-16-le") + b"\0\0")


class Diagnostic:
    """One record of what a call said."""

    def __init__(self, sqlstate, number, severity, state, text):
        self.sqlstate, self.number, self.severity, self.state, self.text = sqlstate, number, severity, state, text

    def __repr__(self):
        return f"[{self.sqlstate}] {self.number}: {self.text}"


class OdbcError(Exception):
    """A call that failed, with all of its records."""

    def __init__(self, diagnostics):
        super().__init__("; ".join(map(str, diagnostics)) or "no diagnostic record")
        self.diagnostics = diagnostics


class Handle:
    def __init__(self, kind, parent):
        self.kind = kind
        self.value = ctypes.c_void_p()
        library().SQLAllocHandle(ctypes.c_short(kind), parent.value if parent else None, ctypes.byref(self.value))

    def free(self):
        if self.value:
            library().SQLFreeHandle(ctypes.c_short(self.kind), self.value)
            self.value = ctypes.c_void_p()

    def _number(self, record, field):
        out = ctypes.c_int(0)
        code = library().SQLGetDiagFieldW(ctypes.c_short(self.kind), self.value, ctypes.c_short(record),
                                          ctypes.c_short(field), ctypes.byref(out), ctypes.c_short(-6), None)
        return out.value if code in (SUCCESS, WITH_INFO) else None

    def diagnostics(self):
        records = []
        while True:
            sqlstate, text = ctypes.create_string_buffer(12), ctypes.create_string_buffer(16384)
            number, length = ctypes.c_int(), ctypes.c_short()
            record = len(records) + 1
            code = library().SQLGetDiagRecW(ctypes.c_short(self.kind), self.value, ctypes.c_short(record), sqlstate,
                                            ctypes.byref(number), text, ctypes.c_short(8191), ctypes.byref(length))
            if code not in (SUCCESS, WITH_INFO):
                return records
            said = text.raw[:2 * length.value].decode("utf-16-le", "replace")
            records.append(Diagnostic(sqlstate.raw[:10].decode("utf-16-le"), number.value,
                                      self._number(record, DIAG_SEVERITY), self._number(record, DIAG_STATE), said))

    def check(self, code):
        """The code, unless it is an error."""
        if code not in (SUCCESS, WITH_INFO, NO_DATA):
            raise OdbcError(self.diagnostics())
        return code


class Column:
    def __init__(self, name, type_name, udt, code, length, precision, scale):
        self.name, self.type_name, self.udt, self.code = name, type_name, udt, code
        self.length, self.precision, self.scale = length, precision, scale


class Statement:
    """One statement handle. The values of a bound parameter live as long as it."""

    def __init__(self, connection):
        self.handle = Handle(STATEMENT, connection.handle)
        self._bound = []

    def close(self):
        self.handle.free()

    def execute(self, sql):
        return library().SQLExecDirectW(self.handle.value, wide(sql), ctypes.c_int(-3))

    def prepare(self, sql):
        self.handle.check(library().SQLPrepareW(self.handle.value, wide(sql), ctypes.c_int(-3)))

    def execute_prepared(self):
        return library().SQLExecute(self.handle.value)

    def close_cursor(self):
        library().SQLFreeStmt(self.handle.value, ctypes.c_short(0))

    def bind(self, number, kind, value, size=0, digits=0):
        """Parameter `number` (from 1): a Python int, float, str, bytes or None for the SQL type named `kind`."""
        code, carrier = PARAMETER_TYPES[kind]
        length = ctypes.c_ssize_t(NULL_DATA)
        buffer = ctypes.create_string_buffer(8)
        if value is not None:
            if carrier == C_WCHAR:
                data = value.encode("utf-16-le")
            elif carrier == C_DOUBLE:
                data = bytes(ctypes.c_double(value))
            elif carrier == C_BIGINT:
                data = bytes(ctypes.c_longlong(value))
            elif carrier == C_BIT:
                data = bytes([value])
            else:
                data = value
            buffer = ctypes.create_string_buffer(data, max(len(data), 1))
            length = ctypes.c_ssize_t(len(data))
        self._bound += [buffer, length]
        self.handle.check(library().SQLBindParameter(
            self.handle.value, ctypes.c_ushort(number), ctypes.c_short(1), ctypes.c_short(carrier), ctypes.c_short(code),
            ctypes.c_size_t(size), ctypes.c_short(digits), buffer, ctypes.c_ssize_t(len(buffer)),
            ctypes.byref(length)))

    def forget_parameters(self):
        library().SQLFreeStmt(self.handle.value, ctypes.c_short(3))
        self._bound = []

    def _attribute(self, number, field):
        text, length = ctypes.create_string_buffer(1024), ctypes.c_short()
        value = ctypes.c_ssize_t(0)
        self.handle.check(library().SQLColAttributeW(
            self.handle.value, ctypes.c_ushort(number), ctypes.c_ushort(field), text, ctypes.c_short(1024),
            ctypes.byref(length), ctypes.byref(value)))
        return text.raw[:length.value].decode("utf-16-le"), value.value

    def columns(self):
        count = ctypes.c_short(0)
        self.handle.check(library().SQLNumResultCols(self.handle.value, ctypes.byref(count)))
        return [self._column(i) for i in range(1, count.value + 1)]

    def _column(self, number):
        name, type_name = [self._attribute(number, field)[0] for field in (COLUMN_NAME, COLUMN_TYPE_NAME)]
        udt = self._attribute(number, COLUMN_UDT_NAME)[0] if type_name == "udt" else ""
        return Column(name, type_name, udt, *[self._attribute(number, field)[1] for field in
                                              (COLUMN_TYPE, COLUMN_LENGTH, COLUMN_PRECISION, COLUMN_SCALE)])

    def fetch(self):
        return library().SQLFetch(self.handle.value)

    def more(self):
        return library().SQLMoreResults(self.handle.value)

    def row_count(self):
        count = ctypes.c_ssize_t(-1)
        self.handle.check(library().SQLRowCount(self.handle.value, ctypes.byref(count)))
        return count.value

    def value(self, number, code):
        """The value of the row's column: None, float, bytes or str, as the column's type code wants it."""
        if code in FLOAT_TYPES:
            out, length = ctypes.c_double(), ctypes.c_ssize_t()
            self.handle.check(library().SQLGetData(self.handle.value, ctypes.c_ushort(number), ctypes.c_short(C_DOUBLE),
                                                   ctypes.byref(out), ctypes.c_ssize_t(8), ctypes.byref(length)))
            return None if length.value == NULL_DATA else out.value
        binary = code in BINARY_TYPES
        data, end = self._all(number, C_BINARY if binary else C_WCHAR, 0 if binary else 2)
        if not data and end == NULL_DATA:
            return None
        return bytes(data) if binary else data.decode("utf-16-le")

    def _all(self, number, carrier, ending):
        """Data in pieces: a piece that was cut says so, and is full but for the text's end."""
        data = b""
        buffer, length = ctypes.create_string_buffer(16384), ctypes.c_ssize_t()
        while True:
            code = self.handle.check(library().SQLGetData(
                self.handle.value, ctypes.c_ushort(number), ctypes.c_short(carrier), buffer,
                ctypes.c_ssize_t(len(buffer)), ctypes.byref(length)))
            if code == NO_DATA:
                return data, 0
            if length.value == NULL_DATA:
                return data, NULL_DATA
            room = len(buffer) - ending
            cut = length.value < 0 or length.value > room
            data += buffer.raw[:room if cut else length.value]
            if code == SUCCESS or not cut:
                return data, 0


class Connection:
    def __init__(self, connect_string):
        self.environment = Handle(ENVIRONMENT, None)
        library().SQLSetEnvAttr(self.environment.value, ctypes.c_int(200), ctypes.c_void_p(3), ctypes.c_int(0))
        self.handle = Handle(CONNECTION, self.environment)
        try:
            self.handle.check(library().SQLDriverConnectW(
                self.handle.value, None, wide(connect_string), ctypes.c_short(-3), None, ctypes.c_short(0), None,
                ctypes.c_ushort(0)))
        except OdbcError:
            self.handle.free()
            self.environment.free()
            raise

    def close(self):
        library().SQLDisconnect(self.handle.value)
        self.handle.free()
        self.environment.free()
