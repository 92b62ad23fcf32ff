"""What the works on the stream share: a target that holds the source as it was, and changes that wait in change tables.

Every run begins with a copy of that target. Each participant brings it to the source's present state.
"""

from bench.works.snapshot import enable_cdc
from tests.support.compare import tracked_tables
from tests.support.simulator import run_sql, scalar


class Changes:
    """`tables`, `sums` and `count` (changes; an update is one) are known once it is prepared."""

    kind = "changes"
    unit = "changes"
    name = ""
    title = ""

    def __init__(self, sizes):
        self.sizes = sizes
        self.database = f"bench_{self.name}"
        self.base = f"{self.name}_base"  # The target database before the changes.
        self.golden = None  # The target database of the first run that was found equal.
        self.note = ""

    def table_columns(self):
        """name -> columns of each table."""
        raise NotImplementedError

    def fill(self, stage, connection):
        """The rows before the changes."""

    def change(self, stage, connection):
        """Writes the changes."""
        raise NotImplementedError

    def prepare(self, stage, tailrace):
        stage.create_source(self.database)
        tables = self.table_columns()
        with stage.source(self.database)() as connection:
            run_sql(connection, "BEGIN TRANSACTION")
            for name, columns in tables.items():
                run_sql(connection, f"CREATE TABLE dbo.{name} ({columns})")
            self.fill(stage, connection)
            run_sql(connection, "COMMIT TRANSACTION")
            enable_cdc(connection, tables)
            tailrace.base(stage, self)
            self.change(stage, connection)
            # The capture job is waited for by doing its work.
            while dict(run_sql(connection, "EXEC sp_sim_control 'scan'"))["transactions"]:
                pass
            self.tables = tracked_tables(connection)
            self.count = sum(scalar(connection, f"SELECT COUNT(*) FROM cdc.dbo_{name}_CT WHERE [__$operation] <> 3")
                             for name in tables)
        self.sums = stage.source_sums(self.database, self.tables)

    def clean(self, stage):
        for database in (self.base, self.golden):
            if database:
                stage.drop_target(database)
        stage.drop_source(self.database)
