"""The script over an ODBC driver: FreeTDS', and Microsoft's."""

import re

from tests.conformance.clients.common import Client, LoginFailed, NOT_TOLD, parsed_parameter
from tests.conformance.script import Affected, Error, Message, Rows
from tests.conformance.values import quoted
from tests.support import odbc_client
from tests.support.odbc_client import ERROR, NO_DATA, SUCCESS, WITH_INFO

TEXT_TYPES = {"char", "varchar", "nchar", "nvarchar", "text", "ntext", "xml", "sql_variant"}
SIZED = {"char", "varchar", "nchar", "nvarchar", "binary", "varbinary"}
LARGEST = 8000
MOMENTS = {9, 91, 93, -155}


def declared(column):
    """The column's type as T-SQL declares it."""
    name = (column.udt or column.type_name).lower().removesuffix(" identity")
    if name in SIZED:
        return f"{name}({column.length if 0 < column.length <= LARGEST else 'max'})"
    if name in ("decimal", "numeric"):
        return f"{name}({column.precision},{column.scale})"
    if name in ("time", "datetime2", "datetimeoffset"):
        return f"{name}({column.scale})"
    return name


def cell(column, value):
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return "0x" + value.hex().upper()
    if isinstance(value, float):
        return repr(value)
    name = column.type_name.lower().removesuffix(" identity")
    if name in TEXT_TYPES:
        return quoted(value)
    if column.code in MOMENTS:
        # FreeTDS writes a year of few digits with few digits.
        return re.sub(r"^(\d{1,3})-", lambda year: year.group(1).zfill(4) + "-", value)
    # Microsoft's driver leaves the zero before the point out.
    return re.sub(r"^(-?)\.", r"\g<1>0.", value)


def said(diagnostics):
    """Errors and messages among the records of a call, the driver's own remarks left out."""
    out = []
    for record in diagnostics:
        text = re.sub(r"^(\[[^\]]*\])+", "", record.text)
        if record.number in NOT_TOLD:
            continue
        if record.sqlstate.startswith("01"):
            if record.sqlstate == "01000":
                out.append(Message(text))
        else:
            out.append(Error(record.number, record.severity or None, record.state or None, text))
    return out


class OdbcConnection:
    def __init__(self, connect_string):
        try:
            self.connection = odbc_client.Connection(connect_string)
        except odbc_client.OdbcError as failure:
            raise LoginFailed(said(failure.diagnostics)) from None
        self.kept = None

    def run(self, sql, parameters=(), keep=False):
        statement = odbc_client.Statement(self.connection)
        try:
            if parameters or keep:
                statement.prepare(sql)
                self.bind(statement, parameters)
                code = statement.execute_prepared()
            else:
                code = statement.execute(sql)
            return self.outcomes(statement, code)
        except odbc_client.OdbcError as failure:
            return said(failure.diagnostics)
        finally:
            if keep:
                self.forget()
                self.kept = statement
            else:
                statement.close()

    def again(self, parameters):
        try:
            self.kept.close_cursor()
            self.kept.forget_parameters()
            self.bind(self.kept, parameters)
            return self.outcomes(self.kept, self.kept.execute_prepared())
        except odbc_client.OdbcError as failure:
            return said(failure.diagnostics)

    @staticmethod
    def bind(statement, parameters):
        for number, parameter in enumerate(parameters, 1):
            kind, size, digits, value = parsed_parameter(*parameter)
            statement.bind(number, kind, value, size, digits)

    def outcomes(self, statement, code):
        out = []
        while True:
            if code in (ERROR, WITH_INFO):
                out += said(statement.handle.diagnostics())
            if code in (SUCCESS, WITH_INFO):
                self.one_result(statement, out)
            elif code == NO_DATA:
                out.append(Affected(0))
            code = statement.more()
            if code == NO_DATA:
                return out
            if code == ERROR and not statement.handle.diagnostics():
                return out

    @staticmethod
    def one_result(statement, out):
        columns = statement.columns()
        if not columns:
            if (count := statement.row_count()) >= 0:
                out.append(Affected(count))
            return
        rows = Rows([(column.name, declared(column)) for column in columns])
        out.append(rows)
        while True:
            code = statement.fetch()
            if code == NO_DATA:
                return
            if code in (ERROR, WITH_INFO):
                out += said(statement.handle.diagnostics())
            if code == ERROR:
                return
            rows.rows.append([cell(column, statement.value(number, column.code))
                              for number, column in enumerate(columns, 1)])

    def forget(self):
        if self.kept is not None:
            self.kept.close()
            self.kept = None

    def close(self):
        self.forget()
        self.connection.close()


class OdbcClient(Client):
    """After an error that comes first a statement has no further results (ODBC's state machine)."""

    def adapt(self, expected):
        errors = [isinstance(want, Error) for want in expected]
        if errors and errors[0] and False in errors:
            return expected[:errors.index(False)]
        return expected


class FreeTdsOdbc(OdbcClient):
    name = "FreeTDS ODBC"
    library = "/usr/lib/x86_64-linux-gnu/odbc/libtdsodbc.so"
    # It tells no small type from the large one, and names no CLR type.
    SHOWN_AS = {"smallmoney": "money", "smalldatetime": "datetime", "hierarchyid": "", "geometry": "", "geography": ""}

    def connect(self, server, user, password, database, seconds=30):
        return OdbcConnection(f"Driver={self.library};Server={server.host};Port={server.port};UID={user};"
                              f"PWD={{{password}}};Database={database};TDS_Version=7.4;ClientCharset=UTF-8;"
                              "Encryption=require")

    def adapt(self, expected):
        """Zero rows affected and none told look the same."""
        out = [Rows([(name, self.SHOWN_AS.get(kind, kind)) for name, kind in want.columns], want.rows)
               if isinstance(want, Rows) and want.columns else want for want in super().adapt(expected)]
        return self.told(out)

    @staticmethod
    def told(outcomes):
        return [each for each in outcomes if each != Affected(0)]


class MicrosoftOdbc(OdbcClient):
    name = "Microsoft ODBC"

    def __init__(self, library):
        self.library = library

    def connect(self, server, user, password, database, seconds=30):
        return OdbcConnection(f"Driver={self.library};Server=tcp:{server.host},{server.port};UID={user};"
                              f"PWD={{{password}}};Database={database};Encrypt=yes;TrustServerCertificate=yes;"
                              "ConnectRetryCount=0")
