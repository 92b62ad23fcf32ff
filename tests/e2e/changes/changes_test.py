"""Every kind of change, through the finished program: SQL at the source, rows at the target."""

import uuid

from demo.workload import ALL_TYPES_COLUMNS, extremes
from demo.schema import TABLES as DEMO_TABLES
from tests.e2e.case import EndToEnd
from tests.support.literals import literal, row_literal


class Changes(EndToEnd):
    TABLES = {
        "dbo.item": "id int NOT NULL PRIMARY KEY, name nvarchar(50) NOT NULL, price decimal(10,2) NULL",
        "dbo.doc": "id int NOT NULL PRIMARY KEY, title nvarchar(50) NULL, body nvarchar(max) NULL, "
                   "file_bytes varbinary(max) NULL, plain varchar(max) NULL",
        "dbo.pair": "a int NOT NULL, b nvarchar(10) NOT NULL, v int NULL, note nvarchar(max) NULL, "
                    "CONSTRAINT pk_pair PRIMARY KEY (a, b)",
        "dbo.tagged": "id int NOT NULL PRIMARY KEY, tag nvarchar(20) NULL CONSTRAINT uq_tag UNIQUE",
    }

    def setUp(self):
        super().setUp()
        self.sql("INSERT INTO dbo.item VALUES (1, N'one', 1.50), (2, N'zwei', NULL), (3, N'三', 0)")
        self.sql("INSERT INTO dbo.doc VALUES (1, N'first', " + literal("long " * 3000) + ", 0x"
                 + bytes(range(256)).hex() * 50 + ", 'plain'), (2, N'empty', N'', 0x, ''), (3, NULL, NULL, NULL, NULL)")
        self.sql("INSERT INTO dbo.pair VALUES (1, N'x', 1, N'large'), (2, N'y', 2, NULL)")
        self.sql("INSERT INTO dbo.tagged VALUES (1, N'a'), (2, N'b'), (3, NULL)")

    def run_changes(self, *statements):
        run = self.start_streaming()
        for statement in statements:
            self.sql(statement)
        self.flush(run)
        self.assert_same()
        self.drain(run)
        return run

    def test_snapshot_alone(self):
        self.catch_up()
        self.assert_same()
        self.assertEqual(self.rows("SELECT name FROM item ORDER BY id"), [("one",), ("zwei",), ("三",)])

    def test_insert_update_delete(self):
        self.run_changes("INSERT INTO dbo.item VALUES (4, N'four', 4.44)",
                         "UPDATE dbo.item SET price = 9.99, name = N'uno' WHERE id = 1",
                         "DELETE FROM dbo.item WHERE id = 2")
        self.assertEqual([tuple(map(str, row)) for row in self.rows("SELECT * FROM item ORDER BY id")],
                         [("1", "uno", "9.99"), ("3", "三", "0.00"), ("4", "four", "4.44")])

    # Many changes of one key in one commit point coalesce to the last state of it.
    def test_many_changes_of_one_key(self):
        self.run_changes("BEGIN TRANSACTION; INSERT INTO dbo.item VALUES (5, N'a', 1); "
                         "UPDATE dbo.item SET name = N'b' WHERE id = 5; DELETE FROM dbo.item WHERE id = 5; "
                         "INSERT INTO dbo.item VALUES (5, N'c', 3); UPDATE dbo.item SET price = 4 WHERE id = 5; COMMIT",
                         "BEGIN TRANSACTION; INSERT INTO dbo.item VALUES (6, N'gone', 1); "
                         "DELETE FROM dbo.item WHERE id = 6; COMMIT")

    # An unchanged large value comes as NULL: taken for a value it would erase the target's.
    def test_unchanged_large_values_stay(self):
        self.run_changes("UPDATE dbo.doc SET title = N'renamed' WHERE id = 1",
                         "UPDATE dbo.doc SET title = N'also' WHERE id = 2",
                         "UPDATE dbo.doc SET body = N'short' WHERE id = 1")
        self.assertEqual(self.row("SELECT title, body, length(file_bytes) FROM doc WHERE id = 1"),
                         ("renamed", "short", 12800))
        self.assertEqual(self.row("SELECT title, body, file_bytes FROM doc WHERE id = 2"), ("also", "", b""))

    # Set to NULL and unchanged look alike but for a bit of the mask.
    def test_large_values_set_to_null_and_to_empty(self):
        self.run_changes("UPDATE dbo.doc SET body = NULL WHERE id = 1", "UPDATE dbo.doc SET file_bytes = 0x WHERE id = 1",
                         "UPDATE dbo.doc SET body = N'', plain = NULL WHERE id = 2",
                         "UPDATE dbo.doc SET body = N'now', plain = '' WHERE id = 3")
        self.assertEqual(self.row("SELECT body, file_bytes FROM doc WHERE id = 1"), (None, b""))

    def test_key_changes(self):
        self.run_changes("UPDATE dbo.item SET id = 10 WHERE id = 1",
                         "UPDATE dbo.pair SET b = N'z' WHERE a = 1",
                         "UPDATE dbo.pair SET a = 3, v = 33 WHERE a = 2")
        self.assertEqual(self.rows("SELECT a, b, note FROM pair ORDER BY a"), [(1, "z", "large"), (3, "y", None)])

    # R7e: along A -> B -> C the large value that nobody touched must travel with the row.
    def test_a_chain_of_key_changes_carries_the_large_value(self):
        self.run_changes("BEGIN TRANSACTION; UPDATE dbo.doc SET id = 20 WHERE id = 1; "
                         "UPDATE dbo.doc SET id = 30 WHERE id = 20; UPDATE dbo.doc SET title = N'moved' WHERE id = 30; "
                         "COMMIT")
        self.assertEqual(self.row("SELECT title, length(file_bytes) FROM doc WHERE id = 30"), ("moved", 12800))

    def test_keys_shifted_by_one(self):
        self.run_changes("UPDATE dbo.item SET id = id + 1", "UPDATE dbo.item SET id = id - 1 WHERE id >= 2")

    def test_keys_swapped(self):
        self.run_changes("UPDATE dbo.item SET id = CASE id WHEN 1 THEN 3 ELSE 1 END WHERE id IN (1, 3)")
        self.assertEqual(self.rows("SELECT id, name FROM item ORDER BY id"), [(1, "三"), (2, "zwei"), (3, "one")])

    # R9b: in the middle of the transaction two rows have the same tag at the target.
    def test_unique_values_swapped(self):
        self.run_changes("UPDATE dbo.tagged SET tag = CASE tag WHEN N'a' THEN N'b' ELSE N'a' END WHERE id IN (1, 2)")
        self.assertEqual(self.rows("SELECT id, tag FROM tagged ORDER BY id"), [(1, "b"), (2, "a"), (3, None)])

    def test_what_is_rolled_back_is_never_there(self):
        self.run_changes("BEGIN TRANSACTION; UPDATE dbo.item SET name = N'never'; ROLLBACK",
                         "BEGIN TRANSACTION; INSERT INTO dbo.item VALUES (7, N'kept', 7); SAVE TRANSACTION half; "
                         "DELETE FROM dbo.item; ROLLBACK TRANSACTION half; COMMIT")

    def test_changes_while_it_is_down(self):
        self.catch_up()
        self.sql("UPDATE dbo.item SET price = 5 WHERE id = 1")
        self.sql("INSERT INTO dbo.pair VALUES (9, N'n', 9, NULL)")
        self.catch_up()
        self.assert_same()

    def test_status_tells_position_and_tables(self):
        self.catch_up()
        status = self.pipeline.status()
        self.assertIsNotNone(status)
        text = str(status)
        self.assertIn("streaming", text)
        self.assertIn("item", text)


