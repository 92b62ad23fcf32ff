"""docs/operations/quick-start.md does what it says: its blocks are carried out, in their order and as they stand.

Only places are put in for others (self.places below, which the page's last section names as well): the test's own servers for the
two hosts, its own folder for /etc/tailrace. A block in a language that is not known here fails, so that none is passed over.
"""

import configparser
import os
import pathlib
import pwd
import re
import shlex
import shutil
import subprocess
import unittest

from tests.support.postgres import BINARIES, Postgres
from tests.support.processes import BUILD, ROOT, NotReady, Process, private_directory, wait_until
from tests.support.simulator import Simulator, run_sql

PAGE = ROOT / "docs/operations/quick-start.md"
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LIVE_CHANGE = "INSERT INTO dbo.customers (id, name) VALUES (1000, N'while the service runs')"


def blocks():
    """(line, language, text) of every fenced block."""
    page = PAGE.read_text(encoding="utf-8")
    for match in FENCE.finditer(page):
        yield page.count("\n", 0, match.start()) + 1, match[1], match[2]


def make_certificate(directory):
    """Key and certificate of a server named localhost, readable by the user that PostgreSQL runs as."""
    key, certificate = directory / "server.key", directory / "server.crt"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate],
                   check=True, capture_output=True)
    key.chmod(0o600)
    if os.geteuid() == 0:
        owner = pwd.getpwnam("postgres")
        for file in (key, certificate):
            os.chown(file, owner.pw_uid, owner.pw_gid)
    return key, certificate


class QuickStart(unittest.TestCase):
    def setUp(self):
        self.directory = private_directory("quick-start")
        self.addCleanup(shutil.rmtree, self.directory)
        self.etc = self.directory / "etc"
        self.etc.mkdir()
        key, certificate = make_certificate(self.directory)
        self.postgres = Postgres(user="postgres", settings={"ssl": "on", "ssl_key_file": str(key),
                                                            "ssl_cert_file": str(certificate)})
        self.addCleanup(self.postgres.stop)
        self.simulator = Simulator()
        self.addCleanup(self.simulator.stop)
        authorities = certificate.read_text() + (self.simulator.data / "certificate.pem").read_text()
        (self.etc / "ca.pem").write_text(authorities)
        self.places = {
            "sql01.example.com": "localhost", "port: 1433": f"port: {self.simulator.port}",
            "pg01.example.com:5432": f"localhost:{self.postgres.port}", "/etc/tailrace": str(self.etc),
            "/usr/local/bin/tailrace": str(BUILD / "tailrace")}
        self.window = self.simulator.connect()  # One window of a SQL client, from the first block to the last.
        self.addCleanup(self.window.close)
        self.shell_state = self.directory / "state"
        self.shell_state.touch()

    def test_its_blocks_do_what_the_page_says(self):
        actions = {"tsql": self.tsql, "pgsql": self.pgsql, "yaml": self.yaml, "bash": self.bash, "ini": self.service}
        done = []
        for line, language, text in blocks():
            self.assertIn(language, actions, f"{PAGE.name}:{line}: a block in a language that nobody carries out")
            for place, ours in self.places.items():
                text = text.replace(place, ours)
            try:
                actions[language](text)
            except Exception as failure:
                raise AssertionError(f"{PAGE.name}:{line}: this block failed: {failure}") from failure
            done.append(language)
        self.assertEqual(set(done), set(actions), "every kind of block is there")
        self.assert_replicated()

    # As sqlcmd and SSMS do it: a line GO ends a batch.
    def tsql(self, text):
        for batch in re.split(r"^GO$", text, flags=re.MULTILINE):
            run_sql(self.window, batch)

    def pgsql(self, text):
        self.succeed([BINARIES / "psql", "-X", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", self.postgres.port, "-U",
                      self.postgres.user, "postgres"], text, {"PGPASSWORD": self.postgres.password})

    def yaml(self, text):
        name = re.match(r"# (\S+)\n", text)
        self.assertIsNotNone(name, "the first line says which file it is")
        pathlib.Path(name[1]).write_text(text, encoding="utf-8")

    # One shell from the first block to the last: what is exported stays.
    def bash(self, text):
        state = shlex.quote(str(self.shell_state))
        script = f"source {state}\n{text}\nexport -p >{state}\n"
        said = self.succeed(["bash", "-euo", "pipefail"], script, {"PATH": f"{BUILD}:{BINARIES}:{os.environ['PATH']}"})
        # Who has followed the page has granted and set everything that can be asked for.
        if text.startswith("tailrace check"):
            self.assertIn(" 0 warnings, 0 failures, 0 unknown: can run", said)

    # What systemd would do with the unit: start it with its environment, and end it by SIGTERM.
    def service(self, text):
        unit = configparser.RawConfigParser(strict=False)
        unit.optionxform = str
        unit.read_string(text)
        environment = {}
        for line in pathlib.Path(unit["Service"]["EnvironmentFile"]).read_text(encoding="utf-8").splitlines():
            name, value = line.split("=", 1)
            environment[name] = value
        run = Process(shlex.split(unit["Service"]["ExecStart"]), self.directory / "service.log", env=environment)
        self.addCleanup(run.kill)
        run_sql(self.window, LIVE_CHANGE)

        def arrived():
            if not run.running():
                raise NotReady(run.log()[-4000:])
            with self.postgres.connect("shop") as target:
                return target.execute("SELECT 1 FROM public.customers WHERE id = 1000").fetchone()

        wait_until(arrived, 60, "a change arrives while the service runs")
        run.send(15)
        self.assertEqual(run.wait(30), 0, run.log()[-4000:])

    def succeed(self, command, text, environment):
        done = subprocess.run([str(word) for word in command], input=text, capture_output=True, text=True, timeout=180,
                              check=False, cwd=self.directory, env={**os.environ, **environment})
        self.assertEqual(done.returncode, 0, f"{text}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
        return done.stdout

    def assert_replicated(self):
        for table, columns in (("customers", "id, name"), ("orders", "id, customer_id, total")):
            query = f"SELECT {columns} FROM {{}}.{table} ORDER BY id"
            with self.postgres.connect("shop") as target:
                there = target.execute(query.format("public")).fetchall()
            self.assertEqual(there, run_sql(self.window, query.format("shop.dbo")))
            self.assertGreater(len(there), 2)


if __name__ == "__main__":
    unittest.main()
