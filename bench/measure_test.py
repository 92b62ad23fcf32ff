"""What is measured of a run: bytes of connections, CPU and memory of processes that have ended."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

from bench.measure import HighWater, Wire, run_measured
from tests.support.processes import Process


def exchange(server, sent, answered):
    """One connection over which so many bytes go to the server and back."""
    def serve():
        with server.accept()[0] as one:
            left = sent
            while left:
                left -= len(one.recv(left))
            one.sendall(bytes(answered))

    thread = threading.Thread(target=serve)
    thread.start()
    with socket.create_connection(server.getsockname()) as client:
        client.sendall(bytes(sent))
        left = answered
        while left:
            left -= len(client.recv(left))
    thread.join()


@unittest.skipUnless(os.geteuid() == 0 and shutil.which("ss"), "bytes on the wire: needs root and ss")
class Bytes(unittest.TestCase):
    def test_both_ways_of_all_connections_to_a_server_count(self):
        with socket.create_server(("127.0.0.1", 0)) as server, socket.create_server(("127.0.0.1", 0)) as other:
            wire = Wire({"source": server.getsockname()[1], "target": other.getsockname()[1]})
            exchange(server, 100_000, 20_000)
            exchange(server, 3_000, 0)
            found = wire.close()
        # The kernel counts the opening packet as a byte or two.
        self.assertAlmostEqual(found["source"], 123_000, delta=10)
        self.assertEqual(found["target"], 0)

    # ss ends when the kernel tells more than it can follow: the bytes are unknown then, the run is not lost.
    def test_an_ended_ss_leaves_the_bytes_unknown(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            wire = Wire({"source": server.getsockname()[1]})
            wire.process.kill()
            wire.process.wait()
            self.assertEqual(wire.close(), {})


class Memory(unittest.TestCase):
    def test_what_a_process_gave_back_counts(self):
        code = "import sys; print(len(bytearray(80_000_000)), flush=True); sys.stdin.read()"
        with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
            child.stdout.readline()
            water = HighWater()
            water.look_at([child.pid])
            self.assertGreater(water.total(), 80_000_000)
            child.communicate()
        self.assertEqual(water.total(), 0)
        water.close()


class Processes(unittest.TestCase):
    # What psql, sh and rivet start counts as theirs, also when it has ended long before they do.
    def test_cpu_of_children_that_ended_counts(self):
        burn = "import time\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass"
        code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {burn!r}])"
        with tempfile.TemporaryDirectory() as directory:
            usage, process = run_measured({}, "it", lambda: Process([sys.executable, "-c", code], f"{directory}/log"), 60,
                                          lambda: None)
        self.assertEqual(process.child.returncode, 0)
        self.assertGreaterEqual(usage.cpu_seconds["it"], 0.28)
        self.assertGreater(usage.peak_bytes["it"], 1_000_000)


if __name__ == "__main__":
    unittest.main()
