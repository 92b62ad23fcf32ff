"""A TCP proxy in front of PostgreSQL that loses the answer of a COMMIT.

It forwards everything until the armed number of COMMITs has come by. That one reaches the server; the answer never
reaches the client: both connections are cut. Two ways: `answered` cuts only when the server has answered (the
transaction is durable for sure), `sent` cuts as soon as the COMMIT is sent (the server may still be at it).
"""

import socket
import threading

NEEDLES = (b"COMMIT\0", b"commit\0")  # With its end: READ COMMITTED is another thing.


class Proxy:
    """Listens on 127.0.0.1. The client must not use TLS: the proxy reads what passes."""

    def __init__(self, target_port):
        self.target_port = target_port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.lock = threading.Lock()
        self.way = None
        self.commits_left = 0
        self.at_loss = None
        self.cuts = 0
        self.open = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def arm(self, way, commits, at_loss=lambda: None):
        """Loses the answer of the `commits`-th COMMIT from now, counted over all connections.

        at_loss() is called while that answer is on its way, before the client's connection is cut.
        """
        with self.lock:
            self.way, self.commits_left, self.at_loss = way, commits, at_loss

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.target_port))
            pair = _Pair(self, client, server)
            with self.lock:
                self.open.add(pair)
            pair.start()

    def cut_all(self):
        with self.lock:
            pairs = list(self.open)
        for pair in pairs:
            pair.cut()

    def close(self):
        self.listener.close()
        self.cut_all()


class _Pair:
    def __init__(self, proxy, client, server):
        self.proxy = proxy
        self.client = client
        self.server = server
        self.losing = False
        self.awaits_answer = False

    def start(self):
        threading.Thread(target=self._forward_up, daemon=True).start()
        threading.Thread(target=self._forward_down, daemon=True).start()

    def _is_the_one(self, data):
        if not any(needle in data for needle in NEEDLES):
            return None
        with self.proxy.lock:
            if self.proxy.way is None:
                return None
            self.proxy.commits_left -= 1
            if self.proxy.commits_left > 0:
                return None
            way, self.proxy.way = self.proxy.way, None
            return way

    def _forward_up(self):
        try:
            while data := self.client.recv(65536):
                way = self._is_the_one(data)
                if way is not None:
                    self.awaits_answer = way == "answered"
                    self.losing = True  # Before it is sent: its answer must not slip through.
                    with self.proxy.lock:
                        self.proxy.cuts += 1
                self.server.sendall(data)
                if way == "sent":
                    self.proxy.at_loss()
                    # The client loses its connection now; the server keeps its own until it has answered.
                    self._close(self.client)
                    return
        except OSError:
            pass
        if not self.losing:
            self.cut()

    def _forward_down(self):
        try:
            while data := self.server.recv(65536):
                if self.losing:
                    if self.awaits_answer:
                        self.proxy.at_loss()
                    break  # It was answered, so it is done. Nobody will know from this connection.
                self.client.sendall(data)
        except OSError:
            pass
        self.cut()

    def _close(self, end):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        end.close()

    def cut(self):
        self._close(self.client)
        self._close(self.server)
        with self.proxy.lock:
            self.proxy.open.discard(self)
