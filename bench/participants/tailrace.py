"""tailrace itself, with its default settings but for those that a work asks for."""

from tests.support.pipeline import Pipeline

CONFIG = """\
pipeline: bench
source:
  type: sqlserver
  host: {source_host}
  port: {source_port}
  databases: [{database}]
  user: {source_user}
  password: ${{env:TAILRACE_SOURCE_PASSWORD}}
  encrypt: {{ mode: require }}
target:
  type: postgres
  url: {target_url}
  user: {target_user}
  password: ${{env:TAILRACE_TARGET_PASSWORD}}
"""


class Failed(Exception):
    """tailrace did not do its work: no reason to be written into a row, but a fault."""


def pipeline(stage, work, database, settings=""):
    made = Pipeline(stage.simulator, stage.postgres, stage.directory / database, work.database, target=database)
    made.write(CONFIG.format(**made.values) + settings)
    return made


def ended_well(process):
    if process.child.returncode != 0:
        raise Failed(f"tailrace ended with {process.child.returncode}\n{process.log()[-3000:]}")


class Tailrace:
    name = "tailrace"
    kind = "tailrace"
    process = "tailrace"  # The name of its process tree in the figures.

    def __init__(self, settings=""):
        self.settings = settings

    def _run(self, stage, work, database, *words):
        made = pipeline(stage, work, database, self.settings)
        usage, process = stage.measured(self.process, lambda: made.start(*words))
        ended_well(process)
        return usage

    def snapshot(self, stage, work, database):
        """From start to exit: chunks, then keys and ANALYZE."""
        stage.create_target(database)
        return self._run(stage, work, database, "--snapshot-only")

    def base(self, stage, work):
        """The target before the changes."""
        stage.create_target(work.base)
        self._run(stage, work, work.base, "--until-caught-up")

    def changes(self, stage, work, database):
        """From start to exit, everything that waits in the change tables applied."""
        stage.create_target(database, template=work.base)
        return self._run(stage, work, database, "--until-caught-up")
