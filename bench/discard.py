"""A reader that throws rows away: the smallest TDS client there is, so that what is measured is the server.

    BENCH_PASSWORD=... python -m bench.discard PORT DATABASE 'ROWS SELECT ...' ...

Each answer must end with a DONE of so many rows.

Source   [MS-TDS] 2.2.6.5 (PRELOGIN), 2.2.6.4 (LOGIN7), 2.2.6.7 (SQL batch), 2.2.3.1 (packet header), 2.2.7.6 (DONE).
"""

import os
import socket
import ssl
import struct
import sys

BATCH, LOGIN, PRELOGIN = 1, 16, 18
PACKET_BYTES = 16384
END_OF_MESSAGE = 1
DONE = 0xFD


def packet(kind, payload):
    return struct.pack(">BBHHBB", kind, END_OF_MESSAGE, 8 + len(payload), 0, 1, 0) + payload


def prelogin():
    """Version and encryption (1: on for everything)."""
    values = [b"\x10\0\0\0\0\0", b"\x01"]
    offset = 5 * len(values) + 1
    head = b""
    for token, value in enumerate(values):
        head += struct.pack(">BHH", token, offset, len(value))
        offset += len(value)
    return packet(PRELOGIN, head + b"\xff" + b"".join(values))


def login(password, database):
    """LOGIN7 of TDS 7.4."""
    hidden = bytes(((b << 4 & 0xF0) | b >> 4) ^ 0xA5 for b in password.encode("utf-16-le"))
    texts = ["bench".encode("utf-16-le"), "sa".encode("utf-16-le"), hidden, "bench".encode("utf-16-le"), b"", b"", b"", b"",
             database.encode("utf-16-le")]
    offset = 94
    table = body = b""
    for text in texts:
        table += struct.pack("<HH", offset, len(text) // 2)
        offset += len(text)
        body += text
    # Then the client's id, SSPI, the file to attach, the new password, the long length of SSPI.
    table += b"\0" * 6 + struct.pack("<HHHHHHI", offset, 0, offset, 0, offset, 0, 0)
    fixed = struct.pack("<IIIIIBBBBiI", 0x74000004, PACKET_BYTES, 7, os.getpid(), 0, 0xE0, 3, 0, 0, 0, 0x409)
    payload = fixed + table + body
    return packet(LOGIN, struct.pack("<I", 4 + len(payload)) + payload)


class Connection:
    """TLS over the whole connection; its handshake travels in PRELOGIN packets."""

    def __init__(self, port, password, database):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.sendall(prelogin())
        self._packet(self._receive_exactly)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE  # As tailrace's `encrypt: require`.
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        self.inward, self.outward = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.inward, self.outward)
        while True:
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self._flush(lambda data: packet(PRELOGIN, data))
                self.inward.write(self._packet(self._receive_exactly)[1])
        self._flush(lambda data: packet(PRELOGIN, data))
        self.send(login(password, database))
        self.answer()

    def _flush(self, form=lambda data: data):
        if self.outward.pending:
            self.socket.sendall(form(self.outward.read()))

    def _receive_exactly(self, count):
        data = b""
        while len(data) < count:
            data += self._more(count - len(data))
        return data

    def _more(self, count=1 << 18):
        data = self.socket.recv(count)
        if not data:
            raise ConnectionError("the server has closed the connection")
        return data

    def send(self, data):
        self.tls.write(data)
        self._flush()

    def _read(self, count):
        data = b""
        while len(data) < count:
            try:
                data += self.tls.read(count - len(data))
            except ssl.SSLWantReadError:
                self.inward.write(self._more())
        return data

    @staticmethod
    def _packet(read):
        """(is it the message's last, its payload)."""
        head = read(8)
        return head[1] & END_OF_MESSAGE, read(struct.unpack(">H", head[2:4])[0] - 8)

    def answer(self):
        """Reads one message and keeps its end alone: the last 13 bytes are a DONE token."""
        end = b""
        while True:
            last, payload = self._packet(self._read)
            end = (end + payload[-13:])[-13:]
            if last:
                return end

    def discard(self, sql):
        """The number of rows of the answer."""
        headers = struct.pack("<IIHQI", 22, 18, 2, 0, 1)
        self.send(packet(BATCH, headers + sql.encode("utf-16-le")))
        token, status, _, rows = struct.unpack("<BHHQ", self.answer())
        if token != DONE or status & 2:
            raise ValueError(f"the answer ends with token {token:#x}, status {status:#x}")
        return rows


def main():
    connection = Connection(int(sys.argv[1]), os.environ["BENCH_PASSWORD"], sys.argv[2])
    for word in sys.argv[3:]:
        wanted, _, sql = word.partition(" ")
        rows = connection.discard(sql)
        if rows != int(wanted):
            raise ValueError(f"{rows} rows came, not {wanted}: {sql}")


if __name__ == "__main__":
    main()
