"""What the three snapshots share: tables that are filled once at the source, and copied whole by each participant."""

from bench.gates import with_peers
from tests.support.compare import tracked_tables
from tests.support.simulator import run_sql, scalar

BATCH_ROWS = 500_000  # Of a transaction at the source.
ONE_BATCH = 0  # BATCHSIZE for the whole file.


def enable_cdc(connection, tables):
    run_sql(connection, "EXEC sys.sp_cdc_enable_db")
    run_sql(connection, "BEGIN TRANSACTION")  # One flush to the disk, not one for each of 1,000 tables.
    for table in tables:
        run_sql(connection, f"EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'{table}', "
                            "@role_name = NULL")
    run_sql(connection, "COMMIT TRANSACTION")


def bulk_insert(connection, table, path, field, row, batch_rows=BATCH_ROWS):
    """Loads a data file in UTF-8, and removes it. The terminators go as hexadecimal digits: a plain \\n would be CR LF."""
    def written(terminator):
        return "0x" + terminator.encode().hex()

    run_sql(connection, f"BULK INSERT dbo.{table} FROM '{path}' WITH (FIELDTERMINATOR = '{written(field)}', "
                        f"ROWTERMINATOR = '{written(row)}', CODEPAGE = '65001', BATCHSIZE = {batch_rows}, TABLOCK)")
    path.unlink()


class Snapshot:
    """One database at the source. `tables` (compare.Table) and `sums` are known once it is prepared."""

    kind = "snapshot"
    unit = "rows"
    name = ""
    title = ""
    TABLES = {}

    def __init__(self, sizes):
        self.sizes = sizes
        self.database = f"bench_{self.name}"
        self.is_shared = self.has_slow = False
        self.golden = None  # The target database of the first run that was found equal: its schema and rows serve the limits.
        self.note = ""

    def takes(self, participant):
        """Whether it takes part in this of the two."""
        return participant.kind == "tailrace" or self.has_slow == getattr(participant, "is_slow", False) or not self.is_shared

    def shared(self):
        """This work, or two of it: where slow peers copy a part of the rows, tailrace copies the same part beside them."""
        part = self.sizes.peer_part
        if part == 1:
            return [self]
        beside = type(self)(self.sizes.part(part))
        beside.name = with_peers(self.name)
        beside.title = f"{self.title}, {part:g} of the rows, beside slow peers"
        beside.database += "_peers"
        self.is_shared = beside.is_shared = beside.has_slow = True
        return [self, beside]

    def fill(self, stage, connection):
        raise NotImplementedError

    def prepare(self, stage, tailrace):  # tailrace prepares the works on the stream; here nothing is to do for it.
        stage.create_source(self.database)
        with stage.source(self.database)() as connection:
            for name, columns in self.TABLES.items():
                run_sql(connection, f"CREATE TABLE dbo.{name} ({columns})")
            self.fill(stage, connection)
            enable_cdc(connection, self.TABLES)
            self.tables = tracked_tables(connection)
            self.count = sum(scalar(connection, f"SELECT COUNT(*) FROM dbo.{name}") for name in self.TABLES)
        self.sums = stage.source_sums(self.database, self.tables)

    def clean(self, stage):
        if self.golden:
            stage.drop_target(self.golden)
        stage.drop_source(self.database)
