"""The script over Microsoft's JDBC driver: one Java process (JdbcRunner.java), spoken to in lines of JSON."""

import itertools
import json
import pathlib
import subprocess
import threading

from tests.conformance.clients.common import Client, LoginFailed, NOT_TOLD, parsed_parameter
from tests.conformance.script import Affected, Error, Message, Rows
from tests.support.processes import die_with_parent

RUNNER = pathlib.Path(__file__).resolve().parent / "JdbcRunner.java"
TIMEOUT = 120


def outcome(told):
    if "columns" in told:
        return Rows([(name, kind) for name, kind in told["columns"]], told["rows"])
    if "affected" in told:
        return Affected(told["affected"])
    if "error" in told:
        return Error(*told["error"])
    return Message(told["message"])


def number_of(told):
    return told["error"][0] if "error" in told else told.get("number")


class Java:
    """The process: requests may overlap, answers are handed to who asked."""

    def __init__(self, jars, log):
        self.log = open(log, "wb")
        self.child = subprocess.Popen(
            ["java", "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-cp", jars, str(RUNNER)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=self.log, preexec_fn=die_with_parent)
        self.numbers = itertools.count(1)
        self.lock = threading.Lock()
        self.waiting = {}
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.child.stdout:
            reply = json.loads(line)
            done, box = self.waiting.pop(reply["n"])
            box.append(reply)
            done.set()
        with self.lock:
            for done, _ in self.waiting.values():
                done.set()

    def ask(self, **request):
        number = next(self.numbers)
        done, box = threading.Event(), []
        with self.lock:
            self.waiting[number] = (done, box)
            self.child.stdin.write((json.dumps({"n": number, **request}) + "\n").encode("utf-8"))
            self.child.stdin.flush()
        if not done.wait(TIMEOUT) or not box:
            raise TimeoutError(f"the Java process did not answer; its log is {self.log.name}")
        if "fault" in box[0]:
            raise RuntimeError(box[0]["fault"])
        return box[0]

    def close(self):
        self.child.stdin.close()
        try:
            self.child.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
        self.reader.join(10)
        self.child.stdout.close()
        self.log.close()


def told(reply):
    return [outcome(each) for each in reply["outcomes"] if number_of(each) not in NOT_TOLD]


def for_java(parameters):
    out = []
    for kind, literal in parameters:
        name, size, digits, value = parsed_parameter(kind, literal)
        text = value.hex() if isinstance(value, bytes) else None if value is None else str(value)
        out.append({"type": name, "value": text, "size": size, "digits": digits})
    return out


class JdbcConnection:
    def __init__(self, java, identity, url, user, password):
        self.java, self.identity = java, identity
        reply = java.ask(op="connect", id=identity, url=url, user=user, password=password)
        if reply.get("failed"):
            raise LoginFailed(told(reply))

    def run(self, sql, parameters=(), keep=False):
        return told(self.java.ask(op="run", id=self.identity, sql=sql, keep=keep, parameters=for_java(parameters)))

    def again(self, parameters):
        return told(self.java.ask(op="again", id=self.identity, parameters=for_java(parameters)))

    def close(self):
        self.java.ask(op="close", id=self.identity)


class Jdbc(Client):
    name = "JDBC"

    def __init__(self, jars, log):
        self.java = Java(jars, log)
        self.connections = itertools.count(1)

    def connect(self, server, user, password, database, seconds=30):
        url = (f"jdbc:sqlserver://{server.host}:{server.port};databaseName={{{database}}};encrypt=true;"
               f"trustServerCertificate=true;lastUpdateCount=false;sendTimeAsDatetime=false;connectRetryCount=0;loginTimeout={seconds}")
        return JdbcConnection(self.java, str(next(self.connections)), url, user, password)

    def close(self):
        self.java.close()
