"""tsql and isql as functions: both over an encrypted connection, both FreeTDS, none of it ours."""

import os
import subprocess

ODBC_DRIVER = "/usr/lib/x86_64-linux-gnu/odbc/libtdsodbc.so"


class ClientFailed(Exception):
    """A client ended with an error of its own or of the server."""


def _run(command, text, environment, errors_in):
    done = subprocess.run(command, input=text, env={**os.environ, **environment}, capture_output=True, text=True,
                          encoding="utf-8", timeout=120, check=False)
    said = {"out": done.stdout, "err": done.stderr}
    for stream, marks in errors_in.items():
        if done.returncode != 0 or any(mark in said[stream] for mark in marks):
            raise ClientFailed(f"{command[0]} ended with {done.returncode}\n{text}\n{done.stdout}\n{done.stderr}")
    return done.stdout


class Tsql:
    name = "tsql"

    def __init__(self, simulator, directory):
        self.simulator = simulator
        self.config = directory / "freetds.conf"
        self.config.write_text(f"[sim]\nhost = {simulator.host}\nport = {simulator.port}\ntds version = 7.4\n"
                               "client charset = UTF-8\ntext size = 2147483647\nencryption = require\n",
                               encoding="utf-8")

    def run(self, batches, database="master"):
        """The rows of all results, each a list of texts; NULL is None."""
        text = "".join(batch + "\ngo\n" for batch in batches)
        out = _run(["tsql", "-S", "sim", "-U", self.simulator.user, "-P", self.simulator.password, "-D", database,
                    "-o", "fhq", "-t", "|"], text, {"FREETDSCONF": str(self.config)},
                   {"err": ["Msg ", "Error "], "out": []})
        return [[None if cell == "NULL" else cell for cell in line.split("|")] for line in out.splitlines()]


class Isql:
    name = "isql"

    def __init__(self, simulator, directory):
        self.simulator = simulator
        self.config = directory / "isql.conf"
        self.config.write_text("[global]\ntext size = 2147483647\n", encoding="utf-8")

    def run(self, batches, database="master"):
        """The rows of all results; isql shows NULL as an empty text."""
        connection = (f"Driver={ODBC_DRIVER};Server={self.simulator.host};Port={self.simulator.port};"
                      f"UID={self.simulator.user};PWD={self.simulator.password};Database={database};"
                      "TDS_Version=7.4;ClientCharset=UTF-8;Encryption=require")
        # A line is a batch to isql.
        text = "".join(" ".join(batch.split("\n")) + "\n" for batch in batches)
        out = _run(["isql", "-b", "-v", "-d|", "-k", connection], text, {"FREETDSCONF": str(self.config)},
                   {"out": ["[ISQL]ERROR"], "err": ["[ISQL]ERROR"]})
        return [line.split("|") for line in out.splitlines() if line and not line.startswith("SQLRowCount")]
