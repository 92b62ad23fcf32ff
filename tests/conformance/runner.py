"""Carries out the script through one client: connections, databases of its own, steps in order, waiting steps beside others."""

import concurrent.futures
import dataclasses
import os
import time

from tests.conformance.clients.common import LoginFailed
from tests.conformance.script import Error, Message, Rows, is_prepared
from tests.conformance.values import difference
from tests.support.processes import wait_until

ANSWER_SECONDS = 60
IN_USE = 3702
REFUSED_SECONDS = 4  # Microsoft's JDBC driver tries again for so long where the database is not there.
EVENTUALLY_SECONDS = {True: 20, False: 90}  # A real server's capture job and Agent take their time.


class Unfit(Exception):
    """What the runner itself needs did not succeed; with the number of the server's error."""

    def __init__(self, text, number=None):
        super().__init__(text)
        self.number = number


@dataclasses.dataclass
class Server:
    """host and port as the clients take them; simulated: sp_sim_control is there."""
    host: str
    port: int
    user: str
    password: str
    simulated: bool

    @staticmethod
    def real(text):
        """From TAILRACE_TEST_SQLSERVER, `host=...;port=...;user=...;password=...`."""
        fields = dict(part.split("=", 1) for part in text.split(";") if part)
        return Server(fields["host"], int(fields.get("port", 1433)), fields["user"], fields["password"], False)


def without_empty(outcomes):
    """A result that an error ended before its first row counts as the error alone: clients differ in telling its columns."""
    return [each for place, each in enumerate(outcomes)
            if not (isinstance(each, Rows) and not each.rows and place + 1 < len(outcomes)
                    and isinstance(outcomes[place + 1], Error))]


class Skip(Exception):
    """The step is not carried out; says why."""


class SubjectRun:
    """One subject with one client: a database, and the steps up to the one that is asked for.

    Sections do not lean on each other, but on those titled `setup`, which come first.
    """

    def __init__(self, client, server, subject, seconds=None):
        self.client, self.server, self.subject = client, server, subject
        self.database = f"conf_{os.getpid()}_{client.name.lower().replace(' ', '_')}_{subject.name}"
        self.login = f"{self.database}_login"
        self.seconds = seconds or EVENTUALLY_SECONDS[server.simulated]
        self.connections = {}
        self.started = {}
        self.results = {}
        self.made = False

    def administer(self, *statements):
        connection = self.client.connect(self.server, self.server.user, self.server.password, "master")
        try:
            for statement in statements:
                for each in connection.run(statement):
                    if isinstance(each, Error):
                        raise Unfit(f"{statement}: {each}", each.number)
        finally:
            connection.close()

    def make(self):
        if self.made:
            return
        self.made = True
        self.administer(f"CREATE DATABASE {self.database} COLLATE Latin1_General_CI_AS",
                        f"ALTER DATABASE {self.database} SET ALLOW_SNAPSHOT_ISOLATION ON",
                        f"ALTER DATABASE {self.database} SET READ_COMMITTED_SNAPSHOT ON")
        for section in self.subject.sections:
            if section.title == "setup":
                self.section(section)

    def remove(self):
        self.leave()
        if self.made:
            # The server may learn of the last connection's end after the client.
            wait_until(self.dropped, ANSWER_SECONDS, f"nobody uses {self.database} any more")
            self.administer(f"IF EXISTS (SELECT 1 FROM sys.server_principals WHERE name = '{self.login}') "
                            f"DROP LOGIN {self.login}")

    def dropped(self):
        try:
            self.administer(f"DROP DATABASE {self.database}")
        except Unfit as failure:
            if failure.number == IN_USE:
                return False
            raise
        return True

    def result(self, section, step):
        """None, or how the step's answer differs; Skip where it is not carried out."""
        self.make()
        if id(step) not in self.results:
            self.section(section)
        result = self.results[id(step)]
        if isinstance(result, Exception):
            raise result
        return result

    def section(self, section):
        try:
            for index, step in enumerate(section.steps):
                self.results[id(step)] = self.step(section, index, step)
        finally:
            self.leave()

    def leave(self):
        """Closes every connection; what is still waiting ends with it."""
        for future, thread in self.started.values():
            concurrent.futures.wait([future], ANSWER_SECONDS)
            thread.shutdown(wait=False)
        for connection in self.connections.values():
            connection.close()
        self.connections, self.started = {}, {}

    def step(self, section, index, step):
        if "real" in step.tags and self.server.simulated:
            return Skip(f"only a real server: {step.tags['real']}")
        if "simulator" in step.tags and not self.server.simulated:
            return Skip(f"only the simulator: {step.tags['simulator']}")
        if reason := self.client.cannot(section, step):
            return Skip(reason)
        try:
            return self.compared(section, index, step)
        except (LoginFailed, TimeoutError, OSError, Unfit) as failure:
            return f"{type(failure).__name__}: {failure}"

    def compared(self, section, index, step):
        expected = self.client.told(self.client.adapt(self.filled(step.expected)))
        deadline = time.monotonic() + self.seconds
        while True:
            got = self.client.told(without_empty(self.carry_out(section, index, step)))
            if step.kind == "login":
                # Drivers tell the two errors of a refused login in their own order, and add their own.
                numbers = {each.number for each in expected if isinstance(each, Error)}
                got = [each for each in got if isinstance(each, Error) and each.number in numbers]
            found = difference(expected, got, "unordered" in step.tags)
            if not found or "eventually" not in step.tags or time.monotonic() > deadline:
                return found
            time.sleep(0.02 if self.server.simulated else 0.5)

    def filled(self, expected):
        out = []
        for want in expected:
            if isinstance(want, Rows):
                out.append(Rows(want.columns, [[self.fill(cell) for cell in row] for row in want.rows]))
            elif isinstance(want, (Error, Message)) and want.text:
                out.append(dataclasses.replace(want, text=self.fill(want.text)))
            else:
                out.append(want)
        return out

    def fill(self, text):
        return text.replace("{database}", self.database).replace("{login}", self.login)

    def carry_out(self, section, index, step):
        if step.kind == "close":
            self.connections.pop(step.connection).close()
            return []
        if step.kind == "login":
            return self.log_in(step)
        if step.kind == "collect":
            future, thread = self.started.pop(step.connection)
            thread.shutdown(wait=False)
            return future.result(timeout=ANSWER_SECONDS)
        if step.connection in self.started:
            raise Unfit(f"connection {step.connection} still waits for its answer")
        connection = self.connection(step.connection)
        if step.kind == "again":
            return connection.again(step.parameters)
        sql = self.fill(step.text)
        if step.kind == "start":
            thread = concurrent.futures.ThreadPoolExecutor(1)
            self.started[step.connection] = (thread.submit(connection.run, sql), thread)
            return []
        return connection.run(sql, step.parameters, is_prepared(section, index))

    def connection(self, name):
        if name not in self.connections:
            self.connections[name] = self.client.connect(self.server, self.server.user, self.server.password,
                                                         self.database)
        return self.connections[name]

    def log_in(self, step):
        """`A= user=... password=... database=...`: a new connection in place of an old one."""
        given = dict(part.split("=", 1) for part in self.fill(step.text).split())
        if step.connection in self.connections:
            self.connections.pop(step.connection).close()
        try:
            self.connections[step.connection] = self.client.connect(
                self.server, given.get("user", self.server.user), given.get("password", self.server.password),
                given.get("database", self.database), REFUSED_SECONDS)
        except LoginFailed as refused:
            return refused.outcomes
        return []
