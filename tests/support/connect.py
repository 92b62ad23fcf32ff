"""A private Kafka Connect worker (distributed, of one member) and its connectors, over its REST interface."""

import json
import secrets
import shutil
import urllib.error
import urllib.request
import zipfile

from tests.support.jvm import SMALL, java, part, properties
from tests.support.processes import NotReady, Process, free_port, private_directory, wait_until

WORKER_HEAP_MEGABYTES = 768
START_SECONDS = 180  # It takes 9.
# Of parts that are plain jars: the converter that is in them. None of the jars says so, and to look through all classes takes seconds.
CONVERTERS = {"avro-converter": "io.apicurio.registry.utils.converter.AvroConverter"}


def plugin_folder(name, directory):
    """What a worker's plugin.path has of a part; where that needs to be made, in `directory`."""
    folder = part(name)
    if name not in CONVERTERS:
        return folder
    home = directory / "plugins" / name
    home.mkdir(parents=True)
    for jar in folder.iterdir():
        # Kafka's own are the worker's, of another version.
        if not jar.name.startswith(("connect-", "kafka-clients-")):
            (home / jar.name).symlink_to(jar)
    with zipfile.ZipFile(home / "services.jar", "w") as services:
        services.writestr("META-INF/services/org.apache.kafka.connect.storage.Converter", CONVERTERS[name] + "\n")
    return home.parent


def avro_converters(registry):
    """A connector's settings: keys and values are Avro in Confluent's frame, by the schemas of a tests.support.registry."""
    settings = {
        "": CONVERTERS["avro-converter"],
        ".apicurio.registry.url": f"http://127.0.0.1:{registry.port}/apis/registry/v2",
        ".apicurio.registry.auto-register": "true",
        ".apicurio.registry.as-confluent": "true",
        ".apicurio.registry.headers.enabled": "false",
        ".apicurio.registry.use-id": "contentId",
        ".apicurio.registry.find-latest": "true",
        ".apicurio.registry.artifact-resolver-strategy": "io.apicurio.registry.serde.strategy.TopicIdStrategy",
        ".apicurio.registry.id-handler": "io.apicurio.registry.serde.Legacy4ByteIdHandler",
    }
    return {f"{side}.converter{name}": value for side in ("key", "value") for name, value in settings.items()}


class Refused(Exception):
    """The worker answered with an error."""

    def __init__(self, code, message):
        super().__init__(f"{code}: {message}")
        self.code = code


