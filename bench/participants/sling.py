"""sling: one stream for each table over go-mssqldb, tables that it makes itself, without keys."""

import pathlib
import sysconfig

from bench.participants.unable import Unable, must_end_well

REPLICATION = """\
source: SOURCE
target: TARGET
defaults:
  mode: full-refresh
  object: "sling.{stream_table}"
streams:
"""


class Sling:
    name = "sling"
    kind = "peer"
    is_slow = True  # An hour for all rows of the snapshots.
    process = "sling"
    own_schema = "sling"

    def snapshot(self, stage, work, database):
        program = pathlib.Path(sysconfig.get_path("purelib")) / "sling_linux_amd64" / "bin" / "sling-linux-amd64"
        if not program.exists():
            raise Unable("the Python package sling-linux-amd64 is not installed")
        stage.create_target(database)
        file = stage.directory / f"{database}.yaml"
        file.write_text(REPLICATION + "".join(
            f"  dbo.{table.name}:\n" for table in work.tables), encoding="utf-8")
        home = stage.directory / "sling"
        home.mkdir(exist_ok=True)
        source, target = stage.simulator, stage.peer()
        usage, process = stage.measured(self.process, lambda: stage.start(
            self.process, [program, "run", "-r", file], environment={
                "SLING_HOME_DIR": str(home), "SLING_DISABLE_TELEMETRY": "true",
                "SOURCE": f"sqlserver://{source.user}:{source.password}@127.0.0.1:{source.port}?database={work.database}"
                          "&encrypt=true&TrustServerCertificate=true",
                "TARGET": f"postgresql://{target}@127.0.0.1:{stage.postgres.port}/{database}?sslmode=disable"}))
        must_end_well(process)
        return usage
