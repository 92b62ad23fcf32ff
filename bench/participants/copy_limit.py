"""The limit of a snapshot: what PostgreSQL takes to store the same rows, binary, from a file on its own disk.

`copy` copies into the table that tailrace made, its key in place; `copy, key after` builds the key afterwards. Tables and
rows are those of tailrace's first run, after they were found equal to the source's.
"""

from bench.participants.unable import Unable
from bench.stage import SECTIONS


class CopyLimit:
    kind = "limit"
    process = "psql"

    def __init__(self, key_after):
        self.key_after = key_after
        self.name = "COPY, key after" if key_after else "COPY"

    def files(self, stage, work):
        """Table to file with the rows of the golden target, written once."""
        if not work.golden:
            raise Unable("there is no equal target yet")
        found = {table.target_name: stage.files / f"{work.name}-{table.name}.copy" for table in work.tables}
        with stage.target(work.golden)() as connection:
            for table, path in found.items():
                if not path.exists():
                    connection.execute(f"COPY {table} TO '{path}' (FORMAT binary)")
        return found

    def snapshot(self, stage, work, database):
        files = self.files(stage, work)
        stage.create_target(database)
        before, after = (SECTIONS[:1], SECTIONS[1:]) if self.key_after else (SECTIONS, ())
        with stage.target(database)() as connection:
            stage.make_tables(connection, work.golden, before)
        script = stage.directory / f"{database}.sql"
        script.write_text("SET search_path = public;\n" + "".join(
            f"COPY {table} FROM '{path}' (FORMAT binary);\n" for table, path in files.items())
            + "".join(stage.dump_schema(work.golden, section) for section in after)
            + "".join(f"ANALYZE {table};\n" for table in files), encoding="utf-8")
        usage, process = stage.measured(self.process, lambda: stage.start(
            self.process, stage.psql(database, "-f", script)))
        if process.child.returncode != 0:
            raise RuntimeError(process.log())
        return usage
