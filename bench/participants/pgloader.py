"""pgloader: reads over FreeTDS's db-lib, makes tables and keys itself, in a schema of the source's name.

Its decimals go through floating point numbers on their way, so some differ afterwards; the comparison says it.
"""

import shutil

from bench.participants.unable import Unable, shortened

COMMAND = """\
LOAD DATABASE
  FROM mssql://{source_user}:{source_password}@127.0.0.1:{source_port}/{source}
  INTO postgresql://{user}@127.0.0.1:{port}/{target}
  INCLUDING ONLY TABLE NAMES LIKE {tables} IN SCHEMA 'dbo';
"""

# Without it FreeTDS answers texts in Latin-1, which pgloader takes for UTF-8.
FREETDS = """\
[global]
\ttds version = 7.4
\tclient charset = UTF-8
\ttext size = 2147483647
"""


class Pgloader:
    name = "pgloader"
    kind = "peer"
    is_slow = True  # An hour for all rows of the snapshots.
    process = "pgloader"
    own_schema = "dbo"  # Where it puts the tables.
    why_differs = "its decimals go through floating point numbers"

    def snapshot(self, stage, work, database):
        if not shutil.which("pgloader"):
            raise Unable("the Debian package pgloader is not installed")
        stage.create_target(database)
        command = stage.directory / f"{database}.load"
        command.write_text(COMMAND.format(
            source_user=stage.simulator.user, source_password=stage.simulator.password, source_port=stage.simulator.port,
            source=work.database, user=stage.postgres.user, port=stage.postgres.port, target=database,
            tables=", ".join(f"'{table.name}'" for table in work.tables)), encoding="utf-8")
        freetds = stage.directory / "freetds.conf"
        freetds.write_text(FREETDS, encoding="ascii")
        usage, process = stage.measured(self.process, lambda: stage.start(
            self.process, ["pgloader", command], environment={"FREETDSCONF": str(freetds)}))
        # It ends with 0 also when it could not read the source.
        if process.child.returncode != 0 or " ERROR " in process.log():
            raise Unable(shortened(process.log()))
        return usage
