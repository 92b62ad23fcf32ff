"""What a run costs: wall time, CPU seconds of whole process trees, peak memory, bytes on the wire.

Units    seconds, bytes.
Source   proc(5): /proc/PID/stat (a process that is not waited for yet still has its times there, with those of its
         children that ended), /proc/PID/status (VmHWM); ss(8), -E: the kernel tells of
         every socket as it is destroyed, with the bytes that it carried. That costs the measured ones nothing; it needs
         root, and without it the bytes are not known.
"""

import contextlib
import dataclasses
import os
import pathlib
import select
import shutil
import socket
import subprocess
import tempfile
import threading
import time

from tests.support.processes import NotReady

TICK = os.sysconf("SC_CLK_TCK")
MARK_SECONDS = 0.1


@dataclasses.dataclass
class Usage:
    """One run. CPU by the name of the process tree, memory of those that are no servers, bytes by the name of the server."""

    wall_seconds: float = 0.0
    cpu_seconds: dict = dataclasses.field(default_factory=dict)
    peak_bytes: dict = dataclasses.field(default_factory=dict)
    wire_bytes: dict = dataclasses.field(default_factory=dict)


def _stat(pid):
    """(parent, CPU seconds of the process and of its children that ended), None when it is gone."""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return int(fields[1]), sum(map(int, fields[11:15])) / TICK


def _tree(root):
    """pid -> CPU seconds, of a process and its descendants."""
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit() and (stat := _stat(entry)) is not None:
            found[int(entry)] = stat
    children = {}
    for pid, (parent, _) in found.items():
        children.setdefault(parent, []).append(pid)
    tree = {}
    waiting = [root]
    while waiting:
        pid = waiting.pop()
        if pid in found:
            tree[pid] = found[pid][1]
        waiting += children.get(pid, [])
    return tree


def cpu_seconds(root):
    return sum(_tree(root).values())


def forget_peak(pid):
    """The largest resident memory of a process counts from now: of a server that was there before (proc(5), clear_refs)."""
    pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")


