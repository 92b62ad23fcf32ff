"""What stands before a Schema Registry where people run one: TLS, a login, a certificate that is asked for, faults on order.

Apicurio itself asks for none of these without a server of identities beside it; what it answers passes through as it is.
"""

import base64
import http.client
import http.server
import socket
import ssl
import threading


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, *words):
        self.connected = set()
        super().__init__(*words)

    def process_request(self, request, client_address):
        self.connected.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request):
        self.connected.discard(request)
        super().shutdown_request(request)

    def cut_off(self):
        for request in list(self.connected):
            try:
                request.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # It is gone already.

    def handle_error(self, request, client_address):
        pass  # Whom we refuse or cut off: the other side says so.


class Front:
    """`login` is (user, password); `tls` are (certificate, key) files; `ca` the file of who may vouch for clients. `answers` are taken
    before the registry is asked: (status, body), one for each request."""

    def __init__(self, registry, login=None, tls=None, ca=None):
        self.registry = registry
        self.login = login and "Basic " + base64.b64encode(":".join(login).encode()).decode()
        self.answers = []
        self.asked = []  # (method, path) of every request.
        self.scheme = "http" if tls is None else "https"
        self.tls, self.ca = tls, ca
        self.port = 0
        self.server = self.thread = None
        self.start()

    def start(self):
        """The address stays after the first time."""
        self.server = Server(("127.0.0.1", self.port), self._handler())
        self.port = self.server.server_address[1]
        if self.tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*map(str, self.tls))
            if self.ca is not None:
                context.verify_mode = ssl.CERT_REQUIRED
                context.load_verify_locations(str(self.ca))
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def url(self, host="127.0.0.1"):
        return f"{self.scheme}://{host}:{self.port}{self.registry.PATH}"

    def _handler(front):  # pylint: disable=no-self-argument
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                front.asked.append((self.command, self.path))
                if front.login is not None and self.headers.get("Authorization") != front.login:
                    return self.send(401, b'{"error_code":401,"message":"Unauthorized"}')
                if front.answers:
                    return self.send(*front.answers.pop(0))
                behind = http.client.HTTPConnection("127.0.0.1", front.registry.port, timeout=60)
                try:
                    behind.request(self.command, self.path, body or None, {
                        "Content-Type": self.headers.get("Content-Type", "application/json"), "Accept": "application/json"})
                    said = behind.getresponse()
                    return self.send(said.status, said.read())
                except OSError:
                    return self.send(502, b"<html>Bad Gateway</html>")
                finally:
                    behind.close()

            def send(self, status, body):
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PUT = do_DELETE = answer

            def handle(self):
                try:
                    super().handle()
                except (OSError, ssl.SSLError):
                    pass  # Whom we refuse goes away: the other side says so.

        return Handler

    def stop(self):
        """Nobody listens any more, and whoever is connected is cut off."""
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
            self.server.cut_off()
            self.thread.join(10)
            self.server = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
