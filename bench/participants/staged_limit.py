"""The limit of the stream: COPY of the coalesced changes to temporary tables, then one INSERT ... ON CONFLICT and one DELETE
a table, all in one transaction.

Coalesced over the whole backlog: what differs between the target before the changes and tailrace's first run after it was
found equal. So the limit stores each key once, where a reader that commits on its way stores it again.
"""

from bench.participants.unable import Unable
from tests.support.compare import quote


class StagedLimit:
    name = "staged upsert"
    kind = "limit"
    process = "psql"

    def __init__(self):
        self.files = {}  # Database before the changes -> the script.

    def changes(self, stage, work, database):
        if not work.golden:
            raise Unable("there is no equal target yet")
        if work.base not in self.files:
            self.files[work.base] = self._write(stage, work)
        stage.create_target(database, template=work.base)
        usage, process = stage.measured(self.process, lambda: stage.start(
            self.process, stage.psql(database, "-f", self.files[work.base])))
        if process.child.returncode != 0:
            raise RuntimeError(process.log())
        return usage

    from_kafka = chain = changes

    def _write(self, stage, work):
        """The files of the differences, and the script that applies them."""
        script = ["BEGIN;"]
        with stage.target(work.base)() as before, stage.target(work.golden)() as after:
            after.execute("CREATE SCHEMA before")
            for table in work.tables:
                stem = stage.files / f"{work.name}-{table.name}"
                self._differences(before, after, table, stem)
                script += self._apply(table, stem)
            after.execute("DROP SCHEMA before CASCADE")
        path = stage.directory / f"{work.name}-staged.sql"
        path.write_text("\n".join([*script, "COMMIT;"]), encoding="utf-8")
        return path

    @staticmethod
    def _differences(before, after, table, stem):
        old = f"before.{quote(table.name)}"
        keys = ", ".join(map(quote, table.key))
        before.execute(f"COPY {table.target_name} TO '{stem}.old' (FORMAT binary)")
        after.execute(f"CREATE TABLE {old} (LIKE {table.target_name} INCLUDING INDEXES)")
        after.execute(f"COPY {old} FROM '{stem}.old' (FORMAT binary)")
        after.execute(f"COPY (SELECT * FROM {table.target_name} EXCEPT SELECT * FROM {old}) "
                      f"TO '{stem}.upserts' (FORMAT binary)")
        after.execute(f"COPY (SELECT {keys} FROM {old} EXCEPT SELECT {keys} FROM {table.target_name}) "
                      f"TO '{stem}.deletes' (FORMAT binary)")

    @staticmethod
    def _apply(table, stem):
        names = [name for name, _, _ in table.columns]
        keys = ", ".join(map(quote, table.key))
        sets = ", ".join(f"{quote(name)} = excluded.{quote(name)}" for name in names if name not in table.key)
        same = " AND ".join(f"t.{quote(name)} = s.{quote(name)}" for name in table.key)
        stage, gone = quote(f"s_{table.name}"), quote(f"d_{table.name}")
        return [
            f"CREATE TEMPORARY TABLE {stage} (LIKE {table.target_name});",
            f"COPY {stage} FROM '{stem}.upserts' (FORMAT binary);",
            f"CREATE TEMPORARY TABLE {gone} AS SELECT {keys} FROM {table.target_name} WHERE false;",
            f"COPY {gone} FROM '{stem}.deletes' (FORMAT binary);",
            f"DELETE FROM {table.target_name} t USING {gone} s WHERE {same};",
            f"INSERT INTO {table.target_name} SELECT * FROM {stage} ON CONFLICT ({keys}) DO UPDATE SET {sets};"]
