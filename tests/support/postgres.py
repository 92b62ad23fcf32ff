"""A private PostgreSQL: own directory, own port, never as root, asked who it is before anything is written.

    python -m tests.support.postgres        starts one, prints how to reach it, ends it at end of input
"""

import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import sys

import psycopg

from tests.support.processes import NotReady, Process, free_port, memory_directory, private_directory, wait_until

BINARIES = pathlib.Path("/usr/lib/postgresql/15/bin")
PASSWORD = "target secret"


class Postgres:
    """One cluster. `settings` are server parameters; durable=False trades safety at a power loss for speed. `user` is its
    superuser."""

    def __init__(self, durable=False, keep=False, settings=None, directory=None, user="tailrace"):
        # Each database is three hundred files, which some file systems take a quarter of a second to make.
        parent = None if durable or keep else memory_directory(4 << 30)
        self.directory = pathlib.Path(directory) if directory else private_directory("pg", parent)
        self.data = self.directory / "data"
        self.keep = keep
        self.user = user
        self.password = PASSWORD
        self.process = None
        self.port = None
        self.settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": str(self.directory),
                         "max_connections": "60", "log_min_messages": "warning", **(settings or {})}
        if not durable:
            self.settings.update(fsync="off", full_page_writes="off", synchronous_commit="on")
        self._make()
        self.start()

    def _as_owner(self):
        """The words that make a command run as a user that is not root, and end with us."""
        # A change of user forgets the parent-death signal that Process asks for: setpriv sets it again.
        death = [] if self.keep else ["--pdeathsig=INT"]
        if os.geteuid() != 0:
            return ["setpriv", *death, "--"]
        return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *death, "--"]

    def _make(self):
        if self.data.exists():
            return
        password_file = self.directory / "password"
        password_file.write_text(self.password + "\n", encoding="utf-8")
        if os.geteuid() == 0:
            owner = pwd.getpwnam("postgres")
            os.chown(self.directory, owner.pw_uid, owner.pw_gid)
            os.chown(password_file, owner.pw_uid, owner.pw_gid)
        made = subprocess.run(
            [*self._as_owner(), BINARIES / "initdb", "-D", self.data, "-U", self.user, "--no-sync", "-E", "UTF8",
             "--locale=C.UTF-8", "--auth=scram-sha-256", f"--pwfile={password_file}"],
            capture_output=True, text=True, check=False, cwd="/", env={**os.environ, "LC_ALL": "C.UTF-8"})
        if made.returncode != 0:
            raise NotReady("initdb: " + made.stdout + made.stderr)

    def start(self, port=None):
        for _ in range(5):
            self.port = port or free_port()
            options = [f"-c{name}={value}" for name, value in self.settings.items()]
            self.process = Process(
                [*self._as_owner(), BINARIES / "postgres", "-D", self.data, "-p", str(self.port), *options],
                self.directory / "log", keep=self.keep)
            try:
                wait_until(self._answers, 30, "PostgreSQL answers")
                return
            except NotReady:
                log = self.process.log()
                self.process.kill()
                if "could not bind" not in log and "Address already in use" not in log:
                    raise NotReady("PostgreSQL did not start: " + log[-2000:]) from None
        raise NotReady("no free port for PostgreSQL")

    def _answers(self):
        if not self.process.running():
            raise NotReady("PostgreSQL ended")
        try:
            with psycopg.connect(**self.coordinates("postgres"), connect_timeout=5) as connection:
                answered = connection.execute("show data_directory").fetchone()[0]
        except psycopg.OperationalError:
            return False
        # The port may belong to another server: never write into a stranger.
        if pathlib.Path(answered) != self.data:
            raise NotReady(f"port {self.port} is {answered}, not ours")
        return True

    def coordinates(self, database):
        return {"host": "127.0.0.1", "port": self.port, "user": self.user, "password": self.password,
                "dbname": database}

    def connect(self, database="target", **options):
        return psycopg.connect(**self.coordinates(database), autocommit=True, **options)

    def create_database(self, name="target"):
        with self.connect("postgres") as connection:
            connection.execute(f'CREATE DATABASE "{name}"')

    def drop_database(self, name):
        with self.connect("postgres") as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def url(self, database="target"):
        return f"postgresql://127.0.0.1:{self.port}/{database}"

    def stop(self):
        """Fast shutdown; the directory goes as well."""
        self.process.stop(signal.SIGINT, 30)
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def main():
    with Postgres() as server:
        server.create_database()
        print(f"PGPASSWORD='{server.password}' psql -h 127.0.0.1 -p {server.port} -U {server.user} target", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
