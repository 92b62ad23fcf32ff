"""errors.on_row: dead_letter: 100 bad rows of nine kinds among 100,000 changes. Exactly those are in the store.

What is bad is bad at the target alone: constraints that a person added there, a row that a person deleted there, and
values that PostgreSQL cannot hold.
"""

import signal
import time

from tests.e2e.case import EndToEnd, long_run
from tests.support.pipeline import CONFIG

LOADED = 10_000
DIGITS = ("WITH digit (d) AS (SELECT d FROM (VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9)) AS v (d)), "
          "number (n) AS (SELECT a.d + 10 * b.d + 100 * c.d FROM digit a CROSS JOIN digit b CROSS JOIN digit c) ")
AT_THE_TARGET = """
    ALTER TABLE thing ADD CONSTRAINT no_bad CHECK (name NOT LIKE 'bad%');
    ALTER TABLE thing ADD COLUMN share int GENERATED ALWAYS AS (1000 / n) STORED;
    ALTER TABLE thing ADD CONSTRAINT one_code UNIQUE (code) DEFERRABLE INITIALLY DEFERRED;
    ALTER TABLE thing ADD CONSTRAINT one_slot EXCLUDE USING btree (slot WITH =) WHERE (slot > 0)
        DEFERRABLE INITIALLY DEFERRED;
    ALTER TABLE thing ADD CONSTRAINT its_owner FOREIGN KEY (owner) REFERENCES owner (id) DEFERRABLE INITIALLY DEFERRED;
    DELETE FROM thing WHERE id BETWEEN 9001 AND 9099"""

# kind -> (statement for the bad key, SQLSTATE, constraint, column, operation). Keys: a hundred thousand times the kind.
KINDS = {
    1: ("INSERT INTO dbo.thing VALUES ({id}, N'a' + NCHAR(0) + N'b', NULL, 1, {id}, 1, 0)", "22021", None, "name"),
    2: ("INSERT INTO dbo.thing VALUES ({id}, N'ok', N'a' + NCHAR(55357) + N'b', 1, {id}, 1, 0)", "22021", None, "body"),
    3: ("INSERT INTO dbo.thing VALUES ({id}, N'ok', REPLICATE(CONVERT(nvarchar(max), N'x'), 25000), 1, {id}, 1, 0)",
        "54000", None, "body"),
    4: ("INSERT INTO dbo.thing VALUES ({id}, N'bad {id}', N'body', 1, {id}, 1, 0)", "23514", "no_bad", None),
    5: ("INSERT INTO dbo.thing VALUES ({id}, N'ok', N'body', 0, {id}, 1, 0)", "22012", None, None),
    6: ("INSERT INTO dbo.thing VALUES ({id}, N'ok', N'body', 1, 3, 1, 0)", "23505", "one_code", None),
    7: ("INSERT INTO dbo.thing VALUES ({id}, N'ok', N'body', 1, {id}, 999, 0)", "23503", "its_owner", None),
    8: ("INSERT INTO dbo.thing VALUES ({id}, N'ok', N'body', 1, {id}, 1, 7)", "23P01", "one_slot", None),
    9: ("UPDATE dbo.thing SET name = N'gone' WHERE id = {id}", None, None, None),
}
EACH = {kind: 12 if kind == 1 else 11 for kind in KINDS}  # 100 altogether.


def bad_keys():
    return [(kind, 9000 + n if kind == 9 else kind * 1_000_000 + n)
            for n in range(1, 13) for kind in KINDS if n <= EACH[kind]]


