"""Clients that nobody here wrote judge the simulator: tsql and isql of FreeTDS, encrypted, with every type.

tsql creates a table with a column of every type, enables CDC, changes rows and reads the change table; isql (through
the ODBC driver manager) reads both as well. What each shows is compared, side by side, with the value that was written.
"""

import os
import pathlib
import re
import socket
import subprocess
import threading
import unittest

from tests.e2e.case import leave_note
from tests.support.processes import wait_until
from tests.support.simulator import Simulator, run_sql

DRIVER = "/usr/lib/x86_64-linux-gnu/odbc/libtdsodbc.so"
# column type, literal, what tsql shows, what isql shows
VALUES = [
    ("bit", "1", "1", "1"),
    ("tinyint", "255", "255", "255"),
    ("smallint", "-32768", "-32768", "-32768"),
    ("int", "2147483647", "2147483647", "2147483647"),
    ("bigint", "-9223372036854775808", "-9223372036854775808", "-9223372036854775808"),
    ("decimal(38,10)", "9999999999999999999999999999.9999999999", "9999999999999999999999999999.9999999999",
     "9999999999999999999999999999.9999999999"),
    ("numeric(10,2)", "1.50", "1.50", "1.50"),
    ("money", "-922337203685477.5808", "-922337203685477.5808", "-922337203685477.5808"),
    ("smallmoney", "214748.3647", "214748.3647", "214748.3647"),
    ("float", "1.5e0", "1.5", "1.5"),
    ("real", "-0.25e0", "-0.25", "-0.25"),
    ("date", "'2013-01-02'", "2013-01-02", "2013-01-02"),
    ("time(7)", "'12:34:56.1234567'", "12:34:56.1234567", "12:34:56.1234567"),
    ("smalldatetime", "'2013-01-02T03:04:00'", "Jan  2 2013 03:04", "2013-01-02 03:04:00"),
    ("datetime", "'2013-01-02T03:04:05.997'", "Jan  2 2013 03:04:05:997AM", "2013-01-02 03:04:05.997"),
    ("datetime2(7)", "'0001-01-01T00:00:00.0000001'", "0001-01-01 00:00:00.0000001", "0001-01-01 00:00:00.0000001"),
    ("datetimeoffset(7)", "'2013-01-02T03:04:05.1234567+05:30'", "2013-01-02 03:04:05.1234567 +05:30",
     "2013-01-02 03:04:05.1234567 +05:30"),
    ("char(5)", "'ab'", "ab", "ab"),
    ("varchar(20)", "'it''s'", "it's", "it's"),
    ("varchar(max)", "'max'", "max", "max"),
    ("nchar(5)", "N'ü纸'", "ü纸", "ü纸"),
    ("nvarchar(20)", "N'Ωμέγα 📎'", "Ωμέγα 📎", "Ωμέγα 📎"),
    ("nvarchar(max)", "N'نوت'", "نوت", "نوت"),
    ("binary(4)", "0x00FF", "00ff0000", "00FF0000"),
    ("varbinary(20)", "0xDEADBEEF", "deadbeef", "DEADBEEF"),
    ("varbinary(max)", "0x0102", "0102", "0102"),
    ("uniqueidentifier", "'6F9619FF-8B86-D011-B42D-00C04FC964FF'", "6F9619FF-8B86-D011-B42D-00C04FC964FF",
     "6F9619FF-8B86-D011-B42D-00C04FC964FF"),
]


