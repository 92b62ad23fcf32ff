"""A simulator and a database with CDC on for each test, and the SQL that all of them use."""

import itertools
import unittest

import pymssql

from tests.support.processes import wait_until
from tests.support.simulator import Simulator, run_sql, scalar


class CdcCase(unittest.TestCase):
    CAPTURE_INTERVAL = "10ms"
    numbers = itertools.count(1)

    @classmethod
    def setUpClass(cls):
        cls.simulator = Simulator(capture_interval=cls.CAPTURE_INTERVAL)
        cls.addClassCleanup(cls.simulator.stop)

    def setUp(self):
        self.database = f"cdc{next(CdcCase.numbers)}"
        with self.simulator.connect() as master:
            run_sql(master, f"CREATE DATABASE {self.database}")
        self.connection = self.connect()
        self.sql("EXEC sys.sp_cdc_enable_db")
        self.addCleanup(self.sql, "EXEC sp_sim_control 'clear'")

    def connect(self, **options):
        connection = self.simulator.connect(self.database, **options)
        self.addCleanup(connection.close)
        return connection

    def sql(self, text, parameters=None):
        return run_sql(self.connection, text, parameters)

    def value(self, text, parameters=None):
        return scalar(self.connection, text, parameters)

    def error(self, text, connection=None):
        """The number of the SQL error with which the batch fails."""
        with self.assertRaises(pymssql.Error) as caught:
            run_sql(connection or self.connection, text)
        return caught.exception.args[0]

    def enable(self, table, **parameters):
        given = {"source_schema": "dbo", "source_name": table, "role_name": None, **parameters}
        items = ", ".join(f"@{name} = " + ("NULL" if value is None else f"N'{value}'") for name, value in given.items())
        self.sql(f"EXEC sys.sp_cdc_enable_table {items}")

    def captured(self):
        """Everything that was committed is in the change tables."""
        self.sql("EXEC sp_sim_control 'scan'")

    def changes(self, instance, columns):
        self.captured()
        rows = self.sql(f"SELECT [__$operation], [__$update_mask], {columns} FROM cdc.[{instance}_CT] "
                        "ORDER BY [__$start_lsn], [__$command_id], [__$seqval], [__$operation]")
        return [(row[0], row[1].hex(), *row[2:]) for row in rows]

    def wait(self, what, condition):
        wait_until(condition, 20, what)
