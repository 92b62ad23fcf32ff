"""What is measured of a run: bytes of connections, CPU and memory of processes that have ended."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

from bench.measure import HighWater, Meter, Wire, forget_peak, run_measured, wait_ended
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

    # A server that was there before must not be charged for what it once took.
    def test_a_peak_that_is_forgotten_does_not_count(self):
        code = "import sys; print(len(bytearray(80_000_000)), flush=True); sys.stdin.read()"
        with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
            child.stdout.readline()
            forget_peak(child.pid)
            water = HighWater()
            water.look_at([child.pid])
            self.assertLess(water.total(), 80_000_000)
            child.communicate()
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

    # A pipeline is two processes, and a worker of Kafka Connect goes on behind the run that it is measured in.
    def test_processes_of_one_name_count_together_and_one_that_stays_counts_until_the_clock_ends(self):
        burn = "import time\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass\n"
        stays = "import sys\n" + burn + "print(1, flush=True); sys.stdin.readline()\n" + burn + "print(1, flush=True); " \
                "sys.stdin.readline()"
        with tempfile.TemporaryDirectory() as directory, \
                subprocess.Popen([sys.executable, "-c", stays], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as worker:
            worker.stdout.readline()
            meter = Meter({})
            meter.watch("worker", worker, from_now=True)
            pair = [Process([sys.executable, "-c", burn], f"{directory}/log") for _ in range(2)]
            for process in pair:
                meter.watch("pair", process)
            for process in pair:
                wait_ended(process, 60)
            meter.stop_clock()
            worker.stdin.write(b"\n")
            worker.stdin.flush()
            worker.stdout.readline()
            usage = meter.stop()
            for process in pair:
                process.stop()
            worker.communicate()
        self.assertGreaterEqual(usage.cpu_seconds["pair"], 0.56)
        self.assertLess(usage.cpu_seconds["worker"], 0.2)


if __name__ == "__main__":
    unittest.main()