class HighWater:
    """The largest resident memory of processes up to now; their files stay open, because they are read 50 times a second."""

    def __init__(self):
        self.files = {}

    def look_at(self, pids):
        for pid in set(self.files) - set(pids):
            self._close(self.files.pop(pid))
        for pid in set(pids) - set(self.files):
            try:
                self.files[pid] = os.open(f"/proc/{pid}/status", os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                self.files[pid] = None  # Gone before it was seen.

    def total(self):
        return sum(map(self._read, list(self.files)))

    def _read(self, pid):
        if self.files[pid] is None:
            return 0
        try:
            text = os.pread(self.files[pid], 4096, 0)
        except ProcessLookupError:
            self._close(self.files[pid])
            self.files[pid] = None
            return 0
        at = text.find(b"VmHWM:")
        return int(text[at + 6:].split(None, 1)[0]) * 1024 if at >= 0 else 0  # A process that has ended has none.

    @staticmethod
    def _close(file):
        if file is not None:
            os.close(file)

    def close(self):
        self.look_at([])


def wait_ended(process, seconds):
    """Waits until a child has ended, and leaves it unreaped: its times can still be read."""
    with contextlib.closing(_Descriptor(os.pidfd_open(process.pid))) as descriptor:
        poller = select.poll()
        poller.register(descriptor.number, select.POLLIN)
        if not poller.poll(seconds * 1000):
            raise NotReady(f"still running after {seconds} s: {' '.join(process.command[:3])}\n{process.log()[-2000:]}")


class _Descriptor:
    def __init__(self, number):
        self.number = number

    def close(self):
        os.close(self.number)


class Wire:
    """Bytes of all TCP connections to some local ports that end while this is open."""

    def __init__(self, ports):
        self.ports = {str(port): name for name, port in ports.items()}
        self.bytes = {name: 0 for name in ports}
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.process = None
        self.rest = b""
        if os.geteuid() == 0 and shutil.which("ss"):
            # Into a file: at a pipe that nobody reads during a run ss would wait, and lose what the kernel tells meanwhile.
            self.told = tempfile.TemporaryFile()
            self.read_to = 0
            self.process = subprocess.Popen(["ss", "-tEinHO"], stdout=self.told, stderr=subprocess.DEVNULL)
            self.pass_mark()

    def _mark(self):
        """A connection that begins and ends: once it is told, everything that ended before has been told."""
        with socket.create_connection(self.listener.getsockname()) as one:
            name = one.getsockname()
            self.listener.accept()[0].close()
        return f"127.0.0.1:{name[1]}"

    def pass_mark(self):
        """Reads what was told up to now; False when ss has ended, as it does when the kernel tells more than it can follow."""
        marks = {self._mark()}
        next_mark = time.monotonic() + MARK_SECONDS
        while True:
            ended = self.process.poll() is not None
            chunk = os.pread(self.told.fileno(), 1 << 20, self.read_to)
            if not chunk:
                if ended:
                    return False
                if time.monotonic() > next_mark:
                    marks.add(self._mark())  # The first ones may lie before ss listens.
                    next_mark = time.monotonic() + MARK_SECONDS
                time.sleep(0.01)
                continue
            self.read_to += len(chunk)
            *lines, self.rest = (self.rest + chunk).split(b"\n")
            seen = [self._take(line.decode("ascii", "replace").split()) for line in lines]
            if marks.intersection(filter(None, seen)):
                return True

    def _take(self, words):
        """Counts the client's end of a connection; answers its address."""
        if len(words) < 5:
            return None
        server = self.ports.get(words[4].rpartition(":")[2])
        if server is not None:
            for word in words[5:]:
                if word.startswith(("bytes_sent:", "bytes_received:")):
                    self.bytes[server] += int(word.partition(":")[2])
        return words[3]

    def close(self):
        """The bytes by the server's name, both ways together; {} when they cannot be known."""
        try:
            if self.process is None or not self.pass_mark():
                return {}
            return dict(self.bytes)
        finally:
            self.listener.close()
            if self.process is not None:
                self.process.terminate()
                self.process.wait()
                self.told.close()


class Meter:
    """Measures from its beginning to stop(). `servers`: name -> (pid, port) of processes that are there before and after."""

    def __init__(self, servers):
        self.roots = {name: [pid] for name, (pid, _) in servers.items()}
        self.wire = Wire({name: port for name, (_, port) in servers.items()})
        self.looked_at = {}  # Whose memory is looked at: no servers', which nobody asks for.
        self.before = {name: self._cpu(name) for name in self.roots}
        self.at_clock = {}  # CPU of processes that go on behind the run.
        self.from_now = []
        self.usage = Usage()
        self.ended = threading.Event()
        self.sampler = threading.Thread(target=self._sample, daemon=True)
        self.started = time.monotonic()
        self.sampler.start()

    def _cpu(self, name):
        return sum(map(cpu_seconds, self.roots[name]))

    def watch(self, name, process, from_now=False):
        """A process that the run began: its times count from its beginning; or, of one that was there before and stays, from now to
        the clock's end. Several of one name count together."""
        self.before[name] = self.before.get(name, 0.0) + (cpu_seconds(process.pid) if from_now else 0.0)
        self.roots.setdefault(name, []).append(process.pid)
        self.looked_at[name] = self.roots[name]
        if from_now:
            self.from_now.append(name)

    def _sample(self):
        waters = {}
        turn = 0
        while not self.ended.wait(0.02):
            for name, roots in list(self.looked_at.items()):
                if name not in waters:
                    waters[name] = HighWater()
                    waters[name].look_at(roots)
                # The list of all processes is dear; half a second is enough to see new children.
                elif turn % 25 == 0 or len(waters[name].files) < len(roots):
                    waters[name].look_at([pid for root in list(roots) for pid in _tree(root)])
                self.usage.peak_bytes[name] = max(self.usage.peak_bytes.get(name, 0), waters[name].total())
            turn += 1
        for water in waters.values():
            water.close()

    def stop_clock(self):
        self.usage.wall_seconds = time.monotonic() - self.started
        self.at_clock = {name: self._cpu(name) for name in self.from_now}

    def stop(self, settled=lambda: None):
        """Ends the measurement. settled() returns once the servers have closed what the run had open."""
        if not self.usage.wall_seconds:
            self.stop_clock()
        self.ended.set()
        self.sampler.join()
        settled()
        now = {name: self._cpu(name) for name in self.roots}
        self.usage.cpu_seconds = {name: cpu - self.before[name] for name, cpu in {**now, **self.at_clock}.items()}
        self.usage.wire_bytes = self.wire.close()
        return self.usage


def run_measured(servers, name, start, seconds, settled):
    """Starts a process by start(), waits for its end, and answers (usage, process); the process is not judged."""
    meter = Meter(servers)
    process = None
    try:
        process = start()
        meter.watch(name, process)
        wait_ended(process, seconds)
        meter.stop_clock()
        return meter.stop(settled), process
    finally:
        if not meter.ended.is_set():
            meter.stop()
        if process is not None:
            process.stop()
