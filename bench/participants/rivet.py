"""rivet: SQL Server to files, of which psql copies each into a table made beforehand, and ANALYZEs it; both together are measured.

It does not write to PostgreSQL itself. Its files are CSV, the only one of its formats that PostgreSQL reads.
"""

import json
import pathlib
import shlex
import sys

from bench.participants.unable import Unable, must_end_well
from tests.support.compare import bracket


class Rivet:
    name = "rivet + COPY of its files"
    kind = "peer"
    process = "rivet"

    def snapshot(self, stage, work, database):
        program = pathlib.Path(sys.executable).parent / "rivet"
        if not program.exists():
            raise Unable("the Python package rivet-cli is not installed")
        if not work.golden:
            raise Unable("there is no target whose tables it could fill")
        stage.create_target(database)
        with stage.target(database)() as connection:
            stage.make_tables(connection, work.golden)
        made = stage.directory / database
        config = self._config(work, made)
        script = made / "copy.sql"
        script.write_text("".join(
            f"\\copy {table.target_name} FROM PROGRAM 'tail -q -n +2 {made}/{table.name}/*.csv' (FORMAT csv)\n"
            f"ANALYZE {table.target_name};\n"
            for table in work.tables), encoding="utf-8")
        words = [[program, "run", "--config", config], stage.psql(database, "-f", script)]
        source = stage.simulator
        usage, process = stage.measured(self.process, lambda: stage.start(
            self.process, ["sh", "-c", " && ".join(shlex.join(map(str, command)) for command in words)], environment={
                "SOURCE": f"sqlserver://{source.user}:{source.password}@127.0.0.1:{source.port}/{work.database}"}))
        must_end_well(process)
        return usage

    @staticmethod
    def _config(work, made):
        """JSON is YAML. `environment: local` is its setting without pauses."""
        exports = []
        for table in work.tables:
            (made / table.name).mkdir(parents=True)
            columns = ", ".join(bracket(name) for name, _, _ in table.columns)
            exports.append({"name": table.name, "query": f"SELECT {columns} FROM {table.source_name}", "mode": "full",
                            "format": "csv", "compression": "none",
                            "destination": {"type": "local", "path": str(made / table.name)}})
        config = made / "rivet.yaml"
        config.write_text(json.dumps({"source": {"type": "mssql", "url_env": "SOURCE", "environment": "local"},
                                      "exports": exports}), encoding="utf-8")
        return config
