"""pgloader: reads over FreeTDS's db-lib, makes tables and keys itself, in a schema of the source's name."""

import shutil

from bench.participants.unable import Unable, shortened

COMMAND = """\
LOAD DATABASE
  FROM mssql://{source_user}:{source_password}@127.0.0.1:{source_port}/{source}
  INTO postgresql://{user}@127.0.0.1:{port}/{target}
  INCLUDING ONLY TABLE NAMES LIKE {tables} IN SCHEMA 'dbo';
"""


class Pgloader:
    name = "pgloader"
    kind = "peer"
    process = "pgloader"

    own_schema = "dbo"  # Where it puts the tables.

    def snapshot(self, stage, work, database):
        if not shutil.which("pgloader"):
            raise Unable("the Debian package pgloader is not installed")
        stage.create_target(database)
        command = stage.directory / f"{database}.load"
        command.write_text(COMMAND.format(
            source_user=stage.simulator.user, source_password=stage.simulator.password, source_port=stage.simulator.port,
            source=work.database, user=stage.postgres.user, port=stage.postgres.port, target=database,
            tables=", ".join(f"'{table.name}'" for table in work.tables)), encoding="utf-8")
        usage, process = stage.measured(self.process, lambda: stage.start(
            self.process, ["pgloader", command], environment={"TDSVER": "7.4"}))
        # It ends with 0 also when it could not read the source.
        if process.child.returncode != 0 or " ERROR " in process.log():
            raise Unable(shortened(process.log()))
        return usage
