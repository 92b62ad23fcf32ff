"""Processes that tests and demo start: private directories, free ports on 127.0.0.1, ended by their own id."""

import ctypes
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("TAILRACE_BUILD", ROOT / "build"))
PR_SET_PDEATHSIG = 1


class NotReady(Exception):
    """A process ended, or a condition did not come true, within its time."""


_given_ports = set()


def free_port():
    """A port that is free now, and that this process was not given before: a server may need several.

    Others may take it before we do: starters try again with another one.
    """
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        if port not in _given_ports:
            _given_ports.add(port)
            return port


def private_directory(name, parent=None):
    """A new directory that every user may pass through (PostgreSQL runs as another user than the tests)."""
    path = pathlib.Path(tempfile.mkdtemp(prefix=f"tailrace-{name}-", dir=parent))
    path.chmod(0o755)
    return path


def memory_directory(needed_bytes):
    """A parent for directories of many files, in memory where there is room; None is the usual one."""
    path = "/dev/shm"
    if not os.path.isdir(path) or shutil.disk_usage(path).free < needed_bytes:
        return None
    return path


def wait_until(condition, seconds, what, every=0.02):
    """Calls condition() until it answers something true, which is returned; NotReady after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise NotReady(f"not within {seconds} s: {what}")
        time.sleep(every)


def die_with_parent():
    """For preexec_fn: the child is ended when its parent is gone, however that ended."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Process:
    """A child with its output in files. Leaving the scope ends it."""

    def __init__(self, command, log, env=None, keep=False, stdout=None, stdin=None):
        self.command = [str(word) for word in command]
        self.log_path = pathlib.Path(log)
        self._log = open(self.log_path, "ab")
        self._out = open(stdout, "wb") if stdout else self._log
        self._in = open(stdin, "rb") if stdin else subprocess.DEVNULL
        self.child = subprocess.Popen(
            self.command, stdin=self._in, stdout=self._out, stderr=self._log,
            env={**os.environ, **(env or {})}, start_new_session=keep,
            preexec_fn=None if keep else die_with_parent)

    @property
    def pid(self):
        return self.child.pid

    def running(self):
        return self.child.poll() is None

    def log(self):
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    def send(self, number):
        if self.running():
            self.child.send_signal(number)

    def wait(self, seconds):
        """The exit code; negative for a signal, as subprocess has it."""
        try:
            return self.child.wait(timeout=seconds)
        except subprocess.TimeoutExpired as late:
            raise NotReady(f"still running after {seconds} s: {' '.join(self.command)}\n{self.log()[-4000:]}") from late
        finally:
            if not self.running():
                self.close_files()

    def stop(self, number=signal.SIGTERM, seconds=20):
        """Asks, then kills."""
        if self.running():
            self.child.send_signal(number)
            try:
                self.child.wait(timeout=seconds)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
        self.close_files()
        return self.child.returncode

    def kill(self):
        if self.running():
            self.child.kill()
        self.child.wait()
        self.close_files()
        return self.child.returncode

    def close_files(self):
        for file in (self._log, self._out, self._in):
            if file is not subprocess.DEVNULL:
                file.close()

    def peak_bytes(self):
        """The largest resident set so far (VmHWM); None once the process is gone."""
        try:
            status = pathlib.Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        except OSError:
            return None
        for line in status.splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        return None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
