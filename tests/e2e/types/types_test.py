"""Every type with its boundary values over every path: snapshot, stream, restart, re-snapshot, bit-equal in PostgreSQL."""

from tests.e2e.case import EndToEnd
from tests.e2e.types.kinds import KINDS

ROWS = max(len(kind.values) for kind in KINDS) + 1
NAMES = [kind.name for kind in KINDS]
LARGE = ("text", "ntext", "image", "xml", "geometry", "geography", "(max)")


def value(kind, row):
    """The row's literal and text; the last row is NULL throughout."""
    if row == ROWS - 1:
        return "NULL", None
    return kind.values[row % len(kind.values)]


def columns(kinds):
    return ", ".join(["id int NOT NULL PRIMARY KEY", "n int NULL",
                      *[f"{kind.name} {kind.declaration} NULL" for kind in kinds]])


class Types(EndToEnd):
    KINDS = KINDS
    TABLES = {"dbo.every": columns(KINDS)}

    def insert(self, base, with_values=True):
        for row in range(ROWS):
            literals = [value(kind, row)[0] if with_values else "NULL" for kind in self.KINDS]
            self.sql(f"INSERT INTO dbo.every (id, n, {', '.join(NAMES)}) VALUES ({base + row}, 0, {', '.join(literals)})")

    def update_all(self, base):
        for row in range(ROWS):
            settings = ", ".join(f"{kind.name} = {value(kind, row)[0]}" for kind in self.KINDS)
            self.sql(f"UPDATE dbo.every SET {settings} WHERE id = {base + row}")

    def assert_paths(self, bases):
        """What each path left is what is expected, and the stored bytes are the same on all of them."""
        self.target.execute("SET TimeZone = 'UTC'")
        for kind in self.KINDS:
            shown = dict(self.rows(f"SELECT id, {kind.name}::text FROM every"))
            sender = self.row("SELECT t.typsend FROM pg_type t JOIN pg_attribute a ON a.atttypid = t.oid "
                              f"WHERE a.attrelid = 'public.every'::regclass AND a.attname = '{kind.name}'")[0]
            stored = dict(self.rows(f"SELECT id, encode({sender}({kind.name}), 'hex') FROM every"))
            for base in bases:
                for row in range(ROWS):
                    with self.subTest(column=kind.name, path=base, row=row):
                        self.assertEqual(shown[base + row], value(kind, row)[1])
                        self.assertEqual(stored[base + row], stored[bases[0] + row])

    def test_every_path_gives_the_same_value(self):
        self.insert(0)          # By snapshot.
        self.insert(4000)       # By snapshot, then updated beside the values.
        self.insert(5000, False)  # By snapshot as NULL, then set by updates.
        run = self.start_streaming()
        for kind in self.KINDS:
            found = self.row("SELECT format_type(atttypid, atttypmod) FROM pg_attribute "
                             f"WHERE attrelid = 'public.every'::regclass AND attname = '{kind.name}'")[0]
            self.assertEqual(found, kind.target, kind.name)
        self.insert(1000)       # By stream.
        self.sql("UPDATE dbo.every SET n = 1 WHERE id >= 4000 AND id < 5000")
        self.update_all(5000)
        self.insert(6000)       # A key that changes takes unchanged large values along.
        self.sql("UPDATE dbo.every SET id = id + 1000 WHERE id >= 6000 AND id < 7000")
        self.flush(run)
        bases = [0, 1000, 4000, 5000, 7000]
        self.assert_paths(bases)
        self.drain(run)
        self.insert(2000)       # While it is down.
        run = self.start_streaming()
        self.flush(run)
        bases.append(2000)
        self.assert_paths(bases)
        before = self.rows("SELECT id, e::text FROM every e ORDER BY id")
        self.drain(run)
        done = self.pipeline.call("table", "resnapshot", "--table", "dbo.every")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.target.execute("UPDATE every SET c_xml = NULL, c_geometry = NULL, c_variant = NULL WHERE id < 1000")
        self.catch_up()
        self.assert_paths(bases)
        self.assertEqual(self.rows("SELECT id, e::text FROM every e ORDER BY id"), before)

    # Each column alone, from every value to the next and to NULL: its bit alone tells what changed.
    def test_each_column_updated_alone(self):
        self.insert(0)
        run = self.start_streaming()
        for kind in self.KINDS:
            for row in range(min(ROWS, len(kind.values) + 1)):
                self.sql(f"UPDATE dbo.every SET {kind.name} = {value(kind, (row + 1) % ROWS)[0]} WHERE id = {row}")
        self.sql(f"UPDATE dbo.every SET {', '.join(name + ' = NULL' for name in NAMES)} WHERE id = {ROWS - 2}")
        self.flush(run)
        for kind in self.KINDS:
            shown = dict(self.rows(f"SELECT id, {kind.name}::text FROM every"))
            for row in range(ROWS):
                with self.subTest(column=kind.name, row=row):
                    changed = row < len(kind.values) + 1
                    expected = value(kind, (row + 1) % ROWS)[1] if changed else value(kind, row)[1]
                    self.assertEqual(shown[row], None if row == ROWS - 2 else expected)
        self.drain(run)


