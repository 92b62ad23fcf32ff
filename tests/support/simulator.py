"""A private simulated SQL Server (build/sqlserver-sim).

The client is pymssql (FreeTDS), which shares no code with the simulator.
"""

import pathlib
import secrets
import shutil

import pymssql

from tests.support.processes import BUILD, NotReady, Process, free_port, private_directory, wait_until


class Simulator:
    """One server. Its databases live in a private directory and go with it."""

    def __init__(self, capture_interval="20ms", keep=False, retention=None, extra=()):
        self.directory = private_directory("sim")
        self.data = self.directory / "data"
        self.keep = keep
        self.capture_interval = capture_interval
        self.retention = retention
        self.extra = list(extra)
        self.user = "sa"
        self.password = "Sa1-" + secrets.token_hex(8)
        password_file = self.directory / "sa-password"
        password_file.touch(mode=0o600)
        password_file.write_text(self.password, encoding="utf-8")
        self.host = "127.0.0.1"
        self.port = None
        self.process = None
        self.start()

    def start(self, port=None):
        for _ in range(5):
            self.port = port or free_port()
            command = [BUILD / "sqlserver-sim", "--listen", f"127.0.0.1:{self.port}",
                       "--sa-password-file", self.directory / "sa-password", "--data", self.data,
                       "--capture-interval", self.capture_interval]
            if self.retention:
                command += ["--retention", self.retention]
            self.data.mkdir(exist_ok=True)
            out = self.directory / "out"
            self.process = Process(command + self.extra, self.directory / "log", keep=self.keep, stdout=out)
            try:
                wait_until(lambda: self._ready(out), 30, "the simulator is ready")
                return
            except NotReady as failure:
                log = self.process.log()
                self.process.kill()
                if "in use" not in log:
                    raise NotReady(f"the simulator did not start: {failure}\n{log[-2000:]}") from None
        raise NotReady("no free port for the simulator")

    def _ready(self, out):
        if f"ready 127.0.0.1:{self.port}" in pathlib.Path(out).read_text(encoding="utf-8"):
            return True
        if not self.process.running():
            raise NotReady(f"it ended with {self.process.child.returncode}")
        return False

    def connect(self, database="master", user=None, password=None, **options):
        """Autocommit: transactions are written out in the SQL of the tests."""
        return pymssql.connect(server=self.host, port=options.pop("port", self.port), user=user or self.user,
                               password=password or self.password, database=database, tds_version="7.4",
                               encryption="require", autocommit=True, charset="UTF-8", login_timeout=20,
                               timeout=options.pop("timeout", 120), **options)

    def stop(self):
        self.process.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def run_sql(connection, text, parameters=None):
    """Runs one batch and answers the rows of its last result that has rows, [] without one."""
    rows = []
    with connection.cursor() as cursor:
        cursor.execute(text, parameters)
        while True:
            if cursor.description is not None:
                rows = cursor.fetchall()
            if not cursor.nextset():
                return rows


def scalar(connection, text, parameters=None):
    rows = run_sql(connection, text, parameters)
    return rows[0][0] if rows else None