class DeadLetters(EndToEnd):
    TABLES = {
        "dbo.owner": "id int NOT NULL PRIMARY KEY, name nvarchar(20) NOT NULL",
        "dbo.thing": "id int NOT NULL PRIMARY KEY, name nvarchar(60) NOT NULL, body nvarchar(max) NULL, n int NOT NULL, "
                     "code int NOT NULL, owner int NOT NULL, slot int NOT NULL",
    }

    def setUp(self):
        super().setUp()
        self.configure("32MiB")
        self.sql("INSERT INTO dbo.owner VALUES (1, N'one'), (2, N'two')")
        for first in range(0, LOADED, 1000):
            self.sql(DIGITS + f"INSERT INTO dbo.thing SELECT {first} + n + 1, N'loaded', N'text', 1, {first} + n + 1, 1, "
                              f"CASE WHEN {first} + n + 1 = 5 THEN 7 ELSE 0 END FROM number")
        self.catch_up()
        self.target.execute(AT_THE_TARGET)

    def configure(self, commit_bytes):
        text = CONFIG.format(**self.pipeline.values)
        self.pipeline.write(text.replace("stream: { ", f"stream: {{ max_value_bytes: 40KiB, commit_bytes: {commit_bytes}, ")
                            + "errors: { on_row: dead_letter }\n")

    def make_changes(self, blocks):
        """`blocks` times 1,000 changes, the bad ones among them, each in a transaction with good ones."""
        bad = bad_keys()
        for block in range(blocks):
            share = bad[len(bad) * block // blocks:len(bad) * (block + 1) // blocks]
            if block % 5 < 3:
                first = 100_000 + block * 1000
                good = DIGITS + (f"INSERT INTO dbo.thing SELECT {first} + n, N'made', N'text', 2, {first} + n, 2, 0 "
                                 "FROM number;")
            else:
                first = 10 + block * 1000 % 8000
                good = f"UPDATE dbo.thing SET name = N'block {block}', n = n + 1 WHERE id BETWEEN {first} AND {first + 999};"
            statements = [KINDS[kind][0].format(id=key) for kind, key in share]
            half = len(statements) // 2
            self.sql("BEGIN TRANSACTION; " + "; ".join([*statements[:half], good.rstrip(";"), *statements[half:]])
                     + "; COMMIT")

    def letters(self):
        return self.rows("SELECT key, operation, sqlstate, constraint_name, column_name, row_values, error, lsn, commit_time, "
                         "source_schema || '.' || source_table, id FROM tailrace.dead_letter ORDER BY id")

    def assert_exactly_the_bad_ones(self):
        found = {int(letter[0][0]): letter for letter in self.letters()}
        self.assertEqual(len(self.letters()), 100)
        self.assertEqual(sorted(found), sorted(key for _, key in bad_keys()))
        for kind, key in bad_keys():
            _, operation, sqlstate, constraint, column, values, error, lsn, commit_time, table, _ = found[key]
            self.assertEqual((operation, sqlstate, constraint, column, table),
                             ("update" if kind == 9 else "insert", *KINDS[kind][1:], "dbo.thing"), f"kind {kind}: {error}")
            self.assertEqual(values["id"], str(key))
            self.assertEqual(values.get("name"), {1: None, 4: f"bad {key}", 9: "gone"}.get(kind, "ok"))
            self.assertEqual(values.get("body"), None if kind in (1, 2, 3, 9) else "body")
            self.assertNotIn(column, values)
            self.assertEqual(len(lsn), 10)
            self.assertIsNotNone(commit_time)
            self.assertTrue(error)

    def assert_the_others_landed(self):
        bad = {key for _, key in bad_keys()}
        untouched = set(range(9001, 9100))  # What a person deleted.
        columns = "id, name, body, n, code, owner, slot"
        source = {tuple(row) for row in self.sql(f"SELECT {columns} FROM dbo.thing WHERE id < 1000000")
                  if row[0] not in bad | untouched}
        target = {tuple(row) for row in self.rows(f"SELECT {columns} FROM thing")}
        self.assertEqual(len(source - target) + len(target - source), 0,
                         f"{list(source - target)[:3]} {list(target - source)[:3]}")
        self.assertEqual(self.sql("SELECT COUNT(*) FROM dbo.thing")[0][0], len(source) + len(untouched) + 89)

    def assert_status(self):
        status = self.pipeline.status()
        self.assertTrue(status["diverged"])
        things = next(table for table in status["tables"] if table["table"] == "dbo.thing")
        self.assertEqual((things["dead_letters"], things["diverged_keys"]), (100, 100))
        text = self.pipeline.call("status").stdout
        self.assertIn("diverged  dbo.thing (100 keys)", text)
        self.assertIn("100 dead letters", text)

    def assert_a_restart_changes_nothing(self):
        before = self.letters()
        keys = self.rows("SELECT * FROM tailrace.diverged_key ORDER BY key")
        self.catch_up()
        self.assertEqual(self.letters(), before)
        self.assertEqual(self.rows("SELECT * FROM tailrace.diverged_key ORDER BY key"), keys)

    def assert_everything(self):
        self.assert_exactly_the_bad_ones()
        self.assert_the_others_landed()
        self.assert_status()
        self.assert_a_restart_changes_nothing()

    # One bad row must cost one row: not its transaction, not the pipeline.
    def test_a_hundred_bad_rows_among_a_hundred_thousand_changes(self):
        self.make_changes(100)
        run = self.start()
        started = time.monotonic()
        self.flush(run, seconds=300)
        self.note(f"100 bad rows among 100,100 changes: {time.monotonic() - started:.1f} s, "
                  f"peak memory {run.peak_bytes() / 1048576:.0f} MiB")
        self.drain(run)
        self.assert_everything()

    # A letter is durable with the position, or not at all: else a kill doubles it, or loses the row for good.
    def test_kills_in_the_middle_of_the_search(self):
        self.configure("2MiB")  # So that a commit point has several parts, and is read from the source again.
        self.make_changes(100 if long_run() else 20)
        for point in ["dead_letter.before_repeat:1", "dead_letter.in_bisection:40", "dead_letter.stored:5",
                      "sink.before_commit:1", "sink.after_commit:1"]:
            run = self.start("--until-caught-up", environment={"TAILRACE_CRASH_AT": point})
            self.assertEqual(run.wait(120), -signal.SIGKILL, f"{point}: {run.log()[-4000:]}")
            if not point.startswith("sink.after"):
                self.assertEqual(self.letters(), [], point)
        self.catch_up(seconds=300)
        self.assert_everything()

    # A chunk's COPY is refused as a whole. The table is taken again over a target that refuses some of its rows.
    def test_bad_rows_in_a_snapshot(self):
        self.sql("INSERT INTO dbo.owner VALUES (3, N'a' + NCHAR(0))")
        self.sql("INSERT INTO dbo.owner VALUES (4, N'four')")
        self.target.execute("DROP SCHEMA tailrace CASCADE; DROP TABLE thing, tick; TRUNCATE owner; "
                            "ALTER TABLE owner ADD CHECK (name <> 'two')")
        self.catch_up()
        self.assertEqual(self.rows("SELECT id FROM owner ORDER BY id"), [(1,), (4,)])
        self.assertEqual(self.rows("SELECT key, operation, sqlstate FROM tailrace.dead_letter ORDER BY key"),
                         [(["2"], "read", "23514"), (["3"], "read", "22021")])
        self.assert_a_restart_changes_nothing()
        # The rows are mended at the source: they arrive, and nothing has diverged any more.
        self.sql("UPDATE dbo.owner SET name = N'zwei' WHERE id = 2")
        self.sql("DELETE FROM dbo.owner WHERE id = 3")
        self.catch_up()
        self.assertEqual(self.rows("SELECT id, name FROM owner ORDER BY id"), [(1, "one"), (2, "zwei"), (4, "four")])
        self.assertFalse(self.pipeline.status()["diverged"])