class Worker:
    """One worker with the plugins of the named parts. exactly_once: sources commit records and offsets in one transaction."""

    def __init__(self, broker, plugins, exactly_once=True, settings=None, heap_megabytes=WORKER_HEAP_MEGABYTES,
                 options=SMALL):
        self.broker = broker
        self.directory = private_directory("connect")
        self.plugins = [plugin_folder(name, self.directory) for name in plugins]
        self.exactly_once = exactly_once
        self.settings = settings or {}
        self.heap_megabytes = heap_megabytes
        self.options = options
        self.group = "connect-" + secrets.token_hex(4)
        self.host = "127.0.0.1"
        self.port = None
        self.process = None
        self.starts = 0
        self.start()

    def start(self):
        self.launch()
        self.wait_ready()

    def launch(self):
        """Starts it and does not wait: wait_ready() does."""
        self.port = free_port()
        self.starts += 1
        command = java("org.apache.kafka.connect.cli.ConnectDistributed", self._configure(),
                       heap_megabytes=self.heap_megabytes, directory=self.directory,
                       loggers={"io.debezium": "info"}, options=self.options)
        self.process = Process(command, self.directory / f"log.{self.starts}")

    def wait_ready(self):
        for _ in range(5):
            try:
                wait_until(self._answers, START_SECONDS, "Kafka Connect answers", every=0.1)
                return
            except NotReady as failure:
                log = self.process.log()
                self.process.kill()
                if "Address already in use" not in log and "Failed to bind" not in log:
                    raise NotReady(f"Kafka Connect did not start: {failure}\n{log[-4000:]}") from None
                self.launch()
        raise NotReady("no free port for Kafka Connect")

    def _configure(self):
        return properties(self.directory / "worker.properties", {
            "bootstrap.servers": self.broker.address,
            "group.id": self.group,
            "listeners": f"http://{self.host}:{self.port}",
            "rest.advertised.host.name": self.host,
            "plugin.path": ",".join(str(folder) for folder in self.plugins),
            "plugin.discovery": "service_load",  # Looking through all classes takes seconds.
            "key.converter": "org.apache.kafka.connect.json.JsonConverter",
            "value.converter": "org.apache.kafka.connect.json.JsonConverter",
            "config.storage.topic": f"{self.group}-configs",
            "offset.storage.topic": f"{self.group}-offsets",
            "status.storage.topic": f"{self.group}-status",
            "config.storage.replication.factor": 1,
            "offset.storage.replication.factor": 1,
            "status.storage.replication.factor": 1,
            "offset.storage.partitions": 1,
            "status.storage.partitions": 1,
            "offset.flush.interval.ms": 500,
            "exactly.once.source.support": "enabled" if self.exactly_once else "disabled",
            # A worker that was killed is given up soon.
            "session.timeout.ms": 6000,
            "heartbeat.interval.ms": 500,
            "scheduled.rebalance.max.delay.ms": 0,
            "topic.creation.enable": "true",
            **self.settings,
        })

    def _answers(self):
        if not self.process.running():
            raise NotReady(f"it ended with {self.process.child.returncode}")
        try:
            # The port may belong to another worker.
            found = self.call("GET", "/")["kafka_cluster_id"]
            self.call("GET", "/health")
        except (urllib.error.URLError, ConnectionError, Refused):
            return False
        if found != self.broker.cluster_id:
            raise NotReady(f"port {self.port} works for cluster {found}, not ours")
        return True

    def call(self, method, path, body=None):
        """The answer, as it is in JSON; None where there is none."""
        request = urllib.request.Request(f"http://{self.host}:{self.port}{path}", method=method,
                                         data=None if body is None else json.dumps(body).encode(),
                                         headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=100) as answer:
                text = answer.read()
        except urllib.error.HTTPError as refusal:
            with refusal:
                said = refusal.read().decode(errors="replace")
            raise Refused(refusal.code, said) from None
        return json.loads(text) if text else None

    def log(self):
        """Of all its lives."""
        return "".join((self.directory / f"log.{number + 1}").read_text(encoding="utf-8", errors="replace")
                       for number in range(self.starts))

    def kill(self):
        """As kill -9 does; start() gives it another life, with another port."""
        self.process.kill()

    def stop(self):
        self.process.stop(seconds=30)
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Connector:
    """One connector of a worker, by its name."""

    def __init__(self, worker, name, config):
        self.worker = worker
        self.name = name
        self.config = {"name": name, **config}

    @property
    def path(self):
        return f"/connectors/{self.name}"

    def _patiently(self, method, path, body=None, seconds=60):
        """A worker that is just joining or leaving its group answers 409: the same again is what its documents ask for."""

        def called():
            try:
                return (self.worker.call(method, path, body),)
            except Refused as refusal:
                if refusal.code != 409:
                    raise
                return None

        return wait_until(called, seconds, f"{method} {path} is not refused as rebalancing", every=0.1)[0]

    def deploy(self):
        """Creates or changes it; it then runs by itself: wait_running() waits for its tasks."""
        self._patiently("PUT", f"{self.path}/config", self.config)
        return self

    def create_stopped(self):
        """Without tasks, so that it can be told where to begin; resume() starts it."""
        self._patiently("POST", "/connectors", {"name": self.name, "config": self.config, "initial_state": "STOPPED"})
        wait_until(lambda: self.status()["connector"]["state"] == "STOPPED", 60, f"{self.name} is stopped", every=0.1)
        return self

    def begin_at(self, offsets):
        """(partition, offset) each, in the connector's own words; it must be stopped."""
        self._patiently("PATCH", f"{self.path}/offsets",
                        {"offsets": [{"partition": partition, "offset": offset} for partition, offset in offsets]})

    def status(self):
        """Without a connector and tasks as long as the worker has not read what it wrote."""
        try:
            return self._patiently("GET", f"{self.path}/status")
        except Refused as refusal:
            if refusal.code != 404:
                raise
            return {"connector": {"state": "UNASSIGNED"}, "tasks": []}

    def offsets(self):
        """The stored offsets, as (partition, offset) each."""
        found = self._patiently("GET", f"{self.path}/offsets")["offsets"]
        return [(each["partition"], each["offset"]) for each in found]

    def assert_alive(self):
        """Raises when the connector or a task has failed: nothing is then worth waiting for."""
        status = self.status()
        for each in [status["connector"], *status["tasks"]]:
            if each["state"] == "FAILED":
                raise NotReady(f"{self.name} has failed: {each.get('trace')}")

    def wait_running(self, seconds=60):
        def running():
            self.assert_alive()
            tasks = self.status()["tasks"]
            return tasks and all(task["state"] == "RUNNING" for task in tasks)

        wait_until(running, seconds, f"{self.name} runs", every=0.1)
        return self

    def restart(self):
        """The connector and its tasks."""
        self._patiently("POST", f"{self.path}/restart?includeTasks=true")

    def stop(self, seconds=60):
        """Its tasks end, in order; the offsets stay."""
        self._patiently("PUT", f"{self.path}/stop")
        wait_until(lambda: self.status()["connector"]["state"] == "STOPPED" and not self.status()["tasks"], seconds,
                   f"{self.name} is stopped", every=0.1)

    def resume(self):
        self._patiently("PUT", f"{self.path}/resume")

    def delete(self):
        self._patiently("DELETE", self.path)
