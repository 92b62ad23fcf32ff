"""People's clients at the simulator: tsql, and isql over FreeTDS ODBC, both encrypted.

Each creates a table with every type, enables CDC, changes rows, and both read both change tables. What they show is
printed side by side and compared with what it must be.
"""

import shutil
import unittest

from tests.e2e.simulator_clients import every_type
from tests.e2e.simulator_clients.clients import Isql, Tsql
from tests.support.processes import private_directory, wait_until
from tests.support.simulator import Simulator

DELETED, INSERTED, BEFORE, AFTER = "1", "2", "3", "4"


class SimulatorClients(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.simulator = Simulator(capture_interval="20ms")
        cls.addClassCleanup(cls.simulator.stop)
        cls.directory = private_directory("clients")
        cls.addClassCleanup(shutil.rmtree, cls.directory)
        cls.clients = [Tsql(cls.simulator, cls.directory), Isql(cls.simulator, cls.directory)]
        cls.clients[0].run(["CREATE DATABASE clients"])
        cls.clients[0].run(["EXEC sys.sp_cdc_enable_db"], "clients")
        for client in cls.clients:
            cls.make_changes(client)

    @staticmethod
    def make_changes(client):
        table = f"dbo.by_{client.name}"
        ordinary = every_type.literals(every_type.ORDINARY)
        extreme = every_type.literals(every_type.EXTREME)
        client.run([f"CREATE TABLE {table} (id int NOT NULL PRIMARY KEY, {every_type.declaration()})",
                    "EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', "
                    f"@source_name = N'by_{client.name}', @role_name = NULL"], "clients")
        client.run([f"INSERT INTO {table} VALUES (1, {', '.join(ordinary.values())})",
                    f"INSERT INTO {table} (id) VALUES (2)",
                    f"UPDATE {table} SET {', '.join([f'{n} = {v}' for n, v in extreme.items()])} WHERE id = 1",
                    f"UPDATE {table} SET c_int = 7 WHERE id = 1",
                    f"DELETE FROM {table} WHERE id = 1"], "clients")

    def read(self, client, table, rows, columns="*", order=""):
        """The rows of the table, once all of them are there."""

        def all_there():
            found = client.run([f"SELECT {columns} FROM {table} {order}"], "clients")
            return found if len(found) >= rows else None

        return wait_until(all_there, 30, f"{table} has {rows} rows", every=0.2)

    def expected_changes(self, client):
        """(operation, id, shown values) of every change, in order."""
        ordinary = every_type.shown(client.name, every_type.ORDINARY)
        extreme = every_type.shown(client.name, every_type.EXTREME)
        nulls = dict.fromkeys(every_type.COLUMNS)
        # A large value that the statement did not change is NULL in the images of an update.
        unchanged = {**extreme, **dict.fromkeys(every_type.LARGE)}
        return [(INSERTED, "1", ordinary), (INSERTED, "2", nulls), (BEFORE, "1", ordinary), (AFTER, "1", extreme),
                (BEFORE, "1", unchanged), (AFTER, "1", {**unchanged, "c_int": "7"}),
                (DELETED, "1", {**extreme, "c_int": "7"})]

    def changes(self, client, by):
        names = ["[__$operation]", "id", *every_type.COLUMNS]
        rows = self.read(client, f"cdc.dbo_by_{by.name}_CT", 7, ", ".join(names),
                         "ORDER BY [__$start_lsn], [__$command_id], [__$seqval], [__$operation]")
        return [(row[0], row[1], dict(zip(every_type.COLUMNS, row[2:]))) for row in rows]

    def compare(self, client, got, wanted, what):
        def text(value):
            return "" if value is None else value

        self.assertEqual([change[:2] for change in got], [change[:2] for change in wanted], what)
        for number, (have, want) in enumerate(zip(got, wanted)):
            for name in every_type.COLUMNS:
                if client.name == "isql":
                    self.assertEqual(text(have[2][name]), text(want[2][name]), f"{what}, change {number}, {name}")
                else:
                    self.assertEqual(have[2][name], want[2][name], f"{what}, change {number}, {name}")

    def test_both_clients_read_every_change_of_both(self):
        for by in self.clients:
            seen = {}
            for client in self.clients:
                seen[client.name] = self.changes(client, by)
            self.show(by, seen)
            for client in self.clients:
                with self.subTest(changed_by=by.name, read_by=client.name):
                    self.compare(client, seen[client.name], self.expected_changes(client),
                                 f"changed by {by.name}, read by {client.name}")

    @staticmethod
    def show(by, seen):
        print(f"\ncdc.dbo_by_{by.name}_CT as both clients show it (the first two changes of row 1)")
        for change in (0, 3):
            print(f"  {'operation ' + seen['tsql'][change][0]:<20}{'tsql':<46}isql")
            for name in every_type.COLUMNS:
                values = [str(seen[client][change][2][name]) for client in ("tsql", "isql")]
                cut = [value if len(value) < 44 else value[:40] + "..." for value in values]
                print(f"  {name:<20}{cut[0]:<46}{cut[1]}")

    def test_the_tables_hold_what_was_left(self):
        for by in self.clients:
            for client in self.clients:
                rows = self.read(client, f"dbo.by_{by.name}", 1)
                self.assertEqual(len(rows), 1)
                self.assertEqual(rows[0][0], "2")
                self.assertEqual([cell or None for cell in rows[0][1:]], [None] * len(every_type.COLUMNS))

    def test_the_change_functions_answer_both_clients(self):
        for client in self.clients:
            rows = client.run(["SELECT COUNT(*) FROM cdc.fn_cdc_get_all_changes_dbo_by_tsql("
                               "sys.fn_cdc_get_min_lsn('dbo_by_tsql'), sys.fn_cdc_get_max_lsn(), N'all')"], "clients")
            self.assertEqual(rows, [["5"]])


if __name__ == "__main__":
    unittest.main()