class PostGis(EndToEnd):
    """Spatial values where the target has PostGIS, in a schema that is not on the search path."""

    KINDS = [kind for kind in KINDS if kind.name in ("c_geometry", "c_geography")]
    TABLES = {"dbo.shapes": columns(KINDS)}
    ROWS = max(len(kind.values) for kind in KINDS)

    def insert(self, base):
        for row in range(self.ROWS):
            geometry, geography = (self.value(kind, row)[0] for kind in self.KINDS)
            self.sql(f"INSERT INTO dbo.shapes VALUES ({base + row}, 0, {geometry}, {geography})")

    @staticmethod
    def value(kind, row):
        """PostGIS's geography has no curves."""
        values = [value for value in kind.values if kind.declaration == "geometry" or "CIRC" not in value[0]]
        return values[row % len(values)]

    def test_the_target_has_the_same_shapes(self):
        self.target.execute("CREATE SCHEMA gis; CREATE EXTENSION postgis SCHEMA gis")
        self.insert(0)
        run = self.start_streaming()
        self.insert(1000)
        self.sql("UPDATE dbo.shapes SET n = 1 WHERE id < 1000")
        self.sql("UPDATE dbo.shapes SET id = id + 2000 WHERE id >= 1010 AND id < 1020")
        self.sql("UPDATE dbo.shapes SET id = id - 2000 WHERE id >= 3000")
        self.flush(run)
        self.assertEqual(self.rows("SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = "
                                   "'shapes'::regclass AND attnum > 2 ORDER BY attnum"),
                         [("c_geometry", "gis.geometry"), ("c_geography", "gis.geography")])
        self.target.execute("SET search_path = public, gis")
        for kind in self.KINDS:
            # PostGIS reads the expected text itself: what is stored must be what it would have stored.
            stored = dict(self.rows(f"SELECT id, encode({kind.name}::bytea, 'hex') FROM shapes"))
            for row in range(self.ROWS):
                text = self.value(kind, row)[1]
                expected = self.target.execute(
                    f"SELECT encode(%s::{kind.declaration}::bytea, 'hex')", [text]).fetchone()[0]
                with self.subTest(column=kind.name, text=text):
                    self.assertEqual(stored[row], expected)
                    self.assertEqual(stored[1000 + row], expected)
        self.drain(run)

    def test_a_curve_in_a_geography_is_an_error_of_its_row(self):
        self.target.execute("CREATE EXTENSION postgis")
        run = self.start_streaming()
        self.sql("INSERT INTO dbo.shapes VALUES (7, 0, NULL, "
                 "'GEOMETRYCOLLECTION (POINT (1 2), CIRCULARSTRING (0 0, 1 1, 2 0))')")
        self.assertEqual(run.wait(60), 5)
        for word in ("CIRCULARSTRING", "id=7", "c_geography", "spatial_as_text"):
            self.assertIn(word, run.log())

    # Where bad rows are passed over it is one of them, on both ways.
    def test_a_curve_in_a_geography_may_be_a_dead_letter(self):
        self.target.execute("CREATE EXTENSION postgis")
        self.pipeline.write(text=self.pipeline.config.read_text(encoding="utf-8") + "errors: { on_row: dead_letter }\n")
        curve = "'CIRCULARSTRING (0 0, 1 1, 2 0)'"
        self.sql(f"INSERT INTO dbo.shapes VALUES (1, 0, NULL, 'POINT (1 2)'), (2, 0, NULL, {curve})")
        run = self.start_streaming()
        self.sql(f"INSERT INTO dbo.shapes VALUES (3, 0, NULL, {curve}), (4, 0, NULL, 'POINT (3 4)')")
        self.flush(run)
        self.assertEqual(self.rows("SELECT id FROM shapes ORDER BY id"), [(1,), (4,)])
        self.assertEqual(self.rows("SELECT key, operation, reason, sqlstate, column_name, row_values ? 'c_geography' "
                                   "FROM tailrace.dead_letter ORDER BY id"),
                         [(["2"], "read", "value", "22023", "c_geography", True),
                          (["3"], "insert", "value", "22023", "c_geography", True)])
        self.drain(run)

    # By the option; a full globe is taken too.
    def test_text_where_it_is_wanted(self):
        self.target.execute("CREATE EXTENSION postgis")
        self.sql("INSERT INTO dbo.shapes VALUES (500, 0, NULL, 'FULLGLOBE')")
        config = self.pipeline.config.read_text(encoding="utf-8").replace("target:\n", "target:\n  spatial_as_text: true\n")
        self.pipeline.write(text=config)
        self.insert(0)
        run = self.start_streaming()
        self.flush(run)
        self.assertEqual(self.row("SELECT c_geography FROM shapes WHERE id = 1"), ("SRID=4326;POINT Z (1 2 3)",))
        self.assertEqual(self.row("SELECT c_geography FROM shapes WHERE id = 500"), ("SRID=4326;FULLGLOBE",))
        self.drain(run)


