"""The conformance script through every client: each step of each client is a case (README.md).

A case that stands alone (`-m unittest tests.conformance.conformance_test.Jdbc.test_types_017`) carries out its section up to
itself. TAILRACE_TEST_SQLSERVER="host=...;port=...;user=...;password=..." names a real server instead of the simulator.
"""

import collections
import os
import pathlib
import shutil
import subprocess
import unittest

from tests.conformance import script
from tests.conformance.clients.jdbc import Jdbc as JdbcClient
from tests.conformance.clients.odbc import FreeTdsOdbc as FreeTdsClient, MicrosoftOdbc as MicrosoftClient
from tests.conformance.clients.tsql import Tsql as TsqlClient
from tests.conformance.runner import Server, Skip, SubjectRun
from tests.support.processes import ROOT, private_directory
from tests.support.simulator import Simulator

SUBJECTS = script.read_all()


def where_is(option):
    done = subprocess.run([ROOT / "tools" / "setup", option], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def microsoft_client(_):
    library = where_is("--microsoft-odbc")
    if not pathlib.Path(library).exists():
        raise unittest.SkipTest(f"no statement over Microsoft's ODBC driver: there is no {library}")
    return MicrosoftClient(library)


def jdbc_client(directory):
    jars = where_is("--jdbc")
    missing = [jar for jar in jars.split(":") if not pathlib.Path(jar).exists()]
    if missing or shutil.which("java") is None:
        raise unittest.SkipTest(f"no statement over JDBC: there is no {' '.join(missing) or 'java'}")
    return JdbcClient(jars, directory / "java.log")


_servers = []


def server():
    """One for all clients of a test module: started with the first, stopped at the module's end."""
    if real := os.environ.get("TAILRACE_TEST_SQLSERVER"):
        return Server.real(real)
    if not _servers:
        simulator = Simulator(capture_interval="20ms")
        unittest.addModuleCleanup(_servers.clear)
        unittest.addModuleCleanup(simulator.stop)
        _servers.append(Server(simulator.host, simulator.port, simulator.user, simulator.password, True))
    return _servers[0]


class ClientCase:
    """What every client's cases share. A mix-in, so that it has no cases of its own."""

    make = None

    @classmethod
    def setUpClass(cls):
        cls.directory = private_directory("conformance")
        cls.addClassCleanup(shutil.rmtree, cls.directory)
        cls.client = cls.make(cls.directory)
        cls.addClassCleanup(cls.client.close)
        cls.runs = {}
        cls.counted = collections.Counter()
        cls.reasons = collections.Counter()

    @classmethod
    def tearDownClass(cls):
        print(f"\n{cls.client.name}: {cls.counted['passed']} as expected, {cls.counted['failed']} not, "
              f"{cls.counted['skipped']} not carried out")
        for reason, count in cls.reasons.most_common():
            print(f"    {count:3} {reason}")
        for run in cls.runs.values():
            run.remove()

    def carry_out(self, subject, section, step):
        if subject.name not in self.runs:
            self.runs[subject.name] = SubjectRun(self.client, server(), subject)
        try:
            found = self.runs[subject.name].result(section, step)
        except Skip as reason:
            self.counted["skipped"] += 1
            self.reasons[str(reason)] += 1
            self.skipTest(str(reason))
        self.counted["failed" if found else "passed"] += 1
        self.assertIsNone(found, f"{subject.name}.txt:{step.line}: {step.text}\n{found}")


def case_class(name, make):
    methods = {"make": staticmethod(make)}
    for subject in SUBJECTS:
        steps = [(section, step) for section in subject.sections for step in section.steps]
        for number, (section, step) in enumerate(steps, 1):
            def case(self, subject=subject, section=section, step=step):
                self.carry_out(subject, section, step)
            case.__doc__ = f"{subject.name}.txt:{step.line}"
            methods[f"test_{subject.name}_{number:03}"] = case
    return type(name, (ClientCase, unittest.TestCase), methods)


FreeTds = case_class("FreeTds", lambda directory: FreeTdsClient())
Jdbc = case_class("Jdbc", jdbc_client)
Microsoft = case_class("Microsoft", microsoft_client)
Tsql = case_class("Tsql", TsqlClient)

if __name__ == "__main__":
    unittest.main()
