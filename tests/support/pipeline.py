"""Runs build/tailrace on a configuration that it writes: commands that end, and runs that go on."""

import json
import os
import pathlib
import subprocess

from tests.support.odbc import driver_setting
from tests.support.processes import BUILD, NotReady, Process, wait_until

CONFIG = """\
pipeline: {name}
source:
  type: sqlserver
  host: {source_host}
  port: {source_port}
  databases: [{database}]
  user: {source_user}
  password: ${{env:TAILRACE_SOURCE_PASSWORD}}
  encrypt: {{ mode: require }}{source_driver}
target:
  type: postgres
  url: {target_url}
  user: {target_user}
  password: ${{env:TAILRACE_TARGET_PASSWORD}}
tables:
  include: [{include}]
snapshot: {{ readers: {readers}, chunk_rows: {chunk_rows}, existing: {existing} }}
stream: {{ poll_interval: {poll_interval} }}
"""


class Pipeline:
    """One configuration file, its secrets in the environment, and the commands on it."""

    def __init__(self, simulator, postgres, directory, database, target="target", name="shop", include="dbo.*",
                 readers=2, chunk_rows=5000, poll_interval="20ms", existing="refuse",
                 source_user=None, source_password=None):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.config = self.directory / f"{name}.yaml"
        source_driver, environment = driver_setting(self.directory)
        self.values = {
            "name": name, "source_driver": source_driver, "source_host": simulator.host, "source_port": simulator.port, "database": database,
            "source_user": source_user or simulator.user, "target_url": postgres.url(target),
            "target_user": postgres.user, "include": include, "readers": readers, "chunk_rows": chunk_rows,
            "poll_interval": poll_interval, "existing": existing}
        self.environment = {"TAILRACE_SOURCE_PASSWORD": source_password or simulator.password,
                            "TAILRACE_TARGET_PASSWORD": postgres.password, **environment}
        self.runs = 0
        self.write()

    def write(self, text=None, **changed):
        """Writes the file: the usual text with some values changed, or another text."""
        self.values.update(changed)
        self.config.write_text(text if text is not None else CONFIG.format(**self.values), encoding="utf-8")

    def command(self, *words):
        return [str(BUILD / "tailrace"), *words[:1], str(self.config), *words[1:]]

    def call(self, *words, seconds=60, environment=None):
        """A command that ends by itself: its exit code, standard output and standard error."""
        try:
            return subprocess.run(self.command(*words), capture_output=True, text=True, errors="replace",
                                  timeout=seconds, stdin=subprocess.DEVNULL, check=False,
                                  env={**os.environ, **self.environment, **(environment or {})})
        except subprocess.TimeoutExpired as late:
            said = b"".join(part or b"" for part in (late.stdout, late.stderr)).decode(errors="replace")
            raise NotReady(f"tailrace {' '.join(words)} still runs after {seconds} s\n{said[-4000:]}") from late

    def start(self, *words, environment=None, keep=False):
        """`tailrace run` in the background, its log in a file of its own."""
        self.runs += 1
        return Process(self.command("run", *words), self.directory / f"run-{self.runs}.log", keep=keep,
                       env={**self.environment, **(environment or {})})

    def status(self):
        """The answer of `status --format json`, None while there is none."""
        done = self.call("status", "--format", "json")
        return json.loads(done.stdout) if done.returncode == 0 and done.stdout.strip() else None


def table_states(connection):
    """schema.table -> state, as the sink keeps them; {} before the first run."""
    exists = connection.execute("SELECT to_regclass('tailrace.table_state') IS NOT NULL").fetchone()[0]
    if not exists:
        return {}
    rows = connection.execute("SELECT source_schema || '.' || source_table, state FROM tailrace.table_state").fetchall()
    return dict(rows)


def wait_streaming(connection, process, tables, seconds):
    """Waits until that many tables stream; NotReady at once when the process ends first."""

    def done():
        if not process.running():
            raise NotReady(f"tailrace ended with {process.child.returncode}:\n{process.log()[-4000:]}")
        states = table_states(connection)
        return len(states) >= tables and all(state == "streaming" for state in states.values())

    wait_until(done, seconds, f"{tables} tables stream; they are {table_states(connection)}", every=0.05)
