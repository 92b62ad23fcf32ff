"""What passes between client and simulator is encrypted: a recorder between them sees no word of it."""

import socket
import threading
import unittest

from tests.support.simulator import Simulator, run_sql


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
