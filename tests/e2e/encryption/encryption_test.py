"""What passes between client and simulator: a recorder between them sees it, and no word of it where it is encrypted."""

import shutil
import socket
import subprocess
import threading
import unittest

from tests.support.processes import BUILD, private_directory
from tests.support.simulator import Simulator, run_sql

CONFIG = """\
pipeline: intent
source: {{ type: sqlserver, host: 127.0.0.1, port: {port}, databases: [master], user: sa, password: wrong,
           encrypt: {{ mode: off }}, application_intent: {intent} }}
target: {{ type: postgres, url: "postgresql://127.0.0.1:1/nowhere" }}
"""


def login_packet(seen):
    """The data of the first LOGIN7 ([MS-TDS] 2.2.6.4): what comes before it are PRELOGINs."""
    while seen[0] != 0x10:
        seen = seen[int.from_bytes(seen[2:4], "big"):]
    return seen[8:]


class Intent(unittest.TestCase):
    # Without the bit a listener leads to the primary, which the operator wanted to be spared.
    def test_read_only_intent_is_told(self):
        for intent, expected in (("read_write", 0), ("read_only", 0x20)):
            with self.subTest(intent), Simulator() as simulator, Recorder(simulator.port) as recorder:
                directory = private_directory("intent")
                self.addCleanup(shutil.rmtree, directory)
                config = directory / "intent.yaml"
                config.write_text(CONFIG.format(port=recorder.port, intent=intent), encoding="utf-8")
                subprocess.run([BUILD / "tailrace", "check", config], capture_output=True, check=False, timeout=60)
                type_flags = login_packet(recorder.sent)[26]
                self.assertEqual(type_flags & 0x20, expected)


class Encryption(unittest.TestCase):
    # Without encryption the password and every value would pass in the clear.
    def test_nothing_passes_in_the_clear(self):
        with Simulator() as simulator, Recorder(simulator.port) as recorder:
            with simulator.connect(port=recorder.port) as connection:
                self.assertEqual(run_sql(connection, "SELECT N'in the clear?'")[0][0], "in the clear?")
            self.assertGreater(len(recorder.seen), 500)
            self.assertNotIn("in the clear?".encode("utf-16-le"), recorder.seen)


class Recorder:
    """Forwards connections and keeps every byte of them."""

    def __init__(self, target_port):
        self.target_port = target_port
        self.seen = b""
        self.sent = b""  # By the clients alone.
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.target_port))
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self._forward, args=(source, sink), daemon=True).start()

    def _forward(self, source, sink):
        try:
            while data := source.recv(65536):
                self.seen += data
                if sink.getpeername()[1] == self.target_port:
                    self.sent += data
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()


if __name__ == "__main__":
    unittest.main()