class Odd(EndToEnd):
    """What has no literal, and what is left out."""

    TABLES = {
        "dbo.versioned": "id int NOT NULL PRIMARY KEY, n int NULL, v rowversion, "
                         "twice AS n * 2, kept AS n + 1 PERSISTED, s nvarchar(20) SPARSE NULL",
        "dbo.tree": "node hierarchyid NOT NULL PRIMARY KEY, name ntext NULL",
        "dbo.marked": "v rowversion NOT NULL PRIMARY KEY, n int NULL",
    }

    def rows_of(self, table):
        return [(identity, bytes(version).hex(), n) for identity, version, n in
                self.sql(f"SELECT id, CONVERT(varbinary(8), v), n FROM dbo.{table} ORDER BY id")]

    def test_rowversion_computed_and_sparse_columns(self):
        self.sql("INSERT INTO dbo.versioned (id, n, s) VALUES (1, 1, N'one'), (2, 2, NULL)")
        run = self.start_streaming()
        self.sql("INSERT INTO dbo.versioned (id, n, s) VALUES (3, 3, N'three')")
        self.sql("UPDATE dbo.versioned SET n = 20, s = N'two' WHERE id = 2")
        self.sql("UPDATE dbo.versioned SET n = n WHERE id = 1")
        self.flush(run)
        self.assertEqual([row[0] for row in self.rows("SELECT attname FROM pg_attribute WHERE attnum > 0 AND attrelid "
                                                      "= 'versioned'::regclass ORDER BY attnum")], ["id", "n", "v", "s"])
        self.assertEqual(self.rows("SELECT id, encode(v, 'hex'), n FROM versioned ORDER BY id"), self.rows_of("versioned"))
        self.assertEqual(self.rows("SELECT id, s FROM versioned ORDER BY id"), [(1, "one"), (2, "two"), (3, "three")])
        self.drain(run)

    def test_keys_of_hierarchyid_and_rowversion(self):
        paths = [f"/{a}/{b}.{a}/" for a in range(-2, 20) for b in range(10)]
        self.sql("INSERT INTO dbo.tree VALUES " + ", ".join(f"('{path}', N'{path}')" for path in paths))
        self.sql("INSERT INTO dbo.marked (n) VALUES (1), (2), (3)")
        self.pipeline.write(chunk_rows=100)
        run = self.start_streaming()
        self.sql("UPDATE dbo.tree SET node = '/100/' WHERE node = '/0/0.0/'")
        self.sql("UPDATE dbo.tree SET name = N'changed' WHERE node = '/1/1.1/'")
        self.sql("DELETE FROM dbo.tree WHERE node = '/2/2.2/'")
        self.sql("UPDATE dbo.marked SET n = 30 WHERE n = 3")
        self.sql("DELETE FROM dbo.marked WHERE n = 1")
        self.flush(run)
        expected = {path: path for path in paths if path not in ("/0/0.0/", "/2/2.2/")}
        expected.update({"/100/": "/0/0.0/", "/1/1.1/": "changed"})
        self.assertEqual(dict(self.rows("SELECT node, name FROM tree")), expected)
        source = sorted((bytes(version).hex(), n) for version, n in self.sql("SELECT CONVERT(varbinary(8), v), n FROM dbo.marked"))
        self.assertEqual(sorted(self.rows("SELECT encode(v, 'hex'), n FROM marked")), source)
        self.drain(run)


