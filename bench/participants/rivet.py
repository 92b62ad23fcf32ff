"""rivet: SQL Server to files (it does not write to PostgreSQL): CSV files, which are copied into the target for the comparison
alone."""

import pathlib
import sys

from bench.participants.unable import Unable, must_end_well


class Rivet:
    name = "rivet (to files)"
    kind = "peer"
    process = "rivet"

    def snapshot(self, stage, work, database):
        program = pathlib.Path(sys.executable).parent / "rivet"
        if not program.exists():
            raise Unable("the Python package rivet-cli is not installed")
        source = stage.simulator
        config = stage.directory / f"{database}.yaml"
        environment = {"SOURCE": f"sqlserver://{source.user}:{source.password}@127.0.0.1:{source.port}/{work.database}"}
        # It asks the catalog, and writes the configuration that it then runs.
        process = stage.start(self.process, [program, "init", "--source-env", "SOURCE", "--mode", "full", "--output", config],
                              environment=environment)
        process.wait(120)
        must_end_well(process)
        raise Unable("its export is not measured: " + config.read_text(encoding="utf-8")[:80])