class ForeignClients(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.simulator = Simulator()
        cls.addClassCleanup(cls.simulator.stop)
        with cls.simulator.connect() as connection:
            run_sql(connection, "CREATE DATABASE judged")
        cls.conf = pathlib.Path(cls.simulator.directory) / "freetds.conf"
        cls.conf.write_text(
            f"[global]\n\ttds version = 7.4\n\tclient charset = UTF-8\n\tencryption = require\n"
            f"[judged]\n\thost = 127.0.0.1\n\tport = {cls.simulator.port}\n", encoding="utf-8")
        cls.create()

    @classmethod
    def create(cls):
        """Everything that writes is done by tsql."""
        columns = ", ".join(f"c{n} {kind} NULL" for n, (kind, *_) in enumerate(VALUES))
        values = ", ".join(text for _, text, *_ in VALUES)
        nulls = ", ".join("NULL" for _ in VALUES)
        cls.tsql("CREATE TABLE dbo.every_type (id int NOT NULL PRIMARY KEY, " + columns + ")\ngo",
                 "EXEC sys.sp_cdc_enable_db\ngo",
                 "EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'every_type', "
                 "@role_name = NULL\ngo",
                 f"INSERT INTO dbo.every_type VALUES (1, {values})\ngo",
                 f"INSERT INTO dbo.every_type VALUES (2, {nulls})\ngo",
                 "UPDATE dbo.every_type SET c3 = 42 WHERE id = 1\ngo",
                 "DELETE FROM dbo.every_type WHERE id = 2\ngo",
                 # The answers above are empty; the row is written back to what VALUES says.
                 "UPDATE dbo.every_type SET c3 = 2147483647 WHERE id = 1\ngo")
        with cls.simulator.connect("judged") as connection:
            wait_until(lambda: run_sql(connection, "SELECT COUNT(*) FROM cdc.dbo_every_type_CT")[0][0] == 7, 30,
                       "seven change rows are captured")

    @classmethod
    def tsql(cls, *batches):
        done = subprocess.run(
            ["tsql", "-S", "judged", "-U", "sa", "-P", cls.simulator.password, "-D", "judged", "-o", "fhq", "-t", "|"],
            input="\n".join(batches) + "\nexit\n", capture_output=True, text=True, timeout=60, check=False,
            env={**os.environ, "FREETDSCONF": str(cls.conf), "LC_ALL": "C.UTF-8"})
        said = done.stdout + done.stderr
        if done.returncode != 0 or re.search(r"Msg \d+ \(severity (1[1-9]|2\d)", said):
            raise AssertionError(said)
        return [line for line in done.stdout.splitlines() if "|" in line or line.isdigit()]

    @classmethod
    def isql(cls, query):
        connection = (f"DRIVER={DRIVER};SERVER=127.0.0.1;PORT={cls.simulator.port};UID=sa;"
                      f"PWD={cls.simulator.password};DATABASE=judged;TDS_Version=7.4;Encryption=require;"
                      "ClientCharset=UTF-8")
        done = subprocess.run(["isql", "-k", connection, "-b", "-v", "-d|"], input=query + "\n", capture_output=True,
                              text=True, timeout=60, check=False, env={**os.environ, "LC_ALL": "C.UTF-8"})
        if done.returncode != 0 or "[ISQL]ERROR" in done.stdout + done.stderr:
            raise AssertionError(done.stdout + done.stderr)
        return [line for line in done.stdout.splitlines() if "|" in line]

    def side_by_side(self, title, rows_tsql, rows_isql):
        """One line a type: written, tsql, isql; every difference is a failure of its own."""
        fields_tsql = [field.strip() for field in rows_tsql.split("|")]
        fields_isql = [field.strip() for field in rows_isql.split("|")]
        lines = []
        for (kind, written, for_tsql, for_isql), one, other in zip(VALUES, fields_tsql, fields_isql):
            lines.append(f"{kind:18} {written:42} {one:42} {other}")
            with self.subTest(source=title, type=kind):
                self.assertEqual(one, for_tsql)
                self.assertEqual(other, for_isql)
        print(f"\n{title}\n{'type':18} {'written':42} {'tsql':42} isql\n" + "\n".join(lines))
        leave_note(self.id(), f"{title}: {len(lines)} types, shown alike by tsql and isql")

    def test_every_type_in_the_table(self):
        names = ", ".join(f"c{n}" for n in range(len(VALUES)))
        query = f"SELECT {names} FROM dbo.every_type WHERE id = 1"
        self.side_by_side("the table", self.tsql(query + "\ngo")[-1], self.isql(query)[-1])

    def test_every_type_in_the_change_table(self):
        names = ", ".join(f"c{n}" for n in range(len(VALUES)))
        query = f"SELECT {names} FROM cdc.dbo_every_type_CT WHERE [__$operation] = 2 AND id = 1"
        self.side_by_side("the change table", self.tsql(query + "\ngo")[-1], self.isql(query)[-1])

    def test_operations_in_the_change_table(self):
        query = ("SELECT [__$operation], id, c3 FROM cdc.dbo_every_type_CT "
                 "ORDER BY [__$start_lsn], [__$command_id], [__$seqval], [__$operation]")
        wanted = [["2", "1", "2147483647"], ["2", "2", "NULL"], ["3", "1", "2147483647"], ["4", "1", "42"],
                  ["1", "2", "NULL"], ["3", "1", "42"], ["4", "1", "2147483647"]]
        for rows in (self.tsql(query + "\ngo"), self.isql(query)):
            shown = [[field.strip() or "NULL" for field in row.split("|")] for row in rows]
            self.assertEqual([row for row in shown if row[0].isdigit()], wanted)

    # Without encryption the password and every value would pass in the clear.
    def test_the_connections_are_encrypted(self):
        with Recorder(self.simulator.port) as recorder:
            with self.simulator.connect("judged", port=recorder.port) as connection:
                self.assertEqual(run_sql(connection, "SELECT N'in the clear?'")[0][0], "in the clear?")
        self.assertGreater(len(recorder.seen), 500)
        self.assertNotIn("in the clear?".encode("utf-16-le"), recorder.seen)


class Recorder:
    """Forwards connections and keeps every byte of them."""

    def __init__(self, target_port):
        self.target_port = target_port
        self.seen = b""
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.target_port))
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self._forward, args=(source, sink), daemon=True).start()

    def _forward(self, source, sink):
        try:
            while data := source.recv(65536):
                self.seen += data
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()


if __name__ == "__main__":
    unittest.main()