class TextPolicies(EndToEnd):
    """U+0000 and half surrogate pairs: an error of the row, or stripped, or replaced, as each column says."""

    TABLES = {"dbo.texts": "id int NOT NULL PRIMARY KEY, strict_text nvarchar(20) NULL, stripped nvarchar(20) NULL, "
                           "replaced nvarchar(max) NULL, old_text ntext NULL"}
    BAD = "N'a' + NCHAR(0) + N'b' + NCHAR(0xD83D) + N'c' + NCHAR(0xDC00)"

    def configure(self, text):
        config = self.pipeline.config.read_text(encoding="utf-8").replace(
            "include: [dbo.*]", f"include: [dbo.*]\n  settings:\n    dbo.texts: {{ text: {text} }}")
        self.pipeline.write(text=config)

    def test_strip_and_replace_by_snapshot_and_by_stream(self):
        self.configure("{ strip: [stripped], replace: [replaced, old_text] }")
        self.sql(f"INSERT INTO dbo.texts VALUES (1, N'good', {self.BAD}, {self.BAD}, {self.BAD})")
        run = self.start_streaming()
        self.sql(f"INSERT INTO dbo.texts VALUES (2, N'good', {self.BAD}, {self.BAD}, {self.BAD})")
        self.flush(run)
        expected = ("good", "abc", "a\ufffdb\ufffdc\ufffd", "a\ufffdb\ufffdc\ufffd")
        self.assertEqual(self.rows("SELECT strict_text, stripped, replaced, old_text FROM texts"), [expected, expected])
        self.drain(run)

    def test_an_error_is_the_default(self):
        self.sql(f"INSERT INTO dbo.texts VALUES (1, {self.BAD}, NULL, NULL, NULL)")
        run = self.start()
        self.assertEqual(run.wait(60), 5)
        self.assertIn("strict_text", run.log())

    # R14: two keys could become one.
    def test_a_policy_in_a_key_is_refused(self):
        self.sql("CREATE TABLE dbo.named (name nvarchar(20) NOT NULL PRIMARY KEY)")
        self.enable("dbo.named")
        config = self.pipeline.config.read_text(encoding="utf-8").replace(
            "include: [dbo.*]", "include: [dbo.*]\n  settings:\n    dbo.named: { text: { strip: [name] } }")
        self.pipeline.write(text=config)
        run = self.start()
        self.assertEqual(run.wait(60), 2)
        self.assertIn("dbo.named.name", run.log())
        self.assertIn("text.strip", run.log())
