"""Runs build/tailrace with a Kafka target: the configuration, and what becomes of it."""

import pathlib

from tests.support.odbc import driver_setting
from tests.support.pipeline import Pipeline

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
  type: kafka
  transaction_timeout: {transaction_timeout}
  topics: {{ partitions: {partitions}, replication: 1 }}
  events: {{ topic_prefix: {name}, {events} }}{registry}{target_more}
kafka:
  bootstrap_servers: [{bootstrap}]
  patience: 20s
tables:
  include: [{include}]
snapshot: {{ mode: {mode}, readers: {readers}, chunk_rows: {chunk_rows} }}
stream: {{ poll_interval: {poll_interval} }}
"""


class KafkaPipeline(Pipeline):
    def __init__(self, simulator, broker, directory, database, name="shop", include="dbo.*", readers=2, chunk_rows=500,
                 poll_interval="20ms", partitions=3, transaction_timeout="60s", registry=None,
                 mode="initial", target_more=""):
        # pylint: disable=super-init-not-called
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.config = self.directory / f"{name}.yaml"
        source_driver, environment = driver_setting(self.directory)
        self.values = {
            "name": name, "source_driver": source_driver, "source_host": simulator.host, "source_port": simulator.port,
            "database": database, "source_user": simulator.user, "bootstrap": broker.address, "include": include,
            "readers": readers, "chunk_rows": chunk_rows, "poll_interval": poll_interval, "partitions": partitions,
            "transaction_timeout": transaction_timeout, "mode": mode, "target_more": target_more,
            "events": "format: avro" if registry else "format: json, json_schemas: false",
            "registry": f"\n  schema_registry: {{ urls: ['{registry}'] }}" if registry else ""}
        self.environment = {"TAILRACE_SOURCE_PASSWORD": simulator.password, **environment}
        self.runs = 0
        self.write()

    def write(self, text=None, **changed):
        self.values.update(changed)
        self.config.write_text(text if text is not None else CONFIG.format(**self.values), encoding="utf-8")