class Types(EndToEnd):
    """Every type of the demo with its extremes, by snapshot and by stream: both must give the same row."""

    TABLES = {"dbo.all_types": DEMO_TABLES["dbo.all_types"],
              "dbo.by_guid": "id uniqueidentifier NOT NULL PRIMARY KEY, v int NULL"}

    def fill(self, first):
        rows = ",".join(row_literal((first + n, *values)) for n, values in enumerate(extremes()))
        self.sql("INSERT INTO dbo.all_types VALUES " + rows)

    def test_snapshot_and_stream_give_the_same(self):
        self.fill(100)
        run = self.start_streaming()
        self.fill(200)
        self.flush(run)
        self.assert_same()
        names = ", ".join(ALL_TYPES_COLUMNS)
        self.assertEqual(self.rows(f"SELECT {names} FROM all_types WHERE id BETWEEN 100 AND 199 ORDER BY id"),
                         self.rows(f"SELECT {names} FROM all_types WHERE id BETWEEN 200 AND 299 ORDER BY id"))
        self.drain(run)

    def test_each_column_updated_alone(self):
        self.fill(1)
        run = self.start_streaming()
        values = extremes()
        for position, name in enumerate(ALL_TYPES_COLUMNS):
            for number in range(len(values)):
                self.sql(f"UPDATE dbo.all_types SET {name} = {literal(values[(number + 1) % len(values)][position])} "
                         f"WHERE id = {number + 1}")
        self.flush(run)
        self.assert_same()
        self.drain(run)

    def test_uniqueidentifier_keys(self):
        identities = [uuid.UUID(int=1), uuid.UUID(int=1 << 127), uuid.UUID("6f9619ff-8b86-d011-b42d-00c04fc964ff")]
        for identity in identities[:2]:
            self.sql(f"INSERT INTO dbo.by_guid VALUES ('{identity}', 1)")
        run = self.start_streaming()
        self.sql(f"UPDATE dbo.by_guid SET id = '{identities[2]}' WHERE id = '{identities[1]}'")
        self.sql(f"UPDATE dbo.by_guid SET v = 2 WHERE id = '{identities[0]}'")
        self.flush(run)
        self.assert_same()
        self.assertEqual(sorted(self.rows("SELECT id, v FROM by_guid")), sorted([(identities[2], 1), (identities[0], 2)]))
        self.drain(run)
