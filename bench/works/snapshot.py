"""What the three snapshots share: tables that are filled once at the source, and copied whole by each participant."""

import concurrent.futures

from tests.support.compare import tracked_tables
from tests.support.simulator import run_sql, scalar

DIGITS = "WITH digit (d) AS (SELECT d FROM (VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9)) AS v (d)), "


def numbers(digits):
    """A common table expression number (n): 0 to 10^digits - 1, made at the server."""
    terms = " + ".join(f"CONVERT(bigint, d{n}.d) * {10 ** n}" for n in range(digits))
    joins = " CROSS JOIN ".join(f"digit d{n}" for n in range(digits))
    return f"{DIGITS}number (n) AS (SELECT {terms} FROM {joins}) "


def enable_cdc(connection, tables):
    run_sql(connection, "EXEC sys.sp_cdc_enable_db")
    run_sql(connection, "BEGIN TRANSACTION")  # One flush to the disk, not one for each of 1,000 tables.
    for table in tables:
        run_sql(connection, f"EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'{table}', "
                            "@role_name = NULL")
    run_sql(connection, "COMMIT TRANSACTION")


def insert_literals(connection, table, rows, rows_each=1000):
    """Inserts rows that are texts of literals; the next batch is made while the server works at one."""
    def send(batch):
        run_sql(connection, f"INSERT INTO dbo.{table} VALUES (" + "),(".join(batch) + ")")

    with concurrent.futures.ThreadPoolExecutor(1) as sender:
        sent = None
        batch = []
        run_sql(connection, "BEGIN TRANSACTION")
        for row in rows:
            batch.append(row)
            if len(batch) == rows_each:
                if sent is not None:
                    sent.result()
                sent = sender.submit(send, batch)
                batch = []
        if sent is not None:
            sent.result()
        if batch:
            send(batch)
        run_sql(connection, "COMMIT TRANSACTION")


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
        self.golden = None  # The target database of the first run that was found equal: its schema and rows serve the limits.
        self.note = ""

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
